package open311

import (
	"net/http"
	"slices"
	"strings"
	"time"

	"tabe/adapters/complaints"
	"tabe/flows/pengaduan"
)

// changeset is when what we offer last changed.
const changeset = "2026-11-25T00:00:00+08:00"

const (
	specification = "http://wiki.open311.org/GeoReport_v2"
	// contact is the office that runs this service, from the directory of offices.
	contact = "diskominfo@soppengkab.go.id"
)

// outside answers what stands above the version: only the discovery.
func (s *Server) outside(r *http.Request, file string) (any, error) {
	if file != "discovery" {
		return nil, &fault{http.StatusNotFound, "there is nothing here; see /open311/v2/discovery.xml"}
	}
	return s.discovery(r), nil
}

func (s *Server) collection(r *http.Request, file string) (any, error) {
	switch file {
	case "discovery":
		return s.discovery(r), nil
	case "services":
		return s.services(), nil
	case "requests":
		return s.requests(r)
	}
	return nil, &fault{http.StatusNotFound, "there is nothing here; see /open311/v2/discovery.xml"}
}

func (s *Server) discovery(r *http.Request) discovery {
	base := s.PublicURL
	if base == "" {
		base = "http://" + r.Host
	}
	return discovery{
		Changeset: changeset, Contact: contact, KeyService: "mailto:" + contact,
		Endpoints: []endpoint{{
			Specification: specification, URL: base + "/open311/v2", Changeset: changeset, Type: "production",
			Formats: []string{"text/xml", "application/json"},
		}},
	}
}

func (s *Server) services() services {
	list := services{}
	for _, k := range s.Catalogue.Kinds {
		if k.Public {
			list = append(list, service{
				Code: k.Code, Name: k.Name, Description: k.Name, Metadata: k.Place, Type: "realtime", Keywords: strings.ReplaceAll(k.Keywords, ", ", ","),
			})
		}
	}
	return list
}

// kind returns a kind that other systems may know.
func (s *Server) kind(code string) (pengaduan.Kind, error) {
	if k := s.Catalogue.Kind(code); k.Code != "" && k.Public {
		return k, nil
	}
	return pengaduan.Kind{}, &fault{http.StatusNotFound, "service_code was not found"}
}

// Codes of the attributes.
const (
	desaAttribute     = "desa"
	landmarkAttribute = "patokan"
)

func (s *Server) definition(_ *http.Request, code string) (any, error) {
	k, err := s.kind(code)
	if err != nil {
		return nil, err
	}
	if !k.Place {
		return nil, &fault{http.StatusNotFound, "the service has no definition"}
	}
	d := serviceDefinition{Code: k.Code, Attributes: []attribute{
		{Variable: true, Code: desaAttribute, Datatype: "singlevaluelist", Order: 1, Description: "Desa/kelurahan"},
		{Variable: true, Code: landmarkAttribute, Datatype: "string", Order: 2, Description: "Patokan"},
	}}
	for _, n := range s.Places.Names() {
		d.Attributes[0].Values = append(d.Attributes[0].Values, attributeValue{Key: n.Code, Name: n.Desa + ", " + n.Kecamatan})
	}
	return d, nil
}

func (s *Server) token(_ *http.Request, _ string) (any, error) {
	return nil, &fault{http.StatusNotFound, "token was not found: every request has its service_request_id at once"}
}

func (s *Server) request(r *http.Request, id string) (any, error) {
	n, ok := pengaduan.FindNumber(id)
	if !ok {
		return nil, &fault{http.StatusNotFound, "service_request_id was not found"}
	}
	found, err := s.Complaints.Published(r.Context(), complaints.Query{Numbers: []pengaduan.Number{n}})
	if err != nil {
		return nil, err
	}
	if len(found) == 0 {
		return nil, &fault{http.StatusNotFound, "service_request_id was not found"}
	}
	return s.shown(found), nil
}

func (s *Server) requests(r *http.Request) (any, error) {
	q, err := s.query(r)
	if err != nil {
		return nil, err
	}
	found, err := s.Complaints.Published(r.Context(), q)
	if err != nil {
		return nil, err
	}
	return s.shown(found), nil
}

// span is how much time one answer covers.
const span = 90 * 24 * time.Hour

// maxListed is how many values a list in a parameter may have.
const maxListed = 50

// query reads what GET requests asks for.
func (s *Server) query(r *http.Request) (q complaints.Query, err error) {
	values := r.URL.Query()
	if ids := listed(values.Get("service_request_id")); len(ids) > 0 { // overrides everything else
		if len(ids) > maxListed {
			return q, bad("at most %d service_request_id at once", maxListed)
		}
		for _, id := range ids {
			if n, ok := pengaduan.FindNumber(id); ok {
				q.Numbers = append(q.Numbers, n)
			}
		}
		if len(q.Numbers) == 0 {
			return q, &fault{http.StatusNotFound, "service_request_id was not found"}
		}
		return q, nil
	}
	if q.Kinds = listed(values.Get("service_code")); len(q.Kinds) > maxListed {
		return q, bad("at most %d service_code at once", maxListed)
	}
	for _, code := range q.Kinds {
		if _, err := s.kind(code); err != nil {
			return q, err
		}
	}
	if q.From, q.To, err = s.period(values.Get("start_date"), values.Get("end_date")); err != nil {
		return q, err
	}
	states := listed(values.Get("status"))
	for _, state := range states {
		if state != "open" && state != "closed" {
			return q, bad("status is open or closed")
		}
	}
	open, closed := slices.Contains(states, "open"), slices.Contains(states, "closed")
	q.Open, q.Closed = open && !closed, closed && !open
	return q, nil
}

// period is what start_date and end_date mean: 90 days at most, the last 90 if
// nothing is said.
func (s *Server) period(start, end string) (from, to time.Time, err error) {
	if start != "" {
		if from, err = time.Parse(time.RFC3339, start); err != nil {
			return from, to, bad("start_date is not like 2026-11-25T00:00:00Z")
		}
	}
	if end != "" {
		if to, err = time.Parse(time.RFC3339, end); err != nil {
			return from, to, bad("end_date is not like 2026-11-25T00:00:00Z")
		}
	}
	switch now := s.Clock(); {
	case start == "" && end == "":
		from, to = now.Add(-span), now
	case start == "":
		from = to.Add(-span)
	case end == "":
		to = from.Add(span)
	}
	if to.Before(from) || to.Sub(from) > span {
		return from, to, bad("start_date and end_date are at most 90 days apart, the earlier one first")
	}
	return from, to, nil
}

func listed(value string) []string {
	var list []string
	for part := range strings.SplitSeq(value, ",") {
		if part = strings.TrimSpace(part); part != "" {
			list = append(list, part)
		}
	}
	return list
}

func (s *Server) shown(found []complaints.Public) requests {
	list := make(requests, len(found))
	for i, p := range found {
		list[i] = request{
			ID: string(p.Number), Status: "open", Name: p.Kind.Name, Code: p.Kind.Code, Agency: p.Office,
			Requested: stamp(p.Filed), Updated: stamp(p.Updated), Description: optional(p.Description),
			Address: optional(strings.TrimPrefix(p.Desa+", "+p.Kecamatan, ", ")),
		}
		o := &list[i]
		if p.Closed {
			o.Status = "closed"
		}
		if p.Status == pengaduan.StatusHanded {
			o.StatusNotes = optional("SP4N-LAPOR!")
		}
		if p.Desa == "" && p.Kecamatan == "" {
			o.Address = nil
		}
		if p.Point != nil {
			o.Lat, o.Long = &p.Point.Lat, &p.Point.Lng
		}
	}
	return list
}

func stamp(t time.Time) string { return t.UTC().Format(time.RFC3339) }

func optional(text string) *string {
	if text == "" {
		return nil
	}
	return &text
}

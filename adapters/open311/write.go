package open311

import (
	"math"
	"mime"
	"net/http"
	"net/mail"
	"net/url"
	"strconv"
	"strings"
	"unicode/utf8"

	"tabe/adapters/complaints"
	"tabe/bot"
	"tabe/bot/ident"
	"tabe/flows/pengaduan"
)

// Limits of the fields of a filed complaint, in characters.
const (
	maxDescription = 4000
	maxAddress     = 500
	maxPerson      = 100
	maxURL         = 1000
)

// submit files a complaint for another system.
func (s *Server) submit(r *http.Request, file string) (any, error) {
	if file != "requests" {
		return nil, &fault{http.StatusNotFound, "only requests can be posted"}
	}
	if kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || kind != "application/x-www-form-urlencoded" {
		return nil, bad("the body is not application/x-www-form-urlencoded")
	}
	if err := r.ParseForm(); err != nil {
		return nil, bad("the body is no form, or longer than %d bytes", maxBody)
	}
	system, err := s.system(r.Form.Get("api_key"))
	if err != nil {
		// Guessing costs as much as reading, and does not slow down who has a key.
		if !s.readers.allow(address(r), s.Clock()) {
			return nil, &fault{http.StatusTooManyRequests, "too many requests"}
		}
		return nil, err
	}
	if !s.writers.allow(system, s.Clock()) {
		return nil, &fault{http.StatusTooManyRequests, "too many requests"}
	}
	if j := r.Form.Get("jurisdiction_id"); j != "" && j != Jurisdiction {
		return nil, &fault{http.StatusNotFound, "jurisdiction_id was not found"}
	}
	f, err := s.foreign(r.Form)
	if err != nil {
		return nil, err
	}
	f.Source = system
	n, err := s.Complaints.Submit(r.Context(), f)
	if err != nil {
		return nil, err
	}
	return receipts{{ID: string(n)}}, nil
}

// foreign reads a complaint out of a form.
func (s *Server) foreign(form url.Values) (f complaints.Foreign, err error) {
	code := form.Get("service_code")
	if code == "" {
		return f, bad("service_code was not provided")
	}
	k, err := s.kind(code)
	if err != nil {
		return f, err
	}
	f.Kind = k.Code
	if f.Text, err = text(form, "description", maxDescription); err != nil {
		return f, err
	}
	if f.Text == "" {
		f.Text = k.Name
	}
	if f.Place, err = s.place(form); err != nil {
		return f, err
	}
	first, err := text(form, "first_name", maxPerson)
	if err != nil {
		return f, err
	}
	last, err := text(form, "last_name", maxPerson)
	if err != nil {
		return f, err
	}
	f.Name = strings.TrimSpace(first + " " + last)
	if phone := form.Get("phone"); phone != "" {
		number, err := ident.ParsePhone(phone)
		if err != nil {
			return f, bad("phone is no telephone number")
		}
		f.Phone = string(number)
	}
	if f.Email, err = text(form, "email", maxPerson); err != nil {
		return f, err
	}
	if f.Email != "" {
		if a, err := mail.ParseAddress(f.Email); err != nil || a.Address != f.Email {
			return f, bad("email is no address")
		}
	}
	if link := form.Get("media_url"); link != "" {
		if u, err := url.Parse(link); err != nil || len(link) > maxURL || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" {
			return f, bad("media_url is no http or https address")
		}
		f.Media = []pengaduan.Media{{Kind: bot.MediaPhoto, Ref: link}}
	}
	f.Anonymous = f.Name == "" && f.Phone == "" && f.Email == ""
	return f, nil
}

// place reads where it is: one of lat and long, address_string, address_id, or
// the attributes of the service, as many as there are.
func (s *Server) place(form url.Values) (p pengaduan.Place, err error) {
	if p.Landmark, err = text(form, "address_string", maxAddress); err != nil {
		return p, err
	}
	mark, err := text(form, "attribute["+landmarkAttribute+"]", maxAddress)
	if err != nil {
		return p, err
	}
	if mark != "" {
		p.Landmark = strings.Trim(p.Landmark+", "+mark, ", ")
	}
	for _, field := range []string{"address_id", "attribute[" + desaAttribute + "]"} {
		id := form.Get(field)
		if id == "" {
			continue
		}
		known := false
		for _, n := range s.Places.Names() {
			if n.Code == id {
				p.Desa, p.Kecamatan, known = n.Desa, n.Kecamatan, true
			}
		}
		if !known {
			return p, bad("%s is no code of a desa; see the definition of the service", field)
		}
	}
	lat, long := form.Get("lat"), form.Get("long")
	if lat != "" || long != "" {
		at := bot.Location{}
		var errLat, errLong error
		at.Lat, errLat = strconv.ParseFloat(lat, 64)
		at.Lng, errLong = strconv.ParseFloat(long, 64)
		if errLat != nil || errLong != nil || math.IsNaN(at.Lat) || math.IsNaN(at.Lng) || !at.Valid() {
			return p, bad("lat and long are no position")
		}
		desa, kecamatan, ok := s.Places.Nearest(at)
		if !ok {
			return p, bad("lat and long are outside the regency")
		}
		p.Location = &at
		if p.Desa == "" {
			p.Desa, p.Kecamatan = desa, kecamatan
		}
	}
	if p == (pengaduan.Place{}) {
		return p, bad("one of lat and long, address_string, address_id is needed")
	}
	if p.Desa == "" && p.Kecamatan == "" {
		p.Desa, p.Kecamatan = s.Places.Mentioned(p.Landmark)
	}
	return p, nil
}

// text reads a field without what nobody can have meant to write in it.
func text(form url.Values, field string, longest int) (string, error) {
	value := bot.CleanText(form.Get(field))
	if utf8.RuneCountInString(value) > longest {
		return "", bad("%s has more than %d characters", field, longest)
	}
	return value, nil
}

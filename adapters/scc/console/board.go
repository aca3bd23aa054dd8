package console

import (
	"strings"

	"tabe/adapters/complaints"
	"tabe/adapters/costs"
	"tabe/adapters/scc"
	"tabe/adapters/scc/operators"
	"tabe/bot"
	"tabe/flows/darurat"
	"tabe/flows/pengaduan"
	"tabe/flows/petugas"
)

// board is what every page shows: what waits for a person.
type board struct {
	Ring       int          // incidents that nobody has acknowledged: the alarm
	Kind       darurat.Kind // of the first of them: each rings in a rhythm of its own
	Waiting    int          // residents who wait for somebody, or whose call is due, or who wrote again
	Complaints int          // new ones
	Outages    []bot.Outage // channels by which nobody can be reached
	Budget     costs.Budget // of the day
}

func (s *Console) board(r *request) (board, error) {
	var b board
	if s.Incidents != nil && r.session.Operator.Is(watchers...) {
		all, err := s.Incidents.List(r.Context())
		if err != nil {
			return b, err
		}
		for _, i := range all {
			if i.Status == scc.Unanswered && mayRead(r.session.Operator, i.Kind) {
				if b.Ring++; b.Ring == 1 {
					b.Kind = i.Kind
				}
			}
		}
	}
	if s.Deliveries != nil {
		var err error
		if b.Outages, err = s.Deliveries.Outages(r.Context()); err != nil {
			return b, err
		}
	}
	if s.Costs != nil {
		var err error
		if b.Budget, err = s.Costs.State(r.Context()); err != nil {
			return b, err
		}
	}
	if !r.session.Operator.Is(handlers...) {
		return b, nil
	}
	if s.Conversations != nil {
		open, err := s.Conversations.Open(r.Context(), openCases)
		if err != nil {
			return b, err
		}
		now := s.Clock()
		for _, c := range open {
			if c.Stage == petugas.Waiting || c.Stage == petugas.Promised && !c.Due.After(now) ||
				c.Stage == petugas.Taken && c.Operator == r.actor() && c.Unread {
				b.Waiting++
			}
		}
	}
	if s.Complaints != nil {
		fresh, err := s.Complaints.List(r.Context(), complaints.Filter{Status: pengaduan.StatusNew})
		if err != nil {
			return b, err
		}
		b.Complaints = len(fresh)
	}
	return b, nil
}

// tab is a part of the console that the operator's roles open to him.
type tab struct {
	Name, Path string
	Count      int
	Here       bool
}

func (s *Console) tabs(r *request, b board) []tab {
	var all []tab
	o := r.session.Operator
	for _, t := range []struct {
		there bool
		roles []operators.Role
		tab   tab
	}{
		{s.Incidents != nil, watchers, tab{Name: "insiden", Count: b.Ring}},
		{s.Incidents != nil, agencies, tab{Name: "pos"}},
		{s.Conversations != nil, handlers, tab{Name: "percakapan", Count: b.Waiting}},
		{s.Complaints != nil, handlers, tab{Name: "pengaduan", Count: b.Complaints}},
		{true, handlers, tab{Name: "tak-terjawab"}},
		{s.Deliveries != nil, deliverers, tab{Name: "pengiriman", Count: len(b.Outages)}},
		{s.Shift != nil, inCenter, tab{Name: "petugas"}},
		{s.Incidents != nil, watchers, tab{Name: "kontak"}},
		{s.Alerts != nil, handlers, tab{Name: "peringatan"}},
		{s.Reports != nil, inCenter, tab{Name: "bulan"}},
		{true, inspectors, tab{Name: "audit"}},
		{true, admins, tab{Name: "operator"}},
		{true, o.Roles, tab{Name: "akun"}},
	} {
		if !t.there || !o.Is(t.roles...) {
			continue
		}
		t.tab.Path = "/scc/" + t.tab.Name
		t.tab.Here = r.URL.Path == t.tab.Path || strings.HasPrefix(r.URL.Path, t.tab.Path+"/")
		all = append(all, t.tab)
	}
	return all
}

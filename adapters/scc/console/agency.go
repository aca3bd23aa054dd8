package console

import (
	"net/http"
	"slices"

	"tabe/adapters/scc"
	"tabe/flows/darurat"
	"tabe/flows/siaga"
)

// ordered is an incident to which a post was sent, as the post sees it.
type ordered struct {
	scc.Detail
	Place string
	Own   scc.Dispatch
}

// agencyPage shows a post the incidents to which it was sent, and no others. The
// unit of the account is the name of the post among the contacts. Cases of
// violence are for one role alone, whoever was sent.
func (s *Console) agencyPage(w http.ResponseWriter, r *request) error {
	all, err := s.Incidents.List(r.Context())
	if err != nil {
		return err
	}
	var own []ordered
	for _, i := range all {
		o, ok, err := s.ordered(r, i)
		if err != nil {
			return err
		}
		if !ok {
			continue
		}
		if err := s.sawIncident(r, o.Detail, "incident "+o.Code); err != nil {
			return err
		}
		own = append(own, o)
	}
	return s.show(w, r, "agency", struct {
		Own   []ordered
		Words []siaga.Word
	}{own, answers})
}

// answers are what a post says, in their order.
var answers = []siaga.Word{siaga.Accept, siaga.Refuse, siaga.OnScene, siaga.Done}

// ordered reads an incident if the post of the operator was sent to it.
func (s *Console) ordered(r *request, i scc.Incident) (ordered, bool, error) {
	unit := r.session.Operator.Unit
	if unit == "" || i.Kind == darurat.Violence || i.Dispatched.IsZero() {
		return ordered{}, false, nil
	}
	d, err := s.Incidents.Get(r.Context(), i.ID)
	if err != nil {
		return ordered{}, false, err
	}
	n := slices.IndexFunc(d.Dispatches, func(sent scc.Dispatch) bool { return sent.Name == unit })
	if n < 0 {
		return ordered{}, false, nil
	}
	return ordered{Detail: d, Place: s.place(i, true), Own: d.Dispatches[n]}, true, nil
}

// agencyAnswer notes how far the post is.
func (s *Console) agencyAnswer(w http.ResponseWriter, r *request) error {
	i, err := s.named(r)
	if err != nil {
		return err
	}
	o, ok, err := s.ordered(r, i)
	if err != nil {
		return incidentProblem(err)
	}
	if !ok {
		return refusal{status: http.StatusForbidden, key: "no_role"}
	}
	if err := s.Incidents.SetStatus(r.Context(), scc.Act{Operator: r.actor(), Incident: i.ID}, o.Own.Contact, siaga.Word(r.PostForm.Get("word"))); err != nil {
		return incidentProblem(err)
	}
	http.Redirect(w, r.Request, "/scc/pos", http.StatusSeeOther)
	return nil
}

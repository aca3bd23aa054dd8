package console

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"tabe/adapters/complaints"
	"tabe/flows/pengaduan"
)

// Complaints are what residents complained of; *complaints.Desk has them. The
// names of operators are those of their accounts.
type Complaints interface {
	List(ctx context.Context, f complaints.Filter) ([]complaints.Summary, error)
	Get(ctx context.Context, n pengaduan.Number, operator string) (complaints.Complaint, error)
	Take(ctx context.Context, n pengaduan.Number, operator string) error
	Release(ctx context.Context, n pengaduan.Number, operator string) error
	Answer(ctx context.Context, n pengaduan.Number, operator, words string) error
	Close(ctx context.Context, n pengaduan.Number, operator, words string) error
	HandOver(ctx context.Context, n pengaduan.Number, operator, reference string) error
	Move(ctx context.Context, n pengaduan.Number, operator, office string) error
	Publish(ctx context.Context, n pengaduan.Number, operator, words string) error
}

// complaintPage is as many complaints as a page of the list has.
const complaintPage = 30

// complaintList is the page of the list.
type complaintList struct {
	Items   []complaints.Summary
	Filter  complaints.Filter
	State   string // what of the statuses was asked for
	Mine    bool
	Offices []pengaduan.Office
	More    string // address of the next page; empty: this is the last
}

// statusChoices are the values of the filter for statuses; open is all but closed.
var statusChoices = []string{"open", "new", "taken", "answered", "handed", "closed", "all"}

func (s *Console) complaintList(w http.ResponseWriter, r *request) error {
	asked := r.URL.Query()
	page := complaintList{State: asked.Get("status"), Mine: asked.Has("mine"), Offices: s.Catalogue.Offices}
	if !slices.Contains(statusChoices, page.State) {
		page.State = "open"
	}
	f := complaints.Filter{Office: asked.Get("office"), Unread: asked.Has("unread"), Limit: complaintPage + 1}
	switch page.State {
	case "open":
		f.Open = true
	case "all":
	default:
		f.Status = pengaduan.Status(page.State)
	}
	if page.Mine {
		f.Operator = r.actor()
	}
	f.Before = cursor(asked)
	items, err := s.Complaints.List(r.Context(), f)
	if err != nil {
		return err
	}
	if len(items) > complaintPage {
		items = items[:complaintPage]
		next := url.Values{}
		for _, name := range []string{"status", "office", "mine", "unread"} {
			if asked.Has(name) {
				next.Set(name, asked.Get(name))
			}
		}
		last := items[len(items)-1].Cursor()
		next.Set("after", string(last.Number))
		next.Set("filed", last.Filed.Format(cursorTime))
		page.More = "/scc/pengaduan?" + next.Encode()
	}
	page.Items, page.Filter = items, f
	return s.show(w, r, "complaints", page)
}

// cursorTime is how the address of a page says where it begins, to the microsecond.
const cursorTime = "2006-01-02T15:04:05.000000Z07:00"

func cursor(asked url.Values) complaints.Cursor {
	filed, err := time.Parse(cursorTime, asked.Get("filed"))
	n, ok := pengaduan.ParseNumber(asked.Get("after"))
	if err != nil || !ok {
		return complaints.Cursor{}
	}
	return complaints.Cursor{Filed: filed, Number: n}
}

// complaintView is the page of one complaint.
type complaintView struct {
	complaints.Complaint
	Kind     pengaduan.Kind
	Attached []*medium
	History  []happening
	Mine     bool // this operator works on it
	Free     bool // nobody does
	Offices  []pengaduan.Office
	MaxWords int
}

// happening is an event of a complaint, with what came with it.
type happening struct {
	complaints.Event
	Attached []*medium
}

// attached returns what came with a complaint, and its history with what was
// added since. They are numbered in the order in which they came.
func (s *Console) attached(r *request, c complaints.Complaint) (own []*medium, history []happening) {
	n := 0
	of := func(list []complaints.Media, at time.Time) (all []*medium) {
		for _, m := range list {
			n++
			all = append(all, s.medium(r, "/scc/pengaduan/"+string(c.Number), strconv.Itoa(n), medium{Kind: m.Kind, At: at, Channel: m.Channel, ref: m.Ref}))
		}
		return all
	}
	own = of(c.Media, c.Filed)
	for _, e := range c.History {
		history = append(history, happening{e, of(e.Media, e.At)})
	}
	return own, history
}

// complaintMedium shows one of the media of a complaint.
func (s *Console) complaintMedium(w http.ResponseWriter, r *request) error {
	n, err := complaintNumber(r)
	if err != nil {
		return err
	}
	c, err := s.Complaints.Get(r.Context(), n, r.actor())
	if err != nil {
		return complaintProblem(err)
	}
	all, history := s.attached(r, c)
	for _, h := range history {
		all = append(all, h.Attached...)
	}
	for _, m := range all {
		if m.is(r) {
			if err := s.saw(r, "complaint "+string(n)+" "+m.ID); err != nil {
				return err
			}
			return s.serveMedium(w, r, m)
		}
	}
	return refusal{status: http.StatusNotFound, key: "no_page"}
}

func (s *Console) complaint(w http.ResponseWriter, r *request) error {
	n, err := complaintNumber(r)
	if err != nil {
		return err
	}
	c, err := s.Complaints.Get(r.Context(), n, r.actor())
	if err != nil {
		return complaintProblem(err)
	}
	if err := s.saw(r, "complaint "+string(n)); err != nil {
		return err
	}
	own, history := s.attached(r, c)
	return s.show(w, r, "complaint", complaintView{
		Complaint: c, Attached: own, History: history, Kind: s.Catalogue.Kind(c.Summary.Kind), Mine: c.Operator == r.actor(), Free: c.Operator == "",
		Offices: s.Catalogue.Offices, MaxWords: complaints.MaxWords,
	})
}

// complaintAct changes a complaint as the form asks.
func (s *Console) complaintAct(w http.ResponseWriter, r *request) error {
	n, err := complaintNumber(r)
	if err != nil {
		return err
	}
	ctx, who, words := r.Context(), r.actor(), r.PostForm.Get("words")
	act := r.PathValue("act")
	kind := ""
	switch act {
	case "ambil":
		kind, err = "complaint.taken", s.Complaints.Take(ctx, n, who)
	case "lepas":
		kind, err = "complaint.released", s.Complaints.Release(ctx, n, who)
	case "jawab":
		kind, err = "complaint.answered", s.Complaints.Answer(ctx, n, who, words)
	case "tutup":
		kind, err = "complaint.closed", s.Complaints.Close(ctx, n, who, words)
	case "lapor":
		if words = strings.TrimSpace(words); words == "" {
			return refusal{status: http.StatusBadRequest, key: "no_reference"}
		}
		kind, err = "complaint.handed", s.Complaints.HandOver(ctx, n, who, words)
	case "pindah":
		kind, err = "complaint.moved", s.Complaints.Move(ctx, n, who, r.PostForm.Get("office"))
	case "umum":
		kind, err = "complaint.published", s.Complaints.Publish(ctx, n, who, words)
	case "sembunyi":
		kind, err = "complaint.hidden", s.Complaints.Publish(ctx, n, who, "")
	default:
		return refusal{status: http.StatusNotFound, key: "no_page"}
	}
	if err != nil {
		return complaintProblem(err)
	}
	if err := s.record(r, kind, "", string(n)); err != nil {
		return err
	}
	http.Redirect(w, r.Request, "/scc/pengaduan/"+string(n), http.StatusSeeOther)
	return nil
}

func complaintNumber(r *request) (pengaduan.Number, error) {
	n, ok := pengaduan.ParseNumber(r.PathValue("number"))
	if !ok {
		return "", refusal{status: http.StatusNotFound, key: "no_page"}
	}
	return n, nil
}

// complaintProblem says what an operator is told.
func complaintProblem(err error) error {
	var held *complaints.HeldError
	switch {
	case errors.As(err, &held):
		return refusal{http.StatusConflict, "taken", held.Operator}
	case errors.Is(err, complaints.ErrNotFound):
		return refusal{status: http.StatusNotFound, key: "no_page"}
	case errors.Is(err, complaints.ErrState):
		return refusal{status: http.StatusConflict, key: "changed"}
	case errors.Is(err, complaints.ErrWords):
		return refusal{status: http.StatusBadRequest, key: "bad_words"}
	case errors.Is(err, complaints.ErrOffice):
		return refusal{status: http.StatusBadRequest, key: "bad_form"}
	}
	return err
}

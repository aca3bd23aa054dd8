package console

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strconv"

	"tabe/adapters/desk"
	"tabe/adapters/scc/operators"
	"tabe/adapters/store"
	"tabe/flows/petugas"
)

// Conversations are the residents who asked for a person; *desk.Desk has them.
type Conversations interface {
	Open(ctx context.Context, limit int) ([]desk.Case, error)
	Closed(ctx context.Context, limit int) ([]desk.Case, error)
	Case(ctx context.Context, id int64) (desk.Case, error)
	Transcript(ctx context.Context, id int64, by desk.Operator, limit int) ([]store.Line, error)
	Take(ctx context.Context, id int64, by desk.Operator) error
	Say(ctx context.Context, id int64, by desk.Operator, text string) error
	Missed(ctx context.Context, id int64, by desk.Operator) error
	Transfer(ctx context.Context, id int64, from, to desk.Operator) error
	Close(ctx context.Context, id int64, by desk.Operator, outcome string) error
}

// Limits of what one page shows.
const (
	openCases   = 200
	closedCases = 10
	lines       = 200
)

// queue is the list of conversations, as it stands beside each of them.
type queue struct {
	Waiting, Promised, Mine, Others, Closed []desk.Case
	Here                                    int64 // the one that is open
}

func (s *Console) queue(r *request, here int64) (queue, error) {
	q := queue{Here: here}
	open, err := s.Conversations.Open(r.Context(), openCases)
	if err != nil {
		return q, err
	}
	for _, c := range open {
		switch {
		case c.Stage == petugas.Waiting:
			q.Waiting = append(q.Waiting, c)
		case c.Stage == petugas.Promised:
			q.Promised = append(q.Promised, c)
		case c.Operator == r.actor():
			q.Mine = append(q.Mine, c)
		default:
			q.Others = append(q.Others, c)
		}
	}
	q.Closed, err = s.Conversations.Closed(r.Context(), closedCases)
	return q, err
}

// conversationView is the page of the queue, and of one conversation beside it.
type conversationView struct {
	Queue     queue
	Case      *desk.Case // nil: none is open
	Thread    []line
	Sent      *medium // instead of words, by who asked
	Concealed bool    // something of it is not shown
	Mine      bool
	MayForce  bool // a supervisor can take it from who has it
	Outcomes  []string
	Operators []operators.Operator // to whom it can be given
	MaxLine   int
}

func (s *Console) conversations(w http.ResponseWriter, r *request) error {
	q, err := s.queue(r, 0)
	if err != nil {
		return err
	}
	return s.show(w, r, "conversations", conversationView{Queue: q})
}

// line is a message of a conversation, with what came with it.
type line struct {
	store.Line
	Medium *medium
}

// thread reads what of a conversation the operator may see. concealed tells that
// this is not all.
func (s *Console) thread(r *request, c desk.Case) (thread []line, concealed bool, err error) {
	said, err := s.Conversations.Transcript(r.Context(), c.ID, known(r.session.Operator), lines)
	if err != nil {
		return nil, false, conversationProblem(err)
	}
	if said, concealed, err = s.conceal(r, c.Resident, said); err != nil {
		return nil, false, err
	}
	base := "/scc/percakapan/" + strconv.FormatInt(c.ID, 10)
	for _, l := range said {
		shown := line{Line: l}
		if m := l.Message; m != nil && m.Location == nil {
			shown.Medium = s.medium(r, base, strconv.FormatInt(l.Seq, 10), medium{Kind: m.Media, At: l.At, Channel: l.Channel, ref: m.MediaRef})
		}
		thread = append(thread, shown)
	}
	return thread, concealed, nil
}

// conversationMedium shows one of the media of a conversation.
func (s *Console) conversationMedium(w http.ResponseWriter, r *request) error {
	id, err := caseID(r)
	if err != nil {
		return err
	}
	c, err := s.Conversations.Case(r.Context(), id)
	if err != nil {
		return conversationProblem(err)
	}
	thread, _, err := s.thread(r, c)
	if err != nil {
		return err
	}
	for _, l := range thread {
		if l.Medium.is(r) {
			if err := s.saw(r, "conversation "+strconv.FormatInt(id, 10)+" "+l.Medium.ID); err != nil {
				return err
			}
			return s.serveMedium(w, r, l.Medium)
		}
	}
	return refusal{status: http.StatusNotFound, key: "no_page"}
}

func (s *Console) conversation(w http.ResponseWriter, r *request) error {
	id, err := caseID(r)
	if err != nil {
		return err
	}
	c, err := s.Conversations.Case(r.Context(), id)
	if err != nil {
		return conversationProblem(err)
	}
	thread, concealed, err := s.thread(r, c)
	if err != nil {
		return err
	}
	if err := s.saw(r, "conversation "+strconv.FormatInt(id, 10)); err != nil {
		return err
	}
	q, err := s.queue(r, id)
	if err != nil {
		return err
	}
	v := conversationView{
		Queue: q, Case: &c, Thread: thread, Concealed: concealed, Outcomes: desk.Outcomes(), MaxLine: petugas.MaxLine,
		Mine: c.Stage == petugas.Taken && c.Operator == r.actor(),
	}
	for _, l := range thread {
		if m := l.Medium; m != nil && c.MediaRef != "" && m.ref == c.MediaRef {
			again := *m
			again.Shown = false // below, where it was said
			v.Sent = &again
		}
	}
	v.MayForce = !v.Mine && c.Stage == petugas.Taken && r.session.Operator.Is(operators.Supervisor)
	if v.Mine {
		if v.Operators, err = s.colleagues(r); err != nil {
			return err
		}
	}
	return s.show(w, r, "conversations", v)
}

// colleagues are the others to whom work can be given.
func (s *Console) colleagues(r *request) ([]operators.Operator, error) {
	all, err := s.Accounts.List(r.Context())
	return slices.DeleteFunc(all, func(o operators.Operator) bool {
		return o.Disabled || o.Name == r.actor() || !o.Is(handlers...)
	}), err
}

// known is an operator as residents are told of him.
func known(o operators.Operator) desk.Operator {
	name := o.FullName
	if name == "" {
		name = o.Name
	}
	return desk.Operator{Account: o.Name, Name: name}
}

// conversationAct does what a form asks.
func (s *Console) conversationAct(w http.ResponseWriter, r *request) error {
	id, err := caseID(r)
	if err != nil {
		return err
	}
	ctx, me := r.Context(), known(r.session.Operator)
	switch r.PathValue("act") {
	case "ambil":
		err = s.Conversations.Take(ctx, id, me)
	case "jawab":
		err = s.Conversations.Say(ctx, id, me, r.PostForm.Get("text"))
	case "tidak-diangkat":
		err = s.Conversations.Missed(ctx, id, me)
	case "selesai":
		err = s.Conversations.Close(ctx, id, me, r.PostForm.Get("outcome"))
	case "serahkan":
		err = s.transfer(r, id, me)
	case "alihkan":
		err = s.reassign(r, id, me)
	default:
		return refusal{status: http.StatusNotFound, key: "no_page"}
	}
	if err != nil {
		return conversationProblem(err)
	}
	s.Stream.Wake() // the desk has written what happened
	http.Redirect(w, r.Request, "/scc/percakapan/"+strconv.FormatInt(id, 10), http.StatusSeeOther)
	return nil
}

// transfer gives a conversation to a colleague, or back into the queue.
func (s *Console) transfer(r *request, id int64, me desk.Operator) error {
	to := r.PostForm.Get("to")
	if to == "" {
		return s.Conversations.Transfer(r.Context(), id, me, desk.Operator{})
	}
	colleagues, err := s.colleagues(r)
	if err != nil {
		return err
	}
	for _, o := range colleagues {
		if o.Name == to {
			return s.Conversations.Transfer(r.Context(), id, me, known(o))
		}
	}
	return refusal{status: http.StatusBadRequest, key: "bad_form"}
}

// reassign takes a conversation from who has it: the right of a supervisor.
func (s *Console) reassign(r *request, id int64, me desk.Operator) error {
	if !r.session.Operator.Is(operators.Supervisor) {
		return refusal{status: http.StatusForbidden, key: "no_role"}
	}
	c, err := s.Conversations.Case(r.Context(), id)
	if err != nil {
		return err
	}
	if err := s.Conversations.Transfer(r.Context(), id, desk.Operator{Account: c.Operator, Name: c.Who}, me); err != nil {
		return err
	}
	// The desk writes the event in the name of who had it.
	return s.record(r, "desk.reassigned", "", strconv.FormatInt(id, 10))
}

func caseID(r *request) (int64, error) {
	id, err := strconv.ParseInt(r.PathValue("id"), 10, 64)
	if err != nil {
		return 0, refusal{status: http.StatusNotFound, key: "no_page"}
	}
	return id, nil
}

// conversationProblem says what an operator is told.
func conversationProblem(err error) error {
	switch {
	case errors.Is(err, desk.ErrNotFound):
		return refusal{status: http.StatusNotFound, key: "no_page"}
	case errors.Is(err, desk.ErrTaken):
		return refusal{status: http.StatusConflict, key: "taken"}
	case errors.Is(err, desk.ErrText):
		return refusal{status: http.StatusBadRequest, key: "bad_words"}
	case errors.Is(err, desk.ErrOutcome):
		return refusal{status: http.StatusBadRequest, key: "bad_form"}
	}
	return err
}

// Package siaga is for the phones of fire posts, ambulances and operators on
// duty: it tells them of an incident, and takes their answer of one digit. It
// needs no smartphone and nobody to sign in; who may answer is who was paged.
package siaga

import (
	"context"
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/looplab/fsm"

	"tabe/bot"
	"tabe/flows"
)

// Word is what a duty phone answers.
type Word string

// The answers; their place in the list is the digit.
const (
	Accept  Word = "accept"   // 1: we go
	Refuse  Word = "refuse"   // 2: somebody else has to go
	OnScene Word = "on_scene" // 3
	Done    Word = "done"     // 4
)

var words = []Word{Accept, Refuse, OnScene, Done}

// Answer is the effect of an answer.
type Answer struct {
	Incident int64
	Phone    string // E.164, proved by the channel
	Word     Word
}

// Page is an incident about which a phone was paged.
type Page struct {
	Incident int64
	Code     string
	Place    string // name of the desa or kecamatan; empty: unknown
	Answered bool   // this phone has accepted it
}

// Pages are the incidents that wait for a duty phone.
type Pages interface {
	// Open returns the incidents that are not closed and about which a phone
	// was paged, without those that it refused or finished; the newest first.
	Open(ctx context.Context, phone string) ([]Page, error)
}

// Alarm is the body of a notice to a duty phone.
type Alarm struct {
	Incident int64         `json:"i"`
	Code     string        `json:"c"`
	Kind     string        `json:"k"`
	Place    string        `json:"p,omitempty"` // desa
	District string        `json:"d,omitempty"`
	Landmark string        `json:"l,omitempty"`
	Position *bot.Location `json:"g,omitempty"`
	At       time.Time     `json:"t"`
	Again    bool          `json:"a,omitempty"` // it was paged before
	Danger   bool          `json:"x,omitempty"` // people are in danger
	Test     bool          `json:"e,omitempty"` // nobody has to go
}

// The kinds of notices.
const (
	Paged   = "page"    // an incident waits
	Moved   = "moved"   // its place is known better now
	Bundled = "bundled" // many wait: how many, and the oldest of them
	Ended   = "ended"   // nobody has to go any more
)

// The states.
const (
	paged    = "paged"    // an alarm was told: a digit answers it
	asking   = "asking"   // which of several is meant
	answered = "answered" // and what the next digit means
)

const (
	page   = "page"
	which  = "which"
	answer = "answer"
	none   = "none"
)

var table = fsm.Events{
	{Name: page, Src: []string{flows.Start, paged, asking, answered}, Dst: paged},
	{Name: which, Src: []string{flows.Start, paged, asking, answered}, Dst: asking},
	{Name: answer, Src: []string{flows.Start, paged, asking, answered}, Dst: answered},
	{Name: none, Src: []string{flows.Start, paged, asking, answered}, Dst: answered},
}

// Flow talks with duty phones. It is safe for concurrent use.
type Flow struct {
	pages   Pages
	called  func(bot.ChannelID) bool
	machine *flows.Machine[*step]
}

// step is one message on its way through the machine.
type step struct {
	*bot.Turn
	alarm Alarm
	word  Word
	of    Page
	list  []Page

	call    bool // a key that was pressed while we are on the line
	unclear bool // and that means nothing
}

type memory struct {
	Word Word   `json:"w,omitempty"` // what was answered, while it is asked to which
	Call string `json:"c,omitempty"` // the call in which it is asked
}

// New returns the flow. called tells of a channel that it carries the keys which
// are pressed during our calls: all of them are for this flow.
func New(pages Pages, called func(bot.ChannelID) bool) *Flow {
	return &Flow{pages: pages, called: called, machine: flows.New(table, map[string]flows.Enter[*step]{
		paged: sayPage, asking: sayWhich, answered: sayAnswered,
	})}
}

// Name implements bot.Flow.
func (f *Flow) Name() string { return "siaga" }

// Revision implements bot.Flow.
func (f *Flow) Revision() int { return 1 }

// Urgent implements bot.Urgent.
func (*Flow) Urgent() {}

// Topics implements bot.Flow: no resident asks for it.
func (f *Flow) Topics() []bot.Topic { return nil }

// Knows implements bot.Flow.
func (f *Flow) Knows(state string) bool { return f.machine.Knows(state) }

// States returns the states in alphabetical order.
func (f *Flow) States() []string { return f.machine.States() }

// Transitions returns every transition, and how often it was made.
func (f *Flow) Transitions() []flows.Transition { return f.machine.Transitions() }

// Mermaid returns the state machine as a state diagram.
func (f *Flow) Mermaid() (string, error) { return f.machine.Mermaid() }

// reply is how a duty phone answers: a digit, with the code of the incident
// before or behind it if there are several.
var reply = regexp.MustCompile(`^([1-4])?[ .,]*([A-Za-z][A-Za-z0-9]{4})?[ .,]*([1-4])?$`)

// parse reads a text; ok is false if it is no answer.
func parse(text string) (w Word, code string, ok bool) {
	if len(text) > 16 {
		return "", "", false
	}
	m := reply.FindStringSubmatch(strings.TrimSpace(text))
	if m == nil || (m[1] == "") == (m[3] == "") {
		return "", "", false
	}
	digit := m[1] + m[3]
	return words[digit[0]-'1'], strings.ToUpper(m[2]), true
}

// Claims implements bot.Claimant: a digit of a phone that was paged, unless the
// digit is a choice of another question. A digit with the code of an incident
// is always meant for us.
func (f *Flow) Claims(ctx context.Context, t *bot.Turn) bool {
	phone, ok := phoneOf(t)
	if f.called(t.Channel) {
		return ok
	}
	if !ok || t.Opens || t.Message.Choice != "" {
		return false
	}
	_, code, ok := parse(t.Text)
	if !ok || code == "" && t.Choice != "" {
		return false
	}
	list, err := f.pages.Open(ctx, phone)
	return err == nil && len(list) > 0
}

// phoneOf is the number that the channel proves.
func phoneOf(t *bot.Turn) (string, bool) { return strings.CutPrefix(t.Subject, "tel:") }

// Expects implements bot.Flow.
func (f *Flow) Expects(t *bot.Turn) bool {
	_, _, ok := parse(t.Text)
	return ok
}

// Tell implements bot.Teller. An alarm is a question: the next digit is its
// answer, whatever was asked before.
func (f *Flow) Tell(ctx context.Context, t *bot.Turn) error {
	t.Confine() // who pages takes the next channel himself
	s := &step{Turn: t}
	if err := json.Unmarshal(t.Notice.Body, &s.alarm); err != nil {
		return fmt.Errorf("siaga: notice: %w", err)
	}
	if t.Notice.Kind == Ended {
		t.Say(bot.Reply{Key: "siaga.ended", Data: bot.Data{"code": s.alarm.Code, "spelled": spelled(s.alarm.Code)}, Keep: true})
		return nil
	}
	if phone, ok := phoneOf(t); ok && t.Notice.Kind == Bundled {
		var err error
		if s.list, err = f.pages.Open(ctx, phone); err != nil {
			return fmt.Errorf("siaga: %w", err)
		}
		if s.list = slices.DeleteFunc(s.list, func(p Page) bool { return p.Answered }); len(s.list) == 0 {
			return nil // answered meanwhile
		}
	}
	if t.Conversation.Flow != f.Name() {
		t.End() // whatever was going on
	}
	return f.fire(ctx, s, page)
}

// Handle implements bot.Flow.
func (f *Flow) Handle(ctx context.Context, t *bot.Turn) error {
	s := &step{Turn: t, call: f.called(t.Channel)}
	var m memory
	if err := t.Recall(&m); err != nil {
		return fmt.Errorf("siaga: memory: %w", err)
	}
	phone, ok := phoneOf(t)
	if !ok {
		return f.fire(ctx, s, none)
	}
	list, err := f.pages.Open(ctx, phone)
	if err != nil {
		return fmt.Errorf("siaga: %w", err)
	}
	asked := t.Conversation.State == asking
	if s.call {
		// A key answers what was read out in its own call. The choices of an
		// earlier one are not before anybody's eyes.
		asked = asked && m.Call == t.Dialogue
		if !asked || t.Choice == bot.MenuValue {
			t.Choice = ""
		}
	}
	w, code, ok := parse(t.Text)
	chosen := ""
	switch {
	case t.Choice == "" && s.call && asked: // none of the incidents that were read out
		if s.word, s.list = m.Word, fitting(list, m.Word, ""); len(s.list) > 0 {
			return f.fire(ctx, s, which)
		}
		return f.fire(ctx, s, none)
	case t.Choice == "":
	case asked:
		w, chosen, ok = m.Word, t.Choice, true
	default:
		w, ok = Word(t.Choice), true
	}
	if !ok {
		s.unclear = s.call && len(list) > 0
		return f.fire(ctx, s, none)
	}
	if code == "" {
		code = chosen
	}
	if s.word, s.list = w, fitting(list, w, code); len(s.list) > 1 {
		if err := t.Remember(memory{Word: w, Call: t.Dialogue}); err != nil {
			return err
		}
		return f.fire(ctx, s, which)
	}
	if len(s.list) == 0 {
		return f.fire(ctx, s, none)
	}
	s.of = s.list[0]
	t.Effect(Answer{Incident: s.of.Incident, Phone: phone, Word: w})
	return f.fire(ctx, s, answer)
}

// fitting are the incidents that an answer can be meant for: by its code or,
// without one, those that have or have not been accepted yet, as the answer is.
func fitting(list []Page, w Word, code string) []Page {
	var all, fit []Page
	for _, p := range list {
		if code != "" && p.Code != code {
			continue
		}
		all = append(all, p)
		if p.Answered == (w == OnScene || w == Done) {
			fit = append(fit, p)
		}
	}
	if len(fit) == 0 {
		return all
	}
	return fit
}

func (f *Flow) fire(ctx context.Context, s *step, event string) error {
	next, err := f.machine.Fire(ctx, s.Conversation.State, event, s)
	if err != nil {
		return fmt.Errorf("siaga: %w", err)
	}
	s.Conversation.State = next
	return nil
}

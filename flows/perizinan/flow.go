// Package perizinan is the service for permits, LaSIDE: how far an application
// is, who has it and what to do now; what a kind of permit requires and costs;
// what to do when it takes too long; and word by itself when it is ready.
//
// A message goes through three hands. decide.go finds out what it means (an
// event), lookup.go gets what is needed for that; states.go is the table of
// what event leads where; say.go asks what each state asks, and tell.go says
// what nobody asked for. number.go, kinds.go, status.go and measure.go read
// what the office and residents write; rules.go has the rules that regulations
// set, estimate.go the formula for buildings.
package perizinan

import (
	"context"
	_ "embed"
	"fmt"
	"slices"
	"strings"
	"time"

	"tabe/bot"
	"tabe/bot/understand"
	"tabe/flows"
)

// Flow answers what residents ask about permits. It is safe for concurrent use.
type Flow struct {
	*flows.Machine[*step]
	registry Registry
	rules    Rules
	topics   *flows.Cues
}

//go:embed topics.toml
var topicCues []byte

// New returns the flow over a registry and the rules in force.
func New(registry Registry, rules Rules) *Flow {
	return &Flow{
		Machine:  flows.New(table, questions),
		registry: registry,
		rules:    rules,
		topics:   flows.MustCues(topicCues),
	}
}

// Name is the flow's, also in notices; Purpose that of subscriptions to them.
const (
	Name    = "perizinan"
	Purpose = kind
)

// Name implements bot.Flow.
func (f *Flow) Name() string { return Name }

// Revision implements bot.Flow.
func (f *Flow) Revision() int { return 1 }

// Topics implements bot.Flow.
func (f *Flow) Topics() []bot.Topic {
	return []bot.Topic{{Intent: understand.PermitStatus}, {Intent: understand.PermitRequirements}, {Intent: understand.PermitFee}}
}

// memory is what the flow remembers between two messages.
type memory struct {
	Number Number   `json:"n,omitempty"` // the permit at hand
	Serial string   `json:"s,omitempty"` // of a number that is not whole, as it was written
	Mark   string   `json:"m,omitempty"` // what was told of it; see Permit.Mark
	Wish   string   `json:"w,omitempty"` // what a number was asked for, if not its status: complain or offerNews
	List   []Number `json:"l,omitempty"` // to choose from
	Page   int      `json:"g,omitempty"` // of a list
	Kind   Kind     `json:"k,omitempty"` // of permit, whose requirements or fee were asked for
	Fee    bool     `json:"f,omitempty"` // a kind was asked for its fee
	Piece  int      `json:"p,omitempty"` // of the requirements
	Plan   plan     `json:"b,omitzero"`  // the building of an estimate
	Advice string   `json:"a,omitempty"` // what was told
	Stand  string   `json:"t,omitempty"` // of the permit at hand, in the register's words
	Words  string   `json:"o,omitempty"` // by which the resident complained
}

// plan is a building, as far as it was told.
type plan struct {
	Function function `json:"f,omitempty"`
	Area     int      `json:"a,omitempty"` // square metres
	Floors   int      `json:"s,omitempty"`
}

// step is one message on its way through the machine: what was said before,
// and what decide found out for the question that follows.
type step struct {
	*bot.Turn
	flow   *Flow
	memory memory

	reason string    // why a number is asked for: the last part of a message key
	asOf   time.Time // age of the data
	until  time.Time // no further number before
	year   int       // whose fee was asked for; 0 now

	permit  Permit
	permits []Permit // of the list
}

// Handle implements bot.Flow.
func (f *Flow) Handle(ctx context.Context, t *bot.Turn) error {
	s := &step{Turn: t, flow: f}
	if err := t.Recall(&s.memory); err != nil {
		return fmt.Errorf("perizinan: memory: %w", err)
	}
	if t.Choice == fileValue {
		s.file()
		return nil
	}
	event, err := f.decide(ctx, s)
	if err != nil {
		if ctx.Err() == nil {
			event = fail // the registry is down, which is to be said, not hidden
		} else {
			return err
		}
	}
	if event == noEvent {
		t.Say(bot.Reply{Key: "perizinan.unclear", Keep: true})
		return nil
	}
	return f.Advance(ctx, t, event, s, &s.memory)
}

// office is what the directory of offices calls the licensing office.
const office = "dpmptsp"

// file hands over to the complaints what need not be asked again: the office,
// the service, the resident's words, the permit and what the register says of it.
func (s *step) file() {
	s.Understood.Slots = append(s.Understood.Slots, understand.Slot{Name: "office", Value: office})
	s.Understood.Text = strings.Join(slices.DeleteFunc([]string{Name, s.memory.Words, string(s.memory.Number), s.memory.Stand}, func(part string) bool {
		return part == ""
	}), "; ")
	s.Redirect(understand.Complaint)
}

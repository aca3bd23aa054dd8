// Package pbb is the service for the land tax, PBB-P2: what is to be paid and
// since when, how and where to pay it, why it rose, how an object gets another
// name or is split, and what to do when something is wrong with it.
//
// A message goes through three hands. decide.go finds out what it means (an
// event) and looks up what is needed; states.go is the table of what event
// leads where; say.go asks what each state asks. rules.go has the rules that
// the regency sets, bill.go the sums, registry.go what is needed of the
// outside.
package pbb

import (
	"context"
	_ "embed"
	"fmt"
	"time"

	"tabe/bot"
	"tabe/bot/ident"
	"tabe/bot/understand"
	"tabe/flows"
)

// Flow answers what residents ask about the land tax. It is safe for
// concurrent use.
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

// Name implements bot.Flow.
func (f *Flow) Name() string { return "pbb" }

// Revision implements bot.Flow.
func (f *Flow) Revision() int { return 1 }

// Topics implements bot.Flow.
func (f *Flow) Topics() []bot.Topic {
	return []bot.Topic{{Intent: understand.TaxBill}, {Intent: understand.TaxHowToPay}, {Intent: understand.TaxTransfer}}
}

// memory is what the flow remembers between two messages.
type memory struct {
	NOP     ident.NOP   `json:"n,omitempty"` // the object at hand
	Year    int         `json:"y,omitempty"` // the tax year asked for; 0 the newest
	Partial string      `json:"p,omitempty"` // 17 digits of a NOP
	List    []ident.NOP `json:"l,omitempty"` // to choose from
	Page    int         `json:"g,omitempty"` // of the list
	Compare bool        `json:"c,omitempty"` // the bill was asked for to see why it rose
	Advice  string      `json:"a,omitempty"` // the problem that was told
}

// step is one message on its way through the machine: what was said before,
// and what decide found out for the question that follows.
type step struct {
	*bot.Turn
	flow   *Flow
	memory memory

	reason string    // why a NOP is asked for: the last part of a message key
	digits int       // how many came
	asOf   time.Time // age of the data in which a NOP was not found
	until  time.Time // no further number before

	reminder Reminder

	bill    bill
	bills   []bill // of the list
	rest    []missing
	ignored int // numbers of the message beyond maxNumbers
}

// missing is a number of a list for which there is no bill.
type missing struct {
	nop    ident.NOP
	reason string
}

// Handle implements bot.Flow.
func (f *Flow) Handle(ctx context.Context, t *bot.Turn) error {
	s := &step{Turn: t, flow: f}
	if err := t.Recall(&s.memory); err != nil {
		return fmt.Errorf("pbb: memory: %w", err)
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
		t.Say(bot.Reply{Key: "pbb.unclear", Keep: true})
		return nil
	}
	return f.Advance(ctx, t, event, s, &s.memory)
}

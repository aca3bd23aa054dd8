// Package pengaduan is the service for complaints: what is wrong, where, and
// which office has to do with it. What a resident writes is searched for all of
// it, only what is missing is asked, and all is read back before it is sent. He
// gets a number by which he, and nobody else, can read how far it is and add to
// it; what the office answers is told him.
//
// A message goes through three hands. decide.go finds out what it means (an
// event), with draft.go for a complaint that is not sent yet and tickets.go for
// those that are; states.go is the table of what event leads where; say.go asks
// what each state asks. register.go has what is needed of the outside,
// catalogue.toml who has to do with what.
package pengaduan

import (
	"context"
	_ "embed"
	"fmt"
	"time"

	"tabe/bot"
	"tabe/bot/understand"
	"tabe/flows"
)

// Flow answers understand.Complaint. It is safe for concurrent use.
type Flow struct {
	*flows.Machine[*step]
	register  Register
	places    Places
	catalogue *Catalogue
	topics    *flows.Cues
	words     *flows.Cues
	tickets   *flows.Cues
}

var (
	_ bot.Flow     = (*Flow)(nil)
	_ bot.Teller   = (*Flow)(nil)
	_ bot.Claimant = (*Flow)(nil)
)

//go:embed topics.toml
var topicCues []byte

//go:embed words.toml
var wordCues []byte

//go:embed tickets.toml
var ticketCues []byte

// New returns the flow.
func New(register Register, places Places, catalogue *Catalogue) *Flow {
	return &Flow{
		register:  register,
		places:    places,
		catalogue: catalogue,
		Machine:   flows.New(table, questions),
		topics:    flows.MustCues(topicCues),
		words:     flows.MustCues(wordCues),
		tickets:   flows.MustCues(ticketCues),
	}
}

// Name implements bot.Flow.
func (f *Flow) Name() string { return FlowName }

// FlowName is what a bot.Notice to this flow has to name.
const FlowName = "pengaduan"

// Revision implements bot.Flow.
func (f *Flow) Revision() int { return 1 }

// Topics implements bot.Flow.
func (f *Flow) Topics() []bot.Topic { return []bot.Topic{{Intent: understand.Complaint}} }

// memory is what the flow remembers between two messages.
type memory struct {
	Draft  draft  `json:"d,omitzero"`
	Ticket Number `json:"t,omitempty"` // at hand; the resident's own
}

// step is one message on its way through the machine: what was said before,
// and what decide found out for the question that follows.
type step struct {
	*bot.Turn
	flow   *Flow
	memory memory

	reason  string    // why something is asked: the last part of a message key
	ticket  Ticket    // to show
	own     bool      // it is the resident's
	tickets []Ticket  // to choose from
	until   time.Time // not before
	remark  Added     // to add
}

// Handle implements bot.Flow.
func (f *Flow) Handle(ctx context.Context, t *bot.Turn) error {
	s := &step{Turn: t, flow: f}
	if err := t.Recall(&s.memory); err != nil {
		return fmt.Errorf("pengaduan: memory: %w", err)
	}
	event, err := f.decide(ctx, s)
	if err != nil {
		if ctx.Err() != nil {
			return err
		}
		event = fail // the register is down, which is to be said, not hidden
	}
	if event == noEvent {
		t.Say(bot.Reply{Key: "pengaduan.unclear", Keep: true})
		return nil
	}
	return f.Advance(ctx, t, event, s, &s.memory)
}

// Package macca is the service for social aid: whether a family is registered
// for the Kartu Macca and how far its card has come, which aid the register
// names, when and where the rice is handed out, and what to do when something
// is wrong.
//
// A message goes through three hands. decide.go finds out what it means (an
// event) and looks up what is needed; states.go is the table of what event
// leads where; say.go asks what each state asks. proof.go decides who may see a
// family, birth.go reads birth dates, rules.go has the distributions of rice,
// registry.go what is needed of the outside, and tell.go what is told unasked.
//
// Nothing of a family is told but to those who prove to belong to it, and only
// what the register says: no answer promises aid.
package macca

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

// Flow answers what residents ask about social aid. It is safe for concurrent use.
type Flow struct {
	*flows.Machine[*step]
	registry Registry
	schedule Schedule
	topics   *flows.Cues
	words    *flows.Cues
}

//go:embed topics.toml
var topicCues []byte

//go:embed words.toml
var wordCues []byte

// New returns the flow over a registry and the rice that is handed out.
func New(registry Registry, schedule Schedule) *Flow {
	return &Flow{
		Machine:  flows.New(table, questions),
		registry: registry,
		schedule: schedule,
		topics:   flows.MustCues(topicCues),
		words:    flows.MustCues(wordCues),
	}
}

// Name is what the flow is called in stored conversations.
const Name = "macca"

// Name implements bot.Flow.
func (f *Flow) Name() string { return Name }

// Revision implements bot.Flow.
func (f *Flow) Revision() int { return 1 }

// Topics implements bot.Flow.
func (f *Flow) Topics() []bot.Topic {
	return []bot.Topic{{Intent: understand.MaccaEligibility}, {Intent: understand.MaccaBenefits}, {Intent: understand.MaccaComplaint}}
}

// memory is what the flow remembers between two messages. A birth date is
// never in it.
type memory struct {
	KK     ident.KK   `json:"k,omitempty"` // the family at hand, or the one to be proven
	Proven time.Time  `json:"p,omitzero"`  // when KK was shown last; zero: it was not
	List   []ident.KK `json:"l,omitempty"` // to choose from
	Wish   string     `json:"w,omitempty"` // what the family was asked for: a topic, empty for all
	Desa   string     `json:"d,omitempty"` // whose rice was told
	Advice string     `json:"a,omitempty"` // the problem that was told
	Said   string     `json:"s,omitempty"` // and the complaint, until it is filed
}

// step is one message on its way through the machine: what was said before,
// and what decide found out for the question that follows.
type step struct {
	*bot.Turn
	flow   *Flow
	memory memory
	rules  Rules

	reason string // why something is asked for: the last part of a message key
	digits int    // how many came
	asOf   time.Time
	until  time.Time // no further try before

	family   Household
	families []Household // of the list
	unlisted bool        // the family at hand is not on the list for rice
	handed   bool        // to another flow: there is nothing to say
}

// Handle implements bot.Flow.
func (f *Flow) Handle(ctx context.Context, t *bot.Turn) error {
	s := &step{Turn: t, flow: f}
	if err := t.Recall(&s.memory); err != nil {
		return fmt.Errorf("macca: memory: %w", err)
	}
	var event string
	var err error
	if s.rules, err = f.schedule.Rules(ctx); err == nil {
		event, err = f.decide(ctx, s)
	}
	if err != nil {
		if ctx.Err() == nil {
			event = fail // the registry is down, which is to be said, not hidden
		} else {
			return err
		}
	}
	if s.handed {
		return nil
	}
	if event == noEvent {
		t.Say(bot.Reply{Key: "macca.unclear", Keep: true})
		return nil
	}
	return f.Advance(ctx, t, event, s, &s.memory)
}

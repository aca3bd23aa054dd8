// Package kantor is the directory of the regency's offices: what each is for,
// where it is, how to reach it, when it is open, and which one arranges what a
// resident has to arrange.
//
// decide.go finds out what a message means; states.go says what event leads
// where; say.go answers. directory.go and calendar.go have the data, which the
// regency can change in DIR/kantor.toml.
package kantor

import (
	"context"
	_ "embed"
	"fmt"
	"time"

	"tabe/bot"
	"tabe/bot/understand"
	"tabe/flows"
)

// Sites tells whether the offices' sites answer. It must not wait for them.
type Sites interface {
	// Up tells whether a site answered when it was last asked, and when that
	// was; known is false if nobody has asked lately.
	Up(host string) (up bool, at time.Time, known bool)
}

// Flow answers understand.OfficeDirectory. It is safe for concurrent use.
type Flow struct {
	*flows.Machine[*step]
	data    *Data
	sites   Sites
	errands *flows.Cues
	others  *flows.Cues
	aspects *flows.Cues
	days    *flows.Cues
}

var (
	//go:embed errands.toml
	errandsFile []byte
	//go:embed elsewhere.toml
	elsewhereFile []byte
	//go:embed aspects.toml
	aspectsFile []byte
	//go:embed days.toml
	daysFile []byte
)

// New returns the flow over the regency's data and what is known of the sites.
func New(data *Data, sites Sites) *Flow {
	return &Flow{
		Machine: flows.New(table, questions), data: data, sites: sites,
		errands: flows.MustCues(errandsFile), others: flows.MustCues(elsewhereFile), aspects: flows.MustCues(aspectsFile), days: flows.MustCues(daysFile),
	}
}

// Name implements bot.Flow.
func (*Flow) Name() string { return "kantor" }

// Revision implements bot.Flow.
func (*Flow) Revision() int { return 1 }

// Topics implements bot.Flow.
func (*Flow) Topics() []bot.Topic { return []bot.Topic{{Intent: understand.OfficeDirectory}} }

// Expects implements bot.Flow. What is asked here is answered by a choice, or
// by words that mean the same anywhere.
func (*Flow) Expects(*bot.Turn) bool { return false }

// memory is what the flow remembers between two messages.
type memory struct {
	Office string `json:"o,omitempty"` // code of the one at hand
	Errand string `json:"e,omitempty"`
	Group  string `json:"g,omitempty"` // the list that is shown
	Page   int    `json:"p,omitempty"`
}

// step is one message on its way through the machine.
type step struct {
	*bot.Turn
	flow   *Flow
	memory memory

	place string    // the desa or kecamatan by which the office was found
	names bool      // somebody asked who works there
	email bool      // or for the address of its electronic post
	day   time.Time // that the hours were asked for; zero: now
	fast  bool      // the hours of Ramadan were asked for
}

// Handle implements bot.Flow.
func (f *Flow) Handle(ctx context.Context, t *bot.Turn) error {
	s := &step{Turn: t, flow: f}
	if err := t.Recall(&s.memory); err != nil {
		return fmt.Errorf("kantor: memory: %w", err)
	}
	event := f.decide(s)
	switch event {
	case leave:
		return nil
	case noEvent:
		t.Say(bot.Reply{Key: "kantor.unclear", Keep: true})
		return nil
	}
	return f.Advance(ctx, t, event, s, &s.memory)
}

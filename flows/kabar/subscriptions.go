package kabar

import (
	"context"
	"time"

	"tabe/bot"
)

// Subscription is one thing that a resident agreed to be told of.
type Subscription struct {
	Purpose string
	Key     string // about what; a permit number, a NOP, a kecamatan
	Channel bot.ChannelID
	Consent string            // key of the message by which he was asked
	Words   map[string]string // of that message at that time, by language
	Since   time.Time         // he agreed
	Stopped time.Time         // zero: not; else when he withdrew
}

// Subscriptions is what the flow has to know of what was agreed.
type Subscriptions interface {
	// Of returns what a resident agreed to, oldest first, also what he
	// stopped lately.
	Of(ctx context.Context, resident bot.ResidentID) ([]Subscription, error)
	// Silenced tells whether a resident has sent STOP, and nothing since by
	// which he asked to be told again.
	Silenced(ctx context.Context, resident bot.ResidentID) (bool, error)
}

// ended tells whether consent was withdrawn.
func (s Subscription) ended() bool { return !s.Stopped.IsZero() }

// lastEnded returns what was withdrawn last.
func lastEnded(list []Subscription) (last []Subscription) {
	for _, s := range list {
		switch {
		case !s.ended() || len(last) > 0 && s.Stopped.Before(last[0].Stopped):
		case len(last) > 0 && s.Stopped.Equal(last[0].Stopped):
			last = append(last, s)
		default:
			last = []Subscription{s}
		}
	}
	return last
}

// Resume is the effect of MULAI: what was withdrawn last goes on.
type Resume struct{}

// Package bahasa lets a resident choose the language to be answered in. The
// choice is remembered, and no later sentence changes it.
package bahasa

import (
	"context"

	"github.com/looplab/fsm"

	"tabe/bot"
	"tabe/bot/understand"
	"tabe/flows"
)

// The states: a question, and the language chosen.
const (
	choosing = "choosing"
	chosen   = "chosen"
)

const (
	ask    = "ask"
	choose = "choose"
)

var events = fsm.Events{
	{Name: ask, Src: []string{flows.Start, choosing, chosen}, Dst: choosing},
	{Name: choose, Src: []string{flows.Start, choosing, chosen}, Dst: chosen},
}

// languages in the order in which they are offered.
var languages = []string{understand.Bugis, understand.Indonesian}

// Flow answers understand.ChangeLanguage.
type Flow struct{ *flows.Machine[*bot.Turn] }

// New returns the flow.
func New() Flow {
	return Flow{flows.New(events, map[string]flows.Enter[*bot.Turn]{
		choosing: func(_ context.Context, t *bot.Turn) error {
			r := bot.Reply{Key: "bahasa.ask_language"}
			for _, l := range languages {
				r.Options = append(r.Options, bot.Option{Value: l, Label: "bahasa.to_" + l})
			}
			t.Say(r)
			return nil
		},
		chosen: func(_ context.Context, t *bot.Turn) error {
			// Whoever switches in the middle of something goes on with it.
			t.Say(bot.Reply{Key: "bahasa.chosen", Keep: true})
			t.End()
			return nil
		},
	})}
}

// Name implements bot.Flow.
func (Flow) Name() string { return "bahasa" }

// Revision implements bot.Flow.
func (Flow) Revision() int { return 1 }

// Topics implements bot.Flow.
func (Flow) Topics() []bot.Topic { return []bot.Topic{{Intent: understand.ChangeLanguage}} }

// Expects implements bot.Flow: the choices are enough.
func (Flow) Expects(*bot.Turn) bool { return false }

// Handle implements bot.Flow.
func (f Flow) Handle(ctx context.Context, t *bot.Turn) error {
	event := ask
	wanted := t.Choice
	if wanted == "" {
		wanted, _ = t.Understood.Slots.Get("lang")
	}
	for _, l := range languages {
		if l == wanted {
			t.Resident.Language, t.Resident.Pinned = l, true
			event = choose
		}
	}
	next, err := f.Fire(ctx, t.Conversation.State, event, t)
	if err == nil && next == choosing {
		t.Conversation.State = next
	}
	return err
}

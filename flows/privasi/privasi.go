// Package privasi forgets a resident: everything that is stored about him goes,
// once he has confirmed it.
package privasi

import (
	"context"

	"github.com/looplab/fsm"

	"tabe/bot"
	"tabe/bot/understand"
	"tabe/flows"
)

// The states: the question whether he is sure, and the two ends.
const (
	asking  = "asking"
	deleted = "deleted"
	kept    = "kept"
)

const (
	ask     = "ask"
	confirm = "confirm"
	refuse  = "refuse"
)

var events = fsm.Events{
	{Name: ask, Src: []string{flows.Start, asking, deleted, kept}, Dst: asking},
	{Name: confirm, Src: []string{asking}, Dst: deleted},
	{Name: refuse, Src: []string{asking}, Dst: kept},
}

// Flow answers understand.DeleteData.
type Flow struct{ *flows.Machine[*bot.Turn] }

// New returns the flow.
func New() Flow {
	return Flow{flows.New(events, map[string]flows.Enter[*bot.Turn]{
		asking: func(_ context.Context, t *bot.Turn) error {
			t.Say(bot.Reply{Key: "privasi.ask_delete", Options: []bot.Option{bot.Choice(flows.Yes), bot.Choice(flows.No)}})
			return nil
		},
		deleted: func(_ context.Context, t *bot.Turn) error {
			t.Say(bot.Reply{Key: "privasi.deleted"})
			t.Effect(bot.Erase{})
			t.Resident.Forget()
			return nil
		},
		kept: func(_ context.Context, t *bot.Turn) error {
			t.Say(bot.Reply{Key: "privasi.kept"})
			return nil
		},
	})}
}

// Name implements bot.Flow.
func (Flow) Name() string { return "privasi" }

// Revision implements bot.Flow.
func (Flow) Revision() int { return 1 }

// Topics implements bot.Flow.
func (Flow) Topics() []bot.Topic { return []bot.Topic{{Intent: understand.DeleteData}} }

// Expects implements bot.Flow. Only a plain answer confirms; whatever else is
// said is understood afresh, and a repeated wish to delete asks again.
func (Flow) Expects(t *bot.Turn) bool { return flows.YesOrNo(t.Text) != "" }

// Handle implements bot.Flow.
func (f Flow) Handle(ctx context.Context, t *bot.Turn) error {
	answer := t.Choice
	if answer == "" {
		answer = flows.YesOrNo(t.Text)
	}
	event := ask
	if t.Conversation.State == asking {
		switch answer {
		case flows.Yes:
			event = confirm
		case flows.No:
			event = refuse
		}
	}
	next, err := f.Fire(ctx, t.Conversation.State, event, t)
	if err != nil {
		return err
	}
	if t.Conversation.State = next; next != asking {
		t.End()
	}
	return nil
}

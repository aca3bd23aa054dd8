package bot_test

import (
	"testing"

	"tabe/bot"
	"tabe/bot/bottest"
	"tabe/bot/understand"
)

func TestWhatIsToldOfTurns(t *testing.T) {
	tax := ask{name: "tax", topics: []bot.Topic{{Intent: understand.TaxBill}}, handle: count}
	fire := emergency{ask{name: "fire", topics: []bot.Topic{{Intent: understand.EmergencyFire, Urgent: true}}, handle: count}}
	e := newEngine(t, bottest.NewStore(nil), nil, tax, fire)
	told := make(chan bot.Turned, 1)
	e.Observe = func(turned bot.Turned) { told <- turned }
	p := &phone{t: t, e: e}
	type seen struct {
		seq                     int64
		flowBefore, stateBefore string
		flow, state, topic      string
		confidence              float64
	}
	for _, step := range []struct {
		say  string
		want seen
	}{
		{"tax", seen{1, "", "", "tax", "asked", "tax_bill", 0.9}},
		{"blah", seen{2, "tax", "asked", "tax", "asked", "out_of_scope", 0.9}},
		{"fire", seen{3, "tax", "asked", "fire", "", "emergency", 0.9}},
		{"tax", seen{4, "fire", "", "tax", "asked", "tax_bill", 0.9}},
	} {
		p.say(step.say)
		got := <-told
		if got := (seen{got.Seq, got.Before.Flow, got.Before.State, got.Flow, got.State, got.Topic(), got.Confidence}); got != step.want {
			t.Errorf("%q is told as %+v, want %+v", step.say, got, step.want)
		}
		if got.Begun.IsZero() || got.Listened < 0 || got.Listened > got.Thought {
			t.Errorf("%q took %v to understand of %v", step.say, got.Listened, got.Thought)
		}
	}
}

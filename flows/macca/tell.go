package macca

import (
	"context"
	"encoding/json"
	"fmt"

	"tabe/bot"
)

// What residents are told unasked: that there is rice in their desa.
const (
	Purpose  = "rice" // of bot.Subscribe, with the name of a desa
	RiceNews = "rice" // kind of the bot.Notice, with a Distribution
)

// Tell implements bot.Teller.
func (f *Flow) Tell(_ context.Context, t *bot.Turn) error {
	var d Distribution
	if t.Notice.Kind != RiceNews {
		return fmt.Errorf("macca: there is no news called %q", t.Notice.Kind)
	}
	if err := json.Unmarshal(t.Notice.Body, &d); err != nil {
		return fmt.Errorf("macca: news: %w", err)
	}
	if d.over(t.Now) {
		return nil // it came too late to be of use
	}
	t.Say(bot.Reply{Key: "macca.rice_told", Data: d.words(), Keep: true})
	return nil
}

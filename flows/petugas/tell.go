package petugas

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"

	"tabe/bot"
)

// Tell implements bot.Teller: what happened at the desk.
func (f *Flow) Tell(ctx context.Context, t *bot.Turn) error {
	s := &step{Turn: t, flow: f, urgent: slices.Contains(f.Undisturbed, t.Conversation.Flow)}
	event, body := "", any(&s.line)
	switch t.Notice.Kind {
	case NoticeTaken:
		event = take
	case NoticeSaid:
		event = say
	case NoticeClosed:
		event = end
	case NoticeMoved, NoticeMissed:
		event, body = promise, &s.promise
	default:
		return fmt.Errorf("petugas: no notice is called %q", t.Notice.Kind)
	}
	if err := json.Unmarshal(t.Notice.Body, body); err != nil {
		return fmt.Errorf("petugas: notice %s: %w", t.Notice.Kind, err)
	}
	return f.fire(ctx, s, event)
}

package pbb

import (
	"context"
	"errors"
	"time"

	"tabe/adapters/notices"
	"tabe/bot/ident"
	"tabe/flows/pbb"
)

// Due is the source of reminders that a bill is due soon; see pbb.Due.
type Due struct {
	Registry pbb.Registry
	Rules    pbb.Rules
}

var _ notices.Source = Due{}

// News implements notices.Source. Objects that are in no extract any more have
// no news.
func (d Due) News(ctx context.Context, nops []string, now time.Time) (map[string]notices.News, error) {
	news := make(map[string]notices.News)
	for _, nop := range nops {
		o, err := d.Registry.Object(ctx, ident.NOP(nop))
		if errors.Is(err, pbb.ErrNotFound) {
			continue
		}
		if err != nil {
			return nil, err
		}
		if r, due := d.Rules.Reminder(o, now); due {
			news[nop] = notices.News{Mark: r.Mark(), Kind: r.Kind, Body: r}
		}
	}
	return news, nil
}

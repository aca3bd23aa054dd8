package privacy

import (
	"context"

	"tabe/adapters/database"
	"tabe/bot"
	"tabe/flows/kabar"
	"tabe/flows/privasi"
)

// Words gives messages with the names of their values in place; the catalogue
// of locales does.
type Words interface {
	Source(language, key string) string
}

// Records implements privasi.Records.
type Records struct {
	DB    *database.DB
	Words Words
	Told  kabar.Subscriptions
	// Complaints counts what a resident complained of; nil: nobody takes any.
	Complaints func(ctx context.Context, resident bot.ResidentID) (int, error)
	// Incidents counts what emergencies he reported; nil: nobody takes any.
	Incidents func(ctx context.Context, resident bot.ResidentID) (int, error)
	Retention Retention
}

var _ privasi.Records = Records{}

// Of implements privasi.Records.
func (r Records) Of(ctx context.Context, resident bot.ResidentID, accesses int) (kept privasi.Kept, err error) {
	kept.Days = r.Retention.days(Messages)
	if kept.Accesses, err = seen(ctx, r.DB, resident, accesses); err != nil {
		return kept, err
	}
	if r.Complaints != nil {
		if kept.Complaints, err = r.Complaints(ctx, resident); err != nil {
			return kept, err
		}
	}
	if r.Incidents != nil {
		if kept.Incidents, err = r.Incidents(ctx, resident); err != nil {
			return kept, err
		}
	}
	told, err := r.Told.Of(ctx, resident)
	for _, s := range told {
		if s.Stopped.IsZero() {
			kept.Told = append(kept.Told, privasi.Told{Purpose: s.Purpose, Key: s.Key, Words: s.Words, Since: s.Since})
		}
	}
	return kept, err
}

// Asked implements privasi.Records.
func (r Records) Asked(language, key string) string { return r.Words.Source(language, key) }

package privacy

import (
	"bytes"
	"context"
	_ "embed"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"time"

	"tabe/adapters/database"
	"tabe/bot"
	"tabe/bot/settings"
)

// Kind is a kind of data with a time of its own.
type Kind string

// The kinds of data that the rules name.
const (
	Messages      Kind = "messages"
	Residents     Kind = "residents"
	Subscriptions Kind = "subscriptions"
	Stopped       Kind = "stopped"
	Complaints    Kind = "complaints"
	Incidents     Kind = "incidents"
	Accesses      Kind = "accesses"
	Survey        Kind = "survey"
)

// Kinds lists them in the order of the file.
var Kinds = []Kind{Messages, Residents, Subscriptions, Stopped, Complaints, Incidents, Accesses, Survey}

// limits are the fewest and most days of each kind.
var limits = map[Kind][2]int{
	Messages:      {7, 3650}, // providers repeat for days
	Residents:     {30, 3650},
	Subscriptions: {30, 3650},
	Stopped:       {1, 3650},
	Complaints:    {30, 3650},
	Incidents:     {30, 3650},
	Accesses:      {30, 3650},
	Survey:        {31, 3650}, // or somebody would be asked twice in a month
}

//go:embed retention.toml
var defaultRetention []byte

// Retention says for how many days each kind of data is kept. Make it with
// ParseRetention or DefaultRetention.
type Retention map[Kind]int

// DefaultRetention returns the rules that are part of the program.
func DefaultRetention() Retention {
	r, err := ParseRetention(bytes.NewReader(defaultRetention))
	if err != nil {
		panic(err) // the file is part of the program
	}
	return r
}

// ParseRetention reads a file like retention.toml. A kind that it does not name
// is an error: nothing is kept for ever by oversight.
func ParseRetention(file io.Reader) (Retention, error) {
	r := Retention{}
	if err := settings.Decode(file, &r); err != nil {
		return nil, fmt.Errorf("privacy: retention: %w", err)
	}
	for kind := range r {
		if _, known := limits[kind]; !known {
			return nil, fmt.Errorf("privacy: retention: nothing is called %s", kind)
		}
	}
	for _, kind := range Kinds {
		limit := limits[kind]
		if days, ok := r[kind]; !ok || days < limit[0] || days > limit[1] {
			return nil, fmt.Errorf("privacy: retention: %s is %d days, not between %d and %d", kind, days, limit[0], limit[1])
		}
	}
	return r, nil
}

func (r Retention) days(k Kind) int { return r[k] }

// String is one line for people: messages 90 days, …
func (r Retention) String() string {
	text := ""
	for i, kind := range Kinds {
		if i > 0 {
			text += ", "
		}
		text += fmt.Sprintf("%s %d days", kind, r[kind])
	}
	return text
}

// Prune removes data of one kind that is older than a point in time.
type Prune func(ctx context.Context, before time.Time) (removed int64, err error)

// Keeper erases what is too old, once a day.
type Keeper struct {
	DB        *database.DB
	Retention Retention
	Prunes    map[Kind]Prune // besides Residents and Accesses
	Clock     func() time.Time
	Log       *slog.Logger
}

// pause is the time between two looks at the clock.
const pause = time.Hour

// Run erases at the start and then once a day, in the night, until ctx ends.
func (k *Keeper) Run(ctx context.Context) {
	for last := ""; ; {
		now := k.Clock().In(bot.WITA)
		const night = 2 // hours after midnight
		if today := now.Format(time.DateOnly); last != today && (last == "" || now.Hour() >= night) {
			if err := k.Once(ctx); err != nil && ctx.Err() == nil {
				k.Log.Error("what is too old could not be erased", "err", err)
			} else {
				last = today
			}
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(pause):
		}
	}
}

// Once erases what is too old now. A kind that fails does not hold back the
// others.
func (k *Keeper) Once(ctx context.Context) error {
	prunes := map[Kind]Prune{
		Residents: k.pruneResidents,
		Accesses:  func(ctx context.Context, before time.Time) (int64, error) { return PruneAccesses(ctx, k.DB, before) },
	}
	for kind, prune := range k.Prunes {
		prunes[kind] = prune
	}
	problems := []error{k.markDay(ctx)}
	for _, kind := range Kinds {
		prune := prunes[kind]
		if prune == nil {
			continue // a part that is not in this house
		}
		removed, err := prune(ctx, k.Clock().AddDate(0, 0, -k.Retention[kind]))
		if err != nil {
			problems = append(problems, fmt.Errorf("privacy: %s: %w", kind, err))
		} else if removed > 0 {
			k.Log.Info("erased what was too old", "kind", kind, "rows", removed)
		}
	}
	return errors.Join(problems...)
}

// markDay notes the newest message of today, by which it is known later how
// long ago a resident wrote last.
func (k *Keeper) markDay(ctx context.Context) error {
	day := k.Clock().In(bot.WITA).Format(time.DateOnly)
	err := k.DB.Do(ctx, func(tx *database.Tx) error {
		_, err := tx.Exec(`insert into retention_days (day, seq) select $1, coalesce(max(last_seq), 0) from residents where true on conflict (day) do nothing`, day)
		return err
	})
	if err != nil {
		return fmt.Errorf("privacy: day: %w", err)
	}
	return nil
}

// residentBatch is how many residents are looked at in one transaction.
const residentBatch = 500

// pruneResidents forgets who has not written since a point in time. Who waits
// for an answer or is still told something is not forgotten.
func (k *Keeper) pruneResidents(ctx context.Context, before time.Time) (removed int64, err error) {
	var seq int64
	day := before.In(bot.WITA).Format(time.DateOnly)
	if err := k.DB.QueryRow(ctx, `select coalesce(max(seq), 0) from retention_days where day <= $1`, day).Scan(&seq); err != nil || seq == 0 {
		return 0, err
	}
	for from := ""; ; {
		var last string
		if err := k.DB.QueryRow(ctx, `select coalesce(max(id), '') from (select id from residents where id > $1 order by id limit $2) as batch`, from, residentBatch).Scan(&last); err != nil {
			return removed, err
		}
		if last == "" {
			break
		}
		var changed int64
		if err := k.DB.Do(ctx, func(tx *database.Tx) (err error) {
			changed, err = tx.Exec(`delete from residents where id > $1 and id <= $2 and last_seq <= $3
				and not exists (select 1 from journal j where j.resident = residents.id and j.answered is null)
				and not exists (select 1 from subscriptions s where s.resident = residents.id and s.stopped is null)`, from, last, seq)
			return err
		}); err != nil {
			return removed, err
		}
		removed += changed
		from = last
	}
	return removed, k.DB.Do(ctx, func(tx *database.Tx) error {
		_, err := tx.Exec(`delete from retention_days where day < (select max(day) from retention_days where day <= $1)`, day)
		return err
	})
}

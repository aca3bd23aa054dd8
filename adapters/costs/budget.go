package costs

import (
	"context"
	"fmt"
	"log/slog"

	"tabe/adapters/database"
	"tabe/bot"
)

// Level is how the day's money stands.
type Level string

// The levels.
const (
	Enough Level = "enough"
	Low    Level = "low"  // the warning is passed
	Gone   Level = "gone" // what we send by ourselves waits until tomorrow
)

// Budget is the money of a day (WITA), of all nodes.
type Budget struct {
	Day     string     // YYYY-MM-DD
	Daily   bot.Rupiah // 0: there is no budget
	Warning bot.Rupiah // from this sum on there is a warning
	Spent   bot.Rupiah // emergencies included
}

// Level tells how the money stands. Without a budget there is always enough.
func (b Budget) Level() Level {
	switch {
	case b.Daily == 0 || b.Spent < b.Warning:
		return Enough
	case b.Spent < b.Daily:
		return Low
	}
	return Gone
}

// Low tells that there is a warning.
func (b Budget) Low() bool { return b.Level() == Low }

// Gone tells that nothing is left.
func (b Budget) Gone() bool { return b.Level() == Gone }

// budget is that of a day on which so much was spent.
func (l Limits) budget(day string, spent bot.Rupiah) Budget {
	// Rounded up: the warning is never at nothing.
	return Budget{Day: day, Daily: l.Daily, Warning: (l.Daily*bot.Rupiah(l.WarnPercent) + 99) / 100, Spent: spent}
}

const daySum = `select cast(coalesce(sum(rupiah), 0) as bigint) from spending where day = $1`

// State tells how the money of today stands.
func (l *Ledger) State(ctx context.Context) (Budget, error) {
	day := dayOf(l.clock())
	var written int64
	if err := l.db.Read(ctx, daySum, []any{day}, &written); err != nil {
		return Budget{}, fmt.Errorf("costs: %w", err)
	}
	return l.limits.budget(day, bot.Rupiah(written)+l.unwritten(day)), nil
}

// Spent tells whether the money of today is gone, in a transaction that would
// spend more.
func (l *Ledger) Spent(tx *database.Tx) (bool, error) {
	if l.limits.Daily == 0 {
		return false, nil
	}
	day := dayOf(l.clock())
	var written int64
	if err := tx.QueryRow(daySum, []any{day}, &written); err != nil {
		return false, fmt.Errorf("costs: %w", err)
	}
	return l.limits.budget(day, bot.Rupiah(written)+l.unwritten(day)).Level() == Gone, nil
}

// alarmed is what this node knows of the alarms of a day, so that it does not
// ask the database again every few seconds.
type alarmed struct {
	day   string
	level Level
}

// alarm writes into the log, once a day for each sum that is passed and on one
// of the nodes, that the money is low or gone.
func (l *Ledger) alarm(ctx context.Context) error {
	if l.limits.Daily == 0 {
		return nil
	}
	b, err := l.State(ctx)
	if err != nil {
		return err
	}
	now := alarmed{b.Day, b.Level()}
	if now.level == Enough || now == l.alarmed {
		return nil
	}
	for _, a := range []struct {
		level  Level
		passed bot.Rupiah
		how    slog.Level
		words  string
	}{
		{Low, b.Warning, slog.LevelWarn, "most of the day's money for messages is spent"},
		{Gone, b.Daily, slog.LevelError, "the day's money for messages is spent: what we send by ourselves waits until tomorrow, emergencies go on"},
	} {
		if b.Spent < a.passed {
			continue
		}
		first, err := l.first(ctx, b.Day, a.level, a.passed)
		if err != nil {
			return err
		}
		if first {
			l.log.Log(ctx, a.how, a.words, "day", b.Day, "spent", int64(b.Spent), "budget", int64(b.Daily))
		}
	}
	l.alarmed = now
	return nil
}

// first tells whether nobody has given an alarm yet, and that we do.
func (l *Ledger) first(ctx context.Context, day string, level Level, passed bot.Rupiah) (first bool, err error) {
	err = l.db.Do(ctx, func(tx *database.Tx) error {
		changed, err := tx.Exec(`insert into budget_alarms (day, level, rupiah, at) values ($1, $2, $3, $4) on conflict do nothing`,
			day, level, int64(passed), database.Micros(l.clock()))
		first = changed > 0
		return err
	})
	if err != nil {
		return false, fmt.Errorf("costs: %w", err)
	}
	return first, nil
}

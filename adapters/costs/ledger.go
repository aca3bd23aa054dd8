package costs

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"time"

	"tabe/adapters/database"
	"tabe/bot"
)

// Kind is what money was spent for.
type Kind string

// The kinds.
const (
	Ordinary  Kind = "ordinary"
	Emergency Kind = "emergency"
)

// cell is a row of the table.
type cell struct {
	day     string // of WITA, YYYY-MM-DD
	channel bot.ChannelID
	kind    Kind
}

func (c cell) compare(o cell) int {
	return cmp.Or(cmp.Compare(c.day, o.day), cmp.Compare(c.channel, o.channel), cmp.Compare(c.kind, o.kind))
}

// amount is what stands in a row.
type amount struct {
	messages, segments int64
	rupiah             bot.Rupiah
}

func (a amount) plus(b amount) amount {
	return amount{a.messages + b.messages, a.segments + b.segments, a.rupiah + b.rupiah}
}

func (a amount) minus(b amount) amount {
	return amount{a.messages - b.messages, a.segments - b.segments, a.rupiah - b.rupiah}
}

// Ledger adds up what was spent, and gives the alarms about the day's money.
// What it was told is written every few seconds, and by Flush: a crash loses
// what was sent within every, and a connection that breaks while a write is
// being confirmed can count it twice. What each message cost stands with the
// message as well. It is safe for concurrent use.
type Ledger struct {
	db     *database.DB
	limits Limits
	clock  func() time.Time
	log    *slog.Logger

	mu   sync.Mutex
	open map[cell]amount // not written yet

	writing sync.Mutex // held by who writes
	alarmed alarmed    // under writing
}

// every is the time between two writes.
const every = 3 * time.Second

// New returns the ledger of a process.
func New(db *database.DB, limits Limits, clock func() time.Time, log *slog.Logger) *Ledger {
	return &Ledger{db: db, limits: limits, clock: clock, log: log, open: make(map[cell]amount)}
}

// Add counts an attempt, if it went. It returns at once.
func (l *Ledger) Add(a bot.Attempted) {
	if a.Result != bot.Went {
		return
	}
	c := cell{day: dayOf(l.clock()), channel: a.Channel, kind: Ordinary}
	if a.Urgent {
		c.kind = Emergency
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.open[c] = l.open[c].plus(amount{1, int64(a.Segments), a.Cost})
}

// dayOf is the day in WITA.
func dayOf(t time.Time) string { return t.In(bot.WITA).Format(time.DateOnly) }

// Run writes what was added until ctx ends, and then once more. A sender that
// still finishes what it has begun adds to it afterwards: call Flush when it has ended.
func (l *Ledger) Run(ctx context.Context) {
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		if err := l.Flush(ctx); err != nil && ctx.Err() == nil {
			l.log.Error("cannot write down what was spent", "err", err)
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			last, cancel := context.WithTimeout(context.WithoutCancel(ctx), every)
			defer cancel()
			if err := l.Flush(last); err != nil {
				l.log.Error("what was spent in the last seconds is not written down", "err", err)
			}
			return
		}
	}
}

// Flush writes what was added until now, and gives the alarms that are due. What
// could not be written is kept for the next time.
func (l *Ledger) Flush(ctx context.Context) error {
	l.writing.Lock()
	defer l.writing.Unlock()
	l.mu.Lock()
	sums := maps.Clone(l.open)
	l.mu.Unlock()
	if len(sums) > 0 {
		if err := l.write(ctx, sums); err != nil {
			return fmt.Errorf("costs: %w", err)
		}
		l.mu.Lock()
		for c, written := range sums {
			if rest := l.open[c].minus(written); rest == (amount{}) {
				delete(l.open, c)
			} else {
				l.open[c] = rest
			}
		}
		l.mu.Unlock()
	}
	return l.alarm(ctx)
}

// write adds sums to the rows, which other nodes add to as well: all of them in
// the same order, or two would wait for each other.
func (l *Ledger) write(ctx context.Context, sums map[cell]amount) error {
	order := slices.SortedFunc(maps.Keys(sums), cell.compare)
	return l.db.Do(ctx, func(tx *database.Tx) error {
		for _, c := range order {
			a := sums[c]
			if _, err := tx.Exec(`insert into spending (day, channel, kind, messages, segments, rupiah) values ($1, $2, $3, $4, $5, $6)
				on conflict (day, channel, kind) do update set messages = spending.messages + excluded.messages,
				segments = spending.segments + excluded.segments, rupiah = spending.rupiah + excluded.rupiah`,
				c.day, c.channel, c.kind, a.messages, a.segments, int64(a.rupiah)); err != nil {
				return err
			}
		}
		return nil
	})
}

// unwritten is what this node has spent on a day and not written down yet.
func (l *Ledger) unwritten(day string) (sum bot.Rupiah) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for c, a := range l.open {
		if c.day == day {
			sum += a.rupiah
		}
	}
	return sum
}

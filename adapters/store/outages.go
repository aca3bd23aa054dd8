package store

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"tabe/adapters/database"
	"tabe/bot"
)

const (
	outageEvery = 5 * time.Second
	// outageLasts is how long an outage is believed that its process does not
	// confirm: the process may be gone.
	outageLasts = 30 * time.Second
)

// Outages writes down which channels fail for everybody in this process, for
// the consoles of all of them.
type Outages struct {
	Store *Store
	Node  string              // this process
	Look  func() []bot.Outage // what it sees now; bot.Sender.Outages
	// Event is told when a channel begins to fail for any process, and when
	// it works again for all of them.
	Event func(tx *database.Tx, at time.Time, kind string, c bot.ChannelID) error
	Log   *slog.Logger

	known map[bot.ChannelID]bool // what of ours is written down
}

// The kinds of Outages.Event.
const (
	ChannelDown = "channel.down"
	ChannelUp   = "channel.up"
)

// Run goes on until ctx ends.
func (o *Outages) Run(ctx context.Context) {
	tick := time.NewTicker(outageEvery)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			o.Round(ctx)
		case <-ctx.Done(): // nobody sends here any more
			last, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
			defer cancel()
			o.write(last, nil)
			return
		}
	}
}

// Round writes down what there is to see now.
func (o *Outages) Round(ctx context.Context) { o.write(ctx, o.Look()) }

func (o *Outages) write(ctx context.Context, all []bot.Outage) {
	if len(all) == 0 && len(o.known) == 0 {
		return
	}
	now := map[bot.ChannelID]bool{}
	err := o.Store.db.Do(ctx, func(tx *database.Tx) error {
		clear(now)
		at := o.Store.clock()
		if _, err := tx.Exec(`delete from outages where node = $1 or seen <= $2`, o.Node, database.Micros(at.Add(-outageLasts))); err != nil {
			return err
		}
		elsewhere, err := database.Column[bot.ChannelID](tx.Query(`select distinct channel from outages`))
		if err != nil {
			return err
		}
		for _, out := range all {
			now[out.Channel] = true
			if _, err := tx.Exec(`insert into outages (channel, node, since, code, seen) values ($1, $2, $3, $4, $5)`,
				out.Channel, o.Node, database.Micros(out.Since), short(out.Code), database.Micros(at)); err != nil {
				return err
			}
			if !o.known[out.Channel] && !slices.Contains(elsewhere, out.Channel) {
				if err := o.Event(tx, at, ChannelDown, out.Channel); err != nil {
					return err
				}
			}
		}
		for c := range o.known {
			if !now[c] && !slices.Contains(elsewhere, c) {
				if err := o.Event(tx, at, ChannelUp, c); err != nil {
					return err
				}
			}
		}
		return nil
	})
	if err != nil {
		if ctx.Err() == nil {
			o.Log.Error("cannot write down outages", "err", err)
		}
		return
	}
	o.known = now
}

// Outages returns the channels that fail for everybody in one of the processes,
// in the order of their names.
func (s *Store) Outages(ctx context.Context) (all []bot.Outage, err error) {
	rows, err := s.db.Query(ctx, `select channel, min(since), max(code) from outages where seen > $1 group by channel order by channel`,
		database.Micros(s.clock().Add(-outageLasts)))
	if err != nil {
		return nil, fmt.Errorf("store: outages: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var o bot.Outage
		var since int64
		if err := rows.Scan(&o.Channel, &since, &o.Code); err != nil {
			return nil, fmt.Errorf("store: outages: %w", err)
		}
		o.Since = database.Time(since)
		all = append(all, o)
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("store: outages: %w", err)
	}
	return all, nil
}

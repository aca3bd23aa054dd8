package desk

import (
	"context"
	"errors"
	"fmt"
	"time"

	"tabe/adapters/database"
	"tabe/flows/petugas"
)

// lookEvery is how often Run looks for promises that were not kept.
const lookEvery = 15 * time.Second

// Run keeps the promises honest until ctx ends: who was not answered in the time
// that was promised, or before the desk closed, is told so and promised another
// one, and what an operator has forgotten returns to the queue. Several machines
// may do this at once.
func (d *Desk) Run(ctx context.Context) {
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	for {
		if err := errors.Join(d.Return(ctx), d.Move(ctx)); err != nil && ctx.Err() == nil {
			d.Log.Error("cannot look for promises that were not kept", "err", err)
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}

// maxMoves is how many promises are moved in one look.
const maxMoves = 100

// Move promises another time to everybody whose time is over.
func (d *Desk) Move(ctx context.Context) error {
	now := database.Micros(d.Clock())
	ids, err := database.Column[int64](d.DB.Query(ctx, `select id from desk_cases where stage in ('waiting', 'promised') and until <= $1 order by until limit $2`, now, maxMoves))
	if err != nil {
		return fmt.Errorf("desk: %w", err)
	}
	for _, id := range ids {
		from, until, err := petugas.Next(ctx, d, d.Hours, d.Clock())
		if err != nil {
			return fmt.Errorf("desk: %w", err)
		}
		if err := d.move(ctx, id, from, until); err != nil {
			return err
		}
	}
	return nil
}

func (d *Desk) move(ctx context.Context, id int64, from, until time.Time) error {
	err := d.act(ctx, id, engine, EventMoved, func(a *action) error {
		moved, err := a.tx.Exec(`update desk_cases set stage = 'promised', moved = moved + 1, due = $1, until = $2
			where id = $3 and stage in ('waiting', 'promised') and until <= $4`,
			database.Micros(from), database.Micros(until), id, database.Micros(a.now))
		if err != nil || moved == 0 {
			return errUnmoved(err)
		}
		return a.post(petugas.NoticeMoved, petugas.Promise{From: from, Until: until, Phone: a.Phone})
	})
	if err == ErrTaken || err == ErrNotFound {
		return nil // somebody was faster
	}
	return err
}

// errUnmoved is the error of an update, or ErrTaken if it changed nothing.
func errUnmoved(err error) error {
	if err == nil {
		return ErrTaken
	}
	return err
}

// forgotten is how long a resident's words wait for the operator who has him.
const forgotten = 20 * time.Minute

// Return puts the cases back into the queue whose operator has not read for a
// long time what the resident said.
func (d *Desk) Return(ctx context.Context) error {
	err := d.DB.Do(ctx, func(tx *database.Tx) error {
		now := d.Clock()
		ids, err := database.Column[int64](tx.Query(`update desk_cases set stage = 'waiting', operator = '', who = ''
			where stage = 'taken' and heard > seen and heard <= $1 returning id`, database.Micros(now.Add(-forgotten))))
		for _, id := range ids {
			if err == nil {
				err = d.event(tx, now, engine, EventMoved, id)
			}
		}
		return err
	})
	if err != nil {
		return fmt.Errorf("desk: %w", err)
	}
	return nil
}

// Prune removes the cases that were closed before a point in time.
func (d *Desk) Prune(ctx context.Context, before time.Time) (removed int64, err error) {
	err = d.DB.Do(ctx, func(tx *database.Tx) (err error) {
		removed, err = tx.Exec(`delete from desk_cases where stage = 'closed' and closed < $1`, database.Micros(before))
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("desk: %w", err)
	}
	return removed, nil
}

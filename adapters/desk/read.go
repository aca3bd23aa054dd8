package desk

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"tabe/adapters/database"
	"tabe/adapters/privacy"
	"tabe/adapters/store"
	"tabe/flows/petugas"
)

// ErrNotFound is returned for a case that does not exist, or was erased.
var ErrNotFound = errors.New("desk: no such case")

const columns = `id, resident, channel, stage, reason, asked, heard, seen, due, until, moved, calls, operator, who, taken, closed, outcome, body`

// Open returns the open cases: first those that wait now, in the order in which
// they came, then the promised ones by their time, then those that an operator has.
func (d *Desk) Open(ctx context.Context, limit int) ([]Case, error) {
	return d.cases(ctx, `select `+columns+` from desk_cases where stage <> 'closed'
		order by case stage when 'waiting' then 0 when 'promised' then 1 else 2 end, due, id limit $1`, limit)
}

// Closed returns the cases that were closed last, the newest first.
func (d *Desk) Closed(ctx context.Context, limit int) ([]Case, error) {
	return d.cases(ctx, `select `+columns+` from desk_cases where stage = 'closed' order by closed desc limit $1`, limit)
}

// Case returns one case.
func (d *Desk) Case(ctx context.Context, id int64) (Case, error) {
	list, err := d.cases(ctx, `select `+columns+` from desk_cases where id = $1`, id)
	if err == nil && len(list) == 0 {
		return Case{}, ErrNotFound
	}
	if err != nil {
		return Case{}, err
	}
	return list[0], nil
}

func (d *Desk) cases(ctx context.Context, query string, args ...any) ([]Case, error) {
	rows, err := d.DB.Query(ctx, query, args...)
	if err != nil {
		return nil, fmt.Errorf("desk: %w", err)
	}
	defer rows.Close()
	var list []Case
	for rows.Next() {
		c, err := d.scan(rows.Scan)
		if err != nil {
			return nil, fmt.Errorf("desk: %w", err)
		}
		list = append(list, c)
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("desk: %w", err)
	}
	return list, nil
}

func (d *Desk) scan(scan func(dest ...any) error) (c Case, err error) {
	var asked, heard, seen, due, until int64
	var taken, closed sql.NullInt64
	var body []byte
	if err := scan(&c.ID, &c.Resident, &c.Channel, &c.Stage, &c.Reason, &asked, &heard, &seen, &due, &until, &c.Moved, &c.Calls,
		&c.Operator, &c.Who, &taken, &closed, &c.Outcome, &body); err != nil {
		return c, err
	}
	l, err := d.openLetter(c.Resident, body)
	if err != nil {
		return c, fmt.Errorf("%w (case %d)", err, c.ID)
	}
	c.Peer, c.Phone, c.Media, c.MediaRef = l.Peer, l.Phone, l.Media, l.MediaRef
	c.Asked, c.Heard, c.Due, c.Until = database.Time(asked), database.Time(heard), database.Time(due), database.Time(until)
	c.Unread = heard > seen
	if taken.Valid {
		c.Taken = database.Time(taken.Int64)
	}
	if closed.Valid {
		c.Closed = database.Time(closed.Int64)
	}
	return c, nil
}

// Transcript returns the newest lines of the conversation that a case is about,
// oldest first, for an operator, and records that he has seen it.
func (d *Desk) Transcript(ctx context.Context, id int64, by Operator, limit int) ([]store.Line, error) {
	c, err := d.Case(ctx, id)
	if err != nil {
		return nil, err
	}
	if err := d.DB.Do(ctx, func(tx *database.Tx) error {
		now := d.Clock()
		if c.Operator == by.Account && c.Stage != petugas.Closed {
			if _, err := tx.Exec(`update desk_cases set seen = $1 where id = $2`, database.Micros(now), id); err != nil {
				return err
			}
		}
		return privacy.Saw(tx, now, c.Resident, privacy.Operator, privacy.Conversation)
	}); err != nil {
		return nil, fmt.Errorf("desk: %w", err)
	}
	lines, err := d.journal.History(ctx, c.Resident, limit)
	if err != nil {
		return nil, fmt.Errorf("desk: %w", err)
	}
	return lines, nil
}

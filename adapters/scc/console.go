package scc

import (
	"context"
	"database/sql"
	"time"

	"tabe/adapters/database"
)

// gone is after how long a console is forgotten.
const gone = 12 * time.Hour

// lost is after how long without a sign a console is believed to be gone.
const lost = 25 * time.Second

// Beat is the sign of life of a console, about every ten seconds. armed tells
// whether its alarm would be heard: the shift has begun, sound plays, nothing
// is muted. The moment of arming is kept while it stays armed.
func (c *Center) Beat(ctx context.Context, console, operator string, armed bool) error {
	return c.do(ctx, func(tx *database.Tx, now time.Time) error {
		at := sql.NullInt64{Int64: database.Micros(now), Valid: armed}
		_, err := tx.Exec(`insert into consoles (id, operator, armed_at, seen_at) values ($1, $2, $3, $4) on conflict (id) do update set
			operator = excluded.operator, seen_at = excluded.seen_at,
			armed_at = case when excluded.armed_at is null then null else coalesce(consoles.armed_at, excluded.armed_at) end`,
			console, operator, at, database.Micros(now))
		if err != nil {
			return err
		}
		_, err = tx.Exec(`delete from consoles where seen_at < $1`, database.Micros(now.Add(-gone)))
		return err
	})
}

// Leave ends a console: its window was closed, or the shift is over.
func (c *Center) Leave(ctx context.Context, console string) error {
	return c.DB.Do(ctx, func(tx *database.Tx) error {
		_, err := tx.Exec(`delete from consoles where id = $1`, console)
		return err
	})
}

// Console is a browser of an operator.
type Console struct {
	ID, Operator string
	Armed        bool // and seen lately
	Seen         time.Time
}

// Consoles returns who is at the center, and who was there lately.
func (c *Center) Consoles(ctx context.Context) ([]Console, error) {
	now, err := c.time(ctx)
	if err != nil {
		return nil, err
	}
	rows, err := c.DB.Query(ctx, `select id, operator, armed_at is not null, seen_at from consoles where seen_at > $1 order by operator, id`,
		database.Micros(now.Add(-gone)))
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var all []Console
	for rows.Next() {
		var k Console
		var seen int64
		if err := rows.Scan(&k.ID, &k.Operator, &k.Armed, &seen); err != nil {
			return nil, err
		}
		k.Seen = database.Time(seen)
		k.Armed = k.Armed && now.Sub(k.Seen) < lost
		all = append(all, k)
	}
	return all, rows.Err()
}

// armedConsoles counts the consoles that would be heard.
func armedConsoles(tx *database.Tx, now time.Time) (n int, err error) {
	err = tx.QueryRow(`select count(*) from consoles where armed_at is not null and seen_at > $1`, []any{database.Micros(now.Add(-lost))}, &n)
	return n, err
}

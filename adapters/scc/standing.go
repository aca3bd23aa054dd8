package scc

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"tabe/adapters/database"
)

// Standing is how the center stands, in numbers that tell of nobody.
type Standing struct {
	Unanswered int           // incidents that no human being has answered
	Oldest     time.Duration // since the oldest of them was opened; 0: there is none
	Open       int           // all that are not closed
	Overdue    int           // whose clock has run out and has not moved
}

// overdueAfter is how late a clock may be before it counts as standing still.
const overdueAfter = 30 * time.Second

// Standing counts what is going on, drills left out.
func (c *Center) Standing(ctx context.Context) (s Standing, err error) {
	now, err := c.time(ctx)
	if err != nil {
		return s, fmt.Errorf("scc: standing: %w", err)
	}
	var oldest sql.NullInt64
	var unanswered, overdue sql.NullInt64
	if err := c.DB.QueryRow(ctx, `select count(*), sum(case when status = 'new' then 1 else 0 end), min(case when status = 'new' then opened end),
		sum(case when status = 'new' and next_at < $1 then 1 else 0 end) from incidents where status <> 'closed' and merged is null and not test`,
		database.Micros(now.Add(-overdueAfter))).Scan(&s.Open, &unanswered, &oldest, &overdue); err != nil {
		return s, fmt.Errorf("scc: standing: %w", err)
	}
	s.Unanswered, s.Overdue = int(unanswered.Int64), int(overdue.Int64)
	if oldest.Valid {
		s.Oldest = max(0, now.Sub(database.Time(oldest.Int64)))
	}
	return s, nil
}

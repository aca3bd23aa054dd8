package store

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"tabe/adapters/database"
	"tabe/bot"
)

// Queue is what waits in one place.
type Queue struct {
	Count  int64
	Oldest time.Time // zero if nothing waits
}

// Queues tells how much work is waiting.
type Queues struct {
	Unanswered Queue                   // messages without an answer
	Unsent     map[bot.ChannelID]Queue // replies on their way, by channel
	Dead       int64                   // replies that were given up
}

// Queues looks at everything that waits. Its cost grows with what waits, not
// with what is kept.
func (s *Store) Queues(ctx context.Context) (Queues, error) {
	q := Queues{Unsent: make(map[bot.ChannelID]Queue)}
	var oldest sql.NullInt64
	if err := s.db.QueryRow(ctx, `select count(*), min(accepted) from journal where answered is null and accepted < $1`, database.Micros(s.clock())).Scan(&q.Unanswered.Count, &oldest); err != nil {
		return q, fmt.Errorf("store: queues: %w", err)
	}
	if oldest.Valid {
		q.Unanswered.Oldest = database.Time(oldest.Int64)
	}
	if err := s.db.QueryRow(ctx, `select count(*) from outbox where status = 'dead'`).Scan(&q.Dead); err != nil {
		return q, fmt.Errorf("store: queues: %w", err)
	}
	// outbox_due holds the first of each list: the oldest ones.
	rows, err := s.db.Query(ctx, `select channel, count(*), min(created) from outbox where status = 'queued' and ready group by channel`)
	if err != nil {
		return q, fmt.Errorf("store: queues: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var c bot.ChannelID
		var unsent Queue
		var oldest int64
		if err := rows.Scan(&c, &unsent.Count, &oldest); err != nil {
			return q, fmt.Errorf("store: queues: %w", err)
		}
		unsent.Oldest = database.Time(oldest)
		q.Unsent[c] = unsent
	}
	if err := rows.Err(); err != nil {
		return q, fmt.Errorf("store: queues: %w", err)
	}
	return q, nil
}

// pruneBatch is how many rows are looked at in one transaction, so that
// nobody waits long for it.
const pruneBatch = 500

// Prune removes messages that were accepted before a point in time and are
// answered, with their replies, dead letters included. What is unanswered or
// unsent stays whatever its age. A second delivery of what was removed is
// taken for a new message: keep more than providers repeat.
func (s *Store) Prune(ctx context.Context, before time.Time) (removed int64, err error) {
	for from := int64(0); ; {
		var last, young sql.NullInt64
		if err := s.db.QueryRow(ctx, `select max(seq), min(case when accepted >= $1 then seq end) from
			(select seq, accepted from journal where seq > $2 order by seq limit $3) as batch`,
			database.Micros(before), from, pruneBatch).Scan(&last, &young); err != nil {
			return removed, fmt.Errorf("store: prune: %w", err)
		}
		if !last.Valid {
			return removed, nil
		}
		to := last.Int64
		if young.Valid {
			to = young.Int64 - 1
		}
		var changed int64
		if err := s.db.Do(ctx, func(tx *database.Tx) (err error) {
			if changed, err = tx.Exec(`delete from journal where seq > $1 and seq <= $2 and answered is not null and not exists
				(select 1 from outbox o where o.id >= $3 * seq and o.id < $3 * (seq + 1) and o.status = 'queued')`, from, to, maxReplies); err != nil {
				return err
			}
			_, err = tx.Exec(`delete from outbox where id >= $1 and id < $2 and status <> 'queued'`, (from+1)*maxReplies, (to+1)*maxReplies)
			return err
		}); err != nil {
			return removed, fmt.Errorf("store: prune: %w", err)
		}
		removed += changed
		if young.Valid {
			return removed, nil
		}
		from = to
	}
}

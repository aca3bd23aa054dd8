package store

import (
	"cmp"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"tabe/adapters/database"
	"tabe/bot"
)

// Claim implements bot.Outbox.
func (s *Store) Claim(ctx context.Context, c bot.ChannelID, lease time.Duration, limit int) (out []bot.Outbound, err error) {
	claim := `update outbox set due = $1 where id in
		(select id from outbox where channel = $2 and status = 'queued' and ready and due <= $3 order by due limit $4) ` + returning
	if s.db.Dialect == database.Postgres {
		claim = `update outbox set due = $1 where id in
		(select id from outbox where channel = $2 and status = 'queued' and ready and due <= $3 order by due limit $4 for update skip locked) ` + returning
	}
	err = s.db.Do(ctx, func(tx *database.Tx) (err error) {
		now := s.clock()
		out, err = s.claim(tx, claim, database.Micros(now.Add(lease)), c, database.Micros(now), limit)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("store: claim: %w", err)
	}
	slices.SortFunc(out, func(a, b bot.Outbound) int { return cmp.Compare(a.ID, b.ID) })
	return out, nil
}

const returning = `returning id, resident, channel, body, attempt`

func (s *Store) claim(tx *database.Tx, query string, args ...any) (out []bot.Outbound, err error) {
	rows, err := tx.Query(query, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var unreadable []int64
	for rows.Next() {
		var o bot.Outbound
		var body []byte
		if err := rows.Scan(&o.ID, &o.Resident, &o.Channel, &body, &o.Attempt); err != nil {
			return nil, err
		}
		var p parcel
		plain, err := s.seal.Open(body, parcelPlace(o.ID))
		if err == nil {
			err = json.Unmarshal(plain, &p)
		}
		if err != nil {
			unreadable = append(unreadable, o.ID)
			continue
		}
		o.Peer, o.Text = p.Peer, p.Text
		out = append(out, o)
	}
	if err := errors.Join(rows.Err(), rows.Close()); err != nil {
		return nil, err
	}
	for _, id := range unreadable { // a damaged row must not hold back the others
		if err := end(tx, id, bot.Dead, "", "unreadable"); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// Sent implements bot.Outbox.
func (s *Store) Sent(ctx context.Context, id int64, providerID string) error {
	return s.leave(ctx, id, bot.Sent, providerID, "")
}

// Bury implements bot.Outbox.
func (s *Store) Bury(ctx context.Context, id int64, reason string) error {
	return s.leave(ctx, id, bot.Dead, "", reason)
}

func (s *Store) leave(ctx context.Context, id int64, status bot.Status, providerID, reason string) error {
	err := s.db.Do(ctx, func(tx *database.Tx) error { return end(tx, id, status, providerID, reason) })
	if err != nil {
		return fmt.Errorf("store: %s: %w", status, err)
	}
	return nil
}

// end takes a message out of the resident's list and makes the next one ready.
//
// On PostgreSQL a Commit that attaches to this message holds its row, so the
// update waits and returns the next message that Commit gave it.
func end(tx *database.Tx, id int64, status bot.Status, providerID, reason string) error {
	var ready bool
	var next sql.NullInt64
	err := tx.QueryRow(`update outbox set status = $1, provider_id = nullif($2, ''), reason = $3,
		body = case when forget then substr(body, 1, 0) else body end
		where id = $4 and status = 'queued' returning ready, next`, []any{status, providerID, short(reason), id}, &ready, &next)
	if errors.Is(err, sql.ErrNoRows) {
		return nil // it has ended already: somebody else sent it too
	}
	// Was it not the first? Then its end was reported and that of one before
	// it was not. What follows becomes ready when that one ends.
	for err == nil && ready && next.Valid {
		var changed int64
		changed, err = tx.Exec(`update outbox set ready = true where id = $1 and status = 'queued'`, next.Int64)
		if changed > 0 || err != nil {
			return err
		}
		err = tx.QueryRow(`select next from outbox where id = $1`, []any{next.Int64}, &next)
	}
	if errors.Is(err, sql.ErrNoRows) {
		return nil // the next one has ended and was pruned
	}
	return err
}

// Retry implements bot.Outbox.
func (s *Store) Retry(ctx context.Context, id int64, at time.Time, reason string) error {
	err := s.db.Do(ctx, func(tx *database.Tx) error {
		_, err := tx.Exec(`update outbox set due = $1, attempt = attempt + 1, reason = $2 where id = $3 and status = 'queued'`,
			database.Micros(at), short(reason), id)
		return err
	})
	if err != nil {
		return fmt.Errorf("store: retry: %w", err)
	}
	return nil
}

// receipts are the statements by which each status replaces the earlier ones.
var receipts = map[bot.Status]string{
	bot.Delivered: receipt + `('sent')`,
	bot.Read:      receipt + `('sent', 'delivered')`,
	bot.Failed:    receipt + `('sent', 'delivered', 'read')`,
}

const receipt = `update outbox set status = $1, reason = $2 where provider_id = $3 and channel = $4 and status in `

// Receipt implements bot.Outbox.
func (s *Store) Receipt(ctx context.Context, c bot.ChannelID, providerID string, status bot.Status, reason string) error {
	query, ok := receipts[status]
	if !ok || providerID == "" {
		return nil
	}
	err := s.db.Do(ctx, func(tx *database.Tx) error {
		_, err := tx.Exec(query, status, short(reason), providerID, c)
		return err
	})
	if err != nil {
		return fmt.Errorf("store: receipt: %w", err)
	}
	return nil
}

// maxReason bounds what a provider can make us keep.
const maxReason = 200

func short(reason string) string {
	if len(reason) > maxReason {
		reason = reason[:maxReason]
	}
	return bot.CleanText(reason)
}

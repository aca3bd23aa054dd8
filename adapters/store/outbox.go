package store

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"time"

	"tabe/adapters/database"
	"tabe/bot"
)

// Claim implements bot.Outbox.
func (s *Store) Claim(ctx context.Context, c bot.ChannelID, urgent bool, lease time.Duration, limit int) (out []bot.Outbound, err error) {
	which, skip := `not urgent`, ``
	if urgent {
		which = `urgent`
	}
	if s.db.Dialect == database.Postgres {
		skip = ` for update skip locked`
	}
	claim := `update outbox set due = $1 where id in
		(select id from outbox where channel = $2 and status = 'queued' and ready and ` + which + ` and due <= $3 order by due limit $4` + skip + `) ` + returning
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

const returning = `returning id, resident, channel, body, urgent, attempt`

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
		if err := rows.Scan(&o.ID, &o.Resident, &o.Channel, &body, &o.Urgent, &o.Attempt); err != nil {
			return nil, err
		}
		p, err := s.openParcel(o.ID, body)
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
		if err := end(tx, id, ended{status: bot.Dead, reason: "unreadable", at: database.Micros(s.clock())}); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// Sent implements bot.Outbox.
func (s *Store) Sent(ctx context.Context, id int64, h bot.Handover) error {
	how := ended{status: bot.Sent, Handover: h}
	if s.db.Dialect == database.SQLite { // where one transaction runs at a time, it can look itself
		how.at = database.Micros(s.clock())
		var early int
		if err := s.db.Do(ctx, func(tx *database.Tx) error {
			if err := end(tx, id, how); err != nil {
				return err
			}
			return tx.QueryRow(`select count(*) from early_receipts where provider_id = $1`, []any{h.ProviderID}, &early)
		}); err != nil {
			return fmt.Errorf("store: %s: %w", bot.Sent, err)
		}
		if early == 0 {
			return nil
		}
	} else if err := s.leave(ctx, id, how); err != nil {
		return err
	}
	if h.ProviderID == "" {
		return nil
	}
	return s.catchUp(ctx, h.ProviderID)
}

// Bury implements bot.Outbox.
func (s *Store) Bury(ctx context.Context, id int64, reason string) error {
	return s.leave(ctx, id, ended{status: bot.Dead, reason: reason})
}

// ended is how a message left the queue.
type ended struct {
	bot.Handover
	status bot.Status
	reason string
	at     int64
}

func (s *Store) leave(ctx context.Context, id int64, how ended) error {
	how.at = database.Micros(s.clock())
	err := sql.ErrNoRows
	if s.db.Dialect == database.Postgres { // the usual case in one statement: nothing waits behind it
		var left int64
		err = s.db.Write(ctx, ending+` and next is null returning id`, how.args(id), &left)
	}
	if errors.Is(err, sql.ErrNoRows) {
		err = s.db.Do(ctx, func(tx *database.Tx) error { return end(tx, id, how) })
	}
	if err != nil {
		return fmt.Errorf("store: %s: %w", how.status, err)
	}
	return nil
}

const ending = `update outbox set status = $1, provider_id = nullif($2, ''), reason = $3, ended = $4, segments = $5, cost = $6,
	body = case when forget then substr(body, 1, 0) else body end where id = $7 and status = 'queued'`

// args are those of ending.
func (e ended) args(id int64) []any {
	return []any{e.status, e.ProviderID, short(e.reason), e.at, e.Segments, int64(e.Cost), id}
}

// end takes a message out of the resident's list and makes the next one ready.
//
// On PostgreSQL a Commit that attaches to this message holds its row, so the
// update waits and returns the next message that Commit gave it.
func end(tx *database.Tx, id int64, how ended) error {
	var ready bool
	var next sql.NullInt64
	err := tx.QueryRow(ending+` returning ready, next`, how.args(id), &ready, &next)
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
	bot.Delivered: receipt + `('sent') returning id`,
	bot.Read:      receipt + `('sent', 'delivered') returning id`,
	bot.Failed:    receipt + `('sent', 'delivered', 'read') returning id`,
}

const receipt = `update outbox set status = $1, reason = $2 where provider_id = $3 and channel = $4 and status in `

// Receipt implements bot.Outbox.
func (s *Store) Receipt(ctx context.Context, c bot.ChannelID, providerID string, status bot.Status, reason string) error {
	if _, ok := receipts[status]; !ok || providerID == "" {
		return nil
	}
	early := false
	err := s.db.Do(ctx, func(tx *database.Tx) error {
		early = false
		moved, err := s.forward(tx, c, providerID, status, reason)
		if err != nil || moved {
			return err
		}
		var known int64
		if err := tx.QueryRow(`select count(*) from outbox where provider_id = $1 and channel = $2`, []any{providerID, c}, &known); err != nil {
			return err
		}
		if early = known == 0; !early { // by now: on PostgreSQL Sent may have been quicker than the two statements
			_, err := s.forward(tx, c, providerID, status, reason)
			return err
		}
		now := s.clock()
		if _, err := tx.Exec(`delete from early_receipts where received < $1`, database.Micros(now.Add(-earlyAge))); err != nil {
			return err
		}
		_, err = tx.Exec(keepEarly, c, providerID, status, short(reason), database.Micros(now))
		return err
	})
	if err != nil {
		return fmt.Errorf("store: receipt: %w", err)
	}
	if early {
		return s.catchUp(ctx, providerID)
	}
	return nil
}

// forward writes a receipt on its message and reports whether it could.
func (s *Store) forward(tx *database.Tx, c bot.ChannelID, providerID string, status bot.Status, reason string) (moved bool, err error) {
	told := bot.Receipted{Channel: c, Status: status, Code: short(reason)}
	err = tx.QueryRow(receipts[status], []any{status, told.Code, providerID, c}, &told.ID)
	if errors.Is(err, sql.ErrNoRows) {
		return false, nil
	}
	if err == nil {
		tx.AfterCommit(func() { s.receipt(told) })
	}
	return err == nil, err
}

// earlyAge is how long a receipt waits for its message. A message that nobody
// sent is never written down.
const earlyAge = time.Hour

// keepEarly keeps a receipt, or the later one of two.
const keepEarly = `insert into early_receipts (channel, provider_id, status, reason, received) values ($1, $2, $3, $4, $5)
	on conflict (channel, provider_id) do update set status = excluded.status, reason = excluded.reason
	where excluded.status = 'failed' or excluded.status = 'read' and early_receipts.status = 'delivered'`

// catchUp applies a receipt that overtook Sent. Both look for each other once
// they are written down, so that the later one finds the earlier one.
func (s *Store) catchUp(ctx context.Context, providerID string) error {
	var c bot.ChannelID
	var status bot.Status
	var reason string
	err := s.db.Read(ctx, `select e.channel, e.status, e.reason from early_receipts e
		join outbox o on o.provider_id = e.provider_id and o.channel = e.channel where e.provider_id = $1`, []any{providerID}, &c, &status, &reason)
	if errors.Is(err, sql.ErrNoRows) {
		return nil
	}
	if err == nil {
		err = s.db.Do(ctx, func(tx *database.Tx) error {
			if _, err := s.forward(tx, c, providerID, status, reason); err != nil {
				return err
			}
			_, err := tx.Exec(`delete from early_receipts where channel = $1 and provider_id = $2`, c, providerID)
			return err
		})
	}
	if err != nil {
		return fmt.Errorf("store: early receipt: %w", err)
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

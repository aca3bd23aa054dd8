package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"tabe/adapters/database"
	"tabe/bot"
)

// Letter is an outgoing message without its words: how far it has come.
type Letter struct {
	ID       int64
	Resident bot.ResidentID
	Channel  bot.ChannelID
	Peer     string // empty: it was erased
	Status   bot.Status
	Urgent   bool
	Attempts int // that failed
	Reason   string
	Segments int        // that it was billed as
	Cost     bot.Rupiah // by the tariffs of that day
	Created  time.Time
	Ended    time.Time // when it left, was given up or moved; zero while it waits
}

// Which narrows what Letters returns; what is empty narrows nothing.
type Which struct {
	Channel bot.ChannelID
	Status  bot.Status
}

// letters are the statements for each status that has an index; of the others
// the newest messages are searched.
var letters = map[bot.Status]string{
	bot.Dead:   `from outbox where status = 'dead' and $1 = 'dead'`,
	bot.Failed: `from outbox where status = 'failed' and $1 = 'failed'`,
	"":         `from outbox where $1 = ''`,
}

// searched is how many of the newest messages are looked at for what has no index.
const searched = 5000

// Letters returns outgoing messages, the newest first.
func (s *Store) Letters(ctx context.Context, which Which, limit int) (found []Letter, err error) {
	from, ok := letters[which.Status]
	if !ok {
		from = fmt.Sprintf(`from (select * from outbox order by id desc limit %d) as newest where status = $1`, searched)
	}
	rows, err := s.db.Query(ctx, `select id, resident, channel, body, status, urgent, attempt, reason, segments, cost, created, coalesce(ended, 0) `+
		from+` and ($2 = '' or channel = $2) order by id desc limit $3`, which.Status, which.Channel, limit)
	if err != nil {
		return nil, fmt.Errorf("store: letters: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var l Letter
		var body []byte
		var created, ended int64
		if err := rows.Scan(&l.ID, &l.Resident, &l.Channel, &body, &l.Status, &l.Urgent, &l.Attempts, &l.Reason, &l.Segments, &l.Cost, &created, &ended); err != nil {
			return nil, fmt.Errorf("store: letters: %w", err)
		}
		if p, err := s.openParcel(l.ID, body); err == nil { // erased or damaged: the rest is told all the same
			l.Peer = p.Peer
		}
		l.Created = database.Time(created)
		if ended > 0 {
			l.Ended = database.Time(ended)
		}
		found = append(found, l)
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("store: letters: %w", err)
	}
	return found, nil
}

func (s *Store) openParcel(id int64, body []byte) (p parcel, err error) {
	plain, err := s.seal.Open(body, parcelPlace(id))
	if err == nil {
		err = json.Unmarshal(plain, &p)
	}
	return p, err
}

// Progress tells how far the newest messages have come, by channel and status.
func (s *Store) Progress(ctx context.Context) (map[bot.ChannelID]map[bot.Status]int64, error) {
	rows, err := s.db.Query(ctx, `select channel, status, count(*) from (select channel, status from outbox order by id desc limit $1) as newest
		group by channel, status`, searched)
	if err != nil {
		return nil, fmt.Errorf("store: progress: %w", err)
	}
	defer rows.Close()
	all := map[bot.ChannelID]map[bot.Status]int64{}
	for rows.Next() {
		var c bot.ChannelID
		var status bot.Status
		var n int64
		if err := rows.Scan(&c, &status, &n); err != nil {
			return nil, fmt.Errorf("store: progress: %w", err)
		}
		if all[c] == nil {
			all[c] = map[bot.Status]int64{}
		}
		all[c][status] = n
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("store: progress: %w", err)
	}
	return all, nil
}

// ErrNotDead is returned by Requeue for what has not failed, or was erased.
var ErrNotDead = errors.New("store: no failed message with this id")

// Requeue sends after all what was given up, or what the provider failed to
// deliver, behind whatever else is on its way to that resident.
func (s *Store) Requeue(ctx context.Context, id int64) error {
	now := database.Micros(s.clock())
	err := s.db.Do(ctx, func(tx *database.Tx) error {
		var resident bot.ResidentID
		var channel bot.ChannelID
		err := tx.QueryRow(`select resident, channel from outbox where id = $1 and status in ('dead', 'failed') and length(body) > 0`, []any{id}, &resident, &channel)
		if errors.Is(err, sql.ErrNoRows) {
			return ErrNotDead
		}
		if err != nil {
			return err
		}
		waits, _, err := attach(tx, resident, channel, id)
		if err != nil {
			return err
		}
		changed, err := tx.Exec(`update outbox set status = 'queued', ready = $1, next = null, due = $2, attempt = 0, reason = '', ended = null, provider_id = null
			where id = $3 and status in ('dead', 'failed')`, !waits, now, id)
		if err == nil && changed == 0 {
			return ErrNotDead // on PostgreSQL: somebody else did the same
		}
		return err
	})
	if err != nil {
		return fmt.Errorf("store: requeue: %w", err)
	}
	return nil
}

// Move takes a message out of its channel because it shall go by another one,
// and returns it. ok is false when it has left by now, was erased, or is confined
// to its channel.
func (s *Store) Move(tx *database.Tx, id int64) (o bot.Outbound, ok bool, err error) {
	var body []byte
	var status bot.Status
	err = tx.QueryRow(`select resident, channel, body, urgent, attempt, status from outbox where id = $1`, []any{id}, &o.Resident, &o.Channel, &body, &o.Urgent, &o.Attempt, &status)
	if errors.Is(err, sql.ErrNoRows) {
		return o, false, nil
	}
	if err != nil {
		return o, false, err
	}
	p, err := s.openParcel(id, body)
	if err != nil {
		return o, false, nil // Claim buries what is damaged
	}
	if p.Text.Confined {
		return o, false, nil
	}
	o.ID, o.Peer, o.Text = id, p.Peer, p.Text
	now := database.Micros(s.clock())
	switch status {
	case bot.Queued:
		return o, true, end(tx, id, ended{status: bot.Moved, at: now})
	case bot.Dead, bot.Failed:
		changed, err := tx.Exec(`update outbox set status = $1, ended = $2 where id = $3 and status = $4`, bot.Moved, now, id, status)
		return o, changed == 1, err
	}
	return o, false, nil
}

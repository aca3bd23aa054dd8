package notices

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"strconv"
	"time"

	"tabe/adapters/database"
	"tabe/bot"
	"tabe/flows/kabar"
)

const (
	// stuck is how long a message may be tried by its own channel before the
	// one in reserve takes it.
	stuck        = 2 * time.Minute
	reserveEvery = 5 * time.Second
	// tooOld is what is not told any more: an answer of yesterday helps nobody.
	tooOld       = 24 * time.Hour
	reserveBatch = 50
)

// Mover takes messages out of a channel; *store.Store does.
type Mover interface {
	Journal
	Move(tx *database.Tx, id int64) (o bot.Outbound, ok bool, err error)
}

// Reserve sends by SMS what another channel could not carry, to those who
// agreed to it (kabar.Reserve): what the provider refused or lost, and what has
// waited for two minutes. It works by night as well, since somebody asked.
type Reserve struct {
	Subscriptions *Subscriptions
	Store         Mover
	Clock         func() time.Time
	Log           *slog.Logger
}

// Run goes on until ctx ends.
func (r *Reserve) Run(ctx context.Context) {
	for {
		if err := r.Round(ctx); err != nil && ctx.Err() == nil {
			r.Log.Error("what a channel could not carry has to wait", "err", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(reserveEvery):
		}
	}
}

// undelivered are the messages that a reserve may take. What is being sent for
// the first time has attempt 0 and a lease that has not ended.
const undelivered = `select o.id, o.resident, s.key_hash, s.body from outbox o
	join subscriptions s on s.resident = o.resident and s.purpose = $1 and s.stopped is null and s.channel <> o.channel
	where (o.status = 'dead' or o.status = 'failed' or o.status = 'queued' and o.ready and o.created < $2 and (o.attempt > 0 or o.due <= $3))
	and o.created > $4 order by o.id limit $5`

// Round moves what there is to move now.
func (r *Reserve) Round(ctx context.Context) error {
	now := r.Clock()
	type candidate struct {
		id       int64
		resident bot.ResidentID
		hash     string
		body     []byte
	}
	var found []candidate
	rows, err := r.Subscriptions.db.Query(ctx, undelivered, kabar.Reserve, database.Micros(now.Add(-stuck)), database.Micros(now), database.Micros(now.Add(-tooOld)), reserveBatch)
	if err != nil {
		return fmt.Errorf("notices: reserve: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var c candidate
		if err := rows.Scan(&c.id, &c.resident, &c.hash, &c.body); err != nil {
			return fmt.Errorf("notices: reserve: %w", err)
		}
		found = append(found, c)
	}
	if err := rows.Err(); err != nil {
		return fmt.Errorf("notices: reserve: %w", err)
	}
	for _, c := range found {
		a, err := r.Subscriptions.open(c.body, c.resident, kabar.Reserve, c.hash)
		if err == nil {
			err = r.move(ctx, c.id, a)
		}
		if err != nil {
			return fmt.Errorf("notices: reserve: %w", err)
		}
	}
	return nil
}

// move has a message told by SMS, unless it left in the meantime.
func (r *Reserve) move(ctx context.Context, id int64, a agreement) error {
	return r.Subscriptions.db.Do(ctx, func(tx *database.Tx) error {
		o, ok, err := r.Store.Move(tx, id)
		if err != nil || !ok {
			return err
		}
		body, err := json.Marshal(kabar.Undelivered{Channel: o.Channel, Words: o.Text.Body})
		if err != nil {
			return err
		}
		_, err = r.Store.Post(tx, bot.Message{
			ID: "reserve/" + strconv.FormatInt(id, 10), Channel: sms, Peer: a.Peer, Subject: a.Subject,
			Notice: &bot.Notice{Flow: kabar.Name, Kind: kabar.Reserve, Body: body, Urgent: o.Urgent},
		}, time.Time{})
		return err
	})
}

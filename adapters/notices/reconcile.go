package notices

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"time"

	"tabe/adapters/database"
	"tabe/bot"
)

// News is what there is to tell of one key.
type News struct {
	Mark string // what is told by it; "" if there is nothing to tell
	Kind string // and Body: of the bot.Notice
	Body any    // anything that can be JSON
}

// Source knows the news of one purpose.
type Source interface {
	// News returns the news of some keys. What is still true after it was
	// told comes back with the same mark each time.
	News(ctx context.Context, keys []string, now time.Time) (map[string]News, error)
}

// Purpose is one kind of news.
type Purpose struct {
	Name   string // of bot.Subscribe
	Flow   string // that tells it
	Source Source
	Every  time.Duration // how often one subscription is looked at
}

// Reconciler looks for news of the subscriptions. Any number of machines can
// do so at once. What is told and that it was told are written together, so
// that nothing is told twice, and after a crash the next look finds it.
type Reconciler struct {
	Subscriptions *Subscriptions
	Post          *Post
	Purposes      []Purpose
	Log           *slog.Logger
}

// lookBatch is how many subscriptions are looked at in one go, lookTime how long
// the registry may take for them, and roundTime how long one purpose may go on:
// a slow registry must not keep the others' news, which come next.
const (
	lookBatch = 50
	lookTime  = time.Minute
	roundTime = 20 * time.Second
)

// subscription is a row that is being looked at.
type subscription struct {
	id        int64
	resident  bot.ResidentID
	channel   bot.ChannelID
	mark      string
	told      int64
	agreement agreement
}

// Round looks at the subscriptions whose time has come, and returns when there
// are none left, the night begins, the time of each purpose is over or ctx ends.
func (r *Reconciler) Round(ctx context.Context) error {
	var problems []error
	for _, p := range r.Purposes {
		began, due := time.Now(), r.Post.Clock()
		for time.Since(began) < roundTime {
			n, err := r.look(ctx, p, due)
			if err != nil {
				// Of one office; the others' news go on.
				problems = append(problems, fmt.Errorf("notices: %s: %w", p.Name, err))
			}
			if err != nil || n < lookBatch || ctx.Err() != nil {
				break
			}
		}
	}
	return errors.Join(problems...)
}

// look takes the next subscriptions of a purpose that were due at a point in
// time, which from then on have to wait for their next turn, and posts their news.
func (r *Reconciler) look(ctx context.Context, p Purpose, due time.Time) (n int, err error) {
	now := r.Post.Clock()
	if night(now) {
		return 0, nil
	}
	subs, err := r.take(ctx, p, now, due)
	if err != nil || len(subs) == 0 {
		return 0, err
	}
	keys := make([]string, len(subs))
	for i, s := range subs {
		keys[i] = s.agreement.Key
	}
	asking, cancel := context.WithTimeout(ctx, lookTime)
	defer cancel()
	news, err := p.Source.News(asking, keys, now)
	if err != nil {
		return 0, err
	}
	var fresh []subscription
	for _, s := range subs {
		if n := news[s.agreement.Key]; n.Mark != "" && n.Mark != s.mark {
			fresh = append(fresh, s)
		}
	}
	if len(fresh) == 0 {
		return len(subs), nil
	}
	full := false // the channel has no room for more now
	err = r.Subscriptions.db.Do(ctx, func(tx *database.Tx) error {
		full = false
		for i, s := range fresh {
			err := r.tell(tx, p, s, news[s.agreement.Key], now)
			if errors.Is(err, ErrLater) {
				full = true
				if err = r.later(tx, fresh[i:], now); err == nil {
					return nil
				}
			}
			if err != nil {
				return err
			}
		}
		return nil
	})
	if full {
		return 0, err // the next round goes on
	}
	return len(subs), err
}

// take claims subscriptions of a purpose that were due at a point in time.
func (r *Reconciler) take(ctx context.Context, p Purpose, now, due time.Time) (subs []subscription, err error) {
	claim := `update subscriptions set due = $1 where id in (select id from subscriptions
		where purpose = $2 and due <= $3 and stopped is null order by due limit $4) returning id, resident, key_hash, channel, body, mark, told`
	if r.Subscriptions.db.Dialect == database.Postgres {
		claim = `update subscriptions set due = $1 where id in (select id from subscriptions
		where purpose = $2 and due <= $3 and stopped is null order by due limit $4 for update skip locked) returning id, resident, key_hash, channel, body, mark, told`
	}
	err = r.Subscriptions.db.Do(ctx, func(tx *database.Tx) error {
		subs = subs[:0]
		// Without money no office is asked for what could not be told.
		if spent, err := r.Post.spent(tx); err != nil || spent {
			return err
		}
		rows, err := tx.Query(claim, database.Micros(now.Add(p.Every)), p.Name, database.Micros(due), lookBatch)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var s subscription
			var keyHash string
			var body []byte
			if err := rows.Scan(&s.id, &s.resident, &keyHash, &s.channel, &body, &s.mark, &s.told); err != nil {
				return err
			}
			if s.agreement, err = r.Subscriptions.open(body, s.resident, p.Name, keyHash); err != nil {
				r.Log.Error("a subscription cannot be read", "id", s.id, "err", err)
				continue // it must not hold back the others
			}
			subs = append(subs, s)
		}
		return rows.Err()
	})
	return subs, err
}

// tell posts the news of one subscription, unless somebody else just did or it
// was stopped.
func (r *Reconciler) tell(tx *database.Tx, p Purpose, s subscription, n News, now time.Time) error {
	body, err := json.Marshal(n.Body)
	if err != nil {
		return err
	}
	changed, err := tx.Exec(`update subscriptions set mark = $1, told = told + 1, touched = $2 where id = $3 and told = $4 and stopped is null`,
		n.Mark, database.Micros(now), s.id, s.told)
	if err != nil || changed == 0 {
		return err
	}
	to := Recipient{Channel: s.channel, Peer: s.agreement.Peer, Subject: s.agreement.Subject}
	outcome := posted
	err = r.Post.Send(tx, to, newsPrefix(s.id)+strconv.FormatInt(s.told+1, 10), bot.Notice{Flow: p.Flow, Kind: n.Kind, Body: body})
	switch {
	case errors.Is(err, ErrLater):
		if _, failed := tx.Exec(`update subscriptions set mark = $1, told = $2 where id = $3`, s.mark, s.told, s.id); failed != nil {
			return failed
		}
		return err
	case errors.Is(err, ErrUnreachable):
		outcome = unreachable
	case err != nil:
		return err
	}
	return count(tx, now, p.Name, s.channel, outcome)
}

// later gives subscriptions back, to be looked at in the next round.
func (r *Reconciler) later(tx *database.Tx, subs []subscription, now time.Time) error {
	for _, s := range subs {
		if _, err := tx.Exec(`update subscriptions set due = $1 where id = $2`, database.Micros(now), s.id); err != nil {
			return err
		}
	}
	return nil
}

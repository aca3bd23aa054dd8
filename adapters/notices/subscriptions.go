// Package notices tells residents by themselves what they asked to be told of:
// it keeps their subscriptions, looks in the registries for news of them, and
// writes what there is into the journal as a bot.Notice for the flow that tells
// it, each channel at its pace and never at night. Messages of an office to a
// kecamatan take the same way.
package notices

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"tabe/adapters/database"
	"tabe/adapters/seal"
	"tabe/adapters/store"
	"tabe/bot"
	"tabe/flows/kabar"
)

// Words gives the text of a message with the names of its values in place; the
// catalogue of locales does.
type Words interface {
	Source(language, key string) string
}

// Subscriptions keeps who wants to be told of what. It implements
// kabar.Subscriptions.
type Subscriptions struct {
	db    *database.DB
	seal  *seal.Sealer
	words Words
	clock func() time.Time
}

var _ kabar.Subscriptions = (*Subscriptions)(nil)

// New returns the subscriptions in db, encrypted under secret.
func New(db *database.DB, secret []byte, words Words, clock func() time.Time) (*Subscriptions, error) {
	sealer, err := seal.New(secret)
	return &Subscriptions{db: db, seal: sealer, words: words, clock: clock}, err
}

// Effects are what the store has to know, to let flows subscribe.
func (s *Subscriptions) Effects() []store.Effect {
	return []store.Effect{store.On(s.subscribe), store.On(s.unsubscribe), store.On(s.resume), store.On(s.erase)}
}

// agreement is what of a subscription is encrypted.
type agreement struct {
	Peer    string            `json:"p"`
	Subject string            `json:"s"`
	Key     string            `json:"k"`
	Consent string            `json:"c"` // key of the message that asked
	Words   map[string]string `json:"w"` // of that message at that time, by language
	At      int64             `json:"t"`
}

func place(resident bot.ResidentID, purpose, keyHash string) string {
	return "subscriptions.body|" + string(resident) + "|" + purpose + "|" + keyHash
}

func (s *Subscriptions) hash(purpose, key string) string { return s.seal.Hash(purpose + "|" + key) }

func (s *Subscriptions) open(body []byte, resident bot.ResidentID, purpose, keyHash string) (a agreement, err error) {
	plain, err := s.seal.Open(body, place(resident, purpose, keyHash))
	if err == nil {
		err = json.Unmarshal(plain, &a)
	}
	return a, err
}

// maxPerResident is how much one resident can be told of; the oldest goes first.
const maxPerResident = 50

// subscribe applies bot.Subscribe.
func (s *Subscriptions) subscribe(tx *database.Tx, e bot.Entry, sub bot.Subscribe) error {
	now := s.clock()
	to := Recipient{Channel: e.Channel, Peer: e.Peer, Subject: e.Subject}
	if sub.BySMS {
		var ok bool
		if to, ok = to.overSMS(); !ok {
			return errors.New("notices: no telephone number was proved")
		}
	}
	a := agreement{Peer: to.Peer, Subject: e.Subject, Key: sub.Key, Consent: sub.Consent, At: now.Unix(), Words: map[string]string{}}
	for _, language := range []string{"id", "bug"} {
		a.Words[language] = s.words.Source(language, sub.Consent)
	}
	plain, err := json.Marshal(a)
	if err != nil {
		return err
	}
	keyHash := s.hash(sub.Purpose, sub.Key)
	if _, err := tx.Exec(`delete from subscriptions where id in (select id from subscriptions where resident = $1
		and not (purpose = $2 and key_hash = $3) order by touched desc, id desc limit $4 offset $4)`,
		e.Resident, sub.Purpose, keyHash, maxPerResident-1); err != nil {
		return err
	}
	if _, err := tx.Exec(`delete from silences where resident = $1`, e.Resident); err != nil {
		return err
	}
	_, err = tx.Exec(`insert into subscriptions (resident, purpose, key_hash, channel, body, mark, created, touched, due)
		values ($1, $2, $3, $4, $5, $6, $7, $7, $7) on conflict (resident, purpose, key_hash) do update
		set channel = excluded.channel, body = excluded.body, mark = excluded.mark, touched = excluded.touched, due = excluded.due, stopped = null`,
		e.Resident, sub.Purpose, keyHash, to.Channel, s.seal.Seal(plain, place(e.Resident, sub.Purpose, keyHash)), sub.Mark, database.Micros(now))
	return err
}

// unsubscribe applies bot.Unsubscribe. The rows stay for MULAI until they are
// too old; what is on its way because of them is held back, and nothing else.
func (s *Subscriptions) unsubscribe(tx *database.Tx, e bot.Entry, u bot.Unsubscribe) error {
	now := database.Micros(s.clock())
	if u.Purpose == "" {
		if _, err := tx.Exec(`insert into silences (resident, since) values ($1, $2) on conflict (resident) do nothing`, e.Resident, now); err != nil {
			return err
		}
		if _, err := tx.Exec(`update subscriptions set stopped = $1 where resident = $2 and stopped is null`, now, e.Resident); err != nil {
			return err
		}
		return store.Withdraw(tx, e.Resident, prefix)
	}
	keyHash := ""
	if u.Key != "" {
		keyHash = s.hash(u.Purpose, u.Key)
	}
	stopped, err := database.Column[int64](tx.Query(`update subscriptions set stopped = $1 where resident = $2 and purpose = $3 and ($4 = '' or key_hash = $4)
		and stopped is null returning id`, now, e.Resident, u.Purpose, keyHash))
	if err != nil {
		return err
	}
	var ids []string
	for _, id := range stopped {
		ids = append(ids, newsPrefix(id))
	}
	if u.Purpose == kabar.News {
		ids = append(ids, broadcastPrefix)
	}
	for _, id := range ids {
		if err := store.Withdraw(tx, e.Resident, prefix+id); err != nil {
			return err
		}
	}
	return nil
}

// resume applies kabar.Resume: whatever was stopped last goes on. What happened
// in between is told by the next look.
func (s *Subscriptions) resume(tx *database.Tx, e bot.Entry, _ kabar.Resume) error {
	if _, err := tx.Exec(`delete from silences where resident = $1`, e.Resident); err != nil {
		return err
	}
	now := database.Micros(s.clock())
	_, err := tx.Exec(`update subscriptions set stopped = null, touched = $1, due = $1 where resident = $2 and stopped =
		(select max(stopped) from subscriptions where resident = $2)`, now, e.Resident)
	return err
}

// erase applies bot.Erase.
func (s *Subscriptions) erase(tx *database.Tx, e bot.Entry, _ bot.Erase) error {
	for _, query := range []string{`delete from subscriptions where resident = $1`, `delete from silences where resident = $1`} {
		if _, err := tx.Exec(query, e.Resident); err != nil {
			return err
		}
	}
	return store.Withdraw(tx, e.Resident, prefix)
}

// Of implements kabar.Subscriptions.
func (s *Subscriptions) Of(ctx context.Context, resident bot.ResidentID) (list []kabar.Subscription, err error) {
	rows, err := s.db.Query(ctx, `select purpose, key_hash, channel, body, stopped from subscriptions where resident = $1 order by created, id`, resident)
	if err != nil {
		return nil, fmt.Errorf("notices: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var sub kabar.Subscription
		var keyHash string
		var body []byte
		var stopped sql.NullInt64
		if err := rows.Scan(&sub.Purpose, &keyHash, &sub.Channel, &body, &stopped); err != nil {
			return nil, fmt.Errorf("notices: %w", err)
		}
		a, err := s.open(body, resident, sub.Purpose, keyHash)
		if err != nil {
			return nil, fmt.Errorf("notices: %w", err)
		}
		sub.Key, sub.Consent, sub.Words, sub.Since, sub.Stopped = a.Key, a.Consent, a.Words, time.Unix(a.At, 0), moment(stopped)
		list = append(list, sub)
	}
	return list, rows.Err()
}

// Silenced implements kabar.Subscriptions.
func (s *Subscriptions) Silenced(ctx context.Context, resident bot.ResidentID) (bool, error) {
	var one int
	err := s.db.QueryRow(ctx, `select 1 from silences where resident = $1`, resident).Scan(&one)
	if errors.Is(err, sql.ErrNoRows) {
		return false, nil
	}
	return err == nil, err
}

// pruneBatch is how many rows are removed in one transaction.
const pruneBatch = 500

// Prune removes what nobody was told of nor asked for since a point in time.
func (s *Subscriptions) Prune(ctx context.Context, before time.Time) (removed int64, err error) {
	return s.prune(ctx, `select id from subscriptions where touched < $1 and stopped is null limit $2`, before)
}

// PruneStopped removes what was stopped before a point in time. Until then MULAI
// brings it back.
func (s *Subscriptions) PruneStopped(ctx context.Context, before time.Time) (removed int64, err error) {
	return s.prune(ctx, `select id from subscriptions where stopped < $1 limit $2`, before)
}

// prune removes the rows that a query, a constant, selects.
func (s *Subscriptions) prune(ctx context.Context, which string, before time.Time) (removed int64, err error) {
	for {
		var changed int64
		if err := s.db.Do(ctx, func(tx *database.Tx) (err error) {
			changed, err = tx.Exec(`delete from subscriptions where id in (`+which+`)`, database.Micros(before), pruneBatch)
			return err
		}); err != nil {
			return removed, fmt.Errorf("notices: prune: %w", err)
		}
		if removed += changed; changed < pruneBatch {
			return removed, nil
		}
	}
}

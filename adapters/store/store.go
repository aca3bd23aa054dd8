// Package store keeps the journal, the residents and the outbox in a database:
// bot.Store and bot.Outbox for SQLite and PostgreSQL.
//
// What residents write, what they are told, their addresses and all that is
// remembered of them is encrypted; in clear are only the provider's message
// ids, hashes of identities, times and states.
package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strconv"
	"strings"
	"time"

	"tabe/adapters/database"
	"tabe/adapters/seal"
	"tabe/bot"
)

// Store implements bot.Store and bot.Outbox. It is safe for concurrent use.
type Store struct {
	db      *database.DB
	seal    *seal.Sealer
	clock   func() time.Time
	effects map[reflect.Type][]Effect
	posted  func(bot.ResidentID) // see OnPost
	owner   Owner                // nil: nobody is known by two subjects
	receipt func(bot.Receipted)  // see OnReceipt
}

// Owner tells whose the account behind a Message.Subject is: his Subject, or
// the same one. It is asked in the transaction that writes the message down,
// and what it says holds until that ends, so that no message of an account
// that is being linked goes astray.
type Owner func(tx *database.Tx, subject string) (string, error)

var (
	_ bot.Store  = (*Store)(nil)
	_ bot.Outbox = (*Store)(nil)
)

// ErrKey is returned when the database was written with another secret key.
var ErrKey = errors.New("store: the database was written with another secret key")

// Effect applies one type of bot.Effect; On makes one. Several for one type
// are applied one after the other.
type Effect struct {
	kind  reflect.Type
	apply func(tx *database.Tx, e bot.Entry, effect bot.Effect) error
}

// On returns the Effect that applies effects of type E in the transaction of
// the turn that answered e.
func On[E any](apply func(tx *database.Tx, e bot.Entry, effect E) error) Effect {
	return Effect{
		kind:  reflect.TypeFor[E](),
		apply: func(tx *database.Tx, e bot.Entry, effect bot.Effect) error { return apply(tx, e, effect.(E)) },
	}
}

// New returns the store in db, whose contents are encrypted with keys derived
// from secret (seal.KeyLength bytes). It fails with ErrKey if db was written with
// another one. Effects other than bot.Erase have to be named.
func New(db *database.DB, secret []byte, clock func() time.Time, effects ...Effect) (*Store, error) {
	sealer, err := seal.New(secret)
	if err != nil {
		return nil, err
	}
	s := &Store{db: db, seal: sealer, clock: clock, effects: make(map[reflect.Type][]Effect)}
	for _, e := range append(effects, On(s.erase)) {
		s.effects[e.kind] = append(s.effects[e.kind], e)
	}
	s.posted = func(bot.ResidentID) {}
	s.receipt = func(bot.Receipted) {}
	return s, s.prove()
}

// OnPost has wake called for each resident to whom something was posted that
// is due, so that it does not wait until somebody looks. Call it before the first Post.
func (s *Store) OnPost(wake func(bot.ResidentID)) { s.posted = wake }

// OnAccept has owner asked whose a message is. Call it before the first Accept.
func (s *Store) OnAccept(owner Owner) { s.owner = owner }

// OnReceipt has observe told of every receipt that moved a message forward. It
// must return at once. Call it before the first Receipt.
func (s *Store) OnReceipt(observe func(bot.Receipted)) { s.receipt = observe }

// isItself tells that owner does not have to be asked: a telephone number never
// belongs to another one.
func (s *Store) isItself(subject string) bool {
	return s.owner == nil || strings.HasPrefix(subject, "tel:")
}

// known returns m as a message of whom its account belongs to, sealed again if
// that is somebody else.
func (s *Store) known(tx *database.Tx, m bot.Message, body []byte) (bot.Message, []byte, error) {
	if s.isItself(m.Subject) {
		return m, body, nil
	}
	owner, err := s.owner(tx, m.Subject)
	if err != nil || owner == m.Subject {
		return m, body, err
	}
	m.Subject = owner
	body, err = s.sealMessage(m)
	return m, body, err
}

// proveTimeout is how long the database may take to tell which key it has.
const proveTimeout = 10 * time.Second

// prove checks the key against the one that the database was first used with.
func (s *Store) prove() error {
	const place = "secret_key.proof|1"
	ctx, cancel := context.WithTimeout(context.Background(), proveTimeout)
	defer cancel()
	var proof []byte
	if err := s.db.Do(ctx, func(tx *database.Tx) error {
		if _, err := tx.Exec(`insert into secret_key (id, proof) values (1, $1) on conflict do nothing`, s.seal.Seal(nil, place)); err != nil {
			return err
		}
		return tx.QueryRow(`select proof from secret_key where id = 1`, nil, &proof)
	}); err != nil {
		return fmt.Errorf("store: %w", err)
	}
	if _, err := s.seal.Open(proof, place); err != nil {
		return ErrKey // also in the rare case that both keys have the same id
	}
	return nil
}

// ID implements bot.Store.
func (s *Store) ID(subject string) bot.ResidentID { return bot.ResidentID(s.seal.Hash(subject)) }

// letter is what of a bot.Message is encrypted.
type letter struct {
	Peer     string        `json:"p,omitempty"`
	Subject  string        `json:"s,omitempty"`
	At       int64         `json:"t"`
	Dialogue string        `json:"d,omitempty"`
	Text     string        `json:"b,omitempty"`
	Choice   string        `json:"c,omitempty"`
	Media    string        `json:"m,omitempty"`
	MediaRef string        `json:"r,omitempty"`
	Location *bot.Location `json:"l,omitempty"`
	Contact  *bot.Contact  `json:"k,omitempty"`
	Opens    bool          `json:"o,omitempty"`
	Notice   *bot.Notice   `json:"n,omitempty"`
}

func letterPlace(c bot.ChannelID, messageID string) string {
	return "journal.body|" + string(c) + "|" + messageID
}

func (s *Store) sealMessage(m bot.Message) ([]byte, error) {
	body, err := json.Marshal(letter{
		Peer: m.Peer, Subject: m.Subject, At: m.At.UnixMicro(), Dialogue: m.Dialogue,
		Text: m.Text, Choice: m.Choice, Media: m.Media, MediaRef: m.MediaRef, Location: m.Location, Contact: m.Contact,
		Opens: m.Opens, Notice: m.Notice,
	})
	if err != nil {
		return nil, err
	}
	return s.seal.Seal(body, letterPlace(m.Channel, m.ID)), nil
}

// openMessage fills in m, of which channel and id are known. Of an erased
// message they are all that is left.
func (s *Store) openMessage(m *bot.Message, sealed []byte) error {
	if len(sealed) == 0 {
		return nil
	}
	body, err := s.seal.Open(sealed, letterPlace(m.Channel, m.ID))
	if err != nil {
		return err
	}
	var l letter
	if err := json.Unmarshal(body, &l); err != nil {
		return seal.ErrDamaged
	}
	m.Peer, m.Subject, m.At, m.Dialogue = l.Peer, l.Subject, database.Time(l.At), l.Dialogue
	m.Text, m.Choice, m.Media, m.MediaRef, m.Location, m.Opens = l.Text, l.Choice, l.Media, l.MediaRef, l.Location, l.Opens
	m.Contact, m.Notice = l.Contact, l.Notice
	return nil
}

// Accept implements bot.Store.
func (s *Store) Accept(ctx context.Context, m bot.Message) (e bot.Entry, fresh bool, err error) {
	body, err := s.sealMessage(m)
	if err != nil {
		return bot.Entry{}, false, fmt.Errorf("store: %w", err)
	}
	now := s.clock()
	var alone bool
	var before bot.State
	if s.db.Dialect == database.Postgres && s.isItself(m.Subject) {
		e = bot.Entry{Message: m, Resident: s.ID(m.Subject), Due: now}
		err = s.db.Write(ctx, journalAndLook, []any{m.Channel, m.ID, e.Resident, database.Micros(now), body, database.Micros(now.Add(early))},
			&e.Seq, &alone, &before.Version, &before.Blob)
	} else {
		err = s.db.Do(ctx, func(tx *database.Tx) error {
			m, body, err := s.known(tx, m, body)
			if err != nil {
				return err
			}
			e = bot.Entry{Message: m, Resident: s.ID(m.Subject), Due: now}
			if err := tx.QueryRow(journalRow, []any{m.Channel, m.ID, e.Resident, database.Micros(now), body}, &e.Seq); err != nil {
				return err
			}
			return tx.QueryRow(look, []any{e.Resident, e.Seq, database.Micros(now.Add(early))}, &alone, &before.Version, &before.Blob)
		})
	}
	if errors.Is(err, sql.ErrNoRows) {
		if e, err = s.accepted(ctx, m.Channel, m.ID); err == nil {
			return e, false, nil
		}
	}
	if err != nil {
		return bot.Entry{}, false, fmt.Errorf("store: accept: %w", err)
	}
	if alone && before.Version > 0 {
		if before.Blob, err = s.seal.Open(before.Blob, statePlace(e.Resident)); err != nil {
			alone = false // the turn says what is wrong with it
		}
	}
	if alone {
		e.Before = &before
	}
	return e, true, nil
}

// accepted returns the message that was the first of its id.
func (s *Store) accepted(ctx context.Context, c bot.ChannelID, id string) (bot.Entry, error) {
	e := bot.Entry{Message: bot.Message{Channel: c, ID: id}}
	var body []byte
	var due int64
	if err := s.db.Read(ctx, `select seq, resident, accepted, body from journal where channel = $1 and message_id = $2`, []any{c, id},
		&e.Seq, &e.Resident, &due, &body); err != nil {
		return e, err
	}
	e.Due = database.Time(due)
	return e, s.openMessage(&e.Message, body)
}

// Post writes a message, as a rule with a bot.Notice, in a transaction of
// somebody else: what happened and what has to be told of it are on disk
// together or not at all. It is answered from due on (the zero time: now), by
// whichever machine comes first. fresh is false when that message is there already.
func (s *Store) Post(tx *database.Tx, m bot.Message, due time.Time) (fresh bool, err error) {
	if m.ID == "" || m.Channel == "" || m.Subject == "" {
		return false, errors.New("store: post: message without id, channel or subject")
	}
	now := s.clock()
	if m.At.IsZero() {
		m.At = now
	}
	if due.Before(now) {
		due = now
	}
	m = m.Clean()
	body, err := s.sealMessage(m)
	if err != nil {
		return false, fmt.Errorf("store: post: %w", err)
	}
	if m, body, err = s.known(tx, m, body); err != nil {
		return false, fmt.Errorf("store: post: %w", err)
	}
	resident := s.ID(m.Subject)
	if _, fresh, err = journal(tx, m, resident, due, body); err != nil {
		return false, fmt.Errorf("store: post: %w", err)
	}
	if fresh && !due.After(now) {
		tx.AfterCommit(func() { s.posted(resident) })
	}
	return fresh, nil
}

const journalRow = `insert into journal (channel, message_id, resident, accepted, body) values ($1, $2, $3, $4, $5)
	on conflict do nothing returning seq`

// What a turn begins with, in the statement that writes the journal or after it.
const (
	journalAndLook = `with written as (` + journalRow + `)
	select seq, not exists (select 1 from journal where resident = $3 and answered is null and accepted < $6), coalesce(version, 0), state
	from written left join residents on id = $3`
	look = `select not exists (select 1 from journal where resident = $1 and answered is null and seq <> $2 and accepted < $3), coalesce(version, 0), state
	from (select 1) as one left join residents on id = $1`
)

// journal writes a row that is to be answered from a point in time on.
func journal(tx *database.Tx, m bot.Message, resident bot.ResidentID, from time.Time, body []byte) (seq int64, fresh bool, err error) {
	err = tx.QueryRow(journalRow, []any{m.Channel, m.ID, resident, database.Micros(from), body}, &seq)
	if errors.Is(err, sql.ErrNoRows) {
		return 0, false, nil
	}
	return seq, err == nil, err
}

// early is how much before its time a posted message may be answered. It is
// more than the clocks of two machines differ: what one of them accepted just
// now must not look like the future to the other.
const early = 5 * time.Second

// Pending implements bot.Store.
func (s *Store) Pending(ctx context.Context, id bot.ResidentID, limit int) (entries []bot.Entry, err error) {
	var row struct {
		bot.Entry
		due  int64
		body []byte
	}
	err = s.db.Each(ctx, `select seq, channel, message_id, accepted, body from journal
		where resident = $1 and answered is null and accepted < $2 order by seq limit $3`,
		[]any{id, database.Micros(s.clock().Add(early)), limit}, []any{&row.Seq, &row.Channel, &row.ID, &row.due, &row.body}, func() error {
			next := bot.Entry{Seq: row.Seq, Resident: id, Due: database.Time(row.due), Message: bot.Message{Channel: row.Channel, ID: row.ID}}
			if err := s.openMessage(&next.Message, row.body); err != nil {
				return fmt.Errorf("%w (journal %d)", err, row.Seq)
			}
			entries = append(entries, next)
			return nil
		})
	if err != nil {
		return nil, fmt.Errorf("store: pending: %w", err)
	}
	return entries, nil
}

// Unanswered implements bot.Store.
func (s *Store) Unanswered(ctx context.Context, before time.Time, limit int) ([]bot.ResidentID, error) {
	ids, err := database.Column[bot.ResidentID](s.db.Query(ctx, `select resident from journal where answered is null and accepted < $1
		group by resident order by min(seq) limit $2`, database.Micros(before), limit))
	if err != nil {
		return nil, fmt.Errorf("store: unanswered: %w", err)
	}
	return ids, nil
}

func statePlace(id bot.ResidentID) string { return "residents.state|" + string(id) }

// Load implements bot.Store.
func (s *Store) Load(ctx context.Context, id bot.ResidentID) (bot.State, error) {
	var row struct {
		bot.State
		sealed []byte
	}
	err := s.db.Read(ctx, `select version, state from residents where id = $1`, []any{id}, &row.Version, &row.sealed)
	if errors.Is(err, sql.ErrNoRows) {
		return bot.State{}, nil
	}
	if err != nil {
		return bot.State{}, fmt.Errorf("store: load: %w", err)
	}
	if row.Blob, err = s.seal.Open(row.sealed, statePlace(id)); err != nil {
		return bot.State{}, fmt.Errorf("%w (resident %s)", err, id)
	}
	return row.State, nil
}

func answerPlace(seq int64) string { return "journal.answer|" + strconv.FormatInt(seq, 10) }

// Answer implements bot.Store.
func (s *Store) Answer(ctx context.Context, seq int64) (texts []bot.Text, ok bool, err error) {
	var answered sql.NullInt64
	var sealed []byte
	err = s.db.QueryRow(ctx, `select answered, answer from journal where seq = $1`, seq).Scan(&answered, &sealed)
	switch {
	case errors.Is(err, sql.ErrNoRows), err == nil && !answered.Valid:
		return nil, false, nil
	case err != nil:
		return nil, false, fmt.Errorf("store: answer: %w", err)
	case len(sealed) == 0: // it went through the outbox, or was erased
		return nil, true, nil
	}
	plain, err := s.seal.Open(sealed, answerPlace(seq))
	if err == nil {
		err = json.Unmarshal(plain, &texts)
	}
	if err != nil {
		return nil, false, fmt.Errorf("%w (answer %d)", seal.ErrDamaged, seq)
	}
	return texts, true, nil
}

// Package audit keeps what happened at the command center as one stream of
// events, in the order in which they were committed. The stream is what the
// consoles follow live, and evidence: each event carries a hash over its exact
// text and over the event before it, so that whoever changes one has to change
// all that follow (see Verify).
//
// Events are never changed or removed. Therefore nothing of a resident may
// stand in one: ids, codes, kinds and counts only; a lawful erasure of the
// words and numbers elsewhere then leaves the chain whole.
package audit

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"
	"unicode"
	"unicode/utf8"

	"tabe/adapters/database"
)

// Event is one thing that happened.
type Event struct {
	Seq      int64 // 1, 2, 3 … without a gap
	At       time.Time
	Actor    string // name of an operator; "engine", "resident" …
	Kind     string // "incident.opened" …
	Incident string // its code; empty: about none
	Body     string // ids and codes, as a rule JSON
}

// Limits of an event, in bytes: a console gets it over a slow line.
const (
	MaxName = 64
	MaxBody = 4 << 10
)

// ErrEvent is returned for an event that cannot be kept.
var ErrEvent = errors.New("audit: an event has an actor and a kind, names of printable text, and is short")

// Append writes an event and returns its place in the stream. It has to be the
// last statement of a transaction: on PostgreSQL all other writers of events
// wait from here until the commit.
func Append(tx *database.Tx, at time.Time, actor, kind, incident, body string) (seq int64, err error) {
	if actor == "" || kind == "" || !isName(actor) || !isName(kind) || !isName(incident) ||
		len(body) > MaxBody || !utf8.ValidString(body) || strings.IndexByte(body, 0) >= 0 {
		return 0, ErrEvent
	}
	var prev []byte
	if err := tx.QueryRow(`update audit_head set seq = seq + 1 where id = 1 returning seq, hash`, nil, &seq, &prev); err != nil {
		return 0, fmt.Errorf("audit: %w", err)
	}
	micros := database.Micros(at)
	hash := sum(prev, seq, micros, actor, kind, incident, body)
	if _, err := tx.Exec(`insert into audit (seq, at, actor, kind, incident, body, prev, hash) values ($1, $2, $3, $4, $5, $6, $7, $8)`,
		seq, micros, actor, kind, incident, body, prev, hash); err != nil {
		return 0, fmt.Errorf("audit: %w", err)
	}
	if _, err := tx.Exec(`update audit_head set hash = $1 where id = 1`, hash); err != nil {
		return 0, fmt.Errorf("audit: %w", err)
	}
	return seq, nil
}

// isName tells whether s can stand before the body in what is hashed: without
// the character that parts the fields no two events have the same text.
func isName(s string) bool {
	if len(s) > MaxName || !utf8.ValidString(s) {
		return false
	}
	return strings.IndexFunc(s, func(r rune) bool { return !unicode.IsPrint(r) }) < 0
}

// sum chains an event to the one before: SHA-256 over the hash of that one and
// the fields as they are stored, numbers in decimal, parted by 0x1f.
func sum(prev []byte, seq, at int64, actor, kind, incident, body string) []byte {
	h := sha256.New()
	h.Write(prev)
	fmt.Fprintf(h, "%d\x1f%d\x1f%s\x1f%s\x1f%s\x1f%s", seq, at, actor, kind, incident, body)
	return h.Sum(nil)
}

// Log reads the stream. It is safe for concurrent use.
type Log struct {
	db *database.DB

	mu    sync.Mutex
	woken chan struct{} // closed and replaced by Wake
}

// New returns the stream that is kept in db.
func New(db *database.DB) *Log {
	return &Log{db: db, woken: make(chan struct{})}
}

// Since returns at most limit events after seq, in their order. Whoever goes
// on from the last one that he got misses none.
func (l *Log) Since(ctx context.Context, seq int64, limit int) ([]Event, error) {
	return l.read(ctx, `select seq, at, actor, kind, incident, body from audit where seq > $1 order by seq limit $2`, seq, limit)
}

// Latest returns the newest events, the newest first.
func (l *Log) Latest(ctx context.Context, limit int) ([]Event, error) {
	return l.read(ctx, `select seq, at, actor, kind, incident, body from audit order by seq desc limit $1`, limit)
}

// Of returns the first events about one incident, in their order.
func (l *Log) Of(ctx context.Context, incident string, limit int) ([]Event, error) {
	return l.read(ctx, `select seq, at, actor, kind, incident, body from audit where incident = $1 and incident <> '' order by seq limit $2`, incident, limit)
}

func (l *Log) read(ctx context.Context, query string, args ...any) ([]Event, error) {
	rows, err := l.db.Query(ctx, query, args...)
	if err != nil {
		return nil, fmt.Errorf("audit: %w", err)
	}
	defer rows.Close()
	var events []Event
	for rows.Next() {
		var e Event
		var at int64
		if err := rows.Scan(&e.Seq, &at, &e.Actor, &e.Kind, &e.Incident, &e.Body); err != nil {
			return nil, fmt.Errorf("audit: %w", err)
		}
		e.At = database.Time(at)
		events = append(events, e)
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("audit: %w", err)
	}
	return events, nil
}

// Head returns the place of the newest event; 0: there is none.
func (l *Log) Head(ctx context.Context) (seq int64, err error) {
	if err = l.db.QueryRow(ctx, `select seq from audit_head where id = 1`).Scan(&seq); err != nil {
		err = fmt.Errorf("audit: %w", err)
	}
	return seq, err
}

// poll is how often Wait looks for what another process has written.
const poll = 500 * time.Millisecond

// Wait returns when there are events after seq. Those of this process it sees
// at once, if they were written by Append of the same Log, others within poll.
func (l *Log) Wait(ctx context.Context, seq int64) error {
	timer := time.NewTimer(poll)
	defer timer.Stop()
	for {
		l.mu.Lock()
		woken := l.woken
		l.mu.Unlock()
		head, err := l.Head(ctx)
		if err != nil || head > seq {
			return err
		}
		timer.Reset(poll)
		select {
		case <-woken:
		case <-timer.C:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// Append is the function Append for a process that has readers of its own: they
// are told at once.
func (l *Log) Append(tx *database.Tx, at time.Time, actor, kind, incident, body string) (seq int64, err error) {
	tx.AfterCommit(l.Wake)
	return Append(tx, at, actor, kind, incident, body)
}

// Wake tells everybody who waits that events were committed.
func (l *Log) Wake() {
	l.mu.Lock()
	defer l.mu.Unlock()
	close(l.woken)
	l.woken = make(chan struct{})
}

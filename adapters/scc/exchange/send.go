package exchange

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"tabe/adapters/database"
	"tabe/adapters/scc"
	"tabe/adapters/scc/audit"
	"tabe/adapters/scc/geo"
	"tabe/flows/darurat"
)

// Exchange tells the peers and hears their answers. It is safe for concurrent
// use, also by several processes on one database.
type Exchange struct {
	DB        *database.DB
	Peers     []Peer
	Events    *audit.Log
	Incidents interface {
		ByCode(ctx context.Context, code string) (scc.Incident, error)
	}
	Map   *geo.Map
	HTTP  *http.Client
	Clock func() time.Time
	Log   *slog.Logger
}

const (
	lease      = 30 * time.Second
	timeout    = 10 * time.Second // of one message, well inside the lease
	firstRetry = 2 * time.Second
	lastRetry  = 5 * time.Minute
	batch      = 64
	maxTries   = 200 // half a day; then a message that is always refused lets the next ones by
)

// Run tells every peer until ctx ends.
func (x *Exchange) Run(ctx context.Context) {
	var running sync.WaitGroup
	for _, p := range x.Peers {
		running.Go(func() { x.follow(ctx, p) })
	}
	running.Wait()
}

// follow tells one peer what happens.
func (x *Exchange) follow(ctx context.Context, p Peer) {
	for ctx.Err() == nil {
		cursor, wait, err := x.claim(ctx, p)
		if err == nil && wait == 0 {
			cursor, wait, err = x.tell(ctx, p, cursor)
		}
		if err != nil && ctx.Err() == nil {
			x.Log.Error("cannot tell a peer of incidents", "peer", p.Name, "err", err)
			wait = firstRetry
		}
		if wait == 0 {
			waiting, cancel := context.WithTimeout(ctx, lease)
			_ = x.Events.Wait(waiting, cursor) // looks again in any case
			cancel()
			continue
		}
		select {
		case <-time.After(wait):
		case <-ctx.Done():
		}
	}
}

// claim takes the peer for the length of a lease, or says how long to wait. A
// new peer begins with what happens from now on.
func (x *Exchange) claim(ctx context.Context, p Peer) (cursor int64, wait time.Duration, err error) {
	head, err := x.Events.Head(ctx)
	if err != nil {
		return 0, 0, err
	}
	now := x.Clock()
	err = x.DB.Do(ctx, func(tx *database.Tx) error {
		if _, err := tx.Exec(`insert into exchange_peers (name, cursor, next_at) values ($1, $2, $3) on conflict do nothing`,
			p.Name, head, database.Micros(now)); err != nil {
			return err
		}
		err := tx.QueryRow(`update exchange_peers set next_at = $1 where name = $2 and next_at <= $3 returning cursor`,
			[]any{database.Micros(now.Add(lease)), p.Name, database.Micros(now)}, &cursor)
		if !errors.Is(err, sql.ErrNoRows) {
			return err
		}
		var next int64
		err = tx.QueryRow(`select cursor, next_at from exchange_peers where name = $1`, []any{p.Name}, &cursor, &next)
		wait = max(10*time.Millisecond, min(lease, database.Time(next).Sub(now)))
		return err
	})
	return cursor, wait, err
}

// tell sends what is new to a claimed peer, and gives it back.
func (x *Exchange) tell(ctx context.Context, p Peer, from int64) (cursor int64, wait time.Duration, err error) {
	cursor = from
	events, err := x.Events.Since(ctx, from, batch)
	if err != nil {
		return cursor, 0, errors.Join(err, x.giveBack(ctx, p, cursor, 0, false))
	}
	for _, e := range events {
		body, err := x.messageAfter(ctx, p, e)
		if err != nil {
			return cursor, 0, errors.Join(err, x.giveBack(ctx, p, cursor, firstRetry, false))
		}
		if body != nil {
			if err := x.post(ctx, p, body); err != nil {
				wait, err = x.failed(ctx, p, e, cursor, err)
				return cursor, wait, err
			}
		}
		cursor = e.Seq
	}
	if len(events) > 0 {
		err = x.giveBack(ctx, p, cursor, 0, true)
	} else {
		err = x.giveBack(ctx, p, cursor, 0, false)
	}
	return cursor, 0, err
}

// messageAfter returns what a peer is told after an event; nil if it is not for it.
func (x *Exchange) messageAfter(ctx context.Context, p Peer, e audit.Event) ([]byte, error) {
	if e.Incident == "" || !strings.HasPrefix(e.Kind, "incident.") || e.Kind == "incident.chat" {
		return nil, nil
	}
	i, err := x.Incidents.ByCode(ctx, e.Incident)
	if errors.Is(err, scc.ErrUnknown) {
		return nil, nil
	}
	if err != nil || !p.wants(i) {
		return nil, err
	}
	if err := x.DB.Do(ctx, func(tx *database.Tx) error {
		_, err := tx.Exec(`insert into exchange_shared (id, incident) values ($1, $2) on conflict do nothing`, sharedID(i), i.Code)
		return err
	}); err != nil {
		return nil, err
	}
	return json.Marshal(messageOf(i, x.Map, x.Clock()))
}

// wants tells whether an incident is for the peer.
func (p Peer) wants(i scc.Incident) bool {
	return i.Kind != darurat.Violence && slices.Contains(p.Kinds, i.Kind) && (p.Tests || !i.Test) &&
		(len(p.Districts) == 0 || slices.Contains(p.Districts, i.District))
}

// refused is a peer's answer that it would give again.
type refused struct{ status int }

func (r refused) Error() string { return fmt.Sprintf("exchange: status %d", r.status) }

// post sends one message.
func (x *Exchange) post(ctx context.Context, p Peer, body []byte) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), timeout)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, p.URL, bytes.NewReader(body))
	if err != nil {
		return err
	}
	timestamp, signature := sign(p.Secret, x.Clock(), body)
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set(timestampHeader, timestamp)
	r.Header.Set(signatureHeader, signature)
	answer, err := x.HTTP.Do(r)
	if err != nil {
		return errors.New("exchange: no answer") // the error itself would name the address
	}
	defer answer.Body.Close()
	_, _ = io.CopyN(io.Discard, answer.Body, 64<<10) // so that the connection can be used again
	switch {
	case answer.StatusCode/100 == 2:
		return nil
	case answer.StatusCode == http.StatusBadRequest, answer.StatusCode == http.StatusUnprocessableEntity, answer.StatusCode == http.StatusGone:
		return refused{answer.StatusCode}
	}
	return fmt.Errorf("exchange: status %d", answer.StatusCode)
}

// failed decides what follows a message that was not taken: another try, or,
// if the peer refuses it for good, the next message and an event for people to see.
func (x *Exchange) failed(ctx context.Context, p Peer, e audit.Event, cursor int64, cause error) (wait time.Duration, err error) {
	var failures int64
	if err := x.DB.QueryRow(ctx, `select failures from exchange_peers where name = $1`, p.Name).Scan(&failures); err != nil {
		return firstRetry, fmt.Errorf("exchange: %w", err)
	}
	var no refused
	if errors.As(cause, &no) || failures >= maxTries {
		x.Log.Warn("a peer does not take a message", "peer", p.Name, "seq", e.Seq)
		return 0, x.DB.Do(ctx, func(tx *database.Tx) error {
			if _, err := tx.Exec(`update exchange_peers set cursor = $1, failures = 0, next_at = $2 where name = $3`,
				e.Seq, database.Micros(x.Clock()), p.Name); err != nil {
				return err
			}
			_, err := audit.Append(tx, x.Clock(), "exchange", "exchange.refused", e.Incident, `{"peer":"`+p.Name+`"}`)
			return err
		})
	}
	wait = lastRetry
	if failures < 8 {
		wait = min(lastRetry, firstRetry<<failures)
	}
	x.Log.Info("a peer will be tried again", "peer", p.Name, "in", wait)
	return wait, x.DB.Do(ctx, func(tx *database.Tx) error {
		_, err := tx.Exec(`update exchange_peers set cursor = $1, failures = failures + 1, next_at = $2 where name = $3`,
			cursor, database.Micros(x.Clock().Add(wait)), p.Name)
		return err
	})
}

// giveBack ends a lease after what was told.
func (x *Exchange) giveBack(ctx context.Context, p Peer, cursor int64, wait time.Duration, well bool) error {
	query := `update exchange_peers set cursor = $1, next_at = $2 where name = $3`
	if well {
		query = `update exchange_peers set cursor = $1, next_at = $2, failures = 0 where name = $3`
	}
	return x.DB.Do(context.WithoutCancel(ctx), func(tx *database.Tx) error {
		_, err := tx.Exec(query, cursor, database.Micros(x.Clock().Add(wait)), p.Name)
		return err
	})
}

// Place is how far a peer has come.
type Place struct {
	Peer     string
	Behind   int64 // events that it was not told yet
	Failures int64 // in a row
}

// Places tells how far every peer has come.
func (x *Exchange) Places(ctx context.Context) ([]Place, error) {
	head, err := x.Events.Head(ctx)
	if err != nil {
		return nil, err
	}
	rows, err := x.DB.Query(ctx, `select name, cursor, failures from exchange_peers order by name`)
	if err != nil {
		return nil, fmt.Errorf("exchange: %w", err)
	}
	defer rows.Close()
	var all []Place
	for rows.Next() {
		var p Place
		var cursor int64
		if err := rows.Scan(&p.Peer, &cursor, &p.Failures); err != nil {
			return nil, fmt.Errorf("exchange: %w", err)
		}
		p.Behind = head - cursor
		all = append(all, p)
	}
	return all, rows.Err()
}

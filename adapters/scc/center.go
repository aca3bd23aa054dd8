// Package scc is the Soppeng Command Center behind its console: the incidents,
// who has to come for them, and the escalation that goes on until a human
// being answers.
//
// Every deadline is a row in the database, in seconds, and moves in the
// transaction that writes the messages about it, so a process may die at any
// instruction and another one goes on. Time is the database's: on PostgreSQL
// its server's clock, which all machines share; a SQLite file is on the machine
// of its only users, so its clock is theirs. A clock that jumps forward moves
// each incident by one step, one that jumps back sets the clocks of the
// incidents anew: it neither floods nor silences anybody.
package scc

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync/atomic"
	"time"

	"tabe/adapters/database"
	"tabe/adapters/scc/geo"
	"tabe/adapters/seal"
	"tabe/adapters/store"
	"tabe/bot"
)

// Mail is how the center writes to phones; *store.Store does.
type Mail interface {
	Post(tx *database.Tx, m bot.Message, due time.Time) (fresh bool, err error)
	Delivery(ctx context.Context, c bot.ChannelID, messageID string) (store.Delivery, error)
}

// Config is what a Center is made of.
type Config struct {
	DB     *database.DB
	Secret []byte // seal.KeyLength bytes
	Map    *geo.Map
	// Mail is asked for at the first need: the store is made with the center's
	// effects, and so after it.
	Mail func() Mail
	// Event writes what happened into the stream of events; audit.Append. It is
	// the last thing that a transaction of the center does.
	Event    func(tx *database.Tx, at time.Time, actor, kind, incident, body string) (seq int64, err error)
	Channels []bot.ChannelID  // that carry messages out
	Clock    func() time.Time // of a SQLite database
	Log      *slog.Logger
}

// Center is safe for concurrent use, also by several processes on one database.
type Center struct {
	Config
	seal  *seal.Sealer
	poked chan struct{}
	cycle atomic.Int64 // when the last complete cycle of Run ended, unix microseconds
}

// New returns the center.
func New(c Config) (*Center, error) {
	if c.DB == nil || c.Map == nil || c.Mail == nil || c.Event == nil {
		return nil, errors.New("scc: DB, Map, Mail and Event are needed")
	}
	sealer, err := seal.New(c.Secret)
	if err != nil {
		return nil, err
	}
	if c.Clock == nil {
		c.Clock = time.Now
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	return &Center{Config: c, seal: sealer, poked: make(chan struct{}, 1)}, nil
}

// serverTime is the clock of PostgreSQL in microseconds since 1970. Not that of
// the transaction's start: it may have waited for another one.
const serverTime = `select (extract(epoch from clock_timestamp()) * 1000000)::bigint`

// now is the database's time inside a transaction.
func (c *Center) now(tx *database.Tx) (time.Time, error) {
	if c.DB.Dialect == database.SQLite {
		return c.Clock().UTC(), nil
	}
	var micros int64
	err := tx.QueryRow(serverTime, nil, &micros)
	return database.Time(micros), err
}

// time is the database's time.
func (c *Center) time(ctx context.Context) (time.Time, error) {
	if c.DB.Dialect == database.SQLite {
		return c.Clock().UTC(), nil
	}
	var micros int64
	err := c.DB.QueryRow(ctx, serverTime).Scan(&micros)
	return database.Time(micros), err
}

// do runs fn in a transaction at the database's time.
func (c *Center) do(ctx context.Context, fn func(tx *database.Tx, now time.Time) error) error {
	return c.DB.Do(ctx, func(tx *database.Tx) error {
		now, err := c.now(tx)
		if err != nil {
			return err
		}
		return fn(tx, now)
	})
}

// event writes an event; body holds ids and codes, never a word or number of a
// resident.
func (c *Center) event(tx *database.Tx, at time.Time, actor, kind, code string, body any) error {
	blob, err := json.Marshal(body)
	if err != nil {
		return err
	}
	_, err = c.Event(tx, at, actor, kind, code, string(blob))
	return err
}

// poke has Run look at once.
func (c *Center) poke() {
	select {
	case c.poked <- struct{}{}:
	default:
	}
}

// rest is how long Run waits between two looks, if nobody pokes it.
const rest = 500 * time.Millisecond

// Run escalates until ctx ends. Any number of processes may run it.
func (c *Center) Run(ctx context.Context) {
	tick := time.NewTicker(rest)
	defer tick.Stop()
	audited := time.Time{}
	for {
		if err := c.Cycle(ctx); err != nil && ctx.Err() == nil {
			c.Log.Error("cannot escalate", "err", err)
		}
		if time.Since(audited) > auditEvery {
			audited = time.Now()
			c.reportFindings(ctx)
		}
		select {
		case <-c.poked:
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}

// Cycle looks once at every clock and every page that is due. The failure of
// one incident does not stop the others.
func (c *Center) Cycle(ctx context.Context) error {
	err := errors.Join(c.escalate(ctx), c.watch(ctx))
	if err == nil {
		c.cycle.Store(time.Now().UnixMicro())
	}
	return err
}

// silent is after how long without a complete cycle the center counts as down.
const silent = 10 * time.Second

// Health tells whether the center has completed its work lately.
func (c *Center) Health() error {
	last := c.cycle.Load()
	if last == 0 {
		return errors.New("scc: no cycle was completed yet")
	}
	if age := time.Since(time.UnixMicro(last)); age > silent {
		return fmt.Errorf("scc: the last complete cycle was %s ago", age.Round(time.Second))
	}
	return nil
}

// cell names a sealed value; see seal.Seal.
func cell(column string, id any) string { return column + "|" + fmt.Sprint(id) }

// sealed encrypts a value; nil for nothing.
func (c *Center) sealed(v any, place string) ([]byte, error) {
	plain, err := json.Marshal(v)
	if err != nil {
		return nil, err
	}
	return c.seal.Seal(plain, place), nil
}

// opened decrypts what sealed made; false if it was erased.
func (c *Center) opened(sealed []byte, place string, v any) (bool, error) {
	if len(sealed) == 0 {
		return false, nil
	}
	plain, err := c.seal.Open(sealed, place)
	if err != nil {
		return false, err
	}
	return true, json.Unmarshal(plain, v)
}

// list reads a column of names parted by commas.
func list(csv string) []string {
	if csv == "" {
		return nil
	}
	return strings.Split(csv, ",")
}

// Package gammu carries SMS through Gammu's daemon, gammu-smsd: a modem with a
// SIM card on any computer, which is what a regency can pay today. The daemon
// and we meet in its own tables, in SQLite or PostgreSQL; it may run on another
// machine, and may be down for a while.
package gammu

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
	_ "modernc.org/sqlite" // the driver "sqlite"

	"tabe/bot"
)

// SMS is the channel.
const SMS bot.ChannelID = "sms"

// Config tells where the daemon's tables are.
type Config struct {
	DatabaseURL string        // sqlite:///path/smsd.db or postgres://…
	Every       time.Duration // how often to look; 0: each second
	Log         *slog.Logger
}

// Modem is the daemon. It is safe for concurrent use.
type Modem struct {
	db    *sql.DB
	every time.Duration
	log   *slog.Logger

	// Of the goroutine in Run.
	told    map[int64]bot.Status // what was said of sent messages
	waiting map[string]time.Time // messages of which parts are missing, and since when
}

// waitForLock is how long to wait while the daemon writes.
const waitForLock = 5 * time.Second

// Open opens the tables. They have to be there.
func Open(ctx context.Context, c Config) (*Modem, error) {
	m := &Modem{every: c.Every, log: c.Log, told: map[int64]bot.Status{}}
	if m.every <= 0 {
		m.every = time.Second
	}
	if m.log == nil {
		m.log = slog.New(slog.DiscardHandler)
	}
	path, isSQLite := strings.CutPrefix(c.DatabaseURL, "sqlite://")
	switch {
	case isSQLite && path != "":
		name := (&url.URL{Scheme: "file", Path: path}).String() + fmt.Sprintf("?mode=rw&_pragma=busy_timeout(%d)&_txlock=immediate", waitForLock.Milliseconds())
		db, err := sql.Open("sqlite", name)
		if err != nil {
			return nil, errors.New("gammu: the database cannot be opened")
		}
		db.SetMaxOpenConns(1)
		m.db = db
	case strings.HasPrefix(c.DatabaseURL, "postgres://"), strings.HasPrefix(c.DatabaseURL, "postgresql://"):
		config, err := pgx.ParseConfig(c.DatabaseURL)
		if err != nil {
			return nil, errors.New("gammu: not a usable postgres URL") // the error itself could quote it
		}
		m.db = stdlib.OpenDB(*config)
		m.db.SetMaxOpenConns(4)
	default:
		return nil, errors.New("gammu: the database is neither sqlite:///path nor postgres://…")
	}
	if err := m.Check(ctx); err != nil {
		return nil, errors.Join(err, m.db.Close())
	}
	return m, nil
}

// Close closes the tables.
func (m *Modem) Close() { _ = m.db.Close() }

// Versions of the daemon's tables that this package knows. Those between have
// the columns that are used here.
const (
	oldest = 13
	newest = 17
)

// Check tells whether the tables are there and of a known form.
func (m *Modem) Check(ctx context.Context) error {
	var version int
	if err := m.db.QueryRowContext(ctx, `select max(Version) from gammu`).Scan(&version); err != nil {
		return errors.New("gammu: the tables of gammu-smsd are not there")
	}
	if version < oldest || version > newest {
		return fmt.Errorf("gammu: tables of version %d; known are %d to %d", version, oldest, newest)
	}
	return nil
}

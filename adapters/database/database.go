// Package database opens the place where everything is kept: a SQLite file on
// one machine, or PostgreSQL for many. Both speak the same SQL here, with
// numbered parameters ($1), times as microseconds since 1970 in BIGINT, and
// the migrations of all packages in one row (see migrations).
//
// Writing goes through DB.Do. On SQLite the calls of all goroutines share
// transactions, so that a disk flush is paid once for many of them.
package database

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"sync"
	"time"
)

// Dialect tells which database is behind a DB, for the few statements that differ.
type Dialect string

// The databases that Open knows.
const (
	SQLite   Dialect = "sqlite"
	Postgres Dialect = "postgres"
)

// DB is an open database with the current schema. It is safe for concurrent use.
type DB struct {
	Dialect Dialect

	read   *sql.DB
	reads  *statements // SQLite only: pgx keeps its own
	write  *sql.DB
	writer *writer    // SQLite only
	lines  *pipelines // PostgreSQL only
}

// Open opens the database that rawURL names and migrates it:
// sqlite:///absolute/path/tabe.db or postgres://user:password@host/name.
func Open(ctx context.Context, rawURL string) (*DB, error) {
	u, err := url.Parse(rawURL)
	if err != nil {
		return nil, errors.New("database: not a URL") // the error itself would quote the password
	}
	switch u.Scheme {
	case "sqlite":
		return openSQLite(ctx, u)
	case "postgres", "postgresql":
		return openPostgres(ctx, rawURL)
	default:
		return nil, fmt.Errorf("database: scheme %q is neither sqlite nor postgres", u.Scheme)
	}
}

// Close waits for the writes that have begun and closes the connections.
func (db *DB) Close() error {
	var errs []error
	if db.writer != nil {
		errs = append(errs, db.writer.close())
	}
	if db.lines != nil {
		errs = append(errs, db.lines.close())
	}
	if db.reads != nil {
		errs = append(errs, db.reads.close())
	}
	if db.read != db.write {
		errs = append(errs, db.read.Close())
	}
	return errors.Join(append(errs, db.write.Close())...)
}

// Ping asks the database for a sign of life.
func (db *DB) Ping(ctx context.Context) error {
	var one int
	return db.QueryRow(ctx, "select 1").Scan(&one)
}

// Query reads outside a transaction. What Do committed before is visible.
func (db *DB) Query(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	if db.reads == nil {
		return db.read.QueryContext(ctx, query, args...)
	}
	stmt, err := db.reads.get(ctx, query)
	if err != nil {
		return nil, err
	}
	return stmt.QueryContext(ctx, args...)
}

// QueryRow is Query for one row.
func (db *DB) QueryRow(ctx context.Context, query string, args ...any) *sql.Row {
	if db.reads != nil {
		if stmt, err := db.reads.get(ctx, query); err == nil {
			return stmt.QueryRowContext(ctx, args...)
		}
	}
	return db.read.QueryRowContext(ctx, query, args...) // reports what is wrong with the query
}

// Do runs fn in a transaction that is on disk when Do returns nil. If fn
// returns an error, what it wrote is undone and the error is returned as it is.
//
// fn must be quick and touch nothing but tx and its own results: on SQLite
// everybody's writes wait for it. It may run again, after a conflict or after
// the failure of another one in its group. Large loads write in portions. Once fn has begun, Do waits for its
// end whatever ctx says.
func (db *DB) Do(ctx context.Context, fn func(tx *Tx) error) error {
	var after []func()
	collect := func(tx *Tx) error {
		tx.after = nil
		err := fn(tx)
		after = tx.after
		return err
	}
	var err error
	if db.writer != nil {
		err = db.writer.do(ctx, &job{fn: collect})
	} else {
		err = doPostgres(ctx, db.write, collect)
	}
	if err == nil {
		for _, f := range after {
			f()
		}
	}
	return err
}

// Write runs one statement in a transaction of its own, which is on disk when
// Write returns, and reads the row that it returns into dest. It returns
// sql.ErrNoRows if there is none. On PostgreSQL this is much cheaper than Do:
// statements that come at the same moment share the round trip and the flush.
func (db *DB) Write(ctx context.Context, query string, args []any, dest ...any) error {
	if db.lines != nil {
		return db.lines.writes.do(ctx, &job{statement: statement{query: query, args: args, dest: dest}})
	}
	return db.Do(ctx, func(tx *Tx) error { return tx.QueryRow(query, args, dest...) })
}

// Read is QueryRow, with sql.ErrNoRows if there is no row; on PostgreSQL
// questions that come at the same moment share the round trip. It is for
// questions that are answered by an index: on SQLite, ctx does not end them.
func (db *DB) Read(ctx context.Context, query string, args []any, dest ...any) error {
	return db.ask(ctx, statement{query: query, args: args, dest: dest})
}

// Each is Read for any number of rows: row is called for each, once it is in dest.
func (db *DB) Each(ctx context.Context, query string, args, dest []any, row func() error) error {
	return db.ask(ctx, statement{query: query, args: args, dest: dest, row: row})
}

func (db *DB) ask(ctx context.Context, s statement) error {
	if db.lines != nil {
		return db.lines.reads.do(ctx, &job{statement: s})
	}
	// The driver would start two goroutines to watch ctx, which costs as much
	// as the question.
	return s.ask(context.WithoutCancel(ctx), db.Query)
}

// Micros is t as the columns store it.
func Micros(t time.Time) int64 { return t.UnixMicro() }

// Time reads a column written with Micros, in UTC.
func Time(micros int64) time.Time { return time.UnixMicro(micros).UTC() }

// statements prepares each text once. The texts are constants of the code, so
// their number is small.
type statements struct {
	prepare func(ctx context.Context, query string) (*sql.Stmt, error)

	mu   sync.RWMutex
	byID map[string]*sql.Stmt
}

func newStatements(prepare func(context.Context, string) (*sql.Stmt, error)) *statements {
	return &statements{prepare: prepare, byID: make(map[string]*sql.Stmt)}
}

func (s *statements) get(ctx context.Context, query string) (*sql.Stmt, error) {
	s.mu.RLock()
	stmt := s.byID[query]
	s.mu.RUnlock()
	if stmt != nil {
		return stmt, nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if stmt = s.byID[query]; stmt != nil {
		return stmt, nil
	}
	stmt, err := s.prepare(ctx, query)
	if err == nil {
		s.byID[query] = stmt
	}
	return stmt, err
}

func (s *statements) close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	var errs []error
	for _, stmt := range s.byID {
		errs = append(errs, stmt.Close())
	}
	clear(s.byID)
	return errors.Join(errs...)
}

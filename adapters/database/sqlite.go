package database

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"iter"
	"net/url"
	"os"
	"path/filepath"
	"slices"

	_ "modernc.org/sqlite" // the driver "sqlite"
)

// readers is how many reads of a SQLite file run at once, beside the writer.
const readers = 4

// openSQLite opens the file for one writer and several readers, which do not
// wait for each other (write-ahead log).
func openSQLite(ctx context.Context, u *url.URL) (db *DB, err error) {
	if u.Host != "" || !filepath.IsAbs(u.Path) {
		return nil, errors.New("database: a SQLite URL is sqlite:///absolute/path")
	}
	if err := os.MkdirAll(filepath.Dir(u.Path), 0o700); err != nil {
		return nil, fmt.Errorf("database: %w", err)
	}
	// SQLite would let everybody on the machine read a file that it creates.
	file, err := os.OpenFile(u.Path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("database: %w", err)
	}
	if err := file.Close(); err != nil {
		return nil, fmt.Errorf("database: %w", err)
	}
	// Neither the switch to the write-ahead log nor goose can bear that
	// another process does the same.
	unlock, err := lockSQLite(ctx, u.Path)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, unlock()) }()

	// The pragmas are part of the name because each connection of a pool needs
	// them; busy_timeout comes before the others can meet a lock. The log is
	// copied into the file at 32 MB, not at 4: a page that changed many times
	// meanwhile is copied once.
	name := (&url.URL{Scheme: "file", Path: u.Path}).String() +
		"?_pragma=busy_timeout(5000)&_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)&_pragma=foreign_keys(1)" +
		"&_pragma=cache_size(-32768)&_pragma=wal_autocheckpoint(8192)&_pragma=journal_size_limit(67108864)"
	db = &DB{Dialect: SQLite}
	if db.write, err = sql.Open("sqlite", name+"&_txlock=immediate"); err != nil {
		return nil, fmt.Errorf("database: %w", err)
	}
	db.write.SetMaxOpenConns(1)
	if db.read, err = sql.Open("sqlite", name+"&_pragma=query_only(1)"); err != nil {
		return nil, errors.Join(fmt.Errorf("database: %w", err), db.write.Close())
	}
	db.read.SetMaxOpenConns(readers)
	db.read.SetMaxIdleConns(readers)
	db.reads = newStatements(db.read.PrepareContext)
	if err := db.migrate(ctx); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	if db.writer, err = newWriter(ctx, db.write); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return db, nil
}

// lockSQLite waits until no other process is opening the database at path. The
// lock is SQLite's own, on an empty file beside it, so that it works wherever
// SQLite does and ends with the process.
func lockSQLite(ctx context.Context, path string) (unlock func() error, err error) {
	name := (&url.URL{Scheme: "file", Path: path + "-open"}).String() + "?_pragma=busy_timeout(30000)&_txlock=exclusive"
	pool, err := sql.Open("sqlite", name)
	if err != nil {
		return nil, fmt.Errorf("database: %w", err)
	}
	tx, err := pool.BeginTx(context.WithoutCancel(ctx), nil)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("database: wait for another process: %w", err), pool.Close())
	}
	return func() error { return errors.Join(tx.Rollback(), pool.Close()) }, nil
}

// writer is the one connection that writes. Jobs that come while a
// transaction is being flushed are the next transaction.
type writer struct {
	*queue
	conn  *sql.Conn
	stmts *statements
}

func newWriter(ctx context.Context, pool *sql.DB) (*writer, error) {
	conn, err := pool.Conn(ctx)
	if err != nil {
		return nil, fmt.Errorf("database: %w", err)
	}
	w := &writer{conn: conn, stmts: newStatements(conn.PrepareContext)}
	w.queue = newQueue(w.group)
	w.start(1)
	return w, nil
}

func (w *writer) close() error {
	w.queue.close()
	return errors.Join(w.stmts.close(), w.conn.Close())
}

// group runs first and whatever else is waiting in one transaction. One that
// fails is undone alone; if the transaction itself fails, they all do.
//
// Savepoints, by which one can be undone alone, cost as much as a write. So they
// are set only where one has failed after it had written something: then all
// of the group run again.
func (w *writer) group(first *job) {
	var group []*job
	again, err := w.run(func(yield func(*job) bool) {
		for j := range w.take(first) { // also those that come meanwhile
			if group = append(group, j); !yield(j) {
				return
			}
		}
	}, w.once)
	if again {
		_, err = w.run(slices.Values(group), w.try)
	}
	if err != nil {
		err = fmt.Errorf("database: %w", err)
	}
	for _, j := range group {
		if j.err == nil {
			j.err = err
		}
		close(j.done)
	}
}

// errAgain is why once gives up.
var errAgain = errors.New("one of the group has to be undone alone")

// run has do work on the jobs in one transaction, the first of them in any
// case. It reports whether that has to be done again, with savepoints.
func (w *writer) run(jobs iter.Seq[*job], do func(*job) error) (again bool, err error) {
	err = w.exec("begin immediate")
	for j := range jobs {
		if err == nil {
			err = do(j)
		}
		if err != nil {
			break
		}
	}
	if err == nil {
		err = w.exec("commit")
	}
	if err != nil {
		_ = w.exec("rollback") // fails if SQLite has done it already
	}
	return errors.Is(err, errAgain), err
}

// once runs one job without a savepoint. It returns errAgain if there is
// something to be undone of it, or if SQLite may have undone everything.
func (w *writer) once(j *job) error {
	tx := w.call(j)
	if tx.failed || j.err != nil && tx.wrote {
		return errAgain
	}
	return nil
}

// call runs one job. Its own failure is kept in it.
func (w *writer) call(j *job) *Tx {
	tx := &Tx{ctx: context.Background(), stmts: w.stmts} // one caller's end must not interrupt the others
	j.err = guard(tx, j.fn)
	return tx
}

// try runs one job inside a savepoint. The error returned is the transaction's.
func (w *writer) try(j *job) error {
	if err := w.exec("savepoint job"); err != nil {
		return err
	}
	if w.call(j); j.err != nil {
		if err := w.exec("rollback to job"); err != nil {
			return errors.Join(j.err, err)
		}
	}
	return w.exec("release job")
}

// guard turns a panic of fn into an error: the writer must go on.
func guard(tx *Tx, fn func(*Tx) error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("database: panic in a transaction: %v", p)
		}
	}()
	return fn(tx)
}

func (w *writer) exec(query string) error {
	stmt, err := w.stmts.get(context.Background(), query)
	if err == nil {
		_, err = stmt.ExecContext(context.Background())
	}
	return err
}

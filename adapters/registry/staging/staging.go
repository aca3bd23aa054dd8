// Package staging loads the extracts of offices into the database so that
// nobody ever sees half of one, and so that the service goes on writing while
// a large one is loaded.
//
// Rows are written in small transactions, marked with the number of their
// load, and mean nothing until the load is committed, which changes one row of
// registry_loads. A row of the same key from an earlier load is then hidden,
// and swept away afterwards. A load that was killed leaves rows that no one
// sees; the sweep after a later load takes them.
package staging

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"time"

	"tabe/adapters/database"
	"tabe/adapters/registry/extract"
)

// Visible is the SQL condition that a row of registry_loads, named l, is a load that counts.
const Visible = "l.sequence > 0"

// ErrGivenUp is returned by a load that another took for dead.
var ErrGivenUp = errors.New("staging: the load was given up")

// Table is where the rows of one kind of extract are kept. Besides Columns it
// has a column named load; Key and load are its primary key.
type Table struct {
	Registry string // registry_loads.registry
	Name     string
	Columns  []string // in the order of the values given to Load.Add
	Key      []string
}

const (
	perPortion = 512 // rows of one transaction
	perSweep   = 500 // rows looked through at once

	// deadAfter is how long a load may be silent. It must be longer than any
	// machine sleeps in the middle of one.
	deadAfter = 24 * time.Hour
)

// Load is one extract on its way into a Table. It belongs to one goroutine.
type Load struct {
	db    *database.DB
	table Table
	id    int64

	perStatement          int // rows of insertMany
	insertMany, insertOne string
	values                []any // of the rows of this portion
}

// Begin opens a load of the named file.
func Begin(ctx context.Context, db *database.DB, table Table, file string) (*Load, error) {
	// A server is asked rarely and for much. The driver of SQLite looks up each
	// parameter of a statement by its name among all others.
	perStatement := 64
	if db.Dialect == database.SQLite {
		perStatement = 1
	}
	l := &Load{
		db: db, table: table, perStatement: perStatement,
		insertMany: table.insert(perStatement), insertOne: table.insert(1),
		values: make([]any, 0, perPortion*(len(table.Columns)+1)),
	}
	err := db.Do(ctx, func(tx *database.Tx) error {
		now := time.Now()
		if _, err := tx.Exec(`update registry_loads set sequence = 0 where registry = $1 and sequence is null and touched < $2`,
			table.Registry, database.Micros(now.Add(-deadAfter))); err != nil {
			return err
		}
		return tx.QueryRow(`insert into registry_loads (registry, file, started, touched) values ($1, $2, $3, $3) returning id`,
			[]any{table.Registry, file, database.Micros(now)}, &l.id)
	})
	return l, err
}

func (t Table) insert(rows int) string {
	var b strings.Builder
	fmt.Fprintf(&b, "insert into %s (%s, load) values ", t.Name, strings.Join(t.Columns, ", "))
	n := 0
	for row := range rows {
		separator := ", ("
		if row == 0 {
			separator = "("
		}
		for range len(t.Columns) + 1 {
			n++
			fmt.Fprintf(&b, "%s$%d", separator, n)
			separator = ", "
		}
		b.WriteByte(')')
	}
	return b.String()
}

// Add stages one row: a value for each column of the table.
func (l *Load) Add(ctx context.Context, values ...any) error {
	l.values = append(append(l.values, values...), l.id)
	if len(l.values) < cap(l.values) {
		return nil
	}
	return l.flush(ctx)
}

// flush writes what was added as one portion.
func (l *Load) flush(ctx context.Context) error {
	width := len(l.table.Columns) + 1
	err := l.portion(ctx, func(tx *database.Tx) error {
		changed, err := tx.Exec(`update registry_loads set touched = $1 where id = $2 and sequence is null`, database.Micros(time.Now()), l.id)
		if err == nil && changed == 0 {
			err = ErrGivenUp
		}
		rest := l.values
		for ; err == nil && len(rest) >= l.perStatement*width; rest = rest[l.perStatement*width:] {
			_, err = tx.Exec(l.insertMany, rest[:l.perStatement*width]...)
		}
		for ; err == nil && len(rest) > 0; rest = rest[width:] {
			_, err = tx.Exec(l.insertOne, rest[:width]...)
		}
		return err
	})
	l.values = l.values[:0]
	return err
}

// portion runs one of many transactions. SQLite has one writer, and those who
// wait for it from another process ask again only now and then; so that they
// get their turn, the file is left alone as long as it was taken.
func (l *Load) portion(ctx context.Context, fn func(*database.Tx) error) error {
	began := time.Now()
	err := l.db.Do(ctx, fn)
	if err != nil || l.db.Dialect != database.SQLite {
		return err
	}
	select {
	case <-time.After(time.Since(began)):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// commitTries is how often two loads that are committed at one moment give way.
const commitTries = 5

// Commit makes all rows of the load visible at once, and sweeps away what they
// replace. When it returns an error nothing is visible.
func (l *Load) Commit(ctx context.Context, report extract.Report) error {
	if err := l.flush(ctx); err != nil {
		return err
	}
	var err error
	for range commitTries {
		if err = l.db.Do(ctx, func(tx *database.Tx) error { return l.show(tx, report) }); err == nil || errors.Is(err, ErrGivenUp) {
			break
		}
	}
	if err != nil {
		return err
	}
	// What is left lying is hidden, and the next load sweeps again.
	_ = l.sweep(ctx)
	return nil
}

func (l *Load) show(tx *database.Tx, report extract.Report) error {
	changed, err := tx.Exec(`update registry_loads set sha256 = $1, rows = $2, loaded = $3, refused = $4, warnings = $5, touched = $6, finished = $6,
		sequence = (select coalesce(max(sequence), 0) + 1 from registry_loads where registry = $7)
		where id = $8 and sequence is null`,
		report.SHA256, report.Rows, report.Loaded, report.Refused, report.Warnings, database.Micros(time.Now()), l.table.Registry, l.id)
	if err == nil && changed == 0 {
		err = ErrGivenUp
	}
	return err
}

// Abort gives the load up. Its rows stay hidden.
func (l *Load) Abort(ctx context.Context) {
	// If this fails too, the load is taken for dead later.
	_ = l.db.Do(ctx, func(tx *database.Tx) error {
		_, err := tx.Exec(`update registry_loads set sequence = 0 where id = $1 and sequence is null`, l.id)
		return err
	})
}

// sweep deletes the rows that a newer visible load says again, and those of
// loads that were given up.
func (l *Load) sweep(ctx context.Context) error {
	var others bool
	err := l.db.QueryRow(ctx, `select exists (select 1 from registry_loads where registry = $1 and id <> $2)`, l.table.Registry, l.id).Scan(&others)
	if err != nil || !others {
		return err
	}
	first := l.table.Key[0]
	same := make([]string, 0, len(l.table.Key))
	for _, column := range l.table.Key {
		same = append(same, fmt.Sprintf("newer.%s = older.%[1]s", column))
	}
	next := fmt.Sprintf(`select %s from %s where %[1]s > $1 order by %[1]s limit 1 offset %[3]d`, first, l.table.Name, perSweep)
	remove := fmt.Sprintf(`delete from %s as older where exists (
		select 1 from registry_loads o where o.id = older.load and (o.sequence = 0 or o.sequence > 0 and exists (
			select 1 from %[1]s as newer join registry_loads n on n.id = newer.load
			where %s and n.sequence > o.sequence)))
		and older.%s > $1`, l.table.Name, strings.Join(same, " and "), first)
	removeUpTo := fmt.Sprintf("%s and older.%s <= $2", remove, first)
	for from := ""; ; {
		var to string
		err := l.db.QueryRow(ctx, next, from).Scan(&to)
		last := errors.Is(err, sql.ErrNoRows)
		if err != nil && !last {
			return err
		}
		err = l.portion(ctx, func(tx *database.Tx) (err error) {
			if last {
				_, err = tx.Exec(remove, from)
			} else {
				_, err = tx.Exec(removeUpTo, from, to)
			}
			return err
		})
		if err != nil || last {
			return err
		}
		from = to
	}
}

// AsOf returns when the newest visible load of a registry was finished; the
// zero time if there is none.
func AsOf(ctx context.Context, db *database.DB, registry string) (time.Time, error) {
	var finished sql.NullInt64
	err := db.QueryRow(ctx, `select max(l.finished) from registry_loads l where l.registry = $1 and l.loaded > 0 and `+Visible, registry).Scan(&finished)
	if err != nil || !finished.Valid {
		return time.Time{}, err
	}
	return database.Time(finished.Int64), nil
}

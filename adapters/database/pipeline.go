package database

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/stdlib"
)

// statement is one query and where the rows that it returns go.
type statement struct {
	query string
	args  []any
	dest  []any
	row   func() error // called for each row; nil: there has to be one

	begun, answered bool // some of the rows have come, all of them
}

const (
	writeLines = 2 // one flushes while the other collects; more make smaller groups
	readLines  = 2

	// groupTimeout ends a group that the server does not answer.
	groupTimeout = 10 * time.Second
	// lockTimeout is how long a group waits for a row that somebody else holds
	// before each of its statements waits for itself. It keeps two groups that
	// wait for each other from waiting for PostgreSQL to notice.
	lockTimeout = "100ms"
)

// pipelines send the statements of many goroutines to PostgreSQL together: a
// group costs one round trip, and one flush if it writes, however large it is.
type pipelines struct {
	pool   *sql.DB // for what a group could not do
	lines  *sql.DB // one connection for each worker
	reads  *queue
	writes *queue
}

func newPipelines(config *pgx.ConnConfig, pool *sql.DB) *pipelines {
	p := &pipelines{pool: pool}
	p.lines = stdlib.OpenDB(*config, stdlib.OptionAfterConnect(func(ctx context.Context, c *pgx.Conn) error {
		_, err := c.Exec(ctx, "set lock_timeout = '"+lockTimeout+"'")
		return err
	}))
	p.lines.SetMaxOpenConns(writeLines + readLines)
	p.lines.SetMaxIdleConns(writeLines + readLines)
	p.reads, p.writes = newQueue(p.read), newQueue(p.write)
	p.reads.start(readLines)
	p.writes.start(writeLines)
	return p
}

func (p *pipelines) close() error {
	p.reads.close()
	p.writes.close()
	return p.lines.Close()
}

// write runs the statements of a group in one transaction. Their outcome is
// known when it has ended.
func (p *pipelines) write(first *job) {
	group := slices.Collect(p.writes.take(first))
	err := p.send(group)
	undone := isUndone(err)
	for _, j := range group {
		if undone { // because of one of them, as a rule
			go j.end(func() error {
				return doPostgres(context.Background(), p.pool, func(tx *Tx) error { return tx.QueryRow(j.query, j.args, j.dest...) })
			})
			continue
		}
		j.end(func() error {
			if err != nil {
				return fmt.Errorf("database: %w", err)
			}
			return j.err
		})
	}
}

// read runs the questions of a group. Each answer counts as soon as it is there.
func (p *pipelines) read(first *job) {
	group := slices.Collect(p.reads.take(first))
	err := p.send(group)
	for _, j := range group {
		switch {
		case err != nil && !j.answered && !j.begun:
			go j.end(func() error { return j.ask(context.Background(), p.pool.QueryContext) })
		case err != nil && !j.answered:
			j.end(func() error { return fmt.Errorf("database: %w", err) })
		default:
			j.end(func() error { return j.err })
		}
	}
}

func (j *job) end(outcome func() error) {
	j.err = outcome()
	close(j.done)
}

// send returns what went wrong with the whole group. What is wrong with the
// rows of one statement is that job's.
func (p *pipelines) send(group []*job) error {
	ctx, cancel := context.WithTimeout(context.Background(), groupTimeout)
	defer cancel()
	conn, err := p.lines.Conn(ctx)
	if err != nil {
		return &unsent{err}
	}
	defer conn.Close() // gives it back; a broken one is replaced
	var batch pgx.Batch
	for _, j := range group {
		batch.Queue(j.query, j.args...).Query(j.receive)
	}
	if rawErr := conn.Raw(func(driverConn any) error {
		err = driverConn.(*stdlib.Conn).Conn().SendBatch(ctx, &batch).Close()
		return nil
	}); rawErr != nil {
		return &unsent{rawErr}
	}
	return err
}

// unsent is why a group never left.
type unsent struct{ error }

func (u *unsent) Unwrap() error { return u.error }

// isUndone tells whether nothing of a group that failed with err was written,
// for certain: the server says so, or never got it.
func isUndone(err error) bool {
	var refused *pgconn.PgError
	var never *unsent
	return errors.As(err, &refused) || errors.As(err, &never) || err != nil && pgconn.SafeToRetry(err)
}

// receive reads the rows of one statement of a group.
func (j *job) receive(rows pgx.Rows) error {
	n := 0
	for ; rows.Next(); n++ {
		j.begun = true
		if j.err == nil {
			j.err = rows.Scan(j.dest...)
		}
		if j.err == nil && j.row != nil {
			j.err = j.row()
		}
	}
	if err := rows.Err(); err != nil {
		return err
	}
	if n == 0 && j.row == nil {
		j.err = sql.ErrNoRows
	}
	j.answered = true
	return nil
}

// ask runs the statement by itself.
func (s *statement) ask(ctx context.Context, query func(context.Context, string, ...any) (*sql.Rows, error)) error {
	rows, err := query(ctx, s.query, s.args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	n := 0
	for ; rows.Next(); n++ {
		if err := rows.Scan(s.dest...); err != nil {
			return err
		}
		if s.row != nil {
			if err := s.row(); err != nil {
				return err
			}
		}
	}
	if err := rows.Err(); err != nil {
		return err
	}
	if n == 0 && s.row == nil {
		return sql.ErrNoRows
	}
	return rows.Close()
}

package database

import (
	"context"
	"database/sql"
	"errors"
)

// Tx is a transaction given by DB.Do. It ends with the function that it was
// given to, and belongs to one goroutine.
type Tx struct {
	ctx   context.Context
	sql   *sql.Tx     // PostgreSQL
	stmts *statements // SQLite: of the one connection that writes
	after []func()
}

// AfterCommit has fn called once what the transaction wrote is on disk, before
// Do returns, and not at all if it is undone.
func (tx *Tx) AfterCommit(fn func()) { tx.after = append(tx.after, fn) }

// Exec runs a statement and returns how many rows it changed.
func (tx *Tx) Exec(query string, args ...any) (changed int64, err error) {
	var result sql.Result
	if tx.sql != nil {
		result, err = tx.sql.ExecContext(tx.ctx, query, args...)
	} else {
		var stmt *sql.Stmt
		if stmt, err = tx.stmts.get(tx.ctx, query); err == nil {
			result, err = stmt.ExecContext(tx.ctx, args...)
		}
	}
	if err != nil {
		return 0, err
	}
	return result.RowsAffected()
}

// Query reads what the transaction sees. The rows must be closed before the
// next call.
func (tx *Tx) Query(query string, args ...any) (*sql.Rows, error) {
	if tx.sql != nil {
		return tx.sql.QueryContext(tx.ctx, query, args...)
	}
	stmt, err := tx.stmts.get(tx.ctx, query)
	if err != nil {
		return nil, err
	}
	return stmt.QueryContext(tx.ctx, args...)
}

// QueryRow reads one row into dest, and returns sql.ErrNoRows if there is none.
func (tx *Tx) QueryRow(query string, args []any, dest ...any) error {
	if tx.sql != nil {
		return tx.sql.QueryRowContext(tx.ctx, query, args...).Scan(dest...)
	}
	stmt, err := tx.stmts.get(tx.ctx, query)
	if err != nil {
		return err
	}
	return stmt.QueryRowContext(tx.ctx, args...).Scan(dest...)
}

// Column reads and closes the rows of a Query that asks for one column.
func Column[T any](rows *sql.Rows, err error) (values []T, _ error) {
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var v T
		if err := rows.Scan(&v); err != nil {
			return nil, err
		}
		values = append(values, v)
	}
	return values, errors.Join(rows.Err(), rows.Close())
}

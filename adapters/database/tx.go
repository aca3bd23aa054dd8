package database

import (
	"context"
	"database/sql"
	"errors"
	"strings"
)

// Tx is a transaction given by DB.Do. It ends with the function that it was
// given to, and belongs to one goroutine.
type Tx struct {
	ctx   context.Context
	sql   *sql.Tx     // PostgreSQL
	stmts *statements // SQLite: of the one connection that writes
	after []func()

	wrote  bool // SQLite: a statement may have changed something
	failed bool // SQLite: one did not run
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
		tx.failed = true
		return 0, err
	}
	changed, err = result.RowsAffected()
	tx.wrote = tx.wrote || changed > 0 || !isChange(query)
	return changed, err
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
	tx.wrote = true
	rows, err := stmt.QueryContext(tx.ctx, args...)
	tx.failed = tx.failed || err != nil
	return rows, err
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
	err = stmt.QueryRowContext(tx.ctx, args...).Scan(dest...)
	tx.wrote = tx.wrote || err == nil
	tx.failed = tx.failed || err != nil && !errors.Is(err, sql.ErrNoRows)
	return err
}

// isChange tells whether SQLite counts the rows that a statement changes.
func isChange(query string) bool {
	return strings.HasPrefix(query, "update ") || strings.HasPrefix(query, "insert ") || strings.HasPrefix(query, "delete ")
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

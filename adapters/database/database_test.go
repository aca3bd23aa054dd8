package database_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"tabe/adapters/database"
	"tabe/adapters/testserver"
)

// both runs a test on either database, with an empty table note(n).
func both(t *testing.T, test func(t *testing.T, db *database.DB)) {
	testserver.Databases(t, func(t *testing.T, db *database.DB) {
		if err := db.Do(t.Context(), func(tx *database.Tx) error {
			_, err := tx.Exec("create table note (n bigint primary key)")
			return err
		}); err != nil {
			t.Fatal(err)
		}
		test(t, db)
	})
}

func write(n int) func(*database.Tx) error {
	return func(tx *database.Tx) error {
		_, err := tx.Exec("insert into note (n) values ($1)", n)
		return err
	}
}

func notes(t *testing.T, db *database.DB) int {
	t.Helper()
	var n int
	if err := db.QueryRow(t.Context(), "select count(*) from note").Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

func TestOneFailureDoesNotUndoTheOthers(t *testing.T) {
	both(t, func(t *testing.T, db *database.DB) {
		refused := errors.New("refused")
		var wg sync.WaitGroup
		for i := range 300 {
			wg.Go(func() {
				err := db.Do(context.Background(), func(tx *database.Tx) error {
					if err := write(i)(tx); err != nil {
						return err
					}
					switch i % 3 {
					case 1:
						return refused
					case 2:
						panic("oh")
					}
					return nil
				})
				if (err == nil) != (i%3 == 0) || (i%3 == 1) != errors.Is(err, refused) {
					t.Errorf("%d: %v", i, err)
				}
			})
		}
		wg.Wait()
		if n := notes(t, db); n != 100 {
			t.Errorf("%d of 100 are written", n)
		}
	})
}

func TestAFailedStatementFailsOnlyItsTransaction(t *testing.T) {
	both(t, func(t *testing.T, db *database.DB) {
		if err := db.Do(t.Context(), write(7)); err != nil {
			t.Fatal(err)
		}
		var wg sync.WaitGroup
		var failed atomic.Int32
		for i := range 50 {
			wg.Go(func() {
				if err := db.Do(context.Background(), write(i)); err != nil {
					failed.Add(1)
				}
			})
		}
		wg.Wait()
		if n := notes(t, db); n != 50 || failed.Load() != 1 {
			t.Errorf("%d of 50 are written, %d failed instead of 1", n, failed.Load())
		}
	})
}

func TestAReaderSeesWhatWasCommitted(t *testing.T) {
	both(t, func(t *testing.T, db *database.DB) {
		for i := range 20 {
			if err := db.Do(t.Context(), write(i)); err != nil {
				t.Fatal(err)
			}
			if n := notes(t, db); n != i+1 {
				t.Fatalf("%d instead of %d", n, i+1)
			}
		}
	})
}

func TestACallerThatGaveUp(t *testing.T) {
	both(t, func(t *testing.T, db *database.DB) {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if err := db.Do(ctx, write(1)); err == nil && notes(t, db) == 0 {
			t.Error("Do says that it has written, and has not")
		}
		// The one after it is not disturbed.
		if err := db.Do(t.Context(), write(2)); err != nil {
			t.Error(err)
		}
	})
}

func TestConflictsAreTriedAgain(t *testing.T) {
	db := testserver.OpenDatabase(t, testserver.StartPostgres(t).Database(t))
	ctx := t.Context()
	if err := db.Do(ctx, func(tx *database.Tx) error {
		if _, err := tx.Exec("create table note (n bigint primary key, hits bigint not null)"); err != nil {
			return err
		}
		_, err := tx.Exec("insert into note values (1, 0), (2, 0)")
		return err
	}); err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	const rounds = 20
	for worker := range 2 {
		wg.Go(func() {
			for range rounds {
				if err := db.Do(ctx, func(tx *database.Tx) error { // each takes the rows in another order: deadlocks
					for _, n := range []int{1 + worker, 2 - worker} {
						if _, err := tx.Exec("update note set hits = hits + 1 where n = $1", n); err != nil {
							return err
						}
					}
					return nil
				}); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	var hits int
	if err := db.QueryRow(ctx, "select sum(hits) from note").Scan(&hits); err != nil || hits != 4*rounds {
		t.Errorf("%d hits, %v", hits, err)
	}
}

func TestClosed(t *testing.T) {
	db, err := database.Open(t.Context(), testserver.SQLiteURL(t))
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for range 50 {
		wg.Go(func() {
			err := db.Do(context.Background(), func(tx *database.Tx) error { return nil })
			if err != nil && !errors.Is(err, database.ErrClosed) {
				t.Error(err)
			}
		})
	}
	if err := db.Close(); err != nil {
		t.Error(err)
	}
	wg.Wait()
	if err := db.Do(t.Context(), func(*database.Tx) error { return nil }); !errors.Is(err, database.ErrClosed) {
		t.Errorf("after Close: %v", err)
	}
}

func TestOnlyTheOwnerReadsTheFile(t *testing.T) {
	url := testserver.SQLiteURL(t)
	testserver.OpenDatabase(t, url)
	path := strings.TrimPrefix(url, "sqlite://")
	for _, name := range []string{path, path + "-wal"} {
		info, err := os.Stat(name)
		if err != nil {
			t.Fatal(err)
		}
		if info.Mode().Perm()&0o077 != 0 {
			t.Errorf("%s has mode %v", filepath.Base(name), info.Mode())
		}
	}
}

func TestBadURLs(t *testing.T) {
	for _, url := range []string{
		"", "tabe.db", "sqlite://tabe.db", "sqlite:", "mysql://u:geheim@h/d", "postgres://u:geheim@h:port/d", "postgres://u:geheim@%zz/",
		"sqlite:///proc/nowhere/tabe.db",
	} {
		db, err := database.Open(t.Context(), url)
		if err == nil {
			t.Errorf("%q was opened", url)
			_ = db.Close()
		} else if strings.Contains(err.Error(), "geheim") {
			t.Errorf("the error tells the password: %v", err)
		}
	}
}

// column is a column of a table, in words that both databases share.
type column struct{ table, name, kind, null string }

func TestBothSchemasAreTheSame(t *testing.T) {
	lite := testserver.OpenDatabase(t, testserver.SQLiteURL(t))
	post := testserver.OpenDatabase(t, testserver.StartPostgres(t).Database(t))
	kinds := strings.NewReplacer("integer", "bigint", "blob", "bytea")
	read := func(db *database.DB, query string) []column {
		rows, err := db.Query(t.Context(), query)
		if err != nil {
			t.Fatal(err)
		}
		defer rows.Close()
		var columns []column
		for rows.Next() {
			var c column
			if err := rows.Scan(&c.table, &c.name, &c.kind, &c.null); err != nil {
				t.Fatal(err)
			}
			c.kind = kinds.Replace(strings.ToLower(c.kind))
			columns = append(columns, c)
		}
		if err := rows.Err(); err != nil {
			t.Fatal(err)
		}
		return columns
	}
	a := read(lite, `select m.name, c.name, c.type, case when c."notnull" = 1 or c.pk > 0 then 'no' else 'yes' end
		from sqlite_master m, pragma_table_info(m.name) c
		where m.type = 'table' and m.name not like 'sqlite%' and m.name not like 'goose%' order by m.name, c.name`)
	b := read(post, `select table_name, column_name, data_type, lower(is_nullable) from information_schema.columns
		where table_schema = 'public' and table_name not like 'goose%' order by table_name collate "C", column_name collate "C"`)
	compare(t, a, b)

	a = read(lite, `select m.name, m.tbl_name, '', '' from sqlite_master m where m.type = 'index' and m.sql is not null order by m.name`)
	b = read(post, `select indexname, tablename, '', '' from pg_indexes i where schemaname = 'public' and tablename not like 'goose%'
		and not exists (select 1 from pg_constraint c where c.conname = i.indexname) order by indexname collate "C"`)
	compare(t, a, b)
}

func compare(t *testing.T, a, b []column) {
	t.Helper()
	if len(a) == 0 {
		t.Fatal("nothing to compare")
	}
	for _, c := range a {
		if !slices.Contains(b, c) {
			t.Errorf("only in SQLite: %v", c)
		}
	}
	for _, c := range b {
		if !slices.Contains(a, c) {
			t.Errorf("only in PostgreSQL: %v", c)
		}
	}
}

func TestOpenAgainAndTogether(t *testing.T) {
	urls := map[string]string{"sqlite": testserver.SQLiteURL(t)}
	t.Run("sqlite", func(t *testing.T) { together(t, urls["sqlite"]) })
	t.Run("postgres", func(t *testing.T) { together(t, testserver.StartPostgres(t).Database(t)) })
}

// together opens one new database from several places at once.
func together(t *testing.T, url string) {
	var wg sync.WaitGroup
	for i := range 3 {
		wg.Go(func() {
			db, err := database.Open(t.Context(), url)
			if err != nil {
				t.Error(err)
				return
			}
			if err := db.Do(t.Context(), func(tx *database.Tx) error {
				var seq int64
				return tx.QueryRow("select count(*) from journal", nil, &seq)
			}); err != nil && !errors.Is(err, sql.ErrNoRows) {
				t.Error(fmt.Errorf("%d: %w", i, err))
			}
			if err := db.Close(); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
}

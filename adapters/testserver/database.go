package testserver

import (
	"database/sql"
	"errors"
	"net/url"
	"path/filepath"
	"testing"

	"tabe/adapters/database"
)

// Databases runs a test on a new, empty SQLite file and, where PostgreSQL is
// installed, on a new database of a server of its own.
func Databases(t *testing.T, test func(t *testing.T, db *database.DB)) {
	t.Helper()
	DatabaseURLs(t, func(t *testing.T, newURL func(testing.TB) string) { test(t, OpenDatabase(t, newURL(t))) })
}

// DatabaseURLs is Databases for a test that opens, closes or kills what it
// uses. newURL names another empty database with each call.
func DatabaseURLs(t *testing.T, test func(t *testing.T, newURL func(testing.TB) string)) {
	t.Helper()
	t.Run("sqlite", func(t *testing.T) { test(t, SQLiteURL) })
	t.Run("postgres", func(t *testing.T) { test(t, StartPostgres(t).Database) })
}

// DatabaseBenchmarks is Databases for benchmarks.
func DatabaseBenchmarks(b *testing.B, bench func(b *testing.B, db *database.DB)) {
	b.Run("sqlite", func(b *testing.B) { bench(b, OpenDatabase(b, SQLiteURL(b))) })
	b.Run("postgres", func(b *testing.B) { bench(b, OpenDatabase(b, StartPostgres(b).Database(b))) })
}

// SQLiteURL names a file that does not exist yet, nor does its folder.
func SQLiteURL(t testing.TB) string {
	t.Helper()
	return (&url.URL{Scheme: "sqlite", Path: filepath.Join(t.TempDir(), "new", "tabe.db")}).String()
}

// OpenDatabase opens and migrates a database, and closes it when the test ends.
func OpenDatabase(t testing.TB, url string) *database.DB {
	t.Helper()
	db, err := database.Open(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		// The test may have closed it.
		if err := db.Close(); err != nil && !errors.Is(err, sql.ErrConnDone) {
			t.Error(err)
		}
	})
	return db
}

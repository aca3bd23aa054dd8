// Package loadtest kills loads of extracts in their middle.
package loadtest

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"testing"

	"tabe/adapters/database"
	"tabe/adapters/registry/extract"
	"tabe/adapters/testserver"
)

// With these set the test binary is not a test but `tabe import`.
const (
	childDatabase = "TABE_TEST_IMPORT_DATABASE"
	childFile     = "TABE_TEST_IMPORT_FILE"
)

// Import loads an extract; each registry has one.
type Import func(ctx context.Context, db *database.DB, path string, progress func(done, total int64)) (extract.Report, error)

// Main is the TestMain of a package that uses Start.
func Main(m *testing.M, load Import) {
	if os.Getenv(childDatabase) == "" {
		os.Exit(m.Run())
	}
	ctx := context.Background()
	db, err := database.Open(ctx, os.Getenv(childDatabase))
	if err == nil {
		_, err = load(ctx, db, os.Getenv(childFile), nil)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// Start loads a file in another process.
func Start(t testing.TB, rawURL, path string) *exec.Cmd {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), childDatabase+"="+rawURL, childFile+"="+path)
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	return cmd
}

// Editions are extracts of the same rows that differ in one word.
type Editions struct {
	Import Import
	Write  func(t testing.TB, word string) (path string)
	Rows   int    // of each
	Count  string // query of the rows with the word $1
	// Whole returns the one word that all rows have, and fails if there are two.
	Whole func(t *testing.T, db *database.DB) string
}

// Last is the word of the rows that Kill leaves behind.
const Last = "TERAKHIR"

// Kill kills loads after some of their rows are there. Either all rows are new
// then, or none is; and what was cut off is simply loaded again.
func (e Editions) Kill(t *testing.T, rawURL string) *database.DB {
	db := testserver.OpenDatabase(t, rawURL)
	ctx := t.Context()
	if _, err := e.Import(ctx, db, e.Write(t, "EDISI 0"), nil); err != nil {
		t.Fatal(err)
	}
	killed := 0
	for round := 1; round <= 4; round++ {
		before := e.Whole(t, db)
		next := fmt.Sprint("EDISI ", round)
		child := Start(t, rawURL, e.Write(t, next))
		ended := make(chan struct{})
		go func() {
			_ = child.Wait() // killed, as it should be
			close(ended)
		}()
		for wanted, there := rand.IntN(e.Rows)+1, 0; there < wanted; {
			if err := db.QueryRow(ctx, e.Count, next).Scan(&there); err != nil {
				t.Fatal(err)
			}
			select {
			case <-ended:
				there = wanted
			default:
			}
		}
		_ = child.Process.Kill() // fails if it was quicker
		<-ended
		if !child.ProcessState.Success() {
			killed++
		}
		if after := e.Whole(t, db); after != before && after != next {
			t.Errorf("%s after %s was killed over %s", after, next, before)
		}
	}
	if killed == 0 {
		t.Error("no load was killed in its middle")
	}
	if report, err := e.Import(ctx, db, e.Write(t, Last), nil); err != nil || report.Loaded != e.Rows {
		t.Fatal(report, err)
	}
	if got := e.Whole(t, db); got != Last {
		t.Error(got)
	}
	return db
}

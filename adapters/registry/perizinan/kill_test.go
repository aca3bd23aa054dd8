package perizinan_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"strings"
	"testing"

	"tabe/adapters/database"
	registry "tabe/adapters/registry/perizinan"
	"tabe/adapters/testserver"
	"tabe/flows/perizinan"
)

// With these set the test binary is not a test but `tabe import perizinan`.
const (
	childDatabase = "TABE_TEST_IMPORT_DATABASE"
	childFile     = "TABE_TEST_IMPORT_FILE"
)

func TestMain(m *testing.M) {
	if os.Getenv(childDatabase) == "" {
		os.Exit(m.Run())
	}
	ctx := context.Background()
	db, err := database.Open(ctx, os.Getenv(childDatabase))
	if err == nil {
		_, err = registry.Import(ctx, db, os.Getenv(childFile), nil)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

const permits = 4000

func numbered(i int) perizinan.Number {
	return perizinan.Number(fmt.Sprintf("%04d/REK/DPM-PTSP/XI/2026", 1+i))
}

// edition writes an extract of all permits in one status.
func edition(t testing.TB, status string) string {
	var b strings.Builder
	b.WriteString(header)
	for i := range permits {
		fmt.Fprintf(&b, "%s,Izin Reklame,,2026-11-02,%s,2026-11-03,,,\n", numbered(i), status)
	}
	return write(t, b.String())
}

// wholeEdition returns the one status that all permits are in, and fails if
// there are two.
func wholeEdition(t *testing.T, r *registry.Registry) string {
	t.Helper()
	var seen string
	for i := range permits {
		p, err := r.Permit(t.Context(), numbered(i))
		if err != nil {
			t.Fatal(err)
		}
		if seen == "" {
			seen = p.Status
		}
		if p.Status != seen {
			t.Fatalf("permit %d is in %s, others in %s: half a load", i, p.Status, seen)
		}
	}
	return seen
}

func TestKilledLoadLeavesTheOldData(t *testing.T) {
	t.Run("sqlite", func(t *testing.T) { testKilled(t, sqliteURL(t.TempDir())) })
	t.Run("postgres", func(t *testing.T) { testKilled(t, testserver.StartPostgres(t).Database(t)) })
}

func testKilled(t *testing.T, rawURL string) {
	db := open(t, rawURL)
	ctx := t.Context()
	r := registry.New(db)
	if _, err := registry.Import(ctx, db, edition(t, "EDISI 0"), nil); err != nil {
		t.Fatal(err)
	}
	killed := 0
	for round := 1; round <= 4; round++ {
		before := wholeEdition(t, r)
		next := fmt.Sprint("EDISI ", round)
		child := exec.Command(os.Args[0])
		child.Env = append(os.Environ(), childDatabase+"="+rawURL, childFile+"="+edition(t, next))
		child.Stderr = os.Stderr
		if err := child.Start(); err != nil {
			t.Fatal(err)
		}
		ended := make(chan struct{})
		go func() {
			_ = child.Wait() // killed, as it should be
			close(ended)
		}()
		// Killed after some of its rows are there.
		for wanted, there := rand.IntN(permits)+1, 0; there < wanted; {
			if err := db.QueryRow(ctx, "select count(*) from permits where status = $1", next).Scan(&there); err != nil {
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
		if after := wholeEdition(t, r); after != before && after != next {
			t.Errorf("%s after %s was killed over %s", after, next, before)
		}
	}
	if killed == 0 {
		t.Error("no load was killed in its middle")
	}
	// What was cut off is simply loaded again.
	if report, err := registry.Import(ctx, db, edition(t, "TERAKHIR"), nil); err != nil || report.Loaded != permits {
		t.Fatal(report, err)
	}
	if got := wholeEdition(t, r); got != "TERAKHIR" {
		t.Error(got)
	}
}

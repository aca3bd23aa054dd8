package pbb_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"tabe/adapters/database"
	"tabe/adapters/registry/loadtest"
	registry "tabe/adapters/registry/pbb"
	"tabe/adapters/testserver"
	"tabe/bot/ident"
	"tabe/flows/pbb"
)

func TestMain(m *testing.M) { loadtest.Main(m, registry.Import) }

const objects = 3000

func numbered(i int) ident.NOP {
	return ident.NOP(fmt.Sprintf("7312010001%03d%04d0", 101+i/200, 9001+i%200))
}

// edition writes an extract of all objects, two years each, in one name.
func edition(t testing.TB, name string) string {
	var b strings.Builder
	b.WriteString(header)
	for i := range objects {
		for _, year := range []int{2025, 2026} {
			fmt.Fprintf(&b, "%s,%d,%s,,,,,,,,,50000,,,,\n", numbered(i), year, name)
		}
	}
	return write(t, b.String())
}

// names returns the names on an object, newest year first.
func names(o pbb.Object) []string {
	var all []string
	for _, y := range o.Years {
		all = append(all, y.Name)
	}
	return all
}

// wholeEdition returns the one name that all objects bear, and fails if there
// are two.
func wholeEdition(t *testing.T, db *database.DB) string {
	t.Helper()
	r := registry.New(db)
	var seen string
	for i := range objects {
		o, err := r.Object(t.Context(), numbered(i))
		if err != nil {
			t.Fatal(err)
		}
		if seen == "" {
			seen = o.Years[0].Name
		}
		if got := names(o); !slices.Equal(got, []string{seen, seen}) {
			t.Fatalf("object %d is of %v, others of %s: half a load", i, got, seen)
		}
	}
	return seen
}

func TestKilledLoadLeavesTheOldData(t *testing.T) {
	testserver.DatabaseURLs(t, func(t *testing.T, newURL func(testing.TB) string) { testKilled(t, newURL(t)) })
}

func testKilled(t *testing.T, rawURL string) {
	ctx := t.Context()
	db := loadtest.Editions{
		Import: registry.Import, Write: edition, Rows: 2 * objects, Whole: wholeEdition,
		Count: "select count(*) from pbb_assessments where nama_wp = $1",
	}.Kill(t, rawURL)
	// A day later the next load takes the leftovers away.
	if err := db.Do(ctx, func(tx *database.Tx) error {
		_, err := tx.Exec("update registry_loads set touched = 0")
		return err
	}); err != nil {
		t.Fatal(err)
	}
	if _, err := registry.Import(ctx, db, edition(t, "SESUDAHNYA"), nil); err != nil {
		t.Fatal(err)
	}
	if rows := len(contents(t, db)); rows != 2*objects {
		t.Errorf("%d rows are left, want %d", rows, 2*objects)
	}
}

// A service answers and writes while another process loads an extract.
func TestServiceGoesOnDuringALoad(t *testing.T) {
	testserver.DatabaseURLs(t, func(t *testing.T, newURL func(testing.TB) string) { testDuring(t, newURL(t)) })
}

func testDuring(t *testing.T, rawURL string) {
	db := testserver.OpenDatabase(t, rawURL)
	ctx := t.Context()
	r := registry.New(db)
	if _, err := registry.Import(ctx, db, edition(t, "LAMA"), nil); err != nil {
		t.Fatal(err)
	}
	child := loadtest.Start(t, rawURL, edition(t, "BARU"))
	stop := make(chan struct{})
	var work sync.WaitGroup
	for range 2 {
		work.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				o, err := r.Object(ctx, numbered(rand.IntN(objects)))
				if err != nil {
					t.Error(err)
					return
				}
				if got := names(o); !slices.Equal(got, []string{"LAMA", "LAMA"}) && !slices.Equal(got, []string{"BARU", "BARU"}) {
					t.Error("a reader saw ", got)
					return
				}
			}
		})
	}
	var slowest time.Duration
	writes := 0
	work.Go(func() {
		for {
			select {
			case <-stop:
				return
			default:
			}
			began := time.Now()
			if err := db.Do(ctx, func(tx *database.Tx) error {
				_, err := tx.Exec("update residents set version = version + 1 where id = 'nobody'")
				return err
			}); err != nil {
				t.Error(err)
				return
			}
			writes++
			slowest = max(slowest, time.Since(began))
			time.Sleep(2 * time.Millisecond) // residents do not write all the time
		}
	})
	err := child.Wait()
	close(stop)
	work.Wait()
	if err != nil {
		t.Error(err)
	}
	if got := wholeEdition(t, db); got != "BARU" {
		t.Error(got)
	}
	t.Logf("%d writes during the load, the slowest took %v", writes, slowest)
}

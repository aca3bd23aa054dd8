package perizinan_test

import (
	"fmt"
	"strings"
	"testing"

	"tabe/adapters/database"
	"tabe/adapters/registry/loadtest"
	registry "tabe/adapters/registry/perizinan"
	"tabe/adapters/testserver"
	"tabe/flows/perizinan"
)

func TestMain(m *testing.M) { loadtest.Main(m, registry.Import) }

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
func wholeEdition(t *testing.T, db *database.DB) string {
	t.Helper()
	r := registry.New(db)
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
	editions := loadtest.Editions{
		Import: registry.Import, Write: edition, Rows: permits, Whole: wholeEdition,
		Count: "select count(*) from permits where status = $1",
	}
	testserver.DatabaseURLs(t, func(t *testing.T, newURL func(testing.TB) string) { editions.Kill(t, newURL(t)) })
}

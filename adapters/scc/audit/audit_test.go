package audit_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"time"

	"tabe/adapters/database"
	"tabe/adapters/scc/audit"
	"tabe/adapters/testserver"
)

var now = time.Date(2026, 11, 25, 21, 4, 33, 120_000, time.UTC)

func add(t *testing.T, db *database.DB, actor, kind, incident, body string) (seq int64) {
	t.Helper()
	if err := db.Do(t.Context(), func(tx *database.Tx) (err error) {
		seq, err = audit.Append(tx, now, actor, kind, incident, body)
		return err
	}); err != nil {
		t.Fatal(err)
	}
	return seq
}

func exec(t *testing.T, db *database.DB, query string, args ...any) error {
	t.Helper()
	return db.Do(t.Context(), func(tx *database.Tx) error {
		_, err := tx.Exec(query, args...)
		return err
	})
}

func TestEventsComeBackAsTheyWereWritten(t *testing.T) {
	testserver.Databases(t, func(t *testing.T, db *database.DB) {
		want := []audit.Event{
			{1, now, "resident", "incident.opened", "A7K3", ""},
			{2, now, "engine", "incident.escalated", "A7K3", `{"step":1}`},
			{3, now, "andi", "shift.started", "", "Tabe' — \x1f\n"},
		}
		for _, e := range want {
			if seq := add(t, db, e.Actor, e.Kind, e.Incident, e.Body); seq != e.Seq {
				t.Errorf("event %d is written at %d", e.Seq, seq)
			}
		}
		log := audit.New(db)
		same := func(got []audit.Event, err error, want ...audit.Event) {
			t.Helper()
			if err != nil || fmt.Sprint(got) != fmt.Sprint(want) {
				t.Errorf("got %v, %v", got, err)
			}
		}
		got, err := log.Since(t.Context(), 0, 10)
		same(got, err, want...)
		got, err = log.Since(t.Context(), 1, 1)
		same(got, err, want[1])
		got, err = log.Latest(t.Context(), 2)
		same(got, err, want[2], want[1])
		got, err = log.Of(t.Context(), "A7K3", 10)
		same(got, err, want[0], want[1])
		got, err = log.Of(t.Context(), "", 10)
		same(got, err)
	})
}

func TestWhatIsNoEvent(t *testing.T) {
	testserver.Databases(t, func(t *testing.T, db *database.DB) {
		for _, e := range []audit.Event{
			{},
			{Actor: "andi"},
			{Kind: "x"},
			{Actor: "an\x1fdi", Kind: "x"},
			{Actor: "andi", Kind: "x\n"},
			{Actor: "andi", Kind: "x", Incident: "\xff"},
			{Actor: strings.Repeat("a", audit.MaxName+1), Kind: "x"},
			{Actor: "andi", Kind: "x", Body: "\x00"},
			{Actor: "andi", Kind: "x", Body: "\xff"},
			{Actor: "andi", Kind: "x", Body: strings.Repeat("b", audit.MaxBody+1)},
		} {
			if err := db.Do(t.Context(), func(tx *database.Tx) error {
				_, err := audit.Append(tx, now, e.Actor, e.Kind, e.Incident, e.Body)
				return err
			}); !errors.Is(err, audit.ErrEvent) {
				t.Errorf("%+v: %v", e, err)
			}
		}
		if head, err := audit.New(db).Head(t.Context()); head != 0 || err != nil {
			t.Errorf("%d, %v", head, err)
		}
	})
}

func TestEventsAreOnlyAdded(t *testing.T) {
	testserver.Databases(t, func(t *testing.T, db *database.DB) {
		add(t, db, "andi", "incident.acked", "A7K3", "")
		statements := []string{
			`update audit set actor = 'budi'`, `delete from audit`,
			`update audit set seq = 7`,
		}
		if db.Dialect == database.SQLite {
			statements = append(statements, `insert or replace into audit select seq, at, 'budi', kind, incident, body, prev, hash from audit`)
		} else {
			statements = append(statements, `truncate audit`)
		}
		for _, s := range statements {
			if err := exec(t, db, s); err == nil || !strings.Contains(err.Error(), "append-only") {
				t.Errorf("%s: %v", s, err)
			}
		}
		if _, err := audit.New(db).Verify(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

// TestCursor is the trap of emergency.md section 0, point 5: writers that
// commit in another order than the one in which they took their numbers.
func TestCursor(t *testing.T) {
	testserver.Databases(t, func(t *testing.T, db *database.DB) {
		const writers, each = 16, 25
		log := audit.New(db)
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		var wg sync.WaitGroup
		for w := range writers {
			wg.Go(func() {
				for n := range each {
					if err := db.Do(ctx, func(tx *database.Tx) error {
						if _, err := tx.Exec(`insert into unanswered (text, language, guess, times, first_seen) values ($1, 'id', '', 1, 0)`, fmt.Sprint(w, " ", n)); err != nil {
							return err
						}
						_, err := audit.Append(tx, now, "writer", "test", "", fmt.Sprint(w, " ", n))
						time.Sleep(rand.N(3 * time.Millisecond)) // between taking the number and the commit
						return err
					}); err != nil {
						t.Error(err)
						return
					}
					log.Wake()
				}
			})
		}
		// The reader only ever asks for what is after the last event it saw.
		var last int64
		seen := map[string]bool{}
		for len(seen) < writers*each {
			if err := log.Wait(ctx, last); err != nil {
				t.Fatalf("%d of %d events were seen: %v", len(seen), writers*each, err)
			}
			events, err := log.Since(ctx, last, 7)
			if err != nil {
				t.Fatal(err)
			}
			for _, e := range events {
				if e.Seq != last+1 || seen[e.Body] {
					t.Fatalf("after %d comes %d (%s)", last, e.Seq, e.Body)
				}
				last, seen[e.Body] = e.Seq, true
			}
		}
		wg.Wait()
		if end, err := log.Verify(ctx); err != nil || end.Seq != writers*each {
			t.Errorf("%v, %v", end, err)
		}
	})
}

func TestWhatIsUndoneLeavesNoGap(t *testing.T) {
	testserver.Databases(t, func(t *testing.T, db *database.DB) {
		add(t, db, "andi", "a", "", "")
		refused := errors.New("refused")
		if err := db.Do(t.Context(), func(tx *database.Tx) error {
			_, err := audit.Append(tx, now, "andi", "b", "", "")
			return errors.Join(err, refused)
		}); !errors.Is(err, refused) {
			t.Fatal(err)
		}
		if seq := add(t, db, "andi", "c", "", ""); seq != 2 {
			t.Errorf("written at %d", seq)
		}
		if _, err := audit.New(db).Verify(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

func TestWaitEndsWithItsContext(t *testing.T) {
	testserver.Databases(t, func(t *testing.T, db *database.DB) {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if err := audit.New(db).Wait(ctx, 0); !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
	})
}

// TestRow13AuditEditedByTheAdministrator is row 13 of the table of failures.
func TestRow13AuditEditedByTheAdministrator(t *testing.T) {
	const events = 1500 // more than one portion
	type tampering struct {
		name   string
		change string
		at     int64 // where it is found
	}
	cases := []tampering{
		{"a word of the body", `update audit set body = 'Lalabata' where seq = 1207`, 1207},
		{"the time, by a microsecond", `update audit set at = at + 1 where seq = 5`, 5},
		{"who it was", `update audit set actor = 'budi' where seq = 1000`, 1000},
		{"a letter moved from one field to the next", `update audit set kind = 'tes', incident = 't' where seq = 3`, 3},
		{"one removed", `delete from audit where seq = 700`, 700},
		{"a thousand removed", `delete from audit where seq > 100 and seq <= 1100`, 101},
		{"the last one removed", `delete from audit where seq = 1500`, 1500},
		{"two exchanged", `update audit set seq = case seq when 20 then -21 else -20 end where seq in (20, 21)`, 20},
		{"the hash itself", `update audit set hash = prev where seq = 9`, 9},
		{"the end cut off, head and all", `delete from audit where seq > 1400`, 1401},
	}
	testserver.DatabaseURLs(t, func(t *testing.T, newURL func(testing.TB) string) {
		for _, c := range cases {
			t.Run(c.name, func(t *testing.T) {
				db := testserver.OpenDatabase(t, newURL(t))
				log := audit.New(db)
				if err := db.Do(t.Context(), func(tx *database.Tx) error {
					for n := range events {
						if _, err := audit.Append(tx, now, "engine", "test", "", fmt.Sprint("Lalabatu ", n)); err != nil {
							return err
						}
					}
					return nil
				}); err != nil {
					t.Fatal(err)
				}
				anchor, err := log.Verify(t.Context())
				if err != nil || anchor.Seq != events {
					t.Fatal(anchor, err)
				}
				again, err := audit.ParseAnchor(anchor.String())
				if err != nil || again.String() != anchor.String() {
					t.Fatal(again, err)
				}
				disable := []string{`drop trigger audit_no_update`, `drop trigger audit_no_delete`, `drop trigger audit_no_replace`}
				if db.Dialect == database.Postgres {
					disable = []string{`alter table audit disable trigger all`}
				}
				for _, s := range append(disable, c.change) {
					if err := exec(t, db, s); err != nil {
						t.Fatal(err)
					}
				}
				if c.name == "two exchanged" { // both databases check keys row by row
					if err := exec(t, db, `update audit set seq = -seq where seq < 0`); err != nil {
						t.Fatal(err)
					}
				}
				var anchors []audit.Anchor
				if strings.Contains(c.name, "head and all") {
					// A chain that is whole in itself: only who kept its end notices.
					if err := exec(t, db, `update audit_head set seq = 1400, hash = (select hash from audit where seq = 1400)`); err != nil {
						t.Fatal(err)
					}
					if _, err := log.Verify(t.Context()); err != nil {
						t.Fatal(err)
					}
					anchors = append(anchors, anchor)
				}
				_, err = log.Verify(t.Context(), anchors...)
				var broken *audit.Broken
				if !errors.As(err, &broken) || broken.Seq != c.at {
					t.Errorf("%v instead of broken at %d", err, c.at)
				}
			})
		}
	})
}

func TestAChainThatWasWrittenAnew(t *testing.T) {
	testserver.Databases(t, func(t *testing.T, db *database.DB) {
		log := audit.New(db)
		add(t, db, "andi", "a", "", "")
		add(t, db, "andi", "b", "", "")
		anchor, err := log.Verify(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		drop := []string{`drop trigger audit_no_delete`}
		if db.Dialect == database.Postgres {
			drop = []string{`alter table audit disable trigger all`}
		}
		for _, s := range append(drop, `delete from audit`, `update audit_head set seq = 0, hash = (select prev from (select hash as prev from audit_head) as h)`) {
			if err := exec(t, db, s); err != nil {
				t.Fatal(err)
			}
		}
		var zero [32]byte
		if err := exec(t, db, `update audit_head set hash = $1`, zero[:]); err != nil {
			t.Fatal(err)
		}
		add(t, db, "andi", "a", "", "")
		add(t, db, "budi", "b", "", "")
		if _, err := log.Verify(t.Context()); err != nil {
			t.Error(err)
		}
		var broken *audit.Broken
		if _, err := log.Verify(t.Context(), anchor); !errors.As(err, &broken) || broken.Seq != 2 {
			t.Errorf("the anchor does not notice: %v", err)
		}
	})
}

func TestBadAnchors(t *testing.T) {
	for _, s := range []string{"", "1", ":", "1:zz", "-1:" + strings.Repeat("0", 64), "1:" + strings.Repeat("0", 62)} {
		if a, err := audit.ParseAnchor(s); err == nil {
			t.Errorf("%q is read as %v", s, a)
		}
	}
}

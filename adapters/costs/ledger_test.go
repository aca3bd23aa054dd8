package costs_test

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"tabe/adapters/costs"
	"tabe/adapters/database"
	"tabe/adapters/testserver"
	"tabe/bot"
	"tabe/bot/bottest"
)

var noon = time.Date(2026, 11, 25, 12, 0, 0, 0, bot.WITA)

func sent(channel bot.ChannelID, segments int, cost bot.Rupiah) bot.Attempted {
	return bot.Attempted{Channel: channel, Result: bot.Went, Segments: segments, Cost: cost}
}

func urgent(a bot.Attempted) bot.Attempted {
	a.Urgent = true
	return a
}

// node is one process on a database.
func node(t *testing.T, db *database.DB, clock *bottest.Clock, log *slog.Logger) *costs.Ledger {
	t.Helper()
	if log == nil {
		log = slog.New(slog.NewTextHandler(t.Output(), nil))
	}
	return costs.New(db, costs.Limits{Daily: 10_000, WarnPercent: 80}, clock.Now, log)
}

func flush(t *testing.T, l *costs.Ledger) {
	t.Helper()
	if err := l.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
}

func spent(t *testing.T, db *database.DB, l *costs.Ledger) (gone bool) {
	t.Helper()
	if err := db.Do(t.Context(), func(tx *database.Tx) (err error) {
		gone, err = l.Spent(tx)
		return err
	}); err != nil {
		t.Fatal(err)
	}
	return gone
}

func state(t *testing.T, l *costs.Ledger) costs.Budget {
	t.Helper()
	b, err := l.State(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// Two nodes that send at the same time, and write at the same time, add to the
// same day.
func TestTwoNodesAddToOneDay(t *testing.T) {
	testserver.Databases(t, func(t *testing.T, db *database.DB) {
		clock := bottest.NewClock(noon)
		nodes := []*costs.Ledger{node(t, db, clock, nil), node(t, db, clock, nil)}
		const rounds, each = 20, 5
		var all sync.WaitGroup
		for _, l := range nodes {
			all.Go(func() {
				for range rounds {
					for range each {
						l.Add(sent("sms", 2, 10))
						l.Add(urgent(sent("sms", 1, 5)))
						l.Add(sent("whatsapp", 1, 1))
					}
					if err := l.Flush(t.Context()); err != nil {
						t.Error(err)
					}
				}
			})
			all.Go(func() { // somebody else of the same node writes as well
				for range rounds {
					if err := l.Flush(t.Context()); err != nil {
						t.Error(err)
					}
				}
			})
		}
		all.Wait()
		nodes[0].Add(bot.Attempted{Channel: "sms", Result: bot.Deferred, Segments: 9, Cost: 900})
		nodes[0].Add(bot.Attempted{Channel: "sms", Result: bot.Buried, Segments: 9, Cost: 900})
		const n = 2 * rounds * each
		want := []costs.Sum{
			{Day: "2026-11-25", Channel: "sms", Kind: costs.Emergency, Messages: n, Segments: n, Rupiah: 5 * n},
			{Day: "2026-11-25", Channel: "sms", Kind: costs.Ordinary, Messages: n, Segments: 2 * n, Rupiah: 10 * n},
			{Day: "2026-11-25", Channel: "whatsapp", Kind: costs.Ordinary, Messages: n, Segments: n, Rupiah: n},
		}
		for _, l := range nodes {
			flush(t, l)
			got, err := l.Today(t.Context())
			if err != nil || fmt.Sprint(got) != fmt.Sprint(want) {
				t.Errorf("%v %v, want %v", got, err, want)
			}
			if b := state(t, l); b.Spent != 16*n {
				t.Errorf("%+v", b)
			}
		}
	})
}

// What was not written yet counts, and is written at the stop.
func TestWhatIsNotWrittenYet(t *testing.T) {
	testserver.Databases(t, func(t *testing.T, db *database.DB) {
		clock := bottest.NewClock(noon)
		l, other := node(t, db, clock, nil), node(t, db, clock, nil)
		l.Add(sent("sms", 1, 500))
		flush(t, l)
		l.Add(sent("sms", 2, 1000))
		l.Add(sent("voice", 1, 2500))
		got, err := l.Today(t.Context())
		if err != nil || len(got) != 2 || got[0].Rupiah != 1500 || got[0].Messages != 2 || got[0].Segments != 3 || got[1].Channel != "voice" {
			t.Errorf("%v %v", got, err)
		}
		if a, b := state(t, l).Spent, state(t, other).Spent; a != 4000 || b != 500 {
			t.Errorf("%s here, %s there", a, b)
		}
		ctx, stop := context.WithCancel(t.Context())
		stopped := make(chan struct{})
		go func() { l.Run(ctx); close(stopped) }()
		stop()
		<-stopped
		if b := state(t, other).Spent; b != 4000 {
			t.Errorf("%s after the stop", b)
		}
	})
}

// A database that is away loses nothing, and nothing is counted twice when it
// is back.
func TestTheDatabaseIsAway(t *testing.T) {
	testserver.Databases(t, func(t *testing.T, db *database.DB) {
		clock := bottest.NewClock(noon)
		l := node(t, db, clock, nil)
		l.Add(sent("sms", 1, 500))
		gone, cancel := context.WithCancel(t.Context())
		cancel()
		if err := l.Flush(gone); err == nil {
			t.Error("written without a database")
		}
		l.Add(sent("sms", 1, 500))
		flush(t, l)
		flush(t, l)
		if b := state(t, node(t, db, clock, nil)); b.Spent != 1000 {
			t.Errorf("%+v", b)
		}
	})
}

// The day ends at midnight in Soppeng, and so does its budget.
func TestMidnight(t *testing.T) {
	testserver.Databases(t, func(t *testing.T, db *database.DB) {
		clock := bottest.NewClock(time.Date(2026, 11, 30, 15, 59, 59, 0, time.UTC)) // 23.59.59 WITA
		l := node(t, db, clock, nil)
		l.Add(sent("sms", 20, 10_000))
		if b := state(t, l); b.Level() != costs.Gone || b.Day != "2026-11-30" || !spent(t, db, l) {
			t.Errorf("before midnight: %+v", b)
		}
		clock.Advance(time.Second)
		if b := state(t, l); b.Level() != costs.Enough || b.Spent != 0 || b.Day != "2026-12-01" || spent(t, db, l) {
			t.Errorf("after midnight: %+v", b)
		}
		l.Add(sent("sms", 1, 500))
		flush(t, l) // both days
		for month, want := range map[time.Month]bot.Rupiah{time.October: 0, time.November: 10_000, time.December: 500} {
			sums, err := l.Month(t.Context(), time.Date(2026, month, 1, 0, 0, 0, 0, bot.WITA))
			var total bot.Rupiah
			for _, s := range sums {
				total += s.Rupiah
			}
			if err != nil || total != want {
				t.Errorf("%s: %s, %v", month, total, err)
			}
		}
		// An hour of November in UTC that is December here.
		if sums, err := l.Month(t.Context(), time.Date(2026, 11, 30, 17, 0, 0, 0, time.UTC)); err != nil || len(sums) != 1 || sums[0].Rupiah != 500 {
			t.Errorf("%v %v", sums, err)
		}
	})
}

// Each alarm is given once a day, by one of the nodes, also after a start.
func TestAlarmsAreGivenOnce(t *testing.T) {
	testserver.Databases(t, func(t *testing.T, db *database.DB) {
		clock := bottest.NewClock(noon)
		var lines bytes.Buffer
		log := slog.New(slog.NewTextHandler(&lines, nil))
		nodes := []*costs.Ledger{node(t, db, clock, log), node(t, db, clock, log)}
		alarms := func() (low, gone int) {
			return strings.Count(lines.String(), "level=WARN"), strings.Count(lines.String(), "level=ERROR")
		}
		for _, step := range []struct {
			cost      bot.Rupiah
			level     costs.Level
			low, gone int
		}{
			{7_999, costs.Enough, 0, 0},
			{1, costs.Low, 1, 0},
			{1_999, costs.Low, 1, 0},
			{1, costs.Gone, 1, 1},
			{5_000, costs.Gone, 1, 1},
		} {
			nodes[0].Add(urgent(sent("sms", 1, step.cost))) // emergencies are paid for, too
			for range 2 {
				for _, l := range nodes {
					flush(t, l)
				}
			}
			flush(t, node(t, db, clock, log))
			if low, gone := alarms(); low != step.low || gone != step.gone {
				t.Fatalf("after %s: %d and %d alarms", state(t, nodes[0]).Spent, low, gone)
			}
			for _, l := range nodes {
				if got := state(t, l).Level(); got != step.level {
					t.Errorf("%s, want %s", got, step.level)
				}
				if spent(t, db, l) != (step.level == costs.Gone) {
					t.Errorf("at %s: %v", step.level, spent(t, db, l))
				}
			}
		}
		// The next day has alarms of its own, here both at once.
		clock.Advance(24 * time.Hour)
		flush(t, nodes[1])
		nodes[1].Add(sent("sms", 1, 50_000))
		flush(t, nodes[1])
		flush(t, nodes[0])
		if low, gone := alarms(); low != 2 || gone != 2 {
			t.Errorf("%d and %d alarms on the next day", low, gone)
		}
		// A budget that is raised and passed again has another one.
		raised := costs.New(db, costs.Limits{Daily: 50_000, WarnPercent: 80}, clock.Now, log)
		flush(t, raised)
		if low, gone := alarms(); low != 3 || gone != 3 {
			t.Errorf("%d and %d alarms of the new budget", low, gone)
		}
	})
}

func TestWithoutABudget(t *testing.T) {
	testserver.Databases(t, func(t *testing.T, db *database.DB) {
		clock := bottest.NewClock(noon)
		var lines bytes.Buffer
		l := costs.New(db, costs.Limits{WarnPercent: 80}, clock.Now, slog.New(slog.NewTextHandler(&lines, nil)))
		l.Add(sent("sms", 1, 1_000_000))
		flush(t, l)
		if b := state(t, l); b.Level() != costs.Enough || b.Spent != 1_000_000 || spent(t, db, l) || lines.Len() > 0 {
			t.Errorf("%+v %s", b, lines.String())
		}
	})
}

func TestWriteCSV(t *testing.T) {
	var out strings.Builder
	if err := costs.WriteCSV(&out, []costs.Sum{{Day: "2026-11-25", Channel: "sms", Kind: costs.Emergency, Messages: 3, Segments: 4, Rupiah: 2000}}); err != nil {
		t.Fatal(err)
	}
	if want := "tanggal,saluran,jenis,pesan,segmen,rupiah\n2026-11-25,sms,darurat,3,4,2000\n"; out.String() != want {
		t.Errorf("%q", out.String())
	}
}

package privacy_test

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"tabe/adapters/database"
	"tabe/adapters/notices"
	"tabe/adapters/privacy"
	"tabe/adapters/seal"
	"tabe/adapters/store"
	"tabe/adapters/testserver"
	"tabe/bot"
	"tabe/bot/bottest"
)

var noon = time.Date(2026, 11, 25, 12, 0, 0, 0, bot.WITA)

type words struct{}

func (words) Source(language, key string) string { return language + " " + key }

type house struct {
	t     *testing.T
	db    *database.DB
	clock *bottest.Clock
	store *store.Store
	subs  *notices.Subscriptions
	n     int
}

func newHouse(t *testing.T, db *database.DB) *house {
	t.Helper()
	h := &house{t: t, db: db, clock: bottest.NewClock(noon)}
	secret := make([]byte, seal.KeyLength)
	var err error
	if h.subs, err = notices.New(db, secret, words{}, h.clock.Now); err != nil {
		t.Fatal(err)
	}
	if h.store, err = store.New(db, secret, h.clock.Now, slices.Concat(h.subs.Effects(), privacy.Effects())...); err != nil {
		t.Fatal(err)
	}
	return h
}

func (h *house) id(number string) bot.ResidentID { return h.store.ID("tel:" + number) }

func (h *house) says(number string, effects ...bot.Effect) {
	h.t.Helper()
	h.n++
	e, _, err := h.store.Accept(h.t.Context(), bot.Message{ID: fmt.Sprint(number, h.n), Channel: "sms", Peer: number, Subject: "tel:" + number, At: h.clock.Now()})
	if err != nil {
		h.t.Fatal(err)
	}
	state, err := h.store.Load(h.t.Context(), e.Resident)
	if err != nil {
		h.t.Fatal(err)
	}
	if _, err := h.store.Commit(h.t.Context(), bot.Done{Entry: e, Before: state.Version, State: []byte("1{}"), Inline: true, Effects: effects}); err != nil {
		h.t.Fatal(err)
	}
}

func (h *house) saw(at time.Time, number, who, what string) error {
	return h.db.Do(h.t.Context(), func(tx *database.Tx) error { return privacy.Saw(tx, at, h.id(number), who, what) })
}

func TestWhoSawIt(t *testing.T) {
	testserver.Databases(t, func(t *testing.T, db *database.DB) {
		h := newHouse(t, db)
		records := privacy.Records{DB: db, Words: words{}, Told: h.subs, Retention: privacy.DefaultRetention(),
			Complaints: func(context.Context, bot.ResidentID) (int, error) { return 2, nil }}
		const farmer, shop = "+6281100000401", "+6281100000402"
		for i, who := range []string{"operator", "operator", "supervisor", "operator"} {
			if err := h.saw(noon.Add(time.Duration(i)*4*time.Minute), farmer, who, "conversation"); err != nil {
				t.Fatal(err)
			}
		}
		if err := h.saw(noon, shop, "operator", "complaint"); err != nil {
			t.Fatal(err)
		}
		for _, bad := range [][2]string{{"", "complaint"}, {"operator", ""}, {strings.Repeat("x", 41), "complaint"}} {
			if err := h.saw(noon, farmer, bad[0], bad[1]); err == nil {
				t.Errorf("%q is recorded", bad)
			}
		}
		h.says(farmer, bot.Subscribe{Purpose: "permit", Key: "0412", Consent: "perizinan.ask_tell"}, bot.Subscribe{Purpose: "rice", Key: "Citta"})
		h.says(farmer, bot.Unsubscribe{Purpose: "rice"})
		kept, err := records.Of(t.Context(), h.id(farmer), 10)
		if err != nil {
			t.Fatal(err)
		}
		// The operator looked at 12.00 and 12.04, which is one look, and at 12.12.
		if len(kept.Accesses) != 3 || kept.Accesses[0].Role != "operator" || kept.Accesses[1].Role != "supervisor" || !kept.Accesses[2].At.Equal(noon) {
			t.Errorf("%+v", kept.Accesses)
		}
		if kept.Days != 90 || kept.Complaints != 2 || len(kept.Told) != 1 || kept.Told[0].Words["bug"] != "bug perizinan.ask_tell" {
			t.Errorf("%+v", kept)
		}
		h.says(farmer, bot.Erase{})
		if kept, err = records.Of(t.Context(), h.id(farmer), 10); err != nil || len(kept.Accesses)+len(kept.Told) != 0 {
			t.Errorf("%+v %v", kept, err)
		}
		if kept, _ = records.Of(t.Context(), h.id(shop), 10); len(kept.Accesses) != 1 {
			t.Error("somebody else's were erased")
		}
	})
}

// Everything has its time, and who is still told something is not forgotten.
func TestRetention(t *testing.T) {
	testserver.Databases(t, func(t *testing.T, db *database.DB) {
		h := newHouse(t, db)
		keeper := &privacy.Keeper{DB: db, Retention: privacy.DefaultRetention(), Clock: h.clock.Now, Log: slog.New(slog.NewTextHandler(t.Output(), nil)),
			Prunes: map[privacy.Kind]privacy.Prune{privacy.Messages: h.store.Prune, privacy.Subscriptions: h.subs.Prune}}
		count := func(table string) (n int) {
			if err := db.QueryRow(t.Context(), "select count(*) from "+table).Scan(&n); err != nil {
				t.Fatal(err)
			}
			return n
		}
		const gone, told, writes = "+6281100000401", "+6281100000402", "+6281100000403"
		h.says(gone)
		h.says(told, bot.Subscribe{Purpose: "permit", Key: "0412"})
		if err := h.saw(noon, gone, "operator", "conversation"); err != nil {
			t.Fatal(err)
		}
		last := 0
		for day := 0; day <= 800; day += 20 {
			h.says(writes)
			if err := keeper.Once(t.Context()); err != nil {
				t.Fatal(err)
			}
			switch journal := count("journal"); {
			case day == 80 && journal != 3+4, day > 120 && journal > 6:
				t.Errorf("day %d: %d messages", day, journal)
			}
			if r := count("residents"); r != last {
				t.Logf("day %d: %d residents", day, r)
				last = r
			}
			if day == 380 {
				h.says(told, bot.Subscribe{Purpose: "permit", Key: "0412"}) // still wants it
			}
			h.clock.Advance(20 * 24 * time.Hour)
		}
		left := func(number string) bool {
			state, err := h.store.Load(t.Context(), h.id(number))
			if err != nil {
				t.Fatal(err)
			}
			return state.Version > 0
		}
		if left(gone) || !left(writes) || !left(told) {
			t.Errorf("left: %v %v %v", left(gone), left(writes), left(told))
		}
		if n := count("access_log"); n != 0 {
			t.Errorf("%d looks are left", n)
		}
		h.clock.Advance(800 * 24 * time.Hour)
		h.says(writes)
		for range 2 { // the subscription goes first, and then the resident
			if err := keeper.Once(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		if left(told) || !left(writes) || count("subscriptions") != 0 {
			t.Errorf("left: %v %v, %d subscriptions", left(told), left(writes), count("subscriptions"))
		}
	})
}

// One part that fails does not keep the others' data.
func TestRetentionGoesOn(t *testing.T) {
	h := newHouse(t, testserver.OpenDatabase(t, testserver.SQLiteURL(t)))
	var before time.Time
	keeper := &privacy.Keeper{DB: h.db, Retention: privacy.DefaultRetention(), Clock: h.clock.Now, Log: slog.New(slog.DiscardHandler),
		Prunes: map[privacy.Kind]privacy.Prune{
			privacy.Messages: func(context.Context, time.Time) (int64, error) { return 0, fmt.Errorf("broken") },
			privacy.Survey:   func(_ context.Context, at time.Time) (int64, error) { before = at; return 1, nil },
		}}
	if err := keeper.Once(t.Context()); err == nil || !strings.Contains(err.Error(), "messages") {
		t.Error(err)
	}
	if want := noon.AddDate(0, 0, -60); !before.Equal(want) {
		t.Errorf("pruned before %v", before)
	}
}

func TestParseRetention(t *testing.T) {
	good := "messages = 7\nresidents = 30\nsubscriptions = 30\nstopped = 1\ncomplaints = 30\nincidents = 30\naccesses = 30\nsurvey = 31\n"
	if r, err := privacy.ParseRetention(strings.NewReader(good)); err != nil || r[privacy.Messages] != 7 {
		t.Error(r, err)
	}
	for _, bad := range []string{"", strings.Replace(good, "= 7", "= 6", 1), strings.Replace(good, "survey = 31\n", "", 1), good + "x = 3\n", strings.Replace(good, "= 7", "= 100000", 1), "messages = \"a\""} {
		if _, err := privacy.ParseRetention(strings.NewReader(bad)); err == nil {
			t.Errorf("%q is taken", bad)
		}
	}
}

package notices_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"tabe/adapters/database"
	"tabe/adapters/notices"
	"tabe/adapters/seal"
	"tabe/adapters/store"
	"tabe/adapters/testserver"
	"tabe/bot"
	"tabe/bot/bottest"
	"tabe/flows/kabar"
)

var noon = time.Date(2026, 11, 25, 12, 0, 0, 0, bot.WITA)

type words struct{}

func (words) Source(language, key string) string { return language + ": " + key }

// registry is a source whose news a test decides.
type registry struct {
	mu   sync.Mutex
	news map[string]notices.News
	err  error
	n    int // how often it was asked
}

func (r *registry) asked() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.n
}

func (r *registry) set(key, mark string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.news == nil {
		r.news = map[string]notices.News{}
	}
	r.news[key] = notices.News{Mark: mark, Kind: "ready", Body: map[string]string{"n": key + " " + mark}}
}

func (r *registry) News(_ context.Context, keys []string, _ time.Time) (map[string]notices.News, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.n++
	found := map[string]notices.News{}
	for _, k := range keys {
		if n, ok := r.news[k]; ok {
			found[k] = n
		}
	}
	return found, r.err
}

// house is one machine on a database.
type house struct {
	t     *testing.T
	db    *database.DB
	clock *bottest.Clock
	subs  *notices.Subscriptions
	store *store.Store
	post  *notices.Post
	reg   *registry
	rec   *notices.Reconciler
	casts *notices.Broadcasts
	job   *notices.Job
	n     int
}

func newHouse(t *testing.T, db *database.DB, clock *bottest.Clock, reg *registry) *house {
	t.Helper()
	secret := make([]byte, seal.KeyLength)
	log := slog.New(slog.NewTextHandler(t.Output(), nil))
	subs, err := notices.New(db, secret, words{}, clock.Now)
	if err != nil {
		t.Fatal(err)
	}
	s, err := store.New(db, secret, clock.Now, subs.Effects()...)
	if err != nil {
		t.Fatal(err)
	}
	h := &house{t: t, db: db, clock: clock, subs: subs, store: s, reg: reg}
	h.post = &notices.Post{Journal: s, Rules: notices.DefaultRules(), Clock: clock.Now}
	h.rec = &notices.Reconciler{Subscriptions: subs, Post: h.post, Log: log,
		Purposes: []notices.Purpose{{Name: "permit", Flow: "perizinan", Source: reg, Every: 10 * time.Minute}}}
	h.casts = &notices.Broadcasts{Subscriptions: subs, Post: h.post,
		Measure: func(_, office, text string) (int, error) { return 1 + (len(office)+len(text))/160, nil },
		Price: func(c bot.ChannelID, segments int) bot.Rupiah {
			return map[bot.ChannelID]bot.Rupiah{"sms": 500, "whatsapp": 500}[c] * bot.Rupiah(segments)
		}}
	h.job = &notices.Job{Rounds: []notices.Round{h.rec, h.casts}, Nights: []notices.Round{h.casts}, Store: s, Clock: clock.Now, Log: log}
	return h
}

// turn commits a turn of a resident with effects, as the engine does.
func (h *house) turn(channel bot.ChannelID, number string, effects ...bot.Effect) {
	h.t.Helper()
	h.n++
	e, _, err := h.store.Accept(h.t.Context(), bot.Message{ID: fmt.Sprintf("m%s-%d", number, h.n), Channel: channel, Peer: number, Subject: "tel:" + number, At: h.clock.Now(), Text: "x"})
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

func (h *house) resident(number string) bot.ResidentID { return h.store.ID("tel:" + number) }

// waiting returns what was posted to a resident and could be told now.
func (h *house) waiting(number string) (told []bot.Entry) {
	h.t.Helper()
	entries, err := h.store.Pending(h.t.Context(), h.resident(number), 1000)
	if err != nil {
		h.t.Fatal(err)
	}
	return entries
}

// tell ends what waits for a resident and returns its bodies.
func (h *house) tell(number string) (bodies []string) {
	h.t.Helper()
	for _, e := range h.waiting(number) {
		state, err := h.store.Load(h.t.Context(), e.Resident)
		if err != nil {
			h.t.Fatal(err)
		}
		if _, err := h.store.Commit(h.t.Context(), bot.Done{Entry: e, Before: state.Version, State: []byte("1{}"), Inline: true}); err != nil {
			h.t.Fatal(err)
		}
		bodies = append(bodies, string(e.Channel)+" "+e.Peer+" "+e.Notice.Flow+" "+e.Notice.Kind+" "+string(e.Notice.Body))
	}
	return bodies
}

const farmer, shop = "+6281100000401", "+6281100000402"

func permit(key string) bot.Subscribe {
	return bot.Subscribe{Purpose: "permit", Key: key, Mark: "received", Consent: "perizinan.ask_tell"}
}

func TestNewsAreToldOnce(t *testing.T) {
	testserver.Databases(t, func(t *testing.T, db *database.DB) {
		clock := bottest.NewClock(noon)
		h := newHouse(t, db, clock, &registry{})
		h.reg.set("0412", "received")
		h.turn("sms", farmer, permit("0412"))
		h.job.Once(t.Context())
		if w := h.waiting(farmer); len(w) != 0 {
			t.Fatalf("told what he knew: %v", w)
		}
		h.reg.set("0412", "ready")
		h.job.Once(t.Context())
		if w := h.waiting(farmer); len(w) != 0 {
			t.Fatal("looked again too soon")
		}
		for range 3 {
			clock.Advance(10 * time.Minute)
			h.job.Once(t.Context())
		}
		want := []string{`sms ` + farmer + ` perizinan ready {"n":"0412 ready"}`}
		if got := h.tell(farmer); !slices.Equal(got, want) {
			t.Fatalf("told %q", got)
		}
		// Back to what it was before is news again.
		h.reg.set("0412", "received")
		clock.Advance(10 * time.Minute)
		h.job.Once(t.Context())
		if got := h.tell(farmer); len(got) != 1 {
			t.Fatalf("told %q", got)
		}
	})
}

func TestNobodyIsToldAtNight(t *testing.T) {
	testserver.Databases(t, func(t *testing.T, db *database.DB) {
		clock := bottest.NewClock(time.Date(2026, 11, 25, 19, 30, 0, 0, bot.WITA))
		h := newHouse(t, db, clock, &registry{})
		h.turn("sms", farmer, permit("0412"))
		clock.Advance(31 * time.Minute)
		h.reg.set("0412", "ready")
		for clock.Now().Before(time.Date(2026, 11, 26, 7, 59, 0, 0, bot.WITA)) {
			h.job.Once(t.Context())
			if w := h.waiting(farmer); len(w) != 0 {
				t.Fatalf("told at %v", clock.Now())
			}
			clock.Advance(7 * time.Minute)
		}
		clock.Advance(10 * time.Minute)
		h.job.Once(t.Context())
		if got := h.tell(farmer); len(got) != 1 {
			t.Fatalf("not told in the morning: %q", got)
		}

		// What the day left behind, because the machine stood still, waits too.
		clock.Advance(10 * time.Hour)
		h.reg.set("0412", "collected")
		h.job.Once(t.Context())
		clock.Advance(3 * time.Hour)
		h.job.Once(t.Context())
		if w := h.waiting(farmer); len(w) != 0 {
			t.Fatalf("told at %v", clock.Now())
		}
		clock.Advance(12 * time.Hour)
		if got := h.tell(farmer); len(got) != 1 {
			t.Fatalf("lost over night: %q", got)
		}
	})
}

func TestStopHoldsBackWhatIsOnItsWay(t *testing.T) {
	testserver.Databases(t, func(t *testing.T, db *database.DB) {
		clock := bottest.NewClock(noon)
		h := newHouse(t, db, clock, &registry{})
		h.turn("sms", farmer, permit("0412"), permit("0413"), bot.Subscribe{Purpose: kabar.News, Key: "Citta", Consent: "kabar.ask_news"})
		h.reg.set("0412", "ready")
		h.reg.set("0413", "ready")
		h.job.Once(t.Context())
		h.turn("sms", farmer, bot.Unsubscribe{Purpose: "permit", Key: "0412"})
		if got := h.tell(farmer); len(got) != 1 || !strings.Contains(got[0], "0413 ready") {
			t.Fatalf("told after STOP of the other: %q", got)
		}
		stopped := func() (n int) {
			list, err := h.subs.Of(t.Context(), h.resident(farmer))
			if err != nil {
				t.Fatal(err)
			}
			for _, s := range list {
				if !s.Stopped.IsZero() {
					n++
				}
			}
			return n
		}
		if n := stopped(); n != 1 {
			t.Fatalf("%d are stopped", n)
		}
		clock.Advance(time.Minute)
		h.turn("sms", farmer, bot.Unsubscribe{})
		if n := stopped(); n != 3 {
			t.Fatalf("%d are stopped", n)
		}
		if silenced, err := h.subs.Silenced(t.Context(), h.resident(farmer)); !silenced || err != nil {
			t.Fatalf("%v %v", silenced, err)
		}
		h.reg.set("0413", "collected")
		clock.Advance(time.Hour)
		h.job.Once(t.Context())
		if got := h.tell(farmer); len(got) > 0 {
			t.Fatalf("told after STOP: %q", got)
		}
		h.turn("sms", farmer, kabar.Resume{})
		if n := stopped(); n != 1 {
			t.Fatalf("%d are stopped after MULAI", n)
		}
		h.job.Once(t.Context())
		if got := h.tell(farmer); len(got) != 1 || !strings.Contains(got[0], "0413 collected") {
			t.Fatalf("told after MULAI: %q", got)
		}
	})
}

func TestConsentIsKeptAsItWasAsked(t *testing.T) {
	testserver.Databases(t, func(t *testing.T, db *database.DB) {
		clock := bottest.NewClock(noon)
		h := newHouse(t, db, clock, &registry{})
		h.turn("sms", farmer, permit("0412"))
		list, err := h.subs.Of(t.Context(), h.resident(farmer))
		if err != nil || len(list) != 1 {
			t.Fatal(list, err)
		}
		s := list[0]
		if s.Key != "0412" || s.Consent != "perizinan.ask_tell" || s.Words["bug"] != "bug: perizinan.ask_tell" || !s.Since.Equal(noon) {
			t.Errorf("%+v", s)
		}
		var body []byte
		if err := db.QueryRow(t.Context(), `select body from subscriptions`).Scan(&body); err != nil {
			t.Fatal(err)
		}
		for _, clear := range []string{"0412", farmer, "perizinan"} {
			if strings.Contains(string(body), clear) {
				t.Errorf("%q is in clear", clear)
			}
		}
		h.turn("sms", farmer, bot.Erase{})
		var rows int
		if err := db.QueryRow(t.Context(), `select count(*) from subscriptions`).Scan(&rows); rows != 0 || err != nil {
			t.Errorf("%d rows are left, %v", rows, err)
		}
	})
}

func TestWhatIsOldIsForgotten(t *testing.T) {
	testserver.Databases(t, func(t *testing.T, db *database.DB) {
		clock := bottest.NewClock(noon)
		h := newHouse(t, db, clock, &registry{})
		h.turn("sms", farmer, permit("0412"))
		h.turn("sms", shop, permit("0413"))
		clock.Advance(300 * 24 * time.Hour)
		h.turn("sms", shop, bot.Unsubscribe{})
		clock.Advance(100 * 24 * time.Hour)
		removed, err := h.subs.Prune(t.Context(), clock.Now().AddDate(0, 0, -350))
		if removed != 1 || err != nil {
			t.Fatalf("%d removed, %v", removed, err)
		}
		if removed, err = h.subs.PruneStopped(t.Context(), clock.Now().AddDate(0, 0, -101)); removed != 0 || err != nil {
			t.Fatalf("%d removed, %v", removed, err)
		}
		if list, _ := h.subs.Of(t.Context(), h.resident(shop)); len(list) != 1 {
			t.Error("forgot what was stopped lately")
		}
		if removed, err = h.subs.PruneStopped(t.Context(), clock.Now().AddDate(0, 0, -99)); removed != 1 || err != nil {
			t.Fatalf("%d removed, %v", removed, err)
		}
	})
}

// A dialogue is over when there is news, and WhatsApp takes only what was
// approved: both go by SMS. Who has no telephone number cannot be told, which
// is counted.
func TestOtherWays(t *testing.T) {
	testserver.Databases(t, func(t *testing.T, db *database.DB) {
		clock := bottest.NewClock(noon)
		h := newHouse(t, db, clock, &registry{})
		h.turn("ussd", farmer, permit("0412"))
		h.turn("whatsapp", shop, permit("0413"))
		h.reg.set("0412", "ready")
		h.reg.set("0413", "ready")
		h.job.Once(t.Context())
		if got := h.tell(farmer); len(got) != 1 || !strings.HasPrefix(got[0], "sms "+farmer) {
			t.Errorf("USSD: %q", got)
		}
		if got := h.tell(shop); len(got) != 1 || !strings.HasPrefix(got[0], "sms "+shop) {
			t.Errorf("WhatsApp: %q", got)
		}
		h.post.Approved = func(bot.ChannelID, bot.Notice) bool { return true }
		h.reg.set("0413", "collected")
		clock.Advance(time.Hour)
		h.job.Once(t.Context())
		if got := h.tell(shop); len(got) != 1 || !strings.HasPrefix(got[0], "whatsapp "+shop) {
			t.Errorf("WhatsApp with a template: %q", got)
		}
		h.post.Approved = nil
		err := db.Do(t.Context(), func(tx *database.Tx) error {
			return h.post.Send(tx, notices.Recipient{Channel: "whatsapp", Peer: "x", Subject: "whatsapp:x"}, "1", bot.Notice{Flow: "kabar", Kind: "news"})
		})
		if !errors.Is(err, notices.ErrUnreachable) {
			t.Errorf("nobody to be told: %v", err)
		}
		h.post.Carries = func(c bot.ChannelID) bool { return c != "sms" }
		h.reg.set("0412", "collected")
		clock.Advance(time.Hour)
		h.job.Once(t.Context())
		if got := h.tell(farmer); len(got) != 0 {
			t.Errorf("told by a channel that is off: %q", got)
		}
		want := []notices.Count{{"permit", "ussd", "posted", 1}, {"permit", "ussd", "unreachable", 1}, {"permit", "whatsapp", "posted", 2}}
		if counts, err := notices.Counts(t.Context(), db, noon); err != nil || !slices.Equal(counts, want) {
			t.Errorf("counted %v, %v", counts, err)
		}
	})
}

// An office whose data is away does not hold back the others.
func TestOneBrokenSource(t *testing.T) {
	testserver.Databases(t, func(t *testing.T, db *database.DB) {
		clock := bottest.NewClock(noon)
		h := newHouse(t, db, clock, &registry{})
		broken := &registry{err: errors.New("down")}
		h.rec.Purposes = append([]notices.Purpose{{Name: "rice", Flow: "macca", Source: broken, Every: time.Hour}}, h.rec.Purposes...)
		h.turn("sms", farmer, permit("0412"), bot.Subscribe{Purpose: "rice", Key: "Citta"})
		h.reg.set("0412", "ready")
		if err := h.rec.Round(t.Context()); err == nil || !strings.Contains(err.Error(), "rice") {
			t.Errorf("%v", err)
		}
		if got := h.tell(farmer); len(got) != 1 {
			t.Errorf("told %q", got)
		}
	})
}

// Whatever the number, each channel gets its pace and no more than a minute ahead.
func TestPace(t *testing.T) {
	testserver.Databases(t, func(t *testing.T, db *database.DB) {
		clock := bottest.NewClock(noon)
		h := newHouse(t, db, clock, &registry{})
		const people = 250
		for i := range people {
			key := fmt.Sprint(i)
			h.turn("sms", fmt.Sprintf("+62811%08d", i), permit(key))
			h.reg.set(key, "ready")
		}
		posted := func() (n int) {
			if err := db.QueryRow(t.Context(), `select count(*) from journal where message_id like 'notice/%'`).Scan(&n); err != nil {
				t.Fatal(err)
			}
			return n
		}
		h.job.Once(t.Context())
		if n := posted(); n < 55 || n > 62 {
			t.Fatalf("%d are posted in the first minute", n)
		}
		start := clock.Now()
		for posted() < people {
			clock.Advance(10 * time.Second)
			h.job.Once(t.Context())
			if clock.Now().Sub(start) > 10*time.Minute {
				t.Fatalf("only %d are posted", posted())
			}
		}
		if took := clock.Now().Sub(start); took < 3*time.Minute {
			t.Errorf("all were posted in %v", took)
		}
		var together int
		if err := db.QueryRow(t.Context(), `select max(n) from (select count(*) as n from journal where message_id like 'notice/%' group by accepted) as slots`).Scan(&together); err != nil || together != 1 {
			t.Errorf("%d leave at the same moment, %v", together, err)
		}
	})
}

func TestBroadcast(t *testing.T) {
	testserver.Databases(t, func(t *testing.T, db *database.DB) {
		clock := bottest.NewClock(noon)
		h := newHouse(t, db, clock, &registry{})
		ctx := t.Context()
		number := func(i int) string { return fmt.Sprintf("+62811%08d", i) }
		for i := range 130 {
			key := "Citta"
			switch {
			case i >= 120:
				key = "" // everywhere
			case i >= 100:
				key = "Ganra"
			}
			h.turn("sms", number(i), bot.Subscribe{Purpose: kabar.News, Key: key, Consent: "kabar.ask_news"})
		}
		h.turn("telegram", number(5), bot.Subscribe{Purpose: kabar.News, Key: "Ganra", Consent: "kabar.ask_news"}) // two kecamatan
		h.turn("sms", number(7), bot.Unsubscribe{})

		for _, m := range []notices.Broadcast{
			{}, {Office: "BPBD", Text: strings.Repeat("x", 400)}, {Office: strings.Repeat("x", 50), Text: "x"},
		} {
			if _, err := h.casts.Plan(ctx, m); !errors.Is(err, notices.ErrText) {
				t.Errorf("%+v: %v", m, err)
			}
		}
		if _, err := h.casts.Plan(ctx, notices.Broadcast{Office: "BPBD", Text: "x", Kecamatan: "Bone"}); !errors.Is(err, notices.ErrKecamatan) {
			t.Error(err)
		}
		m, err := h.casts.Plan(ctx, notices.Broadcast{Office: "BPBD", Text: "Pohon tumbang di jalan poros.", Kecamatan: "citta"})
		if err != nil {
			t.Fatal(err)
		}
		const audience = 109 // 100 of Citta and 10 of everywhere without the one who stopped
		if m.Plan.People != audience || m.Plan.Cost != audience*500 || m.Plan.Segments != audience {
			t.Errorf("plan: %+v", m.Plan)
		}
		h.job.Once(ctx)
		if n := h.count(`select count(*) from journal where message_id like 'notice/%'`); n != 0 {
			t.Fatalf("%d were sent by a dry run", n)
		}
		if _, err := h.casts.Confirm(ctx, "WRONG"); !errors.Is(err, notices.ErrNoBroadcast) {
			t.Error(err)
		}
		h.turn("sms", number(500), bot.Subscribe{Purpose: kabar.News, Key: "Citta"})
		if _, err := h.casts.Confirm(ctx, m.Code); !errors.Is(err, notices.ErrChanged) {
			t.Error(err)
		}
		h.turn("sms", number(500), bot.Unsubscribe{})
		if _, err := h.casts.Confirm(ctx, strings.ToLower(m.Code)); err != nil {
			t.Fatal(err)
		}
		if _, err := h.casts.Confirm(ctx, m.Code); !errors.Is(err, notices.ErrNoBroadcast) {
			t.Error("confirmed twice: ", err)
		}
		other := newHouse(t, db, clock, h.reg) // a second machine
		for range 60 {
			var both sync.WaitGroup
			both.Go(func() { h.job.Once(ctx) })
			both.Go(func() { other.job.Once(ctx) })
			both.Wait()
			clock.Advance(5 * time.Second)
		}
		list, err := h.casts.List(ctx, 10)
		if err != nil || len(list) != 1 || list[0].Sent != audience || list[0].Finished.IsZero() {
			t.Fatalf("%+v %v", list, err)
		}
		for i := range 130 {
			want := 1
			if i == 7 || i >= 100 && i < 120 {
				want = 0
			}
			got := h.tell(number(i))
			if len(got) != want {
				t.Errorf("resident %d: %q", i, got)
			}
			if want == 1 {
				var body kabar.Message
				if err := json.Unmarshal([]byte(got[0][strings.IndexByte(got[0], '{'):]), &body); err != nil || body.Office != "BPBD" {
					t.Errorf("%q", got[0])
				}
			}
		}

		// And one to everywhere, that is stopped on its way.
		m, err = h.casts.Plan(ctx, notices.Broadcast{Office: "BPBD", Text: "Awas banjir."})
		if err != nil || m.Plan.People != 129 {
			t.Fatalf("%+v %v", m.Plan, err)
		}
		if _, err := h.casts.Confirm(ctx, m.Code); err != nil {
			t.Fatal(err)
		}
		h.job.Once(ctx)
		if err := h.casts.Stop(ctx, m.ID); err != nil {
			t.Fatal(err)
		}
		for range 20 {
			clock.Advance(time.Minute)
			h.job.Once(ctx)
		}
		list, err = h.casts.List(ctx, 1)
		if err != nil || list[0].Sent == 0 || list[0].Sent > 65 || !list[0].Finished.IsZero() || list[0].Stopped.IsZero() {
			t.Errorf("%+v %v", list, err)
		}
	})
}

func (h *house) count(query string) (n int) {
	h.t.Helper()
	if err := h.db.QueryRow(h.t.Context(), query).Scan(&n); err != nil {
		h.t.Fatal(err)
	}
	return n
}

func TestParseRules(t *testing.T) {
	for _, bad := range []string{"x = 1", "[channel.sms]\nper_second = 0", "[channel.sms]\nper_second = nan", "[channel.sms]\nper_second = 1\nrupiah_per_segment = 500", "["} {
		if _, err := notices.ParseRules(strings.NewReader(bad)); err == nil {
			t.Errorf("%q is taken", bad)
		}
	}
	if _, err := notices.ParseBroadcast(strings.NewReader("kantor = \"BPBD\"\nid = \"x\"\nteks = \"y\"")); err == nil {
		t.Error("an unknown field is taken")
	}
	m, err := notices.ParseBroadcast(strings.NewReader("kantor = \"BPBD\"\nid = \"baris\nsatu\"\n"))
	if err == nil {
		t.Errorf("%+v", m)
	}
	m, err = notices.ParseBroadcast(strings.NewReader("kantor = \"BPBD\"\nid = \"\"\"\nbaris\nsatu\"\"\"\n"))
	if err != nil || m.Text != "baris satu" {
		t.Errorf("%+v %v", m, err)
	}
}

// Without money news and announcements wait until the next day, and no office
// is asked for them. A warning goes out.
func TestWithoutMoneyOnlyWarningsGoOut(t *testing.T) {
	testserver.Databases(t, func(t *testing.T, db *database.DB) {
		ctx := t.Context()
		clock := bottest.NewClock(noon)
		h := newHouse(t, db, clock, &registry{})
		gone, broken := true, error(nil)
		h.post.Spent = func(*database.Tx) (bool, error) { return gone, broken }
		h.turn("sms", farmer, permit("0412"))
		h.turn("sms", shop, bot.Subscribe{Purpose: kabar.News, Key: "Citta"})
		h.reg.set("0412", "ready")
		clock.Advance(10 * time.Minute)
		for _, m := range []notices.Broadcast{{Office: "BPBD", Text: "Rapat."}, {Office: "BPBD", Text: "Awas banjir.", Warning: true}} {
			planned, err := h.casts.Plan(ctx, m)
			if err == nil {
				_, err = h.casts.Confirm(ctx, planned.Code)
			}
			if err != nil {
				t.Fatal(err)
			}
		}
		for range 3 {
			h.job.Once(ctx)
			clock.Advance(10 * time.Second)
		}
		if got := h.tell(farmer); len(got) != 0 {
			t.Errorf("told without money: %q", got)
		}
		if got := h.tell(shop); len(got) != 1 || !strings.Contains(got[0], "banjir") {
			t.Errorf("told %q", got)
		}
		if h.reg.asked() != 0 {
			t.Error("an office was asked for what cannot be told")
		}
		gone = false // the next day
		clock.Advance(24 * time.Hour)
		h.job.Once(ctx)
		if got := h.tell(farmer); len(got) != 1 || !strings.Contains(got[0], "ready") {
			t.Errorf("told %q", got)
		}
		if got := h.tell(shop); len(got) != 1 || !strings.Contains(got[0], "Rapat") {
			t.Errorf("told %q", got)
		}
		// Who does not know whether there is money spends none.
		broken = errors.New("down")
		h.reg.set("0412", "collected")
		clock.Advance(10 * time.Minute)
		h.job.Once(ctx)
		if got := h.tell(farmer); len(got) != 0 {
			t.Errorf("told %q", got)
		}
	})
}

// A flood does not wait for the morning; everything else does.
func TestAWarningGoesOutByNight(t *testing.T) {
	testserver.Databases(t, func(t *testing.T, db *database.DB) {
		ctx := t.Context()
		clock := bottest.NewClock(noon.Add(14 * time.Hour))
		h := newHouse(t, db, clock, &registry{})
		const residents = 30
		number := func(i int) string { return fmt.Sprintf("+62811000005%02d", i) }
		for i := range residents {
			h.turn("sms", number(i), bot.Subscribe{Purpose: kabar.News, Key: "Citta"})
		}
		for _, m := range []notices.Broadcast{{Office: "BPBD", Text: "Rapat."}, {Office: "BPBD", Text: "Awas banjir.", Warning: true}} {
			planned, err := h.casts.Plan(ctx, m)
			if err == nil {
				_, err = h.casts.Confirm(ctx, planned.Code)
			}
			if err != nil {
				t.Fatal(err)
			}
		}
		began := clock.Now()
		told := 0
		for told < residents && clock.Now().Sub(began) < time.Minute {
			h.job.Once(ctx)
			clock.Advance(time.Second)
			for i := range residents {
				for _, words := range h.tell(number(i)) {
					if !strings.Contains(words, "banjir") {
						t.Errorf("told by night: %s", words)
					}
					told++
				}
			}
		}
		if took := clock.Now().Sub(began); told != residents || took > 10*time.Second {
			t.Errorf("%d of %d were warned in %v", told, residents, took)
		}
	})
}

package survey_test

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"math"
	"strings"
	"sync"
	"testing"
	"time"

	"tabe/adapters/database"
	"tabe/adapters/notices"
	"tabe/adapters/seal"
	"tabe/adapters/store"
	"tabe/adapters/survey"
	"tabe/adapters/testserver"
	"tabe/bot"
	"tabe/bot/bottest"
	"tabe/flows/survei"
)

var noon = time.Date(2026, 11, 25, 12, 0, 0, 0, bot.WITA)

// places tells where residents stand, by subject.
type places map[string]bot.Position

func (p places) Position(_ context.Context, subject string, _ bot.ChannelID) (bot.Position, error) {
	return p[subject], nil
}

type house struct {
	t       *testing.T
	db      *database.DB
	clock   *bottest.Clock
	store   *store.Store
	inviter *survey.Inviter
	n       int
}

func newHouse(t *testing.T, db *database.DB, clock *bottest.Clock, where places) *house {
	t.Helper()
	secret := make([]byte, seal.KeyLength)
	subs, err := notices.New(db, secret, nil, clock.Now)
	if err != nil {
		t.Fatal(err)
	}
	s, err := store.New(db, secret, clock.Now, append(survey.Effects(clock.Now), subs.Effects()...)...)
	if err != nil {
		t.Fatal(err)
	}
	rules, err := notices.ParseRules(strings.NewReader("[channel.sms]\nper_second = 100"))
	if err != nil {
		t.Fatal(err)
	}
	return &house{t: t, db: db, clock: clock, store: s, inviter: &survey.Inviter{
		DB: db, Messages: s, Positions: where, Rules: survey.DefaultRules(), Log: slog.New(slog.NewTextHandler(t.Output(), nil)),
		Post: &notices.Post{Journal: s, Rules: rules, Clock: clock.Now},
	}}
}

func (h *house) says(channel bot.ChannelID, number string, effects ...bot.Effect) {
	h.t.Helper()
	h.n++
	e, _, err := h.store.Accept(h.t.Context(), bot.Message{ID: fmt.Sprint(number, "-", h.n), Channel: channel, Peer: number, Subject: "tel:" + number, At: h.clock.Now(), Text: "pbb"})
	if err != nil {
		h.t.Fatal(err)
	}
	h.commit(e, effects...)
}

func (h *house) commit(e bot.Entry, effects ...bot.Effect) {
	h.t.Helper()
	state, err := h.store.Load(h.t.Context(), e.Resident)
	if err != nil {
		h.t.Fatal(err)
	}
	if _, err := h.store.Commit(h.t.Context(), bot.Done{Entry: e, Before: state.Version, State: []byte("1{}"), Inline: true, Effects: effects}); err != nil {
		h.t.Fatal(err)
	}
}

func (h *house) round() {
	h.t.Helper()
	if err := h.inviter.Round(h.t.Context()); err != nil {
		h.t.Fatal(err)
	}
}

// asked ends what was posted to a resident, and returns the questions.
func (h *house) asked(number string) (questions []survei.Question) {
	h.t.Helper()
	entries, err := h.store.Pending(h.t.Context(), h.store.ID("tel:"+number), 10)
	if err != nil {
		h.t.Fatal(err)
	}
	for _, e := range entries {
		var q survei.Question
		if err := json.Unmarshal(e.Notice.Body, &q); err != nil || e.Notice.Flow != survei.Name || e.Notice.Kind != survei.Ask || e.Channel != "sms" {
			h.t.Errorf("%+v %v", e, err)
		}
		questions = append(questions, q)
		h.commit(e)
	}
	return questions
}

func phone(i int) string { return fmt.Sprintf("+62811%08d", i) }

func TestWhoIsAsked(t *testing.T) {
	testserver.Databases(t, func(t *testing.T, db *database.DB) {
		clock := bottest.NewClock(noon)
		where := places{}
		h := newHouse(t, db, clock, where)
		h.says("sms", phone(0)) // before the survey began
		where["tel:"+phone(0)] = bot.Position{Flow: "pbb", State: "bill"}
		h.round()
		for i, p := range []bot.Position{
			1: {Flow: "pbb", State: "bill"},
			2: {Flow: "pbb", State: "ask_nop"}, // in the middle
			3: {Flow: "darurat", State: "reported"},
			4: {Flow: "pbb", State: "payment"}, // goes on talking
			5: {Flow: "pbb", State: "details"}, // sent STOP
			6: {Flow: "pbb", State: "bill"},    // dialled
			7: {},
		} {
			where["tel:"+phone(i)] = p
		}
		for i := 1; i <= 7; i++ {
			channel := bot.ChannelID("sms")
			if i == 6 {
				channel = "ussd"
			}
			h.says(channel, phone(i))
		}
		h.says("sms", phone(5), bot.Unsubscribe{})
		clock.Advance(6 * time.Minute)
		h.says("sms", phone(4))
		h.round()
		clock.Advance(6 * time.Minute)
		h.round()
		for i := range 8 {
			want := 0
			if i == 1 || i == 6 {
				want = 1
			}
			q := h.asked(phone(i))
			if len(q) != want {
				t.Errorf("%d: %+v", i, q)
			}
			if want == 1 && (q[0].Service != "pbb" || len(q[0].Elements) != survei.PerResident || q[0].Elements[0] == q[0].Elements[1]) {
				t.Errorf("%d: %+v", i, q)
			}
		}
		// Once a month, and later again.
		clock.Advance(29 * 24 * time.Hour)
		h.says("sms", phone(1))
		clock.Advance(11 * time.Minute)
		h.round()
		if q := h.asked(phone(1)); len(q) != 0 {
			t.Errorf("asked twice in a month: %+v", q)
		}
		clock.Advance(24 * time.Hour)
		h.says("sms", phone(1))
		clock.Advance(11 * time.Minute)
		h.round()
		if q := h.asked(phone(1)); len(q) != 1 {
			t.Errorf("after a month: %+v", q)
		}
		// Who was helped in the evening is asked in the morning.
		clock.Advance(31*24*time.Hour + 9*time.Hour)
		h.says("sms", phone(1))
		clock.Advance(11 * time.Minute)
		h.round()
		if q := h.asked(phone(1)); len(q) != 0 {
			t.Errorf("asked at %v", clock.Now())
		}
		clock.Advance(11 * time.Hour)
		h.round()
		if q := h.asked(phone(1)); len(q) != 1 {
			t.Errorf("not asked in the morning: %+v", q)
		}
		h.says("sms", phone(1), bot.Erase{})
		var left int
		if err := db.QueryRow(t.Context(), `select count(*) from survey_asked where resident = $1`, h.store.ID("tel:"+phone(1))).Scan(&left); left != 0 || err != nil {
			t.Errorf("%d rows are left of one who wants to be forgotten, %v", left, err)
		}
	})
}

// Two machines ask each resident once, and all nine elements alike.
func TestElementsAreSpread(t *testing.T) {
	testserver.Databases(t, func(t *testing.T, db *database.DB) {
		clock := bottest.NewClock(noon)
		where := places{}
		h := newHouse(t, db, clock, where)
		h.round()
		const people = 90
		for i := range people {
			where["tel:"+phone(i)] = bot.Position{Flow: "pbb", State: "bill"}
			h.says("sms", phone(i))
		}
		other := newHouse(t, db, clock, where)
		clock.Advance(11 * time.Minute)
		for range 3 {
			var both sync.WaitGroup
			both.Go(h.round)
			both.Go(other.round)
			both.Wait()
			clock.Advance(time.Minute)
		}
		times := map[survei.Element]int{}
		for i := range people {
			q := h.asked(phone(i))
			if len(q) != 1 {
				t.Fatalf("%d was asked %d times", i, len(q))
			}
			for _, e := range q[0].Elements {
				times[e]++
			}
		}
		for _, e := range survei.Elements {
			if times[e] != people*survei.PerResident/len(survei.Elements) {
				t.Errorf("%s was asked %d times", e, times[e])
			}
		}
	})
}

func TestResults(t *testing.T) {
	testserver.Databases(t, func(t *testing.T, db *database.DB) {
		clock := bottest.NewClock(noon)
		h := newHouse(t, db, clock, places{})
		for i, e := range survei.Elements {
			h.says("sms", phone(i), survei.Answer{Service: "pbb", Element: e, Score: 3}, survei.Answer{Service: "pbb", Element: e, Score: 4})
		}
		h.says("sms", phone(1), survei.Answer{Service: "macca", Element: survei.Time, Score: 1})
		clock.Advance(60 * 24 * time.Hour)
		h.says("sms", phone(1), survei.Answer{Service: "macca", Element: survei.Time, Score: 4})
		for _, bad := range []survei.Answer{{Service: "pbb", Element: survei.Time, Score: 0}, {Service: "pbb", Element: "u10", Score: 2}, {Service: "pbb", Element: survei.Time, Score: 5}} {
			e, _, err := h.store.Accept(t.Context(), bot.Message{ID: fmt.Sprint(bad), Channel: "sms", Peer: "x", Subject: "tel:x"})
			if err != nil {
				t.Fatal(err)
			}
			if _, err := h.store.Commit(t.Context(), bot.Done{Entry: e, State: []byte("1{}"), Inline: true, Effects: []bot.Effect{bad}}); err == nil {
				t.Errorf("%+v counts", bad)
			}
		}
		results, err := survey.Results(t.Context(), db, noon, noon)
		if err != nil || len(results) != 2 {
			t.Fatalf("%+v %v", results, err)
		}
		macca, pbb := results[0], results[1]
		if macca.Answers() != 1 || macca.Index() != 25 || macca.Quality() != "D" || macca.Complete() {
			t.Errorf("macca: %+v", macca)
		}
		if pbb.Answers() != 18 || pbb.Mean() != 3.5 || pbb.Index() != 87.5 || pbb.Quality() != "B" || !pbb.Complete() {
			t.Errorf("pbb: %+v, index %v", pbb, pbb.Index())
		}
		var out strings.Builder
		if err := survey.WriteCSV(&out, results); err != nil {
			t.Fatal(err)
		}
		for _, line := range []string{"macca,u3,0,1,0,0,0,1,1.00,,\n", "macca,semua,0,1,0,0,0,1,1.00,25.00,D (belum lengkap)\n", "pbb,semua,0,0,0,9,9,18,3.50,87.50,B\n"} {
			if !strings.Contains(out.String(), line) {
				t.Errorf("no line %q in\n%s", line, out.String())
			}
		}
	})
}

// The borders of the regulation.
func TestQuality(t *testing.T) {
	for _, c := range []struct {
		mean float64
		want string
	}{{1, "D"}, {2.5996, "D"}, {2.60, "C"}, {3.064, "C"}, {3.0644, "B"}, {3.532, "B"}, {3.5324, "A"}, {4, "A"}} {
		// 10,000 answers of two neighbouring scores make any mean.
		low := int(math.Floor(c.mean))
		const n = 10000
		high := int64(math.Round((c.mean - float64(low)) * n))
		s := survey.Scores{}
		s.Counts[low-1] = n - high
		if high > 0 {
			s.Counts[low] = high
		}
		r := survey.Result{Elements: map[survei.Element]survey.Scores{survei.Time: s}}
		if got := r.Quality(); got != c.want {
			t.Errorf("%v (%v) is %s", c.mean, r.Index(), got)
		}
	}
	if q := (survey.Result{}).Quality(); q != "" {
		t.Errorf("no answer is %s", q)
	}
}

func TestEnoughAnswers(t *testing.T) {
	testserver.Databases(t, func(t *testing.T, db *database.DB) {
		clock := bottest.NewClock(noon)
		where := places{"tel:" + phone(1): {Flow: "pbb", State: "bill"}}
		h := newHouse(t, db, clock, where)
		h.round()
		h.inviter.Rules.Enough = 2
		h.says("sms", phone(9), survei.Answer{Service: "pbb", Element: survei.Time, Score: 3}, survei.Answer{Service: "pbb", Element: survei.Cost, Score: 4})
		h.says("sms", phone(1))
		clock.Advance(11 * time.Minute)
		h.round()
		if q := h.asked(phone(1)); len(q) != 0 {
			t.Errorf("asked though there is enough: %+v", q)
		}
	})
}

func TestParseRules(t *testing.T) {
	for _, bad := range []string{"", "every_days = 29\nquiet_minutes = 10\nenough = 1", "every_days = 30\nquiet_minutes = 1\nenough = 1", "every_days = 30\nquiet_minutes = 10\nenough = -1", "every_days = 30\nquiet_minutes = 10\nx = 1", "["} {
		if _, err := survey.ParseRules(strings.NewReader(bad)); err == nil {
			t.Errorf("%q is taken", bad)
		}
	}
}

package notices_test

import (
	"fmt"
	"testing"
	"time"

	"pgregory.net/rapid"

	"tabe/adapters/database"
	"tabe/adapters/testserver"
	"tabe/bot"
	"tabe/bot/bottest"
)

// TestWhateverHappens lets residents subscribe and stop, news come, time pass
// and two machines work in any order: nobody is told at night, nobody is told
// the same twice or after STOP, and what is true in the end was told in the end.
func TestWhateverHappens(t *testing.T) {
	testserver.DatabaseURLs(t, func(t *testing.T, newURL func(testing.TB) string) {
		url := newURL(t)
		run := 0
		rapid.Check(t, func(r *rapid.T) {
			run++
			db := testserver.OpenDatabase(t, url)
			defer db.Close()
			for _, table := range []string{"subscriptions", "silences", "notice_pace", "journal", "residents"} {
				if err := db.Do(t.Context(), func(tx *database.Tx) error { _, err := tx.Exec("delete from " + table); return err }); err != nil {
					r.Fatal(err)
				}
			}
			clock := bottest.NewClock(time.Date(2026, 11, 25, rapid.IntRange(0, 23).Draw(r, "hour"), 0, 0, 0, bot.WITA))
			reg := &registry{}
			machines := []*house{newHouse(t, db, clock, reg), newHouse(t, db, clock, reg)}
			machines[1].n = 1 << 20 // message ids of its own
			number := func(i int) string { return fmt.Sprintf("+62811%03d%05d", i, run) }
			key := func(i int) string { return fmt.Sprintf("permit %d of %d", i, run) }

			wants := map[int]bool{}         // who wants to be told
			told := map[string]string{}     // key → news told last
			news := map[int]int{}           // how many there were
			current := func(i int) string { // as Body tells it
				return fmt.Sprintf(`{"n":"%s %d"}`, key(i), news[i])
			}
			deliver := func(h *house) {
				for i := range 3 {
					for _, e := range h.waiting(number(i)) {
						if hour := clock.Now().In(bot.WITA).Hour(); hour < 8 || hour >= 20 {
							r.Fatalf("told at %v", clock.Now())
						}
						if !wants[i] {
							r.Fatalf("resident %d is told after STOP", i)
						}
						if told[key(i)] == string(e.Notice.Body) {
							r.Fatalf("told %s twice", e.Notice.Body)
						}
						told[key(i)] = string(e.Notice.Body)
					}
					h.tell(number(i))
				}
			}
			r.Repeat(map[string]func(*rapid.T){
				"subscribe": func(r *rapid.T) {
					i := rapid.IntRange(0, 2).Draw(r, "resident")
					s := permit(key(i))
					s.Mark = fmt.Sprint(news[i])
					machines[0].turn("sms", number(i), s)
					wants[i], told[key(i)] = true, current(i)
				},
				"stop": func(r *rapid.T) {
					i := rapid.IntRange(0, 2).Draw(r, "resident")
					machines[1].turn("sms", number(i), bot.Unsubscribe{})
					wants[i] = false
				},
				"news": func(r *rapid.T) {
					i := rapid.IntRange(0, 2).Draw(r, "resident")
					news[i]++
					reg.set(key(i), fmt.Sprint(news[i]))
				},
				"work": func(r *rapid.T) {
					h := machines[rapid.IntRange(0, 1).Draw(r, "machine")]
					h.job.Once(t.Context())
					deliver(h)
				},
				"wait": func(r *rapid.T) {
					clock.Advance(time.Duration(rapid.IntRange(1, 9*60).Draw(r, "minutes")) * time.Minute)
					// What runs all the time is back first; see Job.Run.
					machines[0].job.Once(t.Context())
					deliver(machines[0])
				},
			})
			for range 30 {
				clock.Advance(11*time.Minute + time.Hour)
				machines[0].job.Once(t.Context())
				deliver(machines[0])
				clock.Advance(2 * time.Minute)
				machines[0].job.Once(t.Context())
				deliver(machines[0])
			}
			for i := range 3 {
				if wants[i] && news[i] > 0 && told[key(i)] != current(i) {
					r.Fatalf("resident %d was told %s, and not %s", i, told[key(i)], current(i))
				}
			}
		})
	})
}

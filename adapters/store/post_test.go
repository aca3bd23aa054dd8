package store_test

import (
	"encoding/json"
	"errors"
	"testing"
	"time"

	"tabe/adapters/database"
	"tabe/adapters/testserver"
	"tabe/bot"
	"tabe/bot/bottest"
)

// news is a message to a resident.
func news(id string) bot.Message {
	return bot.Message{
		ID: id, Channel: "sms", Peer: "+6281100000001", Subject: "tel:+6281100000001",
		Location: &bot.Location{Lat: -4.35, Lng: 119.88, Accuracy: 12},
		Notice:   &bot.Notice{Flow: "perizinan", Kind: "ready", Body: json.RawMessage(`{"n":1}`)},
	}
}

func TestPost(t *testing.T) {
	testserver.DatabaseURLs(t, func(t *testing.T, newURL func(testing.TB) string) {
		db := testserver.OpenDatabase(t, newURL(t))
		clock := bottest.NewClock(time.Date(2026, 11, 25, 12, 0, 0, 0, bot.WITA))
		s := newStore(t, db, clock.Now)
		var woken []bot.ResidentID
		s.OnPost(func(id bot.ResidentID) { woken = append(woken, id) })
		post := func(m bot.Message, due time.Time) (fresh bool) {
			t.Helper()
			if err := db.Do(t.Context(), func(tx *database.Tx) (err error) {
				fresh, err = s.Post(tx, m, due)
				return err
			}); err != nil {
				t.Fatal(err)
			}
			return fresh
		}
		id := s.ID(news("").Subject)
		pending := func() []bot.Entry {
			t.Helper()
			entries, err := s.Pending(t.Context(), id, 9)
			if err != nil {
				t.Fatal(err)
			}
			return entries
		}
		waiting := func() int {
			t.Helper()
			ids, err := s.Unanswered(t.Context(), clock.Now(), 9)
			if err != nil {
				t.Fatal(err)
			}
			return len(ids)
		}

		undone := errors.New("undone")
		if err := db.Do(t.Context(), func(tx *database.Tx) error {
			if _, err := s.Post(tx, news("undone"), time.Time{}); err != nil {
				return err
			}
			return undone
		}); !errors.Is(err, undone) || len(woken) != 0 || len(pending()) != 0 {
			t.Fatal("what was undone is there:", err, woken, pending())
		}

		if !post(news("later"), clock.Now().Add(time.Hour)) || post(news("later"), time.Time{}) {
			t.Error("a message is fresh exactly once")
		}
		if len(woken) != 0 || len(pending()) != 0 || waiting() != 0 {
			t.Error("what is for later is there now:", woken, pending())
		}
		if q, err := s.Queues(t.Context()); err != nil || q.Unanswered.Count != 0 {
			t.Error("what is for later counts as unanswered:", q, err)
		}

		post(news("now"), time.Time{})
		if got := pending(); len(got) != 1 || len(woken) != 1 || woken[0] != id ||
			got[0].Notice.Kind != "ready" || string(got[0].Notice.Body) != `{"n":1}` || *got[0].Location != *news("").Location {
			t.Errorf("posted %+v, woken %v", got, woken)
		}
		clock.Advance(time.Hour + time.Second)
		if len(pending()) != 2 || waiting() != 1 {
			t.Error("what was for later has not come:", pending(), waiting())
		}
		for _, e := range pending() { // the later one has the lower number
			state, err := s.Load(t.Context(), id)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := s.Commit(t.Context(), bot.Done{Entry: e, Before: state.Version, State: []byte("x"), Replies: []bot.Text{{Body: e.ID}}}); err != nil {
				t.Fatal(err)
			}
		}
		if len(pending()) != 0 {
			t.Error("answered and still pending")
		}
	})
}

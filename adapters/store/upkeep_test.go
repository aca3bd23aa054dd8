package store_test

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tabe/adapters/database"
	"tabe/adapters/seal"
	"tabe/adapters/store"
	"tabe/adapters/testserver"
	"tabe/bot"
)

// talk answers one message of somebody.
func talk(t *testing.T, s *store.Store, id, subject string, d bot.Done) []bot.Outbound {
	t.Helper()
	e, _, err := s.Accept(t.Context(), bot.Message{ID: id, Channel: "sms", Peer: "+6281100000001", Subject: subject, Text: "siaga pajakku"})
	if err != nil {
		t.Fatal(err)
	}
	state, err := s.Load(t.Context(), e.Resident)
	if err != nil {
		t.Fatal(err)
	}
	d.Entry, d.Before = e, state.Version
	rows, err := s.Commit(t.Context(), d)
	if err != nil {
		t.Fatal(err)
	}
	return rows
}

func say(body string) bot.Done {
	return bot.Done{State: []byte("remembers 731201"), Replies: []bot.Text{{Body: body}}}
}

func TestNothingCanBeReadOnDisk(t *testing.T) {
	url := testserver.SQLiteURL(t)
	db := testserver.OpenDatabase(t, url)
	s := newStore(t, db, time.Now)
	talk(t, s, "m1", "tel:+6281100000001", say("Rp 52.500"))
	d := say("Rp 52.500")
	d.Inline = true
	talk(t, s, "m2", "tel:+6281100000001", d)
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob(strings.TrimPrefix(url, "sqlite://") + "*")
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	for _, file := range files {
		content, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, secret := range []string{"81100000001", "pajakku", "52.500", "731201"} {
			if bytes.Contains(content, []byte(secret)) {
				t.Errorf("%s tells %q", filepath.Base(file), secret)
			}
		}
	}
}

func TestAnotherKeyIsNoticed(t *testing.T) {
	db := testserver.OpenDatabase(t, testserver.SQLiteURL(t))
	newStore(t, db, time.Now)
	for first := range byte(255) { // some of them have the same id
		other := make([]byte, seal.KeyLength)
		other[0] = first + 1
		if _, err := store.New(db, other, time.Now); !errors.Is(err, store.ErrKey) {
			t.Fatalf("key %d is taken: %v", first, err)
		}
	}
	newStore(t, db, time.Now)
}

type complaint struct{ text string }

func TestEffectsAreOfTheTransaction(t *testing.T) {
	testserver.DatabaseURLs(t, func(t *testing.T, newURL func(testing.TB) string) {
		db := testserver.OpenDatabase(t, newURL(t))
		broken := false
		s := newStore(t, db, time.Now, store.On(func(tx *database.Tx, e bot.Entry, c complaint) error {
			if _, err := tx.Exec("insert into complaint values ($1, $2)", e.Seq, c.text); err != nil {
				return err
			}
			if broken {
				return errors.New("broken")
			}
			return nil
		}))
		if err := db.Do(t.Context(), func(tx *database.Tx) error {
			_, err := tx.Exec("create table complaint (seq bigint, text text)")
			return err
		}); err != nil {
			t.Fatal(err)
		}
		d := say("noted")
		d.Effects = []bot.Effect{complaint{"road"}}
		talk(t, s, "m1", "tel:1", d)

		broken = true
		e, _, err := s.Accept(t.Context(), bot.Message{ID: "m2", Channel: "sms", Subject: "tel:2"})
		if err != nil {
			t.Fatal(err)
		}
		d.Entry = e
		if _, err := s.Commit(t.Context(), d); err == nil {
			t.Error("a broken effect is committed")
		}
		d.Effects = []bot.Effect{struct{}{}}
		if _, err := s.Commit(t.Context(), d); err == nil {
			t.Error("an effect that nobody knows is committed")
		}
		var n int
		if err := db.QueryRow(t.Context(), "select count(*) from complaint").Scan(&n); err != nil || n != 1 {
			t.Errorf("%d complaints, %v", n, err)
		}
		if pending, err := s.Pending(t.Context(), e.Resident, 10); err != nil || len(pending) != 1 {
			t.Errorf("pending %v, %v", pending, err)
		}
	})
}

func TestDeadLetters(t *testing.T) {
	testserver.DatabaseURLs(t, func(t *testing.T, newURL func(testing.TB) string) {
		now := time.Date(2026, 11, 25, 4, 0, 0, 0, time.UTC)
		s := newStore(t, testserver.OpenDatabase(t, newURL(t)), func() time.Time { return now })
		dead := talk(t, s, "m1", "tel:1", say("one"))[0]
		must(t, s.Bury(t.Context(), dead.ID, "blocked\x00\n"+strings.Repeat("x", 1000)))
		talk(t, s, "m2", "tel:1", say("two"))

		letters, err := s.Letters(t.Context(), store.Which{Status: bot.Dead}, 10)
		if err != nil || len(letters) != 1 || letters[0].ID != dead.ID || letters[0].Resident != dead.Resident ||
			!letters[0].Created.Equal(now) || !strings.HasPrefix(letters[0].Reason, "blocked x") || len(letters[0].Reason) > 200 {
			t.Errorf("%+v, %v", letters, err)
		}
		q, err := s.Queues(t.Context())
		if err != nil || q.Dead != 1 || q.Unanswered.Count != 0 || q.Unsent["sms"].Count != 1 || !q.Unsent["sms"].Oldest.Equal(now) {
			t.Errorf("%+v, %v", q, err)
		}
		must(t, s.Requeue(t.Context(), dead.ID))
		for _, id := range []int64{dead.ID, 99999} {
			if err := s.Requeue(t.Context(), id); !errors.Is(err, store.ErrNotDead) {
				t.Errorf("requeued %d: %v", id, err)
			}
		}
		now = now.Add(time.Hour)
		for _, want := range []string{"two", "one"} { // behind what is on its way
			rows, err := s.Claim(t.Context(), "sms", false, time.Minute, 10)
			if err != nil || len(rows) != 1 || rows[0].Text.Body != want || rows[0].Attempt != 0 {
				t.Fatalf("%+v, %v", rows, err)
			}
			must(t, s.Sent(t.Context(), rows[0].ID, bot.Handover{ProviderID: "p"}))
		}
		if q, err := s.Queues(t.Context()); err != nil || q.Dead != 0 || len(q.Unsent) != 0 {
			t.Errorf("%+v, %v", q, err)
		}
	})
}

func TestADamagedRowHoldsBackNobody(t *testing.T) {
	testserver.DatabaseURLs(t, func(t *testing.T, newURL func(testing.TB) string) {
		now := time.Now()
		db := testserver.OpenDatabase(t, newURL(t))
		s := newStore(t, db, func() time.Time { return now })
		damaged := talk(t, s, "m1", "tel:1", say("one"))[0]
		talk(t, s, "m2", "tel:1", say("two"))
		talk(t, s, "m3", "tel:3", say("three"))
		must(t, db.Do(t.Context(), func(tx *database.Tx) error {
			_, err := tx.Exec("update outbox set body = $1 where id = $2", []byte("damaged"), damaged.ID)
			return err
		}))
		now = now.Add(time.Hour)
		for _, want := range []string{"three", "two"} {
			rows, err := s.Claim(t.Context(), "sms", false, time.Hour, 10)
			if err != nil || len(rows) != 1 || rows[0].Text.Body != want {
				t.Errorf("%+v, %v", rows, err)
			}
		}
		if letters, err := s.Letters(t.Context(), store.Which{Status: bot.Dead}, 10); err != nil || len(letters) != 1 || letters[0].ID != damaged.ID {
			t.Errorf("%+v, %v", letters, err)
		}
	})
}

func TestErasedRepliesAreForgottenWhenTheyHaveLeft(t *testing.T) {
	testserver.DatabaseURLs(t, func(t *testing.T, newURL func(testing.TB) string) {
		db := testserver.OpenDatabase(t, newURL(t))
		s := newStore(t, db, time.Now)
		sent := talk(t, s, "m1", "tel:1", say("one"))[0]
		must(t, s.Sent(t.Context(), sent.ID, bot.Handover{ProviderID: "p1"}))
		underWay := talk(t, s, "m2", "tel:1", say("two"))[0]
		d := say("erased")
		d.Effects = []bot.Effect{bot.Erase{}}
		talk(t, s, "m3", "tel:1", d)
		must(t, s.Sent(t.Context(), underWay.ID, bot.Handover{ProviderID: "p2"}))
		var kept int // the answer to the erasing message itself
		if err := db.QueryRow(t.Context(), "select count(*) from outbox where length(body) > 0").Scan(&kept); err != nil || kept != 1 {
			t.Errorf("%d bodies are kept, %v", kept, err)
		}
		if err := db.QueryRow(t.Context(), "select count(*) from journal where length(body) > 0").Scan(&kept); err != nil || kept != 1 {
			t.Errorf("%d messages are kept, %v", kept, err)
		}
	})
}

func TestPrune(t *testing.T) {
	testserver.DatabaseURLs(t, func(t *testing.T, newURL func(testing.TB) string) {
		now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
		db := testserver.OpenDatabase(t, newURL(t))
		s := newStore(t, db, func() time.Time { return now })
		const old = 1200 // more than one batch
		for i := range old {
			for _, o := range talk(t, s, fmt.Sprint("old", i), fmt.Sprint("tel:", i%7), say("x")) {
				must(t, s.Sent(t.Context(), o.ID, bot.Handover{ProviderID: fmt.Sprint("p", i)}))
			}
		}
		talk(t, s, "unsent", "tel:unsent", say("x"))
		if _, _, err := s.Accept(t.Context(), bot.Message{ID: "unanswered", Channel: "sms", Subject: "tel:unanswered"}); err != nil {
			t.Fatal(err)
		}
		now = now.Add(90 * 24 * time.Hour)
		cut := now.Add(-time.Hour)
		talk(t, s, "young", "tel:1", say("x"))
		for range 2 {
			if _, err := s.Prune(t.Context(), cut); err != nil {
				t.Fatal(err)
			}
			var journal, outbox, residents int
			if err := db.QueryRow(t.Context(), "select (select count(*) from journal), (select count(*) from outbox), (select count(*) from residents)").Scan(&journal, &outbox, &residents); err != nil {
				t.Fatal(err)
			}
			if journal != 3 || outbox != 2 || residents != 8 {
				t.Errorf("left are %d messages, %d replies, %d residents", journal, outbox, residents)
			}
		}
		d := say("erased") // the list ends where it was pruned
		d.Effects = []bot.Effect{bot.Erase{}}
		talk(t, s, "erase", "tel:1", d)
	})
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

package main

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"tabe/adapters/notices"
	"tabe/adapters/testserver"
	"tabe/adapters/twilio"
	"tabe/bot"
	"tabe/bot/bottest"
)

// carrier is a stand-in for Twilio that refuses, once stopped, everything for
// who wrote STOP.
type carrier struct {
	*httptest.Server
	stopped atomic.Bool
	tried   chan string // texts, also of what it refuses
}

func newCarrier(t *testing.T) *carrier {
	c := &carrier{tried: make(chan string, 100)}
	var n atomic.Int64
	c.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		text := r.PostFormValue("Body")
		defer func() { c.tried <- text }()
		w.Header().Set("Content-Type", "application/json")
		if c.stopped.Load() {
			w.WriteHeader(http.StatusBadRequest)
			fmt.Fprint(w, `{"code": 21610, "message": "Attempt to send to unsubscribed recipient", "more_info": "https://www.twilio.com/docs/errors/21610", "status": 400}`)
			return
		}
		w.WriteHeader(http.StatusCreated)
		fmt.Fprintf(w, `{"sid":"SM%032d","status":"queued"}`, n.Add(1))
	}))
	t.Cleanup(c.Close)
	return c
}

// hears waits for the next text.
func (c *carrier) hears(t *testing.T, part string) {
	t.Helper()
	select {
	case text := <-c.tried:
		if !strings.Contains(text, part) {
			t.Fatalf("sent %q, which has no %q", text, part)
		}
	case <-time.After(20 * time.Second):
		t.Fatalf("nothing with %q was sent", part)
	}
}

// Somebody who wrote STOP to the carrier, and not to us, is told nothing more
// by himself, until he writes MULAI. What he asks, and emergencies, are tried
// all the same.
func TestAnOptOutAtTheProvider(t *testing.T) {
	clock := bottest.NewClock(time.Date(2026, 11, 25, 9, 0, 0, 0, bot.WITA))
	c := newCarrier(t)
	account, err := twilio.New(twilio.Config{
		AccountSID: "AC00000000000000000000000000000000", AuthTokens: []string{"token"}, SMSFrom: "+6281100000400", PublicURL: "https://tabe.example", APIURL: c.URL,
	})
	if err != nil {
		t.Fatal(err)
	}
	defer account.Close()
	a, err := open(t.Context(), options{
		databaseURL: testserver.SQLiteURL(t), secretKey: make([]byte, secretKeyLength), dataDir: t.TempDir(), channels: account.Channels(), clock: clock.Now,
		log: slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelError})),
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	var sending sync.WaitGroup
	sending.Go(func() { a.sender.Run(ctx) })
	defer func() {
		if err := a.engine.Close(context.Background()); err != nil {
			t.Error(err)
		}
		stop()
		sending.Wait()
		if err := a.close(); err != nil {
			t.Error(err)
		}
	}()
	id := a.store.ID("tel:" + owner)
	n := 0
	says := func(text, answer string) {
		t.Helper()
		n++
		clock.Advance(time.Second)
		if err := a.engine.Receive(t.Context(), bot.Message{ID: fmt.Sprint("m", n), Channel: smsChannel, Peer: owner, Subject: "tel:" + owner, Text: text}); err != nil {
			t.Fatal(err)
		}
		c.hears(t, answer)
	}
	broadcast := func(text string) (people int64) {
		t.Helper()
		b := a.broadcasts(clock.Now)
		m, err := b.Plan(t.Context(), notices.Broadcast{Office: "BPBD", Text: text, Kecamatan: "Citta"})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := b.Confirm(t.Context(), m.Code); err != nil {
			t.Fatal(err)
		}
		a.telling.Once(t.Context())
		clock.Advance(2 * time.Minute)
		a.engine.Wake(id)
		return m.Plan.People
	}
	for _, said := range [][2]string{{"mau berita", "kecamatan"}, {"citta", "Citta"}, {"ya", "Citta"}} {
		says(said[0], said[1])
	}
	if people := broadcast("Hujan deras."); people != 1 {
		t.Fatalf("%d people want the news", people)
	}
	c.hears(t, "Hujan deras.")

	c.stopped.Store(true)
	says("kebakaran rumah di citta", "113")
	optOuts := func(n int) { // are done with
		t.Helper()
		for limit := time.Now().Add(20 * time.Second); count(t, a, `select count(*) from journal where message_id like 'optout/%' and answered is not null`) < n; {
			if time.Now().After(limit) {
				t.Fatalf("%d refusals change nothing", n)
			}
			time.Sleep(5 * time.Millisecond)
		}
	}
	optOuts(1)
	all, err := a.subscriptions.Of(t.Context(), id)
	if err != nil || len(all) != 1 || all[0].Stopped.IsZero() {
		t.Errorf("he is still told: %+v %v", all, err)
	}
	if people := broadcast("Banjir."); people != 0 {
		t.Errorf("%d people want the news", people)
	}
	// The dialogue about the fire goes on, whatever became of its messages.
	says("dekat pasar", "Citta")
	c.hears(t, "terjebak")
	optOuts(3)
	if posted := count(t, a, `select count(*) from journal where message_id like 'notice/%'`); posted != 1 {
		t.Errorf("%d notices were posted", posted)
	}
	if told := count(t, a, `select count(*) from outbox o join journal j on o.id / 64 = j.seq where j.message_id like 'optout/%'`); told != 0 {
		t.Errorf("he was told %d times that he will be told nothing", told)
	}

	c.stopped.Store(false)
	says("mulai", "dikabari lagi")
	if people := broadcast("Angin kencang."); people != 1 {
		t.Errorf("after MULAI %d people want the news", people)
	}
	c.hears(t, "Angin kencang.")
}

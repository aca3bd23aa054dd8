package bot_test

import (
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"tabe/bot"
	"tabe/bot/bottest"
)

func TestAFailingChannelIsProbedAndItsTextsLeaveWhenItWorksAgain(t *testing.T) {
	var down atomic.Bool
	var tried atomic.Int64
	down.Store(true)
	p := &provider{answer: func(bot.Outbound) error {
		tried.Add(1)
		if down.Load() {
			return &bot.SendError{Code: "gone"}
		}
		return nil
	}}
	sending(t, p, func(store *bottest.Store, s *bot.Sender) {
		for n := range 12 {
			s.Push("sms", first(t, store, n), false)
			time.Sleep(10 * time.Second)
		}
		line := s.Lines()[0]
		if !line.Open || line.Code != "gone" || line.Channel != "sms" {
			t.Fatalf("after many failures: %+v", line)
		}
		before := tried.Load()
		time.Sleep(10 * time.Minute)
		if n := tried.Load() - before; n > 41 {
			t.Errorf("%d attempts in ten minutes while open", n)
		}
		before = tried.Load()
		s.Push("sms", first(t, store, 1000), false)
		time.Sleep(10 * time.Millisecond)
		if tried.Load() == before {
			t.Error("a new text was held back")
		}
		down.Store(false)
		time.Sleep(25 * time.Minute)
		if line := s.Lines()[0]; line.Open || line.Code != "" {
			t.Errorf("after a success: %+v", line)
		}
		if got := len(p.got()); got == 0 {
			t.Error("nothing left")
		}
		time.Sleep(25 * time.Minute)
		if got := len(p.got()); got < 13 {
			t.Errorf("%d texts of 13 left", got)
		}
	})
}

// first writes the answer to the first message of the nth resident.
func first(t *testing.T, store *bottest.Store, n int) []bot.Outbound {
	t.Helper()
	peer := fmt.Sprint("p", n)
	entry, _, err := store.Accept(t.Context(), bot.Message{ID: peer, Channel: "sms", Peer: peer, Subject: "tel:" + peer})
	if err != nil {
		t.Fatal(err)
	}
	rows, err := store.Commit(t.Context(), bot.Done{Entry: entry, Replies: []bot.Text{{Body: peer}}})
	if err != nil {
		t.Fatal(err)
	}
	return rows
}

package bot_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"tabe/bot"
	"tabe/bot/bottest"
)

// provider is a channel whose behaviour a test decides.
type provider struct {
	answer func(o bot.Outbound) error

	mu   sync.Mutex
	sent []string
}

func (p *provider) ID() bot.ChannelID { return "sms" }
func (p *provider) Send(_ context.Context, o bot.Outbound) (string, error) {
	if p.answer != nil {
		if err := p.answer(o); err != nil {
			return "", err
		}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.sent = append(p.sent, o.Text.Body)
	return fmt.Sprint("provider-", o.ID), nil
}

func (p *provider) got() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.sent)
}

// commit writes a turn of one resident with the given replies.
func commit(t *testing.T, store *bottest.Store, n int, replies ...string) []bot.Outbound {
	t.Helper()
	entry, _, err := store.Accept(t.Context(), bot.Message{ID: fmt.Sprint(n), Channel: "sms", Peer: "p", Subject: "tel:p"})
	if err != nil {
		t.Fatal(err)
	}
	state, err := store.Load(t.Context(), entry.Resident)
	if err != nil {
		t.Fatal(err)
	}
	done := bot.Done{Entry: entry, Before: state.Version}
	for _, r := range replies {
		done.Replies = append(done.Replies, bot.Text{Body: r})
	}
	rows, err := store.Commit(t.Context(), done)
	if err != nil {
		t.Fatal(err)
	}
	return rows
}

// sending runs a Sender in a bubble of its own time.
func sending(t *testing.T, p *provider, test func(store *bottest.Store, s *bot.Sender)) {
	synctest.Test(t, func(t *testing.T) {
		store := bottest.NewStore(nil)
		s := bot.NewSender(store, time.Now, slog.New(slog.DiscardHandler), p)
		ctx, stop := context.WithCancel(t.Context())
		var running sync.WaitGroup
		running.Go(func() { s.Run(ctx) })
		synctest.Wait()
		test(store, s)
		stop()
		running.Wait()
	})
}

func TestRepliesLeaveInOrder(t *testing.T) {
	p := &provider{}
	sending(t, p, func(store *bottest.Store, s *bot.Sender) {
		rows := commit(t, store, 1, "a", "b")
		waiting := commit(t, store, 2, "c") // behind them: not handed out
		if len(rows) != 2 || len(waiting) != 0 {
			t.Fatalf("%d and %d replies may leave at once", len(rows), len(waiting))
		}
		s.Push("sms", rows, false)
		s.Push("sms", waiting, true)
		time.Sleep(2 * time.Second)
		if got := p.got(); !slices.Equal(got, []string{"a", "b", "c"}) {
			t.Errorf("sent %v", got)
		}
	})
}

func TestAFailureHoldsBackWhatFollows(t *testing.T) {
	p := &provider{}
	failures := 3
	p.answer = func(o bot.Outbound) error {
		if o.Text.Body == "a" && failures > 0 {
			failures--
			return &bot.SendError{Code: "busy", RetryAfter: time.Minute}
		}
		return nil
	}
	sending(t, p, func(store *bottest.Store, s *bot.Sender) {
		s.Push("sms", commit(t, store, 1, "a", "b"), false)
		time.Sleep(50 * time.Second)
		if got := p.got(); len(got) > 0 {
			t.Errorf("sent %v before the provider wanted", got)
		}
		time.Sleep(5 * time.Minute)
		if got := p.got(); !slices.Equal(got, []string{"a", "b"}) {
			t.Errorf("sent %v", got)
		}
	})
}

func TestAHopelessMessageIsBuriedAndTheNextOneLeaves(t *testing.T) {
	p := &provider{answer: func(o bot.Outbound) error {
		if o.Text.Body == "a" {
			return &bot.SendError{Code: "blocked", Permanent: true}
		}
		return nil
	}}
	sending(t, p, func(store *bottest.Store, s *bot.Sender) {
		rows := commit(t, store, 1, "a", "b")
		s.Push("sms", rows, false)
		time.Sleep(time.Second)
		if got := p.got(); !slices.Equal(got, []string{"b"}) {
			t.Errorf("sent %v", got)
		}
		if status := store.Status(rows[0].ID); status != bot.Dead {
			t.Errorf("the hopeless message is %s", status)
		}
	})
}

func TestAnUnknownErrorIsTriedForADayAndThenBuried(t *testing.T) {
	tries := 0
	p := &provider{answer: func(bot.Outbound) error { tries++; return errors.New("no route") }}
	sending(t, p, func(store *bottest.Store, s *bot.Sender) {
		rows := commit(t, store, 1, "a")
		s.Push("sms", rows, false)
		time.Sleep(12 * time.Hour)
		if status := store.Status(rows[0].ID); status != bot.Queued {
			t.Errorf("after half a day it is %s", status)
		}
		time.Sleep(36 * time.Hour)
		if status := store.Status(rows[0].ID); status != bot.Dead {
			t.Errorf("after two days and %d tries it is %s", tries, status)
		}
	})
}

func TestWhatACrashLeftBehindIsSent(t *testing.T) {
	p := &provider{}
	sending(t, p, func(store *bottest.Store, _ *bot.Sender) {
		commit(t, store, 1, "a", "b") // claimed by a process that died before Push
		time.Sleep(2 * time.Minute)
		if got := p.got(); !slices.Equal(got, []string{"a", "b"}) {
			t.Errorf("sent %v", got)
		}
	})
}

func TestABacklogOfOneResidentLeavesWithoutWaiting(t *testing.T) {
	p := &provider{}
	first := make(chan struct{})
	p.answer = func(o bot.Outbound) error {
		if o.Text.Body == "0" {
			<-first
		}
		return nil
	}
	sending(t, p, func(store *bottest.Store, s *bot.Sender) {
		var want []string
		for i := range 30 {
			want = append(want, fmt.Sprint(i))
			rows := commit(t, store, i, want[i])
			s.Push("sms", rows, len(rows) == 0)
		}
		began := time.Now()
		close(first)
		for len(p.got()) < len(want) && time.Since(began) < time.Minute {
			time.Sleep(time.Millisecond)
		}
		if took := time.Since(began); took > 100*time.Millisecond {
			t.Errorf("took %v", took)
		}
		if got := p.got(); !slices.Equal(got, want) {
			t.Errorf("got %v", got)
		}
	})
}

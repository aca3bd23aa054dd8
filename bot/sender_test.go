package bot_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
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
	return turn(t, store, "p", n, false, replies...)
}

// turn writes the nth turn of somebody.
func turn(t *testing.T, store *bottest.Store, peer string, n int, urgent bool, replies ...string) []bot.Outbound {
	t.Helper()
	entry, _, err := store.Accept(t.Context(), bot.Message{ID: fmt.Sprint(peer, n), Channel: "sms", Peer: peer, Subject: "tel:" + peer})
	if err != nil {
		t.Fatal(err)
	}
	state, err := store.Load(t.Context(), entry.Resident)
	if err != nil {
		t.Fatal(err)
	}
	done := bot.Done{Entry: entry, Before: state.Version, Urgent: urgent}
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
func sending(t *testing.T, p *provider, test func(store *bottest.Store, s *bot.Sender), before ...func(*bot.Sender)) {
	synctest.Test(t, func(t *testing.T) {
		store := bottest.NewStore(nil)
		s := bot.NewSender(store, time.Now, slog.New(slog.DiscardHandler), p)
		for _, prepare := range before {
			prepare(s)
		}
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

func TestWhoWantsNoMoreIsTold(t *testing.T) {
	p := &provider{answer: func(o bot.Outbound) error {
		switch o.Text.Body {
		case "a":
			return &bot.SendError{Code: "stopped", Permanent: true, OptedOut: true}
		case "b":
			return &bot.SendError{Code: "no such number", Permanent: true}
		}
		return nil
	}}
	synctest.Test(t, func(t *testing.T) {
		store := bottest.NewStore(nil)
		s := bot.NewSender(store, time.Now, slog.New(slog.DiscardHandler), p)
		var told []bot.Outbound
		s.OnOptOut(func(_ context.Context, o bot.Outbound) {
			if status := store.Status(o.ID); status != bot.Dead {
				t.Errorf("told of a message that is %s", status)
			}
			told = append(told, o)
		})
		ctx, stop := context.WithCancel(t.Context())
		var running sync.WaitGroup
		running.Go(func() { s.Run(ctx) })
		synctest.Wait()
		rows := commit(t, store, 1, "a", "b", "c")
		s.Push("sms", rows, false)
		time.Sleep(time.Second)
		stop()
		running.Wait()
		if len(told) != 1 || told[0].ID != rows[0].ID || told[0].Peer != "p" {
			t.Errorf("told of %+v", told)
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

func TestAChannelThatFailsForEverybodyIsOnlyProbed(t *testing.T) {
	var down atomic.Bool
	down.Store(true)
	var all, house atomic.Int64 // attempts
	p := &provider{answer: func(o bot.Outbound) error {
		if all.Add(1); o.Peer == "house" {
			house.Add(1)
		}
		if down.Load() {
			return &bot.SendError{Code: "http 503"}
		}
		return nil
	}}
	sending(t, p, func(store *bottest.Store, s *bot.Sender) {
		const residents = 20
		for i := range residents {
			peer := fmt.Sprint("p", i)
			s.Push("sms", turn(t, store, peer, 1, false, "answer to "+peer), false)
			time.Sleep(time.Second)
		}
		outages := s.Outages()
		if len(outages) != 1 || outages[0].Channel != "sms" || outages[0].Code != "http 503" || outages[0].Since.IsZero() {
			t.Fatalf("outages: %+v", outages)
		}
		before := all.Load()
		time.Sleep(10 * time.Minute)
		if n := all.Load() - before; n == 0 || n > 41 {
			t.Errorf("%d attempts in ten minutes, want a probe each quarter of a minute", n)
		}
		// An emergency is tried at once, and goes on being tried.
		s.Push("sms", turn(t, store, "house", 1, true, "help is called"), false)
		time.Sleep(15 * time.Second)
		if n := house.Load(); n < 3 {
			t.Errorf("an urgent message was tried %d times in 15 s", n)
		}
		tried := house.Load()
		time.Sleep(10 * time.Minute)
		if n := house.Load() - tried; n < 40 {
			t.Errorf("an urgent message was tried %d times in ten minutes", n)
		}
		down.Store(false)
		time.Sleep(45 * time.Second)
		// Those that were probed with have to wait for their own next attempt.
		if got := p.got(); len(got) < residents/3 || len(s.Outages()) != 0 {
			t.Errorf("%d of %d left soon after the channel worked again; outages: %+v", len(got), residents+1, s.Outages())
		}
		time.Sleep(20 * time.Minute)
		if got := p.got(); len(got) != residents+1 {
			t.Errorf("%d of %d left", len(got), residents+1)
		}
	})
}

func TestOneResidentWhoCannotBeReachedIsNoOutage(t *testing.T) {
	p := &provider{answer: func(o bot.Outbound) error {
		if o.Peer == "p" {
			return &bot.SendError{Code: "busy"}
		}
		return nil
	}}
	sending(t, p, func(store *bottest.Store, s *bot.Sender) {
		s.Push("sms", commit(t, store, 1, "a"), false)
		time.Sleep(time.Hour)
		if outages := s.Outages(); len(outages) > 0 {
			t.Errorf("outages: %+v", outages)
		}
		s.Push("sms", turn(t, store, "other", 1, false, "b"), false)
		synctest.Wait()
		if got := p.got(); !slices.Equal(got, []string{"b"}) {
			t.Errorf("sent %v at once", got)
		}
	})
}

func TestAProviderThatHangsDoesNotHoldBackAnEmergency(t *testing.T) {
	p := &provider{answer: func(o bot.Outbound) error {
		if o.Peer != "house" {
			time.Sleep(19 * time.Second) // just inside what a provider is given
		}
		return nil
	}}
	sending(t, p, func(store *bottest.Store, s *bot.Sender) {
		for i := range 100 {
			peer := fmt.Sprint("p", i)
			s.Push("sms", turn(t, store, peer, 1, false, "a"), false)
		}
		time.Sleep(time.Second)
		s.Push("sms", turn(t, store, "house", 1, true, "help"), false)
		synctest.Wait()
		if got := p.got(); !slices.Equal(got, []string{"help"}) {
			t.Errorf("sent %v", got)
		}
		time.Sleep(5 * time.Minute)
		if got := p.got(); len(got) != 101 {
			t.Errorf("%d messages left, want each once", len(got))
		}
	})
}

func TestALimitSpacesWhatIsNotUrgent(t *testing.T) {
	p := &provider{}
	sending(t, p, func(store *bottest.Store, s *bot.Sender) {
		for i := range 300 {
			peer := fmt.Sprint("p", i)
			s.Push("sms", turn(t, store, peer, 1, false, "a", "b"), false)
		}
		time.Sleep(10*time.Second + time.Millisecond)
		if n := len(p.got()); n < 45 || n > 55 {
			t.Errorf("%d messages in 10 s at 5 a second", n)
		}
		before := len(p.got())
		for i := range 20 {
			s.Push("sms", turn(t, store, fmt.Sprint("house", i), 1, true, "help"), false)
		}
		synctest.Wait()
		if n := len(p.got()) - before; n < 20 {
			t.Errorf("%d of 20 urgent messages left at once", n)
		}
		time.Sleep(3 * time.Minute)
		if n := len(p.got()); n != 620 {
			t.Errorf("%d messages left, want each once", n)
		}
	}, func(s *bot.Sender) { s.Limit("sms", 5) })
}

func TestTheCostOfWhatWasSentIsTold(t *testing.T) {
	var told []bot.Attempted
	sending(t, &provider{}, func(store *bottest.Store, s *bot.Sender) {
		s.Push("sms", turn(t, store, "house", 1, true, "help"), false)
		synctest.Wait()
		if len(told) != 1 || told[0].Segments != 2 || told[0].Cost != 700 || !told[0].Urgent {
			t.Errorf("told %+v", told)
		}
	}, func(s *bot.Sender) {
		s.Price(func(bot.Outbound) (int, bot.Rupiah) { return 2, 700 })
		s.Observe(func(a bot.Attempted) { told = append(told, a) })
	})
}

// TestTheEnd lets a Sender end at once: what it was given before that leaves
// nevertheless, unless the provider is too slow to wait for.
func TestTheEnd(t *testing.T) {
	const rows = 500
	for each, all := range map[time.Duration]bool{0: true, 100 * time.Millisecond: true, time.Second: false} {
		p := &provider{answer: func(bot.Outbound) error { time.Sleep(each); return nil }}
		synctest.Test(t, func(t *testing.T) {
			s := bot.NewSender(bottest.NewStore(nil), time.Now, slog.New(slog.DiscardHandler), p)
			for n := range rows {
				s.Push("sms", []bot.Outbound{{ID: int64(n), Channel: "sms", Text: bot.Text{Body: fmt.Sprint(n)}}}, false)
			}
			ctx, stop := context.WithCancel(t.Context())
			stop()
			began := time.Now()
			s.Run(ctx)
			if took, n := time.Since(began), len(p.got()); took > 6*time.Second || (n == rows) != all {
				t.Errorf("%s each: %d of %d left, and it took %s", each, n, rows, took)
			}
		})
	}
}

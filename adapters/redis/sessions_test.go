package redis_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"tabe/adapters/redis"
	"tabe/adapters/testserver"
	"tabe/bot"
	"tabe/bot/bottest"
	"tabe/bot/understand"
)

var secret = make([]byte, 32)

func open(t *testing.T, server *testserver.Redis) *redis.Sessions {
	t.Helper()
	s, err := redis.Open(server.URL(), secret)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

func acquire(t *testing.T, s *redis.Sessions, id bot.ResidentID) bot.Lease {
	t.Helper()
	l, err := s.Acquire(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func TestOneHolderAtATime(t *testing.T) {
	t.Run("one server", func(t *testing.T) { oneHolderAtATime(t, testserver.StartRedis(t)) })
	t.Run("cluster", func(t *testing.T) { oneHolderAtATime(t, testserver.StartRedisCluster(t)) })
}

func oneHolderAtATime(t *testing.T, server *testserver.Redis) {
	here, there := open(t, server), open(t, server)
	l := acquire(t, here, "a")
	if _, err := there.Acquire(t.Context(), "a"); !errors.Is(err, bot.ErrBusy) {
		t.Errorf("a second holder gets %v", err)
	}
	acquire(t, there, "b").Release(t.Context())
	l.Release(t.Context())
	next := acquire(t, there, "a")
	l.Release(t.Context()) // no longer ours to give
	if _, err := here.Acquire(t.Context(), "a"); !errors.Is(err, bot.ErrBusy) {
		t.Errorf("somebody else's lease was given back: %v", err)
	}
	next.Release(t.Context())
}

func TestTheHotCopy(t *testing.T) {
	t.Run("one server", func(t *testing.T) { theHotCopy(t, testserver.StartRedis(t)) })
	t.Run("cluster", func(t *testing.T) { theHotCopy(t, testserver.StartRedisCluster(t)) })
}

func theHotCopy(t *testing.T, server *testserver.Redis) {
	here, there := open(t, server), open(t, server)
	l := acquire(t, here, "a")
	if _, ok := l.Hot(); ok {
		t.Error("there is a copy of a stranger")
	}
	l.Keep(t.Context(), bot.State{Version: 7, Blob: []byte("state")})
	l.Release(t.Context())

	l.Keep(t.Context(), bot.State{Version: 9}) // without the lease: drops the copy
	l = acquire(t, there, "a")
	if _, ok := l.Hot(); ok {
		t.Error("a copy was kept without the lease")
	}
	l.Keep(t.Context(), bot.State{Version: 8, Blob: []byte("next")})
	l.Release(t.Context())
	l = acquire(t, here, "a")
	if s, ok := l.Hot(); !ok || s.Version != 8 || string(s.Blob) != "next" {
		t.Errorf("%v, %v", s, ok)
	}
	l.Keep(t.Context(), bot.State{})
	l.Release(t.Context())
	if _, ok := acquire(t, here, "a").Hot(); ok {
		t.Error("a dropped copy is there")
	}
}

func TestADeadServerCostsLittle(t *testing.T) {
	server := testserver.StartRedis(t)
	s := open(t, server)
	acquire(t, s, "a").Release(t.Context())
	server.Kill(t)
	const tries = 1000
	began := time.Now()
	for range tries {
		if _, err := s.Acquire(t.Context(), "a"); err == nil || errors.Is(err, bot.ErrBusy) {
			t.Fatalf("a dead server answers %v", err)
		}
	}
	// A ratio, not a speed: the default settings take 1.7 s for each.
	if each := time.Since(began) / tries; each > 100*time.Millisecond {
		t.Errorf("each try takes %v", each)
	}
	server.Start(t)
	for deadline := time.Now().Add(30 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		if l, err := s.Acquire(t.Context(), "a"); err == nil {
			l.Release(t.Context())
			return
		}
		if time.Now().After(deadline) {
			t.Fatal("the server came back and nobody noticed")
		}
	}
}

func TestBadAddresses(t *testing.T) {
	for _, address := range []string{"", "http://x", "redis://:s3cret@host:port"} {
		if _, err := redis.Open(address, secret); err == nil || fmt.Sprint(err) != "redis: not a redis:// address" {
			t.Errorf("%q: %v", address, err)
		}
	}
}

// TestOrderOverTwoEngines has two engines on one store and one Redis answer the
// messages of a few residents, while Redis dies and comes back.
func TestOrderOverTwoEngines(t *testing.T) {
	server := testserver.StartRedis(t)
	store := bottest.NewStore(nil)
	const residents, each = 5, 60
	var answered atomic.Int64
	all := make(chan struct{})
	var mu sync.Mutex
	engines := make([]*bot.Engine, 2)
	for i := range engines {
		var err error
		engines[i], err = bot.New(bot.Config{
			Store: store, Sessions: open(t, server), Words: words{}, Understand: func(string) understand.Result { return understand.Result{} },
			Flows: []bot.Flow{counting{}}, Home: counting{}, Formats: map[bot.ChannelID]bot.ChannelFormat{"chat": {Inline: true}},
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	ctx, stop := context.WithCancel(t.Context())
	var running sync.WaitGroup
	for _, e := range engines {
		running.Go(func() { e.Recover(ctx) })
	}
	order := make(map[int][]string)
	var phones sync.WaitGroup
	for resident := range residents {
		phones.Go(func() {
			for n := range each {
				m := bot.Message{ID: fmt.Sprint(resident, "-", n), Channel: "chat", Peer: "p", Subject: fmt.Sprint("tel:", resident), Text: "x"}
				texts, err := engines[(resident+n)%2].Converse(ctx, m)
				if err != nil {
					t.Error(err)
					return
				}
				mu.Lock()
				order[resident] = append(order[resident], texts[0].Body)
				mu.Unlock()
				if answered.Add(1) == residents*each/2 {
					close(all)
				}
			}
		})
	}
	<-all
	server.Kill(t)
	server.Start(t)
	phones.Wait()
	stop()
	running.Wait()
	for resident, got := range order {
		for n, body := range got {
			if want := fmt.Sprint("count", map[string]any{"n": n + 1}); body != want {
				t.Fatalf("resident %d: answer %d is %s, want %s", resident, n, body, want)
			}
		}
	}
}

type words struct{}

func (words) Text(_, key, _ string, data map[string]any) (string, error) {
	if len(data) == 0 {
		return key, nil
	}
	return fmt.Sprint(key, data), nil
}

// counting answers with how many messages it has had.
type counting struct{}

func (counting) Name() string           { return "counting" }
func (counting) Revision() int          { return 1 }
func (counting) Topics() []bot.Topic    { return nil }
func (counting) Knows(string) bool      { return true }
func (counting) Expects(*bot.Turn) bool { return true }
func (counting) Handle(_ context.Context, t *bot.Turn) error {
	var n int
	if err := t.Recall(&n); err != nil {
		return err
	}
	t.Say(bot.Reply{Key: "count", Data: bot.Data{"n": n + 1}})
	return t.Remember(n + 1)
}

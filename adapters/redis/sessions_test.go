package redis_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
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

func open(t *testing.T, url string) *redis.Sessions {
	t.Helper()
	s, err := redis.Open(url, secret)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	// Whom the sentinels name, and who has which part of a cluster, has to be
	// asked for first.
	awaitTrue(t, "it answers", func() bool { return s.Ping(t.Context()) == nil })
	return s
}

func awaitTrue(t *testing.T, what string, is func() bool) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); !is(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("never true: ", what)
		}
	}
}

func acquire(t *testing.T, s *redis.Sessions, id bot.ResidentID) bot.Lease {
	t.Helper()
	l, err := s.Acquire(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// TestSessions has each kind of Redis do what bot.Sessions promises.
func TestSessions(t *testing.T) {
	t.Run("one server", func(t *testing.T) {
		server := testserver.StartRedis(t)
		suite(t, server.URL(), "one server", func(t testing.TB) { server.Kill(t); server.Start(t) })
	})
	t.Run("sentinels", func(t *testing.T) {
		sentinels := testserver.StartSentinels(t)
		suite(t, sentinels.URL(), "the master that sentinels name", sentinels.KillMaster)
	})
	t.Run("cluster", func(t *testing.T) {
		cluster := testserver.StartRedisCluster(t)
		t.Run("AResidentIsOnOneNode", func(t *testing.T) { aResidentIsOnOneNode(t, cluster) })
		suite(t, cluster.URL(), "a cluster", func(t testing.TB) {
			for _, master := range cluster.Masters[1:] {
				master.Kill(t)
				master.Start(t)
			}
			cluster.Await(t)
		})
	})
}

// suite runs on the Redis at url, which disturb takes away and brings back.
func suite(t *testing.T, url, form string, disturb func(t testing.TB)) {
	if got := open(t, url).Form(); got != form {
		t.Errorf("it is %s", got)
	}
	t.Run("OneHolderAtATime", func(t *testing.T) { oneHolderAtATime(t, url) })
	t.Run("TheHotCopy", func(t *testing.T) { theHotCopy(t, url) })
	t.Run("WhoComesTooLateIsHeard", func(t *testing.T) { whoComesTooLateIsHeard(t, url) })
	t.Run("OrderOverTwoEngines", func(t *testing.T) { orderOverTwoEngines(t, url, disturb) })
	// Whatever happened in between, it holds again.
	t.Run("OneHolderAfterwards", func(t *testing.T) { oneHolderAtATime(t, url) })
	t.Run("TheHotCopyAfterwards", func(t *testing.T) { theHotCopy(t, url) })
}

func resident(t *testing.T, name string) bot.ResidentID { return bot.ResidentID(t.Name() + name) }

func oneHolderAtATime(t *testing.T, url string) {
	a, b := resident(t, "a"), resident(t, "b")
	here, there := open(t, url), open(t, url)
	l := acquire(t, here, a)
	if _, err := there.Acquire(t.Context(), a); !errors.Is(err, bot.ErrBusy) {
		t.Errorf("a second holder gets %v", err)
	}
	acquire(t, there, b).Release(t.Context())
	l.Release(t.Context())
	next := acquire(t, there, a)
	l.Release(t.Context()) // no longer ours to give
	if _, err := here.Acquire(t.Context(), a); !errors.Is(err, bot.ErrBusy) {
		t.Errorf("somebody else's lease was given back: %v", err)
	}
	next.Release(t.Context())
}

func theHotCopy(t *testing.T, url string) {
	a := resident(t, "a")
	here, there := open(t, url), open(t, url)
	l := acquire(t, here, a)
	if _, ok := l.Hot(); ok {
		t.Error("there is a copy of a stranger")
	}
	l.Keep(t.Context(), bot.State{Version: 7, Blob: []byte("state")})
	l.Release(t.Context())

	l.Keep(t.Context(), bot.State{Version: 9})
	l.Release(t.Context()) // without the lease: drops the copy
	l = acquire(t, there, a)
	if _, ok := l.Hot(); ok {
		t.Error("a copy was kept without the lease")
	}
	l.Keep(t.Context(), bot.State{Version: 8, Blob: []byte("next")})
	l.Release(t.Context())
	l = acquire(t, here, a)
	if s, ok := l.Hot(); !ok || s.Version != 8 || string(s.Blob) != "next" {
		t.Errorf("%v, %v", s, ok)
	}
	l.Keep(t.Context(), bot.State{})
	l.Release(t.Context())
	if _, ok := acquire(t, here, a).Hot(); ok {
		t.Error("a dropped copy is there")
	}
}

// aResidentIsOnOneNode looks into the nodes: the keys of one resident are on
// one of them, whose scripts can so use both, and the residents on all.
func aResidentIsOnOneNode(t *testing.T, cluster *testserver.RedisCluster) {
	s := open(t, cluster.URL())
	const residents = 60
	for n := range residents {
		l := acquire(t, s, bot.ResidentID(fmt.Sprint("spread", n)))
		l.Keep(t.Context(), bot.State{Version: 1, Blob: []byte("state")})
		l.Release(t.Context())
		acquire(t, s, bot.ResidentID(fmt.Sprint("spread", n)))
	}
	together := 0
	for node, keys := range cluster.Keys(t) {
		of := map[string]int{}
		for _, key := range keys {
			_, tag, _ := strings.Cut(key, "{")
			tag, _, _ = strings.Cut(tag, "}")
			of[tag]++
		}
		for tag, n := range of {
			if n == 2 && strings.HasPrefix(tag, "spread") {
				together++
			}
		}
		if len(of) == 0 {
			t.Errorf("node %d has nobody", node)
		}
	}
	if together != residents {
		t.Errorf("the lease and the state of %d of %d residents are on one node", together, residents)
	}
}

// whoComesTooLateIsHeard: he relies on the holder's second look.
func whoComesTooLateIsHeard(t *testing.T, url string) {
	a, b := resident(t, "a"), resident(t, "b")
	here, there := open(t, url), open(t, url)
	l := acquire(t, here, a)
	if _, err := there.Acquire(t.Context(), a); !errors.Is(err, bot.ErrBusy) {
		t.Fatal(err)
	}
	if acquire(t, there, b).Release(t.Context()) {
		t.Error("nobody asked for b")
	}
	if !l.Release(t.Context()) {
		t.Error("somebody asked for a, and the holder is not told")
	}
	l = acquire(t, there, a)
	if l.Release(t.Context()) {
		t.Error("the holder is told of who asked the one before")
	}
	if !l.Release(t.Context()) {
		t.Error("who has lost the lease cannot know whether somebody asked")
	}
}

func TestWithoutAnAnswerSomebodyMayHaveAsked(t *testing.T) {
	server := testserver.StartRedis(t)
	l := acquire(t, open(t, server.URL()), "a")
	server.Kill(t)
	if !l.Release(t.Context()) {
		t.Error("nobody can know that")
	}
}

func TestADeadServerCostsLittle(t *testing.T) {
	server := testserver.StartRedis(t)
	s := open(t, server.URL())
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

// orderOverTwoEngines has two engines on one store and one Redis answer the
// messages of a few residents, while Redis goes and comes back, and after that.
func orderOverTwoEngines(t *testing.T, url string, disturb func(t testing.TB)) {
	store := bottest.NewStore(nil)
	const residents, each = 5, 60
	var answered atomic.Int64
	disturbed := make(chan struct{})
	all := make(chan struct{})
	var mu sync.Mutex
	sessions := open(t, url)
	engines := make([]*bot.Engine, 2)
	for i := range engines {
		var err error
		engines[i], err = bot.New(bot.Config{
			Store: store, Sessions: open(t, url), Words: words{}, Understand: func(string) understand.Result { return understand.Result{} },
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
				if n == each*3/4 {
					<-disturbed
				}
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
	disturb(t)
	awaitTrue(t, "Redis is back", func() bool { return sessions.Ping(t.Context()) == nil })
	close(disturbed)
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

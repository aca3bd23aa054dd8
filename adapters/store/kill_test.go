package store_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"tabe/adapters/database"
	"tabe/adapters/store"
	"tabe/adapters/testserver"
	"tabe/bot"
	"tabe/bot/understand"
)

const (
	killResidents = 40
	killMessages  = 50 // of each resident
	killEvery     = 150
)

// The variables that turn this test program into the process that is killed.
const (
	childDatabase = "TABE_KILL_DATABASE"
	childProvider = "TABE_KILL_PROVIDER"
	childLife     = "TABE_KILL_LIFE"
)

func TestMain(m *testing.M) {
	if os.Getenv(childDatabase) == "" {
		os.Exit(m.Run())
	}
	if err := serveUntilKilled(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// TestKill delivers 2,000 messages to a process that is killed again and again
// in the middle of it, and asks the provider what it was given to send: each
// message that was acknowledged is answered, in its order, from a state that
// each message changed once.
func TestKill(t *testing.T) {
	if testing.Short() {
		t.Skip("takes some seconds")
	}
	testserver.DatabaseURLs(t, func(t *testing.T, newURL func(testing.TB) string) {
		url := newURL(t)
		p := &providerDouble{sent: make(map[string][]answer)}
		server := httptest.NewServer(p)
		defer server.Close()
		c := &victim{t: t, database: url, provider: server.URL}
		defer c.kill()
		c.start()

		acked := make(chan struct{}, killResidents*killMessages)
		var phones sync.WaitGroup
		for r := range killResidents {
			phones.Go(func() {
				for n := range killMessages {
					c.deliver(r, n)
					acked <- struct{}{}
					if rand.IntN(10) == 0 {
						c.deliver(r, rand.IntN(n+1)) // once more, as providers do
					}
				}
			})
		}
		lives := 1
		next := killEvery
		for n := 1; n <= killResidents*killMessages; n++ {
			<-acked
			if n == next {
				time.Sleep(rand.N(20 * time.Millisecond)) // at any instruction
				c.kill()
				c.start()
				lives++
				next += killEvery/2 + rand.IntN(killEvery)
			}
		}
		phones.Wait()
		p.await(t)
		c.stop()
		t.Logf("%d lives, %d sends for %d answers", lives, p.count.Load(), killResidents*killMessages)
		for r := range killResidents {
			p.check(t, subject(r))
		}
		checkDatabase(t, url)
	})
}

func subject(r int) string { return fmt.Sprintf("tel:+62811000%05d", r) }

func checkDatabase(t *testing.T, url string) {
	db := testserver.OpenDatabase(t, url)
	q, err := newStore(t, db, time.Now).Queues(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	unsent := int64(0)
	for _, queue := range q.Unsent {
		unsent += queue.Count
	}
	if q.Unanswered.Count != 0 || unsent != 0 || q.Dead != 0 {
		t.Errorf("at the end there are %d unanswered, %d unsent, %d dead", q.Unanswered.Count, unsent, q.Dead)
	}
	var journal, states, turns int64
	if err := db.QueryRow(t.Context(), "select (select count(*) from journal), count(*), sum(version) from residents").Scan(&journal, &states, &turns); err != nil {
		t.Fatal(err)
	}
	const all = killResidents * killMessages
	if journal != all || states != killResidents || turns != all {
		t.Errorf("%d messages, %d residents, %d turns", journal, states, turns)
	}
	if db.Dialect == database.SQLite {
		var health string
		if err := db.QueryRow(t.Context(), "pragma integrity_check").Scan(&health); err != nil || health != "ok" {
			t.Errorf("the file is damaged: %s, %v", health, err)
		}
	}
}

// answer is what the provider is given to send.
type answer struct {
	Peer string
	Body string // "<count> <text>", "<count> more"
}

// providerDouble takes messages, seldom refuses one, and remembers the others.
type providerDouble struct {
	count atomic.Int64

	mu   sync.Mutex
	sent map[string][]answer
}

func (p *providerDouble) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var a answer
	if err := json.NewDecoder(r.Body).Decode(&a); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	if rand.IntN(400) == 0 {
		w.WriteHeader(http.StatusServiceUnavailable)
		return
	}
	p.mu.Lock()
	p.sent[a.Peer] = append(p.sent[a.Peer], a)
	p.mu.Unlock()
	_, _ = fmt.Fprint(w, "id-", p.count.Add(1))
}

// await waits until the last answer of every resident has come.
func (p *providerDouble) await(t *testing.T) {
	t.Helper()
	last := fmt.Sprint(killMessages, " more")
	for deadline := time.Now().Add(2 * time.Minute); ; time.Sleep(20 * time.Millisecond) {
		waiting := 0
		p.mu.Lock()
		for r := range killResidents {
			if !slices.ContainsFunc(p.sent[subject(r)], func(a answer) bool { return a.Body == last }) {
				waiting++
			}
		}
		p.mu.Unlock()
		if waiting == 0 {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("%d residents still wait for an answer", waiting)
		}
	}
}

// check looks at what one resident was sent: a crash may repeat what was sent
// last, and nothing else.
func (p *providerDouble) check(t *testing.T, peer string) {
	var want []string
	for n := range killMessages {
		want = append(want, fmt.Sprintf("%d text %d", n+1, n))
		if hasMore(n + 1) {
			want = append(want, fmt.Sprint(n+1, " more"))
		}
	}
	var got []string
	for _, a := range p.sent[peer] {
		if len(got) == 0 || got[len(got)-1] != a.Body {
			got = append(got, a.Body)
		}
	}
	if !slices.Equal(got, want) {
		t.Errorf("%s was sent %q", peer, got)
	}
}

// hasMore tells which answers have two parts.
func hasMore(count int) bool { return count%5 == 0 }

// victim is the process that is killed.
type victim struct {
	t        *testing.T
	database string
	provider string
	lives    int

	cmd   *exec.Cmd
	stdin io.Closer

	mu      sync.Mutex
	address string
}

func (c *victim) start() {
	c.t.Helper()
	c.lives++
	self, err := os.Executable()
	if err != nil {
		c.t.Fatal(err)
	}
	c.cmd = exec.Command(self)
	c.cmd.Env = append(os.Environ(), childDatabase+"="+c.database, childProvider+"="+c.provider, childLife+"="+strconv.Itoa(c.lives))
	c.cmd.Stderr = os.Stderr
	if c.stdin, err = c.cmd.StdinPipe(); err != nil {
		c.t.Fatal(err)
	}
	stdout, err := c.cmd.StdoutPipe()
	if err != nil {
		c.t.Fatal(err)
	}
	if err := c.cmd.Start(); err != nil {
		c.t.Fatal(err)
	}
	address, err := bufio.NewReader(stdout).ReadString('\n')
	if err != nil {
		c.t.Fatal("the process did not start: ", err)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.address = strings.TrimSpace(address)
}

func (c *victim) kill() {
	_ = c.cmd.Process.Kill() // SIGKILL; fails only if it is dead
	_ = c.cmd.Wait()
}

// stop ends the process in peace.
func (c *victim) stop() {
	c.t.Helper()
	_ = c.stdin.Close()
	if err := c.cmd.Wait(); err != nil {
		c.t.Error("the process did not end well: ", err)
	}
}

// deliver hands over a message until it is acknowledged, as a provider does.
func (c *victim) deliver(r, n int) {
	body, _ := json.Marshal(bot.Message{
		ID: fmt.Sprint(r, "-", n), Channel: "sms", Peer: subject(r), Subject: subject(r), At: time.Now(), Text: fmt.Sprint("text ", n),
	})
	for {
		c.mu.Lock()
		address := c.address
		c.mu.Unlock()
		resp, err := http.Post(address, "application/json", bytes.NewReader(body))
		if err == nil {
			_ = resp.Body.Close()
			if resp.StatusCode == http.StatusNoContent {
				return
			}
		}
		time.Sleep(10 * time.Millisecond) // it is dead; the next one comes
	}
}

// serveUntilKilled is the process: a channel, the engine, the store, the sender.
func serveUntilKilled() error {
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	db, err := database.Open(ctx, os.Getenv(childDatabase))
	if err != nil {
		return err
	}
	// Each life begins when the claims of the one before have ended.
	life, _ := strconv.Atoi(os.Getenv(childLife))
	clock := func() time.Time { return time.Now().Add(time.Duration(life) * time.Minute) }
	log := slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelError}))
	s, err := store.New(db, secret, clock)
	if err != nil {
		return err
	}
	sender := bot.NewSender(s, clock, log, channelDouble{})
	engine, err := bot.New(bot.Config{
		Store: s, Words: plainWords{}, Understand: func(string) understand.Result { return understand.Result{} },
		Flows: []bot.Flow{countingFlow{}}, Home: countingFlow{}, Deliver: sender.Push, Clock: clock, Log: log,
	})
	if err != nil {
		return err
	}
	var running sync.WaitGroup
	running.Go(func() { sender.Run(ctx) })
	running.Go(func() { engine.Recover(ctx) })
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var m bot.Message
		if err := json.NewDecoder(r.Body).Decode(&m); err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
		} else if err := engine.Receive(r.Context(), m); err != nil {
			http.Error(w, err.Error(), http.StatusServiceUnavailable)
		} else {
			w.WriteHeader(http.StatusNoContent)
		}
	})}
	go server.Serve(listener)
	fmt.Println("http://" + listener.Addr().String())

	_, _ = io.Copy(io.Discard, os.Stdin) // until the parent closes it, or is gone
	_ = server.Close()
	err = engine.Close(context.Background())
	stop()
	running.Wait()
	return errors.Join(err, db.Close())
}

// channelDouble sends by HTTP to the provider.
type channelDouble struct{}

func (channelDouble) ID() bot.ChannelID { return "sms" }

func (channelDouble) Send(ctx context.Context, o bot.Outbound) (string, error) {
	body, err := json.Marshal(answer{Peer: o.Peer, Body: o.Text.Body})
	if err != nil {
		return "", err
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, os.Getenv(childProvider), bytes.NewReader(body))
	if err != nil {
		return "", err
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	id, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK {
		return "", &bot.SendError{Code: resp.Status, Err: err}
	}
	return string(id), nil
}

type plainWords struct{}

func (plainWords) Text(_, key, _ string, data map[string]any) (string, error) {
	if key == "count" {
		return fmt.Sprint(data["n"], " ", data["text"]), nil
	}
	return key, nil
}

// countingFlow answers each message with how many there have been.
type countingFlow struct{}

func (countingFlow) Name() string           { return "counting" }
func (countingFlow) Revision() int          { return 1 }
func (countingFlow) Topics() []bot.Topic    { return nil }
func (countingFlow) Knows(string) bool      { return true }
func (countingFlow) Expects(*bot.Turn) bool { return true }
func (countingFlow) Handle(_ context.Context, t *bot.Turn) error {
	var n int
	if err := t.Recall(&n); err != nil {
		return err
	}
	n++
	t.Say(bot.Reply{Key: "count", Data: bot.Data{"n": n, "text": t.Text}})
	if hasMore(n) {
		t.Say(bot.Reply{Key: "count", Data: bot.Data{"n": n, "text": "more"}})
	}
	return t.Remember(n)
}

package main

import (
	"cmp"
	"context"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"os/signal"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"tabe/adapters/database"
)

// asChild makes this test binary be tabe itself.
const asChild = "TABE_TEST_IS_TABE"

func TestMain(m *testing.M) {
	if os.Getenv(asChild) != "" {
		ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
		defer stop()
		os.Exit(run(ctx, os.Args[1:], streams{os.Stdin, os.Stdout, os.Stderr, os.Getenv}))
	}
	os.Exit(m.Run())
}

// TestKillNine kills tabe serve at random moments while 2,000 messages come in,
// and starts it again each time. Twilio, played by the test, repeats what was
// not acknowledged and counts what it is told to send. In the end every message
// has changed the state exactly once and every reply has left at least once.
func TestKillNine(t *testing.T) {
	if testing.Short() {
		t.Skip("takes most of a minute: what a dead process had claimed is free again after 30 seconds")
	}
	const residents, each, kills = 200, 10, 12
	sentTo := newCounter()
	provider := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		sentTo.add(r.FormValue("To"))
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusCreated)
		fmt.Fprintf(w, `{"sid":"SM%032d","status":"queued"}`, rand.Uint64())
	}))
	defer provider.Close()

	dir := t.TempDir()
	if _, errs, code := tabe(t, nil, "", "import", "pbb", samples, "--data", dir); code != 0 {
		t.Fatalf("exit %d: %s", code, errs)
	}
	tabeServe := &child{t: t, dir: dir, addr: freeAddr(t), provider: provider.URL}

	var acknowledged, done atomic.Int64
	var clients sync.WaitGroup
	for resident := range residents {
		clients.Go(func() {
			from := fmt.Sprintf("+62811000%05d", resident)
			for n := range each {
				tabeServe.deliver(from, fmt.Sprintf("SM%d-%d", resident, n), []string{"menu", "berapa pbb saya", "terima kasih"}[n%3])
				acknowledged.Add(1)
			}
			done.Add(1)
		})
	}
	for n := range kills {
		tabeServe.start()
		// Let some more messages through, then strike at any instruction.
		for next := min(acknowledged.Load()+rand.Int64N(residents*each/kills)+1, residents*each); acknowledged.Load() < next; {
			time.Sleep(time.Millisecond)
		}
		tabeServe.kill()
		t.Logf("kill %d after %d of %d messages", n+1, acknowledged.Load(), residents*each)
	}
	tabeServe.start()
	clients.Wait()

	db, err := database.Open(t.Context(), embedded(dir))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	count := counts(t, db)
	deadline := time.Now().Add(2 * time.Minute)
	for count(`select count(*) from journal where answered is not null`) < residents*each || count(`select count(*) from outbox where status = 'queued'`) > 0 {
		if time.Now().After(deadline) {
			t.Fatal("not everything was answered and sent")
		}
		time.Sleep(50 * time.Millisecond)
	}
	tabeServe.stop()

	if n := count(`select count(*) from journal`); n != residents*each {
		t.Errorf("%d messages in the journal, %d were acknowledged", n, residents*each)
	}
	if n := count(`select sum(version) from residents`); n != residents*each {
		t.Errorf("the state has moved %d times for %d messages", n, residents*each)
	}
	if n := count(`select count(*) from outbox where status <> 'sent'`); n != 0 {
		t.Errorf("%d replies were not sent", n)
	}
	replies := count(`select count(*) from outbox`)
	if replies != residents*each {
		t.Errorf("%d replies to %d messages", replies, residents*each)
	}
	for resident := range residents {
		if n := sentTo.get(fmt.Sprintf("+62811000%05d", resident)); n < each {
			t.Errorf("resident %d was sent %d of %d replies", resident, n, each)
		}
	}
	t.Logf("%d messages, %d kills: %d replies, %d sent more than once", residents*each, kills, replies, int64(sentTo.total())-replies)
}

// child is tabe serve in a process of its own.
type child struct {
	t                   *testing.T
	program             string // empty: this version
	dir, addr, provider string
	env                 []string // more of it
	process             *exec.Cmd
}

const (
	childToken  = "token"
	childPublic = "https://tabe.example"
	childSID    = "AC00000000000000000000000000000000"
)

func (c *child) start() {
	c.t.Helper()
	c.process = exec.Command(cmp.Or(c.program, os.Args[0]), "serve", "--data", c.dir)
	c.process.Env = append(os.Environ(), asChild+"=1", "TABE_SECRET_KEY="+goodKey, "TABE_ADDR="+c.addr, "TABE_PUBLIC_URL="+childPublic,
		"TABE_TWILIO_ACCOUNT_SID="+childSID, "TABE_TWILIO_AUTH_TOKEN="+childToken, "TABE_TWILIO_SMS_FROM=+6281100000400", "TABE_TWILIO_API_URL="+c.provider)
	c.process.Env = append(c.process.Env, c.env...)
	var errs strings.Builder
	c.process.Stderr = &errs
	if err := c.process.Start(); err != nil {
		c.t.Fatal(err)
	}
	for deadline := time.Now().Add(30 * time.Second); ; time.Sleep(5 * time.Millisecond) {
		resp, err := http.Get("http://" + c.addr + "/healthz")
		if err == nil {
			_ = resp.Body.Close()
			return
		}
		if time.Now().After(deadline) {
			c.t.Fatalf("tabe serve does not come up: %s", errs.String())
		}
	}
}

func (c *child) kill() {
	_ = c.process.Process.Kill()
	_ = c.process.Wait()
}

// stop ends the child as systemd does.
func (c *child) stop() {
	c.t.Helper()
	if err := c.process.Process.Signal(syscall.SIGTERM); err != nil {
		c.t.Fatal(err)
	}
	if err := c.process.Wait(); err != nil {
		c.t.Errorf("tabe serve ended with %v", err)
	}
}

// deliver repeats one message until it is acknowledged.
func (c *child) deliver(from, id, body string) { deliver(c.t, []string{c.addr}, from, id, body) }

// tell sends one message once. It tells whether it was acknowledged.
func (c *child) tell(from, id, body string) bool { return tell(c.t, c.addr, from, id, body) }

// deliver repeats one message, each time to any of the nodes at addrs, until it
// is acknowledged.
func deliver(t *testing.T, addrs []string, from, id, body string) {
	for !tell(t, addrs[rand.IntN(len(addrs))], from, id, body) {
		time.Sleep(time.Duration(5+rand.IntN(20)) * time.Millisecond)
	}
}

func tell(t *testing.T, addr, from, id, body string) bool {
	form := url.Values{"AccountSid": {childSID}, "MessageSid": {id}, "From": {from}, "To": {"+6281100000400"}, "Body": {body}, "NumMedia": {"0"}}
	req, err := http.NewRequest(http.MethodPost, "http://"+addr+"/channels/twilio", strings.NewReader(form.Encode()))
	if err != nil {
		t.Error(err)
		return true // it will not get better
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("X-Twilio-Signature", sign(childPublic+"/channels/twilio", form, childToken))
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return false
	}
	_ = resp.Body.Close()
	return resp.StatusCode < 300
}

func freeAddr(t testing.TB) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// counter counts by name.
type counter struct {
	mu sync.Mutex
	n  map[string]int
}

func newCounter() *counter { return &counter{n: map[string]int{}} }

func (c *counter) add(name string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.n[name]++
}

func (c *counter) get(name string) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.n[name]
}

func (c *counter) total() (n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, each := range c.n {
		n += each
	}
	return n
}

// counts returns what a question for one number is asked by.
func counts(t *testing.T, db *database.DB) func(query string) int64 {
	return func(query string) (n int64) {
		t.Helper()
		if err := db.QueryRow(t.Context(), query).Scan(&n); err != nil {
			t.Fatal(err)
		}
		return n
	}
}

package offices_test

import (
	"context"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"tabe/adapters/offices"
	"tabe/flows/kantor"
)

var _ kantor.Sites = (*offices.Watch)(nil)

// clock is a time of day that only moves when told to.
type clock struct{ now atomic.Int64 }

func (c *clock) Now() time.Time          { return time.Unix(0, c.now.Load()) }
func (c *clock) advance(d time.Duration) { c.now.Add(int64(d)) }

// start serves all names by their host name over plain HTTP.
func start(t *testing.T, handler http.HandlerFunc) *http.Client {
	t.Helper()
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	client := offices.NewClient()
	client.Timeout = 2 * time.Second
	client.Transport = &http.Transport{DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, network, server.Listener.Addr().String())
	}}
	t.Cleanup(client.CloseIdleConnections)
	return client
}

func watch(t *testing.T, c *clock, client *http.Client, hosts ...string) *offices.Watch {
	return offices.New(offices.Config{
		Hosts: hosts, Every: time.Minute, Clock: c.Now, Client: client,
		Log: slog.New(slog.NewTextHandler(t.Output(), nil)),
	})
}

func TestSites(t *testing.T) {
	var broken atomic.Bool
	stop := make(chan struct{})
	client := start(t, func(w http.ResponseWriter, r *http.Request) {
		switch r.Host {
		case "old":
			if r.Method == http.MethodHead {
				w.WriteHeader(http.StatusMethodNotAllowed)
			}
		case "forbidden":
			w.WriteHeader(http.StatusForbidden)
		case "circle":
			http.Redirect(w, r, "/", http.StatusFound)
		case "broken":
			if broken.Load() {
				w.WriteHeader(http.StatusInternalServerError)
			}
		case "hangs":
			select {
			case <-stop:
			case <-r.Context().Done():
			}
		}
	})
	defer close(stop)
	c := &clock{}
	w := watch(t, c, client, "good", "old", "forbidden", "circle", "broken", "hangs")
	if _, _, known := w.Up("good"); known {
		t.Error("knows what nobody has looked at")
	}
	broken.Store(true)
	w.Look(t.Context())
	for host, want := range map[string]bool{"good": true, "old": true, "forbidden": true, "circle": true, "broken": false, "hangs": false} {
		if up, _, known := w.Up(host); up != want || !known {
			t.Errorf("%s: up %t, known %t", host, up, known)
		}
	}
	broken.Store(false)
	w.Look(t.Context())
	if up, _, _ := w.Up("broken"); !up {
		t.Error("a site that is back is still down")
	}
	if _, _, known := w.Up("another"); known {
		t.Error("knows a site that is not on the list")
	}
	c.advance(time.Hour)
	if _, _, known := w.Up("good"); known {
		t.Error("an old answer still counts")
	}
}

func TestNobodyAtThatName(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := listener.Addr().String()
	listener.Close()
	w := watch(t, &clock{}, offices.NewClient(), addr)
	w.Look(t.Context())
	if up, _, known := w.Up(addr); up || !known {
		t.Errorf("up %t, known %t", up, known)
	}
}

// Up must never wait: a resident is waiting for the answer.
func TestUpDoesNotWaitForALook(t *testing.T) {
	asked, stop := make(chan struct{}), make(chan struct{})
	var once sync.Once
	client := start(t, func(_ http.ResponseWriter, r *http.Request) {
		once.Do(func() { close(asked) })
		select {
		case <-stop:
		case <-r.Context().Done():
		}
	})
	w := watch(t, &clock{}, client, "slow")
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() { w.Run(ctx); close(ended) }()
	<-asked
	if _, _, known := w.Up("slow"); known {
		t.Error("known before it answered")
	}
	cancel()
	<-ended
	close(stop)
	if _, _, known := w.Up("slow"); known {
		t.Error("a look that was cut short counts as an answer")
	}
}

func TestOffByDefault(t *testing.T) {
	w := offices.New(offices.Config{Hosts: kantor.DefaultData().Sites(), Every: kantor.DefaultData().CheckEvery()})
	w.Run(t.Context()) // returns at once
}

// Package offices looks now and then whether the sites of the regency's offices
// answer, so that a resident is not sent to one that does not.
package offices

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"sync"
	"time"
)

// Watch knows which sites answered when they were last asked. It implements
// kantor.Sites and is safe for concurrent use.
type Watch struct {
	hosts  []string
	every  time.Duration
	client *http.Client
	clock  func() time.Time
	log    *slog.Logger

	mu   sync.RWMutex
	seen map[string]answer
}

type answer struct {
	up bool
	at time.Time
}

// Config of a Watch.
type Config struct {
	Hosts  []string
	Every  time.Duration // between two looks at a site; 0: never look
	Clock  func() time.Time
	Log    *slog.Logger
	Client *http.Client // nil: over the internet, see NewClient
}

const (
	// timeout is for one site, and together how many are asked at once: the
	// regency's line is thin.
	timeout  = 10 * time.Second
	together = 4
	// forget is after how many missed looks an answer means nothing any more.
	forget = 3
	// maxBody is how much of a page is read before the connection is closed.
	maxBody = 1 << 10
)

// New returns a Watch that has not looked yet.
func New(c Config) *Watch {
	if c.Client == nil {
		c.Client = NewClient()
	}
	return &Watch{hosts: c.Hosts, every: c.Every, client: c.Client, clock: c.Clock, log: c.Log, seen: make(map[string]answer)}
}

// NewClient returns a client that gives up after some seconds, and follows few
// redirections: to a parked domain or a login they lead as well.
func NewClient() *http.Client {
	return &http.Client{Timeout: timeout, CheckRedirect: func(_ *http.Request, via []*http.Request) error {
		if len(via) >= 3 {
			return http.ErrUseLastResponse
		}
		return nil
	}}
}

// Up implements kantor.Sites.
func (w *Watch) Up(host string) (up bool, at time.Time, known bool) {
	w.mu.RLock()
	a, ok := w.seen[host]
	w.mu.RUnlock()
	if !ok || w.clock().Sub(a.at) > forget*w.every {
		return false, time.Time{}, false
	}
	return a.up, a.at, true
}

// Run looks at all sites, and again after the time set, until ctx ends. It
// returns at once if it is never to look.
func (w *Watch) Run(ctx context.Context) {
	if w.every <= 0 {
		return
	}
	tick := time.NewTicker(w.every)
	defer tick.Stop()
	for {
		w.Look(ctx)
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}

// Look asks every site once.
func (w *Watch) Look(ctx context.Context) {
	var wg sync.WaitGroup
	slots := make(chan struct{}, together)
	for _, host := range w.hosts {
		slots <- struct{}{}
		wg.Go(func() {
			defer func() { <-slots }()
			err := w.ask(ctx, host)
			if ctx.Err() != nil {
				return
			}
			w.note(host, err)
		})
	}
	wg.Wait()
}

// note writes down an answer, and logs when it is another one than before.
func (w *Watch) note(host string, err error) {
	now := answer{up: err == nil, at: w.clock()}
	w.mu.Lock()
	before, known := w.seen[host]
	w.seen[host] = now
	w.mu.Unlock()
	if known && before.up != now.up {
		w.log.Info("the site of an office changed", "host", host, "up", now.up, "err", err)
	}
}

// ask returns nil if a site answers. That it wants a password or does not know
// the page is an answer; that it fails inside is none. Residents type the bare
// name, for which telephones try both ways.
func (w *Watch) ask(ctx context.Context, host string) error {
	err := w.request(ctx, http.MethodHead, "https://"+host+"/")
	if err != nil && ctx.Err() == nil {
		err = w.request(ctx, http.MethodHead, "http://"+host+"/")
	}
	return err
}

func (w *Watch) request(ctx context.Context, method, url string) error {
	req, err := http.NewRequestWithContext(ctx, method, url, nil)
	if err != nil {
		return err
	}
	req.Header.Set("User-Agent", "Tabe (pemeriksaan situs Pemkab Soppeng)")
	res, err := w.client.Do(req)
	if err != nil {
		return err
	}
	_, err = io.Copy(io.Discard, io.LimitReader(res.Body, maxBody))
	err = errors.Join(err, res.Body.Close())
	switch {
	case method == http.MethodHead && (res.StatusCode == http.StatusMethodNotAllowed || res.StatusCode >= 500):
		return w.request(ctx, http.MethodGet, url) // some servers only know GET
	case res.StatusCode >= 500:
		return fmt.Errorf("offices: status %d", res.StatusCode)
	}
	return err
}

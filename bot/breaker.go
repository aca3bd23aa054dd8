package bot

import (
	"maps"
	"slices"
	"sync"
	"time"
)

const (
	breakAfter = 10               // failures in a row that may pass
	probeEvery = 15 * time.Second // while the breaker is open
)

// breaker stops what has failed from being tried again over a channel that
// fails every time, so that its rows keep their attempts for when it works.
// A text that was never tried always passes: the answer to an emergency is not
// held back by the failures of others, and its success closes the breaker.
type breaker struct {
	mu       sync.Mutex
	failures int // in a row
	probe    time.Time
	code     string // of the last failure; empty after a success
}

// room tells how many of at most n rows may be claimed now.
func (b *breaker) room(now time.Time, n int) int {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch {
	case b.failures < breakAfter:
		return n
	case now.Before(b.probe):
		return 0
	}
	b.probe = now.Add(probeEvery)
	return 1
}

// answered notes that the provider took or refused a text for good: it works.
func (b *breaker) answered() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.failures, b.code = 0, ""
}

// failed notes a failure that may pass.
func (b *breaker) failed(now time.Time, code string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.code = code
	if b.failures++; b.failures == breakAfter {
		b.probe = now.Add(probeEvery)
	}
}

// Line is how one channel is doing, as this process sees it.
type Line struct {
	Channel  ChannelID
	Open     bool   // the breaker is: only probes and new texts are tried
	Failures int    // in a row
	Code     string // of the last failure; empty after a success
	Jobs     int    // handed to the workers and not begun
}

// Lines tells how every channel is doing, in the order of their names.
func (s *Sender) Lines() []Line {
	var all []Line
	for _, id := range slices.Sorted(maps.Keys(s.lines)) {
		l := s.lines[id]
		l.breaker.mu.Lock()
		all = append(all, Line{id, l.breaker.failures >= breakAfter, l.breaker.failures, l.breaker.code, len(l.jobs)})
		l.breaker.mu.Unlock()
	}
	return all
}

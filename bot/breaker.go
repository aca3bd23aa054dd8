package bot

import (
	"slices"
	"sync"
	"time"
)

const (
	breakAfter = 3                // residents in a row whose messages failed
	probeEvery = 15 * time.Second // while the breaker is open
)

// breaker keeps what is not urgent from being tried over a channel that fails
// for everybody, so that it does not stand in the way of what is, and keeps its
// attempts for when the channel works. One resident to whom nothing can be
// delivered does not open it.
type breaker struct {
	mu     sync.Mutex
	failed []ResidentID // different ones, since the last success; at most breakAfter
	since  time.Time    // of the first of them
	code   string       // of the last failure
	probe  time.Time    // when the next message is tried while it is open
}

// room tells how many of at most n messages may be tried now.
func (b *breaker) room(now time.Time, n int) int {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch {
	case n <= 0 || !b.isOpen():
		return n
	case now.Before(b.probe):
		return 0
	}
	b.probe = now.Add(probeEvery)
	return 1
}

// open tells whether only a probe may pass.
func (b *breaker) open() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.isOpen()
}

func (b *breaker) isOpen() bool { return len(b.failed) == breakAfter }

// works notes that the provider took a message, or refused it for good. It
// reports whether the breaker was open.
func (b *breaker) works() (wasOpen bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	wasOpen = b.isOpen()
	b.failed, b.code = b.failed[:0], ""
	return wasOpen
}

// fails notes a failure that may pass, and reports whether it opens the breaker.
func (b *breaker) fails(now time.Time, id ResidentID, code string) (opens bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.code = code
	if b.isOpen() || slices.Contains(b.failed, id) {
		return false
	}
	if len(b.failed) == 0 {
		b.since = now
	}
	b.failed = append(b.failed, id)
	b.probe = now.Add(probeEvery)
	return b.isOpen()
}

// Outage is a channel that fails for everybody, as this process sees it.
type Outage struct {
	Channel ChannelID
	Since   time.Time
	Code    string // of the last failure; see SendError.Code
}

// outage returns the state of an open breaker.
func (b *breaker) outage(c ChannelID) (o Outage, open bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return Outage{Channel: c, Since: b.since, Code: b.code}, b.isOpen()
}

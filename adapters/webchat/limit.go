package webchat

import (
	"net/netip"
	"sync"
	"time"
)

// limiter lets each network send so much and no more. It is of one process:
// with several, a network may send as many times as much.
type limiter struct {
	clock func() time.Time

	mu    sync.Mutex
	seen  map[netip.Prefix]*bucket
	swept time.Time
}

type bucket struct {
	left float64
	at   time.Time
}

// A network may send burst messages at once and perSecond of them after that:
// a school behind one address, not a program.
const (
	burst      = 60
	perSecond  = 1.0
	forgetTime = 10 * time.Minute
)

// allows takes one message of a caller.
func (l *limiter) allows(caller netip.Addr) bool {
	bits := 32
	if caller.Is6() && !caller.Is4In6() {
		bits = 64 // one customer's
	}
	network, err := caller.Unmap().Prefix(min(bits, caller.Unmap().BitLen()))
	if err != nil {
		return false
	}
	now := l.clock()
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.seen == nil || now.Sub(l.swept) > forgetTime {
		l.sweep(now)
	}
	b := l.seen[network]
	if b == nil {
		b = &bucket{left: burst, at: now}
		l.seen[network] = b
	}
	b.left = min(burst, b.left+perSecond*now.Sub(b.at).Seconds())
	b.at = now
	if b.left < 1 {
		return false
	}
	b.left--
	return true
}

func (l *limiter) sweep(now time.Time) {
	next := make(map[netip.Prefix]*bucket)
	for network, b := range l.seen {
		if now.Sub(b.at) < forgetTime {
			next[network] = b
		}
	}
	l.seen, l.swept = next, now
}

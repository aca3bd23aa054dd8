package open311

import (
	"net"
	"net/http"
	"strings"
	"sync"
	"time"
)

// limiter lets everybody do something at most so often. It forgets all when it
// knows too many, which only lets some through early.
type limiter struct {
	perSecond, atOnce float64

	mu      sync.Mutex
	buckets map[string]bucket
}

type bucket struct {
	left float64
	at   time.Time
}

// maxBuckets bounds the memory of a limiter.
const maxBuckets = 10_000

func newLimiter(perSecond, atOnce float64) *limiter {
	return &limiter{perSecond: perSecond, atOnce: atOnce, buckets: make(map[string]bucket)}
}

func (l *limiter) allow(who string, now time.Time) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	b, known := l.buckets[who]
	if !known {
		if len(l.buckets) >= maxBuckets {
			clear(l.buckets)
		}
		b = bucket{l.atOnce, now}
	}
	b.left = min(l.atOnce, b.left+max(0, now.Sub(b.at).Seconds())*l.perSecond)
	b.at = now
	ok := b.left >= 1
	if ok {
		b.left--
	}
	l.buckets[who] = b
	return ok
}

// address is who asks: the other end of the connection or, if that is a proxy
// on this machine, whom the proxy says it asks for.
func address(r *http.Request) string {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return r.RemoteAddr
	}
	if ip := net.ParseIP(host); ip == nil || !ip.IsLoopback() {
		return host
	}
	passed := r.Header.Get("X-Forwarded-For")
	if ip := net.ParseIP(strings.TrimSpace(passed[strings.LastIndexByte(passed, ',')+1:])); ip != nil {
		return ip.String()
	}
	return host
}

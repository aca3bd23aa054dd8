package redis

import (
	"sync/atomic"
	"time"
)

// pause is how long Redis is left alone after it did not answer.
const pause = time.Second

// breaker makes a dead Redis cheap: after a failure nobody waits for it, and
// once in every pause one request finds out whether it is back. The zero value
// lets everything through.
type breaker struct {
	until atomic.Int64 // no request before this Unix time in nanoseconds; 0: all is well
}

func (b *breaker) allows(now time.Time) bool {
	until := b.until.Load()
	if until == 0 {
		return true
	}
	return now.UnixNano() >= until && b.until.CompareAndSwap(until, now.Add(pause).UnixNano())
}

func (b *breaker) open(now time.Time) { b.until.Store(now.Add(pause).UnixNano()) }

// close is called after every success, so it writes only where it must.
func (b *breaker) close() {
	if b.until.Load() != 0 {
		b.until.Store(0)
	}
}

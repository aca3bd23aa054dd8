package bot

import (
	"sync/atomic"
	"time"

	"golang.org/x/time/rate"
)

// line is the way out over one channel.
type line struct {
	channel Channel
	jobs    chan job
	urgent  chan job
	wake    chan struct{}
	waiting atomic.Bool // somebody's reply waits behind one that is being sent
	breaker breaker
	limit   *rate.Limiter
}

// job is what one worker sends in a row.
type job struct {
	rows []Outbound
	// claimed from the outbox, which gives only the oldest of each resident:
	// others may be due once it is sent.
	claimed bool
	until   time.Time // to be begun before; afterwards others may claim the rows
}

// How many jobs may wait for a worker. What is above waits for the end of its lease.
const (
	backlog       = 16 << 10
	urgentBacklog = 1 << 10
)

func newLine(c Channel) *line {
	return &line{
		channel: c, jobs: make(chan job, backlog), urgent: make(chan job, urgentBacklog), wake: make(chan struct{}, 1),
		limit: rate.NewLimiter(rate.Inf, 0),
	}
}

// way is where a job waits for a worker.
func (l *line) way(urgent bool) chan job {
	if urgent {
		return l.urgent
	}
	return l.jobs
}

// tokens tells how many messages the limit allows now.
func (l *line) tokens() int {
	if l.limit.Limit() == rate.Inf {
		return sendWorkers
	}
	return max(0, int(l.limit.Tokens()))
}

// poke has the outbox looked at.
func (l *line) poke() {
	select {
	case l.wake <- struct{}{}:
	default:
	}
}

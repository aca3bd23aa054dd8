package bot

import (
	"context"
	"errors"
	"log/slog"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"
)

// Channel carries messages out to residents. Receiving is its own affair: it
// calls Engine.Receive.
type Channel interface {
	ID() ChannelID
	// Send hands one text to the provider and returns the provider's id of
	// it. A failure should be a *SendError; any other error is tried again.
	Send(ctx context.Context, o Outbound) (providerID string, err error)
}

// SendError is a failed attempt to send.
type SendError struct {
	Permanent  bool          // trying again is useless: no such number, blocked, refused
	RetryAfter time.Duration // the provider's own wish, 0 if it has none
	Code       string        // short and free of personal data: goes to logs and dead letters
	Err        error         // for the debugger; never logged
}

func (e *SendError) Error() string { return "send: " + e.Code }
func (e *SendError) Unwrap() error { return e.Err }

const (
	sendLease   = 30 * time.Second
	sendTimeout = 20 * time.Second // well inside the lease
	pollEvery   = time.Second
	firstRetry  = 2 * time.Second
	lastRetry   = 10 * time.Minute
	maxAttempts = 150 // about a day at lastRetry
	sendWorkers = 32  // per channel
)

// Sender empties the outbox. What Push gives it leaves at once; everything
// else, after a failure or a crash, is claimed from the outbox when it is due.
type Sender struct {
	outbox Outbox
	clock  func() time.Time
	log    *slog.Logger
	lines  map[ChannelID]*line

	observe func(Attempted)
}

// line is the way out over one channel.
type line struct {
	channel Channel
	jobs    chan job
	wake    chan struct{}
	waiting atomic.Bool // somebody's reply waits behind one that is being sent
}

// job is what one worker sends in a row.
type job struct {
	rows []Outbound
	// claimed from the outbox, which gives only the oldest of each resident:
	// others may be due once it is sent.
	claimed bool
}

// NewSender returns a Sender for the given channels.
func NewSender(outbox Outbox, clock func() time.Time, log *slog.Logger, channels ...Channel) *Sender {
	s := &Sender{outbox: outbox, clock: clock, log: log, lines: make(map[ChannelID]*line), observe: func(Attempted) {}}
	for _, c := range channels {
		s.lines[c.ID()] = &line{channel: c, jobs: make(chan job, 1024), wake: make(chan struct{}, 1)}
	}
	return s
}

// Observe has observe told of every attempt to send. It must return at once.
// Call it before Run.
func (s *Sender) Observe(observe func(Attempted)) { s.observe = observe }

// Push sends rows, already claimed and all of one resident, in their order.
// waiting tells that more rows of theirs must follow. It never blocks: what
// finds no place is claimed again when its lease ends.
func (s *Sender) Push(c ChannelID, rows []Outbound, waiting bool) {
	l := s.lines[c]
	if l == nil {
		return // the channel is off; its messages stay queued
	}
	if waiting {
		l.waiting.Store(true)
	}
	if len(rows) == 0 {
		l.poke()
		return
	}
	select {
	case l.jobs <- job{rows: rows}:
	default:
	}
}

// Run sends until ctx ends, and returns when the last attempt under way has ended.
func (s *Sender) Run(ctx context.Context) {
	var wg sync.WaitGroup
	for _, l := range s.lines {
		for range sendWorkers {
			wg.Go(func() {
				for {
					select {
					case j := <-l.jobs:
						s.send(ctx, l, j)
					case <-ctx.Done():
						return
					}
				}
			})
		}
		wg.Go(func() { s.poll(ctx, l) })
	}
	wg.Wait()
}

// poll claims what is due, at intervals and when poked.
func (s *Sender) poll(ctx context.Context, l *line) {
	tick := time.NewTicker(pollEvery)
	defer tick.Stop()
	for {
		rows, err := s.outbox.Claim(ctx, l.channel.ID(), sendLease, sendWorkers)
		if err != nil && ctx.Err() == nil {
			s.log.Error("cannot read the outbox", "channel", l.channel.ID(), "err", err)
		}
		for i := range rows {
			select {
			case l.jobs <- job{rows[i : i+1], true}:
			case <-ctx.Done():
				return
			}
		}
		if len(rows) == sendWorkers {
			continue
		}
		select {
		case <-tick.C:
		case <-l.wake:
		case <-ctx.Done():
			return
		}
	}
}

func (l *line) poke() {
	select {
	case l.wake <- struct{}{}:
	default:
	}
}

// send tries the rows of a job one after the other. When one has to be tried again later,
// those behind it go back too: order matters more than speed.
func (s *Sender) send(ctx context.Context, l *line, j job) {
	for i, o := range j.rows {
		if ok := s.attempt(ctx, l, o); !ok {
			for _, rest := range j.rows[i+1:] {
				s.report(s.outbox.Retry(context.WithoutCancel(ctx), rest.ID, s.clock(), "waits"))
			}
			break
		}
	}
	if l.waiting.Swap(false) || j.claimed {
		l.poke()
	}
}

// attempt reports whether the next message may follow.
func (s *Sender) attempt(ctx context.Context, l *line, o Outbound) bool {
	// Whatever happens to the process's context, the outcome is written down.
	store := context.WithoutCancel(ctx)
	sending, cancel := context.WithTimeout(store, sendTimeout)
	defer cancel()
	begun := time.Now()
	id, err := l.channel.Send(sending, o)
	told := Attempted{Channel: o.Channel, Result: Went, Took: time.Since(begun), Queued: o.Attempt > 0}
	defer func() { s.observe(told) }()
	if err == nil {
		s.report(s.outbox.Sent(store, o.ID, id))
		return true
	}
	failed := &SendError{Code: "unknown", Err: err}
	errors.As(err, &failed)
	if failed.Permanent || o.Attempt+1 >= maxAttempts {
		told.Result = Buried
		s.log.Warn("message given up", "channel", o.Channel, "id", o.ID, "code", failed.Code)
		s.report(s.outbox.Bury(store, o.ID, failed.Code))
		return true
	}
	told.Result = Deferred
	wait := max(backoff(o.Attempt), failed.RetryAfter)
	s.log.Info("message will be tried again", "channel", o.Channel, "id", o.ID, "code", failed.Code, "in", wait.Round(time.Second))
	s.report(s.outbox.Retry(store, o.ID, s.clock().Add(wait), failed.Code))
	return false
}

// report logs a failure to write down an outcome. The lease then ends by
// itself and the message is tried again: it may go out twice, never not at all.
func (s *Sender) report(err error) {
	if err != nil {
		s.log.Error("cannot write to the outbox", "err", err)
	}
}

// backoff doubles from firstRetry to lastRetry, each time shortened by up to
// half at random, so that a provider that comes back is not stormed.
func backoff(attempt int) time.Duration {
	d := lastRetry
	if attempt < 16 {
		d = min(lastRetry, firstRetry<<attempt)
	}
	return d/2 + rand.N(d/2)
}

package bot

import (
	"context"
	"errors"
	"log/slog"
	"maps"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"golang.org/x/time/rate"
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
	OptedOut   bool          // beside Permanent: he wants no more of us, or has blocked us
	Code       string        // short and free of personal data: goes to logs and dead letters
	Err        error         // for the debugger; never logged
}

func (e *SendError) Error() string { return "send: " + e.Code }
func (e *SendError) Unwrap() error { return e.Err }

const (
	sendLease   = 30 * time.Second
	sendTimeout = 20 * time.Second // well inside the lease
	// patience is how long a claimed message may wait until its turn comes:
	// later than that the attempt could outlast the lease.
	patience     = sendLease - sendTimeout - time.Second
	pollEvery    = time.Second
	claimTimeout = 5 * time.Second
	firstRetry   = 2 * time.Second
	lastRetry    = 10 * time.Minute
	maxAttempts  = 150 // about a day at lastRetry
	// What is urgent is never put off for long: the next page of the same post
	// stands behind it.
	lastUrgentRetry   = 15 * time.Second
	maxUrgentAttempts = 7500 // about a day at lastUrgentRetry
	sendWorkers       = 64   // per channel
	urgentWorkers     = 8    // besides them, for nothing else

	// farewell is how long what was claimed is still sent after the end.
	farewell = 4 * time.Second
)

// Sender empties the outbox. What Push gives it leaves at once; everything
// else, after a failure or a crash, is claimed from the outbox when it is due.
//
// What is urgent (see Urgent) has its own way: it is claimed first, has workers
// of its own, and waits for no breaker and no limit.
type Sender struct {
	outbox Outbox
	clock  func() time.Time
	log    *slog.Logger
	lines  map[ChannelID]*line

	observe  func(Attempted)
	price    func(Outbound) (segments int, cost Rupiah)
	optedOut func(context.Context, Outbound)
}

// NewSender returns a Sender for the given channels.
func NewSender(outbox Outbox, clock func() time.Time, log *slog.Logger, channels ...Channel) *Sender {
	s := &Sender{
		outbox: outbox, clock: clock, log: log, lines: make(map[ChannelID]*line),
		observe: func(Attempted) {}, price: func(Outbound) (int, Rupiah) { return 0, 0 },
		optedOut: func(context.Context, Outbound) {},
	}
	for _, c := range channels {
		s.lines[c.ID()] = newLine(c)
	}
	return s
}

// Observe has observe told of every attempt to send. It must return at once.
// Call it before Run.
func (s *Sender) Observe(observe func(Attempted)) { s.observe = observe }

// Price has price tell what a message costs that was sent. It must return at
// once. Call it before Run.
func (s *Sender) Price(price func(Outbound) (segments int, cost Rupiah)) { s.price = price }

// Limit lets not more than perSecond messages leave by a channel, urgent ones
// excepted. Call it before Run.
func (s *Sender) Limit(c ChannelID, perSecond float64) {
	if l := s.lines[c]; l != nil {
		l.limit = rate.NewLimiter(rate.Limit(perSecond), max(1, int(perSecond)))
	}
}

// Outages returns the channels that fail for everybody, in the order of their names.
func (s *Sender) Outages() (all []Outage) {
	for _, c := range slices.Sorted(maps.Keys(s.lines)) {
		if o, open := s.lines[c].breaker.outage(c); open {
			all = append(all, o)
		}
	}
	return all
}

// OnOptOut has tell called, after it was buried, for a message that the provider
// refused because the resident wants no more of us. Call it before Run.
func (s *Sender) OnOptOut(tell func(context.Context, Outbound)) { s.optedOut = tell }

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
	case l.way(rows[0].Urgent) <- job{rows: rows, until: time.Now().Add(patience)}:
	default:
	}
}

// Run sends until ctx ends, and then for a moment what it has claimed by then:
// nobody else would before the lease ends. It returns when the last attempt
// under way has ended.
func (s *Sender) Run(ctx context.Context) {
	var polls, workers sync.WaitGroup
	last := make(chan struct{}) // closed when nothing more is claimed
	leaving, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	for _, l := range s.lines {
		polls.Go(func() { s.poll(ctx, l) })
		for range urgentWorkers {
			workers.Go(func() { s.work(leaving, l, nil, last) })
		}
		for range sendWorkers {
			workers.Go(func() { s.work(leaving, l, l.jobs, last) })
		}
	}
	polls.Wait()
	close(last)
	defer time.AfterFunc(farewell, stop).Stop()
	workers.Wait()
}

// work sends urgent jobs and, if there are none, others, until last is closed,
// and then what is left until leaving ends.
func (s *Sender) work(leaving context.Context, l *line, others <-chan job, last <-chan struct{}) {
	for leaving.Err() == nil {
		select {
		case j := <-l.urgent:
			s.send(leaving, l, j)
			continue
		default:
		}
		select {
		case j := <-l.urgent:
			s.send(leaving, l, j)
			continue
		case j := <-others:
			s.send(leaving, l, j)
			continue
		case <-last:
		}
		select {
		case j := <-l.urgent:
			s.send(leaving, l, j)
		case j := <-others:
			s.send(leaving, l, j)
		default:
			return
		}
	}
}

// poll claims what is due, at intervals and when poked.
func (s *Sender) poll(ctx context.Context, l *line) {
	tick := time.NewTicker(pollEvery)
	defer tick.Stop()
	for {
		more := s.claim(ctx, l, true, sendWorkers)
		if room := l.breaker.room(time.Now(), min(sendWorkers, l.tokens())); room > 0 {
			more = s.claim(ctx, l, false, room) && room == sendWorkers || more
		}
		if more {
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

// claim hands at most n due messages to the workers, and reports whether there
// may be more. It does not end in the middle with ctx: what was claimed would
// not be known.
func (s *Sender) claim(ctx context.Context, l *line, urgent bool, n int) (more bool) {
	if ctx.Err() != nil {
		return false
	}
	whole, cancel := context.WithTimeout(context.WithoutCancel(ctx), claimTimeout)
	defer cancel()
	rows, err := s.outbox.Claim(whole, l.channel.ID(), urgent, sendLease, n)
	if err != nil && ctx.Err() == nil {
		s.log.Error("cannot read the outbox", "channel", l.channel.ID(), "err", err)
	}
	until := time.Now().Add(patience)
	for i := range rows {
		j := job{rows[i : i+1], true, until}
		select {
		case l.way(urgent) <- j: // also after the end, if there is room
			continue
		default:
		}
		select {
		case l.way(urgent) <- j:
		case <-ctx.Done():
			return false
		}
	}
	return len(rows) == n
}

// send tries the rows of a job one after the other. When one has to be tried again later,
// those behind it go back too: order matters more than speed.
func (s *Sender) send(ctx context.Context, l *line, j job) {
	for i, o := range j.rows {
		if !s.allowed(ctx, l, j, o) {
			break // the lease ends by itself
		}
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

// allowed waits until a row may be tried. It is false when that takes longer
// than the row is ours.
func (s *Sender) allowed(ctx context.Context, l *line, j job, o Outbound) bool {
	if o.Urgent {
		l.limit.Allow() // it takes its place all the same
		return time.Now().Before(j.until)
	}
	if !j.claimed && l.breaker.open() {
		return false
	}
	place := l.limit.Reserve()
	wait := place.Delay()
	if time.Now().Add(wait).After(j.until) {
		place.Cancel()
		return false
	}
	if wait == 0 {
		return true
	}
	select {
	case <-time.After(wait):
		return true
	case <-ctx.Done():
		return false
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
	told := Attempted{ID: o.ID, Channel: o.Channel, Attempt: o.Attempt, Result: Went, Begun: begun, Took: time.Since(begun), Urgent: o.Urgent}
	defer func() { s.observe(told) }()
	if err == nil {
		s.works(l)
		told.Segments, told.Cost = s.price(o)
		s.report(s.outbox.Sent(store, o.ID, Handover{ProviderID: id, Segments: told.Segments, Cost: told.Cost}))
		return true
	}
	failed := &SendError{Code: "unknown", Err: err}
	errors.As(err, &failed)
	told.Code = failed.Code
	last, most := lastRetry, maxAttempts
	if o.Urgent {
		last, most = lastUrgentRetry, maxUrgentAttempts
	}
	if failed.Permanent || o.Attempt+1 >= most {
		if failed.Permanent {
			s.works(l)
		}
		told.Result = Buried
		s.log.Warn("message given up", "channel", o.Channel, "id", o.ID, "code", failed.Code)
		s.report(s.outbox.Bury(store, o.ID, failed.Code))
		if failed.OptedOut {
			s.optedOut(store, o)
		}
		return true
	}
	if l.breaker.fails(time.Now(), o.Resident, failed.Code) {
		s.log.Warn("channel fails for everybody: only urgent messages are tried, and a probe", "channel", o.Channel, "code", failed.Code)
	}
	told.Result = Deferred
	wait := max(backoff(o.Attempt, last), failed.RetryAfter)
	s.log.Info("message will be tried again", "channel", o.Channel, "id", o.ID, "code", failed.Code, "in", wait.Round(time.Second))
	s.report(s.outbox.Retry(store, o.ID, s.clock().Add(wait), failed.Code))
	return false
}

// works closes the breaker of a line, and has what it held back tried.
func (s *Sender) works(l *line) {
	if l.breaker.works() {
		s.log.Info("channel works again", "channel", l.channel.ID())
		l.poke()
	}
}

// report logs a failure to write down an outcome. The lease then ends by
// itself and the message is tried again: it may go out twice, never not at all.
func (s *Sender) report(err error) {
	if err != nil {
		s.log.Error("cannot write to the outbox", "err", err)
	}
}

// backoff doubles from firstRetry to last, each time shortened by up to
// half at random, so that a provider that comes back is not stormed.
func backoff(attempt int, last time.Duration) time.Duration {
	d := last
	if attempt < 16 {
		d = min(last, firstRetry<<attempt)
	}
	return d/2 + rand.N(d/2)
}

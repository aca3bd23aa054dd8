package bot

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"tabe/bot/understand"
)

// Config is what an Engine is made of. Sessions, Deliver, Clock and Log may be
// left out.
type Config struct {
	Store      Store
	Sessions   Sessions // nil: the Store alone
	Words      Words
	Understand func(text string) understand.Result
	Flows      []Flow
	Home       Flow // greets, lists the services and answers what nobody else does; one of Flows
	Formats    map[ChannelID]ChannelFormat
	Allowance  Allowance

	// Deliver is given the replies that can leave at once, and whether others
	// of the same channel wait behind them; Sender.Push.
	Deliver func(c ChannelID, rows []Outbound, waiting bool)
	// Observe is told of every turn that was committed. It must return at once.
	Observe func(Turned)
	Clock   func() time.Time
	Log     *slog.Logger
}

// Engine answers messages. Make one with New; it is safe for concurrent use.
type Engine struct {
	Config
	flows     map[string]Flow
	topics    map[understand.Intent]route
	claimants []claimant

	mu      sync.Mutex
	lanes   map[ResidentID]*lane
	waiters map[int64]chan []Text
	running sync.WaitGroup
	closed  bool
	slots   chan struct{} // of turns that somebody waits for
	rest    chan struct{} // of turns that were left behind, or are told by the clock
	alone   atomic.Bool   // the Sessions did not answer the last time
}

type claimant interface {
	Flow
	Claimant
}

type route struct {
	flow   Flow
	urgent bool
}

// lane is the resident whose messages are being answered in this process.
type lane struct {
	again bool
	hurry chan struct{} // closed when he writes while his turn waits for its place
}

// Turns that may run at once. Most of them wait for a disk flush that they
// share, so there must be many more than processors. Those that nobody waits
// for have a few places of their own: when a hundred thousand are told
// something, who reports a fire does not stand in their queue.
const (
	maxTurns = 512
	maxRest  = 64
)

// turnTimeout ends a turn whose registry or disk does not answer.
const turnTimeout = 10 * time.Second

// New checks c and returns an Engine.
func New(c Config) (*Engine, error) {
	if c.Store == nil || c.Words == nil || c.Understand == nil || c.Home == nil {
		return nil, errors.New("bot: Store, Words, Understand and Home are needed")
	}
	if c.Clock == nil {
		c.Clock = time.Now
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if c.Deliver == nil {
		c.Deliver = func(ChannelID, []Outbound, bool) {}
	}
	if c.Observe == nil {
		c.Observe = func(Turned) {}
	}
	e := &Engine{
		Config:  c,
		flows:   make(map[string]Flow),
		topics:  make(map[understand.Intent]route),
		lanes:   make(map[ResidentID]*lane),
		waiters: make(map[int64]chan []Text),
		slots:   make(chan struct{}, maxTurns),
		rest:    make(chan struct{}, maxRest),
	}
	for _, f := range c.Flows {
		if e.flows[f.Name()] != nil {
			return nil, fmt.Errorf("bot: two flows are called %s", f.Name())
		}
		e.flows[f.Name()] = f
		if c, ok := f.(claimant); ok {
			e.claimants = append(e.claimants, c)
		}
		for _, t := range f.Topics() {
			if other, taken := e.topics[t.Intent]; taken {
				return nil, fmt.Errorf("bot: flows %s and %s both answer %s", other.flow.Name(), f.Name(), t.Intent)
			}
			e.topics[t.Intent] = route{f, t.Urgent}
		}
	}
	if e.flows[c.Home.Name()] == nil {
		return nil, fmt.Errorf("bot: the home flow %s is not among the flows", c.Home.Name())
	}
	return e, nil
}

// ErrClosed is returned to a channel while the process stops: it shall answer
// its provider with an error, so that the provider tries again.
var ErrClosed = errors.New("bot: engine is closed")

// Receive takes a message from a channel whose answers go through the outbox.
// When it returns nil the message is on disk and will be answered, also after
// a crash; the channel may now say "received". A second delivery changes nothing.
func (e *Engine) Receive(ctx context.Context, m Message) error {
	entry, _, err := e.accept(ctx, m)
	if err != nil {
		return err
	}
	e.next(entry)
	return nil
}

// Converse takes a message from a channel that carries the answer back in the
// request, and returns it. A second delivery gets the same answer again.
func (e *Engine) Converse(ctx context.Context, m Message) ([]Text, error) {
	entry, fresh, err := e.accept(ctx, m)
	if err != nil {
		return nil, err
	}
	answered := make(chan []Text, 1)
	if fresh {
		e.mu.Lock()
		e.waiters[entry.Seq] = answered
		e.mu.Unlock()
		defer func() {
			e.mu.Lock()
			delete(e.waiters, entry.Seq)
			e.mu.Unlock()
		}()
	}
	e.next(entry)
	// Usually this process runs the turn and hands the answer over. If another
	// machine does, or did, the store knows.
	look := time.NewTicker(100 * time.Millisecond)
	defer look.Stop()
	for {
		if !fresh {
			texts, ok, err := e.Store.Answer(ctx, entry.Seq)
			if ok || err != nil {
				return texts, err
			}
		}
		select {
		case texts := <-answered:
			return texts, nil
		case <-look.C:
			fresh = false
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

func (e *Engine) accept(ctx context.Context, m Message) (Entry, bool, error) {
	e.mu.Lock()
	closed := e.closed
	e.mu.Unlock()
	if closed {
		return Entry{}, false, ErrClosed
	}
	if m.ID == "" || m.Channel == "" || m.Subject == "" {
		return Entry{}, false, errors.New("bot: message without id, channel or subject")
	}
	if m.At.IsZero() {
		m.At = e.Clock()
	}
	return e.Store.Accept(ctx, m.Clean())
}

// Recover answers what was accepted before a crash, or by a machine that is
// gone, and what was posted to be told by now, until ctx ends. A message counts
// as left behind after a second; if it is still being worked on, no harm is done.
func (e *Engine) Recover(ctx context.Context) {
	const leftBehind = time.Second
	before := e.Clock() // at the start nobody but us can be working on them
	for {
		ids, err := e.Store.Unanswered(ctx, before, maxTurns)
		if err != nil && ctx.Err() == nil {
			e.Log.Error("cannot look for unanswered messages", "err", err)
		}
		for _, id := range ids {
			e.wake(id, nil, e.rest)
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(leftBehind):
			before = e.Clock().Add(-leftBehind)
		}
	}
}

// Close refuses new messages and waits for the turns that have begun. What is
// not answered by then stays in the journal.
func (e *Engine) Close(ctx context.Context) error {
	e.mu.Lock()
	e.closed = true
	e.mu.Unlock()
	done := make(chan struct{})
	go func() { e.running.Wait(); close(done) }()
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Wake makes sure that somebody answers the resident's pending messages, those
// posted to him included.
func (e *Engine) Wake(id ResidentID) { e.wake(id, nil, e.slots) }

// next is Wake for a message that was just accepted.
func (e *Engine) next(entry Entry) {
	if entry.Before != nil {
		e.wake(entry.Resident, &entry, e.slots)
	} else {
		e.Wake(entry.Resident)
	}
}

// wake has the resident served by one of slots, beginning with first, if that
// is known.
func (e *Engine) wake(id ResidentID, first *Entry, slots chan struct{}) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if l := e.lanes[id]; l != nil {
		if slots == e.rest {
			return // he has his turn already; what is left then is found the next time
		}
		l.again = true
		if l.hurry != nil {
			close(l.hurry)
			l.hurry = nil
		}
		return
	}
	if e.closed {
		return
	}
	l := &lane{}
	if slots == e.rest {
		l.hurry = make(chan struct{})
	}
	e.lanes[id] = l
	e.running.Add(1)
	go e.serve(id, l, first, l.hurry)
}

// serve answers the pending messages of one resident until there are none,
// beginning with first, if that is known. Unless hurry is nil it can wait.
func (e *Engine) serve(id ResidentID, l *lane, first *Entry, hurry chan struct{}) {
	defer e.running.Done()
	var slots chan struct{}
	if hurry != nil {
		select {
		case e.rest <- struct{}{}:
			slots = e.rest
		case <-hurry:
		}
	}
	if slots == nil {
		slots = e.slots
		slots <- struct{}{}
	}
	defer func() { <-slots }()
	for {
		ok := e.drain(id, first)
		first = nil
		e.mu.Lock()
		// A message that was accepted after drain had looked set again. On
		// failure the messages stay in the journal for Recover.
		if !l.again || !ok || e.closed {
			delete(e.lanes, id)
			e.mu.Unlock()
			return
		}
		l.again = false
		e.mu.Unlock()
	}
}

// drain takes the lease and answers what is pending. It reports false if the
// rest must wait for Recover.
func (e *Engine) drain(id ResidentID, first *Entry) bool {
	ctx := context.Background()
	lease, busy := e.lease(ctx, id)
	if busy {
		// The holder looks once more after it released the lease, so it finds
		// our message; if it dies, Recover does.
		return false
	}
	defer func() {
		if lease != nil {
			lease.Release(ctx)
		}
	}()
	var state *State // nil: to be loaded
	if lease != nil {
		if hot, ok := lease.Hot(); ok && hot.Version > 0 {
			state = &hot
		}
	}
	if first != nil && (state == nil || first.Before.Version >= state.Version) {
		state = first.Before
	}
	for {
		const batch = 32
		entries := []Entry{}
		more := false
		if first != nil {
			entries = append(entries, *first)
			first = nil
		} else {
			var err error
			if entries, err = e.Store.Pending(ctx, id, batch); err != nil {
				e.Log.Error("cannot read the journal", "resident", id, "err", err)
				return false
			}
			more = len(entries) == batch
		}
		for _, entry := range entries {
			after, err := e.turn(ctx, entry, state)
			if state = &after; err != nil {
				state = nil
			}
			if lease != nil && (err == nil || errors.Is(err, ErrStale)) {
				lease.Keep(ctx, after) // nothing, if whatever was hot is wrong
			}
			switch {
			case errors.Is(err, ErrStale):
				return e.drainAgain(id)
			case err != nil:
				e.Log.Error("cannot finish a turn", "resident", id, "seq", entry.Seq, "err", err)
				return false
			}
		}
		if more {
			continue
		}
		if lease == nil {
			return true
		}
		// Somebody who found the lease taken relies on this second look.
		wanted := lease.Release(ctx)
		lease = nil
		if !wanted {
			return true
		}
		if rest, err := e.Store.Pending(ctx, id, 1); err != nil || len(rest) == 0 {
			return true
		}
		if lease, busy = e.lease(ctx, id); busy {
			return true
		}
		state = nil // somebody else may have been here
	}
}

// drainAgain asks serve for another round: the state moved under our feet.
func (e *Engine) drainAgain(id ResidentID) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	if l := e.lanes[id]; l != nil {
		l.again = true
	}
	return true
}

// lease tries for some time to become the only one to serve a resident. It
// returns a nil lease when there are no Sessions, or when they are down: then
// the version in the store keeps the order, slower.
func (e *Engine) lease(ctx context.Context, id ResidentID) (l Lease, busy bool) {
	if e.Sessions == nil {
		return nil, false
	}
	l, err := e.Sessions.Acquire(ctx, id)
	switch {
	case errors.Is(err, ErrBusy):
		return nil, true
	case err != nil:
		if !e.alone.Swap(true) { // once, not with every turn
			e.Log.Warn("sessions are down, serving from the store", "err", err)
		}
		return nil, false
	}
	if e.alone.Swap(false) {
		e.Log.Info("sessions are back")
	}
	return l, false
}

// turn answers one message, commits and returns the new state. The one before
// is loaded if it is nil.
func (e *Engine) turn(ctx context.Context, entry Entry, before *State) (after State, err error) {
	ctx, cancel := context.WithTimeout(ctx, turnTimeout)
	defer cancel()
	if before == nil {
		loaded, err := e.Store.Load(ctx, entry.Resident)
		if err != nil {
			return State{}, err
		}
		before = &loaded
	}
	begun := time.Now()
	told := Turned{Seq: entry.Seq, Channel: entry.Channel, Notice: entry.Notice != nil, Begun: begun, Waited: max(0, e.Clock().Sub(entry.Due))}
	blob, texts, effects, err := e.answer(ctx, entry, before.Blob, &told)
	if err != nil {
		return State{}, err
	}
	told.Replies, told.Thought = len(texts), time.Since(begun)
	done := Done{
		Entry: entry, Before: before.Version, State: blob,
		Replies: texts, Inline: e.Formats[entry.Channel].Inline, Urgent: told.Urgent, Effects: effects,
	}
	send, err := e.Store.Commit(ctx, done)
	if err != nil {
		return State{}, err
	}
	told.Written = time.Since(begun) - told.Thought
	e.Observe(told)
	e.mu.Lock()
	waiter := e.waiters[entry.Seq]
	e.mu.Unlock()
	if waiter != nil {
		waiter <- texts
	}
	if !done.Inline && len(texts) > 0 {
		e.Deliver(entry.Channel, send, len(send) < len(texts))
	}
	return State{Version: before.Version + 1, Blob: blob}, nil
}

// Position is where a resident stands on one channel.
type Position struct {
	Language, Flow, State string
}

// tellable leaves out of p what would tell of violence.
func (e *Engine) tellable(p Position) Position {
	if _, urgent := e.flows[p.Flow].(Urgent); urgent {
		p.State = ""
	}
	return p
}

// Position tells where the resident behind a Message.Subject stands.
func (e *Engine) Position(ctx context.Context, subject string, c ChannelID) (Position, error) {
	state, err := e.Store.Load(ctx, e.Store.ID(subject))
	if err != nil {
		return Position{}, err
	}
	resident, err := decode(state.Blob)
	if err != nil {
		return Position{}, err
	}
	conv := resident.conversation(c)
	return Position{Language: resident.Language, Flow: conv.Flow, State: conv.State}, nil
}

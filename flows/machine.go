// Package flows holds what the services have in common: the state machine that
// drives a conversation (Machine) and the words by which a service tells its
// topics apart (Cues). Each service is a package below this one.
package flows

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/looplab/fsm"

	"tabe/bot"
)

// Start is the state in which every machine begins; a conversation without a
// state is in it.
const Start = "start"

// Enter says what a state asks. It is called each time an event leads to the
// state, also when the machine was there before.
type Enter[T any] func(ctx context.Context, arg T) error

// Machine is the state machine of one flow: a table of transitions and, for
// each state, the function that asks its question. It holds no conversation,
// the state of which is kept by the caller, and is safe for concurrent use.
// T is what the functions work on.
type Machine[T any] struct {
	events fsm.Events
	enter  map[string]Enter[T]
	times  map[step]*atomic.Int64 // how often each was taken
	pool   sync.Pool              // of *fsm.FSM: building one costs ten times a transition
}

// step is one line of the table: an event in a state.
type step struct{ event, from string }

// Transition is one line of a machine's table.
type Transition struct {
	Event, From, To string
	Times           int64 // taken since the machine was made
}

// New returns the machine of a table. It panics if the table makes no sense:
// two transitions for one event and state, a state that cannot be reached, that
// nothing leads out of, or that asks nothing. The table is part of the program.
func New[T any](events fsm.Events, enter map[string]Enter[T]) *Machine[T] {
	m := &Machine[T]{events: events, enter: enter, times: make(map[step]*atomic.Int64)}
	if err := m.check(); err != nil {
		panic(err)
	}
	for _, e := range events {
		for _, from := range e.Src {
			m.times[step{e.Name, from}] = new(atomic.Int64)
		}
	}
	m.pool.New = func() any { return m.build() }
	return m
}

// turn is what travels through the library to an Enter function and back. The
// caller's context has to travel along: see Fire.
type turn[T any] struct {
	ctx context.Context
	arg T
	err error
}

func (m *Machine[T]) build() *fsm.FSM {
	return fsm.NewFSM(Start, m.events, fsm.Callbacks{
		// After the event, and not on entering the state, because the library
		// does not enter a state that it is in already.
		"after_event": func(_ context.Context, e *fsm.Event) {
			t := e.Args[0].(*turn[T])
			t.err = m.enter[e.Dst](t.ctx, t.arg)
		},
	})
}

// Fire moves from state by event, lets the new state ask its question and
// returns it. If the event means nothing in the state, or the question fails,
// it returns an error and the old state.
func (m *Machine[T]) Fire(ctx context.Context, state, event string, arg T) (next string, err error) {
	if state == "" {
		state = Start
	}
	if !m.Knows(state) {
		return state, fmt.Errorf("flows: there is no state %q", state)
	}
	if err := ctx.Err(); err != nil {
		return state, err
	}
	machine := m.pool.Get().(*fsm.FSM)
	machine.SetState(state)
	t := &turn[T]{ctx: ctx, arg: arg}
	// A context that ends inside a transition would leave the machine broken
	// for whoever takes it from the pool next.
	err = machine.Event(context.WithoutCancel(ctx), event, t)
	var stayed fsm.NoTransitionError
	if err != nil && !errors.As(err, &stayed) {
		return state, fmt.Errorf("flows: %w", err) // drops the machine
	}
	next = machine.Current()
	m.pool.Put(machine) // only after an outcome that leaves it whole
	if t.err != nil {
		return state, t.err
	}
	m.times[step{event, state}].Add(1)
	return next, nil
}

// Advance is Fire for the conversation of a turn: it stays in the new state, with
// memory, a pointer, as the question has left it.
func (m *Machine[T]) Advance(ctx context.Context, t *bot.Turn, event string, arg T, memory any) error {
	next, err := m.Fire(ctx, t.Conversation.State, event, arg)
	if err != nil {
		return err
	}
	t.Conversation.State = next
	return t.Remember(memory)
}

// Knows tells whether state is one of the machine's.
func (m *Machine[T]) Knows(state string) bool {
	return state == "" || state == Start || m.enter[state] != nil
}

// States returns the states in alphabetical order, without Start.
func (m *Machine[T]) States() []string { return slices.Sorted(maps.Keys(m.enter)) }

// Transitions returns the table, by state and event.
func (m *Machine[T]) Transitions() []Transition {
	var all []Transition
	for _, e := range m.events {
		for _, from := range e.Src {
			all = append(all, Transition{Event: e.Name, From: from, To: e.Dst, Times: m.times[step{e.Name, from}].Load()})
		}
	}
	slices.SortFunc(all, func(a, b Transition) int {
		return cmp.Or(cmp.Compare(a.From, b.From), cmp.Compare(a.Event, b.Event))
	})
	return all
}

// Events returns the events in alphabetical order.
func (m *Machine[T]) Events() []string {
	names := map[string]bool{}
	for _, e := range m.events {
		names[e.Name] = true
	}
	return slices.Sorted(maps.Keys(names))
}

// Mermaid returns the machine as a state diagram, always the same text for the
// same table.
func (m *Machine[T]) Mermaid() (string, error) {
	return fsm.VisualizeForMermaidWithGraphType(m.build(), fsm.StateDiagram)
}

// check returns what is wrong with the table.
func (m *Machine[T]) check() error {
	next := map[step]string{}
	leaves := map[string]bool{}
	var wrong []error
	for _, e := range m.events {
		if m.enter[e.Dst] == nil {
			wrong = append(wrong, fmt.Errorf("state %s asks nothing", e.Dst))
		}
		for _, state := range e.Src {
			if _, twice := next[step{e.Name, state}]; twice {
				wrong = append(wrong, fmt.Errorf("event %s leads two ways out of state %s", e.Name, state))
			}
			next[step{e.Name, state}] = e.Dst
			leaves[state] = leaves[state] || state != e.Dst
		}
	}
	reached := map[string]bool{Start: true}
	for found := true; found; {
		found = false
		for e, state := range next {
			if reached[e.from] && !reached[state] {
				reached[state], found = true, true
			}
		}
	}
	for _, state := range append(m.States(), Start) {
		if !reached[state] {
			wrong = append(wrong, fmt.Errorf("nothing leads to state %s", state))
		}
		if !leaves[state] {
			wrong = append(wrong, fmt.Errorf("nothing leads out of state %s", state))
		}
	}
	if len(wrong) > 0 {
		return fmt.Errorf("flows: %w", errors.Join(wrong...))
	}
	return nil
}

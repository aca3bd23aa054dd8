package database

import (
	"context"
	"errors"
	"iter"
	"sync"
	"sync/atomic"
)

// ErrClosed is returned by Do after Close.
var ErrClosed = errors.New("database: closed")

// maxGroup bounds how many jobs are done together, so that the first of a
// group does not wait long for the last.
const maxGroup = 256

// queue collects the jobs of many goroutines. Those that come while a group is
// being worked on are the next group.
type queue struct {
	group func(first *job)
	jobs  chan *job
	stop  chan struct{} // closed by close
	once  sync.Once
	ended chan struct{} // closed when nobody works any more
}

// job is what one caller waits for: on SQLite a function, on PostgreSQL a
// statement.
type job struct {
	fn func(*Tx) error
	statement
	taken atomic.Bool // by a worker, or by the caller who gave up
	err   error       // valid once done is closed
	done  chan struct{}
}

// newQueue returns a queue whose workers call group with the first job of each
// group. It takes the others, and closes each one's done.
func newQueue(group func(first *job)) *queue {
	return &queue{group: group, jobs: make(chan *job, 4*maxGroup), stop: make(chan struct{}), ended: make(chan struct{})}
}

func (q *queue) start(workers int) {
	var working sync.WaitGroup
	for range workers {
		working.Go(q.work)
	}
	go func() { working.Wait(); close(q.ended) }()
}

// do waits until j is done, or until ctx ends and nobody has taken it yet.
func (q *queue) do(ctx context.Context, j *job) error {
	j.done = make(chan struct{})
	select {
	case q.jobs <- j:
	case <-ctx.Done():
		return ctx.Err()
	case <-q.stop:
		return ErrClosed
	}
	select {
	case <-j.done:
		return j.err
	case <-ctx.Done():
		if j.taken.CompareAndSwap(false, true) {
			return ctx.Err()
		}
	case <-q.ended:
		if j.taken.CompareAndSwap(false, true) {
			return ErrClosed
		}
	}
	<-j.done
	return j.err
}

// close has the workers finish what has come, and waits for them.
func (q *queue) close() {
	q.once.Do(func() { close(q.stop) })
	<-q.ended
}

func (q *queue) work() {
	for {
		j := q.waiting()
		if j == nil {
			select {
			case j = <-q.jobs:
			case <-q.stop:
				return
			}
		}
		q.group(j)
	}
}

// take yields first and whatever else is waiting, except for what its caller
// gave up.
func (q *queue) take(first *job) iter.Seq[*job] {
	return func(yield func(*job) bool) {
		for j, n := first, 1; j != nil; n++ {
			if j.taken.CompareAndSwap(false, true) && !yield(j) {
				return
			}
			if j = nil; n < maxGroup {
				j = q.waiting()
			}
		}
	}
}

// waiting takes the next job if there is one.
func (q *queue) waiting() *job {
	select {
	case j := <-q.jobs:
		return j
	default:
		return nil
	}
}

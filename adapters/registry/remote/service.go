// Package remote is what the registries that answer over HTTP have in common:
// a question with its limits (Service), the reading of answers that are not
// quite JSON (Find, Text), and the last known copy of each (Copies).
//
// The interfaces of offices are slow, break often and break oddly. Nothing of
// that may hold up a resident: a look-up has less time than the turn that it
// is part of, a service that is down is left alone for a while, and what it
// said before is told instead, with its age.
//
// Neither errors nor logs carry what was asked or what came back.
package remote

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/http"
	"strconv"
	"time"

	"github.com/sony/gobreaker/v2"

	"tabe/adapters/bounded"
)

// Error tells why a service gave no answer.
type Error struct {
	Service string
	Code    string // short, of our own words: "timeout", "http 502", "not JSON" …
	Passing bool   // may be gone at once: worth another try
}

func (e *Error) Error() string { return e.Service + ": " + e.Code }

// Limits bound what a service can cost us. Zero values are the usual ones.
type Limits struct {
	LookUp time.Duration // all questions of one look-up together; 5 s
	Answer time.Duration // one answer; 3 s
	Pause  time.Duration // how long a service that is down is left alone; 20 s
	AtOnce int           // questions at the same time; 8
	Bytes  int64         // of an answer; 1 MiB
}

func (l *Limits) complete() {
	usual(&l.LookUp, 5*time.Second)
	usual(&l.Answer, 3*time.Second)
	usual(&l.Pause, 20*time.Second)
	usual(&l.AtOnce, 8)
	usual(&l.Bytes, 1<<20)
}

func usual[T ~int | ~int64](value *T, usual T) {
	if *value <= 0 {
		*value = usual
	}
}

const (
	// failures in a row after which a service counts as down.
	failures = 3
	// tries of a question, as long as its time lasts.
	tries = 2
	// enough is the time below which silence is no fault of the service: the
	// turn was nearly over when we asked.
	enough = time.Second
)

// Service asks one interface of an office. It is safe for concurrent use.
type Service struct {
	name    string
	limits  Limits
	http    *http.Client
	slots   chan struct{}
	breaker *gobreaker.TwoStepCircuitBreaker[struct{}]
	log     *slog.Logger
}

// NewService returns a Service; name is what errors and logs call it.
func NewService(name string, limits Limits, log *slog.Logger) *Service {
	limits.complete()
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.MaxIdleConnsPerHost = limits.AtOnce
	s := &Service{
		name: name, limits: limits, log: log, slots: make(chan struct{}, limits.AtOnce),
		// Where a redirection leads is nobody we would tell a password or a number.
		http: &http.Client{Transport: transport, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }},
	}
	s.breaker = gobreaker.NewTwoStepCircuitBreaker[struct{}](gobreaker.Settings{
		Timeout:     limits.Pause,
		ReadyToTrip: func(c gobreaker.Counts) bool { return c.ConsecutiveFailures >= failures },
		IsExcluded:  func(err error) bool { return errors.Is(err, errOurs) },
		OnStateChange: func(_ string, _, to gobreaker.State) {
			switch to {
			case gobreaker.StateOpen:
				log.Warn("registry is down", "registry", name, "asked_again_in", limits.Pause)
			case gobreaker.StateClosed:
				log.Info("registry is back", "registry", name)
			}
		},
	})
	return s
}

// Close drops idle connections.
func (s *Service) Close() { s.http.CloseIdleConnections() }

// Fail returns an error of this service, for answers that came and are of no use.
func (s *Service) Fail(code string) error { return s.fault(code) }

func (s *Service) fault(code string) *Error { return &Error{Service: s.name, Code: code} }

// LookUp bounds one look-up, which may ask several questions: never more than
// half of the time that ctx has left, so that even a list of silent look-ups
// leaves enough to answer the resident from copies.
func (s *Service) LookUp(ctx context.Context) (context.Context, context.CancelFunc) {
	limit := s.limits.LookUp
	if end, bounded := ctx.Deadline(); bounded {
		limit = min(limit, time.Until(end)/2)
	}
	return context.WithTimeout(ctx, limit)
}

// errOurs marks failures that say nothing about the service.
var errOurs = errors.New("not the service's fault")

// Ask asks a question and returns the object in the answer that has one of
// keys, whatever the status: these services say "already paid" with 401 and
// "success" with anything. Only questions may be asked, which can be repeated
// without harm. newRequest makes a request for each try. Errors are *Error.
func (s *Service) Ask(ctx context.Context, newRequest func(ctx context.Context) (*http.Request, error), keys ...string) (json.RawMessage, error) {
	select {
	case s.slots <- struct{}{}:
		defer func() { <-s.slots }()
	case <-ctx.Done():
		return nil, s.Fail("busy")
	}
	for try := 1; ; try++ {
		object, failed := s.once(ctx, newRequest, keys)
		if failed == nil {
			return object, nil
		}
		if failed.Code != resting && !errors.Is(ctx.Err(), context.Canceled) {
			s.log.Warn("registry does not answer", "registry", s.name, "code", failed.Code)
		}
		if !failed.Passing || try == tries || !sleep(ctx, jitter()) {
			return nil, failed
		}
	}
}

// resting is the code of a question that was not asked.
const resting = "down, left alone"

// once tries once, if the breaker lets it, and tells the breaker how it went.
func (s *Service) once(ctx context.Context, newRequest func(context.Context) (*http.Request, error), keys []string) (json.RawMessage, *Error) {
	done, err := s.breaker.Allow()
	if err != nil {
		return nil, s.fault(resting)
	}
	end, bounded := ctx.Deadline()
	hurried := bounded && time.Until(end) < enough
	asking, cancel := context.WithTimeout(ctx, s.limits.Answer)
	defer cancel()
	object, failed := s.send(asking, newRequest, keys)
	switch {
	case failed == nil:
		done(nil)
	case hurried || errors.Is(ctx.Err(), context.Canceled):
		done(errOurs)
	default:
		done(failed)
	}
	return object, failed
}

func (s *Service) send(ctx context.Context, newRequest func(context.Context) (*http.Request, error), keys []string) (json.RawMessage, *Error) {
	request, err := newRequest(ctx)
	if err != nil {
		return nil, s.fault("address") // the error itself would print it
	}
	response, err := s.http.Do(request)
	if err != nil {
		return nil, s.silence(err)
	}
	defer response.Body.Close()
	body, err := bounded.Read(response.Body, s.limits.Bytes)
	if errors.Is(err, bounded.ErrTooLarge) {
		return nil, s.fault("answer too large")
	}
	if err != nil {
		return nil, s.silence(err)
	}
	object, err := Find(body, keys...)
	switch {
	case err == nil:
		return object, nil
	case errors.Is(err, ErrCut):
		return nil, &Error{Service: s.name, Code: "answer cut off", Passing: true}
	case response.StatusCode >= 200 && response.StatusCode < 300:
		return nil, s.fault("not JSON")
	default: // a page of the web server, or of what stands before it
		return nil, &Error{Service: s.name, Code: "http " + strconv.Itoa(response.StatusCode), Passing: response.StatusCode >= 500}
	}
}

// silence is a request without a whole answer.
func (s *Service) silence(err error) *Error {
	if timeout := net.Error(nil); errors.Is(err, context.DeadlineExceeded) || errors.As(err, &timeout) && timeout.Timeout() {
		return s.fault("timeout") // asking again takes as long
	}
	return &Error{Service: s.name, Code: "network", Passing: true}
}

// jitter is the pause before another try: others try again too.
func jitter() time.Duration { return 100*time.Millisecond + rand.N(200*time.Millisecond) }

// sleep reports whether there is time left after d.
func sleep(ctx context.Context, d time.Duration) bool {
	select {
	case <-time.After(d):
		return true
	case <-ctx.Done():
		return false
	}
}

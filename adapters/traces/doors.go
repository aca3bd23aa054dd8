package traces

import (
	"context"
	"net/http"
	"strings"
	"sync"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"go.opentelemetry.io/otel/trace"

	"tabe/bot"
)

// visit is a request that may bring messages.
type visit struct {
	mu      sync.Mutex
	brought []arrival
}

type arrival struct {
	seq   int64
	fresh bool
}

func (v *visit) brings(a arrival) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.brought = append(v.brought, a)
}

type visitKey struct{}

// Doors makes each request to next the root of the messages that it brings.
// What brings none and is not refused by a fault of ours leaves no trace. The
// trace context that a caller sends is not believed: callers are strangers.
func (t *Traces) Doors(next http.Handler) http.Handler {
	if t == nil {
		return next
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		v := &visit{}
		answer := &answer{ResponseWriter: w, status: http.StatusOK}
		r = r.WithContext(context.WithValue(r.Context(), visitKey{}, v))
		begun := time.Now()
		next.ServeHTTP(answer, r)
		t.visited(v, r, answer.status, begun, time.Now())
	})
}

func (t *Traces) visited(v *visit, r *http.Request, status int, begun, ended time.Time) {
	v.mu.Lock()
	defer v.mu.Unlock()
	route := r.Pattern[strings.IndexByte(r.Pattern, ' ')+1:]
	attributes := []attribute.KeyValue{
		semconv.HTTPRequestMethodKey.String(r.Method), semconv.HTTPRoute(route), semconv.HTTPResponseStatusCode(status),
	}
	end := func(_ context.Context, span trace.Span) {
		if status >= http.StatusInternalServerError {
			span.SetStatus(codes.Error, http.StatusText(status))
		}
		span.End(trace.WithTimestamp(ended))
	}
	for _, a := range v.brought {
		if a.fresh {
			end(t.root(a.seq, r.Pattern, begun, trace.SpanKindServer, attributes...))
		} else if root, sampled := t.within(a.seq); sampled {
			end(t.start(root, r.Pattern, begun, trace.SpanKindServer, append(attributes, duplicateKey.Bool(true))...))
		}
	}
	if len(v.brought) == 0 && status >= http.StatusInternalServerError {
		end(t.start(context.Background(), r.Pattern, begun, trace.SpanKindServer, attributes...))
	}
}

// answer remembers the status of a response.
type answer struct {
	http.ResponseWriter
	status int
}

func (a *answer) WriteHeader(status int) {
	a.status = status
	a.ResponseWriter.WriteHeader(status)
}

// Unwrap is for http.ResponseController.
func (a *answer) Unwrap() http.ResponseWriter { return a.ResponseWriter }

// Journal returns next with the acceptance of messages in their traces. A
// message that came through none of the Doors (was asked for, or waited on our
// disk) has its acceptance for a root.
func (t *Traces) Journal(next bot.Store) bot.Store {
	if t == nil {
		return next
	}
	return journal{next, t}
}

type journal struct {
	bot.Store
	traces *Traces
}

// Accept implements bot.Store.
func (j journal) Accept(ctx context.Context, m bot.Message) (e bot.Entry, fresh bool, err error) {
	begun := time.Now()
	e, fresh, err = j.Store.Accept(ctx, m)
	if err == nil {
		j.traces.accepted(ctx, e, fresh, begun, time.Now())
	}
	return e, fresh, err
}

func (t *Traces) accepted(ctx context.Context, e bot.Entry, fresh bool, begun, ended time.Time) {
	v, visited := ctx.Value(visitKey{}).(*visit)
	if visited {
		v.brings(arrival{e.Seq, fresh})
	}
	root, span := t.root(e.Seq, "accept", begun, trace.SpanKindConsumer, channel(e.Channel))
	switch {
	case !span.IsRecording():
	case visited || !fresh:
		t.stage(root, "accept", begun, ended, channel(e.Channel), duplicateKey.Bool(!fresh))
	default:
		span.End(trace.WithTimestamp(ended))
	}
}

// Package traces shows in OpenTelemetry where the time of a message goes: its
// webhook, journal, turn, each attempt to send an answer, and the receipts, in one
// trace, also when other machines go on with it after a crash.
//
// Nothing travels with the message for that. The ids of its trace and of the
// span that all others hang on are a keyed hash of its position in the journal,
// which the ids of its answers contain, so whoever works on it knows them, and
// a sampler that looks at the trace id decides everywhere alike.
//
// Nothing in a trace tells of a resident: attributes are channels, routes, flows,
// states, topics and codes of results, and cases of violence are not seen apart.
package traces

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"log/slog"
	"math/rand/v2"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/sdk/resource"
	sdk "go.opentelemetry.io/otel/sdk/trace"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"go.opentelemetry.io/otel/trace"

	"tabe/adapters/seal"
)

// Traces is safe for concurrent use. A nil *Traces is off: its methods do
// nothing and return what they were given.
type Traces struct {
	key      []byte // of the ids
	provider *sdk.TracerProvider
	tracer   trace.Tracer
	exporter sdk.SpanExporter
}

// New returns traces whose ids come from secret (seal.KeyLength bytes) and which
// exporter takes away, in the background. Sampling, batches and the name of the
// service are set by OpenTelemetry's own environment. Close it.
func New(ctx context.Context, secret []byte, exporter sdk.SpanExporter, log *slog.Logger) (*Traces, error) {
	key, err := seal.Derive(secret, "trace", sha256.Size)
	if err != nil {
		return nil, err
	}
	about, err := resource.New(ctx, resource.WithAttributes(semconv.ServiceName("tabe")), resource.WithHost(), resource.WithTelemetrySDK(), resource.WithFromEnv())
	if err != nil {
		return nil, err
	}
	quiet := &quiet{SpanExporter: exporter, log: log}
	provider := sdk.NewTracerProvider(sdk.WithIDGenerator(ids{}), sdk.WithResource(about), sdk.WithBatcher(quiet))
	return &Traces{key: key, provider: provider, tracer: provider.Tracer("tabe"), exporter: quiet}, nil
}

// closeTime is how long Close waits for the collector.
const closeTime = time.Second

// Close hands over what has not left yet, if that can be done in a second.
func (t *Traces) Close() error {
	if t == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), closeTime)
	defer cancel()
	return errors.Join(t.provider.Shutdown(ctx), t.exporter.Shutdown(context.Background())) // the second ends an attempt under way
}

// identity is the trace of a message and its first span, the root.
type identity struct {
	trace trace.TraceID
	root  trace.SpanID
}

// of returns the identity of a message of the journal.
func (t *Traces) of(seq int64) (i identity) {
	mac := hmac.New(sha256.New, t.key)
	_, _ = mac.Write(binary.BigEndian.AppendUint64(nil, uint64(seq))) // a hash never fails
	sum := mac.Sum(nil)
	copy(i.trace[:], sum)
	copy(i.root[:], sum[len(i.trace):])
	return i
}

// root starts the root of a message. Whoever does gets the same one; it is
// handed over only by who ends it, and the others hang their spans on it.
func (t *Traces) root(seq int64, name string, begun time.Time, kind trace.SpanKind, attributes ...attribute.KeyValue) (context.Context, trace.Span) {
	ctx := context.WithValue(context.Background(), identityKey{}, t.of(seq))
	return t.start(ctx, name, begun, kind, attributes...)
}

// within returns the context of a message's root; sampled is false when there
// is no trace of it.
func (t *Traces) within(seq int64) (ctx context.Context, sampled bool) {
	ctx, root := t.root(seq, "", time.Time{}, trace.SpanKindInternal)
	return ctx, root.IsRecording()
}

func (t *Traces) start(ctx context.Context, name string, begun time.Time, kind trace.SpanKind, attributes ...attribute.KeyValue) (context.Context, trace.Span) {
	return t.tracer.Start(ctx, name, trace.WithTimestamp(begun), trace.WithSpanKind(kind), trace.WithAttributes(attributes...))
}

// stage notes something that took from begun to ended.
func (t *Traces) stage(ctx context.Context, name string, begun, ended time.Time, attributes ...attribute.KeyValue) {
	_, span := t.start(ctx, name, begun, trace.SpanKindInternal, attributes...)
	span.End(trace.WithTimestamp(ended))
}

type identityKey struct{}

// ids gives a root the identity in its context, and all others random ids.
type ids struct{}

// NewIDs implements sdk.IDGenerator.
func (g ids) NewIDs(ctx context.Context) (trace.TraceID, trace.SpanID) {
	if i, ok := ctx.Value(identityKey{}).(identity); ok {
		return i.trace, i.root
	}
	var id trace.TraceID
	binary.NativeEndian.PutUint64(id[:], rand.Uint64())
	binary.NativeEndian.PutUint64(id[8:], rand.Uint64())
	return id, g.NewSpanID(ctx, id)
}

// NewSpanID implements sdk.IDGenerator.
func (ids) NewSpanID(context.Context, trace.TraceID) (id trace.SpanID) {
	binary.NativeEndian.PutUint64(id[:], 1+rand.Uint64N(1<<64-1)) // 0 is none
	return id
}

package traces

import (
	"context"
	"log/slog"
	"sync/atomic"

	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	sdk "go.opentelemetry.io/otel/sdk/trace"
)

// OTLP returns the exporter to the collector that OpenTelemetry's own
// environment names (OTEL_EXPORTER_OTLP_…), over HTTP.
func OTLP(ctx context.Context) (sdk.SpanExporter, error) { return otlptracehttp.New(ctx) }

// Check asks the collector of OTLP to take nothing.
func Check(ctx context.Context) error {
	client := otlptracehttp.NewClient(otlptracehttp.WithRetry(otlptracehttp.RetryConfig{}))
	if err := client.Start(ctx); err != nil {
		return err
	}
	defer func() { _ = client.Stop(ctx) }()
	return client.UploadTraces(ctx, nil)
}

// quiet tells once that traces are lost, and once that they arrive again. The
// SDK would tell of every batch, and not in our log.
type quiet struct {
	sdk.SpanExporter
	log     *slog.Logger
	failing atomic.Bool
}

// maxError bounds what a collector can write into our log.
const maxError = 200

// ExportSpans implements sdk.SpanExporter. It never fails.
func (q *quiet) ExportSpans(ctx context.Context, spans []sdk.ReadOnlySpan) error {
	err := q.SpanExporter.ExportSpans(ctx, spans)
	if failing := err != nil; q.failing.Swap(failing) == failing {
		return nil
	}
	if err == nil {
		q.log.Info("the collector takes traces again")
		return nil
	}
	reason := err.Error()
	q.log.Warn("traces are lost, the collector does not take them", "err", reason[:min(len(reason), maxError)])
	return nil
}

package main

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strconv"
	"strings"

	"tabe/adapters/traces"
)

// The samplers that OpenTelemetry's SDK knows by name.
var samplers = []string{"", "always_on", "always_off", "traceidratio", "parentbased_always_on", "parentbased_always_off", "parentbased_traceidratio"}

// readTraces looks whether traces are wanted, and for what the SDK, which reads
// the same environment, would say to nobody or not at all.
func readTraces(e *environment) (wanted bool) {
	get := func(name string) string { return strings.TrimSpace(e.getenv(name)) }
	if strings.EqualFold(get("OTEL_SDK_DISABLED"), "true") || get("OTEL_TRACES_EXPORTER") == "none" {
		return false
	}
	for _, name := range []string{"OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"} {
		wanted = e.isAddress(name, get(name)) != "" || wanted
	}
	if !wanted {
		return false
	}
	if v := get("OTEL_TRACES_EXPORTER"); v != "" && v != "otlp" {
		e.wrong("OTEL_TRACES_EXPORTER", "is neither otlp nor none")
	}
	for _, name := range []string{"OTEL_EXPORTER_OTLP_PROTOCOL", "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL"} {
		if v := get(name); v != "" && v != "http/protobuf" {
			e.wrong(name, "is not http/protobuf")
		}
	}
	if !slices.Contains(samplers, strings.ToLower(get("OTEL_TRACES_SAMPLER"))) {
		e.wrong("OTEL_TRACES_SAMPLER", "is none of"+strings.Join(samplers, " "))
	}
	if v := get("OTEL_TRACES_SAMPLER_ARG"); v != "" {
		if ratio, err := strconv.ParseFloat(v, 64); err != nil || !(ratio >= 0 && ratio <= 1) {
			e.wrong("OTEL_TRACES_SAMPLER_ARG", "is not a share between 0 and 1")
		}
	}
	return true
}

// openTraces returns nil if none are wanted.
func (c config) openTraces(ctx context.Context, log *slog.Logger) (*traces.Traces, error) {
	if !c.traces {
		return nil, nil
	}
	exporter, err := traces.OTLP(ctx)
	if err != nil {
		return nil, fmt.Errorf("OTEL_EXPORTER_OTLP_…: %w", err)
	}
	t, err := traces.New(ctx, c.secretKey, exporter, log)
	if err != nil {
		return nil, fmt.Errorf("OTEL_…: %w", err)
	}
	return t, nil
}

package traces

import (
	"context"
	"log/slog"

	"tabe/adapters/store"
)

// Log returns the log for bot.Config and bot.NewSender: what they say of a
// message of the journal ("seq") or an outgoing one ("id") names its trace.
func (t *Traces) Log(log *slog.Logger) *slog.Logger {
	if t == nil {
		return log
	}
	return slog.New(naming{log.Handler(), t})
}

type naming struct {
	slog.Handler
	traces *Traces
}

// Handle implements slog.Handler.
func (n naming) Handle(ctx context.Context, r slog.Record) error {
	var seq int64
	r.Attrs(func(a slog.Attr) bool {
		switch {
		case a.Value.Kind() != slog.KindInt64:
		case a.Key == "seq":
			seq = a.Value.Int64()
		case a.Key == "id":
			seq = store.Answered(a.Value.Int64())
		}
		return seq == 0
	})
	if seq != 0 {
		r = r.Clone()
		r.AddAttrs(slog.String("trace_id", n.traces.of(seq).trace.String()))
	}
	return n.Handler.Handle(ctx, r)
}

// WithAttrs implements slog.Handler.
func (n naming) WithAttrs(attrs []slog.Attr) slog.Handler {
	return naming{n.Handler.WithAttrs(attrs), n.traces}
}

// WithGroup implements slog.Handler.
func (n naming) WithGroup(name string) slog.Handler {
	return naming{n.Handler.WithGroup(name), n.traces}
}

package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"runtime/debug"
	"time"
)

// Limits of every HTTP request, whatever its handler allows itself.
const (
	headerTimeout = 5 * time.Second
	readTimeout   = 15 * time.Second
	idleTimeout   = 2 * time.Minute
	maxHeader     = 16 << 10
	stopTimeout   = 9 * time.Second
)

// serveHTTP answers on listener until ctx ends, then lets requests finish.
func serveHTTP(ctx context.Context, listener net.Listener, handler http.Handler, log *slog.Logger) error {
	server := &http.Server{
		Handler: handler, ReadHeaderTimeout: headerTimeout, ReadTimeout: readTimeout, IdleTimeout: idleTimeout, MaxHeaderBytes: maxHeader,
		ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelWarn),
	}
	// Streams of events never finish by themselves.
	streams, endStreams := context.WithCancel(context.WithoutCancel(ctx))
	server.BaseContext = func(net.Listener) context.Context { return streams }
	server.RegisterOnShutdown(endStreams)
	defer endStreams()
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(listener) }()
	select {
	case err := <-ended:
		return err
	case <-ctx.Done():
	}
	stopping, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopTimeout)
	defer cancel()
	if err := server.Shutdown(stopping); err != nil {
		return server.Close()
	}
	return nil
}

// collectLess has the garbage collector run when the memory in use has grown
// fivefold and not twofold: it is so little that every run costs more than the
// room. GOGC and GOMEMLIMIT replace it.
func collectLess(getenv func(string) string) {
	const percent, limit = 400, 1 << 30
	if getenv("GOGC") == "" {
		debug.SetGCPercent(percent)
	}
	if getenv("GOMEMLIMIT") == "" {
		debug.SetMemoryLimit(limit)
	}
}

// health mounts /healthz, which tells that the process lives, /readyz, which
// tells that it can take messages: its database answers and incidents are
// being escalated, and /metrics, for who has the key if there is one.
func (a *app) health(mux *http.ServeMux, metricsKey string) {
	mux.Handle("GET /metrics", a.metrics.Handler(metricsKey))
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "ok") })
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, r *http.Request) {
		ctx, cancel := context.WithTimeout(r.Context(), 2*time.Second)
		defer cancel()
		status := map[string]string{"database": "ok"}
		code := http.StatusOK
		if err := a.db.Ping(ctx); err != nil {
			status["database"], code = "down", http.StatusServiceUnavailable
		}
		status["emergencies"] = "ok"
		if a.center.Health() != nil { // by completed work, not by being there
			status["emergencies"], code = "down", http.StatusServiceUnavailable
		}
		if a.sessions != nil {
			status["redis"] = "ok"
			if err := a.sessions.Ping(ctx); err != nil {
				status["redis"] = "down" // slower, not out of service
			}
		}
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(code)
		_ = json.NewEncoder(w).Encode(status)
	})
}

// together runs every function until one fails or ctx ends, and returns what
// went wrong.
func together(ctx context.Context, functions ...func(context.Context) error) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	results := make(chan error)
	for _, f := range functions {
		go func() { results <- f(ctx) }()
	}
	var problems []error
	for range functions {
		if err := <-results; err != nil && !errors.Is(err, context.Canceled) && !errors.Is(err, http.ErrServerClosed) {
			problems = append(problems, err)
		}
		stop()
	}
	return errors.Join(problems...)
}

package console

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"tabe/adapters/scc/audit"
	"tabe/adapters/scc/operators"
)

// Limits of a stream of events. The script says that the line is down when it
// has heard nothing for 25 s.
const (
	heartbeat = 10 * time.Second
	recheck   = time.Minute // of the session behind a stream
	replay    = 500         // events in one go
	maxStream = 256         // streams at once: each asks the database twice a second
)

// event is what a console is told: that something happened. What exactly, the
// page asks for, with the rights of its session.
type event struct {
	Kind     string `json:"kind"`
	Incident string `json:"incident,omitempty"`
}

// events streams the audit. The stream ends with the session.
func (s *Console) events(w http.ResponseWriter, r *request) error {
	last, err := s.lastSeen(r)
	if err != nil {
		return err
	}
	if s.streams.Add(1) > maxStream {
		s.streams.Add(-1)
		return refusal{status: http.StatusServiceUnavailable, key: "slow"}
	}
	defer s.streams.Add(-1)
	stream := http.NewResponseController(w)
	_ = stream.SetWriteDeadline(time.Time{}) // no end; a server that has no deadlines is as good
	_ = stream.SetReadDeadline(time.Time{})
	w.Header().Set("Content-Type", "text/event-stream")
	w.Header().Set("X-Accel-Buffering", "no") // a proxy would keep the events to itself
	if _, err := fmt.Fprintf(w, "retry: 2000\n\n"); err != nil {
		return nil
	}
	if err := s.beat(w); err != nil {
		return nil
	}
	// One goroutine waits for events, so that the beat can go on beside it.
	ctx := r.Context()
	arrived := make(chan error, 1)
	wait := func() { seq := last; go func() { arrived <- s.Stream.Wait(ctx, seq) }() }
	wait()
	beat, check := time.NewTicker(heartbeat), time.NewTicker(recheck)
	defer beat.Stop()
	defer check.Stop()
	for {
		if err := stream.Flush(); err != nil {
			return nil
		}
		select {
		case err := <-arrived:
			if err != nil {
				return nil // the browser comes back and asks for what it has not seen
			}
			if last, err = s.replay(w, r, last); err != nil {
				return nil
			}
			wait()
		case <-beat.C:
			if err := s.beat(w); err != nil {
				return nil
			}
		case <-check.C:
			if _, err := s.Accounts.Session(ctx, r.token); err != nil {
				return nil
			}
		case <-ctx.Done():
			return nil
		}
	}
}

// beat is a sign of life with the server's clock. It is an event, because a
// browser does not show comments to the script; without an id, because it is
// nothing to resume after.
func (s *Console) beat(w http.ResponseWriter) error {
	_, err := fmt.Fprintf(w, "event: beat\ndata: %d\n\n", s.Clock().UnixMilli())
	return err
}

// lastSeen is the event after which a stream begins: the one that a browser that
// comes back has seen, the one that its page was made at, or the newest.
func (s *Console) lastSeen(r *request) (int64, error) {
	id := r.Header.Get("Last-Event-ID")
	if id == "" {
		id = r.URL.Query().Get("after")
	}
	if id == "" {
		return s.Stream.Head(r.Context())
	}
	seq, err := strconv.ParseInt(id, 10, 64)
	if err != nil {
		return 0, refusal{status: http.StatusBadRequest, key: "bad_form"}
	}
	return seq, nil
}

func (s *Console) replay(w http.ResponseWriter, r *request, last int64) (int64, error) {
	events, err := s.Stream.Since(r.Context(), last, replay)
	for _, e := range events {
		last = e.Seq
		if !mayHear(r.session.Operator, e) {
			continue
		}
		data, err := json.Marshal(event{e.Kind, e.Incident})
		if err != nil {
			return last, err
		}
		if _, err := fmt.Fprintf(w, "id: %d\ndata: %s\n\n", e.Seq, data); err != nil {
			return last, err
		}
	}
	return last, err
}

// mayHear keeps from an admin what is not his: what happens to incidents. The
// others hear that something happened; pages show them what they may see.
func mayHear(o operators.Operator, e audit.Event) bool {
	return e.Incident == "" || o.Is(operators.Dispatcher, operators.Supervisor, operators.Agency, operators.P2TP2A, operators.Auditor)
}

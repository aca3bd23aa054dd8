package console

import (
	"context"
	"net/http"
	"strings"

	"tabe/adapters/scc"
)

// Shift knows which consoles would be heard; *scc.Center does.
type Shift interface {
	Beat(ctx context.Context, console, operator string, armed bool) error
	Consoles(ctx context.Context) ([]scc.Console, error)
}

// alarm is the sign of life of a browser tab, every ten seconds: would its
// alarm be heard?
func (s *Console) alarm(w http.ResponseWriter, r *request) error {
	console := r.PostForm.Get("console")
	if len(console) != 32 || strings.Trim(console, "0123456789abcdef") != "" {
		return refusal{status: http.StatusBadRequest, key: "bad_form"}
	}
	// Only who works on incidents counts as somebody who hears them.
	armed := r.PostForm.Get("armed") == "1" && r.session.Operator.Is(watchers...)
	// Nobody can disarm the console of another one by guessing its name.
	if err := s.Shift.Beat(r.Context(), r.actor()+"|"+console, r.actor(), armed); err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

// shiftPage shows who is at the center.
func (s *Console) shiftPage(w http.ResponseWriter, r *request) error {
	consoles, err := s.Shift.Consoles(r.Context())
	if err != nil {
		return err
	}
	return s.show(w, r, "shift", consoles)
}

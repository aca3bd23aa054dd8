package console

import (
	"sync"
	"time"

	"tabe/adapters/database"
)

// record writes an act of the operator into the stream of events.
func (s *Console) record(r *request, kind, incident, body string) error {
	return s.DB.Do(r.Context(), func(tx *database.Tx) error {
		_, err := s.Stream.Append(tx, s.Clock(), r.actor(), kind, incident, body)
		return err
	})
}

// refreshing is the header by which the script says that a page is open already
// and only brought up to date.
const refreshing = "X-Refresh"

// looks remembers who has lately looked at what: an open page asks again every
// few seconds, and that is one look.
type looks struct {
	mu   sync.Mutex
	last map[string]time.Time
}

// Limits of what looks remembers.
const (
	sameLook = 10 * time.Minute
	maxLooks = 10_000
)

// fresh tells whether key was not looked at within sameLook.
func (l *looks) fresh(key string, now time.Time) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if last, ok := l.last[key]; ok && now.Sub(last) < sameLook {
		return false
	}
	if l.last == nil || len(l.last) >= maxLooks {
		l.last = make(map[string]time.Time)
	}
	l.last[key] = now
	return true
}

// saw writes into the stream who has looked at a resident's data. The resident
// himself is told by the register of accesses, in which no operator has a name.
func (s *Console) saw(r *request, what string) error {
	if !s.looks.fresh(r.actor()+"|"+what, s.Clock()) {
		return nil
	}
	return s.record(r, "resident.seen", "", what)
}

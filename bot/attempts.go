package bot

import (
	"hash/fnv"
	"slices"
	"time"
)

// Attempts limits how often one person can try numbers that are not his own.
// A number that does not exist costs three points, one that exists but belongs
// to somebody else costs one, and asking again for the same number costs
// nothing. From nine points on every further attempt has to wait, twice as long
// each time; at thirty the day is over. So nine neighbours can be helped at
// once, and 10^11 possible NOPs cannot be walked.
type Attempts struct {
	Points int       `json:"p"`
	Since  time.Time `json:"s"`           // of the first point
	Next   time.Time `json:"n"`           // no look-up before
	Seen   []uint32  `json:"x,omitempty"` // hashes of the numbers already counted
}

const (
	missPoints     = 3
	strangerPoints = 1
	slowFrom       = 9
	stopFrom       = 30
	firstWait      = 30 * time.Second
	attemptsDay    = 24 * time.Hour
)

// Until returns the time before which no further number may be looked up, or
// the zero time when one may be now. A number already counted is always free.
func (a *Attempts) Until(now time.Time, number string) time.Time {
	if now.Sub(a.Since) >= attemptsDay && !now.Before(a.Next) {
		*a = Attempts{}
	}
	if day := now.Add(attemptsDay); a.Next.After(day) {
		a.Next = day // a clock was wrong; nobody waits longer than a day
	}
	if slices.Contains(a.Seen, hash(number)) || !now.Before(a.Next) {
		return time.Time{}
	}
	return a.Next
}

// Stopped tells whether Until is the end of the day and not only a pause.
func (a *Attempts) Stopped() bool { return a.Points >= stopFrom }

// Count records that number was looked up and was found, but is not the
// asker's own, or was not found at all.
func (a *Attempts) Count(now time.Time, number string, found bool) {
	h := hash(number)
	if slices.Contains(a.Seen, h) {
		return
	}
	if a.Points == 0 {
		a.Since = now
	}
	a.Seen = append(a.Seen, h)
	if found {
		a.Points += strangerPoints
	} else {
		a.Points += missPoints
	}
	switch {
	case a.Points >= stopFrom:
		a.Next = now.Add(attemptsDay)
	case a.Points >= slowFrom:
		a.Next = now.Add(firstWait << ((a.Points - slowFrom) / missPoints))
	}
}

func hash(s string) uint32 {
	h := fnv.New32a()
	_, _ = h.Write([]byte(s))
	return h.Sum32()
}

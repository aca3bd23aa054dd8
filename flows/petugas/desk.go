package petugas

import (
	"context"
	"encoding/json"
	"time"

	"tabe/bot"
)

// Desk is where the operators are, behind whom residents queue.
type Desk interface {
	// Standing tells how a resident's request stands; Stage is None if he has
	// made none, or it was closed.
	Standing(ctx context.Context, id bot.ResidentID) (Standing, error)
	// Promised tells how many calls are promised between two points in time.
	Promised(ctx context.Context, from, until time.Time) (int, error)
}

// Hours says when somebody is at the desk.
type Hours interface {
	// Opening returns the time in which t lies when the desk is open, or else
	// the next one: from when, which is t itself inside of one, until when. ok
	// is false if there is none in sight.
	Opening(t time.Time) (from, until time.Time, ok bool)
}

// Stage is how far a request has come.
type Stage string

// The stages of a request.
const (
	None     Stage = ""
	Waiting  Stage = "waiting"  // in the queue
	Promised Stage = "promised" // somebody will call, or write, at a time
	Taken    Stage = "taken"    // by an operator
	Closed   Stage = "closed"
)

// Standing is how a resident's request stands.
type Standing struct {
	Stage Stage
	Ahead int           // of the Waiting: how many came before; if None: how many wait
	Wait  time.Duration // how long the last ones waited; 0: nobody knows
	Who   string        // the operator, by the name that residents are told

	From, Until time.Time // when it is promised
	Phone       string    // that will be called, E.164; empty: an answer comes in writing
}

// The effects of this flow.
type (
	// Request asks for a person. One that follows an open request only adds to
	// it: a number, a voice note.
	Request struct {
		Reason   string // why: ReasonAsked …
		Phone    string // to be called, E.164; empty: in writing
		From     time.Time
		Until    time.Time // by then somebody has answered, or another time is promised
		Media    string    // kind of what is to be listened to or looked at
		MediaRef string
	}
	// Heard says that the resident said something to the operator. What it was
	// is in the journal.
	Heard struct{}
	// Leave ends the request: the resident has no further need.
	Leave struct{}
)

// Why a person is asked for.
const (
	ReasonAsked = "asked"
	ReasonVoice = "voice" // a voice note
	ReasonCall  = "call"  // wants to be called
)

// The kinds of notices that the desk posts for this flow, with their bodies.
const (
	NoticeTaken  = "taken"  // Line without a text: an operator took the request
	NoticeSaid   = "said"   // Line
	NoticeClosed = "closed" // Line without a text
	NoticeMoved  = "moved"  // Promise: nobody had the time; another one is promised
	NoticeMissed = "missed" // Promise: nobody answered the telephone
)

// Line is something from an operator.
type Line struct {
	Who  string `json:"w"`
	Text string `json:"t,omitempty"`
}

// Promise is a time in which the resident will hear from somebody.
type Promise struct {
	From  time.Time `json:"f"`
	Until time.Time `json:"u"`
	Phone string    `json:"p,omitempty"` // that will be called, E.164
}

// Notice returns one of the notices above.
func Notice(kind string, body any) (*bot.Notice, error) {
	blob, err := json.Marshal(body)
	return &bot.Notice{Flow: name, Kind: kind, Body: blob}, err
}

// MaxLine is how long an operator's text may be, in bytes, so that with his name
// it fits two SMS.
const MaxLine = 260

// The times of a promise.
const (
	window   = 2 * time.Hour    // in which it is kept
	least    = 30 * time.Minute // that must be left of a working day
	capacity = 6                // calls that are promised in one window
)

// Next returns the next time that can be promised from now on: a window of open
// hours in which not too much is promised already.
func Next(ctx context.Context, desk Desk, hours Hours, now time.Time) (from, until time.Time, err error) {
	at := now
	for range 50 {
		open, closes, ok := hours.Opening(at)
		if !ok {
			break
		}
		if closes.Sub(open) < least {
			at = closes
			continue
		}
		until = open.Add(window).Truncate(15 * time.Minute)
		if until.After(closes) || closes.Sub(until) < least {
			until = closes
		}
		n, err := desk.Promised(ctx, open, until)
		if err != nil {
			return time.Time{}, time.Time{}, err
		}
		if n < capacity {
			return open, until, nil
		}
		at = until
	}
	// The calendar ends, or everything is full for days: somebody has to look.
	return now, now.AddDate(0, 0, 7), nil
}

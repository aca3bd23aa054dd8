package darurat

import (
	"context"
	"time"

	"tabe/bot"
	"tabe/bot/understand"
)

// Kind is what is going on.
type Kind string

// The kinds of incidents.
const (
	Fire     Kind = "fire"
	Medical  Kind = "medical"
	Crime    Kind = "crime"
	Disaster Kind = "disaster"
	Violence Kind = "violence" // never named to the phone that it came from
)

// Kinds returns all kinds.
func Kinds() []Kind { return []Kind{Fire, Medical, Crime, Disaster, Violence} }

var kinds = map[understand.Intent]Kind{
	understand.EmergencyFire: Fire, understand.EmergencyMedical: Medical, understand.EmergencyCrime: Crime,
	understand.EmergencyDisaster: Disaster, understand.EmergencyViolence: Violence,
}

// Incident is what the flow has to know of one.
type Incident struct {
	ID       int64
	Kind     Kind
	Unit     string    // code of what is known of the place
	Reported time.Time // the first message
}

// Contact is whom a reporter can call.
type Contact struct {
	Name   string // of the post; empty: a national number
	Number string
}

// Incidents are what is known at the command center. When they cannot be read,
// a report makes an incident all the same.
type Incidents interface {
	// Open returns the open incidents of a reporter about which he or an
	// operator wrote since a point in time, the newest first.
	Open(ctx context.Context, reporter bot.ResidentID, since time.Time) ([]Incident, error)
	// Contact returns whom to call for a kind of incident in a kecamatan
	// (its code, empty if unknown).
	Contact(ctx context.Context, kind Kind, district string) (Contact, error)
}

// Answer is yes, no, or empty: not told.
type Answer string

// The answers.
const (
	Yes Answer = "yes"
	No  Answer = "no"
)

// Report is the effect of a message about an incident: what it adds. The first
// one makes the incident.
type Report struct {
	Incident int64
	First    bool
	Kind     Kind
	Also     Kind // the message sounds like another kind of emergency, too
	At       time.Time
	Language string
	Words    string // what the reporter wrote; empty for a choice
	Where    *Where // what the message tells about the place
	Danger   Answer // are people in danger?
	Contact  Answer // may this phone be called or written to?
	TakeBack bool   // he says that it is over: an operator has to close it
}

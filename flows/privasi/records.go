package privasi

import (
	"context"
	"time"

	"tabe/bot"
)

// Kept is what is kept of a resident besides his conversation.
type Kept struct {
	Told       []Told
	Complaints int
	Incidents  int      // emergencies that he reported
	Days       int      // how long messages are kept
	Accesses   []Access // newest first
}

// Told is something that a resident agreed to be told of.
type Told struct {
	Purpose, Key string
	Words        map[string]string // by which he was asked, by language, as they were then
	Since        time.Time
}

// Access is a look that an officer took at a resident's data.
type Access struct {
	At   time.Time
	Role string // of the officer: operator, supervisor …
	What string // conversation, complaint, incident …
}

// Records is what the flow has to know of the outside.
type Records interface {
	// Of returns what is kept of a resident, with at most so many accesses.
	Of(ctx context.Context, resident bot.ResidentID, accesses int) (Kept, error)
	// Asked returns the message by which consent to keep a number is asked, with
	// the names of its values in place.
	Asked(language, key string) string
}

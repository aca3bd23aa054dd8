package perizinan

import (
	"context"
	"errors"
	"time"

	"tabe/bot"
	"tabe/bot/ident"
)

// ErrNotFound is returned by Registry.Permit for a number that is in no extract.
var ErrNotFound = errors.New("perizinan: no such permit")

// Registry is what the flow has to know of the licensing office's data. Any
// other error than ErrNotFound means that it cannot answer now.
type Registry interface {
	// Permit returns the permit of a number, however it is written.
	Permit(ctx context.Context, number Number) (Permit, error)
	// Find returns the permits that bear the serial of a clue and, if the clue
	// has a day, were applied for on it, newest first, at most limit. The kind
	// is not looked at. None is no error.
	Find(ctx context.Context, clue Clue, limit int) ([]Permit, error)
	// Owned returns the permits that bear a telephone number, newest first, at
	// most limit; none is no error.
	Owned(ctx context.Context, phone ident.Phone, limit int) ([]Permit, error)
	// AsOf returns when the newest extract was loaded; the zero time if none ever was.
	AsOf(ctx context.Context) (time.Time, error)
}

// Clue is a number that is not whole, and what is known besides it.
type Clue struct {
	Serial  string    // see Number.Serial
	Kind    Kind      // Other: not known
	Entered time.Time // midnight WITA; zero: not known
}

// whole tells whether the clue has the second fact without which nothing is told.
func (c Clue) whole() bool { return c.Kind != Other || !c.Entered.IsZero() }

// Permit is one row of perizinan.csv, without the applicant's name: nobody is
// told it, so the flow does not know it. Zero values are unknown.
type Permit struct {
	Number  Number
	Type    string    // as the office writes it
	Entered time.Time // midnight WITA
	Status  string    // as the office writes it; see StepOf
	Since   time.Time // midnight WITA; of the status
	Note    string    // what is missing, why it was refused
	Fee     bot.Rupiah
	Phone   ident.Phone // of the applicant
	AsOf    time.Time   // when the extract that named it last was loaded
}

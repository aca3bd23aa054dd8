package macca

import (
	"context"
	"errors"
	"time"

	"tabe/bot/ident"
)

// ErrNotFound is returned by Registry.Household for a family card that is in
// no extract.
var ErrNotFound = errors.New("macca: no such household")

// Registry is what the flow has to know of the social office's data. Any other
// error than ErrNotFound means that it cannot answer now.
type Registry interface {
	// Household returns everything known of the family with a card number.
	Household(ctx context.Context, kk ident.KK) (Household, error)
	// Owned returns the families on which a telephone number is registered, at
	// most limit, in the order of their numbers; none is no error.
	Owned(ctx context.Context, phone ident.Phone, limit int) ([]ident.KK, error)
	// AsOf returns when the newest extract was loaded; the zero time if none ever was.
	AsOf(ctx context.Context) (time.Time, error)
}

// Household is one family as the register knows it.
type Household struct {
	KK        ident.KK
	Members   []Member // the head first, then the eldest first; at least one
	Kecamatan string   // here and below empty is unknown
	Desa      string
	Card      Card
	Decile    int // of DTSEN, 1 (poorest) to 10; 0 is unknown
	Aid       []string
	Phones    []ident.Phone
	AsOf      time.Time // when the newest extract that named a member was loaded
}

// Member is a person of a Household.
type Member struct {
	Name string
	Head bool      // of the household
	Born time.Time // midnight WITA; zero is unknown
}

// Card is how far the Kartu Macca of a household has come.
type Card string

// The states of a card. Each is the last part of a message key.
const (
	CardUnknown    Card = "unknown"     // the register does not say
	CardChecking   Card = "checking"    // the family is being verified
	CardNotPrinted Card = "not_printed" // registered
	CardPrinted    Card = "printed"     // and not handed out yet
	CardHanded     Card = "handed"      // to the family
	CardReplacing  Card = "replacing"   // lost, broken, or of somebody else
	CardInactive   Card = "inactive"    // struck off
)

// Schedule is what the flow has to know of the rice that is handed out.
type Schedule interface {
	// Rules returns the rules in force, with the distributions of rice.
	Rules(ctx context.Context) (Rules, error)
}

package pengaduan

import (
	"context"
	"errors"
	"time"

	"tabe/bot"
)

// ErrNotFound is returned by Register.Ticket for a number that was never given out.
var ErrNotFound = errors.New("pengaduan: no such ticket")

// Register is what the flow has to know of the tickets. Any other error than
// ErrNotFound means that it cannot answer now.
type Register interface {
	// Ticket returns one ticket.
	Ticket(ctx context.Context, n Number) (Ticket, error)
	// Own returns the tickets of a resident, newest first, at most limit; none is no error.
	Own(ctx context.Context, resident bot.ResidentID, limit int) ([]Ticket, error)
}

// Places knows where in the regency something is.
type Places interface {
	// Nearest returns the desa of a position; ok is false outside the regency.
	Nearest(at bot.Location) (desa, kecamatan string, ok bool)
	// Kecamatan returns the one that a desa belongs to, "" if there is no such
	// desa or several of that name.
	Kecamatan(desa string) string
	// Mentioned returns the desa or kecamatan that a description of a place
	// has in it ("pasar cabbenge"), "" if none.
	Mentioned(landmark string) (desa, kecamatan string)
}

// Status is how far a ticket has come.
type Status string

// The statuses of a ticket, in the order in which it usually passes them. What
// is not the regency's to solve is handed over to SP4N-LAPOR!.
const (
	StatusNew      Status = "new"
	StatusTaken    Status = "taken" // an operator works on it
	StatusAnswered Status = "answered"
	StatusHanded   Status = "handed"
	StatusClosed   Status = "closed"
)

// Ticket is a complaint that was filed.
type Ticket struct {
	Number    Number
	Resident  bot.ResidentID // "" if he wanted to remain unknown even to us
	Status    Status
	Office    string // code in the Catalogue
	Kind      string // code in the Catalogue; "" if none fits
	Filed     time.Time
	Updated   time.Time // when it came into its status
	Text      string    // of the resident; "" once it was erased
	Answer    string    // the newest one of the office; "" if none
	Reference string    // number at SP4N-LAPOR!
}

// Place is where the complaint is about. All of it may be empty.
type Place struct {
	Landmark  string        `json:"m,omitempty"` // in the resident's words
	Desa      string        `json:"d,omitempty"` // or kelurahan
	Kecamatan string        `json:"k,omitempty"`
	Location  *bot.Location `json:"l,omitempty"`
}

// Media is a picture or a voice note at the provider of the channel.
type Media struct {
	Kind string `json:"k"`
	Ref  string `json:"r"` // see bot.Message.MediaRef
}

// Filed is the effect of a complaint that the resident has confirmed. Who and
// over which channel is in the entry that it comes with.
type Filed struct {
	Number Number
	Text   string
	Place  Place
	Kind   string
	Office string
	Media  []Media
	Name   string // as he wants to be called; empty: only his number is known

	// Anonymous means that no operator may see who it was. Mute, beside it,
	// that nothing of him may be kept at all, not even to send him the answer.
	Anonymous, Mute bool
	Consent         string // key of the message that asked for it

	// Confidential complaints are never published nor handed over.
	Confidential bool
}

// Added is the effect of a remark to an own ticket that is still open.
type Added struct {
	Number   Number
	Text     string
	Media    []Media
	Location *bot.Location
}

// News is the body of a bot.Notice to this flow. Its kind is the Status that
// the ticket has now.
type News struct {
	Number    Number `json:"n"`
	Office    string `json:"o"`
	Words     string `json:"w,omitempty"` // of the office, unaltered
	Reference string `json:"r,omitempty"`
}

package bot

import (
	"context"
	"errors"
	"time"
)

// ErrStale is returned by Store.Commit when the resident's state has moved
// since it was loaded, or the message was already answered: somebody else did
// the turn. Load again and look.
var ErrStale = errors.New("bot: state has moved")

// Store keeps the journal and the residents. Everything is on disk when a
// method returns.
type Store interface {
	// Accept writes m to the journal. fresh is false, and the entry the first
	// one, when a message of that channel and id is already there. A fresh
	// entry may come with Before.
	Accept(ctx context.Context, m Message) (e Entry, fresh bool, err error)
	// Pending returns the unanswered messages of one resident, oldest first.
	Pending(ctx context.Context, id ResidentID, limit int) ([]Entry, error)
	// Unanswered returns residents whose oldest unanswered message was
	// accepted before a point in time.
	Unanswered(ctx context.Context, before time.Time, limit int) ([]ResidentID, error)
	// Load returns the state of a resident, the zero State if there is none.
	Load(ctx context.Context, id ResidentID) (State, error)
	// Commit ends a turn in one transaction. The replies that it returns may
	// be sent at once and are claimed for that; the others have to wait
	// behind earlier ones. Inline replies are only kept for Answer.
	Commit(ctx context.Context, done Done) (send []Outbound, err error)
	// Answer returns the replies to an already answered message; ok is false
	// while it is unanswered.
	Answer(ctx context.Context, seq int64) (texts []Text, ok bool, err error)
	// ID returns the keyed hash of a Message.Subject.
	ID(subject string) ResidentID
}

// Done is a finished turn.
type Done struct {
	Entry   Entry
	Before  int64 // version of the state that the turn started from
	State   []byte
	Replies []Text
	Inline  bool
	Urgent  bool // the replies go before those of others; see Urgent
	Effects []Effect
}

// Outbound is a reply on its way out.
type Outbound struct {
	ID       int64
	Resident ResidentID
	Channel  ChannelID
	Peer     string
	Text     Text
	Urgent   bool // about an emergency, or before such a message in its resident's line
	Attempt  int  // how often it was tried before
}

// Handover is what is known of a message once a provider has it.
type Handover struct {
	ProviderID string // how receipts will name it; empty if they will not
	Segments   int    // that it was billed as, 0 where nothing is counted
	Cost       Rupiah // by our table of tariffs
}

// Outbox keeps what has to be sent. One resident's messages on one channel
// leave in the order of their ids: only the oldest unsent one can be claimed.
// What stands before an urgent message becomes urgent with it.
type Outbox interface {
	// Claim takes up to limit due messages of a channel, urgent ones or the
	// others, for the length of a lease, after which, if nothing was reported,
	// anybody can claim them again.
	Claim(ctx context.Context, c ChannelID, urgent bool, lease time.Duration, limit int) ([]Outbound, error)
	// Sent ends a message well.
	Sent(ctx context.Context, id int64, h Handover) error
	// Retry gives a message back until a later time.
	Retry(ctx context.Context, id int64, at time.Time, reason string) error
	// Bury moves a message to the dead letters.
	Bury(ctx context.Context, id int64, reason string) error
	// Receipt records what the provider says later of a sent message. Status
	// only moves forward (sent, delivered, read; failed ends); unknown ids
	// are ignored.
	Receipt(ctx context.Context, c ChannelID, providerID string, status Status, reason string) error
}

// Status is how far a message has come.
type Status string

// The statuses of an outgoing message.
const (
	Queued    Status = "queued"
	Sent      Status = "sent"
	Delivered Status = "delivered"
	Read      Status = "read"
	Failed    Status = "failed" // by the provider, after it was sent
	Dead      Status = "dead"   // given up by us; a human must look
	Moved     Status = "moved"  // went by another channel instead
)

// ErrBusy is returned by Sessions.Acquire while somebody else holds the lease.
var ErrBusy = errors.New("bot: resident is being served")

// Sessions gives one holder at a time the right to run a resident's turns, on
// any number of machines, and keeps a hot copy of the state. Both are only an
// advantage: a lost lease is caught by the version in Store.Commit, and
// without Sessions the Store alone is enough.
type Sessions interface {
	Acquire(ctx context.Context, id ResidentID) (Lease, error)
}

// Lease is the right to run a resident's turns for some seconds. It belongs to
// one goroutine.
type Lease interface {
	// Hot returns the state that the last holder kept, if it is still there.
	Hot() (State, bool)
	// Keep stores the state that was just committed, at the latest with
	// Release; the zero State drops what is stored. A stale copy that stays
	// behind costs a turn that Commit refuses.
	Keep(ctx context.Context, s State)
	// Release gives the lease back. It reports whether somebody may have asked
	// for it meanwhile, who relies on another look at the journal.
	Release(ctx context.Context) (wanted bool)
}

package bot

import (
	"strings"
	"time"

	"tabe/bot/understand"
)

// Turned is what can be told of a turn without telling of the resident.
type Turned struct {
	Seq        int64 // of the message in the journal
	Channel    ChannelID
	Before     Position          // where the conversation stood
	Flow       string            // that answered, or where the conversation stands; may be empty
	State      string            // of that flow; where an emergency is reported it is empty, like that of Before: it would tell of violence
	Intent     understand.Intent // as it was understood; empty for choices and notices
	Confidence float64           // in it, 0 to 1
	Language   string
	Notice     bool // told by ourselves
	Urgent     bool // an Urgent flow spoke
	Failed     bool // the resident was told that the system is busy
	Replies    int

	Begun    time.Time
	Waited   time.Duration // from the journal until the turn began, at most by this clock
	Thought  time.Duration // understanding, flow, words
	Listened time.Duration // the understanding in it
	Written  time.Duration // the transaction
}

// Topic is the Intent, but for which emergency it is: cases of violence are
// seen by nobody apart.
func (t Turned) Topic() string {
	if strings.HasPrefix(string(t.Intent), "emergency_") {
		return "emergency"
	}
	return string(t.Intent)
}

// Attempted is what can be told of an attempt to send.
type Attempted struct {
	ID      int64 // of the outgoing message
	Channel ChannelID
	Attempt int // how often it was tried before
	Result  Result
	Code    string // SendError.Code, empty if it went
	Begun   time.Time
	Took    time.Duration
	Urgent  bool

	Segments int    // that a text which went was billed as
	Cost     Rupiah // of it
}

// Result is how an attempt to send ended.
type Result string

// The results.
const (
	Went     Result = "sent"
	Deferred Result = "deferred" // tried again later
	Buried   Result = "buried"   // given up
)

// Receipted is what can be told of a receipt that moved a sent message forward.
type Receipted struct {
	ID      int64 // of the outgoing message
	Channel ChannelID
	Status  Status
	Code    string // the provider's, of a failure; may be empty
}

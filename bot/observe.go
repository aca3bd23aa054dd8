package bot

import (
	"time"

	"tabe/bot/understand"
)

// Turned is what can be told of a turn without telling of the resident.
type Turned struct {
	Channel  ChannelID
	Flow     string            // that answered, or where the conversation stands; may be empty
	Intent   understand.Intent // as it was understood; empty for choices and notices
	Language string
	Notice   bool // told by ourselves
	Urgent   bool // an Urgent flow spoke
	Failed   bool // the resident was told that the system is busy
	Replies  int

	Waited  time.Duration // from the journal until the turn began, at most by this clock
	Thought time.Duration // understanding, flow, words
	Written time.Duration // the transaction
}

// Attempted is what can be told of an attempt to send.
type Attempted struct {
	Channel ChannelID
	Result  Result
	Took    time.Duration
	Queued  bool // it was tried before
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

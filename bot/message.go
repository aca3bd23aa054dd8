// Package bot is the conversation engine: one Message in, Replies out.
//
// A channel hands a Message to the Engine, which writes it to the journal
// before the channel is told "received". Messages of one resident are then
// handled one at a time, in the order of arrival: understanding reads the
// text, a flow moves its state machine and says what to answer, the answer is
// put into words, and state, journal mark and answers are committed in one
// transaction. The Sender carries the answers out.
//
// The package knows no flow, no channel and no database by name. What it needs
// of them it declares here: Flow, Channel, Medium, Store, Outbox, Sessions, Words.
package bot

import (
	"encoding/json"
	"math"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// ChannelID names a way to reach residents: sms, whatsapp, telegram, ussd …
type ChannelID string

// ResidentID stands for one person in the stores: a keyed hash of the identity
// that a channel proves (a phone number, a Telegram account). It is safe to log.
type ResidentID string

// Message is one thing that a resident sent.
type Message struct {
	ID      string    // the provider's own; (Channel, ID) never names two messages
	Channel ChannelID //
	Peer    string    // where an answer goes on that channel: E.164 number, chat id
	Subject string    // who is writing, across channels: "tel:+62812…", "telegram:4711"; see Link
	At      time.Time // when the provider received it

	Dialogue string // the provider's id of the dialogue, on channels that have them (USSD)

	Text     string
	Choice   string    // the value of a pressed button, instead of a text
	Media    string    // kind of a picture, voice note … that came instead of or with a text
	MediaRef string    // by what the channel finds the media again
	Location *Location // a position that came instead of or with a text
	Contact  *Contact  // a telephone number that was shared, instead of a text
	Opens    bool      // the resident opened a dialogue (dialled a USSD code): show where we are

	// Notice makes this a message to the resident and not from him: it waits
	// in the journal like any other, and the flow that it names tells it.
	Notice *Notice
}

// Location is a position on the earth.
type Location struct {
	Lat      float64 `json:"lat"`           // degrees north, WGS 84
	Lng      float64 `json:"lng"`           // degrees east
	Accuracy float64 `json:"acc,omitempty"` // metres; 0: unknown
}

// Valid tells whether the position exists; where it lies is not looked at.
func (l Location) Valid() bool {
	return math.Abs(l.Lat) <= 90 && math.Abs(l.Lng) <= 180 && l.Accuracy >= 0 && !math.IsInf(l.Accuracy, 1)
}

// Contact is a shared telephone number.
type Contact struct {
	Phone string `json:"p"`           // E.164
	Own   bool   `json:"o,omitempty"` // the provider vouches that it is the sender's own
}

// Notice is something that happened, to be told to a resident by the flow that
// knows about it; see Teller.
type Notice struct {
	Flow string          `json:"f"`
	Kind string          `json:"k"`
	Body json.RawMessage `json:"b,omitempty"` // the flow's own

	Urgent bool `json:"u,omitempty"` // whatever flow tells it; see Urgent
}

// MaxText is the longest text, in bytes, that is kept of one message. A
// resident never writes that much; 10,000 characters fit.
const MaxText = 64 << 10

// Clean returns m with a text that can be stored and shown anywhere: valid
// UTF-8 without NUL, control characters and direction marks, at most MaxText
// bytes. Line breaks and tabs become spaces, because "7312\n010…" is one number.
// A position that does not exist is left out.
func (m Message) Clean() Message {
	if m.Location != nil && !m.Location.Valid() {
		m.Location = nil
	}
	if len(m.Text) > MaxText {
		m.Text = m.Text[:MaxText]
	}
	m.Text = CleanText(m.Text)
	return m
}

// CleanText removes from s what no resident can have meant to send; see Message.Clean.
func CleanText(s string) string {
	if isClean(s) {
		return strings.TrimSpace(s)
	}
	var b strings.Builder
	b.Grow(len(s))
	for _, r := range s {
		switch {
		case r == '\n' || r == '\r' || r == '\t' || r == '\u2028' || r == '\u2029':
			b.WriteByte(' ')
		case r == utf8.RuneError, unicode.IsControl(r), unicode.Is(unicode.Bidi_Control, r), r == '\u200b', r == '\ufeff':
		default:
			b.WriteRune(r)
		}
	}
	return strings.TrimSpace(b.String())
}

func isClean(s string) bool {
	for i := 0; i < len(s); i++ {
		if s[i] < ' ' || s[i] >= utf8.RuneSelf || s[i] == 0x7f {
			return false
		}
	}
	return true
}

// Entry is a Message in the journal.
type Entry struct {
	Message
	Seq      int64 // position in the journal: order of arrival, unique
	Resident ResidentID
	Due      time.Time // when it was accepted; of what was posted for later, from when on it is told
	// Before is the resident's state, if it is known that no other message of
	// his waited for an answer: the turn can begin with it. Otherwise nil.
	Before *State
}

package bot

import (
	"encoding/json"
	"errors"
	"slices"
	"time"

	"tabe/bot/understand"
)

// Resident is all that is remembered of one person. It is loaded at the start
// of a turn, changed by the flow, and saved as one blob in the turn's
// transaction; what is not in it is forgotten.
type Resident struct {
	Language      string                      `json:"l,omitempty"` // "id", "bug", empty until the first words
	Pinned        bool                        `json:"p,omitempty"` // chosen by the resident, never changed by listening
	Hearing       understand.Hearing          `json:"h,omitzero"`
	Saved         []Saved                     `json:"s,omitempty"`
	Attempts      map[string]*Attempts        `json:"a,omitempty"` // by kind of number
	Answered      Answered                    `json:"n,omitzero"`  // how much his answers cost today
	Used          []string                    `json:"u,omitempty"` // names of the flows that served him, newest first
	Conversations map[ChannelID]*Conversation `json:"c,omitempty"`
	Links         []Linked                    `json:"k,omitempty"` // accounts of his besides the number, at most one a channel
}

// maxUsed is how many flows Resident.Used remembers.
const maxUsed = 8

// uses notes that a flow served the resident.
func (r *Resident) uses(flow string) {
	i := slices.Index(r.Used, flow)
	switch {
	case i == 0:
		return
	case i > 0:
		r.Used = slices.Delete(r.Used, i, i+1)
	case len(r.Used) == maxUsed:
		r.Used = r.Used[:maxUsed-1]
	}
	r.Used = slices.Insert(r.Used, 0, flow)
}

// Saved is a number that the resident allowed us to keep.
type Saved struct {
	Kind    string    `json:"k"` // "nop"
	Value   string    `json:"v"`
	At      time.Time `json:"t"`
	Consent string    `json:"c"` // key of the message by which consent was asked
}

// MaxSaved is how many numbers of one kind are kept; the oldest goes first.
const MaxSaved = 5

// SavedOf returns the saved numbers of one kind, oldest first.
func (r *Resident) SavedOf(kind string) []string {
	var values []string
	for _, s := range r.Saved {
		if s.Kind == kind {
			values = append(values, s.Value)
		}
	}
	return values
}

// Keep saves a number, at most once.
func (r *Resident) Keep(s Saved) {
	same := 0
	oldest := -1
	for i, old := range r.Saved {
		if old.Kind != s.Kind {
			continue
		}
		if old.Value == s.Value {
			return
		}
		if same++; oldest < 0 {
			oldest = i
		}
	}
	if same >= MaxSaved {
		r.Saved = append(r.Saved[:oldest], r.Saved[oldest+1:]...)
	}
	r.Saved = append(r.Saved, s)
}

// Forget erases everything but the language, which is no personal data, and
// the score of the guess limits and of the Allowance, which a resident must not
// be able to reset.
func (r *Resident) Forget() {
	for _, a := range r.Attempts {
		a.Seen = nil
	}
	r.Saved = nil
	r.Used = nil
	r.Conversations = nil
	r.Links = nil
}

// Conversation is where a resident stands on one channel.
type Conversation struct {
	Flow         string          `json:"f,omitempty"` // empty: nothing is going on
	Revision     int             `json:"r,omitempty"` // of the flow that wrote State and Memory
	State        string          `json:"s,omitempty"`
	Memory       json.RawMessage `json:"m,omitempty"` // the flow's own
	Options      []Option        `json:"o,omitempty"` // what the numbers mean now
	Number       bool            `json:"d,omitempty"` // a number was asked for: 0 is not the menu
	Screens      []string        `json:"z,omitempty"` // of the last answer, where it is paged
	Screen       int             `json:"i,omitempty"`
	Over         bool            `json:"e,omitempty"` // the dialogue was closed by us
	Misses       int             `json:"n,omitempty"` // messages in a row that nobody understood
	At           time.Time       `json:"t"`           // the last turn
	Heard        time.Time       `json:"h,omitzero"`  // the last message of the resident
	ChannelState json.RawMessage `json:"x,omitempty"` // see ChannelFormat.Interpret
}

// leave ends the flow; what the channel remembers stays.
func (c *Conversation) leave() {
	c.Flow, c.State, c.Revision, c.Memory, c.Options, c.Number = "", "", 0, nil, nil, false
}

// State is a Resident as the stores keep it.
type State struct {
	Version int64 // +1 with every turn; 0: never seen
	Blob    []byte
}

// formatVersion is the first byte of every blob. Raise it when a field changes
// its meaning (not when one is added) and convert the old form in decode.
const formatVersion = '1'

var errFormat = errors.New("bot: state of an unknown format")

func (r *Resident) encode() ([]byte, error) {
	body, err := json.Marshal(r)
	if err != nil {
		return nil, err
	}
	return append([]byte{formatVersion}, body...), nil
}

// decode reads a blob. An unreadable one (written by a newer or a broken
// version) is errFormat: the caller starts afresh rather than refuse the resident.
func decode(blob []byte) (*Resident, error) {
	r := &Resident{}
	if len(blob) == 0 {
		return r, nil
	}
	if blob[0] != formatVersion {
		return r, errFormat
	}
	if err := json.Unmarshal(blob[1:], r); err != nil {
		return &Resident{}, errors.Join(errFormat, err)
	}
	return r, nil
}

func (r *Resident) conversation(c ChannelID) *Conversation {
	if r.Conversations == nil {
		r.Conversations = make(map[ChannelID]*Conversation, 1)
	}
	conv := r.Conversations[c]
	if conv == nil {
		conv = &Conversation{}
		r.Conversations[c] = conv
	}
	return conv
}

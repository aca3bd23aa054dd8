package bot

import (
	"encoding/json"
	"strconv"
	"strings"
	"time"
)

// Reply is an answer as a flow gives it: the key of a message, the data that
// the message mentions, and the choices that the resident has next.
type Reply struct {
	Key     string
	Data    Data
	Options []Option
	End     bool // closes the dialogue on channels that have one (USSD)
	Number  bool // asks for a number that may be 0: then 0 is the answer and not the menu

	// Keep marks a remark: the question before it stays open, with its options,
	// and if another flow asked it, the conversation goes on there.
	Keep bool
}

// Data are the values that a message mentions, by name. Rupiah, Date and
// Moment are put into words; strings are cleaned; a Word is translated; a
// []Phrase becomes sentences, one after the other.
type Data map[string]any

// Option is one choice. A flow gives Value and Label (the key of a message,
// with Data); rendering turns Label into words and assigns the Key to type.
type Option struct {
	Key   string `json:"k"`
	Value string `json:"v"`
	Label string `json:"l"`
	Data  Data   `json:"d,omitempty"` // in words, once rendered

	// Asks makes the option a button by which the resident shares something,
	// if the channel has such buttons (ChannelFormat.Asks); elsewhere the
	// option is left out, and the words of the reply have to do.
	Asks Asks `json:"a,omitempty"`

	// Message is what Label was before it was rendered, so that an open
	// question can be put into another language.
	Message string `json:"m,omitempty"`
}

// Asks is what an option asks the resident to share.
type Asks string

// What can be asked for.
const (
	AskLocation Asks = "location" // comes back as Message.Location
	AskContact  Asks = "contact"  // comes back as Message.Contact
)

// Values of the options that mean the same in every flow, and the keys that
// always stand for them, so that a resident can learn them.
const (
	MenuValue = "menu" // key 0
	BackValue = "back" // key 8
	MoreValue = "more" // key 9
)

// MaxOptions is how many choices one question may have besides 0, 8 and 9.
const MaxOptions = 7

// Choice returns an option whose label is the message "option.<value>".
func Choice(value string) Option { return Option{Value: value, Label: "option." + value} }

// Share returns an option whose label is the message "option.share_<what>".
func Share(what Asks) Option {
	return Option{Value: string(what), Label: "option.share_" + string(what), Asks: what}
}

// Text is a Reply in words, as it goes to one channel.
type Text struct {
	Body    string   `json:"b"`
	Options []Option `json:"o,omitempty"`
	End     bool     `json:"e,omitempty"`

	Language string `json:"g,omitempty"` // of the words: "id", "bug"
	Confined bool   `json:"c,omitempty"` // see Turn.Confine

	// Template is set when the channel takes free text no more (see
	// ChannelFormat.Window): what to say, for a text that was approved before.
	Template *Template `json:"t,omitempty"`
}

// Template is a Reply for channels that allow only approved texts.
type Template struct {
	Key      string            `json:"k"` // of the message
	Language string            `json:"l"`
	Values   map[string]string `json:"v,omitempty"` // its Data in words
}

// Word is a value of Data that is itself the key of a message.
type Word string

// Phrase is a message inside another one.
type Phrase struct {
	Key  string
	Data Data
}

// Rupiah is an amount of money in whole rupiah.
type Rupiah int64

// String prints the amount as in Indonesia: Rp 52.500.
func (r Rupiah) String() string {
	digits := strconv.FormatInt(int64(r), 10)
	sign := ""
	if r < 0 {
		sign, digits = "-", digits[1:]
	}
	var b strings.Builder
	b.WriteString("Rp ")
	b.WriteString(sign)
	for i, d := range digits {
		if i > 0 && (len(digits)-i)%3 == 0 {
			b.WriteByte('.')
		}
		b.WriteRune(d)
	}
	return b.String()
}

// Date is a day: "30 Sep 2026".
type Date time.Time

// Moment is a point in time, shown in WITA: "23 Nov 12.00 WITA".
type Moment time.Time

// WITA is the time of South Sulawesi, UTC+8 without summer time.
var WITA = time.FixedZone("WITA", 8*60*60)

// ChannelFormat is how a channel shows a Text.
type ChannelFormat struct {
	// Variant is the suffix of the message keys to prefer here ("ussd" looks
	// for "pbb.bill.ussd" before "pbb.bill"); empty for the plain ones.
	Variant string
	// Buttons tells that Options are shown by the channel itself; otherwise
	// they are written below the body, one numbered line each.
	Buttons bool
	// Asks tells that the channel has buttons for Options that ask for
	// something to be shared.
	Asks bool
	// Pager cuts what does not fit one screen; nil where there is no limit.
	Pager Pager
	// Interpret reads a message in the light of what the channel remembers of
	// the dialogue (state, nil at first), for channels whose requests mean
	// nothing alone: a USSD gateway repeats all that was typed since the
	// dialogue began. It returns the inputs that the message adds, which are
	// answered one after the other and of which the last answer is shown, and
	// the new memory, kept in the transaction of the turn. Nil: each message
	// is one input.
	Interpret func(state json.RawMessage, m Message) (inputs []Message, next json.RawMessage)
	// Inline channels carry the answer back in the request (USSD, a
	// terminal): their replies never wait in the outbox.
	Inline bool
	// Window is how long after the resident's last message he may be sent free
	// text; later a Text carries a Template. 0: always.
	Window time.Duration
	// Resume is how long an interrupted dialogue can be taken up again by
	// opening a new one.
	Resume time.Duration
}

// Pager cuts a text into screens.
type Pager interface {
	// Pages returns at least one screen. Each is complete as it is shown,
	// options and the keys for the next and previous screen included. more
	// and back are the words for those keys, menu the one of key 0.
	Pages(body string, options []Option, more, back string) []string
}

package tautan

import (
	"regexp"
	"strings"
	"time"

	"tabe/bot"
)

// Valid is how long a code can be used.
const Valid = 10 * time.Minute

// Code is the effect of showing a code to the account of the turn. It replaces
// the one before.
type Code struct {
	Code  string
	Until time.Time
}

// Offer is the effect of a phone's agreement to be known by the account that
// was shown a code: the account is asked, and the code is used up.
type Offer struct{ Code string }

// Forms of a code: consonants and digits by turns, so that it is no word, no
// number and no number plate, and none of its signs is taken for another.
const (
	codeLetters = "CDFGHJKMNPQRTVWX"
	codeDigits  = "23456789"
	codeLength  = 6
)

var codeForm = regexp.MustCompile(`^(?:[` + codeLetters + `][` + codeDigits + `]){3}$`)

// CodeOf makes a code of six random bytes.
func CodeOf(random [6]byte) string {
	code := random[:]
	for i, b := range code {
		signs := codeLetters
		if i%2 == 1 {
			signs = codeDigits
		}
		code[i] = signs[int(b)%len(signs)] // 16 and 8 divide 256
	}
	return string(code)
}

// codeIn returns the code that stands in a text, "" if there is none.
func codeIn(text string) string {
	for word := range strings.FieldsSeq(text) {
		if word = strings.Trim(word, ".,:;!?\"'()"); len(word) != codeLength {
			continue
		}
		if word = strings.ToUpper(word); codeForm.MatchString(word) {
			return word
		}
	}
	return ""
}

// The kinds of notices that the flow tells.
const (
	Offered  = "offered"  // to the account: a phone has sent its code
	Joined   = "joined"   // to the phone: an account was linked
	Released = "released" // to the account: it is linked no longer
)

// News is the body of the notices.
type News struct {
	Owner   string        `json:"o,omitempty"` // Subject of the phone
	Account bot.ChannelID `json:"n"`           // channel of the account
	Until   time.Time     `json:"u,omitzero"`  // Offered: it may be confirmed
}

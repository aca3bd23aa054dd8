package pengaduan

import (
	"regexp"
	"strings"
)

// Number names a ticket in a way that can be told over the telephone, typed on
// an old phone and checked: P-7K3M. What stands behind the dash has none of the
// letters and digits that look or sound alike, and ends in a check character
// that finds every single slip and every two neighbours that were swapped.
type Number string

// The sources of a number: a resident's message, or another system (Open311).
const (
	FromResident = 'P'
	FromSystem   = 'W'
)

// alphabet has a prime number of characters, which the check needs, and neither
// P nor W: a number whose letter in front was left out has to begin with
// something else.
const alphabet = "23456789CDFHJKMNRTX"

const base = int64(len(alphabet))

// shortest is how many characters a number has without its check character.
const shortest = 3

// spread makes neighbours differ in more than the last character. It must not
// be a multiple of base.
const spread = 7919

// NumberOf returns the number of the n-th thing of a source, 0 <= n < 1<<50:
// always the same, and never that of another one.
func NumberOf(source rune, n int64) Number {
	length, size := shortest, base*base*base
	for n >= size {
		length++
		size *= base
	}
	rest := n * spread % size
	body := make([]byte, length)
	for i := length - 1; i >= 0; i-- {
		body[i] = alphabet[rest%base]
		rest /= base
	}
	return Number(string(source) + "-" + string(body) + string(checkCharacter(string(body))))
}

// checkCharacter returns the character that makes the weighted sum of all a multiple of
// base. The weights differ from each other and are no multiples of base.
func checkCharacter(body string) byte {
	sum := int64(0)
	for i := range len(body) {
		sum += int64(strings.IndexByte(alphabet, body[i])) * (int64(i) + 2)
	}
	return alphabet[(base-sum%base)%base]
}

var (
	written = regexp.MustCompile(`(?i)\b([PW])(?: ?- ?|\.|#|)([0-9A-Z]{4,14})\b`)
	spaced  = regexp.MustCompile(`(?i)\b([PW]) ([0-9A-Z]{4,14})\b`)
	// read takes characters that are in no number for those they look like.
	read = strings.NewReplacer("B", "8", "S", "5", "Z", "2", "G", "6")
)

// FindNumber returns the first number in a text, however it is written: P-7K3M,
// p7k3m, P 7K3M. ok is false if there is none, or only one with a slip.
func FindNumber(text string) (n Number, ok bool) {
	if len(text) > maxSearched {
		text = text[:maxSearched]
	}
	for _, m := range written.FindAllStringSubmatch(text, maxMatches) {
		if n, ok = numberFrom(m[1], m[2]); ok {
			return n, true
		}
	}
	for _, m := range spaced.FindAllStringSubmatch(text, maxMatches) {
		if n, ok = numberFrom(m[1], m[2]); ok && strings.ContainsAny(m[2], "0123456789") {
			return n, true
		}
	}
	return "", false
}

// ParseNumber is FindNumber for an answer to the question for a number, in
// which the letter in front may be missing.
func ParseNumber(text string) (Number, bool) {
	if n, ok := FindNumber(text); ok {
		return n, true
	}
	return numberFrom(string(FromResident), strings.Trim(text, " .-#"))
}

// How much of a text is searched for a number.
const (
	maxSearched = 1000
	maxMatches  = 20
)

func numberFrom(source, body string) (Number, bool) {
	body = read.Replace(strings.ToUpper(body))
	if len(body) <= shortest || strings.Trim(body, alphabet) != "" {
		return "", false
	}
	last := len(body) - 1
	if checkCharacter(body[:last]) != body[last] {
		return "", false
	}
	return Number(strings.ToUpper(source) + "-" + body), true
}

// Package ident holds the numbers by which the state knows people and land:
// NOP (tax object), NIK (person), KK (family card) and telephone numbers.
//
// Each is a type that can only be obtained by parsing, prints itself the way
// the paper prints it, and masks itself for everyone who is not its owner.
// None of them belongs in a log; their String methods are for residents only.
package ident

import "errors"

// The reasons why a text is not an identifier. Parse functions wrap nothing
// else, so that callers can answer each one in words.
var (
	ErrLength = errors.New("ident: wrong number of digits")
	ErrDigits = errors.New("ident: not only digits")
	ErrRegion = errors.New("ident: not in Kabupaten Soppeng")
	ErrDate   = errors.New("ident: impossible date")
)

// Digits keeps the ASCII digits of s and reports whether everything else in it
// was only punctuation that people put between groups (space . - / _ : ,).
func Digits(s string) (digits string, clean bool) {
	b := make([]byte, 0, len(s))
	clean = true
	for _, r := range s {
		switch {
		case r >= '0' && r <= '9':
			b = append(b, byte(r))
		case r == ' ' || r == '.' || r == '-' || r == '/' || r == '_' || r == ':' || r == ',' || r == '\u00a0' || r == '\t':
		default:
			clean = false
		}
	}
	return string(b), clean
}

// twoDigits reads the decimal number at s[i:i+2]; s must be digits there.
func twoDigits(s string, i int) int { return int(s[i]-'0')*10 + int(s[i+1]-'0') }

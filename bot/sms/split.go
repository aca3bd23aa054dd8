package sms

import (
	"unicode"
	"unicode/utf16"
	"unicode/utf8"
)

// Split cuts text into parts that each fit one message of a chain: 153 units in
// the GSM alphabet, 67 in UCS-2, all of one encoding. A text that fits a single
// message (160, 70) stays whole. It cuts at the end of a line or word where it
// can, never inside a character and, unless a run of digits alone is longer
// than a message, never inside a number or an amount. The parts joined give the
// text.
func Split(text string) []string {
	encoding, units := Measure(text)
	if alone, _ := limits(encoding); units <= alone {
		return []string{text}
	}
	return cut(text, encoding, true)
}

// cut fills parts to the brim, or, if nicely is set, to the last place where a
// reader does not mind.
func cut(text string, encoding Encoding, nicely bool) []string {
	_, room := limits(encoding)
	var parts []string
	for text != "" {
		end, fits := brim(text, encoding, room)
		if nicely && !fits {
			end = niceEnd(text, end)
		}
		parts = append(parts, text[:end])
		text = text[end:]
	}
	return parts
}

// brim returns how many bytes of text fit into room units, and whether that is
// all of it.
func brim(text string, encoding Encoding, room int) (end int, all bool) {
	for i, r := range text {
		n := septets(r)
		if encoding == UCS2 {
			n = max(1, utf16.RuneLen(r))
		}
		if room -= n; room < 0 {
			return i, false
		}
	}
	return len(text), true
}

// niceEnd returns a place at or before end to cut: behind a line break or a
// space in the last half, unless that stands between digits ("Rp 52.500",
// "73 12 010"), else outside a number, else end itself.
func niceEnd(text string, end int) int {
	for i := end; i > end/2; i-- {
		if text[i-1] == '\n' {
			return i
		}
	}
	for i := end; i > end/2; i-- {
		if text[i-1] == ' ' && !between(text, i) {
			return i
		}
	}
	for i := end; i > 0; i-- {
		if utf8.RuneStart(text[i]) && !between(text, i) {
			return i
		}
	}
	return end
}

// between tells whether a cut before text[i] would part a number, looking over
// the punctuation and the blank that people and offices put into one.
func between(text string, i int) bool {
	left, right := i-1, i
	for left >= 0 && isJoint(text[left]) && i-left <= 2 {
		left--
	}
	for right < len(text) && isJoint(text[right]) && right-i < 2 {
		right++
	}
	if left < 0 || right >= len(text) || !unicode.IsDigit(rune(text[right])) {
		return false
	}
	if unicode.IsDigit(rune(text[left])) {
		return true
	}
	return text[left] == 'p' && left > 0 && text[left-1] == 'R' // the amount belongs to its "Rp"
}

func isJoint(c byte) bool {
	return c == ' ' || c == '.' || c == '-' || c == '/' || c == ',' || c == ':'
}

// Package sms knows what fits a short message: the GSM 7-bit alphabet with its
// extension table (3GPP TS 23.038), UCS-2 for everything else, how many
// segments a text takes, and where a long one may be cut.
package sms

import "unicode/utf16"

// Encoding is how a text travels.
type Encoding string

// The two encodings of a short message.
const (
	GSM7 Encoding = "GSM-7"
	UCS2 Encoding = "UCS-2"
)

// Units that fit one message alone, and one part of a longer message, where a
// header of six octets takes its share. Units are septets or UTF-16 code units.
const (
	gsmAlone, gsmPart   = 160, 153
	ucs2Alone, ucs2Part = 70, 67
)

// basic is the default alphabet; every character takes one septet.
const basic = "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?" +
	"¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"

// extension characters take an escape and a septet.
const extension = "\f^{}\\[~]|€"

// The septets of the runes below 0x100, 0 for those outside the alphabet, and
// of the few above.
var septetsBelow, septetsAbove = alphabet()

func alphabet() (below [256]uint8, above map[rune]uint8) {
	above = make(map[rune]uint8)
	for n, set := range []string{basic, extension} {
		for _, r := range set {
			if r < 256 {
				below[r] = uint8(n + 1)
			} else {
				above[r] = uint8(n + 1)
			}
		}
	}
	return below, above
}

func septets(r rune) int {
	if r < 256 {
		return int(septetsBelow[r])
	}
	return int(septetsAbove[r])
}

// Measure returns the encoding that text needs and its length in units of it.
func Measure(text string) (Encoding, int) {
	n := 0
	for _, r := range text {
		s := septets(r)
		if s == 0 {
			return UCS2, lenUCS2(text)
		}
		n += s
	}
	return GSM7, n
}

func lenUCS2(text string) int {
	n := 0
	for _, r := range text {
		n += max(1, utf16.RuneLen(r))
	}
	return n
}

// Segments returns the encoding of text and how many messages it is billed as;
// an empty text is one.
func Segments(text string) (Encoding, int) {
	encoding, units := Measure(text)
	alone, _ := limits(encoding)
	if units <= alone {
		return encoding, 1
	}
	return encoding, len(cut(text, encoding, false))
}

func limits(e Encoding) (alone, part int) {
	if e == GSM7 {
		return gsmAlone, gsmPart
	}
	return ucs2Alone, ucs2Part
}

// Fold replaces characters outside the alphabet by look-alikes inside it:
// curly quotes, dashes, the ellipsis, non-breaking spaces, accents that the
// alphabet lacks. One "’" would otherwise more than halve the length of a
// message. Characters without a look-alike (Bugis script, emoji) stay.
func Fold(text string) string {
	for i := 0; i < len(text); i++ {
		if text[i] >= 0x80 || septetsBelow[text[i]] == 0 {
			return fold(text)
		}
	}
	return text
}

func fold(text string) string {
	out := make([]rune, 0, len(text))
	for _, r := range text {
		if septets(r) > 0 {
			out = append(out, r)
		} else if like, ok := lookalikes[r]; ok {
			out = append(out, []rune(like)...)
		} else {
			out = append(out, r)
		}
	}
	return string(out)
}

var lookalikes = map[rune]string{
	'‘': "'", '’': "'", '‛': "'", 'ʼ': "'", 'ʻ': "'", '′': "'", '`': "'", '´': "'", 'ʔ': "'",
	'“': `"`, '”': `"`, '„': `"`, '″': `"`, '«': `"`, '»': `"`,
	'‐': "-", '‑': "-", '‒': "-", '–': "-", '—': "-", '−': "-", '•': "-", '·': ".",
	'…': "...", '\u00a0': " ", '\u2009': " ", '\u202f': " ", '\t': " ",
	'\u200b': "", '\u200c': "", '\u200d': "", '\u2060': "", '\ufeff': "", '\u00ad': "",
	'á': "a", 'â': "a", 'ã': "a", 'À': "A", 'Á': "A", 'Â': "A", 'Ã': "A",
	'ê': "e", 'ë': "e", 'ě': "e", 'ə': "e", 'È': "E", 'Ê': "E", 'Ë': "E",
	'í': "i", 'î': "i", 'ï': "i", 'Ì': "I", 'Í': "I", 'Î': "I",
	'ó': "o", 'ô': "o", 'õ': "o", 'Ò': "O", 'Ó': "O", 'Ô': "O",
	'ú': "u", 'û': "u", 'Ù': "U", 'Ú': "U", 'Û': "U", 'ç': "c", 'ŋ': "ng",
	'½': "1/2", '×': "x", '²': "2", '³': "3", '°': " ", '®': "(R)", '©': "(C)", '™': "(TM)",
}

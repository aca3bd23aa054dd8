package perizinan

import (
	"regexp"
	"slices"
	"strings"
	"unicode"

	"tabe/bot/ident"
)

// Number is the number of an application or of a permit as the register
// writes it, in capitals and without blanks. There is no one form:
// 299/IP/DPM-PTSP/VII/2018, 503/0112/SIPD/DPM-PTSP/2024,
// PBG-731204-12082025-01, the 13 digits of a NIB.
type Number string

// longestNumber is the length of a number, in bytes.
const longestNumber = 60

// ParseNumber reads a number of the register. It reports false for what is too
// long to be one, or has no digit.
func ParseNumber(text string) (Number, bool) {
	if len(text) > longestNumber || !strings.ContainsAny(text, "0123456789") {
		return "", false
	}
	return Number(strings.ToUpper(strings.Join(strings.Fields(text), ""))), true
}

// group is a run of digits or a run of letters.
type group struct {
	text   string
	digits bool
}

func (n Number) groups() []group {
	var all []group
	begin := -1
	end := func(i int) {
		if begin >= 0 {
			all = append(all, group{string(n[begin:i]), isDigit(n[begin])})
			begin = -1
		}
	}
	for i := range len(n) {
		letter := n[i] >= 'A' && n[i] <= 'Z'
		if !letter && !isDigit(n[i]) || begin >= 0 && isDigit(n[begin]) != isDigit(n[i]) {
			end(i)
		}
		if begin < 0 && (letter || isDigit(n[i])) {
			begin = i
		}
	}
	end(len(n))
	return all
}

func isDigit(c byte) bool { return c >= '0' && c <= '9' }

// Key is the same for all ways to write one number: DPM-PTSP or DPMPTSP, 0099
// or 99, strokes, hyphens or blanks.
func (n Number) Key() string {
	var b strings.Builder
	letters := false // the last group was of letters
	all := n.groups()
	if len(all) == 2 && all[0].text == "NIB" {
		all = all[1:]
	}
	for _, g := range all {
		if b.Len() > 0 && !(letters && !g.digits) {
			b.WriteByte('/')
		}
		if g.digits {
			g.text = withoutZeros(g.text)
		}
		b.WriteString(g.text)
		letters = !g.digits
	}
	return b.String()
}

func withoutZeros(digits string) string {
	if short := strings.TrimLeft(digits, "0"); short != "" {
		return short
	}
	return "0"
}

// Serial is the part of a number that people remember, without zeros at its
// front: 299, 112, 1 (the first of that day), the last four digits of a NIB.
func (n Number) Serial() string {
	written := n.serial()
	if written == "" {
		return ""
	}
	return withoutZeros(written)
}

// serialDigits is how much of a number that is nothing but digits is remembered.
const serialDigits = 4

// serial is the Serial as it is written.
func (n Number) serial() string {
	all := n.groups()
	first := slices.IndexFunc(all, func(g group) bool { return g.digits })
	if first < 0 {
		return ""
	}
	last := all[len(all)-1]
	switch serial := all[first]; {
	case n.isBuilding() && last.digits:
		return last.text
	case len(serial.text) > longestClue:
		return serial.text[len(serial.text)-serialDigits:]
	case first == 0 && len(all) > 2 && all[1].digits && !isYear(all[1].text): // 503/0112: the class of the letter comes first
		return all[1].text
	default:
		return serial.text
	}
}

// isBuilding tells whether it is a number of SIMBG: PBG, district, day, count.
func (n Number) isBuilding() bool {
	return strings.HasPrefix(string(n), "PBG-") || strings.HasPrefix(string(n), "SLF-")
}

// isNIB tells whether it is the number of a business, of OSS.
func (n Number) isNIB() bool {
	digits, _ := ident.Digits(string(n))
	return len(n) == nibLength && digits == string(n)
}

const nibLength = 13

// Short is the number as it is told to residents: enough to know which is
// meant, too little to ask for it elsewhere.
func (n Number) Short() string {
	if all := n.groups(); n.isBuilding() && len(all) > 2 {
		return all[len(all)-2].text + "-" + all[len(all)-1].text
	}
	return n.serial()
}

func isYear(digits string) bool {
	return len(digits) == 4 && (strings.HasPrefix(digits, "19") || strings.HasPrefix(digits, "20"))
}

// longestClue is how many digits a Serial can have that a resident gives.
const longestClue = 8

// clue reads a number that is not whole: 0412, 0412/2025, 0112/SIPD. Its serial
// is as it is written; what it names besides is a kind of permit or nothing.
func (n Number) clue() (Clue, bool) {
	all := n.groups()
	var digits []string
	letters := ""
	for _, g := range all {
		if g.digits {
			digits = append(digits, g.text)
		} else {
			letters += " " + g.text
		}
	}
	switch {
	case len(digits) == 2 && letters == "" && isYear(digits[1]):
	case len(digits) != 1:
		return Clue{}, false
	}
	if len(digits[0]) > longestClue {
		return Clue{}, false
	}
	return Clue{Serial: digits[0], Kind: KindOf(letters)}, true
}

var (
	gap     = regexp.MustCompile(`\s*([/\-])\s*`)
	strokes = regexp.MustCompile(`(?i)[a-z0-9.\-]+(?:/[a-z0-9.\-]+){2,}`)
	simbg   = regexp.MustCompile(`(?i)\b(pbg|slf)?[- ]?(\d{6})[- ](\d{8})[- ](\d{1,4})\b`)
)

// numbersIn finds whole numbers in a message, also those with blanks around
// the strokes, at most limit.
func numbersIn(text string, limit int) []Number {
	var found []Number
	add := func(s string) {
		if n, ok := ParseNumber(strings.Trim(s, ".-")); ok && !slices.Contains(found, n) && len(found) < limit {
			found = append(found, n)
		}
	}
	text = gap.ReplaceAllString(text[:min(len(text), maxText)], "$1")
	for _, m := range simbg.FindAllStringSubmatch(text, limit) {
		kind := m[1]
		if kind == "" {
			kind = "PBG"
		}
		add(kind + "-" + m[2] + "-" + m[3] + "-" + m[4])
	}
	for _, s := range strokes.FindAllString(text, limit) {
		if strings.ContainsFunc(s, unicode.IsLetter) { // 12/8/2025 is a day
			add(s)
		}
	}
	return found
}

// maxText is how much of a message is searched, in bytes.
const maxText = 1000

package ussd

import (
	"sort"
	"strings"
	"unicode/utf8"

	"tabe/bot"
	"tabe/bot/sms"
)

// Pager cuts a text into screens. An option is never parted from its key, a
// number or an amount never cut, and the way to the menu stands on every screen.
type Pager struct {
	// Limit is the length of a screen in GSM-7 septets. A screen with other
	// letters is held to the UCS-2 units that take the same octets: 80 for
	// 182 septets, 70 for 160.
	Limit int
}

// Pages implements bot.Pager. Keys 8 and 9 turn the pages; where a flow has an
// option of its own on one of them, it stands on the screen that does not need
// the key: the first for 8, the last for 9.
func (p Pager) Pages(body string, options []bot.Option, more, back string) []string {
	keys := keys{more: p.line("9", more), back: p.line("8", back)}
	var lines []string
	for _, o := range options {
		line := p.line(o.Key, o.Label)
		switch o.Key {
		case "0":
			keys.menu = line
		case "8":
			keys.ownBack = line
		case "9":
			keys.ownMore = line
		default:
			lines = append(lines, line)
		}
	}
	rest := strings.TrimSpace(sms.Fold(body))
	var pages []string
	for {
		first := len(pages) == 0
		page := join(rest, lines, keys.below(first, true))
		if p.fits(page) {
			return append(pages, page)
		}
		below := keys.below(first, false)
		var head string
		head, rest = p.take(rest, below)
		shown := 0
		if rest == "" {
			for shown < len(lines) && p.fits(join(head, lines[:shown+1], below)) {
				shown++
			}
			if head == "" && shown == 0 { // wider than any screen, which line prevents
				return append(pages, page)
			}
		}
		pages = append(pages, join(head, lines[:shown], below))
		lines = lines[shown:]
	}
}

// keys are the lines at the foot of a screen.
type keys struct{ more, back, menu, ownMore, ownBack string }

func (k keys) below(first, last bool) []string {
	lines := make([]string, 0, 3)
	add := func(line string) {
		if line != "" {
			lines = append(lines, line)
		}
	}
	if last {
		add(k.ownMore)
	} else {
		add(k.more)
	}
	if first {
		add(k.ownBack)
	} else {
		add(k.back)
	}
	add(k.menu)
	return lines
}

// The longest labels, in letters. With them the three keys at the foot leave
// room for a text, and for any option, even on a screen of 70 UCS-2 units.
const (
	longestFoot   = 12
	longestOption = 24
)

// line writes an option on one line. Its label is shortened rather than
// carried over: half an option on another screen could not be chosen.
func (p Pager) line(key, label string) string {
	label = strings.Join(strings.Fields(sms.Fold(label)), " ")
	longest := longestOption
	if key == "0" || key == "8" || key == "9" {
		longest = longestFoot
	} else if encoding, _ := sms.Measure(label); encoding == sms.GSM7 {
		longest = p.Limit / 2
	}
	if runes := []rune(label); len(runes) > longest {
		label = strings.TrimRight(string(runes[:longest-2]), " ") + ".."
	}
	return key + " " + label
}

func join(text string, more ...[]string) string {
	var b strings.Builder
	b.WriteString(text)
	for _, lines := range more {
		for _, line := range lines {
			if b.Len() > 0 {
				b.WriteByte('\n')
			}
			b.WriteString(line)
		}
	}
	return b.String()
}

func (p Pager) fits(screen string) bool {
	encoding, units := sms.Measure(screen)
	if encoding == sms.GSM7 {
		return units <= p.Limit
	}
	octets := (p.Limit*7 + 7) / 8
	return units <= octets/2
}

// take returns as much of text as a screen has room for above the lines below,
// and the rest.
func (p Pager) take(text string, below []string) (head, rest string) {
	ends := make([]int, 0, p.Limit+1) // of the letters that could fit
	for i, r := range text {
		if len(ends) > p.Limit {
			break
		}
		ends = append(ends, i+utf8.RuneLen(r))
	}
	room := sort.Search(len(ends), func(n int) bool { return !p.fits(join(text[:ends[n]], below)) })
	if room == len(ends) {
		return text, ""
	}
	end := ends[max(0, room-1)]
	if end < len(text) {
		end = niceEnd(text, end)
	}
	return strings.TrimRight(text[:end], " \n"), strings.TrimLeft(text[end:], " \n")
}

// niceEnd returns the best place at or before end to cut text: a line end in
// the last third, else between two words, else outside a number, else end.
// There must be text behind end.
func niceEnd(text string, end int) int {
	if i := strings.LastIndexByte(text[:end+1], '\n'); i > end*2/3 {
		return i
	}
	for i := end; i > 0; i-- {
		if text[i] == '\n' || text[i] == ' ' && !inNumber(text, i) {
			return i
		}
	}
	for i := end; i > 0; i-- {
		if utf8.RuneStart(text[i]) && !inNumber(text, i) {
			return i
		}
	}
	return end
}

// inNumber tells whether a cut before text[i] would part a number from itself
// ("73 12 010", "52.500", "30/09") or an amount from its "Rp".
func inNumber(text string, i int) bool {
	left, right := i-1, i
	if isJoint(text[right]) {
		right++
	} else if left >= 0 && isJoint(text[left]) {
		left--
	}
	if left < 0 || right >= len(text) || !isDigit(text[right]) {
		return false
	}
	return isDigit(text[left]) || text[left] == 'p' && left > 0 && text[left-1] == 'R'
}

func isDigit(c byte) bool { return c >= '0' && c <= '9' }

func isJoint(c byte) bool {
	return c == ' ' || c == '.' || c == '-' || c == '/' || c == ',' || c == ':'
}

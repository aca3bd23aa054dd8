package flows

import (
	"strings"
	"time"
	"unicode"

	"tabe/bot"
)

// IsNumber tells whether a text is digits and hardly anything else.
func IsNumber(text string) bool {
	digits, letters := 0, 0
	for _, r := range text {
		switch {
		case r >= '0' && r <= '9':
			digits++
		case unicode.IsLetter(r):
			letters++
		}
	}
	return digits > 0 && letters <= digits/2
}

// CountWords counts what stands between spaces.
func CountWords(text string) (n int) {
	for range strings.FieldsSeq(text) {
		n++
	}
	return n
}

// Shortened cuts a text at a word, so that it has at most n letters.
func Shortened(text string, n int) string {
	text = strings.Join(strings.Fields(text), " ")
	runes := []rune(text)
	if len(runes) <= n {
		return text
	}
	cut := n - 2
	for i := cut; i > n/2; i-- {
		if runes[i] == ' ' {
			cut = i
			break
		}
	}
	return strings.TrimRight(string(runes[:cut]), " ,.-") + ".."
}

// Minutes rounds a time of waiting up.
func Minutes(d time.Duration) int { return int((d + time.Minute - 1) / time.Minute) }

// Options are the options of a flow with these values, each with the label
// that the flow's words have for it.
func Options(flow string, values ...string) []bot.Option {
	list := make([]bot.Option, len(values))
	for i, value := range values {
		list[i] = bot.Option{Value: value, Label: flow + ".option_" + value}
	}
	return list
}

package pbb

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// Room for a name and a place in a short message, in letters.
const (
	longestName = 28
	longestDesa = 18
)

// maskedWords is how many words of a name a stranger sees the beginning of.
const maskedWords = 3

// masked shows the initials of a name, so that who knows the taxpayer can tell
// that the number is right and who does not learns nothing: S*** B***. The
// number of stars says nothing of the length.
func masked(name string) string {
	var initials []string
	for _, word := range strings.FieldsFunc(name, func(r rune) bool { return !unicode.IsLetter(r) && r != '\'' }) {
		first, _ := utf8.DecodeRuneInString(strings.TrimLeft(word, "'"))
		if unicode.IsLetter(first) {
			initials = append(initials, string(unicode.ToUpper(first))+"***")
		}
		if len(initials) == maskedWords {
			break
		}
	}
	return strings.Join(initials, " ")
}

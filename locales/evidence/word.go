package main

import (
	"regexp"
	"strings"
)

var (
	// plain is the spelling without what writers leave out at will: accents and
	// the apostrophe of the glottal stop.
	plain = strings.NewReplacer("'", "", "’", "", "‘", "", "`", "", "ʼ", "", "ʔ", "",
		"é", "e", "è", "e", "ê", "e", "ə", "e", "â", "a", "á", "a", "à", "a", "ô", "o", "ó", "o", "ŋ", "ng")
	letters = regexp.MustCompile(`\pL+`)
)

func fold(word string) string { return plain.Replace(strings.ToLower(word)) }

// words returns the folded words of a text. A hyphen parts words: sama-sama.
func words(text string) []string { return letters.FindAllString(fold(text), -1) }

// Affixes of which the phrase sheet counts enough stems (section 2.2), folded.
var (
	prefixes = []string{"ri", "ta", "na", "u", "ku"}
	suffixes = []string{"ki", "ta", "ku", "na", "e", "nge", "i", "ni", "pa", "ga"}
)

// enough is how often a word has to be written by others before we rely on it.
const enough = 3

// Kinds of evidence, the most doubtful last.
type kind int

const (
	attested kind = iota // written by others often enough
	kept                 // as in Indonesian: a loan, a name, an official word
	composed             // of an attested stem and attested affixes
	thin                 // written by others once or twice
	adapted              // an Indonesian word with the ending that Bugis gives it
	unattested
)

// evidence is what speaks for a word.
type evidence struct {
	Word  string // as the catalogue writes it first
	Kind  kind
	Count int
	From  string // the parts of a composed word, the origin of an adapted one
	Where string // which corpora have the word, or the stem
	Means string
}

// judge looks for evidence of a word. indonesian has the folded words of the
// Indonesian catalogue.
func (c *corpus) judge(word string, indonesian map[string]bool) evidence {
	folded := fold(word)
	e := evidence{Word: word, Count: c.total(folded), Where: c.where(folded), Means: c.meanings[folded]}
	stem, parts := c.parse(folded, 2)
	origin := loan(folded, indonesian)
	switch {
	case e.Count >= enough:
		e.Kind = attested
	case indonesian[folded]:
		e.Kind = kept
	case e.Count > 0:
		e.Kind, e.From = thin, parts
	case stem != "":
		e.Kind, e.From, e.Where = composed, parts, c.where(stem)
	case origin != "":
		e.Kind, e.From = adapted, origin
	default:
		e.Kind = unattested
	}
	return e
}

// parse takes up to depth affixes off a word until what is left is attested. Of
// several ways it prefers the one that leaves the longest stem.
func (c *corpus) parse(word string, depth int) (stem, parts string) {
	if len(word) < 3 || depth < 0 {
		return "", ""
	}
	if c.total(word) >= enough {
		return word, word
	}
	for _, p := range prefixes {
		if rest, ok := strings.CutPrefix(word, p); ok {
			if s, inner := c.parse(rest, depth-1); len(s) > len(stem) {
				stem, parts = s, p+"- + "+inner
			}
		}
	}
	for _, x := range suffixes {
		if rest, ok := strings.CutSuffix(word, x); ok {
			if s, inner := c.parse(rest, depth-1); len(s) > len(stem) {
				stem, parts = s, inner+" + -"+x
			}
		}
	}
	return stem, parts
}

// loan undoes what Bugis does to the end of a borrowed word (phrase sheet, 2.4):
// -n becomes -ng, and -t, -k, -r, -l, -s the glottal stop, which is folded away.
// It returns the Indonesian word, "" if there is none.
func loan(word string, indonesian map[string]bool) string {
	if rest, ok := strings.CutSuffix(word, "ng"); ok && indonesian[rest+"n"] {
		return rest + "n"
	}
	for _, end := range []string{"t", "k", "r", "l", "s"} {
		if indonesian[word+end] {
			return word + end
		}
	}
	return ""
}

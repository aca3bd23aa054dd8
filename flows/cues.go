package flows

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"unicode"

	"tabe/bot/settings"
)

// Cues tells topics apart by the words that residents use for them, where the
// understanding of whole sentences only knows one intent. They come from a data
// file: for each topic, phrases of a few words.
type Cues struct {
	topics []topic // in the order of the file
}

type topic struct {
	name    string
	phrases [][]pattern
}

// pattern is a word of a phrase.
type pattern struct {
	letters     string
	left, right bool // any others may stand there
}

// enough is how many words of a text are looked at without taking memory for
// them: every message is searched by several services.
const enough = 32

// MustCues is ParseCues for a file inside the binary: the tests have read it.
func MustCues(file []byte) *Cues {
	c, err := ParseCues(file)
	if err != nil {
		panic(err)
	}
	return c
}

// ParseCues reads a TOML file of tables [[topic]], each with a name and a list
// of phrases. A phrase is in a text if all its words are, in any order; a * at
// the beginning or end of a word stands for any letters. Words are compared in
// small letters, without apostrophes and with doubled letters written once.
func ParseCues(file []byte) (*Cues, error) {
	var data struct {
		Topic []struct {
			Name    string
			Phrases []string
		}
	}
	if err := settings.Decode(bytes.NewReader(file), &data); err != nil {
		return nil, fmt.Errorf("flows: cues: %w", err)
	}
	c := &Cues{}
	for _, t := range data.Topic {
		next := topic{name: t.Name}
		for _, phrase := range t.Phrases {
			var patterns []pattern
			for _, word := range fold(nil, phrase, true) {
				p := pattern{letters: word}
				p.letters, p.left = strings.CutPrefix(p.letters, "*")
				p.letters, p.right = strings.CutSuffix(p.letters, "*")
				patterns = append(patterns, p)
			}
			if len(patterns) == 0 {
				return nil, fmt.Errorf("flows: cues: topic %s has an empty phrase", t.Name)
			}
			next.phrases = append(next.phrases, patterns)
		}
		if next.name == "" || len(next.phrases) == 0 {
			return nil, fmt.Errorf("flows: cues: topic %q has no name or no phrase", t.Name)
		}
		c.topics = append(c.topics, next)
	}
	return c, nil
}

// Names returns the topics in the order of the file.
func (c *Cues) Names() []string {
	names := make([]string, len(c.topics))
	for i, t := range c.topics {
		names[i] = t.name
	}
	return names
}

// Find returns the topic of which the longest phrase is in text, the first of
// them if there are several, and "" if none is.
func (c *Cues) Find(text string) string {
	var room [enough]string
	words := fold(room[:0], text, false)
	best, length := "", 0
	for _, t := range c.topics {
		for _, phrase := range t.phrases {
			if len(phrase) > length && contains(words, phrase) {
				best, length = t.name, len(phrase)
			}
		}
	}
	return best
}

// Only returns the topic that all words of a short text belong to, or "". It is
// for answers such as "iya" or "de' puang", in which nothing else may stand.
// Words of the topic "filler" are passed over.
func (c *Cues) Only(text string) string {
	found := ""
	var room [enough]string
	words := fold(room[:0], text, false)
	if len(words) > 6 {
		return ""
	}
	for _, word := range words {
		switch t := c.topicOf(word); {
		case t == "filler":
		case t == "" || found != "" && t != found:
			return ""
		default:
			found = t
		}
	}
	return found
}

func (c *Cues) topicOf(word string) string {
	for _, t := range c.topics {
		for _, phrase := range t.phrases {
			if len(phrase) == 1 && phrase[0].matches(word) {
				return t.name
			}
		}
	}
	return ""
}

func contains(words []string, phrase []pattern) bool {
	for _, p := range phrase {
		if !slices.ContainsFunc(words, p.matches) {
			return false
		}
	}
	return true
}

func (p pattern) matches(word string) bool {
	switch {
	case p.left && p.right:
		return strings.Contains(word, p.letters)
	case p.left:
		return strings.HasSuffix(word, p.letters)
	case p.right:
		return strings.HasPrefix(word, p.letters)
	}
	return word == p.letters
}

// maxCue is how much of a text is searched, in bytes.
const maxCue = 1000

// fold cuts text into words for comparison and appends them to words. Stars
// are kept in patterns.
func fold(words []string, text string, pattern bool) []string {
	if len(text) > maxCue {
		text = text[:maxCue]
	}
	var room [8 * enough]byte
	letters := room[:0]
	for _, r := range text {
		last := byte(' ')
		if n := len(letters); n > 0 {
			last = letters[n-1]
		}
		switch r = unicode.ToLower(r); {
		case r == '\'' || r == '`' || r == '\u2019' || r == '\u2018' || r == '\u02bc':
			continue
		case r == 'é' || r == 'è' || r == 'ê' || r == 'ə':
			r = 'e'
		case r >= 'a' && r <= 'z' || r >= '0' && r <= '9' || r == '*' && pattern:
		default:
			r = ' '
		}
		if byte(r) == last && (r == ' ' || r >= 'a') {
			continue
		}
		letters = append(letters, byte(r))
	}
	for rest := strings.TrimSpace(string(letters)); rest != ""; {
		var word string
		word, rest, _ = strings.Cut(rest, " ")
		words = append(words, word)
	}
	return words
}

package flows

import (
	"bytes"
	"fmt"
	"strings"

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
	phrases [][]string
}

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
			words := fold(phrase, true)
			if len(words) == 0 {
				return nil, fmt.Errorf("flows: cues: topic %s has an empty phrase", t.Name)
			}
			next.phrases = append(next.phrases, words)
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
	words := fold(text, false)
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
	words := fold(text, false)
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
			if len(phrase) == 1 && matches(word, phrase[0]) {
				return t.name
			}
		}
	}
	return ""
}

func contains(words, phrase []string) bool {
	for _, pattern := range phrase {
		found := false
		for _, word := range words {
			found = found || matches(word, pattern)
		}
		if !found {
			return false
		}
	}
	return true
}

func matches(word, pattern string) bool {
	open, left := strings.CutPrefix(pattern, "*")
	open, right := strings.CutSuffix(open, "*")
	switch {
	case left && right:
		return strings.Contains(word, open)
	case left:
		return strings.HasSuffix(word, open)
	case right:
		return strings.HasPrefix(word, open)
	}
	return word == pattern
}

// maxCue is how much of a text is searched, in bytes.
const maxCue = 1000

// fold cuts text into words for comparison. Stars are kept in patterns.
func fold(text string, pattern bool) []string {
	if len(text) > maxCue {
		text = text[:maxCue]
	}
	var words []string
	var word []rune
	end := func() {
		if len(word) > 0 {
			words = append(words, string(word))
			word = word[:0]
		}
	}
	for _, r := range strings.ToLower(text) {
		switch {
		case r == '\'' || r == '`' || r == '\u2019' || r == '\u2018' || r == '\u02bc':
		case r == 'é' || r == 'è' || r == 'ê' || r == 'ə':
			if n := len(word); n == 0 || word[n-1] != 'e' {
				word = append(word, 'e')
			}
		case r >= 'a' && r <= 'z' || r >= '0' && r <= '9' || r == '*' && pattern:
			if n := len(word); n > 0 && word[n-1] == r && r >= 'a' {
				break
			}
			word = append(word, r)
		default:
			end()
		}
	}
	end()
	return words
}

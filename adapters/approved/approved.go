// Package approved knows the texts that WhatsApp has approved: the only ones
// that may be sent to people who have not written for a day.
package approved

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/BurntSushi/toml"

	"tabe/bot"
)

// Text is an approved text.
type Text struct {
	Message   string   `toml:"message"`   // the key of our message
	Language  string   `toml:"language"`  // "id" or "bug"
	Content   string   `toml:"content"`   // by what the provider knows the text
	Code      string   `toml:"code"`      // the provider's name of its language, where it wants one
	Variables []string `toml:"variables"` // the names of the values for {{1}}, {{2}} …
}

// Texts are the approved texts, by message and language.
type Texts map[key]Text

type key struct{ message, language string }

// maxFile is the longest file of texts, in bytes.
const maxFile = 1 << 20

// Parse reads a TOML file with one [[template]] for each text. check tells
// what the provider would not take.
func Parse(r io.Reader, check func(Text) error) (Texts, error) {
	var file struct {
		Template []Text `toml:"template"`
	}
	meta, err := toml.NewDecoder(io.LimitReader(r, maxFile)).Decode(&file)
	if err != nil {
		return nil, fmt.Errorf("templates: %w", err)
	}
	if unknown := meta.Undecoded(); len(unknown) > 0 {
		return nil, fmt.Errorf("templates: nobody knows %s", unknown[0])
	}
	all := Texts{}
	for _, t := range file.Template {
		k := key{t.Message, t.Language}
		_, twice := all[k]
		switch {
		case t.Message == "" || t.Language != "id" && t.Language != "bug":
			err = errors.New(`needs a message and a language, "id" or "bug"`)
		case slices.Contains(t.Variables, ""):
			err = errors.New("has a variable without a name")
		case twice:
			err = errors.New("is there twice")
		default:
			err = check(t)
		}
		if err != nil {
			return nil, fmt.Errorf("templates: %s in %s %w", t.Message, t.Language, err)
		}
		all[k] = t
	}
	return all, nil
}

// Has tells whether there is an approved text for a message in both languages,
// so that it can be sent to anybody at any time.
func (all Texts) Has(message string) bool {
	_, id := all[key{message, "id"}]
	_, bug := all[key{message, "bug"}]
	return id && bug
}

// Fill returns the approved text for t and the values that it wants, in its
// order. It fails for good, with a *bot.SendError of the code "no_template" or
// "no_template_value".
func (all Texts) Fill(t *bot.Template) (text Text, values []string, err error) {
	text, there := all[key{t.Key, t.Language}]
	if !there {
		return text, nil, &bot.SendError{Permanent: true, Code: "no_template"}
	}
	for _, name := range text.Variables {
		// WhatsApp refuses empty values and line breaks.
		value := strings.Join(strings.Fields(t.Values[name]), " ")
		if value == "" {
			return text, nil, &bot.SendError{Permanent: true, Code: "no_template_value"}
		}
		values = append(values, value)
	}
	return text, values, nil
}

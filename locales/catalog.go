// Package locales holds every word a resident reads, in Indonesian (id.toml)
// and Bugis (bug.toml). A message is a template over named values, its key is
// "section.name"; a variant for one kind of channel has its own key behind it,
// "section.name.ussd". Each key exists in both languages, or the build fails.
package locales

import (
	_ "embed"
	"errors"
	"fmt"

	"github.com/BurntSushi/toml"
	"github.com/nicksnyder/go-i18n/v2/i18n"
	"github.com/nicksnyder/go-i18n/v2/i18n/template"
	"golang.org/x/text/language"
)

//go:embed id.toml
var indonesian []byte

//go:embed bug.toml
var bugis []byte

// Languages that the catalogue has, the first one complete by definition.
var languages = []struct {
	name string // as in bot and understand
	// tag is the name inside go-i18n, which refuses languages without a plural
	// rule in CLDR. Bugis has none, so it goes by a private tag, and its only
	// plural form serves for one as well.
	tag  language.Tag
	file []byte
}{
	{"id", language.Indonesian, indonesian},
	{"bug", language.MustParse("art-x-bug"), bugis},
}

// ErrUnknown is returned for a key that is in no language.
var ErrUnknown = errors.New("locales: no such message")

// Catalog puts message keys into words. It is safe for concurrent use.
type Catalog struct {
	languages map[string]words
}

type words struct {
	localizer *i18n.Localizer
	source    map[string]string // by key
}

// parser is shared by all calls: go-i18n keeps the first one a message meets.
var parser = &template.TextParser{Option: "missingkey=error"}

// New reads the embedded messages.
func New() (*Catalog, error) {
	bundle := i18n.NewBundle(language.Indonesian)
	c := &Catalog{languages: make(map[string]words, len(languages))}
	for _, l := range languages {
		parsed, err := i18n.ParseMessageFileBytes(l.file, "messages.id.toml", map[string]i18n.UnmarshalFunc{"toml": toml.Unmarshal})
		if err != nil {
			return nil, fmt.Errorf("locales: %s: %w", l.name, err)
		}
		source := make(map[string]string, len(parsed.Messages))
		for _, m := range parsed.Messages {
			m.One = m.Other
			source[m.ID] = m.Other
		}
		if err := bundle.AddMessages(l.tag, parsed.Messages...); err != nil {
			return nil, fmt.Errorf("locales: %s: %w", l.name, err)
		}
		c.languages[l.name] = words{i18n.NewLocalizer(bundle, l.tag.String()), source}
	}
	return c, nil
}

// Text returns message key in a language ("id", "bug"), in the variant if there
// is one. data must have every value that the message names. A message that is
// missing in the language comes back in Indonesian; one that is missing there
// too is ErrUnknown.
func (c *Catalog) Text(language, key, variant string, data map[string]any) (string, error) {
	w, known := c.languages[language]
	if !known || w.source[key] == "" {
		if w = c.languages[languages[0].name]; w.source[key] == "" {
			return "", fmt.Errorf("%w: %s", ErrUnknown, key)
		}
	}
	if variant != "" && w.source[key+"."+variant] != "" {
		key += "." + variant
	}
	config := i18n.LocalizeConfig{MessageID: key, TemplateParser: parser}
	if data != nil {
		config.TemplateData = data
	}
	text, err := w.localizer.Localize(&config)
	if err != nil {
		return "", fmt.Errorf("locales: %s: %w", key, err)
	}
	return text, nil
}

// Source returns message key in a language as it stands in the file, with the
// names of its values in place: what is kept of the words by which a resident
// was asked. "" if there is none.
func (c *Catalog) Source(language, key string) string { return c.languages[language].source[key] }

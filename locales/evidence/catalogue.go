package main

import (
	"regexp"
	"strings"

	"github.com/BurntSushi/toml"
)

// message is one text of a catalogue.
type message struct{ Key, Text string }

// readCatalogue returns the texts of a file of words, in its order.
func readCatalogue(file string) ([]message, error) {
	var tree map[string]any
	meta, err := toml.DecodeFile(file, &tree)
	if err != nil {
		return nil, err
	}
	var messages []message
	for _, key := range meta.Keys() {
		var node any = tree
		for _, name := range key {
			node = node.(map[string]any)[name]
		}
		if text, ok := node.(string); ok {
			messages = append(messages, message{strings.Join(key, "."), text})
		}
	}
	return messages, nil
}

var (
	action    = regexp.MustCompile(`\{\{[^}]*\}\}`)
	value     = regexp.MustCompile(`\{\{\.(\w+)\}\}`)
	word      = regexp.MustCompile(`[\pL'’]*\pL[\pL'’]*`)
	condition = strings.NewReplacer("{{else}}", " / ", "{{end}}", ")")
)

// written returns the words of a text as they stand there, without its values.
func written(text string) []string {
	return word.FindAllString(action.ReplaceAllString(text, " "), -1)
}

// readable shows a text to somebody who cannot program: values as {name}, what
// is only sometimes said in brackets.
func readable(text string) string {
	text = condition.Replace(value.ReplaceAllString(text, "{$1}"))
	return strings.NewReplacer("\n", " ", "|", "/").Replace(action.ReplaceAllString(text, "("))
}

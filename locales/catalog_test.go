package locales

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/BurntSushi/toml"

	"tabe/bot/sms"
)

// longest has, for each value that messages name, a long but real one. Every
// message is measured with them.
var longest = map[string]any{}

func init() {
	if _, err := toml.DecodeFile("testdata/longest.toml", &longest); err != nil {
		panic(err)
	}
}

// messages returns the texts of a language as they stand in the file.
func messages(t *testing.T, file []byte) map[string]string {
	t.Helper()
	var tree map[string]any
	if err := toml.Unmarshal(file, &tree); err != nil {
		t.Fatal(err)
	}
	flat := map[string]string{}
	var walk func(prefix string, node map[string]any)
	walk = func(prefix string, node map[string]any) {
		for name, value := range node {
			switch v := value.(type) {
			case string:
				flat[prefix+name] = v
			case map[string]any:
				walk(prefix+name+".", v)
			default:
				t.Errorf("%s%s is a %T", prefix, name, value)
			}
		}
	}
	walk("", tree)
	return flat
}

var (
	value  = regexp.MustCompile(`\{\{\.(\w+)\}\}`)
	action = regexp.MustCompile(`\{\{[^}]*\}\}`)
)

func TestBothLanguagesAreComplete(t *testing.T) {
	id, bug := messages(t, indonesian), messages(t, bugis)
	for key, text := range id {
		other, ok := bug[key]
		if !ok {
			t.Errorf("bug.toml lacks %s", key)
			continue
		}
		if a, b := values(text), values(other); !slices.Equal(a, b) {
			t.Errorf("%s names %v in id.toml and %v in bug.toml", key, a, b)
		}
	}
	for key := range bug {
		if _, ok := id[key]; !ok {
			t.Errorf("id.toml lacks %s", key)
		}
	}
}

func values(text string) []string {
	var names []string
	for _, m := range value.FindAllStringSubmatch(text, -1) {
		names = append(names, m[1])
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// TestEachMessageFits renders every message with long real values. A question
// ("ask_…") has to fit one SMS and anything else two, and leave room for the
// line that leads on; a screen of USSD has 182 characters, but is paged.
func TestEachMessageFits(t *testing.T) {
	catalog, err := New()
	if err != nil {
		t.Fatal(err)
	}
	const next = "\n0 Menu"
	for _, l := range languages {
		for key, raw := range messages(t, l.file) {
			for _, m := range action.FindAllString(raw, -1) {
				if !value.MatchString(m) && !strings.HasPrefix(m, "{{if ") && m != "{{end}}" && m != "{{else}}" {
					t.Errorf("%s.toml: %s: %s is neither a value nor a condition", l.name, key, m)
				}
			}
			for _, name := range values(raw) {
				if longest[name] == nil {
					t.Errorf("%s.toml: %s: testdata/longest.toml has no value for %s", l.name, key, name)
				}
			}
			text, err := catalog.Text(l.name, key, "", longest)
			if err != nil {
				t.Errorf("%s.toml: %v", l.name, err)
				continue
			}
			limit := 2
			if name := key[strings.LastIndexByte(key, '.')+1:]; strings.HasPrefix(name, "ask_") {
				limit = 1
			}
			encoding, segments := sms.Segments(text + next)
			if encoding != sms.GSM7 || segments > limit {
				_, n := sms.Measure(text)
				t.Errorf("%s.toml: %s takes %d segments of %s (%d characters), of %d allowed:\n%s", l.name, key, segments, encoding, n, limit, text)
			}
			if text != strings.TrimSpace(text) || strings.Contains(text, "  ") || strings.Contains(text, "<no value>") {
				t.Errorf("%s.toml: %s has stray blanks or a missing value: %q", l.name, key, text)
			}
			if l.name == "bug" && strings.ContainsAny(text, "’`éè") {
				t.Errorf("bug.toml: %s is not in the plain spelling: %q", key, text)
			}
		}
	}
}

// Familiar forms are for friends; the phrase sheet says never to use them.
var familiar = regexp.MustCompile(`(?i)\b(iko|iyo)\b|\b\w+mu\b|\w-ko\b`)

func TestBugisIsPolite(t *testing.T) {
	for key, text := range messages(t, bugis) {
		if m := familiar.FindString(text); m != "" && m != "Assalamu" {
			t.Errorf("bug.toml: %s says %q, which is familiar", key, m)
		}
	}
}

func TestText(t *testing.T) {
	catalog, err := New()
	if err != nil {
		t.Fatal(err)
	}
	if text, err := catalog.Text("bug", "option.yes", "", nil); text != "Iye'" || err != nil {
		t.Errorf("%q, %v", text, err)
	}
	if text, err := catalog.Text("jv", "option.yes", "ussd", nil); text != "Ya" || err != nil {
		t.Errorf("an unknown language: %q, %v", text, err)
	}
	if _, err := catalog.Text("id", "no_such_key", "", nil); err == nil {
		t.Error("an unknown key has words")
	}
}

func BenchmarkText(b *testing.B) {
	catalog, err := New()
	if err != nil {
		b.Fatal(err)
	}
	for _, l := range languages {
		b.Run(fmt.Sprint(l.name), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := catalog.Text(l.name, "option.yes", "", nil); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

package settings_test

import (
	"strings"
	"testing"

	"tabe/bot/settings"
)

func TestDecode(t *testing.T) {
	for name, test := range map[string]struct{ text, want string }{
		"good":      {"days = 3", ""},
		"misspelt":  {"dais = 3", "nothing is called dais"},
		"no number": {"days = x", "expected"},
		"endless":   {"days = 3\n" + strings.Repeat("#\n", 1<<19), "longer than"},
	} {
		var into struct{ Days int }
		err := settings.Decode(strings.NewReader(test.text), &into)
		if test.want == "" && (err != nil || into.Days != 3) || test.want != "" && (err == nil || !strings.Contains(err.Error(), test.want)) {
			t.Errorf("%s: %+v, %v", name, into, err)
		}
	}
}

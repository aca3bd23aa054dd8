package siaga

import (
	"strings"
	"testing"
)

// Duty phones answer with a digit, with or without the code, in any order; what
// residents write is never taken for it.
func TestParse(t *testing.T) {
	for text, want := range map[string]string{
		"1": "accept ", " 2 ": "refuse ", "3": "on_scene ", "4": "done ", "1 X9WK6": "accept X9WK6", "x9wk6 4": "done X9WK6", "1.": "accept ", "2,x9wk6": "refuse X9WK6", "X9WK63": "on_scene X9WK6",
		"": "", "5": "", "0": "", "11": "", "1 1": "", "menu": "", "X9WK6": "", "1 kebakaran": "", "1 X9WK6 2": "", "73.12": "", strings.Repeat("1", 100): "",
	} {
		w, code, ok := parse(text)
		got := ""
		if ok {
			got = string(w) + " " + code
		}
		if got != want {
			t.Errorf("%q is %q, not %q", text, got, want)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add("1 X9WK6")
	f.Fuzz(func(t *testing.T, text string) {
		if w, code, ok := parse(text); ok && (w == "" || len(code) != 0 && len(code) != 5) {
			t.Errorf("%q is %q %q", text, w, code)
		}
	})
}

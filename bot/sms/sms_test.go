package sms

import (
	"strings"
	"testing"
	"unicode/utf8"
)

func TestSegments(t *testing.T) {
	for _, c := range []struct {
		text     string
		encoding Encoding
		segments int
	}{
		{"", GSM7, 1},
		{strings.Repeat("a", 160), GSM7, 1},
		{strings.Repeat("a", 161), GSM7, 2},
		{strings.Repeat("a", 306), GSM7, 2},
		{strings.Repeat("a", 307), GSM7, 3},
		{strings.Repeat("é", 160), GSM7, 1},
		{strings.Repeat("€", 80), GSM7, 1},
		{strings.Repeat("€", 81), GSM7, 2},
		{strings.Repeat("a", 152) + "€" + strings.Repeat("a", 153), GSM7, 3}, // the escape is not parted from its character
		{strings.Repeat("ᨒ", 70), UCS2, 1},
		{strings.Repeat("ᨒ", 71), UCS2, 2},
		{strings.Repeat("😀", 35), UCS2, 1},
		{strings.Repeat("😀", 67), UCS2, 3}, // 33 pairs to a part
		{"siaga pajakku’", UCS2, 1},
	} {
		encoding, segments := Segments(c.text)
		if encoding != c.encoding || segments != c.segments {
			t.Errorf("%.20q (%d): %s %d, want %s %d", c.text, len(c.text), encoding, segments, c.encoding, c.segments)
		}
	}
}

func TestFold(t *testing.T) {
	for text, want := range map[string]string{
		"tabe’ “puang” – siaga…": `tabe' "puang" - siaga...`,
		"nomoro'é":               "nomoro'é",
		"Rp\u00a052.500":         "Rp 52.500",
		"ᨒᨚᨈᨑ":                   "ᨒᨚᨈᨑ",
		"`a`":                    "'a'",
	} {
		if got := Fold(text); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}

func TestSplitKeepsNumbersWhole(t *testing.T) {
	for _, whole := range []string{"Rp 1.052.500", "73.12.010.003.002-0041.0", "73 12 010 003 002 0041 0", "0484-23743", "2026-09-30"} {
		for lead := 100; lead < 160; lead++ {
			text := strings.Repeat("kata ", lead/5) + strings.Repeat("x", lead%5) + " " + whole + strings.Repeat(" sesudah", 10)
			found := false
			for _, part := range Split(text) {
				found = found || strings.Contains(part, whole)
			}
			if !found {
				t.Fatalf("%q is cut in %q", whole, Split(text))
			}
		}
	}
}

func FuzzSplit(f *testing.F) {
	f.Add(strings.Repeat("Pajak PBB ", 40))
	f.Add(strings.Repeat("7", 500))
	f.Add(strings.Repeat("ᨒᨚ 😀", 60))
	f.Fuzz(func(t *testing.T, text string) {
		if !utf8.ValidString(text) {
			return
		}
		encoding, _ := Measure(text)
		parts := Split(text)
		if strings.Join(parts, "") != text {
			t.Fatalf("%q does not join", parts)
		}
		alone, part := limits(encoding)
		for _, p := range parts {
			n := lenUCS2(p)
			if encoding == GSM7 {
				_, n = Measure(p)
			}
			if len(parts) > 1 && (n > part || n == 0) || len(parts) == 1 && n > alone {
				t.Fatalf("a part of %d units", n)
			}
			if !utf8.ValidString(p) {
				t.Fatal("cut inside a character")
			}
		}
	})
}

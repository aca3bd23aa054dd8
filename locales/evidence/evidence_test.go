package main

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
)

var row = regexp.MustCompile("(?m)^\\| `([^`]+)` \\|")

// TestPageIsOfThisCatalogue needs no corpora: it compares the keys alone.
func TestPageIsOfThisCatalogue(t *testing.T) {
	page, err := os.ReadFile("../../docs/bugis.md")
	if err != nil {
		t.Fatal(err)
	}
	messages, err := readCatalogue("../bug.toml")
	if err != nil {
		t.Fatal(err)
	}
	_, texts, found := strings.Cut(string(page), "\n## Every text\n")
	if !found {
		t.Fatal("docs/bugis.md does not show the texts")
	}
	var shown, keys []string
	for _, m := range row.FindAllStringSubmatch(texts, -1) {
		shown = append(shown, m[1])
	}
	for _, m := range messages {
		keys = append(keys, m.Key)
	}
	if !slices.Equal(shown, keys) {
		t.Errorf("docs/bugis.md is stale: run go run ./locales/evidence\nit shows %v\nbug.toml has %v", shown, keys)
	}
}

func TestEvidenceOfAWord(t *testing.T) {
	c := &corpus{counts: map[string]map[string]int{}}
	for range enough {
		c.count("Kiring wedding tuli, kantoro’ tiwi' dé", "NusaX")
	}
	c.count("tiwi'", "GATITOS")
	c.count("sure'", "NLLB-Seed")
	c.count("naseng", "")
	indonesian := map[string]bool{"layanan": true, "darurat": true, "pbb": true, "sure": true}
	for word, want := range map[string]evidence{
		"de'":       {Kind: attested, Count: 3, Where: "NusaX 3"},
		"Tiwi'":     {Kind: attested, Count: 4, Where: "NusaX 3, GATITOS 1"},
		"PBB":       {Kind: kept},
		"kiringki'": {Kind: composed, From: "kiring + -ki", Where: "NusaX 3"},
		"takiringi": {Kind: composed, From: "ta- + kiring + -i", Where: "NusaX 3"},
		"layanang":  {Kind: adapted, From: "layanan"},
		"darura'":   {Kind: adapted, From: "darurat"},
		"naseng":    {Kind: unattested},
		"deki'":     {Kind: unattested}, // a stem of two letters proves nothing
	} {
		want.Word = word
		if got := c.judge(word, indonesian); got != want {
			t.Errorf("%s: %+v, want %+v", word, got, want)
		}
	}
}

func TestReadable(t *testing.T) {
	text := "PBB {{.year}}{{if .name}} asenna {{.name}}{{else}} -{{end}}."
	if got := readable(text); got != "PBB {year}( asenna {name} /  -)." {
		t.Errorf("%q", got)
	}
	if got := written(text + " De'na KTP-ta'"); !slices.Equal(got, []string{"PBB", "asenna", "De'na", "KTP", "ta'"}) {
		t.Errorf("%q", got)
	}
}

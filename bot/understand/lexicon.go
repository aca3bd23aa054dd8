package understand

import (
	_ "embed"
	"strings"
)

//go:embed data/lexicon.tsv
var lexiconTable string

// lexicon tells which words mean the same, per language, because the same
// letters may mean different things: "elo" wants something in Bugis.
type lexicon struct {
	indonesian, bugis map[string]int32 // key -> concept
	concepts          []string
}

func readLexicon(table string) lexicon {
	l := lexicon{indonesian: map[string]int32{}, bugis: map[string]int32{}}
	ids := map[string]int32{}
	for line := range strings.Lines(table) {
		columns := strings.Split(strings.TrimSpace(line), "\t")
		if len(columns) != 3 || strings.HasPrefix(line, "#") {
			continue
		}
		id, ok := ids[columns[0]]
		if !ok {
			id = int32(len(l.concepts))
			ids[columns[0]] = id
			l.concepts = append(l.concepts, columns[0])
		}
		for _, form := range strings.Fields(columns[2]) {
			if columns[1] != Bugis {
				put(l.indonesian, key(form), id)
			}
			if columns[1] != Indonesian {
				put(l.bugis, key(form), id)
			}
		}
	}
	return l
}

func put(m map[string]int32, key string, id int32) {
	if _, taken := m[key]; !taken && key != "" {
		m[key] = id
	}
}

// The clitics that are taken off a word that is not known as it stands, the
// longest first. Both languages have nearly the same ones.
var (
	suffixes = []string{"nami", "mika", "miki", "kumi", "tami", "naji", "kuji", "nya", "kah", "lah", "nge", "ngi", "kan", "nni", "kka",
		"ku", "mu", "na", "ta", "mi", "ji", "pi", "ki", "ka", "ko", "ni", "pa", "mo", "ga", "wi", "to", "si", "an", "i", "e", "a"}
	prefixes = []string{"meng", "mem", "men", "me", "di", "ke", "ter", "ber", "pe", "ri", "ma", "na", "ta", "ku", "mu", "u"}
)

const minStem = 3 // letters that must remain

// find returns the concept of a key, read in the language first, then in the
// other, as it stands or without clitics.
func (l *lexicon) find(key []byte, bugis bool) int32 {
	first, second := l.indonesian, l.bugis
	if bugis {
		first, second = second, first
	}
	if id, ok := first[string(key)]; ok {
		return id
	}
	if id := strip(first, key); id != noConcept {
		return id
	}
	if id, ok := second[string(key)]; ok {
		return id
	}
	return strip(second, key)
}

func strip(m map[string]int32, key []byte) int32 {
	for _, s := range suffixes {
		if stem := len(key) - len(s); stem >= minStem && string(key[stem:]) == s {
			if id, ok := m[string(key[:stem])]; ok {
				return id
			}
		}
	}
	for _, p := range prefixes {
		if len(key)-len(p) >= minStem && string(key[:len(p)]) == p {
			if id, ok := m[string(key[len(p):])]; ok {
				return id
			}
		}
	}
	return noConcept
}

package understand

import "strings"

// phrases finds the first of several phrases in a text, in the order of a table.
type phrases struct {
	entries []phrase
	first   map[string][]int // by the key of the first word
}

type phrase struct {
	value string
	words []string // keys
	only  Intent   // "" for any
	rank  int      // line of the table
}

func readPhrases(table string) phrases {
	p := phrases{first: map[string][]int{}}
	rank := 0
	for line := range strings.Lines(table) {
		columns := strings.Split(strings.TrimRight(line, "\n"), "\t")
		if strings.HasPrefix(line, "#") || len(columns) < 2 {
			continue
		}
		rank++
		for _, text := range strings.Split(columns[1], "|") {
			e := phrase{value: columns[0], rank: rank}
			for _, w := range strings.Fields(text) {
				e.words = append(e.words, key(w))
			}
			if len(columns) > 2 {
				e.only = Intent(columns[2])
			}
			p.first[e.words[0]] = append(p.first[e.words[0]], len(p.entries))
			p.entries = append(p.entries, e)
		}
	}
	return p
}

// clitics are what may hang at a word of a phrase.
var clitics = setOf("ku mu na ta nya mi ji pi ki ka ni e i nge kah ga kuni kumi naji mika gi ngku ngna o")

// stemOf takes one clitic off a word that does not begin a phrase as it is.
func (p *phrases) stemOf(k []byte) []byte {
	if _, ok := p.first[string(k)]; ok {
		return k
	}
	for n := 1; n <= 4 && n+3 <= len(k); n++ {
		if clitics[string(k[len(k)-n:])] {
			if _, ok := p.first[string(k[:len(k)-n])]; ok {
				return k[:len(k)-n]
			}
		}
	}
	return nil
}

func fits(k []byte, want string) bool {
	return string(k) == want || len(k) > len(want) && len(want) >= 3 && string(k[:len(want)]) == want && clitics[string(k[len(want):])]
}

// find returns the phrase of the lowest rank, and the longest of these.
func (p *phrases) find(s *utterance, intent Intent) (best phrase, from, to int, ok bool) {
	for i := range s.tokens {
		if s.tokens[i].part {
			continue
		}
		stem := p.stemOf(s.tokens[i].key)
		if stem == nil {
			continue
		}
		for _, n := range p.first[string(stem)] {
			e := p.entries[n]
			if e.only != "" && e.only != intent || i+len(e.words) > len(s.tokens) {
				continue
			}
			whole := true
			for j := 1; j < len(e.words) && whole; j++ {
				whole = fits(s.tokens[i+j].key, e.words[j])
			}
			if whole && (!ok || e.rank < best.rank || e.rank == best.rank && len(e.words) > len(best.words)) {
				best, from, to, ok = e, i, i+len(e.words), true
			}
		}
	}
	return best, from, to, ok
}

package understand

import (
	_ "embed"
	"fmt"
	"strconv"
	"strings"
)

//go:embed data/ngrams.tsv
var ngramTable string

// identifier tells Bugis from Indonesian: log-odds of character n-grams of
// lengths 1 to 4, in eighths of a nat. A gram is packed into 20 bits.
type identifier struct {
	grams []int8
}

const (
	gramBits  = 20
	eighth    = 1.0 / 8
	certainly = 40 // what Lontara letters say, in nats
)

func readIdentifier(table string) (identifier, error) {
	id := identifier{grams: make([]int8, 1<<gramBits)}
	for line := range strings.Lines(table) {
		if strings.HasPrefix(line, "#") {
			continue
		}
		gram, weight, _ := strings.Cut(strings.TrimRight(line, "\n"), "\t")
		w, err := strconv.ParseInt(weight, 10, 8)
		if err != nil {
			return id, fmt.Errorf("understand: n-gram table: %w", err)
		}
		pack := uint32(0)
		for i := range len(gram) {
			pack = pack<<5 | letterCode(gram[i])
		}
		id.grams[pack&(1<<gramBits-1)] = int8(w)
	}
	return id, nil
}

// letterCode is 1 for the border of a word and 2 to 27 for a letter.
func letterCode(c byte) uint32 {
	if c < 'a' || c > 'z' {
		return 1
	}
	return uint32(c-'a') + 2
}

// sum adds up the log-odds of the words of u, in nats, positive for Bugis.
func (id *identifier) sum(u *utterance) float64 {
	u.grams = append(u.grams[:0], '_')
	for i := range u.tokens {
		if t := &u.tokens[i]; t.kind == word && len(u.grams)+len(t.low)+1 < cap(u.grams) {
			u.grams = append(u.grams, t.low...)
			u.grams = append(u.grams, '_')
		}
	}
	total, window := 0, uint32(0)
	for n, c := range u.grams {
		window = window<<5 | letterCode(c)
		for width := 1; width <= 4 && width <= n+1; width++ {
			total += int(id.grams[window&(1<<(5*width)-1)])
		}
	}
	return float64(total) * eighth
}

// The second opinion: a logistic regression over words and their endings,
// learnt from utterances, in which half the words are loans and a single
// particle decides. It starts from the sum of the n-grams.
const (
	accentBits = 15
	accents    = 1 << accentBits
	trust      = 0.2 // in the n-grams: their letters overlap, so they count the same evidence several times
)

// listen fills u.features with what the second opinion looks at.
func (u *utterance) listen() {
	u.features = u.features[:0]
	add := func(h uint32, value float32) {
		if len(u.features) < cap(u.features) {
			u.features = append(u.features, feature{finish(h) & (accents - 1), value})
		}
	}
	previous := uint32(0)
	for i := range u.tokens {
		t := &u.tokens[i]
		if t.kind != word {
			continue
		}
		k := t.key
		h := hashBytes(ofWord, k)
		add(h, 1)
		add(mix(mix(ofPair, previous), h), 0.7)
		previous = h
		for n := 1; n <= 4 && n < len(k); n++ {
			add(hashBytes(mix(ofEdge, uint32(n)), k[len(k)-n:]), 0.5)
			add(hashBytes(mix(ofGram, uint32(n)), k[:n]), 0.5)
		}
		for at := 0; at+3 <= len(k); at++ {
			add(hashBytes(ofSet, k[at:at+3]), 0.3)
		}
	}
}

// accent is the second opinion, in nats.
func (m *model) accent(u *utterance) float64 {
	sum := float32(0)
	for _, f := range u.features {
		sum += f.value * float32(m.accents[f.bucket])
	}
	return float64(sum * m.accentScale)
}

// language returns the log-odds of Bugis against Indonesian in nats. One or
// two words never say much: half of them belong to both languages.
func (u *Understander) language(s *utterance) float64 {
	if s.lontara > 0 {
		return certainly
	}
	words := 0
	for i := range s.tokens {
		if s.tokens[i].kind == word {
			words++
		}
	}
	if words == 0 {
		return 0
	}
	s.listen()
	lean := u.identifier.sum(s)*trust + u.model.accent(s) + float64(u.model.accentBias)
	switch words {
	case 1:
		return max(-oneWord, min(oneWord, lean))
	case 2:
		return max(-twoWords, min(twoWords, lean))
	}
	return lean
}

const (
	oneWord  = 2.0
	twoWords = 3.9
)

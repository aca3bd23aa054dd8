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

// sum adds up the log-odds of the words of u, in nats, positive for Bugis, and
// tells how many letters they have.
func (id *identifier) sum(u *utterance) (nats float64, letters int) {
	u.grams = append(u.grams[:0], '_')
	for i := range u.tokens {
		if t := &u.tokens[i]; t.kind == word && !t.place && len(u.grams)+len(t.low)+1 < cap(u.grams) {
			u.grams = append(u.grams, t.low...)
			u.grams = append(u.grams, '_')
			letters += len(t.low)
		}
	}
	total, window := 0, uint32(0)
	for n, c := range u.grams {
		window = window<<5 | letterCode(c)
		for width := 1; width <= 4 && width <= n+1; width++ {
			total += int(id.grams[window&(1<<(5*width)-1)])
		}
	}
	return float64(total) * eighth, letters
}

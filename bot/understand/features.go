package understand

// feature is a bucket of the model with the weight that the feature has.
type feature struct {
	bucket uint32
	value  float32
}

const (
	bucketBits = 17
	buckets    = 1 << bucketBits
)

// Kinds of features: the seed of their hash.
const (
	ofWord uint32 = iota + 1
	ofConcept
	ofPair
	ofSkip
	ofGram
	ofShape
	ofEdge
	ofSet
)

const prime = 16777619

func mix(h, x uint32) uint32 { return (h ^ x) * prime }

func hashBytes(h uint32, b []byte) uint32 {
	for _, c := range b {
		h = mix(h, uint32(c))
	}
	return h
}

func finish(h uint32) uint32 {
	h ^= h >> 15
	h *= 0x2c1b3c6d
	h ^= h >> 12
	h *= 0x297a2d39
	h ^= h >> 15
	return h & (buckets - 1)
}

func (u *utterance) put(h uint32, value float32) {
	if len(u.features) < cap(u.features) {
		u.features = append(u.features, feature{finish(h), value})
	}
}

// Symbols of tokens that are not words of the language.
const (
	symPlace uint32 = 0x80000000 + iota
	symNumber
	symNOP
	symSixteen
	symPhone
	symYear
	symMixed
	symStart
)

// symbol is what a token counts as in pairs.
func (u *utterance) symbol(i int) uint32 {
	t := &u.tokens[i]
	switch {
	case t.place:
		return symPlace
	case t.kind == number:
		return symNumber
	case t.kind == mixed:
		return symMixed
	case t.symbol != noConcept:
		return uint32(t.symbol) + 1
	}
	return hashBytes(ofWord, t.key)
}

// extract fills u.features. What a resident is called, where he lives and
// which number he has does not tell what he wants: only that it is there.
func (u *utterance) extract() {
	previous, before := symStart, symStart
	words := 0
	for i := range u.tokens {
		t := &u.tokens[i]
		if t.part && i > 0 && u.tokens[i-1].part {
			continue // one number
		}
		s := u.symbol(i)
		if t.kind == word && !t.place {
			words++
			u.put(hashBytes(ofWord, t.key), 1)
			if t.symbol != noConcept {
				u.put(mix(mix(ofConcept, prime), s), 1.2)
			}
			u.wordGrams(t.key)
		}
		if t.place && i > 0 && u.tokens[i-1].place {
			continue
		}
		u.put(mix(mix(mix(ofPair, prime), previous), s), 0.8)
		if i > 1 {
			u.put(mix(mix(mix(ofSkip, prime), before), s), 0.4)
		}
		before, previous = previous, s
	}
	if previous != symStart {
		u.put(mix(mix(mix(ofEdge, prime), previous), 7), 0.5)
	}
	for _, n := range u.numbers {
		size := uint32(0)
		if n.shape == plain {
			size = uint32(min(len(n.digits), 9))
		}
		u.put(mix(mix(mix(ofShape, prime), uint32(n.shape)), size), 1)
	}
	u.sets()
	if len(u.places) > 0 {
		u.put(mix(mix(ofShape, prime), 100), 0.5)
	}
	if u.question {
		u.put(mix(mix(ofShape, prime), 101), 0.5)
	}
	u.put(mix(mix(mix(ofShape, prime), 102), uint32(min(words, 6))), 0.5)
	sum := float32(0)
	for _, f := range u.features {
		sum += f.value * f.value
	}
	norm := invSqrt(sum + 4)
	for i := range u.features {
		u.features[i].value *= norm
	}
}

// wordGrams adds the pieces of a word, so that a misspelt or unknown form of
// it is half known.
func (u *utterance) wordGrams(k []byte) {
	var b [maxWord + 2]byte
	padded := append(append(append(b[:0], '_'), k...), '_')
	for width := 3; width <= 5; width++ {
		for at := 0; at+width <= len(padded); at++ {
			u.put(hashBytes(mix(ofGram, uint32(width)), padded[at:at+width]), 0.35)
		}
	}
}

// sets adds pairs of concepts wherever they stand: "kartu … hilang".
func (u *utterance) sets() {
	var seen [12]uint32
	n := 0
	for i := range u.tokens {
		t := &u.tokens[i]
		if t.symbol == noConcept || n == len(seen) {
			continue
		}
		s := uint32(t.symbol)
		for _, o := range seen[:n] {
			u.put(mix(mix(mix(ofSet, prime), min(s, o)), max(s, o)), 0.4)
		}
		seen[n] = s
		n++
	}
}

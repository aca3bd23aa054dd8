package understand

import (
	"sync"
	"unicode/utf8"
)

// Limits on what one utterance may cost. A resident never writes that much;
// what is longer is read up to here.
const (
	maxText   = 4096 // bytes
	maxTokens = 512
	maxWord   = 32 // letters of a word that are compared
)

// kind says what a token is made of.
type kind uint8

const (
	word   kind = iota // letters
	number             // digits
	mixed              // both: 5rb, 7x10, SMP1
)

// token is one run of letters and digits.
type token struct {
	kind       kind
	start, end int    // its place in the source, in bytes
	low        []byte // lower-case a-z and digits; accents and apostrophes gone
	key        []byte // low with double letters written once, because people double Bugis consonants at will
	upper      bool   // begins with a capital
	gap        byte   // what stood before it: a punctuation mark, ' ', or 0 for nothing at all

	known  bool  // in the lexicon, as it is or without its clitics
	symbol int32 // its concept, or noConcept
	place  bool  // part of the name of a place
	part   bool  // part of a number that became a slot
}

const noConcept int32 = -1

// utterance is one text, folded and cut into tokens. Its buffers are reused
// from one utterance to the next, so that a turn allocates next to nothing.
type utterance struct {
	source   string
	low, key []byte // hold the bytes of the tokens; never grow beyond their capacity
	tokens   []token
	lontara  int  // letters in Bugis script
	question bool // a question mark
	bugis    bool // the decision of the language identifier

	numbers  []numeral
	places   []mention
	features []feature
	grams    []byte
	scores   [classes]float32
}

func newUtterance() *utterance {
	return &utterance{
		low: make([]byte, 0, 2*maxText+maxWord), key: make([]byte, 0, 2*maxText+maxWord),
		tokens: make([]token, 0, maxTokens), features: make([]feature, 0, 1024), grams: make([]byte, 0, maxText),
	}
}

// read folds and cuts the source. Control and direction characters and broken
// UTF-8 vanish; every other character that is no letter or digit parts words.
func (u *utterance) read(source string) {
	if len(source) > maxText {
		source = source[:maxText]
	}
	*u = utterance{source: source, low: u.low[:0], key: u.key[:0], tokens: u.tokens[:0], numbers: u.numbers[:0],
		places: u.places[:0], features: u.features[:0], grams: u.grams[:0]}
	open, gap := false, byte(' ')
	var t token
	from := 0
	shut := func(end int) {
		if open {
			open, t.end, gap = false, end, 0
			t.low = u.low[from:len(u.low):len(u.low)]
			u.add(t)
		}
	}
	for at := 0; at < len(source) && len(u.tokens) < maxTokens; {
		r, size := rune(source[at]), 1
		if r >= utf8.RuneSelf {
			r, size = utf8.DecodeRuneInString(source[at:])
			if r == utf8.RuneError && size <= 1 {
				at++
				continue
			}
			r = foldRune(r)
		}
		letter := isLetter(r) || isDigit(r)
		script := r >= 0x1A00 && r <= 0x1A1B
		switch {
		case r == ignore || r == 0x7f || r < ' ' && r != '\n' && r != '\t' && r != '\r':
		case r == '\'' || r == '`': // a glottal stop belongs to its word; a quotation mark does no harm there
		case letter || script:
			if !open {
				open, from = true, len(u.low)
				t = token{start: at, gap: gap, symbol: noConcept, upper: r >= 'A' && r <= 'Z'}
			}
			if script {
				u.lontara++
				u.low = appendLontara(u.low, r, len(u.low) > from)
				break
			}
			if r >= 'A' && r <= 'Z' {
				r += 'a' - 'A'
			}
			u.low = append(u.low, byte(r))
		default:
			shut(at)
			u.question = u.question || r == '?'
			if r > ' ' && r < utf8.RuneSelf && (gap == 0 || gap == ' ') {
				gap = byte(r)
			} else if gap == 0 {
				gap = ' '
			}
		}
		at += size
	}
	shut(len(source))
}

// add finishes a token: it parts words from numbers that were written together
// ("nop7312…"), reads O for 0 and l for 1 between digits, drops the 2 of a
// reduplication ("ribut2") and shortens shouted letters ("tolonggg").
func (u *utterance) add(t token) {
	low := t.low
	if len(low) == 0 {
		return
	}
	digits, odd := 0, 0
	for _, c := range low {
		switch {
		case isDigit(rune(c)):
			digits++
		case c != 'o' && c != 'l' && c != 'i':
			odd++
		}
	}
	switch {
	case digits == 0:
		t.kind = word
	case digits == len(low):
		t.kind = number
	case odd == 0 && digits >= 2 && len(low) >= 5 && (isDigit(rune(low[0])) || low[0] == 'o'):
		t.kind = number
		for i, c := range low {
			switch c {
			case 'o':
				low[i] = '0'
			case 'l', 'i':
				low[i] = '1'
			}
		}
	case digits == 1 && len(low) > 2 && low[len(low)-1] == '2':
		t.kind, low = word, low[:len(low)-1]
	default:
		if cut := border(low); cut > 0 && digits >= 4 {
			first, second := t, t
			first.low, second.low = low[:cut:cut], low[cut:]
			first.end = t.start + (t.end-t.start)*cut/len(low)
			second.start, second.gap = first.end, 0
			u.add(first)
			u.add(second)
			return
		}
		t.kind = mixed
	}
	if t.kind == word {
		low = shorten(low)
	}
	t.low = low
	from := len(u.key)
	for i, c := range low {
		if i >= maxWord {
			break
		}
		if t.kind == word && i > 0 && low[i-1] == c {
			continue
		}
		u.key = append(u.key, c)
	}
	t.key = u.key[from:len(u.key):len(u.key)]
	if len(u.tokens) < maxTokens {
		u.tokens = append(u.tokens, t)
	}
}

// border is where the only change between letters and digits lies, or 0.
func border(low []byte) int {
	cut := 0
	for i := 1; i < len(low); i++ {
		if isDigit(rune(low[i])) != isDigit(rune(low[i-1])) {
			if cut > 0 {
				return 0
			}
			cut = i
		}
	}
	return cut
}

// shorten writes letters that are repeated three times or more only once.
func shorten(low []byte) []byte {
	out := low[:0]
	for i := 0; i < len(low); {
		run := i + 1
		for run < len(low) && low[run] == low[i] {
			run++
		}
		out = append(out, low[i])
		if run-i == 2 {
			out = append(out, low[i])
		}
		i = run
	}
	return out
}

// readers are utterances to read with: the tables have thousands of words, and
// the buffers of one are large.
var readers = sync.Pool{New: func() any { return newUtterance() }}

// key returns the matching key of a word: what the key of a token is.
func key(s string) string {
	u := readers.Get().(*utterance)
	defer readers.Put(u)
	u.read(s)
	var b []byte
	for _, t := range u.tokens {
		b = append(b, t.key...)
	}
	return string(b)
}

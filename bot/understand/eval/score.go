package main

import (
	"math"
	"slices"
	"strings"

	"tabe/bot/understand"
)

// answer is one utterance with what was understood of it.
type answer struct {
	want  understand.Example
	got   understand.Result
	heard map[int]string // the language of the first n words, where there are so many
}

// pieces are the lengths, in words, at which the language is measured.
var pieces = []int{1, 2, 3, 5}

// classify says what one reader makes of examples that it has not learnt.
func classify(u *understand.Understander, examples []understand.Example) []answer {
	answers := make([]answer, len(examples))
	for i, e := range examples {
		answers[i] = answer{e, u.Understand(e.Text), map[int]string{}}
		words := strings.Fields(e.Text)
		for _, n := range pieces {
			if len(words) >= n {
				answers[i].heard[n] = u.Understand(strings.Join(words[:n], " ")).Language
			}
		}
	}
	return answers
}

// ratio is how many of how many.
type ratio struct{ Hits, Of int }

func (r *ratio) add(hit bool) {
	r.Of++
	if hit {
		r.Hits++
	}
}

func (r ratio) value() float64 {
	if r.Of == 0 {
		return math.NaN()
	}
	return float64(r.Hits) / float64(r.Of)
}

// wilson is the 95 % interval of a ratio.
func (r ratio) wilson() (low, high float64) {
	n, p, z := float64(r.Of), r.value(), 1.96
	middle := (p + z*z/(2*n)) / (1 + z*z/n)
	half := z / (1 + z*z/n) * math.Sqrt(p*(1-p)/n+z*z/(4*n*n))
	return max(0, middle-half), min(1, middle+half)
}

// score is what is measured over a set of answers.
type score struct {
	N                int
	Intent           ratio
	byLanguage       map[string]*ratio
	byIntent         map[understand.Intent]*ratio
	precision        map[understand.Intent]*ratio
	confusion        map[[2]understand.Intent]int // wanted, got
	EmergencyRecall  ratio                        // an emergency understood as one, of any kind
	FalseAlarms      ratio                        // other messages taken for one
	language         ratio
	languageByLength map[int]*ratio // of the first n words; 0 for the whole
	Second           ratio          // right at the first or second guess
	slots            map[string]*counts
	Bins             [10]bin
}

type bin struct {
	N          int
	Confidence float64
	Right      int
}

// counts are for precision and recall.
type counts struct{ Right, Found, Wanted int }

func (c counts) f1() float64 {
	if c.Found+c.Wanted == 0 {
		return math.NaN()
	}
	return 2 * float64(c.Right) / float64(c.Found+c.Wanted)
}

// checked are the slots whose value can be checked against a rule or a list.
var checked = []string{"nop", "nop_partial", "tahun", "nik", "nik_partial", "no_kk", "card_no", "permit_no", "kecamatan", "desa", "phone", "lat", "lng", "ticket", "lang"}

// free are the slots whose value is a stretch of text or a name for something.
var free = []string{"permit_type", "landmark", "office"}

func measure(answers []answer) *score {
	s := &score{byLanguage: map[string]*ratio{}, byIntent: map[understand.Intent]*ratio{}, precision: map[understand.Intent]*ratio{},
		confusion: map[[2]understand.Intent]int{}, languageByLength: map[int]*ratio{}, slots: map[string]*counts{}}
	for _, a := range answers {
		s.N++
		right := a.want.Intent == a.got.Intent
		s.Intent.add(right)
		at(s.byLanguage, a.want.Language).add(right)
		at(s.byIntent, a.want.Intent).add(right)
		at(s.precision, a.got.Intent).add(right)
		s.confusion[[2]understand.Intent{a.want.Intent, a.got.Intent}]++
		s.Second.add(right || a.got.Second.Intent == a.want.Intent)
		if urgent(a.want.Intent) {
			s.EmergencyRecall.add(urgent(a.got.Intent))
		} else {
			s.FalseAlarms.add(urgent(a.got.Intent))
		}
		b := &s.Bins[min(9, int(a.got.Confidence*10))]
		b.N++
		b.Confidence += a.got.Confidence
		if right {
			b.Right++
		}
		s.hear(a)
		s.compare(a)
	}
	return s
}

// hear measures the language by length. A text that tells nothing (a number,
// a command) has no language to be wrong about.
func (s *score) hear(a answer) {
	letters := 0
	for _, r := range a.want.Text {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' {
			letters++
		}
	}
	if letters == 0 {
		return
	}
	s.language.add(a.got.Language == a.want.Language)
	at(s.languageByLength, 0).add(a.got.Language == a.want.Language)
	for n, language := range a.heard {
		at(s.languageByLength, n).add(language == a.want.Language)
	}
}

func (s *score) compare(a answer) {
	for _, name := range slices.Concat(checked, free) {
		want, got := normal(a.want.Slots[name]), normal(a.got.Slots.All(name))
		if len(want)+len(got) == 0 {
			continue
		}
		if s.slots[name] == nil {
			s.slots[name] = &counts{}
		}
		c := s.slots[name]
		c.Wanted += len(want)
		c.Found += len(got)
		for _, v := range got {
			if slices.Contains(want, v) {
				c.Right++
			}
		}
	}
}

func normal(values []string) []string {
	out := make([]string, len(values))
	for i, v := range values {
		out[i] = strings.ToLower(strings.TrimSpace(v))
	}
	return out
}

func (s *score) slotTotal(names []string) counts {
	var total counts
	for _, name := range names {
		if c := s.slots[name]; c != nil {
			total.Right += c.Right
			total.Found += c.Found
			total.Wanted += c.Wanted
		}
	}
	return total
}

// ece is the expected calibration error: how far confidence is from being right.
func (s *score) ECE() float64 {
	sum := 0.0
	for _, b := range s.Bins {
		if b.N > 0 {
			sum += math.Abs(b.Confidence - float64(b.Right))
		}
	}
	return sum / float64(s.N)
}

func urgent(i understand.Intent) bool { return strings.HasPrefix(string(i), "emergency_") }

func at[K comparable](m map[K]*ratio, k K) *ratio {
	if m[k] == nil {
		m[k] = &ratio{}
	}
	return m[k]
}

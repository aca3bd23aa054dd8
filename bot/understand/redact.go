package understand

import "strings"

// What stands in a text instead of what was taken out.
const (
	redactedNumber  = "[nomor]"
	redactedName    = "[nama]"
	redactedAddress = "[alamat]"
	redactedLink    = "[tautan]"
)

var (
	nameWords    = setOf("nama namaku namanya namana bernama an asekku asenna aseku asena aseng asetta")
	nameGlue     = setOf("saya sy sya ku saja adalah itu ini atas anak ibu bapak di kartu pemilik wajib lengkap iya")
	titleWords   = setOf("pak bapak bu ibu haji hajja daeng puang andi la i besse dr dokter ustadz ust kak mas mbak bang tante om nene lato")
	addressWords = setOf("jl jln jalan lorong lrg rt rw blok gang gg btn perumahan alamat alamatku dusun dsn dusung laleng")
	notNames     = setOf("desa camat lurah kades bupati dusun rt kolektor polisi guru kadis admin petugas dokter bidan min bos kepala pos poros rusak ke di dari itu ini yang saya mati berlubang tani masuk lagi cepat kaki tidak ndak")
)

// Redact takes out of an utterance what tells who somebody is, so that it can
// be kept as an example: numbers of four digits or more other than a year,
// names and addresses after the words that announce them, words with a
// capital in the middle of a sentence that are neither known nor a place, and
// links. It takes out too much rather than too little.
func (u *Understander) Redact(text string) string {
	if len(text) > maxText {
		text = strings.ToValidUTF8(text[:maxText], "")
	}
	s := u.scratch.Get().(*utterance)
	defer u.scratch.Put(s)
	u.prepare(s, text)
	var b strings.Builder
	last := "" // mark
	end := 0   // of what has been written of the source
	put := func(mark string, from, to int) {
		if from < end {
			return
		}
		between := s.source[end:from]
		if mark != last || strings.Trim(between, " .,-/:") != "" {
			b.WriteString(between)
			b.WriteString(mark)
		}
		last = mark
		end = to
	}
	shouted := s.shouted()
	for i := 0; i < len(s.tokens); i++ {
		t := &s.tokens[i]
		before := ""
		if i > 0 {
			before = string(s.tokens[i-1].key)
		}
		switch {
		case t.part && !s.isYear(i), t.kind == number && len(t.low) > 3 && !isYear(t.low), t.kind == mixed && digitsOf(t.low) > 3:
			put(redactedNumber, t.start, t.end)
		case t.kind == number && addressWords[before], t.kind == number && s.beside(i):
			put(redactedNumber, t.start, t.end)
		case strings.HasPrefix(string(t.low), "http"), string(t.low) == "www", t.gap == '@', i+1 < len(s.tokens) && s.tokens[i+1].gap == '@':
			to := i
			for to+1 < len(s.tokens) && s.tokens[to+1].gap != ' ' {
				to++
			}
			put(redactedLink, t.start, s.tokens[to].end)
			i = to
		case nameWords[string(t.key)]:
			j := i + 1
			for j < len(s.tokens) && nameGlue[string(s.tokens[j].key)] {
				j++
			}
			to := j - 1
			for k := j; k < min(len(s.tokens), j+3) && s.mayBeName(k, k > j); k++ {
				to = k
			}
			if to >= j {
				put(redactedName, s.tokens[j].start, s.tokens[to].end)
				i = to
			}
		case addressWords[string(t.key)]:
			to := i
			for k := i + 1; k < min(len(s.tokens), i+4) && s.mayBeName(k, k > i+1); k++ {
				to = k
			}
			if to > i {
				put(redactedAddress, s.tokens[i+1].start, s.tokens[to].end)
				i = to
			}
		case t.kind == word && !t.place && t.upper && !shouted && i > 0 && !strings.ContainsRune(".?!", rune(t.gap)) && (!t.known || s.strangerFollows(i)) && !allCapital(s.source[t.start:t.end]),
			t.kind == word && !t.place && titleWords[before] && !t.known && !notNames[string(t.key)] && len(t.low) > 2:
			put(redactedName, t.start, t.end)
		}
	}
	b.WriteString(s.source[end:])
	return b.String()
}

// mayBeName tells whether token i can belong to a name or an address. Later
// words of it must not be words of the language.
func (s *utterance) mayBeName(i int, later bool) bool {
	t := &s.tokens[i]
	if later && (t.gap != ' ' && t.gap != '.' && t.gap != 0 || t.known && !t.upper) {
		return false
	}
	return !notNames[string(t.key)] && (t.kind != word || !t.known || t.upper)
}

// strangerFollows tells whether the next word has a capital and is not known:
// "Ambo" means father, "Ambo Dalle" is somebody.
func (s *utterance) strangerFollows(i int) bool {
	if i+1 == len(s.tokens) {
		return false
	}
	next := &s.tokens[i+1]
	return next.upper && next.kind == word && !next.known && !next.place && next.gap == ' '
}

func (s *utterance) isYear(i int) bool {
	return s.tokens[i].kind == number && isYear(s.tokens[i].low)
}

// beside tells whether a group of digits belongs to a longer number.
func (s *utterance) beside(i int) bool {
	total := len(s.tokens[i].low)
	for j := i + 1; j < len(s.tokens) && s.tokens[j].kind == number && joins(s.tokens[j].gap); j++ {
		total += len(s.tokens[j].low)
	}
	for j := i; j > 0 && s.tokens[j-1].kind == number && joins(s.tokens[j].gap); j-- {
		total += len(s.tokens[j-1].low)
	}
	return total > 5 && total > len(s.tokens[i].low)
}

func digitsOf(b []byte) int {
	n := 0
	for _, c := range b {
		if isDigit(rune(c)) {
			n++
		}
	}
	return n
}

func allCapital(s string) bool {
	for _, r := range s {
		if r >= 'a' && r <= 'z' {
			return false
		}
	}
	return true
}

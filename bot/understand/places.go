package understand

import (
	_ "embed"
	"slices"
	"strings"
)

//go:embed data/places.tsv
var placeTable string

// The words that people put before the name of a place, and names that are
// also ordinary words and count only after one of them.
var (
	locatives = setOf("di d ke dari dr ri riko okko ko desa ds des kel kelurahan kampung kampong kampongku kp dusun dsn lingkungan lingk ling kec kecamatan kacamatang kecamatang pole warga lao sekitar daerah wilayah " +
		"depan belakang samping sebelah arah lorong salo sungai pasar puskesmas sd smp sma masjid mesjid jembatan kantor jalan jl poros tinggal")
	kecamatanWords = setOf("kec kecamatan kacamatang kecamatang camat kcmtn")
	desaWords      = setOf("desa ds des kel kelurahan kampung kampong dusun dsn kp lurah")
	ordinary       = setOf("barang sering bila galung ujung watu belo kebo kaca masing soga pesse jampu congko mario")
	// Names that need a capital or the word desa even after "di": in the rice field, at the end of.
	common = setOf("galung ujung barang bila kaca")
	// Bare beginnings of the names that look alike.
	alike = []string{"marioriwawo", "marioriawa", "liliriaja", "lilirilau"}
)

func setOf(words string) map[string]bool {
	m := map[string]bool{}
	for _, w := range strings.Fields(words) {
		m[key(w)] = true
	}
	return m
}

// place is an administrative unit of the regency.
type place struct {
	name     string
	district bool // a kecamatan; else a desa or kelurahan
}

// mention is a place found in a text. Several mentions may share their tokens:
// names that look alike are never guessed.
type mention struct {
	place    place
	from, to int // tokens
	fuzzy    bool
}

// gazetteer finds the places of the regency in running text.
type gazetteer struct {
	names   map[string][]place // by key without spaces
	typos   map[string][]string
	longest int // words of a name
}

func readGazetteer(table string) gazetteer {
	g := gazetteer{names: map[string][]place{}, typos: map[string][]string{}, longest: 3}
	for line := range strings.Lines(table) {
		columns := strings.Split(strings.TrimRight(line, "\n"), "\t")
		if strings.HasPrefix(line, "#") || len(columns) < 3 {
			continue
		}
		p := place{name: columns[0], district: columns[1] == "kecamatan"}
		names := []string{columns[0]}
		if len(columns) > 3 && columns[3] != "" {
			names = append(names, strings.Split(columns[3], "|")...)
		}
		for _, name := range names {
			k := key(name)
			if k != "" && !slices.Contains(g.names[k], p) {
				g.names[k] = append(g.names[k], p)
			}
		}
	}
	for k := range g.names {
		if len(k) < 6 || ordinary[k] || k == "batubatu" {
			continue
		}
		g.typos[k] = append(g.typos[k], k)
		for i := range len(k) {
			shorter := k[:i] + k[i+1:]
			if !slices.Contains(g.typos[shorter], k) {
				g.typos[shorter] = append(g.typos[shorter], k)
			}
		}
	}
	return g
}

// find marks the places of u. ordinaryWord tells which tokens are words of
// their own and must not be taken for a misspelt name.
func (g *gazetteer) find(u *utterance) {
	var buffer [3 * maxWord]byte
	for i := 0; i < len(u.tokens); i++ {
		if u.tokens[i].kind != word {
			continue
		}
		step := 1
		for n := min(g.longest, len(u.tokens)-i); n >= 1; n-- {
			joined := buffer[:0]
			whole := true
			for j := i; j < i+n; j++ {
				t := &u.tokens[j]
				if t.kind != word || j > i && t.gap != ' ' && t.gap != '-' {
					whole = false
					break
				}
				joined = append(joined, t.key...)
			}
			if !whole {
				continue
			}
			if n > 1 { // "Batu Batu": letters that meet across the space count as doubled too
				joined = slices.Compact(joined)
			}
			if g.match(u, joined, i, i+n) {
				step = n
				break
			}
		}
		i += step - 1
	}
}

// match adds the places that the tokens from..to name, if any.
func (g *gazetteer) match(u *utterance, joined []byte, from, to int) bool {
	if len(joined) < 4 {
		return false
	}
	before := from > 0 && locatives[string(u.tokens[from-1].key)] && (u.tokens[from].gap == ' ' || u.tokens[from].gap == '.')
	stem := joined
	found, exact := g.names[string(stem)]
	if !exact && len(joined) >= 7 {
		for _, s := range []string{"kah", "mi", "ji", "pi", "na", "ku", "e", "ka"} {
			if n := len(joined) - len(s); string(joined[n:]) == s {
				if found, exact = g.names[string(joined[:n])]; exact {
					stem = joined[:n]
					break
				}
			}
		}
	}
	if exact && ordinary[string(stem)] {
		named := u.tokens[from].upper && !u.shouted() && from > 0 || from > 0 && desaWords[string(u.tokens[from-1].key)]
		if common[string(stem)] && !named || !before && !named && !lastAfterComma(u, from, to) || len(stem) != len(joined) {
			return false
		}
	}
	if to == from+1 && !exact && lookAlike(joined) && (len(joined) > 5 || before) {
		return g.guess(u, joined, from, to)
	}
	if exact {
		if len(stem) != len(joined) && len(stem) < 5 {
			return false
		}
		u.mention(pick(u, found, from), from, to, false)
		return true
	}
	if len(joined) < 6 || to == from+1 && u.tokens[from].known || to > from+1 && len(joined) < 8 {
		return false
	}
	if k, ok := g.misspelt(joined); ok && (before || len(joined) >= 7) {
		u.mention(pick(u, g.names[k], from), from, to, true)
		return true
	}
	return false
}

// shouted tells whether the whole text is written in capitals.
func (u *utterance) shouted() bool {
	for i := range u.source {
		if c := u.source[i]; c >= 'a' && c <= 'z' {
			return false
		}
	}
	return true
}

// lastAfterComma accepts a name that a person adds at the end: "longsor, Watu".
func lastAfterComma(u *utterance, from, to int) bool {
	gap := u.tokens[from].gap
	return to == len(u.tokens) && from > 0 && (gap == ',' || gap == '.' || gap == ';')
}

// pick chooses between a kecamatan and the desa of the same name.
func pick(u *utterance, places []place, from int) place {
	desa := from > 0 && desaWords[string(u.tokens[from-1].key)]
	for _, p := range places {
		if p.district != desa {
			return p
		}
	}
	return places[0]
}

func (u *utterance) mention(p place, from, to int, fuzzy bool) {
	u.places = append(u.places, mention{place: p, from: from, to: to, fuzzy: fuzzy})
	for i := from; i < to; i++ {
		u.tokens[i].place = true
	}
}

// misspelt finds the one name that is a slip away: a letter more, less or another.
func (g *gazetteer) misspelt(k []byte) (string, bool) {
	best, unique := "", false
	try := func(deletion []byte) {
		for _, name := range g.typos[string(deletion)] {
			if name != best && name[0] == k[0] && slip(k, name) {
				unique = best == ""
				best = name
			}
		}
	}
	try(k)
	var b [3 * maxWord]byte
	for i := range k {
		shorter := append(append(b[:0], k[:i]...), k[i+1:]...)
		try(shorter)
	}
	return best, unique
}

// slip tells whether a and b differ by one letter or two swapped neighbours.
func slip(a []byte, b string) bool {
	i := 0
	for i < len(a) && i < len(b) && a[i] == b[i] {
		i++
	}
	x, y := string(a[i:]), b[i:]
	switch {
	case len(x) == len(y)+1:
		return x[1:] == y
	case len(y) == len(x)+1:
		return y[1:] == x
	case len(x) != len(y) || len(x) == 0:
		return false
	}
	return x[1:] == y[1:] || len(x) > 1 && x[0] == y[1] && x[1] == y[0] && x[2:] == y[2:]
}

// lookAlike tells whether k begins like the names that are confused even by newspapers.
func lookAlike(k []byte) bool {
	return len(k) >= 5 && (string(k[:5]) == "mario" || string(k[:5]) == "lilir" || string(k[:5]) == "liria")
}

// guess returns every name that looks like k: both kecamatan when the letters do not decide.
func (g *gazetteer) guess(u *utterance, k []byte, from, to int) bool {
	var distances [4]int
	least := 99
	for i, name := range alike {
		distances[i] = distance(k, name)
		if len(k) <= 7 && name[:len(k)] == string(k) { // "mario", "lilir": the beginning of two of them
			distances[i] = 3
		}
		least = min(least, distances[i])
	}
	if least > 3 {
		return false
	}
	for i, name := range alike {
		if distances[i] <= least+1 {
			u.mention(g.names[name][0], from, to, true)
		}
	}
	return true
}

// distance is the Levenshtein distance.
func distance(a []byte, b string) int {
	var row [maxWord + 1]int
	if len(b) >= len(row) {
		return 99
	}
	for j := range len(b) + 1 {
		row[j] = j
	}
	for i := range a {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost++
			}
			diagonal = row[j+1]
			row[j+1] = min(cost, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}

package macca

import (
	"bytes"
	"cmp"
	_ "embed"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"tabe/bot"
	"tabe/bot/settings"
)

//go:embed rules.toml
var defaultRules []byte

// Rules are what the social office decides. Make them with ParseRules or
// DefaultRules.
type Rules struct {
	StaleAfter time.Duration // data of this age is said to be old

	riceAid       []string                  // parts of the names of aid that is rice, in small letters
	distributions map[string][]Distribution // by desa key, oldest first
}

// Distribution is the rice of one month for one desa or kelurahan.
type Distribution struct {
	Desa  string
	Month time.Time // its first day
	From  time.Time // first day on which the rice can be fetched, midnight WITA
	Until time.Time // last day, midnight WITA
	Place string
	Hours string // "08.00-14.00"; empty is unknown
	Kg    int    // for each household; 0 is unknown
}

// rulesFile is rules.toml.
type rulesFile struct {
	StaleAfterDays int      `toml:"stale_after_days"`
	RiceAid        []string `toml:"rice_aid"`
	Distribution   []struct {
		Desa, Month, From, Until, Place, Hours string
		Kg                                     int
	}
}

// DefaultRules returns the rules that are part of the program.
func DefaultRules() Rules {
	r, err := ParseRules(bytes.NewReader(defaultRules))
	if err != nil {
		panic(err) // the file is part of the program
	}
	return r
}

// Limits of a rules file: what fits a short message.
const (
	longestPlace = 40 // letters
	longestHours = 20
	longestDesa  = 30
	maxKg        = 100
	longestWait  = 60 // days between the first and the last
)

// ParseRules reads a file like rules.toml and refuses one that contradicts itself.
func ParseRules(file io.Reader) (Rules, error) {
	var f rulesFile
	if err := settings.Decode(file, &f); err != nil {
		return Rules{}, fmt.Errorf("macca: rules: %w", err)
	}
	if f.StaleAfterDays < 1 {
		return Rules{}, fmt.Errorf("macca: rules: stale_after_days is %d", f.StaleAfterDays)
	}
	r := Rules{StaleAfter: time.Duration(f.StaleAfterDays) * 24 * time.Hour, distributions: map[string][]Distribution{}}
	for _, part := range f.RiceAid {
		if part == "" {
			return Rules{}, fmt.Errorf("macca: rules: rice_aid has an empty name")
		}
		r.riceAid = append(r.riceAid, strings.ToLower(part))
	}
	for i, e := range f.Distribution {
		d := Distribution{Desa: e.Desa, Place: e.Place, Hours: e.Hours, Kg: e.Kg}
		var wrong [3]error
		d.Month, wrong[0] = time.ParseInLocation("2006-01", e.Month, bot.WITA)
		d.From, wrong[1] = time.ParseInLocation(time.DateOnly, e.From, bot.WITA)
		d.Until, wrong[2] = time.ParseInLocation(time.DateOnly, e.Until, bot.WITA)
		key := DesaKey(d.Desa)
		switch {
		case wrong[0] != nil || wrong[1] != nil || wrong[2] != nil:
			return Rules{}, fmt.Errorf("macca: rules: distribution %d: %w", i+1, cmp.Or(wrong[0], wrong[1], wrong[2]))
		case key == "" || !fits(d.Desa, longestDesa), d.Place == "" || !fits(d.Place, longestPlace), !fits(d.Hours, longestHours):
			return Rules{}, fmt.Errorf("macca: rules: distribution %d: desa, place or hours is missing or too long", i+1)
		case d.Until.Before(d.From) || d.Until.Sub(d.From) > longestWait*24*time.Hour:
			return Rules{}, fmt.Errorf("macca: rules: distribution %d: from %s until %s", i+1, e.From, e.Until)
		case d.Kg < 0 || d.Kg > maxKg:
			return Rules{}, fmt.Errorf("macca: rules: distribution %d: %d kg", i+1, d.Kg)
		case slices.ContainsFunc(r.distributions[key], func(o Distribution) bool { return o.Month.Equal(d.Month) && o.Place == d.Place }):
			return Rules{}, fmt.Errorf("macca: rules: distribution %d: a second one for that desa, month and place", i+1)
		}
		r.distributions[key] = append(r.distributions[key], d)
	}
	for _, list := range r.distributions {
		slices.SortStableFunc(list, func(a, b Distribution) int { return cmp.Or(a.From.Compare(b.From), a.Until.Compare(b.Until)) })
	}
	return r, nil
}

func fits(s string, letters int) bool { return utf8.RuneCountInString(s) <= letters }

// DesaKey is a name as it is compared: small letters only, doubled ones once,
// because registers, tables and people differ in the rest (CABBENGE, Cabenge).
func DesaKey(name string) string {
	name = strings.ToLower(name)
	for _, kind := range []string{"desa ", "kelurahan ", "kel. ", "kel "} {
		name = strings.TrimPrefix(name, kind)
	}
	var b strings.Builder
	last := rune(0)
	for _, r := range name {
		if r = unicode.ToLower(r); r >= 'a' && r <= 'z' && r != last {
			b.WriteRune(r)
			last = r
		}
	}
	return b.String()
}

// titled writes the name of a desa as people do, whatever the register's way:
// a resident sees it among the things that he wished to be told.
func titled(name string) string {
	words := strings.Fields(strings.ToLower(name))
	for i, word := range words {
		first, size := utf8.DecodeRuneInString(word)
		words[i] = string(unicode.ToUpper(first)) + word[size:]
	}
	return strings.Join(words, " ")
}

// Next returns the rice of a desa that can be fetched on a day or after it, the
// nearest first; without one, the last that there was, and over is true.
func (r Rules) Next(desa string, now time.Time) (d Distribution, over, ok bool) {
	list := r.distributions[DesaKey(desa)]
	for _, d := range list {
		if !d.over(now) {
			return d, false, true
		}
	}
	if len(list) == 0 {
		return d, false, false
	}
	return list[len(list)-1], true, true
}

// over tells whether the last day of a distribution has passed.
func (d Distribution) over(now time.Time) bool {
	return !now.Before(d.Until.AddDate(0, 0, 1))
}

// Mark tells one announcement from another: who knows this one need not be
// told again, unless its day or place changes.
func (d Distribution) Mark() string {
	return d.Month.Format("2006-01") + " " + d.From.Format(time.DateOnly) + " " + d.Until.Format(time.DateOnly) + " " + d.Place
}

// mark is the Mark of what a resident knows who asked for the rice of a desa,
// "" if there is nothing to know.
func (r Rules) mark(desa string, now time.Time) string {
	d, over, ok := r.Next(desa, now)
	if !ok || over {
		return ""
	}
	return d.Mark()
}

// rice tells whether a household is on the list for rice.
func (r Rules) rice(h Household) bool {
	return h.Card != CardInactive && slices.ContainsFunc(h.Aid, func(name string) bool {
		name = strings.ToLower(name)
		return slices.ContainsFunc(r.riceAid, func(part string) bool { return strings.Contains(name, part) })
	})
}

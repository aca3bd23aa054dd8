package perizinan

import (
	_ "embed"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"tabe/bot"
	"tabe/flows"
)

var (
	sides  = regexp.MustCompile(`(?i)(\d{1,4}(?:[.,]\d{1,2})?)\s*(?:m|meter)?\s*(?:x|kali)\s*(\d{1,4}(?:[.,]\d{1,2})?)`)
	square = regexp.MustCompile(`(?i)(?:tipe|type|luas\w*)?\s*(\d{1,6}(?:[.,]\d{1,2})?)\s*(?:m2|m²|mtr|meter\w*|m|persegi)\b|(?i)(?:tipe|type|luas\w*)\s*(\d{1,6}(?:[.,]\d{1,2})?)`)
	alone  = regexp.MustCompile(`^\D*?(\d{1,6}(?:[.,]\d{1,2})?)\D*$`)
	storey = regexp.MustCompile(`(?i)(\d{1,2}|[a-z']+)\s*(?:lantai|lt|tingkat|lante)\b`)
	oneDay = regexp.MustCompile(`\b(\d{1,2})\s*[/.\- ]\s*(\d{1,2})(?:\s*[/.\- ]\s*(\d{4}|\d{2}))?\b`)
	named  = regexp.MustCompile(`(?i)\b(\d{1,2})\s*[/.\- ]?\s*([a-z]{3,9})\.?\s*[/.\- ]?\s*(\d{4}|\d{2})?\b`)
	years  = regexp.MustCompile(`\b(19[89]\d|20[0-4]\d)\b`)
)

//go:embed numerals.toml
var numeralCues []byte

var numerals = flows.MustCues(numeralCues)

// areaIn finds square metres in a message: 7x10, 70 m2, tipe 45. A number
// alone counts if it was asked for. Halves are rounded up; 0: none, or beyond
// what is estimated.
func areaIn(text string, asked bool) int {
	text = text[:min(len(text), maxText)]
	if m := sides.FindStringSubmatch(text); m != nil {
		return inMetres(decimal(m[1]) * decimal(m[2]))
	}
	if m := square.FindStringSubmatch(text); m != nil {
		return inMetres(decimal(m[1] + m[2]))
	}
	if m := alone.FindStringSubmatch(text); asked && m != nil {
		return inMetres(decimal(m[1]))
	}
	return 0
}

func decimal(s string) float64 {
	n, err := strconv.ParseFloat(strings.ReplaceAll(s, ",", "."), 64)
	if err != nil {
		return 0
	}
	return n
}

func inMetres(metres float64) int {
	if n := int(metres + 0.5); n <= maxArea {
		return n
	}
	return 0
}

// floorsIn finds how many floors a message speaks of: 2 lantai, dua lantai. A
// number alone counts if it was asked for. 0: none.
func floorsIn(text string, asked bool) int {
	text = text[:min(len(text), maxText)]
	word := ""
	if m := storey.FindStringSubmatch(text); m != nil {
		word = m[1]
	} else if asked {
		word = text
	}
	if n, err := strconv.Atoi(strings.Trim(word, " .")); err == nil {
		return min(max(n, 0), maxFloors)
	}
	n, _ := strconv.Atoi(numerals.Only(word)) // names are digits
	return n
}

// dayIn finds a day in a message, which lies in the past: 12/8/2025, 12
// Agustus, 12-08-25. Without a year it is the last one. The zero time: none.
func dayIn(text string, now time.Time) time.Time {
	text = text[:min(len(text), maxText)]
	for _, m := range oneDay.FindAllStringSubmatch(text, 4) {
		if day := pastDay(m[1], m[2], m[3], now); !day.IsZero() {
			return day
		}
	}
	for _, m := range named.FindAllStringSubmatch(text, 4) {
		month := months.Find(m[2])
		if day := pastDay(m[1], month, m[3], now); month != "" && !day.IsZero() {
			return day
		}
	}
	return time.Time{}
}

//go:embed months.toml
var monthCues []byte

var months = flows.MustCues(monthCues)

func pastDay(day, month, year string, now time.Time) time.Time {
	now = now.In(bot.WITA)
	d, _ := strconv.Atoi(day)
	m, _ := strconv.Atoi(month)
	y, _ := strconv.Atoi(year)
	if year == "" {
		y = now.Year()
	} else if len(year) == 2 {
		y += 2000
	}
	t := time.Date(y, time.Month(m), d, 0, 0, 0, 0, bot.WITA)
	if year == "" && t.After(now) {
		t = time.Date(y-1, time.Month(m), d, 0, 0, 0, 0, bot.WITA)
	}
	if t.Day() != d || int(t.Month()) != m || t.Year() < 1990 || t.After(now) {
		return time.Time{}
	}
	return t
}

// yearIn finds a year that a message speaks of, not after that of now; 0: none.
func yearIn(text string, now time.Time) int {
	m := years.FindString(text[:min(len(text), maxText)])
	y, _ := strconv.Atoi(m)
	if y > now.In(bot.WITA).Year() {
		return 0
	}
	return y
}

//go:embed functions.toml
var functionCues []byte

var functionWords = flows.MustCues(functionCues)

// functionIn finds what a building is for; "": nothing said.
func functionIn(text string) function {
	f := function(functionWords.Find(text))
	if !slices.Contains(functions, f) {
		return ""
	}
	return f
}

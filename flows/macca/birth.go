package macca

import (
	_ "embed"
	"slices"
	"strings"
	"time"

	"github.com/BurntSushi/toml"

	"tabe/bot"
)

//go:embed months.toml
var monthsFile []byte

var months = readMonths(monthsFile)

func readMonths(file []byte) map[string]int {
	var f struct{ Months [][]string }
	if err := toml.Unmarshal(file, &f); err != nil || len(f.Months) != 12 {
		panic("macca: months.toml is wrong") // the file is part of the program
	}
	numbers := map[string]int{}
	for i, names := range f.Months {
		for _, name := range names {
			numbers[name] = i + 1
		}
	}
	return numbers
}

const (
	maxDateText = 160 // bytes; nobody says a date in more
	firstBirth  = 1900
)

// part is a number or the name of a month.
type part struct {
	digits string
	month  int
}

// births returns the dates that a text can mean as somebody's birthday, none
// if it is not clear: 3-9-1961, 03/09/61, 3 September 1961, 1961-09-03,
// 03091961, "Soppeng, tanggal 3 bulan 9 tahun 1961". The day comes before the
// month, as in Indonesia, unless that is impossible. A year of two digits of
// which the century is open gives two dates. Digits of without, the number of a
// family card, do not count.
func births(text, without string, now time.Time) []time.Time {
	if len(text) > maxDateText {
		return nil
	}
	parts := drop(dateParts(text), without)
	var found []time.Time
	add := func(year, month, day string) {
		for _, t := range dates(year, month, day, now) {
			if !slices.ContainsFunc(found, t.Equal) {
				found = append(found, t)
			}
		}
	}
	switch len(parts) {
	case 1:
		switch d := parts[0].digits; len(d) {
		case 8: // 03091961, or else 19610903
			if add(d[4:], d[2:4], d[:2]); len(found) == 0 {
				add(d[:4], d[4:6], d[6:])
			}
		case 6: // 030961
			add(d[4:], d[2:4], d[:2])
		}
	case 3:
		a, b, c := parts[0], parts[1], parts[2]
		named := slices.IndexFunc(parts, func(p part) bool { return p.month > 0 })
		switch {
		case named == 1 && len(a.digits) == 4 || named < 0 && len(a.digits) == 4: // 1961-09-03
			add(a.digits, b.word(), c.digits)
		case named == 1: // 3 September 1961
			add(c.digits, b.word(), a.digits)
		case named == 0: // September 3 1961
			add(c.digits, a.word(), b.digits)
		case named < 0:
			if add(c.digits, b.digits, a.digits); len(found) == 0 {
				add(c.digits, a.digits, b.digits) // 9/23/1961
			}
		}
	}
	return found
}

// word is the month as a number.
func (p part) word() string {
	if p.month > 0 {
		return string([]byte{'0' + byte(p.month/10), '0' + byte(p.month%10)})
	}
	return p.digits
}

// dates returns the days that a year of two or four digits, a month and a day
// can name, if somebody who lives can be born on them.
func dates(year, month, day string, now time.Time) []time.Time {
	if len(month) == 0 || len(month) > 2 || len(day) == 0 || len(day) > 2 {
		return nil
	}
	y := number(year)
	years := []int{y}
	switch len(year) {
	case 4:
	case 2:
		years = []int{1900 + y, 2000 + y}
	default:
		return nil
	}
	var found []time.Time
	for _, y := range years {
		t := time.Date(y, time.Month(number(month)), number(day), 0, 0, 0, 0, bot.WITA)
		if t.Year() == y && int(t.Month()) == number(month) && t.Day() == number(day) && y >= firstBirth && !t.After(now) {
			found = append(found, t)
		}
	}
	return found
}

// number reads at most four digits.
func number(digits string) int {
	n := 0
	for _, d := range digits {
		n = n*10 + int(d-'0')
	}
	return n
}

// dateParts returns the numbers and months of a text, and passes over all
// other words.
func dateParts(text string) []part {
	var parts []part
	var digits, letters []byte
	end := func() {
		if len(digits) > 0 {
			parts = append(parts, part{digits: string(digits)})
			digits = digits[:0]
		}
		if m := months[string(letters)]; m > 0 {
			parts = append(parts, part{month: m})
		}
		letters = letters[:0]
	}
	for _, r := range strings.ToLower(text) {
		switch {
		case r >= '0' && r <= '9':
			if len(letters) > 0 {
				end()
			}
			digits = append(digits, byte(r))
		case r == '\'' || r == '`' || r == '\u2019':
		case r >= 'a' && r <= 'z' || r == 'é' || r == 'è':
			if len(digits) > 0 {
				end()
			}
			if r > 'z' {
				r = 'e'
			}
			if n := len(letters); n == 0 || letters[n-1] != byte(r) {
				letters = append(letters, byte(r))
			}
		default:
			end()
		}
	}
	end()
	return parts
}

// drop takes the number without out of parts, however it is grouped.
func drop(parts []part, without string) []part {
	if without == "" {
		return parts
	}
	for from := range parts {
		joined := ""
		for to := from; to < len(parts) && parts[to].month == 0 && len(joined) < len(without); to++ {
			if joined += parts[to].digits; joined == without {
				return slices.Concat(parts[:from], parts[to+1:])
			}
		}
	}
	return parts
}

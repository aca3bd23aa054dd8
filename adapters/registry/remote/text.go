package remote

import (
	"encoding/json"
	"errors"
	"strconv"
	"strings"
	"time"

	"tabe/bot"
)

// Text is a value of an answer, whatever it was sent as: "51000", 51000, null.
// "-" and its like mean that there is none.
type Text string

// maxText is the longest value that is kept, in bytes.
const maxText = 300

// UnmarshalJSON implements json.Unmarshaler. It never fails: what is no single
// value is none.
func (t *Text) UnmarshalJSON(raw []byte) error {
	*t = ""
	var s string
	switch {
	case len(raw) == 0 || raw[0] == '{' || raw[0] == '[' || string(raw) == "null":
		return nil
	case raw[0] == '"':
		if json.Unmarshal(raw, &s) != nil {
			return nil
		}
	default:
		s = string(raw)
	}
	if len(s) > maxText {
		s = s[:maxText]
	}
	s = bot.CleanText(s)
	if strings.Trim(s, "-/. ") == "" || strings.EqualFold(s, "null") {
		return nil
	}
	*t = Text(s)
	return nil
}

// ErrValue is returned for a value that cannot be read.
var ErrValue = errors.New("remote: unreadable value")

// largest is more than any amount or area.
const largest = 1_000_000_000_000_000

// Whole reads a number that counts something: 51000, "51.000", "Rp 51.000,00".
// Nothing is 0. A fraction other than zero is an error: rather no number than
// another one.
func (t Text) Whole() (int64, error) {
	s := strings.TrimPrefix(strings.ToLower(string(t)), "rp")
	s = strings.TrimRight(strings.TrimLeft(s, " ."), " .,-") // Rp. 51.000,-
	if s == "" {
		return 0, nil
	}
	// The last separator cuts off a fraction unless three digits follow it,
	// which no amount has: then it stands between thousands.
	digits := s
	if last := strings.LastIndexAny(s, ".,"); last >= 0 && len(s)-last-1 != 3 {
		if strings.Trim(s[last+1:], "0") != "" {
			return 0, ErrValue
		}
		digits = s[:last]
	}
	groups := strings.FieldsFunc(digits, func(r rune) bool { return r == '.' || r == ',' })
	for i, g := range groups {
		if i > 0 && len(g) != 3 || len(groups) > 1 && len(g) > 3 {
			return 0, ErrValue
		}
	}
	n, err := strconv.ParseUint(strings.Join(groups, ""), 10, 63)
	if err != nil || n > largest {
		return 0, ErrValue
	}
	return int64(n), nil
}

// Rupiah is Whole for money.
func (t Text) Rupiah() (bot.Rupiah, error) {
	n, err := t.Whole()
	return bot.Rupiah(n), err
}

// months by the letters that Indonesian and English names have in common.
var months = map[string]time.Month{
	"jan": 1, "feb": 2, "mar": 3, "apr": 4, "mei": 5, "may": 5, "jun": 6, "jul": 7, "agu": 8, "aug": 8, "ags": 8, "agt": 8,
	"sep": 9, "okt": 10, "oct": 10, "nov": 11, "nop": 11, "des": 12, "dec": 12,
}

// Day reads a date in the forms that are met: 2021-09-30, 30-09-2021,
// 30/9/2021, 20210930, "30 September 2021", each with or without a time of the
// day behind it. Nothing, and the 0000-00-00 of databases, is the zero time.
// The day is midnight WITA.
func (t Text) Day() (time.Time, error) {
	s := strings.ToLower(string(t))
	if iso := len(time.DateOnly); len(s) > iso && s[iso] == 't' { // 2021-09-30T00:00:00+08:00
		s = s[:iso]
	}
	fields := strings.FieldsFunc(s, func(r rune) bool { return strings.ContainsRune("-/., ", r) })
	if len(fields) == 0 {
		return time.Time{}, nil
	}
	if len(fields[0]) == 8 { // 20210930
		fields = append([]string{fields[0][:4], fields[0][4:6], fields[0][6:]}, fields[1:]...)
	}
	if len(fields) < 3 {
		return time.Time{}, ErrValue
	}
	year, month, day := fields[2], fields[1], fields[0]
	if len(fields[0]) == 4 {
		year, day = fields[0], fields[2]
	}
	y, err1 := strconv.Atoi(year)
	d, err2 := strconv.Atoi(day)
	m, err3 := strconv.Atoi(month)
	if named, known := months[month[:min(3, len(month))]]; known {
		m, err3 = int(named), nil
	}
	if errors.Join(err1, err2, err3) != nil {
		return time.Time{}, ErrValue
	}
	if y == 0 && m == 0 && d == 0 {
		return time.Time{}, nil
	}
	date := time.Date(y, time.Month(m), d, 0, 0, 0, 0, bot.WITA)
	if y < 1900 || y > 2200 || date.Day() != d || int(date.Month()) != m {
		return time.Time{}, ErrValue
	}
	return date, nil
}

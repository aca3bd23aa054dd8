package pbb

import (
	"bytes"
	_ "embed"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"tabe/bot"
	"tabe/bot/settings"
)

//go:embed rules.toml
var defaultRules []byte

// Rules are what the regency decides of the tax. Make them with ParseRules or
// DefaultRules.
type Rules struct {
	StaleAfter time.Duration // data of this age is said to be old

	maxMonths int
	month     time.Month // of the due date that nobody gave
	day       int
	rates     []rate // newest first
	dues      map[int]time.Time
	amnesties []amnesty
}

// rate is the late penalty for tax years from from on.
type rate struct {
	from        int
	basisPoints int64 // of the tax, each month
}

// amnesty forgives penalties to those who pay in time.
type amnesty struct {
	from, until         time.Time // until is the first day too late
	fromYear, untilYear int
	percent             int64
}

// rulesFile is rules.toml.
type rulesFile struct {
	StaleAfterDays   int    `toml:"stale_after_days"`
	DefaultDue       string `toml:"default_due"`
	MaxPenaltyMonths int    `toml:"max_penalty_months"`
	Penalty          []struct {
		FromTaxYear     int     `toml:"from_tax_year"`
		PercentPerMonth float64 `toml:"percent_per_month"`
	}
	Due []struct {
		TaxYear int `toml:"tax_year"`
		Date    string
	}
	Amnesty []struct {
		From, Until  string
		FromTaxYear  int `toml:"from_tax_year"`
		UntilTaxYear int `toml:"until_tax_year"`
		Percent      int64
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

// ParseRules reads a file like rules.toml and refuses one that contradicts
// itself or that the law makes impossible.
func ParseRules(file io.Reader) (Rules, error) {
	var f rulesFile
	if err := settings.Decode(file, &f); err != nil {
		return Rules{}, fmt.Errorf("pbb: rules: %w", err)
	}
	due, err := time.Parse("01-02", f.DefaultDue)
	switch {
	case err != nil:
		return Rules{}, fmt.Errorf("pbb: rules: default_due %q is not like 09-30", f.DefaultDue)
	case f.StaleAfterDays < 1:
		return Rules{}, fmt.Errorf("pbb: rules: stale_after_days is %d", f.StaleAfterDays)
	case f.MaxPenaltyMonths < 0 || f.MaxPenaltyMonths > 60:
		return Rules{}, fmt.Errorf("pbb: rules: max_penalty_months is %d", f.MaxPenaltyMonths)
	case len(f.Penalty) == 0:
		return Rules{}, fmt.Errorf("pbb: rules: there is no penalty; one of 0 percent says that there shall be none")
	}
	r := Rules{
		StaleAfter: time.Duration(f.StaleAfterDays) * 24 * time.Hour, maxMonths: f.MaxPenaltyMonths,
		month: due.Month(), day: due.Day(), dues: map[int]time.Time{},
	}
	for _, p := range f.Penalty {
		if !isTaxYear(p.FromTaxYear) || p.PercentPerMonth < 0 || p.PercentPerMonth > 10 || math.IsNaN(p.PercentPerMonth) {
			return Rules{}, fmt.Errorf("pbb: rules: penalty of %v percent from tax year %d", p.PercentPerMonth, p.FromTaxYear)
		}
		if slices.ContainsFunc(r.rates, func(other rate) bool { return other.from == p.FromTaxYear }) {
			return Rules{}, fmt.Errorf("pbb: rules: two penalties from tax year %d", p.FromTaxYear)
		}
		r.rates = append(r.rates, rate{p.FromTaxYear, int64(math.Round(p.PercentPerMonth * 100))})
	}
	slices.SortFunc(r.rates, func(a, b rate) int { return b.from - a.from })
	for _, d := range f.Due {
		date, err := time.ParseInLocation(time.DateOnly, d.Date, bot.WITA)
		if err != nil || !isTaxYear(d.TaxYear) || date.Year() < d.TaxYear {
			return Rules{}, fmt.Errorf("pbb: rules: due date %q of tax year %d", d.Date, d.TaxYear)
		}
		if _, twice := r.dues[d.TaxYear]; twice {
			return Rules{}, fmt.Errorf("pbb: rules: two due dates for tax year %d", d.TaxYear)
		}
		r.dues[d.TaxYear] = date
	}
	for _, a := range f.Amnesty {
		from, err1 := time.ParseInLocation(time.DateOnly, a.From, bot.WITA)
		until, err2 := time.ParseInLocation(time.DateOnly, a.Until, bot.WITA)
		if err1 != nil || err2 != nil || until.Before(from) || a.UntilTaxYear < a.FromTaxYear || a.Percent < 1 || a.Percent > 100 {
			return Rules{}, fmt.Errorf("pbb: rules: amnesty from %q until %q", a.From, a.Until)
		}
		r.amnesties = append(r.amnesties, amnesty{from, until.AddDate(0, 0, 1), a.FromTaxYear, a.UntilTaxYear, a.Percent})
	}
	return r, nil
}

// isTaxYear accepts the years for which a bill can exist.
func isTaxYear(year int) bool { return year >= 1980 && year < 2100 }

// due returns until when the bill of y can be paid.
func (r Rules) due(y Year) time.Time {
	if !y.DueDate.IsZero() {
		return y.DueDate
	}
	if date, ok := r.dues[y.Year]; ok {
		return date
	}
	return time.Date(y.Year, r.month, r.day, 0, 0, 0, 0, bot.WITA)
}

// basisPoints returns the late penalty of a tax year in hundredths of a percent a month.
func (r Rules) basisPoints(taxYear int) int64 {
	for _, rate := range r.rates {
		if taxYear >= rate.from {
			return rate.basisPoints
		}
	}
	return 0
}

// percent writes the penalty for a month of a tax year: 1 or 1,5.
func (r Rules) percent(taxYear int) string {
	return strings.ReplaceAll(strconv.FormatFloat(float64(r.basisPoints(taxYear))/100, 'f', -1, 64), ".", ",")
}

// penalty returns what is added to an amount of a tax year that was due on due
// and is paid on now, and for how many months: whole rupiah, the rest is dropped.
func (r Rules) penalty(taxYear int, amount bot.Rupiah, due, now time.Time) (bot.Rupiah, int) {
	months := min(monthsLate(due, now), r.maxMonths)
	bp := r.basisPoints(taxYear) * int64(months)
	if bp <= 0 || amount <= 0 {
		return 0, months
	}
	// In two parts, so that no amount can overflow.
	p := int64(amount)/10000*bp + int64(amount)%10000*bp/10000
	var forgiven int64
	for _, a := range r.amnesties {
		if taxYear >= a.fromYear && taxYear <= a.untilYear && !now.Before(a.from) && now.Before(a.until) {
			forgiven = max(forgiven, a.percent)
		}
	}
	return bot.Rupiah(p - p/100*forgiven - p%100*forgiven/100), months
}

// amnestyUntil returns the last day on which a penalty of a tax year is
// forgiven, the zero time if none is now.
func (r Rules) amnestyUntil(taxYear int, now time.Time) time.Time {
	var last time.Time
	for _, a := range r.amnesties {
		if taxYear >= a.fromYear && taxYear <= a.untilYear && !now.Before(a.from) && now.Before(a.until) && a.until.After(last) {
			last = a.until.AddDate(0, 0, -1)
		}
	}
	return last
}

// monthsLate counts the months begun since due, by the calendar: the months
// between, and one more if the day of the month is past. 0 in time.
func monthsLate(due, now time.Time) int {
	due, now = due.In(bot.WITA), now.In(bot.WITA)
	n := (now.Year()-due.Year())*12 + int(now.Month()) - int(due.Month())
	if now.Day() > due.Day() {
		n++
	}
	return max(0, n)
}

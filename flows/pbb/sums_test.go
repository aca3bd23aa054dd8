package pbb

import (
	"os"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"tabe/bot"
	"tabe/flows"
)

func day(text string) time.Time {
	d, err := time.ParseInLocation(time.DateOnly, text, bot.WITA)
	if err != nil {
		panic(err)
	}
	return d
}

func TestPenalty(t *testing.T) {
	rules := DefaultRules()
	for _, c := range []struct {
		year     int
		amount   bot.Rupiah
		due, now string
		months   int
		penalty  bot.Rupiah
	}{
		{2026, 34700, "2026-09-30", "2026-08-01", 0, 0},
		{2026, 34700, "2026-09-30", "2026-09-30", 0, 0},
		{2026, 34700, "2026-09-30", "2026-10-01", 1, 347}, // a month begun
		{2026, 34700, "2026-09-30", "2026-10-30", 1, 347},
		{2026, 34700, "2026-09-30", "2026-10-31", 2, 694},
		{2026, 34700, "2026-09-30", "2026-11-25", 2, 694},
		{2026, 112500, "2026-12-31", "2027-01-01", 1, 1125},
		{2024, 34700, "2024-09-30", "2026-11-25", 24, 8328}, // 26 months: the cap
		{2023, 28600, "2023-09-30", "2024-09-30", 12, 6864}, // 2 percent up to 2023
		{2023, 28600, "2023-09-30", "2026-11-25", 24, 13728},
		{2024, 99, "2024-09-30", "2024-11-01", 2, 1}, // 1.98
		{2026, 0, "2026-09-30", "2026-11-25", 2, 0},
		{2026, -500, "2026-09-30", "2026-11-25", 2, 0},
		{2024, 1 << 60, "2024-09-30", "2024-10-01", 1, 11529215046068469}, // no overflow
	} {
		penalty, months := rules.penalty(c.year, c.amount, day(c.due), day(c.now))
		if penalty != c.penalty || months != c.months {
			t.Errorf("%d of %d due %s on %s: %d for %d months, want %d for %d", c.amount, c.year, c.due, c.now, penalty, months, c.penalty, c.months)
		}
	}
}

// The day of WITA counts, not that of UTC.
func TestPenaltyBeginsAtMidnightOfSoppeng(t *testing.T) {
	rules := DefaultRules()
	midnight := time.Date(2026, 9, 30, 16, 0, 0, 0, time.UTC)
	if p, _ := rules.penalty(2026, 10000, day("2026-09-30"), midnight.Add(-time.Second)); p != 0 {
		t.Errorf("a penalty of %d on the last day", p)
	}
	if p, _ := rules.penalty(2026, 10000, day("2026-09-30"), midnight); p != 100 {
		t.Errorf("a penalty of %d on the day after", p)
	}
}

func TestPenaltyNeverFalls(t *testing.T) {
	rules := DefaultRules()
	rapid.Check(t, func(t *rapid.T) {
		year := rapid.IntRange(1990, 2030).Draw(t, "year")
		amount := bot.Rupiah(rapid.Int64Range(0, 1<<50).Draw(t, "amount"))
		due := day("2026-09-30").AddDate(0, 0, rapid.IntRange(-3000, 3000).Draw(t, "due"))
		now := due.AddDate(0, 0, rapid.IntRange(-100, 2000).Draw(t, "days"))
		today, _ := rules.penalty(year, amount, due, now)
		tomorrow, _ := rules.penalty(year, amount, due, now.AddDate(0, 0, 1))
		if today < 0 || tomorrow < today || today > amount*48/100 {
			t.Fatalf("%d, then %d of %d", today, tomorrow, amount)
		}
	})
}

const amnestyRules = `
stale_after_days = 3
default_due = "10-31"
max_penalty_months = 24
[[penalty]]
from_tax_year = 1990
percent_per_month = 1.5
[[due]]
tax_year = 2025
date = "2025-08-15"
[[amnesty]]
from = "2026-08-01"
until = "2026-12-31"
from_tax_year = 1990
until_tax_year = 2024
percent = 50
`

func TestRules(t *testing.T) {
	r, err := ParseRules(strings.NewReader(amnestyRules))
	if err != nil {
		t.Fatal(err)
	}
	for year, want := range map[int]string{2025: "2025-08-15", 2024: "2024-10-31"} {
		if got := r.due(Year{Year: year}); !got.Equal(day(want)) {
			t.Errorf("the bill of %d is due on %v", year, got)
		}
	}
	if got := r.due(Year{Year: 2025, DueDate: day("2025-09-01")}); !got.Equal(day("2025-09-01")) {
		t.Errorf("the due date of the extract does not count: %v", got)
	}
	if r.percent(2020) != "1,5" {
		t.Errorf("percent %s", r.percent(2020))
	}
	for now, want := range map[string]bot.Rupiah{"2026-07-31": 31500, "2026-08-01": 16500, "2026-12-31": 18000, "2027-01-01": 36000} {
		if got, _ := r.penalty(2024, 100000, day("2024-10-31"), day(now)); got != want {
			t.Errorf("on %s the penalty is %d, not %d", now, got, want)
		}
	}
	if last := r.amnestyUntil(2024, day("2026-12-31").Add(20*time.Hour)); !last.Equal(day("2026-12-31")) {
		t.Errorf("the amnesty ends on %v", last)
	}
	if !r.amnestyUntil(2025, day("2026-12-01")).IsZero() {
		t.Error("an amnesty for a year that has none")
	}
}

func TestRulesThatMakeNoSense(t *testing.T) {
	file, err := os.ReadFile("rules.toml")
	if err != nil {
		t.Fatal(err)
	}
	good := string(file)
	for _, change := range [][2]string{
		{"= 14", "= 0"}, {`"09-30"`, `"30-09"`}, {`"09-30"`, `""`}, {"= 24", "= -1"}, {"2.0", "20.0"}, {"2.0", "-1.0"}, {"2.0", "nan"},
		{"= 2024", "= 1990"}, {"= 2024", "= 24"}, {"percent_per_month", "percent"}, {"[[penalty]]", "[[fine]]"},
	} {
		if _, err := ParseRules(strings.NewReader(strings.Replace(good, change[0], change[1], 1))); err == nil {
			t.Errorf("%q instead of %q is accepted", change[1], change[0])
		}
	}
	for _, more := range []string{
		"[[due]]\ntax_year = 2025\ndate = \"31-10-2025\"", "[[due]]\ntax_year = 2025\ndate = \"2024-10-31\"",
		"[[due]]\ntax_year = 2025\ndate = \"2025-10-31\"\n[[due]]\ntax_year = 2025\ndate = \"2025-10-30\"",
		"[[amnesty]]\nfrom = \"2026-08-01\"\nuntil = \"2026-07-01\"\nfrom_tax_year = 1990\nuntil_tax_year = 2025\npercent = 100",
		"[[amnesty]]\nfrom = \"2026-08-01\"\nuntil = \"2026-09-01\"\nfrom_tax_year = 1990\nuntil_tax_year = 2025\npercent = 101",
	} {
		if _, err := ParseRules(strings.NewReader(good + more)); err == nil {
			t.Errorf("accepted: %s", more)
		}
	}
	if _, err := ParseRules(strings.NewReader("")); err == nil {
		t.Error("an empty file is accepted")
	}
}

func TestOwed(t *testing.T) {
	rules, now := DefaultRules(), day("2026-11-25")
	paid := day("2026-10-02")
	for name, c := range map[string]struct {
		year   Year
		amount bot.Rupiah
		paid   bool
	}{
		"open":                {Year{Year: 2026, Due: 100}, 100, false},
		"nothing to pay":      {Year{Year: 2026}, 0, false},
		"paid":                {Year{Year: 2026, Due: 100, PaidOn: paid, Paid: 100}, 0, true},
		"paid with a penalty": {Year{Year: 2026, Due: 100, PaidOn: paid, Paid: 102}, 0, true},
		"paid, not how much":  {Year{Year: 2026, Due: 100, PaidOn: paid}, 0, true},
		"paid, not when":      {Year{Year: 2026, Due: 100, Settled: true}, 0, true},
		"paid in part":        {Year{Year: 2026, Due: 100, PaidOn: paid, Paid: 60}, 40, false},
		"a credit":            {Year{Year: 2026, Due: -100}, 0, false},
	} {
		if d := rules.owed(c.year, now); d.Amount != c.amount || d.Paid != c.paid {
			t.Errorf("%s: %+v", name, d)
		}
	}
}

func TestNames(t *testing.T) {
	for name, want := range map[string]string{
		"LA MAPPA BIN LA TEMMU": "L*** M*** B***",
		"HJ. ST. AMINAH":        "H*** S*** A***",
		"I SITTI":               "I*** S***",
		"  ":                    "",
		"'ambo 12":              "A***",
		"ÉMILE":                 "É***",
	} {
		if got := masked(name); got != want {
			t.Errorf("%q is masked %q, not %q", name, got, want)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		name := rapid.StringMatching(`[A-Z.' ]{0,80}`).Draw(t, "name")
		if n := len([]rune(masked(name))); n > 14 {
			t.Fatalf("%q is masked with %d letters", name, n)
		}
		if n := len([]rune(flows.Shortened(name, longestName))); n > longestName {
			t.Fatalf("%q is shortened to %d letters", name, n)
		}
	})
}

func TestYears(t *testing.T) {
	for want, list := range map[string][]int{
		"2026": {2026}, "2022-2025": {2025, 2024, 2023, 2022}, "2019, 2022-2023": {2023, 2022, 2019}, "2010..2026": {2026, 2024, 2020, 2010},
	} {
		var debts []debt
		for _, y := range list {
			debts = append(debts, debt{Year: y})
		}
		if got := years(debts); got != want {
			t.Errorf("%v is written %q, not %q", list, got, want)
		}
	}
}

package pbb_test

import (
	"testing"
	"time"

	"tabe/bot"
	"tabe/flows/pbb"
)

// A bill is reminded of from two weeks to its last day, once in each of them,
// as long as it is not paid.
func TestReminder(t *testing.T) {
	day := func(month time.Month, day, hour int) time.Time {
		return time.Date(2026, month, day, hour, 0, 0, 0, bot.WITA)
	}
	due := day(9, 30, 0)
	for _, c := range []struct {
		name string
		year pbb.Year
		now  time.Time
		mark string // "": nothing to remind of
	}{
		{"long before", pbb.Year{Year: 2026, Due: 52500, DueDate: due}, day(9, 15, 23), ""},
		{"two weeks before", pbb.Year{Year: 2026, Due: 52500, DueDate: due}, day(9, 16, 0), "2026/due_soon"},
		{"eight days before", pbb.Year{Year: 2026, Due: 52500, DueDate: due}, day(9, 22, 23), "2026/due_soon"},
		{"a week before", pbb.Year{Year: 2026, Due: 52500, DueDate: due}, day(9, 23, 0), "2026/due_last"},
		{"the last day", pbb.Year{Year: 2026, Due: 52500, DueDate: due}, day(9, 30, 23), "2026/due_last"},
		{"too late", pbb.Year{Year: 2026, Due: 52500, DueDate: due}, day(10, 1, 0), ""},
		{"paid", pbb.Year{Year: 2026, Due: 52500, DueDate: due, PaidOn: day(7, 1, 0), Paid: 52500}, day(9, 25, 9), ""},
		{"paid in part", pbb.Year{Year: 2026, Due: 52500, DueDate: due, PaidOn: day(7, 1, 0), Paid: 50000}, day(9, 25, 9), "2026/due_last"},
		{"nothing to pay", pbb.Year{Year: 2026, DueDate: due}, day(9, 25, 9), ""},
		{"due as the rules say", pbb.Year{Year: 2026, Due: 52500}, day(9, 25, 9), "2026/due_last"},
	} {
		r, ok := pbb.DefaultRules().Reminder(pbb.Object{NOP: "731202000300190070", Years: []pbb.Year{c.year}}, c.now)
		if ok != (c.mark != "") || ok && r.Mark() != c.mark {
			t.Errorf("%s: %+v %v", c.name, r, ok)
		}
	}
	if _, ok := pbb.DefaultRules().Reminder(pbb.Object{}, due); ok {
		t.Error("an object without a bill is reminded of")
	}
}

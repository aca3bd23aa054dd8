package kantor

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"tabe/bot"
)

// Calendar says when the offices are open. All its days are in WITA.
type Calendar struct {
	rules    []rule
	holidays map[day]holiday
}

type hoursRow struct {
	Days     []string `toml:"days"`
	Sessions []string `toml:"sessions"`
	From     string   `toml:"from"`
	To       string   `toml:"to"`
	Ramadan  bool     `toml:"ramadan"`
	Confirm  string   `toml:"confirm"`
}

type holidayRow struct {
	Date    string `toml:"date"`
	Name    string `toml:"name"`
	Confirm string `toml:"confirm"`
}

// day is a date without a time: year, month and day as one number.
type day int

func dayOf(t time.Time) day {
	y, m, d := t.In(bot.WITA).Date()
	return day(y*10_000 + int(m)*100 + d)
}

type holiday struct {
	name   string
	unsure bool
}

// session is from when until when the doors are open, from midnight on.
type session struct{ from, until time.Duration }

// rule says the sessions of some weekdays.
type rule struct {
	days     []time.Weekday
	sessions []session
	from, to day // 0: always
	ramadan  bool
	unsure   bool
}

var weekdays = map[string]time.Weekday{
	"mon": time.Monday, "tue": time.Tuesday, "wed": time.Wednesday, "thu": time.Thursday,
	"fri": time.Friday, "sat": time.Saturday, "sun": time.Sunday,
}

// merge replaces the hours, if there are any, and adds the holidays.
func (c *Calendar) merge(hours []hoursRow, holidays []holidayRow) error {
	if len(hours) > 0 {
		c.rules = nil
	}
	for i, row := range hours {
		r, err := row.rule()
		if err != nil {
			return fmt.Errorf("hours, row %d: %w", i+1, err)
		}
		c.rules = append(c.rules, r)
	}
	if c.holidays == nil {
		c.holidays = map[day]holiday{}
	}
	for _, row := range holidays {
		date, err := parseDay(row.Date)
		if err != nil || row.Name == "" || len(row.Name) > maxHoliday {
			return fmt.Errorf("holiday %q: the date is not like 2026-12-25, or the name is missing or has more than %d letters", row.Date, maxHoliday)
		}
		c.holidays[date] = holiday{name: row.Name, unsure: row.Confirm != ""}
	}
	return nil
}

const maxHoliday = 30

func (row hoursRow) rule() (rule, error) {
	r := rule{ramadan: row.Ramadan, unsure: row.Confirm != ""}
	for _, name := range row.Days {
		w, ok := weekdays[name]
		if !ok {
			return r, fmt.Errorf("no day is called %q", name)
		}
		r.days = append(r.days, w)
	}
	before := time.Duration(0)
	for _, text := range row.Sessions {
		s, err := parseSession(text)
		if err != nil {
			return r, err
		}
		if s.from < before {
			return r, fmt.Errorf("session %q begins before the one before it ends", text)
		}
		before = s.until
		r.sessions = append(r.sessions, s)
	}
	var err error
	if row.From != "" || row.To != "" {
		if r.from, err = parseDay(row.From); err == nil {
			r.to, err = parseDay(row.To)
		}
		if err != nil || r.from > r.to {
			return r, fmt.Errorf("from %q to %q are no days one after the other", row.From, row.To)
		}
	}
	if len(r.days) == 0 {
		return r, fmt.Errorf("days is missing")
	}
	return r, nil
}

func parseDay(text string) (day, error) {
	t, err := time.ParseInLocation(time.DateOnly, text, bot.WITA)
	return dayOf(t), err
}

func parseSession(text string) (session, error) {
	a, b, _ := strings.Cut(text, "-")
	from, errFrom := time.Parse("15.04", a)
	until, errUntil := time.Parse("15.04", b)
	midnight := time.Date(0, 1, 1, 0, 0, 0, 0, time.UTC)
	s := session{from.Sub(midnight), until.Sub(midnight)}
	if b == "24.00" {
		s.until, errUntil = 24*time.Hour, nil
	}
	if errFrom != nil || errUntil != nil || s.from >= s.until {
		return s, fmt.Errorf("session %q is not like 08.00-16.00", text)
	}
	return s, nil
}

// date is what is known of one day.
type date struct {
	sessions []session // empty: closed
	holiday  string    // why it is closed, empty if it is not for a holiday
	unsure   bool
}

// on returns what is known of the day of t.
func (c *Calendar) on(t time.Time) date {
	d := dayOf(t)
	if h, ok := c.holidays[d]; ok {
		return date{holiday: h.name, unsure: h.unsure}
	}
	weekday := t.In(bot.WITA).Weekday()
	for _, r := range slices.Backward(c.rules) {
		if slices.Contains(r.days, weekday) && (r.from == 0 || r.from <= d && d <= r.to) {
			return date{sessions: r.sessions, unsure: r.unsure}
		}
	}
	return date{}
}

// horizon is how far ahead an opening is looked for; holidays are shorter.
const horizon = 30

// Opening returns the session in which t lies or else the next one: from when,
// which is t itself inside of one, until when. ok is false if there is none in
// sight.
func (c *Calendar) Opening(t time.Time) (from, until time.Time, ok bool) {
	for n := range horizon {
		midnight := midnight(t).AddDate(0, 0, n)
		for _, s := range c.on(midnight).sessions {
			from, until = midnight.Add(s.from), midnight.Add(s.until)
			if until.After(t) {
				if from.Before(t) {
					from = t
				}
				return from, until, true
			}
		}
	}
	return time.Time{}, time.Time{}, false
}

func midnight(t time.Time) time.Time {
	y, m, d := t.In(bot.WITA).Date()
	return time.Date(y, m, d, 0, 0, 0, 0, bot.WITA)
}

// week returns the days of the week that share their sessions, Monday first, as
// they hold on the day of t; holidays are left out.
func (c *Calendar) week(t time.Time, ramadan bool) []stretch {
	d := dayOf(t)
	var list []stretch
	for i := range 7 {
		w := time.Weekday((int(time.Monday) + i) % 7)
		var found *rule
		for n := range c.rules {
			r := &c.rules[n]
			if slices.Contains(r.days, w) && (r.from == 0 || r.from <= d && d <= r.to || ramadan && r.ramadan) {
				found = r
			}
		}
		if found == nil || len(found.sessions) == 0 {
			continue
		}
		if n := len(list); n > 0 && list[n-1].to == w-1 && slices.Equal(list[n-1].sessions, found.sessions) {
			list[n-1].to = w
			list[n-1].unsure = list[n-1].unsure || found.unsure
			continue
		}
		list = append(list, stretch{from: w, to: w, sessions: found.sessions, unsure: found.unsure})
	}
	return list
}

type stretch struct {
	from, to time.Weekday
	sessions []session
	unsure   bool
}

// times writes sessions: 08.00-11.30, 13.30-16.00.
func times(sessions []session) string {
	parts := make([]string, len(sessions))
	for i, s := range sessions {
		parts[i] = clock(s.from) + "-" + clock(s.until)
	}
	return strings.Join(parts, ", ")
}

func clock(d time.Duration) string {
	return fmt.Sprintf("%02d.%02d", int(d.Hours()), int(d.Minutes())%60)
}

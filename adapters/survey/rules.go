package survey

import (
	"bytes"
	_ "embed"
	"fmt"
	"io"
	"slices"
	"time"

	"tabe/bot/settings"
)

//go:embed survey.toml
var defaultRules []byte

// Rules say who is asked. Make them with ParseRules or DefaultRules.
type Rules struct {
	Every  time.Duration       // between two questions to one resident
	Quiet  time.Duration       // of the resident, before he is asked
	Enough int64               // answers of one service in a month
	Served map[string][]string // by flow: states in which somebody was helped
}

// serves tells whether a conversation has ended well.
func (r Rules) serves(flow, state string) bool { return slices.Contains(r.Served[flow], state) }

// DefaultRules returns the rules that are part of the program.
func DefaultRules() Rules {
	r, err := ParseRules(bytes.NewReader(defaultRules))
	if err != nil {
		panic(err) // the file is part of the program
	}
	return r
}

// ParseRules reads a file like survey.toml.
func ParseRules(file io.Reader) (Rules, error) {
	var f struct {
		EveryDays    int `toml:"every_days"`
		QuietMinutes int `toml:"quiet_minutes"`
		Enough       int64
		Served       map[string][]string
	}
	if err := settings.Decode(file, &f); err != nil {
		return Rules{}, fmt.Errorf("survey: rules: %w", err)
	}
	const minEvery, maxEvery, minQuiet, maxQuiet = 30, 3660, 5, 90
	switch {
	case f.EveryDays < minEvery || f.EveryDays > maxEvery:
		return Rules{}, fmt.Errorf("survey: rules: every_days is %d, not between %d and %d", f.EveryDays, minEvery, maxEvery)
	case f.QuietMinutes < minQuiet || f.QuietMinutes > maxQuiet:
		return Rules{}, fmt.Errorf("survey: rules: quiet_minutes is %d, not between %d and %d", f.QuietMinutes, minQuiet, maxQuiet)
	case f.Enough < 0:
		return Rules{}, fmt.Errorf("survey: rules: enough is %d", f.Enough)
	}
	return Rules{
		Every: time.Duration(f.EveryDays) * 24 * time.Hour, Quiet: time.Duration(f.QuietMinutes) * time.Minute,
		Enough: f.Enough, Served: f.Served,
	}, nil
}

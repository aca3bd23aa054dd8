package notices

import (
	"bytes"
	_ "embed"
	"fmt"
	"io"
	"time"

	"tabe/bot"
	"tabe/bot/settings"
)

//go:embed notices.toml
var defaultRules []byte

// Rules are the pace of each channel. Make them with ParseRules or DefaultRules.
type Rules struct{ channels map[bot.ChannelID]pace }

// pace is what one channel bears.
type pace struct {
	PerSecond         float64 `toml:"per_second"`
	WarningsPerSecond float64 `toml:"warnings_per_second"` // 0: like the others
}

// The limits of a reasonable pace.
const (
	slowest = 1.0 / 60
	fastest = 1000
)

// other is the pace of a channel that the rules do not name.
var other = pace{PerSecond: 1}

// DefaultRules returns the rules that are part of the program.
func DefaultRules() Rules {
	r, err := ParseRules(bytes.NewReader(defaultRules))
	if err != nil {
		panic(err) // the file is part of the program
	}
	return r
}

// ParseRules reads a file like notices.toml.
func ParseRules(file io.Reader) (Rules, error) {
	var f struct {
		Channel map[bot.ChannelID]pace
	}
	if err := settings.Decode(file, &f); err != nil {
		return Rules{}, fmt.Errorf("notices: rules: %w", err)
	}
	for id, p := range f.Channel {
		if !(p.PerSecond >= slowest && p.PerSecond <= fastest) {
			return Rules{}, fmt.Errorf("notices: rules: per_second of %s is %v", id, p.PerSecond)
		}
		if w := p.WarningsPerSecond; w != 0 && !(w >= p.PerSecond && w <= fastest) {
			return Rules{}, fmt.Errorf("notices: rules: warnings_per_second of %s is %v", id, w)
		}
	}
	return Rules{channels: f.Channel}, nil
}

func (r Rules) of(c bot.ChannelID) pace {
	if p, known := r.channels[c]; known {
		return p
	}
	return other
}

// interval is the time between two notices, or two warnings.
func (p pace) interval(warning bool) time.Duration {
	perSecond := p.PerSecond
	if warning {
		perSecond = max(perSecond, p.WarningsPerSecond)
	}
	return time.Duration(float64(time.Second) / perSecond)
}

// The hours, in WITA, in which residents may be told something.
const (
	firstHour = 8
	lastHour  = 20
)

// night tells whether nobody may be woken at t.
func night(t time.Time) bool {
	hour := t.In(bot.WITA).Hour()
	return hour < firstHour || hour >= lastHour
}

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

// Rules are the pace and the price of each channel. Make them with ParseRules
// or DefaultRules.
type Rules struct{ channels map[bot.ChannelID]tariff }

// tariff is what one channel bears and costs.
type tariff struct {
	PerSecond        float64    `toml:"per_second"`
	RupiahPerSegment bot.Rupiah `toml:"rupiah_per_segment"`
	RupiahPerMessage bot.Rupiah `toml:"rupiah_per_message"`
}

// The limits of a reasonable tariff.
const (
	slowest   = 1.0 / 60
	fastest   = 1000
	mostMoney = 100_000
)

// other is the tariff of a channel that the rules do not name.
var other = tariff{PerSecond: 1}

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
		Channel map[bot.ChannelID]tariff
	}
	if err := settings.Decode(file, &f); err != nil {
		return Rules{}, fmt.Errorf("notices: rules: %w", err)
	}
	for id, t := range f.Channel {
		if !(t.PerSecond >= slowest && t.PerSecond <= fastest) {
			return Rules{}, fmt.Errorf("notices: rules: per_second of %s is %v", id, t.PerSecond)
		}
		if t.RupiahPerSegment < 0 || t.RupiahPerSegment > mostMoney || t.RupiahPerMessage < 0 || t.RupiahPerMessage > mostMoney {
			return Rules{}, fmt.Errorf("notices: rules: the price of %s is not between 0 and %d", id, mostMoney)
		}
	}
	return Rules{channels: f.Channel}, nil
}

func (r Rules) of(c bot.ChannelID) tariff {
	if t, known := r.channels[c]; known {
		return t
	}
	return other
}

// interval is the time between two notices.
func (t tariff) interval() time.Duration {
	return time.Duration(float64(time.Second) / t.PerSecond)
}

// price is the cost of one message.
func (t tariff) price(segments int) bot.Rupiah {
	return t.RupiahPerMessage + bot.Rupiah(segments)*t.RupiahPerSegment
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

// Package costs knows what messages cost and what was spent on them, and tells
// when the money of the day is gone. It holds nothing back itself.
package costs

import (
	"bytes"
	_ "embed"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"unicode/utf8"

	"tabe/bot"
	"tabe/bot/settings"
	"tabe/bot/sms"
)

//go:embed costs.toml
var builtIn []byte

// Tariffs are the prices of messages, and the limits of what may be spent. Make
// them with Parse or Default. Their methods are safe for concurrent use.
type Tariffs struct {
	Limits
	// AnswersPerDay is how many answers a resident gets in a day where each of
	// them costs money; 0: any number.
	AnswersPerDay int

	channels map[bot.ChannelID]tariff
}

// Limits are how much may be spent in a day.
type Limits struct {
	Daily       bot.Rupiah // 0: any amount
	WarnPercent int        // of Daily, from which on there is a warning
}

// tariff is what one channel costs.
type tariff struct {
	each      bot.Rupiah              // unit
	segmented bool                    // the unit is a segment
	units     func(text bot.Text) int // at least 1
	prefixes  map[string]bot.Rupiah   // each, by the beginning of the number
	longest   int                     // of the prefixes, in bytes
	templates map[string]bot.Rupiah   // approved texts, by kind; nil: like any other text
	kinds     map[string]string       // of approved texts that are not utility, by the key of the message
}

// utility is the kind of an approved text that belongs to no other one.
const utility = "utility"

// The limits of a reasonable table.
const (
	mostPrice = 100_000
	mostDaily = 1_000_000_000
)

// priced are the channels that nobody gives away. A table without one of them
// is one from which something was left out.
var priced = []bot.ChannelID{"sms", "voice", "whatsapp"}

// Default returns the table that is part of the program.
func Default() *Tariffs {
	t, err := Parse(bytes.NewReader(builtIn))
	if err != nil {
		panic(err) // the file is part of the program
	}
	return t
}

// row is a channel in the file.
type row struct {
	PerSegment *bot.Rupiah `toml:"per_segment"`
	PerMessage *bot.Rupiah `toml:"per_message"`
	PerMinute  *bot.Rupiah `toml:"per_minute"`
	Prefix     map[string]bot.Rupiah
	Template   map[string]bot.Rupiah
	Category   map[string]string
}

// Parse reads a file like costs.toml.
func Parse(file io.Reader) (*Tariffs, error) {
	var f struct {
		DailyRupiah   bot.Rupiah `toml:"daily_rupiah"`
		WarnPercent   int        `toml:"warn_percent"`
		AnswersPerDay int        `toml:"answers_per_day"`
		Channel       map[bot.ChannelID]row
	}
	if err := settings.Decode(file, &f); err != nil {
		return nil, fmt.Errorf("costs: %w", err)
	}
	switch {
	case f.DailyRupiah < 0 || f.DailyRupiah > mostDaily:
		return nil, fmt.Errorf("costs: daily_rupiah is not between 0 and %d", mostDaily)
	case f.DailyRupiah > 0 && (f.WarnPercent < 1 || f.WarnPercent > 100):
		return nil, errors.New("costs: warn_percent is not between 1 and 100")
	case f.AnswersPerDay < 0:
		return nil, errors.New("costs: answers_per_day is less than 0")
	}
	t := &Tariffs{
		Limits: Limits{Daily: f.DailyRupiah, WarnPercent: f.WarnPercent}, AnswersPerDay: f.AnswersPerDay,
		channels: make(map[bot.ChannelID]tariff, len(f.Channel)),
	}
	for _, c := range slices.Sorted(maps.Keys(f.Channel)) { // the first problem is always the same one
		var err error
		if t.channels[c], err = f.Channel[c].tariff(); err != nil {
			return nil, fmt.Errorf("costs: %s: %w", c, err)
		}
	}
	for _, c := range priced {
		if _, there := t.channels[c]; !there {
			return nil, fmt.Errorf("costs: %s has no price", c)
		}
	}
	return t, nil
}

// tariff checks one channel.
func (r row) tariff() (tariff, error) {
	t := tariff{segmented: r.PerSegment != nil, prefixes: r.Prefix, templates: r.Template, kinds: r.Category}
	given := 0
	for _, unit := range []struct {
		price *bot.Rupiah
		units func(bot.Text) int
	}{{r.PerSegment, segments}, {r.PerMessage, one}, {r.PerMinute, minutes}} {
		if unit.price != nil {
			t.each, t.units = *unit.price, unit.units
			given++
		}
	}
	if given != 1 {
		return t, errors.New("needs one of per_segment, per_message, per_minute")
	}
	prices := append(slices.Collect(maps.Values(r.Prefix)), t.each)
	for _, p := range slices.AppendSeq(prices, maps.Values(r.Template)) {
		if p < 0 || p > mostPrice {
			return t, fmt.Errorf("a price is not between 0 and %d", mostPrice)
		}
	}
	for prefix := range r.Prefix {
		if !isPrefix(prefix) {
			return t, fmt.Errorf("prefix %q does not begin like +62811", prefix)
		}
		t.longest = max(t.longest, len(prefix))
	}
	if _, there := r.Template[utility]; len(r.Template) > 0 && !there {
		return t, fmt.Errorf("template needs %s", utility)
	}
	for message, kind := range r.Category {
		if _, there := r.Template[kind]; !there {
			return t, fmt.Errorf("template has no %q, which is the category of %s", kind, message)
		}
	}
	return t, nil
}

func isPrefix(s string) bool {
	digits, plus := strings.CutPrefix(s, "+")
	return plus && digits != "" && strings.Trim(digits, "0123456789") == ""
}

// Price returns what a message costs, and how many of what is charged for it
// takes: segments of an SMS, started minutes of a call, otherwise 1.
func (t *Tariffs) Price(o bot.Outbound) (segments int, cost bot.Rupiah) {
	c, known := t.channels[o.Channel]
	if !known {
		return 1, 0
	}
	if o.Text.Template != nil && c.templates != nil {
		return 1, c.template(o.Text.Template.Key)
	}
	n := c.units(o.Text)
	return n, bot.Rupiah(n) * c.to(o.Peer)
}

// AtMost returns the most that one of our own messages of so many segments can
// cost to a number of this country, within or after the time for free text.
// message is its key.
func (t *Tariffs) AtMost(c bot.ChannelID, message string, segments int) bot.Rupiah {
	r, known := t.channels[c]
	if !known {
		return 0
	}
	each := r.each
	for prefix, price := range r.prefixes {
		if strings.HasPrefix(prefix, country) || strings.HasPrefix(country, prefix) {
			each = max(each, price)
		}
	}
	if !r.segmented {
		segments = 1
	}
	return max(bot.Rupiah(segments)*each, r.template(message))
}

const country = "+62"

// Paid tells whether an answer costs money on a channel.
func (t *Tariffs) Paid(c bot.ChannelID) bool {
	r := t.channels[c]
	if r.each > 0 {
		return true
	}
	for _, price := range r.prefixes {
		if price > 0 {
			return true
		}
	}
	return false
}

// template is the price of an approved text, 0 where they have none.
func (t tariff) template(message string) bot.Rupiah {
	if kind, named := t.kinds[message]; named {
		return t.templates[kind]
	}
	return t.templates[utility]
}

// to is the price of a unit to a number.
func (t tariff) to(number string) bot.Rupiah {
	for n := min(len(number), t.longest); n > 0; n-- {
		if price, there := t.prefixes[number[:n]]; there {
			return price
		}
	}
	return t.each
}

func one(bot.Text) int { return 1 }

// segments counts what the adapters of SMS send.
func segments(t bot.Text) int {
	_, n := sms.Segments(sms.Fold(t.Numbered()))
	return n
}

// How a text is read out in a call (adapters/twilio): twice, of at most so many
// characters, which take a minute, and then a key is waited for.
const (
	times     = 2
	longest   = 600 // characters
	perSecond = 10  // characters
	waits     = 10  // seconds
)

// minutes are those that have begun when the call ends.
func minutes(t bot.Text) int {
	seconds := times*min(utf8.RuneCountInString(t.Body), longest)/perSecond + waits
	return (seconds + 59) / 60
}

package costs

import (
	"context"
	"encoding/csv"
	"fmt"
	"io"
	"slices"
	"strconv"
	"time"

	"tabe/bot"
)

// Sum is what was spent on one day, channel and kind.
type Sum struct {
	Day      string // of WITA, YYYY-MM-DD
	Channel  bot.ChannelID
	Kind     Kind
	Messages int64
	Segments int64 // what is charged for: segments, messages, started minutes
	Rupiah   bot.Rupiah
}

// Today returns what all nodes have spent today, by channel and kind.
func (l *Ledger) Today(ctx context.Context) ([]Sum, error) {
	today := dayOf(l.clock())
	sums, err := l.read(ctx, today, today)
	if err != nil {
		return nil, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	for c, a := range l.open {
		if c.day != today {
			continue
		}
		i, there := slices.BinarySearchFunc(sums, c, func(s Sum, c cell) int { return cell{s.Day, s.Channel, s.Kind}.compare(c) })
		if !there {
			sums = slices.Insert(sums, i, Sum{Day: c.day, Channel: c.channel, Kind: c.kind})
		}
		sums[i].Messages += a.messages
		sums[i].Segments += a.segments
		sums[i].Rupiah += a.rupiah
	}
	return sums, nil
}

// Month returns what was written down of the month that a point in time is in,
// by day, channel and kind.
func (l *Ledger) Month(ctx context.Context, month time.Time) ([]Sum, error) {
	m := month.In(bot.WITA).Format("2006-01")
	return l.read(ctx, m+"-01", m+"-31")
}

func (l *Ledger) read(ctx context.Context, first, last string) (sums []Sum, err error) {
	var s Sum
	var rupiah int64
	err = l.db.Each(ctx, `select day, channel, kind, messages, segments, rupiah from spending where day >= $1 and day <= $2 order by day, channel, kind`,
		[]any{first, last}, []any{&s.Day, &s.Channel, &s.Kind, &s.Messages, &s.Segments, &rupiah}, func() error {
			s.Rupiah = bot.Rupiah(rupiah)
			sums = append(sums, s)
			return nil
		})
	if err != nil {
		return nil, fmt.Errorf("costs: %w", err)
	}
	// The database may sort by the rules of a language.
	slices.SortFunc(sums, func(a, b Sum) int { return cell{a.Day, a.Channel, a.Kind}.compare(cell{b.Day, b.Channel, b.Kind}) })
	return sums, nil
}

// kinds are the treasurer's words.
var kinds = map[Kind]string{Ordinary: "biasa", Emergency: "darurat"}

// WriteCSV writes sums for the treasurer.
func WriteCSV(w io.Writer, sums []Sum) error {
	out := csv.NewWriter(w)
	rows := [][]string{{"tanggal", "saluran", "jenis", "pesan", "segmen", "rupiah"}}
	for _, s := range sums {
		rows = append(rows, []string{s.Day, string(s.Channel), kinds[s.Kind],
			strconv.FormatInt(s.Messages, 10), strconv.FormatInt(s.Segments, 10), strconv.FormatInt(int64(s.Rupiah), 10)})
	}
	return out.WriteAll(rows)
}

// Package report tells what happened at the command center in a month: a table
// for other programs (CSV) and drawings for people.
//
// Cases of violence are counted once, as a number for the month, and stand in
// no table: not by place, not by hour.
package report

import (
	"cmp"
	"context"
	"encoding/csv"
	"fmt"
	"io"
	"slices"
	"strconv"
	"time"

	"tabe/adapters/scc"
	"tabe/bot"
	"tabe/flows/darurat"
)

// Standard is how long it may take until somebody is at a fire.
const Standard = 15 * time.Minute

// Center is where the incidents are; *scc.Center.
type Center interface {
	Between(ctx context.Context, from, to time.Time, limit int) ([]scc.Incident, error)
	Arrivals(ctx context.Context, from, to time.Time) (map[int64]time.Time, error)
}

// Places names the units of the regency; *geo.Map.
type Places interface {
	Unit(code string) (darurat.Unit, bool)
}

// maxIncidents bounds a month: a storm brought some hundred reports.
const maxIncidents = 50_000

// Month is what happened in one.
type Month struct {
	From, To  time.Time
	Incidents []Line // in the order of their opening, without violence and drills
	Violence  int
	Drills    int
	Full      bool // there were more than fit
}

// Line is one incident.
type Line struct {
	Code              string
	Kind              darurat.Kind
	District, Village string // names; empty: unknown
	Opened            time.Time
	Acked             time.Duration // after Opened; negative: never
	Arrived           time.Duration
	Closed            time.Duration
	Outcome           scc.Outcome
}

const never = -1

// Of reads the month, in WITA, in which t lies.
func Of(ctx context.Context, c Center, m Places, t time.Time) (Month, error) {
	t = t.In(bot.WITA)
	from := time.Date(t.Year(), t.Month(), 1, 0, 0, 0, 0, bot.WITA)
	out := Month{From: from, To: from.AddDate(0, 1, 0)}
	incidents, err := c.Between(ctx, out.From, out.To, maxIncidents)
	if err != nil {
		return out, err
	}
	arrivals, err := c.Arrivals(ctx, out.From, out.To)
	if err != nil {
		return out, err
	}
	out.Full = len(incidents) == maxIncidents
	for _, i := range incidents {
		switch {
		case i.Test:
			out.Drills++
			continue
		case i.Kind == darurat.Violence:
			out.Violence++
			continue
		}
		district, _ := m.Unit(i.District)
		village, _ := m.Unit(i.Village)
		out.Incidents = append(out.Incidents, Line{
			Code: i.Code, Kind: i.Kind, District: district.Name, Village: village.Name, Opened: i.Opened, Outcome: i.Outcome,
			Acked: since(i.Opened, i.Acked), Arrived: since(i.Opened, arrivals[i.ID]), Closed: since(i.Opened, i.Closed),
		})
	}
	return out, nil
}

func since(from, to time.Time) time.Duration {
	if to.IsZero() || to.Before(from) {
		return never
	}
	return to.Sub(from)
}

// CSV writes one row for each incident. Times are RFC 3339 in WITA, durations
// whole seconds after the opening, empty where it did not happen.
func (m Month) CSV(w io.Writer) error {
	out := csv.NewWriter(w)
	rows := [][]string{{"kode", "jenis", "kecamatan", "desa", "dibuka", "diterima_detik", "di_lokasi_detik", "ditutup_detik", "hasil"}}
	for _, l := range m.Incidents {
		rows = append(rows, []string{
			l.Code, string(l.Kind), l.District, l.Village, l.Opened.In(bot.WITA).Format(time.RFC3339),
			seconds(l.Acked), seconds(l.Arrived), seconds(l.Closed), string(l.Outcome),
		})
	}
	if err := out.WriteAll(rows); err != nil {
		return fmt.Errorf("report: %w", err)
	}
	return nil
}

func seconds(d time.Duration) string {
	if d == never {
		return ""
	}
	return strconv.FormatInt(int64(d/time.Second), 10)
}

// Count is how many incidents something has.
type Count struct {
	Name string // as it is in the data; empty: unknown
	N    int
}

// ByKind counts the incidents of each kind, in the order of darurat.Kinds.
func (m Month) ByKind() []Count {
	var counts []Count
	for _, k := range darurat.Kinds() {
		if k != darurat.Violence {
			counts = append(counts, Count{Name: string(k)})
		}
	}
	for _, l := range m.Incidents {
		for i := range counts {
			if counts[i].Name == string(l.Kind) {
				counts[i].N++
			}
		}
	}
	return counts
}

// ByDistrict counts the incidents of each kecamatan, and behind them those of
// which the place is unknown.
func (m Month) ByDistrict(districts []darurat.Unit) []Count {
	var counts []Count
	for _, d := range districts {
		counts = append(counts, Count{Name: d.Name})
	}
	counts = append(counts, Count{})
	for _, l := range m.Incidents {
		for i := range counts {
			if counts[i].Name == l.District {
				counts[i].N++
			}
		}
	}
	return counts
}

// ByHour counts the incidents of each hour of the day, 0 to 23.
func (m Month) ByHour() []Count {
	counts := make([]Count, 24)
	for i := range counts {
		counts[i].Name = fmt.Sprintf("%02d", i)
	}
	for _, l := range m.Incidents {
		counts[l.Opened.In(bot.WITA).Hour()].N++
	}
	return counts
}

// Spread is how long something took.
type Spread struct {
	N           int           // how often it happened
	Never       int           // how often it did not
	Median, P95 time.Duration // of those where it did; 0 if N is 0
	InStandard  int           // of N, within Standard
}

// ToAcknowledge is how long it took until a human being answered.
func (m Month) ToAcknowledge() Spread {
	return spread(m.Incidents, func(l Line) time.Duration { return l.Acked })
}

// ToArrive is how long it took until somebody was there, for one kind or, with
// an empty one, for all.
func (m Month) ToArrive(k darurat.Kind) Spread {
	var lines []Line
	for _, l := range m.Incidents {
		if k == "" || l.Kind == k {
			lines = append(lines, l)
		}
	}
	return spread(lines, func(l Line) time.Duration { return l.Arrived })
}

func spread(lines []Line, of func(Line) time.Duration) (s Spread) {
	var took []time.Duration
	for _, l := range lines {
		d := of(l)
		if d == never {
			s.Never++
			continue
		}
		if d <= Standard {
			s.InStandard++
		}
		took = append(took, d)
	}
	slices.SortFunc(took, cmp.Compare[time.Duration])
	if s.N = len(took); s.N > 0 {
		s.Median, s.P95 = quantile(took, 50), quantile(took, 95)
	}
	return s
}

// quantile is the nearest rank: the smallest value that is not below percent
// of the sorted ones.
func quantile(sorted []time.Duration, percent int) time.Duration {
	return sorted[max(0, (len(sorted)*percent+99)/100-1)]
}

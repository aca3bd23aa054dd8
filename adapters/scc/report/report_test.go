package report_test

import (
	"bytes"
	"context"
	"encoding/csv"
	"encoding/xml"
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"tabe/adapters/scc"
	"tabe/adapters/scc/geo"
	"tabe/adapters/scc/report"
	"tabe/bot"
	"tabe/flows/darurat"
)

// center is a month that is known beforehand.
type center struct {
	incidents []scc.Incident
	arrivals  map[int64]time.Time
}

func (c center) Between(_ context.Context, from, to time.Time, _ int) (all []scc.Incident, err error) {
	for _, i := range c.incidents {
		if !i.Opened.Before(from) && i.Opened.Before(to) {
			all = append(all, i)
		}
	}
	return all, nil
}

func (c center) Arrivals(context.Context, time.Time, time.Time) (map[int64]time.Time, error) {
	return c.arrivals, nil
}

var first = time.Date(2026, 11, 1, 0, 30, 0, 0, bot.WITA)

func month(t *testing.T) report.Month {
	t.Helper()
	c := center{arrivals: map[int64]time.Time{}}
	add := func(n int, k darurat.Kind, district, village string, opened time.Time, acked, arrived time.Duration) {
		i := scc.Incident{ID: int64(n), Code: "K" + string(rune('A'+n)), Kind: k, District: district, Village: village, Opened: opened, Landmark: "rumah Pak Sadda"}
		if acked > 0 {
			i.Acked = opened.Add(acked)
		}
		if arrived > 0 {
			c.arrivals[i.ID] = opened.Add(arrived)
		}
		c.incidents = append(c.incidents, i)
	}
	add(1, darurat.Fire, "73.12.04", "73.12.04.1001", first, 20*time.Second, 9*time.Minute)
	add(2, darurat.Fire, "73.12.05", "", first.Add(time.Hour), 40*time.Second, 21*time.Minute)
	add(3, darurat.Medical, "", "", first.Add(2*time.Hour), 200*time.Second, 0)
	add(4, darurat.Violence, "73.12.04", "73.12.04.1001", first.Add(3*time.Hour), 10*time.Second, 0)
	add(5, darurat.Crime, "73.12.08", "", first.AddDate(0, 0, 29).Add(23*time.Hour), 0, 0)
	add(6, darurat.Crime, "73.12.08", "", first.AddDate(0, 1, 0), 0, 0) // the next month
	drill := scc.Incident{ID: 7, Code: "TEST", Kind: darurat.Fire, Test: true, Opened: first}
	c.incidents = append(c.incidents, drill)
	m, err := report.Of(t.Context(), c, geo.New(), first.AddDate(0, 0, 12))
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func TestMonth(t *testing.T) {
	m := month(t)
	if len(m.Incidents) != 4 || m.Violence != 1 || m.Drills != 1 {
		t.Fatalf("%+v", m)
	}
	if got := m.ByKind(); len(got) != 4 || got[0] != (report.Count{Name: "fire", N: 2}) {
		t.Error(got)
	}
	districts := m.ByDistrict(geo.New().Districts())
	if len(districts) != 9 || districts[8].N != 1 || districts[3] != (report.Count{Name: "Lalabata", N: 1}) {
		t.Error(districts)
	}
	if hours := m.ByHour(); hours[0].N != 1 || hours[1].N != 1 || hours[2].N != 1 || hours[23].N != 1 {
		t.Error(hours)
	}
	if s := m.ToAcknowledge(); s != (report.Spread{N: 3, Never: 1, Median: 40 * time.Second, P95: 200 * time.Second, InStandard: 3}) {
		t.Errorf("%+v", s)
	}
	if s := m.ToArrive(darurat.Fire); s.N != 2 || s.InStandard != 1 || s.P95 != 21*time.Minute {
		t.Errorf("%+v", s)
	}
}

func TestCSVNamesNobody(t *testing.T) {
	m := month(t)
	var b bytes.Buffer
	if err := m.CSV(&b); err != nil {
		t.Fatal(err)
	}
	rows, err := csv.NewReader(&b).ReadAll()
	if err != nil || len(rows) != 5 {
		t.Fatal(rows, err)
	}
	if got := strings.Join(rows[1], ","); got != "KB,fire,Lalabata,"+rows[1][3]+",2026-11-01T00:30:00+08:00,20,540,," {
		t.Error(got)
	}
	for _, row := range rows {
		if text := strings.Join(row, ","); strings.Contains(text, "Sadda") || strings.Contains(text, "violence") {
			t.Error(text)
		}
	}
}

func TestDrawingsAreXML(t *testing.T) {
	m := month(t)
	name := func(s string) string { return "<" + s + "> & co" }
	for _, drawing := range []string{
		string(report.Bars("Jenis", m.ByKind(), name)), string(report.Columns("Jam", m.ByHour(), name)),
		string(report.Bars("Kosong", nil, name)), string(report.Columns("Kosong", nil, name)),
	} {
		d := xml.NewDecoder(strings.NewReader(drawing))
		for {
			if _, err := d.Token(); errors.Is(err, io.EOF) {
				break
			} else if err != nil {
				t.Fatalf("%v in %s", err, drawing)
			}
		}
	}
}

// The median is one of the values and half of them are not above it.
func TestSpread(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		took := rapid.SliceOfN(rapid.IntRange(1, 5000), 1, 60).Draw(t, "took")
		c := center{}
		for n, s := range took {
			c.incidents = append(c.incidents, scc.Incident{ID: int64(n), Kind: darurat.Fire, Opened: first, Acked: first.Add(time.Duration(s) * time.Second)})
		}
		m, err := report.Of(context.Background(), c, geo.New(), first)
		if err != nil {
			t.Fatal(err)
		}
		s := m.ToAcknowledge()
		notAbove := func(d time.Duration) (n int) {
			for _, v := range took {
				if time.Duration(v)*time.Second <= d {
					n++
				}
			}
			return n
		}
		if s.N != len(took) || 2*notAbove(s.Median) < s.N || 100*notAbove(s.P95) < 95*s.N || s.Median > s.P95 {
			t.Fatalf("%+v of %v", s, took)
		}
	})
}

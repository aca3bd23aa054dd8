// Package geo knows where in the regency a position is: from the points of the
// desa that are built in, or from the outlines in a file that the deployer names.
package geo

import (
	_ "embed"
	"encoding/csv"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"tabe/bot"
	"tabe/flows/darurat"
)

// places.csv has the kecamatan and desa with an inner point of each, as in the
// national list, and the town by which each kecamatan is known. The towns are
// general knowledge and were not checked by anybody of the regency.
//
//go:embed places.csv
var placesFile string

// Place is a unit with its inner point.
type Place struct {
	darurat.Unit
	Lat, Lng float64
	outline  outline // empty: unknown
}

// Map is the regency. It implements darurat.Places and never changes.
type Map struct {
	districts []Place
	villages  []Place // in the order of their codes
	byCode    map[string]*Place
	outlined  bool
}

var _ darurat.Places = (*Map)(nil)

// New returns the regency by the points of its desa.
func New() *Map {
	m, err := read(placesFile)
	if err != nil {
		panic(err) // the file is part of the program
	}
	return m
}

func read(file string) (*Map, error) {
	rows, err := csv.NewReader(strings.NewReader(file)).ReadAll()
	if err != nil {
		return nil, fmt.Errorf("geo: places.csv: %w", err)
	}
	m := &Map{byCode: map[string]*Place{}}
	seats := map[string]Place{}
	for _, row := range rows[1:] {
		p := Place{Unit: darurat.Unit{Code: row[0], Name: row[1]}}
		lat, errLat := strconv.ParseFloat(row[2], 64)
		lng, errLng := strconv.ParseFloat(row[3], 64)
		if errLat != nil || errLng != nil || len(p.Code) < districtCode {
			return nil, fmt.Errorf("geo: places.csv: %s is not a place", row[0])
		}
		p.Lat, p.Lng = lat, lng
		p.District = p.Code[:districtCode]
		if p.IsDistrict() {
			p.DistrictName, p.Seat = p.Name, row[4]
			seats[p.Code] = p
			m.districts = append(m.districts, p)
			continue
		}
		d, known := seats[p.District]
		if !known {
			return nil, fmt.Errorf("geo: places.csv: %s comes before its kecamatan", p.Code)
		}
		p.DistrictName, p.Seat = d.Name, d.Seat
		m.villages = append(m.villages, p)
	}
	for _, list := range [][]Place{m.districts, m.villages} {
		for i := range list {
			m.byCode[list[i].Code] = &list[i]
		}
	}
	return m, nil
}

// districtCode is the length of the code of a kecamatan: 73.12.05.
const districtCode = 8

// Districts implements darurat.Places.
func (m *Map) Districts() []darurat.Unit { return units(m.districts) }

// Villages implements darurat.Places.
func (m *Map) Villages(district string) []darurat.Unit {
	var list []darurat.Unit
	for _, p := range m.villages {
		if p.District == district {
			list = append(list, p.Unit)
		}
	}
	return list
}

func units(places []Place) []darurat.Unit {
	list := make([]darurat.Unit, len(places))
	for i, p := range places {
		list[i] = p.Unit
	}
	return list
}

// Named implements darurat.Places. Capitals do not count.
func (m *Map) Named(name string, district bool) (darurat.Unit, bool) {
	list := m.villages
	if district {
		list = m.districts
	}
	for _, p := range list {
		if strings.EqualFold(p.Name, name) {
			return p.Unit, true
		}
	}
	return darurat.Unit{}, false
}

// Unit implements darurat.Places.
func (m *Map) Unit(code string) (darurat.Unit, bool) {
	p, ok := m.byCode[code]
	if !ok {
		return darurat.Unit{}, false
	}
	return p.Unit, true
}

// Point returns the inner point of a unit.
func (m *Map) Point(code string) (bot.Location, bool) {
	p, ok := m.byCode[code]
	if !ok {
		return bot.Location{}, false
	}
	return bot.Location{Lat: p.Lat, Lng: p.Lng}, true
}

// Places returns the desa with their points, in the order of their codes.
func (m *Map) Places() []Place { return slices.Clone(m.villages) }

// far is how far, in metres, a position may be from the nearest outline, or
// from the nearest point where there are no outlines, and still count as of the
// regency: the largest desa reach some 8 km from their points.
const (
	farFromOutline = 3_000
	farFromPoint   = 9_000
)

// At implements darurat.Places.
func (m *Map) At(l bot.Location) (darurat.Unit, darurat.Doubt) {
	if m.outlined {
		return m.within(l)
	}
	best, least := 0, math.Inf(1)
	for i := range m.villages {
		if d := Metres(l.Lat, l.Lng, m.villages[i].Lat, m.villages[i].Lng); d < least {
			best, least = i, d
		}
	}
	return m.villages[best].Unit, doubt(least, farFromPoint, darurat.Sure)
}

func (m *Map) within(l bot.Location) (darurat.Unit, darurat.Doubt) {
	best, least := -1, math.Inf(1)
	for i := range m.villages {
		p := &m.villages[i]
		if p.outline.contains(l.Lat, l.Lng) {
			return p.Unit, darurat.Sure
		}
		if d := p.outline.metresTo(l.Lat, l.Lng); d < least {
			best, least = i, d
		}
	}
	return m.villages[best].Unit, doubt(least, farFromOutline, darurat.Border)
}

func doubt(metres, far float64, near darurat.Doubt) darurat.Doubt {
	if metres > far {
		return darurat.Outside
	}
	return near
}

// Metres is the distance of two positions on a globe.
func Metres(lat1, lng1, lat2, lng2 float64) float64 {
	const radius = 6_371_000
	a1, a2 := lat1*math.Pi/180, lat2*math.Pi/180
	sinLat, sinLng := math.Sin((a2-a1)/2), math.Sin((lng2-lng1)*math.Pi/360)
	h := sinLat*sinLat + math.Cos(a1)*math.Cos(a2)*sinLng*sinLng
	return 2 * radius * math.Asin(math.Min(1, math.Sqrt(h)))
}

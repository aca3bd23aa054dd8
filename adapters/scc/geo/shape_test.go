package geo_test

import (
	"math/rand/v2"
	"testing"

	"tabe/adapters/scc/geo"
	"tabe/bot"
)

// inside counts the lines that a ray to the east crosses.
func inside(s geo.Shape, lng, lat float64) bool {
	in := false
	for _, ring := range s.Rings {
		for i, a := range ring[1:] {
			b := ring[i]
			if (a[1] > lat) != (b[1] > lat) && lng < (b[0]-a[0])*(lat-a[1])/(b[1]-a[1])+a[0] {
				in = !in
			}
		}
	}
	return in
}

// What is drawn as a desa is what At takes for it.
func TestCellsAgreeWithAt(t *testing.T) {
	m := geo.New()
	shapes := m.Shapes()
	if len(shapes) != 70 {
		t.Fatalf("%d desa", len(shapes))
	}
	for _, s := range shapes {
		if !inside(s, s.Lng, s.Lat) {
			t.Errorf("%s is not in its own cell", s.Name)
		}
	}
	r := rand.New(rand.NewPCG(1, 2))
	covered := 0
	for range 5000 {
		lng, lat := 119.7062+r.Float64()*0.3906, -4.5452+r.Float64()*0.4466
		at, _ := m.At(bot.Location{Lat: lat, Lng: lng})
		for _, s := range shapes {
			if inside(s, lng, lat) {
				covered++
				// A degree of longitude is a little shorter than one of latitude.
				if s.Code != at.Code && geo.Metres(lat, lng, s.Lat, s.Lng) > geo.Metres(lat, lng, point(m, at.Code).Lat, point(m, at.Code).Lng)+50 {
					t.Fatalf("%f,%f is drawn as %s and taken for %s", lat, lng, s.Name, at.Name)
				}
			}
		}
	}
	if covered < 2500 {
		t.Errorf("only %d of 5000 positions are in a cell", covered)
	}
}

func point(m *geo.Map, code string) bot.Location {
	l, _ := m.Point(code)
	return l
}

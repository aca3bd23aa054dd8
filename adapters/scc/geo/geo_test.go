package geo

import (
	"encoding/csv"
	"math"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"testing"

	"tabe/bot"
	"tabe/flows/darurat"
)

// Files of others, which are read where they lie and never copied.
const shared = "../../../../shared/domain/"

func outlined(t *testing.T) *Map {
	t.Helper()
	file, err := os.Open(shared + "soppeng_desa_kelurahan.geojson")
	if err != nil {
		t.Skip("SKIPPED: no outlines to test with: ", err)
	}
	defer file.Close()
	m, err := New().WithOutlines(file)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func TestTheRegencyIsWhole(t *testing.T) {
	m := New()
	if d, v := len(m.Districts()), len(m.Places()); d != 8 || v != 70 {
		t.Fatalf("%d kecamatan and %d desa", d, v)
	}
	n := 0
	for _, d := range m.Districts() {
		n += len(m.Villages(d.Code))
	}
	if n != 70 {
		t.Errorf("%d desa belong to a kecamatan", n)
	}
	for _, p := range m.Places() {
		if got, doubt := m.At(bot.Location{Lat: p.Lat, Lng: p.Lng}); got.Code != p.Code || doubt != darurat.Sure {
			t.Errorf("%s is found at %s (%s)", p.Name, got.Name, doubt)
		}
	}
	kaca, ok := m.Named("kaca", false)
	if !ok || kaca.DistrictName != "Marioriawa" || kaca.Seat != "Batu-Batu" {
		t.Errorf("Kaca: %+v", kaca)
	}
}

// The list that is built in must stay the one that others published.
func TestTheListIsTheSharedOne(t *testing.T) {
	file, err := os.Open(shared + "soppeng_wilayah.csv")
	if err != nil {
		t.Skip("SKIPPED: no list to compare with: ", err)
	}
	defer file.Close()
	rows, err := csv.NewReader(file).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	m := New()
	for _, row := range rows[2:] {
		if u, ok := m.Unit(row[0]); !ok || u.Name != row[1] {
			t.Errorf("%s is %q here and %q there", row[0], u.Name, row[1])
		}
	}
}

func TestPositionsInOutlines(t *testing.T) {
	m := outlined(t)
	for _, p := range m.Places() {
		if got, doubt := m.At(bot.Location{Lat: p.Lat, Lng: p.Lng}); got.Code != p.Code || doubt != darurat.Sure {
			t.Errorf("%s is found at %s (%s)", p.Name, got.Name, doubt)
		}
	}
	// Points decide a desa in most of the regency, not in all of it.
	points, same, inside := New(), 0, 0
	for range 2000 {
		l := bot.Location{Lat: -4.55 + rand.Float64()*0.45, Lng: 119.70 + rand.Float64()*0.40}
		u, doubt := m.At(l)
		if doubt != darurat.Sure {
			continue
		}
		inside++
		if v, _ := points.At(l); v.Code == u.Code {
			same++
		}
	}
	t.Logf("points agree with outlines on %.1f %% of %d positions", 100*float64(same)/float64(inside), inside)
	if same*2 < inside {
		t.Errorf("points agree with outlines on %d of %d positions", same, inside)
	}
}

func TestFarPositionsAreDoubted(t *testing.T) {
	for name, m := range map[string]*Map{"points": New(), "outlines": outlined(t)} {
		for _, l := range []bot.Location{{Lat: -4.35, Lng: 118.5}, {Lat: -5.14, Lng: 119.42}, {Lat: 0, Lng: 0}, {Lat: 90, Lng: -180}} {
			if u, doubt := m.At(l); doubt != darurat.Outside || u.Code == "" {
				t.Errorf("%s: %v is %s (%q)", name, l, u.Name, doubt)
			}
		}
	}
	if u, doubt := outlined(t).At(bot.Location{Lat: -4.0950, Lng: 119.8508}); doubt != darurat.Border || u.DistrictName != "Marioriawa" {
		t.Errorf("just across the border: %s, %q", u.Name, doubt)
	}
}

func TestBadOutlinesAreRefused(t *testing.T) {
	for _, file := range []string{
		``, `{}`, `[1]`, `{"features":[{"properties":{"kode":"73.12.99.0001"},"geometry":{"type":"Polygon","coordinates":[]}}]}`,
		`{"features":[{"properties":{"kode":"73.12.05.1002"},"geometry":{"type":"Point","coordinates":[1,2]}}]}`,
		`{"features":[{"properties":{"kode":"73.12.05.1002"},"geometry":{"type":"Polygon","coordinates":[[[1,2],[3,4]]]}}]}`,
		`{"features":[{"properties":{"kode":"73.12.05.1002"},"geometry":{"type":"Polygon","coordinates":[[[1,2],[3,4],[500,6],[1,2]]]}}]}`,
	} {
		if _, err := New().WithOutlines(strings.NewReader(file)); err == nil {
			t.Errorf("%q is taken", file)
		}
	}
}

func TestMetres(t *testing.T) {
	if d := Metres(-4.35, 119.88, -4.35, 119.88); d != 0 {
		t.Error(d)
	}
	if d := Metres(-4, 120, -5, 120); math.Abs(d-111_195) > 10 {
		t.Error(d)
	}
}

func TestAMapIsNotChangedByAnother(t *testing.T) {
	before := New()
	places := before.Places()
	outlined(t)
	if !slices.EqualFunc(places, before.Places(), func(a, b Place) bool { return a.Code == b.Code }) || before.outlined {
		t.Error("the map has changed")
	}
}

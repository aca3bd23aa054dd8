package geo

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
)

// ring is a closed line of positions {lng, lat}, as in GeoJSON.
type ring [][2]float64

// outline is the rings of a desa, holes among them: inside is where an odd
// number of rings is around.
type outline []ring

// maxOutlines bounds the size of a file of outlines, in bytes. The official
// ones take a few megabytes.
const maxOutlines = 64 << 20

// WithOutlines returns the map with the outlines of a GeoJSON FeatureCollection
// of desa, in which the property "kode" is the code. It fails unless every desa
// has one: half a map would send people to the wrong place.
func (m *Map) WithOutlines(file io.Reader) (*Map, error) {
	var collection struct {
		Features []struct {
			Properties struct {
				Kode string `json:"kode"`
			} `json:"properties"`
			Geometry struct {
				Type        string          `json:"type"`
				Coordinates json.RawMessage `json:"coordinates"`
			} `json:"geometry"`
		} `json:"features"`
	}
	if err := json.NewDecoder(io.LimitReader(file, maxOutlines)).Decode(&collection); err != nil {
		return nil, fmt.Errorf("geo: outlines: %w", err)
	}
	// The map that was there stays as it was.
	next := &Map{districts: m.districts, villages: slices.Clone(m.villages), byCode: map[string]*Place{}, outlined: true}
	for i := range next.districts {
		next.byCode[next.districts[i].Code] = &next.districts[i]
	}
	for i := range next.villages {
		next.byCode[next.villages[i].Code] = &next.villages[i]
	}
	for _, f := range collection.Features {
		p, known := next.byCode[f.Properties.Kode]
		if !known || p.IsDistrict() {
			return nil, fmt.Errorf("geo: outlines: no desa of Soppeng has the code %q", f.Properties.Kode)
		}
		o, err := readOutline(f.Geometry.Type, f.Geometry.Coordinates)
		if err != nil {
			return nil, fmt.Errorf("geo: outlines: %s: %w", p.Code, err)
		}
		p.outline = o
	}
	for _, p := range next.villages {
		if len(p.outline) == 0 {
			return nil, fmt.Errorf("geo: outlines: %s %s has none", p.Code, p.Name)
		}
	}
	return next, nil
}

func readOutline(kind string, coordinates json.RawMessage) (outline, error) {
	var polygons []outline
	switch kind {
	case "Polygon":
		polygons = make([]outline, 1)
		if err := json.Unmarshal(coordinates, &polygons[0]); err != nil {
			return nil, err
		}
	case "MultiPolygon":
		if err := json.Unmarshal(coordinates, &polygons); err != nil {
			return nil, err
		}
	default:
		return nil, fmt.Errorf("a %q is no outline", kind)
	}
	var all outline
	for _, p := range polygons {
		all = append(all, p...)
	}
	for _, r := range all {
		if len(r) < 4 {
			return nil, errors.New("a ring has at least four positions")
		}
		for _, p := range r {
			if math.Abs(p[0]) > 180 || math.Abs(p[1]) > 90 {
				return nil, errors.New("a position is not on the earth")
			}
		}
	}
	return all, nil
}

// contains counts the lines that a ray to the east crosses.
func (o outline) contains(lat, lng float64) bool {
	inside := false
	for _, r := range o {
		for i, a := range r[1:] {
			b := r[i]
			if (a[1] > lat) != (b[1] > lat) && lng < (b[0]-a[0])*(lat-a[1])/(b[1]-a[1])+a[0] {
				inside = !inside
			}
		}
	}
	return inside
}

// metresTo is the distance to the nearest line. So near the equator a degree
// is the same length both ways, as far as this matters.
func (o outline) metresTo(lat, lng float64) float64 {
	least := math.Inf(1)
	for _, r := range o {
		for i, a := range r[1:] {
			b := r[i]
			dx, dy := b[0]-a[0], b[1]-a[1]
			t := 0.0
			if length := dx*dx + dy*dy; length > 0 {
				t = math.Max(0, math.Min(1, ((lng-a[0])*dx+(lat-a[1])*dy)/length))
			}
			least = math.Min(least, Metres(lat, lng, a[1]+t*dy, a[0]+t*dx))
		}
	}
	return least
}

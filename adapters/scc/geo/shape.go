package geo

import (
	"math"
	"slices"
)

// Position is {lng, lat} in degrees, as in GeoJSON.
type Position = [2]float64

// Shape is a desa as it is drawn: closed lines, the last position the first again.
type Shape struct {
	Place
	Rings [][]Position
}

// Shapes returns the desa as areas, in the order of their codes: their outlines
// where these are known, otherwise cells in which everything is nearer to the
// point of that desa than to any other (which is how At decides).
func (m *Map) Shapes() []Shape {
	shapes := make([]Shape, len(m.villages))
	for i, p := range m.villages {
		shapes[i].Place = p
		if !m.outlined {
			shapes[i].Rings = [][]Position{m.cell(i)}
			continue
		}
		for _, r := range p.outline {
			shapes[i].Rings = append(shapes[i].Rings, slices.Clone(r))
		}
	}
	return shapes
}

// Size of a cell that has no neighbour on one side, in degrees, and the number
// of its corners there.
const (
	cellReach   = 0.05 // some 5.5 km
	cellCorners = 24
)

// cell cuts a disc around a point with the line half way to each other point.
func (m *Map) cell(i int) []Position {
	p := m.villages[i]
	var corners []Position
	for k := range cellCorners {
		angle := 2 * math.Pi * float64(k) / cellCorners
		corners = append(corners, Position{p.Lng + cellReach*math.Cos(angle), p.Lat + cellReach*math.Sin(angle)})
	}
	for j, q := range m.villages {
		if j != i {
			corners = keepNearer(corners, Position{p.Lng, p.Lat}, Position{q.Lng, q.Lat})
		}
	}
	if len(corners) == 0 {
		return nil
	}
	return append(corners, corners[0])
}

// keepNearer returns the part of a convex area that is nearer to a than to b.
func keepNearer(area []Position, a, b Position) []Position {
	// Positive on b's side of the line half way between them.
	side := func(p Position) float64 {
		return (p[0]-(a[0]+b[0])/2)*(b[0]-a[0]) + (p[1]-(a[1]+b[1])/2)*(b[1]-a[1])
	}
	var kept []Position
	for i, p := range area {
		q := area[(i+1)%len(area)]
		sp, sq := side(p), side(q)
		if sp <= 0 {
			kept = append(kept, p)
		}
		if (sp < 0) != (sq < 0) && sp != sq {
			t := sp / (sp - sq)
			kept = append(kept, Position{p[0] + t*(q[0]-p[0]), p[1] + t*(q[1]-p[1])})
		}
	}
	return kept
}

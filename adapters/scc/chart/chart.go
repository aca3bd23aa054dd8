// Package chart draws the regency as SVG: no tiles, no script, nothing from
// outside. Every area has its name for a screen reader, and its code for who
// wants to click on it.
package chart

import (
	"fmt"
	"html/template"
	"math"
	"strconv"
	"strings"

	"tabe/adapters/scc/geo"
	"tabe/bot"
)

// width of the drawing in its own units; the height follows.
const width = 800

// Chart is the regency, drawn once. It is safe for concurrent use.
type Chart struct {
	west, north, scale float64
	height             int
	areas              []area
	labels             []label
}

type area struct {
	code, title, path string
	tint              int // of the kecamatan: 0 to 7
}

type label struct {
	x, y float64
	text string
}

// New draws the regency of m.
func New(m *geo.Map) *Chart {
	shapes := m.Shapes()
	west, south, east, north := math.Inf(1), math.Inf(1), math.Inf(-1), math.Inf(-1)
	for _, s := range shapes {
		for _, ring := range s.Rings {
			for _, p := range ring {
				west, east = math.Min(west, p[0]), math.Max(east, p[0])
				south, north = math.Min(south, p[1]), math.Max(north, p[1])
			}
		}
	}
	c := &Chart{west: west, north: north, scale: width / (east - west)}
	c.height = int(math.Ceil((north - south) * c.scale))
	type sum struct {
		lng, lat, n float64
		name        string
	}
	middles := map[string]*sum{}
	var order []string
	for _, s := range shapes {
		mid := middles[s.District]
		if mid == nil {
			mid = &sum{name: s.DistrictName}
			middles[s.District] = mid
			order = append(order, s.District)
		}
		mid.lng, mid.lat, mid.n = mid.lng+s.Lng, mid.lat+s.Lat, mid.n+1
		c.areas = append(c.areas, area{
			code: s.Code, title: s.Name + ", " + s.DistrictName, path: c.path(s.Rings), tint: len(order) - 1,
		})
	}
	for _, code := range order {
		mid := middles[code]
		x, y := c.at(mid.lng/mid.n, mid.lat/mid.n)
		c.labels = append(c.labels, label{x, y, mid.name})
	}
	return c
}

// at is where a position is drawn. Here a degree of longitude is as long as
// one of latitude, to 0.3 %.
func (c *Chart) at(lng, lat float64) (x, y float64) {
	return (lng - c.west) * c.scale, (c.north - lat) * c.scale
}

// path writes rings as the data of an SVG path, without the points that would
// move no line by a unit.
func (c *Chart) path(rings [][]geo.Position) string {
	var b strings.Builder
	for _, ring := range rings {
		points := make([][2]float64, len(ring))
		for i, p := range ring {
			points[i][0], points[i][1] = c.at(p[0], p[1])
		}
		for i, p := range simplify(points, 0.7) {
			b.WriteByte("LM"[btoi(i == 0)])
			b.WriteString(number(p[0]))
			b.WriteByte(' ')
			b.WriteString(number(p[1]))
		}
		b.WriteByte('Z')
	}
	return b.String()
}

func btoi(b bool) int {
	if b {
		return 1
	}
	return 0
}

func number(f float64) string {
	return strconv.FormatFloat(math.Round(f*10)/10, 'f', -1, 64)
}

// simplify leaves out points that are nearer than tolerance to the line
// between those that stay (Ramer, Douglas and Peucker).
func simplify(points [][2]float64, tolerance float64) [][2]float64 {
	if len(points) < 3 {
		return points
	}
	first, last := points[0], points[len(points)-1]
	far, at := 0.0, 0
	for i := 1; i < len(points)-1; i++ {
		if d := distance(points[i], first, last); d > far {
			far, at = d, i
		}
	}
	if far <= tolerance {
		return [][2]float64{first, last}
	}
	left := simplify(points[:at+1], tolerance)
	return append(left[:len(left)-1:len(left)-1], simplify(points[at:], tolerance)...)
}

// distance of p to the line from a to b; to a if they are one point, as the
// ends of a ring are.
func distance(p, a, b [2]float64) float64 {
	dx, dy := b[0]-a[0], b[1]-a[1]
	length := math.Hypot(dx, dy)
	if length == 0 {
		return math.Hypot(p[0]-a[0], p[1]-a[1])
	}
	return math.Abs(dx*(a[1]-p[1])-dy*(a[0]-p[0])) / length
}

// Pin is something at a place.
type Pin struct {
	Place bot.Location
	Class string // for the style sheet: "fire", "post" …
	Text  string // beside it: the code of an incident
	Title string // for a screen reader
	Round bool   // a position; otherwise only the desa is known, and the pin is a diamond
}

// SVG draws the regency with pins, and one area lit (its code; empty: none).
func (c *Chart) SVG(title, lit string, pins []Pin) template.HTML {
	var b strings.Builder
	fmt.Fprintf(&b, `<svg class="chart" viewBox="0 0 %d %d" role="img" aria-label="%s">`, width, c.height, template.HTMLEscapeString(title))
	for _, a := range c.areas {
		class := "area tint" + strconv.Itoa(a.tint)
		if a.code == lit || strings.HasPrefix(a.code, lit+".") && lit != "" {
			class += " lit"
		}
		fmt.Fprintf(&b, `<path class="%s" data-code="%s" d="%s"><title>%s</title></path>`, class, a.code, a.path, template.HTMLEscapeString(a.title))
	}
	for _, l := range c.labels {
		fmt.Fprintf(&b, `<text class="district" x="%s" y="%s">%s</text>`, number(l.x), number(l.y), template.HTMLEscapeString(l.text))
	}
	for _, p := range pins {
		x, y := c.at(p.Place.Lng, p.Place.Lat)
		x, y = math.Max(8, math.Min(width-8, x)), math.Max(8, math.Min(float64(c.height)-8, y)) // outside: at the edge
		fmt.Fprintf(&b, `<g class="pin %s" transform="translate(%s %s)"><title>%s</title>`, template.HTMLEscapeString(p.Class), number(x), number(y), template.HTMLEscapeString(p.Title))
		if p.Round {
			b.WriteString(`<circle r="9"/>`)
		} else {
			b.WriteString(`<path d="M0-11L11 0L0 11L-11 0Z"/>`)
		}
		if p.Text != "" {
			fmt.Fprintf(&b, `<text x="14" y="5">%s</text>`, template.HTMLEscapeString(p.Text))
		}
		b.WriteString(`</g>`)
	}
	b.WriteString(`</svg>`)
	return template.HTML(b.String()) //nolint:gosec // every text in it is escaped above
}

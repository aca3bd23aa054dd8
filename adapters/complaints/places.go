package complaints

import (
	"strings"

	"tabe/adapters/scc/geo"
	"tabe/bot"
	"tabe/flows/darurat"
	"tabe/flows/pengaduan"
)

// Places is the regency as complaints need it.
type Places struct{ Map *geo.Map }

var _ pengaduan.Places = Places{}

// Nearest implements pengaduan.Places.
func (p Places) Nearest(at bot.Location) (desa, kecamatan string, ok bool) {
	u, doubt := p.Map.At(at)
	if doubt == darurat.Outside {
		return "", "", false
	}
	return u.Name, u.DistrictName, true
}

// Kecamatan implements pengaduan.Places.
func (p Places) Kecamatan(desa string) string {
	u, ok := p.Map.Named(desa, false)
	if !ok {
		return ""
	}
	return u.DistrictName
}

// Mentioned implements pengaduan.Places. A name counts when it stands there as
// whole words; one that is also a common word is known by what it stands behind.
func (p Places) Mentioned(landmark string) (desa, kecamatan string) {
	text := folded(landmark)
	longest := 0
	for _, d := range p.Map.Districts() {
		for _, u := range append(p.Map.Villages(d.Code), d) {
			name := folded(u.Name)
			if len(name) < longest || len(name) < shortestName || !strings.Contains(text, name) {
				continue
			}
			longest = len(name)
			desa, kecamatan = u.Name, u.DistrictName
			if u.IsDistrict() {
				desa = ""
			}
		}
	}
	return desa, kecamatan
}

// shortestName is the length of a name, with the blanks around it, that is no
// common word ("bila", "ujung" and "galung" are).
const shortestName = 7

// folded is text in small letters between blanks, doubled letters written once.
func folded(text string) string {
	var b strings.Builder
	b.WriteByte(' ')
	last := ' '
	for _, r := range strings.ToLower(text) {
		if (r < 'a' || r > 'z') && (r < '0' || r > '9') {
			r = ' '
		}
		if r != last {
			b.WriteRune(r)
		}
		last = r
	}
	if last != ' ' {
		b.WriteByte(' ')
	}
	return b.String()
}

// Point returns an inner point of a desa, or of the kecamatan if that is all
// that is known: near enough to be shown to everybody, and no nearer.
func (p Places) Point(desa, kecamatan string) (bot.Location, bool) {
	if u, ok := p.Map.Named(desa, false); ok && (kecamatan == "" || u.DistrictName == kecamatan) {
		return p.Map.Point(u.Code)
	}
	if u, ok := p.Map.Named(kecamatan, true); ok {
		return p.Map.Point(u.Code)
	}
	return bot.Location{}, false
}

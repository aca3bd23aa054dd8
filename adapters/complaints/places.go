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
// whole words; one that is also a common word only behind "desa".
func (p Places) Mentioned(landmark string) (desa, kecamatan string) {
	text := folded(landmark)
	longest := 0
	for _, d := range p.Map.Districts() {
		for _, u := range append(p.Map.Villages(d.Code), d) {
			name := folded(u.Name)
			village := announced(text, name, villageWords)
			switch {
			case len(name) < longest, !strings.Contains(text, name), common[name] && !village:
				continue
			case u.IsDistrict() && desa == u.Name && village: // both are called so
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

// common are the names that mean something else too, folded: when, end, rice
// field, goods, glass, hill.
var common = map[string]bool{" bila ": true, " ujung ": true, " galung ": true, " barang ": true, " kaca ": true, " boto ": true}

// villageWords stand before the name of a desa or kelurahan, folded.
var villageWords = []string{" desa", " ds", " kelurahan", " kel", " kampung", " kampong"}

// announced tells whether one of words stands before a name.
func announced(text, name string, words []string) bool {
	for _, word := range words {
		if strings.Contains(text, word+name) {
			return true
		}
	}
	return false
}

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

// Named is a desa or kelurahan.
type Named struct{ Code, Desa, Kecamatan string }

// Names returns every desa, in the order of their codes.
func (p Places) Names() []Named {
	var list []Named
	for _, u := range p.Map.Places() {
		list = append(list, Named{Code: u.Code, Desa: u.Name, Kecamatan: u.DistrictName})
	}
	return list
}

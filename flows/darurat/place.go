package darurat

import "tabe/bot"

// Unit is a kecamatan, or a desa or kelurahan of one.
type Unit struct {
	Code         string // of the Ministry of Home Affairs: 73.12.05, 73.12.05.1002
	Name         string
	District     string // code of the kecamatan; its own if it is one
	DistrictName string
	Seat         string // town by which people know the kecamatan
}

// IsDistrict tells whether the unit is a kecamatan.
func (u Unit) IsDistrict() bool { return u.Code == u.District }

// Doubt is why a position is not to be believed at once.
type Doubt string

// The doubts about a position.
const (
	Sure    Doubt = ""        // inside a desa
	Border  Doubt = "border"  // in none: the nearest desa
	Outside Doubt = "outside" // too far from all of them
)

// Places knows the regency. It works in memory: nothing of it can fail.
type Places interface {
	// Districts returns the kecamatan in the order of their codes, Villages
	// the desa and kelurahan of one.
	Districts() []Unit
	Villages(district string) []Unit
	// Named returns the kecamatan or desa of an official name.
	Named(name string, district bool) (Unit, bool)
	// Unit returns what a code stands for.
	Unit(code string) (Unit, bool)
	// At returns the desa at a position, the nearest one if it is in none.
	At(l bot.Location) (Unit, Doubt)
}

// Source is how a place is known, the least certain first.
type Source string

// The sources of a place.
const (
	FromText    Source = "text"    // words of the reporter, not confirmed
	FromChoice  Source = "choice"  // chosen from a list, or read back and confirmed
	FromPin     Source = "pin"     // a position that was shared
	FromOperate Source = "operate" // an operator said so
)

// Where is what one message tells of the place of an incident. What it leaves
// empty it does not know.
type Where struct {
	Unit     string // code of a desa or kecamatan
	Source   Source // of Unit
	Landmark string // the reporter's own words
	Position *bot.Location
	Doubt    Doubt // about Position
}

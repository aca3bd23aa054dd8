package scc

import (
	"cmp"
	"math"
	"slices"

	"tabe/adapters/database"
	"tabe/adapters/scc/geo"
	"tabe/bot"
)

// Route is a post that can be sent to an incident, and why this one.
type Route struct {
	Contact Contact
	Why     Why
	Metres  float64 // as the crow flies; 0: unknown
	Skipped []Skip  // better ones that cannot be told
}

// Why is the reason for a route.
type Why string

// The reasons.
const (
	OwnDistrict Why = "district" // the post of the kecamatan
	Nearest     Why = "nearest"  // the next nearest
	Central     Why = "central"  // the place is unknown: the post of the capital first
	TheOnly     Why = "service"  // there is one for the whole regency
)

// Skip is a post that was passed over.
type Skip struct {
	Name string `json:"name"`
	Why  string `json:"why"` // unverified, no_number, no_channel, refused
}

// capital is the kecamatan whose post backs up the others.
const capital = "73.12.04"

// nearest puts contacts in the order in which they are to be told: the
// kecamatan's own, then by distance from a point.
func (c *Center) nearest(contacts []Contact, district string, from bot.Location, known bool) []Route {
	routes := make([]Route, 0, len(contacts))
	for _, k := range contacts {
		r := Route{Contact: k, Why: Nearest}
		at, ok := c.Map.Point(k.District)
		switch {
		case k.District == "":
			r.Why = TheOnly
		case known && k.District == district:
			r.Why = OwnDistrict
		case !known:
			r.Why = Central
		}
		if ok && known {
			r.Metres = math.Round(geo.Metres(from.Lat, from.Lng, at.Lat, at.Lng))
		} else if ok {
			centre, _ := c.Map.Point(capital)
			r.Metres = math.Round(geo.Metres(centre.Lat, centre.Lng, at.Lat, at.Lng))
		}
		routes = append(routes, r)
	}
	slices.SortStableFunc(routes, func(a, b Route) int {
		if a.Why == OwnDistrict || b.Why == OwnDistrict {
			return cmp.Compare(rank(a.Why), rank(b.Why))
		}
		return cmp.Compare(a.Metres, b.Metres)
	})
	return routes
}

func rank(w Why) int {
	if w == OwnDistrict {
		return 0
	}
	return 1
}

// routes returns the posts that can be told of an incident, the best first, each
// with those that it stands in for. skipped are those that come after the last.
func (c *Center) routes(tx *database.Tx, i Incident, wanted []string) (routes []Route, skipped []Skip, err error) {
	contacts, err := txContacts(tx, string(i.Kind))
	if err != nil {
		return nil, nil, err
	}
	contacts = slices.DeleteFunc(contacts, func(k Contact) bool { return k.National })
	refused, err := refusals(tx, i.ID)
	if err != nil {
		return nil, nil, err
	}
	point, known := c.where(i)
	phones := map[string]bool{} // two posts can share a number
	for _, r := range c.nearest(contacts, i.District, point, known) {
		if why := c.unusable(r.Contact, wanted, refused); why != "" {
			skipped = append(skipped, Skip{r.Contact.Name, why})
			continue
		}
		if phones[r.Contact.Phone] {
			continue
		}
		phones[r.Contact.Phone] = true
		r.Skipped = skipped
		routes = append(routes, r)
	}
	return routes, skipped, nil
}

func (c *Center) unusable(k Contact, wanted []string, refused map[int64]bool) string {
	switch {
	case refused[k.ID]:
		return "refused"
	case k.Phone == "":
		return "no_number"
	case !k.verified():
		return "unverified"
	case len(c.canReach(k, wanted)) == 0:
		return "no_channel"
	}
	return ""
}

// refusals are the contacts that cannot go.
func refusals(tx *database.Tx, incident int64) (map[int64]bool, error) {
	contacts, err := database.Column[int64](tx.Query(`select contact from dispatches where incident = $1 and refused is not null`, incident))
	refused := make(map[int64]bool, len(contacts))
	for _, id := range contacts {
		refused[id] = true
	}
	return refused, err
}

// isPost tells whether who is paged as a target goes there himself.
func isPost(target string) bool { return target == "post" || target == "next_post" || target == "sent" }

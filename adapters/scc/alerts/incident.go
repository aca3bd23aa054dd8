package alerts

import (
	_ "embed"
	"fmt"
	"strings"
	"time"

	"github.com/BurntSushi/toml"

	"tabe/adapters/scc"
	"tabe/bot"
	"tabe/flows/darurat"
)

//go:embed kinds.toml
var kindsFile string

// terms are the words of kinds.toml.
var terms = func() (t struct {
	Sender, Name, Domain, Region, District, Restriction string
	Kind                                                map[darurat.Kind]struct {
		Category        []string
		Event, Severity string
		Scope           Scope
		Addresses       string
		Public          bool
	}
}) {
	if err := toml.Unmarshal([]byte(kindsFile), &t); err != nil {
		panic(err) // the file is part of the program
	}
	return t
}()

// Publishable tells whether an alert can be made of incidents of a kind, and
// whether it can be made public. Violence never leaves the system.
func Publishable(k darurat.Kind) (agencies, public bool) {
	t, known := terms.Kind[k]
	return known, t.Public
}

// Situation is what an alert about an incident says besides the incident.
type Situation struct {
	Village, District string // names; empty: unknown
	Center            *bot.Location
	OnScene           bool // somebody of ours has seen it
	Scope             Scope
	Version           int      // 1, 2, 3 … of the alerts about this incident
	Before            []string // references of the earlier ones
	Sent              time.Time
	Instruction       string // an operator's words; only with Public
}

// OfIncident makes the alert of an incident, false if there must not be one.
func OfIncident(i scc.Incident, s Situation) (Alert, bool) {
	k, publishable := terms.Kind[i.Kind]
	if !publishable || s.Scope == Public && !k.Public {
		return Alert{}, false
	}
	a := Alert{
		Identifier: fmt.Sprintf("%s-%s-%d", terms.Domain, i.Code, s.Version),
		Sender:     terms.Sender, Sent: Time(s.Sent), Status: "Actual", MsgType: "Alert", Scope: s.Scope,
		Incidents: i.Code, References: strings.Join(s.Before, " "),
	}
	if a.Scope == "" {
		a.Scope = k.Scope
	}
	switch a.Scope {
	case Restricted:
		a.Restriction = terms.Restriction
	case Private:
		if a.Addresses = k.Addresses; a.Addresses == "" {
			a.Addresses = terms.Sender
		}
	}
	if i.Test {
		a.Status = "Test"
	}
	if len(s.Before) > 0 {
		a.MsgType = "Update"
	}
	info := Info{
		Language: "id-ID", Category: k.Category, Event: k.Event,
		Urgency: "Immediate", Severity: k.Severity, Certainty: "Likely", SenderName: terms.Name,
		Headline: k.Event + place(s.Village, s.District), Instruction: s.Instruction,
	}
	if s.OnScene {
		info.Certainty = "Observed"
	}
	onset := Time(i.Opened)
	info.Onset = &onset
	if i.Status == scc.Closed {
		info.Urgency = "Past"
		if i.Outcome == scc.False || i.Outcome == scc.NotFound || i.Outcome == scc.Duplicate || i.Outcome == scc.NotEmergency {
			if a.MsgType = "Cancel"; len(s.Before) == 0 {
				return Alert{}, false // nobody was told, there is nothing to take back
			}
		}
	}
	info.Area = []Area{areaOf(i, s)}
	a.Info = []Info{info}
	return a, true
}

func place(village, district string) string {
	switch {
	case village != "" && district != "":
		return ", " + village + ", " + terms.District + " " + district
	case district != "":
		return ", " + terms.District + " " + district
	}
	return ", " + terms.Region
}

// The codes of the regency in the list of the Ministry of Home Affairs, by the
// size of the unit.
const (
	regency     = "73.12"
	regencyList = "kemendagri-adm2"
	districts   = "kemendagri-adm3"
	villages    = "kemendagri-adm4"
)

// areaOf never says more of a place than the desa: the position that a
// resident shared is his house.
func areaOf(i scc.Incident, s Situation) Area {
	a := Area{AreaDesc: strings.TrimPrefix(place(s.Village, s.District), ", ")}
	switch {
	case i.Village != "":
		a.Geocode = []Geocode{{villages, i.Village}}
	case i.District != "":
		a.Geocode = []Geocode{{districts, i.District}}
	default:
		a.Geocode = []Geocode{{regencyList, regency}}
	}
	if s.Center != nil {
		radius := 3.0
		if i.Village == "" {
			radius = 10
		}
		a.Circle = Circle(s.Center.Lat, s.Center.Lng, radius)
	}
	return a
}

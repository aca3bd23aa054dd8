package alerts

import (
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"tabe/bot"
)

// Warning is what an office tells the people of a kecamatan before something
// happens.
type Warning struct {
	District     string // code of the kecamatan; empty: the whole regency
	DistrictName string
	Center       *bot.Location
	Category     string // of CAP: Geo, Met, Safety, Health, Fire, Env, Transport, Infra
	Event        string // "Banjir"
	Severity     string // of CAP: Extreme, Severe, Moderate, Minor
	Headline     string
	Description  string
	Instruction  string
	Expires      time.Time
}

var (
	warnCategories = []string{"Geo", "Met", "Safety", "Health", "Fire", "Env", "Transport", "Infra", "Other"}
	warnSeverities = []string{"Extreme", "Severe", "Moderate", "Minor"}
)

// Lengths of the words of a warning, in characters, and how long it may last.
const (
	maxHeadline = 160
	maxWords    = 2000
	longest     = 7 * 24 * time.Hour
)

// alert makes a document of w, without an identifier.
func (w Warning) alert(now time.Time) (Alert, error) {
	var wrong []string
	for _, c := range []struct {
		name string
		ok   bool
	}{
		{"category", slices.Contains(warnCategories, w.Category)},
		{"severity", slices.Contains(warnSeverities, w.Severity)},
		{"event", fits(w.Event, 1, maxHeadline)},
		{"headline", fits(w.Headline, 1, maxHeadline)},
		{"description", fits(w.Description, 0, maxWords)},
		{"instruction", fits(w.Instruction, 0, maxWords)},
		{"expires", w.Expires.After(now) && w.Expires.Sub(now) <= longest},
	} {
		if !c.ok {
			wrong = append(wrong, c.name)
		}
	}
	if len(wrong) > 0 {
		return Alert{}, fmt.Errorf("%w: %s", ErrInvalid, strings.Join(wrong, ", "))
	}
	area := Area{AreaDesc: terms.Region, Geocode: []Geocode{{regencyList, regency}}}
	if w.District != "" {
		area = Area{AreaDesc: terms.District + " " + w.DistrictName, Geocode: []Geocode{{districts, w.District}}}
	}
	if w.Center != nil {
		area.Circle = Circle(w.Center.Lat, w.Center.Lng, 10)
	}
	expires := Time(w.Expires)
	return Alert{
		Sender: terms.Sender, Sent: Time(now), Status: "Actual", MsgType: "Alert", Scope: Public,
		Info: []Info{{
			Language: "id-ID", Category: []string{w.Category}, Event: w.Event, Urgency: "Expected", Severity: w.Severity, Certainty: "Possible",
			Expires: &expires, SenderName: terms.Name, Headline: w.Headline, Description: w.Description, Instruction: w.Instruction,
			Area: []Area{area},
		}},
	}, nil
}

func fits(s string, least, most int) bool {
	n := utf8.RuneCountInString(s)
	return n >= least && n <= most && !strings.ContainsAny(s, "<>")
}

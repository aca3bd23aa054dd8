// Package alerts hands incidents and warnings to other systems: as CAP 1.2
// documents (OASIS, 1 July 2010) and as an Atom feed of them.
//
// What a citizen reported is no warning to the public. Agencies get it with the
// scope Restricted or Private; Public is what two people of the command center
// have approved. A case of violence never becomes an alert.
package alerts

import (
	"encoding/xml"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Alert is a CAP 1.2 document. The order of the fields is the schema's.
type Alert struct {
	XMLName     xml.Name `xml:"urn:oasis:names:tc:emergency:cap:1.2 alert"`
	Identifier  string   `xml:"identifier"`
	Sender      string   `xml:"sender"`
	Sent        Time     `xml:"sent"`
	Status      string   `xml:"status"`  // Actual, Exercise, Test
	MsgType     string   `xml:"msgType"` // Alert, Update, Cancel
	Scope       Scope    `xml:"scope"`
	Restriction string   `xml:"restriction,omitempty"`
	Addresses   string   `xml:"addresses,omitempty"`
	References  string   `xml:"references,omitempty"` // sender,identifier,sent of the earlier ones, a space between
	Incidents   string   `xml:"incidents,omitempty"`
	Info        []Info   `xml:"info"`
}

// Scope is for whom an alert is.
type Scope string

// The scopes.
const (
	Public     Scope = "Public"     // everybody, once two people approved
	Restricted Scope = "Restricted" // agencies
	Private    Scope = "Private"    // the agencies in addresses
)

// Info says what happened, in one language.
type Info struct {
	Language    string   `xml:"language"`
	Category    []string `xml:"category"`
	Event       string   `xml:"event"`
	Urgency     string   `xml:"urgency"`
	Severity    string   `xml:"severity"`
	Certainty   string   `xml:"certainty"`
	Onset       *Time    `xml:"onset,omitempty"`
	Expires     *Time    `xml:"expires,omitempty"`
	SenderName  string   `xml:"senderName"`
	Headline    string   `xml:"headline,omitempty"`
	Description string   `xml:"description,omitempty"`
	Instruction string   `xml:"instruction,omitempty"`
	Area        []Area   `xml:"area"`
}

// Area is where, in words, codes and a circle around a point.
type Area struct {
	AreaDesc string    `xml:"areaDesc"`
	Circle   string    `xml:"circle,omitempty"` // "lat,lon radius" in degrees and kilometres
	Geocode  []Geocode `xml:"geocode,omitempty"`
}

// Geocode is the code of an area in a list.
type Geocode struct {
	ValueName string `xml:"valueName"`
	Value     string `xml:"value"`
}

// Time is a time as CAP writes it: to the second, with the offset in digits.
// The schema refuses both Z and fractions.
type Time time.Time

const timeLayout = "2006-01-02T15:04:05-07:00"

// wita is the offset that every time is written with.
var wita = time.FixedZone("WITA", 8*60*60)

// String returns the time as it stands in a document.
func (t Time) String() string { return time.Time(t).In(wita).Truncate(time.Second).Format(timeLayout) }

// MarshalText implements encoding.TextMarshaler.
func (t Time) MarshalText() ([]byte, error) { return []byte(t.String()), nil }

// UnmarshalText implements encoding.TextUnmarshaler.
func (t *Time) UnmarshalText(text []byte) error {
	parsed, err := time.Parse(timeLayout, string(text))
	*t = Time(parsed)
	return err
}

// XML returns the document, or ErrInvalid with what is wrong with it.
func (a Alert) XML() ([]byte, error) {
	if err := a.Validate(); err != nil {
		return nil, err
	}
	body, err := xml.MarshalIndent(a, "", "  ")
	if err != nil {
		return nil, err
	}
	return append([]byte(xml.Header), append(body, '\n')...), nil
}

// ErrInvalid is returned for an alert that is no good CAP.
var ErrInvalid = errors.New("alerts: not a valid CAP alert")

// Validate checks the rules that the schema of OASIS does not know.
func (a Alert) Validate() error {
	var wrong []string
	claim := func(ok bool, what string) {
		if !ok {
			wrong = append(wrong, what)
		}
	}
	claim(isName(a.Identifier), "identifier")
	claim(isName(a.Sender), "sender")
	claim(!time.Time(a.Sent).IsZero(), "sent")
	claim(slices.Contains([]string{"Actual", "Exercise", "Test"}, a.Status), "status")
	switch a.MsgType {
	case "Alert":
	case "Update", "Cancel":
		claim(a.References != "", "references of an update")
	default:
		claim(false, "msgType")
	}
	for _, r := range strings.Fields(a.References) {
		parts := strings.Split(r, ",")
		if len(parts) != 3 {
			claim(false, "references")
			continue
		}
		sent, err := time.Parse(timeLayout, parts[2])
		claim(err == nil && !sent.After(time.Time(a.Sent)) && parts[1] != a.Identifier, "references")
	}
	switch a.Scope {
	case Public:
	case Restricted:
		claim(a.Restriction != "", "restriction")
	case Private:
		claim(a.Addresses != "", "addresses")
	default:
		claim(false, "scope")
	}
	claim(len(a.Info) > 0, "info")
	for _, i := range a.Info {
		claim(i.Language != "" && i.Event != "" && len(i.Category) > 0 && len(i.Area) > 0, "info")
		for _, text := range []string{i.Event, i.Headline, i.Description, i.Instruction} {
			claim(!strings.ContainsAny(text, "<>"), "markup in a text")
		}
		for _, area := range i.Area {
			claim(area.AreaDesc != "", "areaDesc")
			claim(area.Circle == "" || isCircle(area.Circle), "circle")
		}
	}
	if len(wrong) > 0 {
		slices.Sort(wrong)
		return fmt.Errorf("%w: %s", ErrInvalid, strings.Join(slices.Compact(wrong), ", "))
	}
	return nil
}

// isName tells whether s can be an identifier or a sender.
func isName(s string) bool { return s != "" && !strings.ContainsAny(s, " \t\r\n,<&") }

// Circle writes a circle, latitude first as CAP has it.
func Circle(lat, lng, km float64) string {
	return fmt.Sprintf("%.5f,%.5f %.1f", lat, lng, km)
}

func isCircle(s string) bool {
	var lat, lng, km float64
	place, radius, ok := strings.Cut(s, " ")
	north, east, both := strings.Cut(place, ",")
	if !ok || !both {
		return false
	}
	for _, n := range []struct {
		text string
		to   *float64
	}{{north, &lat}, {east, &lng}, {radius, &km}} {
		v, err := strconv.ParseFloat(n.text, 64)
		if err != nil {
			return false
		}
		*n.to = v
	}
	return lat >= -90 && lat <= 90 && lng >= -180 && lng <= 180 && km >= 0
}

// reference is how another alert names this one.
func (a Alert) reference() string {
	return a.Sender + "," + a.Identifier + "," + a.Sent.String()
}

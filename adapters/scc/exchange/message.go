package exchange

import (
	"crypto/sha256"
	"encoding/hex"
	"strconv"
	"time"

	"tabe/adapters/scc"
	"tabe/adapters/scc/geo"
	"tabe/flows/darurat"
)

// Incident is the message that hands an incident over, and each piece of news
// of it; a higher version replaces a lower one.
type Incident struct {
	Message          string    `json:"message"`
	SharedIncidentID string    `json:"sharedIncidentId"`
	Version          int64     `json:"version"`
	SentAt           time.Time `json:"sentAt"`
	Code             string    `json:"code"`
	Kind             string    `json:"kind"`
	Status           string    `json:"status"`
	OpenedAt         time.Time `json:"openedAt"`
	Location         Location  `json:"location"`
	PeopleInDanger   string    `json:"peopleInDanger"`
	Test             bool      `json:"test"`
}

// Location is the place of an incident, as far as it is known.
type Location struct {
	District  *Unit    `json:"district,omitempty"`
	Village   *Unit    `json:"village,omitempty"`
	Latitude  *float64 `json:"latitude,omitempty"`
	Longitude *float64 `json:"longitude,omitempty"`
	Accuracy  float64  `json:"accuracy,omitempty"` // metres
	Doubtful  bool     `json:"doubtful,omitempty"`
}

// Unit is a kecamatan or desa by its code in the national list.
type Unit struct {
	Code string `json:"code"`
	Name string `json:"name"`
}

// Acknowledgement is a peer's answer to an incident.
type Acknowledgement struct {
	Message          string    `json:"message"`
	SharedIncidentID string    `json:"sharedIncidentId"`
	AcknowledgedAt   time.Time `json:"acknowledgedAt"`
	Status           string    `json:"status"` // accepted, rejected
	Cause            string    `json:"cause,omitempty"`
}

// Completion says that an incident is over for its sender.
type Completion struct {
	Message          string    `json:"message"`
	SharedIncidentID string    `json:"sharedIncidentId"`
	CompletedAt      time.Time `json:"completedAt"`
	Outcome          string    `json:"outcome,omitempty"`
}

// sharedID is the UUID (version 8, RFC 9562) by which all systems name an
// incident. It can be computed anew from the incident.
func sharedID(i scc.Incident) string {
	sum := sha256.Sum256([]byte("scc.soppengkab.go.id/incident/" + strconv.FormatInt(i.ID, 10)))
	sum[6] = sum[6]&0x0f | 0x80
	sum[8] = sum[8]&0x3f | 0x80
	h := hex.EncodeToString(sum[:16])
	return h[:8] + "-" + h[8:12] + "-" + h[12:16] + "-" + h[16:20] + "-" + h[20:]
}

// messageOf returns what a peer is told of an incident now.
func messageOf(i scc.Incident, m *geo.Map, sent time.Time) any {
	if i.Status == scc.Closed {
		return Completion{Message: "completion", SharedIncidentID: sharedID(i), CompletedAt: i.Closed.UTC(), Outcome: string(i.Outcome)}
	}
	out := Incident{
		Message: "incident", SharedIncidentID: sharedID(i), Version: i.Version, SentAt: sent.UTC(), Code: i.Code, Kind: string(i.Kind),
		Status: string(i.Status), OpenedAt: i.Opened.UTC(), PeopleInDanger: "unknown", Test: i.Test,
		Location: Location{District: unit(m, i.District), Village: unit(m, i.Village), Doubtful: i.Doubt == darurat.Outside},
	}
	if i.Danger != "" {
		out.PeopleInDanger = string(i.Danger)
	}
	if p := i.Position; p != nil {
		out.Location.Latitude, out.Location.Longitude, out.Location.Accuracy = &p.Lat, &p.Lng, p.Accuracy
	}
	return out
}

func unit(m *geo.Map, code string) *Unit {
	u, ok := m.Unit(code)
	if !ok {
		return nil
	}
	return &Unit{Code: u.Code, Name: u.Name}
}

package scc

import (
	"database/sql"
	"time"

	"tabe/adapters/database"
	"tabe/bot"
	"tabe/flows/darurat"
)

// Status is how far an incident is.
type Status string

// The statuses.
const (
	Unanswered Status = "new"        // nobody has answered: it is escalated
	Acked      Status = "acked"      // an operator has it
	Dispatched Status = "dispatched" // somebody was sent
	Closed     Status = "closed"
)

// Outcome is how an incident ended.
type Outcome string

// The outcomes.
const (
	Handled      Outcome = "handled"
	Referred     Outcome = "referred"
	NotFound     Outcome = "not_found"
	False        Outcome = "false" // a prank
	Duplicate    Outcome = "duplicate"
	Exercise     Outcome = "exercise"
	NotEmergency Outcome = "not_emergency"
)

// Outcomes returns all outcomes.
func Outcomes() []Outcome {
	return []Outcome{Handled, Referred, NotFound, False, Duplicate, Exercise, NotEmergency}
}

// Incident is what operators work on.
type Incident struct {
	ID       int64
	Code     string
	Kind     darurat.Kind
	Status   Status
	Test     bool
	Reporter bot.ResidentID // empty: it was told by telephone

	District string // codes; empty: unknown
	Village  string
	Source   darurat.Source
	Position *bot.Location
	Doubt    darurat.Doubt
	Landmark string // the reporter's words; only Get and pages have them

	Danger   darurat.Answer
	Priority int
	Pranks   int // false reports of the same reporter before

	Opened     time.Time
	Heard      time.Time
	TakeBack   time.Time // the reporter says that it is over; zero: he does not
	Acked      time.Time
	AckedBy    string
	Dispatched time.Time
	Closed     time.Time
	Outcome    Outcome
	Merged     int64 // into which incident; 0: none
	Version    int64

	Step  int       // tier that was told last; -1: none
	Loops int       // rounds of the last tier
	Next  time.Time // when the next one will be told; zero: nobody will

	landmark []byte
}

const columns = `id, code, kind, status, test, reporter, district, village, source, lat, lng, accuracy, doubt, landmark,
	danger, priority, pranks, opened, heard, takeback, acked, acked_by, dispatched, closed, outcome, merged, version, step, loops, next_at`

// scan reads a row of columns.
func scan(row interface{ Scan(...any) error }) (i Incident, err error) {
	var lat, lng sql.NullFloat64
	var accuracy float64
	var opened, heard int64
	var takeback, acked, dispatched, closed, merged, next sql.NullInt64
	if err = row.Scan(&i.ID, &i.Code, &i.Kind, &i.Status, &i.Test, &i.Reporter, &i.District, &i.Village, &i.Source, &lat, &lng, &accuracy,
		&i.Doubt, &i.landmark, &i.Danger, &i.Priority, &i.Pranks, &opened, &heard, &takeback, &acked, &i.AckedBy, &dispatched, &closed,
		&i.Outcome, &merged, &i.Version, &i.Step, &i.Loops, &next); err != nil {
		return i, err
	}
	if lat.Valid && lng.Valid {
		i.Position = &bot.Location{Lat: lat.Float64, Lng: lng.Float64, Accuracy: accuracy}
	}
	i.Opened, i.Heard, i.Merged = database.Time(opened), database.Time(heard), merged.Int64
	for _, t := range []struct {
		micros sql.NullInt64
		to     *time.Time
	}{{takeback, &i.TakeBack}, {acked, &i.Acked}, {dispatched, &i.Dispatched}, {closed, &i.Closed}, {next, &i.Next}} {
		if t.micros.Valid {
			*t.to = database.Time(t.micros.Int64)
		}
	}
	return i, nil
}

// txRow adapts the reading of one row in a transaction to scan.
type txRow struct {
	tx    *database.Tx
	query string
	args  []any
}

func (r txRow) Scan(dest ...any) error { return r.tx.QueryRow(r.query, r.args, dest...) }

// load reads an incident in a transaction and, on PostgreSQL, keeps others from
// changing it until the end. It returns sql.ErrNoRows if there is none.
func (c *Center) load(tx *database.Tx, id int64) (Incident, error) {
	query := `select ` + columns + ` from incidents where id = $1`
	if c.DB.Dialect == database.Postgres {
		query += ` for update`
	}
	return scan(txRow{tx, query, []any{id}})
}

// where is the position from which distances to an incident count; false if
// nothing is known of its place.
func (c *Center) where(i Incident) (bot.Location, bool) {
	if i.Position != nil && i.Doubt != darurat.Outside {
		return *i.Position, true
	}
	if l, ok := c.Map.Point(i.Village); ok {
		return l, true
	}
	return c.Map.Point(i.District)
}

// place returns the names of the desa and kecamatan; empty if unknown.
func (c *Center) place(i Incident) (village, district string) {
	v, _ := c.Map.Unit(i.Village)
	d, _ := c.Map.Unit(i.District)
	return v.Name, d.Name
}

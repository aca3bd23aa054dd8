package scc

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"tabe/adapters/database"
	"tabe/bot"
	"tabe/flows/darurat"
)

var _ darurat.Incidents = (*Center)(nil)

// address is where a reporter can be written to, encrypted.
type address struct {
	Peer    string `json:"p"`
	Subject string `json:"s"`
}

// saying is what was said, encrypted.
type saying struct {
	Words    string `json:"w,omitempty"`
	Media    string `json:"m,omitempty"` // its kind
	MediaRef string `json:"r,omitempty"`
}

// Authors of messages about an incident.
const (
	byReporter = "reporter"
	byOperator = "operator"
)

// prankMemory is how long a false report counts.
const prankMemory = 365 * 24 * time.Hour

// Report applies a darurat.Report in the transaction of the reporter's turn:
// the incident is on disk with his message, or the turn is run again.
func (c *Center) Report(tx *database.Tx, e bot.Entry, r darurat.Report) error {
	now, err := c.now(tx)
	if err != nil {
		return err
	}
	fresh := false
	if r.First {
		if fresh, err = c.open(tx, e, r, now); err != nil {
			return fmt.Errorf("scc: open: %w", err)
		}
	}
	i, err := c.load(tx, r.Incident)
	if errors.Is(err, sql.ErrNoRows) { // it was swept away meanwhile
		r.First = true
		if fresh, err = c.open(tx, e, r, now); err == nil {
			i, err = c.load(tx, r.Incident)
		}
	}
	if err != nil {
		return fmt.Errorf("scc: report: %w", err)
	}
	if err := c.join(tx, &i, e, r, now, fresh); err != nil {
		return fmt.Errorf("scc: report: %w", err)
	}
	tx.AfterCommit(c.poke)
	return nil
}

// open writes the incident. It is there already if a dialled dialogue told of
// it twice in one message.
func (c *Center) open(tx *database.Tx, e bot.Entry, r darurat.Report, now time.Time) (fresh bool, err error) {
	var pranks int64
	if err := tx.QueryRow(`select count(*) from incidents where reporter = $1 and reporter <> '' and outcome = $2 and heard > $3`,
		[]any{e.Resident, False, database.Micros(now.Add(-prankMemory))}, &pranks); err != nil {
		return false, err
	}
	changed, err := tx.Exec(`insert into incidents (id, code, kind, status, reporter, pranks, opened, heard, set_at, next_at)
		values ($1, $2, $3, 'new', $4, $5, $6, $7, $6, $6) on conflict do nothing`,
		r.Incident, darurat.Code(r.Incident), r.Kind, e.Resident, pranks, database.Micros(now), database.Micros(r.At))
	return changed > 0, err
}

// join adds what a report tells.
func (c *Center) join(tx *database.Tx, i *Incident, e bot.Entry, r darurat.Report, now time.Time, fresh bool) error {
	sealed, err := c.sealed(address{e.Peer, e.Subject}, reporterCell(i.ID, e.Resident, e.Channel))
	if err != nil {
		return err
	}
	if _, err := tx.Exec(`insert into incident_reporters (incident, resident, channel, contact, language, body, since)
		values ($1, $2, $3, $4, $5, $6, $7) on conflict (incident, resident, channel) do update set body = excluded.body, language = excluded.language,
		contact = case when excluded.contact <> '' then excluded.contact else incident_reporters.contact end`,
		i.ID, e.Resident, e.Channel, r.Contact, r.Language, sealed, database.Micros(now)); err != nil {
		return err
	}
	if r.Words != "" || e.Media != "" {
		if _, err := c.say(tx, i.ID, now, byReporter, "", r.Language, string(e.Channel)+" "+e.ID, saying{r.Words, e.Media, e.MediaRef}); err != nil {
			return err
		}
	}
	danger := r.Danger != "" && r.Danger != i.Danger
	if danger && r.Danger == darurat.Yes {
		i.Priority++
	}
	if danger {
		i.Danger = r.Danger
	}
	takeback := sql.NullInt64{Int64: database.Micros(now), Valid: r.TakeBack}
	if _, err := tx.Exec(`update incidents set heard = $1, danger = $2, priority = $3, takeback = coalesce($4, takeback) where id = $5`,
		database.Micros(r.At), i.Danger, i.Priority, takeback, i.ID); err != nil {
		return err
	}
	moved := false
	if r.Where != nil {
		if moved, err = c.locate(tx, i, *r.Where); err != nil {
			return err
		}
	}
	worse := danger && r.Danger == darurat.Yes
	if (moved || worse) && !fresh {
		if err := c.follow(tx, *i, now); err != nil {
			return err
		}
	}
	told := map[string]any{}
	kind := "incident.reported"
	if fresh {
		kind = "incident.opened"
		told["kind"] = i.Kind
	}
	told["channel"] = e.Channel
	if moved {
		told["district"], told["village"], told["source"], told["doubt"] = i.District, i.Village, i.Source, i.Doubt
	}
	if danger {
		told["danger"] = i.Danger
	}
	if r.Also != "" {
		told["also"] = r.Also
	}
	if r.TakeBack {
		told["takeback"] = true
	}
	if i.Status == Closed {
		told["closed"] = true
	}
	return c.event(tx, now, byReporter, kind, i.Code, told)
}

// say writes a message about an incident, once for each source.
func (c *Center) say(tx *database.Tx, id int64, now time.Time, author, name, language, source string, s saying) (fresh bool, err error) {
	sealed, err := c.sealed(s, cell("incident_messages.body", fmt.Sprint(id, "|", source)))
	if err != nil {
		return false, err
	}
	changed, err := tx.Exec(`insert into incident_messages (incident, at, author, name, language, source, body) values ($1, $2, $3, $4, $5, $6, $7)
		on conflict do nothing`, id, database.Micros(now), author, name, language, source, sealed)
	return changed > 0, err
}

// locate writes what is known of the place, and reports whether it has
// changed. What an operator said holds against what the reporter says; that can
// be read among his messages.
func (c *Center) locate(tx *database.Tx, i *Incident, w darurat.Where) (moved bool, err error) {
	before := *i
	if w.Landmark != "" {
		i.Landmark = w.Landmark
		if i.landmark, err = c.sealed(w.Landmark, cell("incidents.landmark", i.ID)); err != nil {
			return false, err
		}
	}
	if w.Position != nil {
		i.Position, i.Doubt = w.Position, w.Doubt
	}
	if w.Unit != "" && (i.Source != darurat.FromOperate || w.Source == darurat.FromOperate) {
		u, ok := c.Map.Unit(w.Unit)
		if ok {
			i.District, i.Village, i.Source = u.District, "", w.Source
			if !u.IsDistrict() {
				i.Village = u.Code
			}
		}
	}
	var lat, lng sql.NullFloat64
	accuracy := 0.0
	if p := i.Position; p != nil {
		lat, lng, accuracy = sql.NullFloat64{Float64: p.Lat, Valid: true}, sql.NullFloat64{Float64: p.Lng, Valid: true}, p.Accuracy
	}
	var landmark any // a nil []byte would be written as an empty value
	if i.landmark != nil {
		landmark = i.landmark
	}
	_, err = tx.Exec(`update incidents set district = $1, village = $2, source = $3, lat = $4, lng = $5, accuracy = $6, doubt = $7, landmark = $8 where id = $9`,
		i.District, i.Village, i.Source, lat, lng, accuracy, i.Doubt, landmark, i.ID)
	return before.District != i.District || before.Village != i.Village || before.Position != i.Position || w.Landmark != "", err
}

// Open implements darurat.Incidents.
func (c *Center) Open(ctx context.Context, reporter bot.ResidentID, since time.Time) ([]darurat.Incident, error) {
	rows, err := c.DB.Query(ctx, `select id, kind, coalesce(nullif(village, ''), district), opened from incidents where reporter = $1 and heard > $2 and status <> 'closed' order by opened desc, id desc limit 10`,
		reporter, database.Micros(since))
	if err != nil {
		return nil, fmt.Errorf("scc: open incidents: %w", err)
	}
	defer rows.Close()
	var open []darurat.Incident
	for rows.Next() {
		var i darurat.Incident
		var opened int64
		if err := rows.Scan(&i.ID, &i.Kind, &i.Unit, &opened); err != nil {
			return nil, fmt.Errorf("scc: open incidents: %w", err)
		}
		i.Reported = database.Time(opened)
		open = append(open, i)
	}
	return open, rows.Err()
}

// Erase forgets a resident in the transaction in which he asks for it: what he
// said and where he can be reached. What is still going on is forgotten when it
// is closed; somebody may be in danger.
func (c *Center) Erase(tx *database.Tx, e bot.Entry, _ bot.Erase) error {
	if _, err := tx.Exec(`update incidents set forget = true where reporter = $1 and reporter <> ''`, e.Resident); err != nil {
		return fmt.Errorf("scc: erase: %w", err)
	}
	if err := forget(tx, `select id from incidents where forget and status = 'closed' and reporter = $1`, e.Resident); err != nil {
		return fmt.Errorf("scc: erase: %w", err)
	}
	return nil
}

// forget erases the personal data of the incidents that a query selects.
func forget(tx *database.Tx, which string, arg any) error {
	for _, query := range []string{
		`update incident_messages set body = substr(body, 1, 0) where author = 'reporter' and incident in (` + which + `)`,
		`update incident_reporters set body = substr(body, 1, 0) where incident in (` + which + `)`,
		`update incidents set landmark = null, reporter = '' where id in (` + which + `)`,
	} {
		if _, err := tx.Exec(query, arg); err != nil {
			return err
		}
	}
	return nil
}

// Package complaints keeps what residents and other systems complained of, and
// is the desk at which operators work on it.
//
// What tells who somebody is, and what he wrote, is encrypted; in clear are only
// numbers, times, statuses, offices and the desa. Register is the residents'
// side (flows/pengaduan), Desk the operators', Gate that of other systems.
package complaints

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"tabe/adapters/database"
	"tabe/adapters/seal"
	"tabe/adapters/store"
	"tabe/bot"
	"tabe/flows/pengaduan"
)

// Register implements pengaduan.Register and applies the effects of the flow.
// It is safe for concurrent use.
type Register struct {
	db     *database.DB
	seal   *seal.Sealer
	redact func(text string) string
}

var _ pengaduan.Register = (*Register)(nil)

// NewRegister returns the register in db, encrypted with keys derived from
// secret. redact takes personal data out of a text.
func NewRegister(db *database.DB, secret []byte, redact func(string) string) (*Register, error) {
	sealer, err := seal.New(secret)
	if err != nil {
		return nil, err
	}
	return &Register{db: db, seal: sealer, redact: redact}, nil
}

// Effects are what the store has to apply.
func (r *Register) Effects() []store.Effect {
	return []store.Effect{store.On(r.file), store.On(r.add), store.On(r.erase)}
}

// body is what of a complaint is encrypted.
type body struct {
	Text    string          `json:"t,omitempty"`
	Place   pengaduan.Place `json:"p,omitzero"`
	Media   []Media         `json:"m,omitempty"`
	Name    string          `json:"n,omitempty"`
	Consent string          `json:"c,omitempty"` // key of the message that asked whether the contact may be kept
}

// Media is a picture or a recording at the provider of a channel. With no channel
// it is from another system, and Ref an address of that.
type Media struct {
	pengaduan.Media
	Channel bot.ChannelID `json:"c,omitempty"`
}

// broughtBy are media that came by a channel.
func broughtBy(c bot.ChannelID, list []pengaduan.Media) (all []Media) {
	for _, m := range list {
		all = append(all, Media{m, c})
	}
	return all
}

// contact is how a resident is answered.
type contact struct {
	Channel bot.ChannelID `json:"c"`
	Peer    string        `json:"p"`
	Subject string        `json:"s"`
	Email   string        `json:"e,omitempty"` // given by another system
}

// note is what of an event is encrypted.
type note struct {
	Words     string        `json:"w,omitempty"`
	Media     []Media       `json:"m,omitempty"`
	Location  *bot.Location `json:"l,omitempty"`
	Reference string        `json:"r,omitempty"`
}

// Places of what is sealed; see seal.Sealer.
func bodyPlace(n pengaduan.Number) string    { return "complaints.body|" + string(n) }
func contactPlace(n pengaduan.Number) string { return "complaints.contact|" + string(n) }
func answerPlace(n pengaduan.Number) string  { return "complaints.answer|" + string(n) }
func notePlace(n pengaduan.Number) string    { return "complaint_events.body|" + string(n) }

func (r *Register) sealed(value any, place string) ([]byte, error) {
	plain, err := json.Marshal(value)
	if err != nil {
		return nil, err
	}
	return r.seal.Seal(plain, place), nil
}

// open reads what sealed wrote; nothing is left of what was erased.
func (r *Register) open(blob []byte, place string, value any) error {
	if len(blob) == 0 {
		return nil
	}
	plain, err := r.seal.Open(blob, place)
	if err != nil {
		return err
	}
	if json.Unmarshal(plain, value) != nil {
		return seal.ErrDamaged
	}
	return nil
}

// file writes a confirmed complaint. A turn that runs again changes nothing.
func (r *Register) file(tx *database.Tx, e bot.Entry, f pengaduan.Filed) error {
	resident := e.Resident
	reach := contact{Channel: e.Channel, Peer: e.Peer, Subject: e.Subject}
	if f.Mute {
		resident, reach = "", contact{}
	}
	if f.Anonymous {
		f.Name = ""
	}
	return r.insert(tx, complaint{
		number: f.Number, source: sourceResident, resident: resident, contact: reach,
		body: body{Text: f.Text, Place: f.Place, Media: broughtBy(e.Channel, f.Media), Name: f.Name, Consent: f.Consent},
		kind: f.Kind, office: f.Office, anonymous: f.Anonymous, confidential: f.Confidential, at: database.Micros(e.At),
	})
}

// sourceResident is the source of what residents file themselves.
const sourceResident = "resident"

// complaint is a new row.
type complaint struct {
	number                  pengaduan.Number
	source                  string
	resident                bot.ResidentID
	contact                 contact
	body                    body
	kind, office            string
	anonymous, confidential bool
	at                      int64
}

// errTaken is returned by insert for a number that is there already.
var errTaken = errors.New("complaints: the number is given out")

func (r *Register) insert(tx *database.Tx, c complaint) error {
	text, err := r.sealed(c.body, bodyPlace(c.number))
	if err != nil {
		return err
	}
	reach := []byte{}
	if c.contact != (contact{}) {
		if reach, err = r.sealed(c.contact, contactPlace(c.number)); err != nil {
			return err
		}
	}
	changed, err := tx.Exec(`insert into complaints (number, source, resident, contact, body, kind, office, kecamatan, desa,
			anonymous, confidential, status, filed, updated)
		values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $13) on conflict do nothing`,
		c.number, c.source, c.resident, reach, text, c.kind, c.office, c.body.Place.Kecamatan, c.body.Place.Desa,
		c.anonymous, c.confidential, pengaduan.StatusNew, c.at)
	switch {
	case err != nil:
		return err
	case changed == 0 && c.source == sourceResident:
		return nil
	case changed == 0:
		return errTaken
	}
	return r.record(tx, c.number, c.at, "", eventFiled, nil)
}

// Kinds of events besides the statuses.
const (
	eventFiled     = "filed"
	eventAdded     = "added"
	eventMoved     = "moved"     // to another office
	eventPublished = "published" // or taken back
)

// record adds to the history of a complaint.
func (r *Register) record(tx *database.Tx, n pengaduan.Number, at int64, who, kind string, what *note) (err error) {
	blob := []byte{}
	if what != nil {
		if blob, err = r.sealed(*what, notePlace(n)); err != nil {
			return err
		}
	}
	_, err = tx.Exec(`insert into complaint_events (number, at, who, kind, body) values ($1, $2, $3, $4, $5)`, n, at, who, kind, blob)
	return err
}

// maxRemarks is how much the history of one complaint can grow by its reporter.
const maxRemarks = 50

// add writes a remark of the resident to his own open complaint. What has
// become of it since the flow looked is not his fault: then nothing is written.
func (r *Register) add(tx *database.Tx, e bot.Entry, a pengaduan.Added) error {
	var known int
	if err := tx.QueryRow(`select count(*) from complaint_events where number = $1 and kind = $2`, []any{a.Number, eventAdded}, &known); err != nil {
		return err
	}
	if known >= maxRemarks {
		return nil
	}
	changed, err := tx.Exec(`update complaints set unread = true where number = $1 and resident = $2 and status <> $3`,
		a.Number, e.Resident, pengaduan.StatusClosed)
	if err != nil || changed == 0 {
		return err
	}
	return r.record(tx, a.Number, database.Micros(e.At), "", eventAdded, &note{Words: a.Text, Media: broughtBy(e.Channel, a.Media), Location: a.Location})
}

// erase takes the resident out of his complaints. They stay, because others may
// wait for the same lamp and the offices account for what they did; but who he
// was, how to reach him, his pictures and exact position go, and from what he
// wrote every number, name and address.
func (r *Register) erase(tx *database.Tx, e bot.Entry, _ bot.Erase) error {
	if e.Resident == "" {
		return nil
	}
	rows, err := tx.Query(`select number, body from complaints where resident = $1`, e.Resident)
	if err != nil {
		return err
	}
	type row struct {
		n    pengaduan.Number
		blob []byte
	}
	var own []row
	for rows.Next() {
		var o row
		if err := rows.Scan(&o.n, &o.blob); err != nil {
			rows.Close()
			return err
		}
		own = append(own, o)
	}
	if err := errors.Join(rows.Err(), rows.Close()); err != nil {
		return err
	}
	for _, o := range own {
		var b body
		if err := r.open(o.blob, bodyPlace(o.n), &b); err != nil {
			return err
		}
		b = body{Text: r.redact(b.Text), Place: pengaduan.Place{Landmark: r.redact(b.Place.Landmark), Desa: b.Place.Desa, Kecamatan: b.Place.Kecamatan}}
		blob, err := r.sealed(b, bodyPlace(o.n))
		if err != nil {
			return err
		}
		if _, err := tx.Exec(`update complaints set resident = '', contact = substr(contact, 1, 0), anonymous = true, body = $1 where number = $2`, blob, o.n); err != nil {
			return err
		}
		if err := r.eraseRemarks(tx, o.n); err != nil {
			return err
		}
	}
	return nil
}

// eraseRemarks does to what the resident added what erase does to the complaint.
func (r *Register) eraseRemarks(tx *database.Tx, n pengaduan.Number) error {
	events, err := r.events(tx, n, eventAdded)
	if err != nil {
		return err
	}
	for _, e := range events {
		blob, err := r.sealed(note{Words: r.redact(e.Words)}, notePlace(n))
		if err != nil {
			return err
		}
		if _, err := tx.Exec(`update complaint_events set body = $1 where id = $2`, blob, e.id); err != nil {
			return err
		}
	}
	return nil
}

// events returns what happened to a complaint, of one kind or ("") of all,
// oldest first.
func (r *Register) events(tx *database.Tx, n pengaduan.Number, kind string) (list []Event, err error) {
	rows, err := tx.Query(`select id, at, who, kind, body from complaint_events where number = $1 and ($2 = '' or kind = $2) order by id`, n, kind)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var e Event
		var at int64
		var blob []byte
		var what note
		if err := rows.Scan(&e.id, &at, &e.Who, &e.Kind, &blob); err != nil {
			return nil, err
		}
		if err := r.open(blob, notePlace(n), &what); err != nil {
			return nil, err
		}
		e.At, e.Words, e.Media, e.Location, e.Reference = database.Time(at), what.Words, what.Media, what.Location, what.Reference
		list = append(list, e)
	}
	return list, rows.Err()
}

const ticketColumns = `number, resident, status, office, kind, filed, updated, body, answer, reference`

func (r *Register) ticket(scan func(...any) error) (t pengaduan.Ticket, err error) {
	var filed, updated int64
	var text, answer []byte
	if err := scan(&t.Number, &t.Resident, &t.Status, &t.Office, &t.Kind, &filed, &updated, &text, &answer, &t.Reference); err != nil {
		return pengaduan.Ticket{}, err
	}
	t.Filed, t.Updated = database.Time(filed), database.Time(updated)
	var b body
	if err := errors.Join(r.open(text, bodyPlace(t.Number), &b), r.open(answer, answerPlace(t.Number), &t.Answer)); err != nil {
		return pengaduan.Ticket{}, err
	}
	t.Text = b.Text
	return t, nil
}

// Ticket implements pengaduan.Register.
func (r *Register) Ticket(ctx context.Context, n pengaduan.Number) (pengaduan.Ticket, error) {
	t, err := r.ticket(r.db.QueryRow(ctx, `select `+ticketColumns+` from complaints where number = $1`, n).Scan)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return pengaduan.Ticket{}, pengaduan.ErrNotFound
	case err != nil:
		return pengaduan.Ticket{}, fmt.Errorf("complaints: ticket: %w", err)
	}
	return t, nil
}

// Own implements pengaduan.Register.
func (r *Register) Own(ctx context.Context, resident bot.ResidentID, limit int) ([]pengaduan.Ticket, error) {
	if resident == "" {
		return nil, nil
	}
	rows, err := r.db.Query(ctx, `select `+ticketColumns+` from complaints where resident = $1 order by filed desc, number limit $2`, resident, limit)
	if err != nil {
		return nil, fmt.Errorf("complaints: own: %w", err)
	}
	defer rows.Close()
	var list []pengaduan.Ticket
	for rows.Next() {
		t, err := r.ticket(rows.Scan)
		if err != nil {
			return nil, fmt.Errorf("complaints: own: %w", err)
		}
		list = append(list, t)
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("complaints: own: %w", err)
	}
	return slices.Clip(list), nil
}

// Count returns how many complaints of a resident are kept.
func (r *Register) Count(ctx context.Context, resident bot.ResidentID) (n int, err error) {
	if resident == "" {
		return 0, nil
	}
	if err := r.db.QueryRow(ctx, `select count(*) from complaints where resident = $1`, resident).Scan(&n); err != nil {
		return 0, fmt.Errorf("complaints: count: %w", err)
	}
	return n, nil
}

// pruneBatch bounds how long others wait for one transaction of Prune.
const pruneBatch = 500

// Prune removes complaints that were closed before a point in time, with all
// that happened to them.
func (r *Register) Prune(ctx context.Context, before time.Time) (removed int64, err error) {
	for {
		var changed int64
		err := r.db.Do(ctx, func(tx *database.Tx) (err error) {
			const old = `select number from complaints where status = 'closed' and updated < $1 order by filed, number limit $2`
			if _, err = tx.Exec(`delete from complaint_events where number in (`+old+`)`, database.Micros(before), pruneBatch); err != nil {
				return err
			}
			changed, err = tx.Exec(`delete from complaints where number in (`+old+`)`, database.Micros(before), pruneBatch)
			return err
		})
		if err != nil {
			return removed, fmt.Errorf("complaints: prune: %w", err)
		}
		if removed += changed; changed < pruneBatch {
			return removed, nil
		}
	}
}

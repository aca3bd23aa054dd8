package scc

import (
	"context"
	"database/sql"
	"fmt"
	"strings"
	"time"

	"tabe/adapters/database"
	"tabe/adapters/scc/geo"
	"tabe/bot"
	"tabe/flows/darurat"
)

// shownFor is how long a closed incident stays on the list.
const shownFor = 30 * time.Minute

// maxListed bounds the list; no console can show more.
const maxListed = 1000

// List returns what is going on and what was closed in the last half hour,
// merged ones apart. What nobody has answered comes first, the most urgent and
// then the oldest of it; reports of those who reported falsely before come
// after the others of the same urgency. Nothing open is ever left out.
func (c *Center) List(ctx context.Context) ([]Incident, error) {
	now, err := c.time(ctx)
	if err != nil {
		return nil, fmt.Errorf("scc: list: %w", err)
	}
	return c.query(ctx, `select `+columns+` from incidents where merged is null and (status <> 'closed' or closed > $1)
		order by case status when 'new' then 0 when 'acked' then 1 when 'dispatched' then 2 else 3 end,
		priority desc, case when pranks > 0 then 1 else 0 end, opened, id limit $2`, database.Micros(now.Add(-shownFor)), maxListed)
}

// Between returns the incidents that were opened in a span of time, the oldest
// first: the report of a month.
func (c *Center) Between(ctx context.Context, from, to time.Time, limit int) ([]Incident, error) {
	return c.query(ctx, `select `+columns+` from incidents where opened >= $1 and opened < $2 order by opened, id limit $3`,
		database.Micros(from), database.Micros(to), limit)
}

// ByCode returns the newest incident of a code, or ErrUnknown.
func (c *Center) ByCode(ctx context.Context, code string) (Incident, error) {
	found, err := c.query(ctx, `select `+columns+` from incidents where code = $1 order by opened desc limit 1`, code)
	if err == nil && len(found) == 0 {
		return Incident{}, ErrUnknown
	}
	if err != nil {
		return Incident{}, err
	}
	return found[0], nil
}

func (c *Center) query(ctx context.Context, query string, args ...any) ([]Incident, error) {
	rows, err := c.DB.Query(ctx, query, args...)
	if err != nil {
		return nil, fmt.Errorf("scc: incidents: %w", err)
	}
	defer rows.Close()
	var all []Incident
	for rows.Next() {
		i, err := scan(rows)
		if err != nil {
			return nil, fmt.Errorf("scc: incidents: %w", err)
		}
		if _, err := c.opened(i.landmark, cell("incidents.landmark", i.ID), &i.Landmark); err != nil {
			return nil, fmt.Errorf("scc: incident %s: %w", i.Code, err)
		}
		all = append(all, i)
	}
	return all, rows.Err()
}

// Detail is all that is known of one incident.
type Detail struct {
	Incident
	Reporters  []Reporter
	Earlier    int // incidents of the same reporter before, Pranks of which were false
	Messages   []Message
	Pages      []Page
	Dispatches []Dispatch
	Merged     []Incident // into this one
	Routes     []Route    // who could be sent, the best first
	Unroutable []Skip     // who cannot be told
}

// Message is something that was said about an incident.
type Message struct {
	ID       int64
	Incident int64 // one of several after a merge
	At       time.Time
	Author   string // reporter, operator
	Name     string // of the operator
	Language string
	Words    string        // empty: erased, or a medium alone
	Media    string        // kind of a picture, a voice …
	MediaRef string        // by which its channel finds it
	Channel  bot.ChannelID // that brought it; empty if none did
}

// Page is a message that told somebody of the incident.
type Page struct {
	Target  string
	Contact string // its name
	Channel bot.ChannelID
	Why     Why
	Posted  time.Time
	Status  bot.Status // empty: not handed to a provider yet
}

// Dispatch is a post that was sent, or that went by itself.
type Dispatch struct {
	Contact  int64
	Name     string
	SentBy   string // "post": by itself
	Sent     time.Time
	Accepted time.Time
	Refused  time.Time
	OnScene  time.Time
	Done     time.Time
}

// Get returns an incident with everything about it, or ErrUnknown.
func (c *Center) Get(ctx context.Context, id int64) (d Detail, err error) {
	found, err := c.query(ctx, `select `+columns+` from incidents where id = $1`, id)
	if err == nil && len(found) == 0 {
		return d, ErrUnknown
	}
	if err != nil {
		return d, err
	}
	d.Incident = found[0]
	steps := []func(context.Context, *Detail) error{c.readMerged, c.readPeople, c.readMessages, c.readPages, c.readDispatches, c.readRoutes}
	for _, step := range steps {
		if err := step(ctx, &d); err != nil {
			return d, fmt.Errorf("scc: incident %s: %w", d.Code, err)
		}
	}
	return d, nil
}

func (c *Center) readMerged(ctx context.Context, d *Detail) (err error) {
	d.Merged, err = c.query(ctx, `select `+columns+` from incidents where merged = $1 order by opened, id`, d.ID)
	return err
}

func (c *Center) readPeople(ctx context.Context, d *Detail) error {
	for _, id := range d.all() {
		rows, err := c.DB.Query(ctx, reportersOf, id)
		if err != nil {
			return err
		}
		some, err := c.readReporters(rows)
		if err != nil {
			return err
		}
		d.Reporters = append(d.Reporters, some...)
	}
	if d.Reporter == "" {
		return nil
	}
	return c.DB.QueryRow(ctx, `select count(*) from incidents where reporter = $1 and opened < $2`, d.Reporter, database.Micros(d.Opened)).Scan(&d.Earlier)
}

// all are the incident and those that were merged into it.
func (d *Detail) all() []int64 {
	ids := []int64{d.ID}
	for _, m := range d.Merged {
		ids = append(ids, m.ID)
	}
	return ids
}

const maxMessages = 2000

func (c *Center) readMessages(ctx context.Context, d *Detail) error {
	rows, err := c.DB.Query(ctx, `select id, incident, at, author, name, language, source, body from incident_messages
		where incident = $1 or incident in (select id from incidents where merged = $1) order by at, id limit $2`, d.ID, maxMessages)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var m Message
		var at int64
		var source string
		var body []byte
		if err := rows.Scan(&m.ID, &m.Incident, &at, &m.Author, &m.Name, &m.Language, &source, &body); err != nil {
			return err
		}
		var s saying
		if _, err := c.opened(body, cell("incident_messages.body", fmt.Sprint(m.Incident, "|", source)), &s); err != nil {
			return err
		}
		m.At, m.Words, m.Media, m.MediaRef = database.Time(at), s.Words, s.Media, s.MediaRef
		if channel, _, brought := strings.Cut(source, " "); brought && m.Author == byReporter {
			m.Channel = bot.ChannelID(channel)
		}
		d.Messages = append(d.Messages, m)
	}
	return rows.Err()
}

func (c *Center) readPages(ctx context.Context, d *Detail) error {
	rows, err := c.DB.Query(ctx, `select p.target, coalesce(k.name, ''), p.channel, p.reason, p.posted, coalesce(o.status, '') from pages p
		left join contacts k on k.id = p.contact
		left join journal j on j.channel = p.channel and j.message_id = 'siaga:' || p.id left join outbox o on o.id = j.seq * 64
		where p.incident = $1 order by p.posted, p.id limit $2`, d.ID, maxMessages)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var p Page
		var posted int64
		if err := rows.Scan(&p.Target, &p.Contact, &p.Channel, &p.Why, &posted, &p.Status); err != nil {
			return err
		}
		p.Posted = database.Time(posted)
		d.Pages = append(d.Pages, p)
	}
	return rows.Err()
}

func (c *Center) readDispatches(ctx context.Context, d *Detail) error {
	rows, err := c.DB.Query(ctx, `select d.contact, coalesce(k.name, ''), d.sent_by, d.sent, d.accepted, d.refused, d.on_scene, d.done
		from dispatches d left join contacts k on k.id = d.contact where d.incident = $1 order by d.sent, d.contact`, d.ID)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var x Dispatch
		var sent int64
		var accepted, refused, scene, done sql.NullInt64
		if err := rows.Scan(&x.Contact, &x.Name, &x.SentBy, &sent, &accepted, &refused, &scene, &done); err != nil {
			return err
		}
		x.Sent = database.Time(sent)
		x.Accepted, x.Refused, x.OnScene, x.Done = moment(accepted), moment(refused), moment(scene), moment(done)
		d.Dispatches = append(d.Dispatches, x)
	}
	return rows.Err()
}

func moment(micros sql.NullInt64) time.Time {
	if !micros.Valid {
		return time.Time{}
	}
	return database.Time(micros.Int64)
}

func (c *Center) readRoutes(ctx context.Context, d *Detail) error {
	if d.Status == Closed {
		return nil
	}
	return c.DB.Do(ctx, func(tx *database.Tx) (err error) {
		d.Routes, d.Unroutable, err = c.routes(tx, d.Incident, sentBy)
		return err
	})
}

// similar is how far apart, in metres, two reports of a kind can be and be
// about the same thing.
var similar = map[darurat.Kind]float64{darurat.Fire: 300, darurat.Medical: 200, darurat.Crime: 300, darurat.Disaster: 1000}

// soon is how far apart in time.
const soon = 30 * time.Minute

// Similar returns open incidents that may be about the same thing: of the same
// kind, within half an hour, and near. Where one of them has no position, the
// same desa is near. Merging them is for a human being to decide; violence has
// none.
func (c *Center) Similar(ctx context.Context, id int64) ([]Incident, error) {
	found, err := c.query(ctx, `select `+columns+` from incidents where id = $1`, id)
	if err == nil && len(found) == 0 {
		err = ErrUnknown
	}
	if err != nil {
		return nil, err
	}
	of := found[0]
	radius, ok := similar[of.Kind]
	if !ok || of.Village == "" && of.Position == nil {
		return nil, nil
	}
	near, err := c.query(ctx, `select `+columns+` from incidents where kind = $1 and id <> $2 and merged is null and status <> 'closed' and test = $3
		and opened between $4 and $5 order by opened, id limit 50`,
		of.Kind, of.ID, of.Test, database.Micros(of.Opened.Add(-soon)), database.Micros(of.Opened.Add(soon)))
	if err != nil {
		return nil, err
	}
	var alike []Incident
	for _, i := range near {
		switch {
		case of.Position != nil && i.Position != nil:
			if geo.Metres(of.Position.Lat, of.Position.Lng, i.Position.Lat, i.Position.Lng) <= radius {
				alike = append(alike, i)
			}
		case of.Village != "" && of.Village == i.Village:
			alike = append(alike, i)
		}
	}
	return alike, nil
}

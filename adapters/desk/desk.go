// Package desk is where residents queue for a person, and where operators take
// their conversations. It keeps the requests that flows/petugas makes, and posts
// what operators say as notices for that flow.
//
// A console reads Open, Case and Transcript, and acts through Take, Say,
// Missed, Transfer and Close. Every action is a compare-and-set: of two operators
// who take the same request one gets ErrTaken, and nobody can speak in a
// conversation that is not his.
package desk

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strconv"
	"time"

	"tabe/adapters/database"
	"tabe/adapters/seal"
	"tabe/adapters/store"
	"tabe/bot"
	"tabe/flows/petugas"
)

// Journal takes what is to be told to residents, and has what was said;
// store.Store is one.
type Journal interface {
	Post(tx *database.Tx, m bot.Message, due time.Time) (fresh bool, err error)
	History(ctx context.Context, id bot.ResidentID, limit int) ([]store.Line, error)
}

// Config is what a Desk is made of.
type Config struct {
	DB     *database.DB
	Secret []byte // of the installation
	Hours  petugas.Hours
	// Via is by which channel somebody is answered who asks by one that carries
	// nothing once its dialogue is over. The address is the same.
	Via   map[bot.ChannelID]bot.ChannelID
	Clock func() time.Time
	Log   *slog.Logger
	// Event writes what happened into the stream that the consoles follow;
	// audit.Append. Its body is the number of the case.
	Event func(tx *database.Tx, at time.Time, actor, kind, incident, body string) (seq int64, err error)
}

// The kinds of events.
const (
	EventAsked  = "desk.asked"  // a resident asked for a person, or added to it
	EventHeard  = "desk.heard"  // he said something to his operator
	EventLeft   = "desk.left"   // he needs nobody any more
	EventMoved  = "desk.moved"  // a promise was not kept, and another one made
	EventTaken  = "desk.taken"  // an operator took or was given a case
	EventSaid   = "desk.said"   // he said something
	EventClosed = "desk.closed" // he closed it
	EventMissed = "desk.missed" // the resident did not answer the telephone
)

// Desk keeps the requests. It implements petugas.Desk and is safe for concurrent
// use, on any number of machines.
type Desk struct {
	Config
	seal    *seal.Sealer
	journal Journal
}

var _ petugas.Desk = (*Desk)(nil)

// New returns the desk. The Journal is given later, because it wants the Effects
// first; see Connect.
func New(c Config) (*Desk, error) {
	sealer, err := seal.New(c.Secret)
	return &Desk{Config: c, seal: sealer}, err
}

// Connect gives the desk the journal to post into. It has to be called before
// anything happens.
func (d *Desk) Connect(j Journal) { d.journal = j }

// Case is one request for a person.
type Case struct {
	ID       int64
	Resident bot.ResidentID
	Channel  bot.ChannelID // by which he is answered
	Stage    petugas.Stage
	Reason   string // why he asked: petugas.ReasonAsked …

	Asked  time.Time
	Heard  time.Time // when he last said something
	Unread bool      // it was after an operator last read
	Due    time.Time // from when he is promised an answer
	Until  time.Time // by when
	Moved  int       // promises that were not kept
	Calls  int       // calls that he did not answer

	Operator string    // account of who has it, or had it last
	Who      string    // his name, as residents are told
	Taken    time.Time // first; zero: never
	Closed   time.Time // zero: it is open
	Outcome  string    // one of the constants Outcome…, once closed

	// Personal data, empty once it was erased.
	Peer     string // his address on the channel
	Phone    string // to be called, E.164; empty: he is answered in writing
	Media    string // kind of what he sent instead of words …
	MediaRef string // … and by what his channel finds it
}

// How a case can end.
const (
	Answered    = "answered"    // his question is answered
	HandedOver  = "handed_over" // an office goes on
	Unreachable = "unreachable" // he did not answer
	Nothing     = "nothing"     // there was no question
	Left        = "left"        // the resident ended it
)

// Outcomes are those that an operator can choose, in the order to offer them.
func Outcomes() []string { return []string{Answered, HandedOver, Unreachable, Nothing} }

// letter is what of a case is encrypted.
type letter struct {
	Peer     string `json:"p,omitempty"`
	Subject  string `json:"s,omitempty"`
	Phone    string `json:"n,omitempty"`
	Media    string `json:"m,omitempty"`
	MediaRef string `json:"r,omitempty"`
}

func place(id bot.ResidentID) string { return "desk_cases.body|" + string(id) }

func (d *Desk) sealLetter(id bot.ResidentID, l letter) ([]byte, error) {
	plain, err := json.Marshal(l)
	return d.seal.Seal(plain, place(id)), err
}

func (d *Desk) openLetter(id bot.ResidentID, sealed []byte) (l letter, err error) {
	plain, err := d.seal.Open(sealed, place(id))
	if err == nil {
		err = json.Unmarshal(plain, &l)
	}
	return l, err
}

// Effects are what the store has to know to apply the effects of the flow.
func (d *Desk) Effects() []store.Effect {
	return []store.Effect{store.On(d.request), store.On(d.heard), store.On(d.leave), store.On(d.erase)}
}

// request applies petugas.Request: it makes a case, or adds to the open one.
func (d *Desk) request(tx *database.Tx, e bot.Entry, r petugas.Request) error {
	now := d.Clock()
	l := letter{Peer: e.Peer, Subject: e.Subject}
	var id int64
	var stage petugas.Stage
	var sealed []byte
	err := tx.QueryRow(`select id, stage, body from desk_cases where resident = $1 and stage <> 'closed'`, []any{e.Resident}, &id, &stage, &sealed)
	switch {
	case err == nil:
		if l, err = d.openLetter(e.Resident, sealed); err != nil {
			return err
		}
	case !errors.Is(err, sql.ErrNoRows):
		return err
	}
	if r.Phone != "" {
		l.Phone = r.Phone
	}
	if r.MediaRef != "" {
		l.Media, l.MediaRef = r.Media, r.MediaRef
	}
	body, err := d.sealLetter(e.Resident, l)
	if err != nil {
		return err
	}
	next := petugas.Waiting
	if l.Phone != "" || r.From.After(now) {
		next = petugas.Promised
	}
	at := database.Micros(now)
	if id == 0 {
		channel := e.Channel
		if via, ok := d.Via[channel]; ok {
			channel = via
		}
		err = tx.QueryRow(`insert into desk_cases (resident, channel, stage, reason, asked, heard, due, until, body)
			values ($1, $2, $3, $4, $5, $5, $6, $7, $8) returning id`,
			[]any{e.Resident, channel, next, r.Reason, at, database.Micros(r.From), database.Micros(r.Until), body}, &id)
	} else if stage == petugas.Taken {
		_, err = tx.Exec(`update desk_cases set heard = $1, body = $2 where id = $3`, at, body, id)
	} else {
		_, err = tx.Exec(`update desk_cases set heard = $1, body = $2, stage = $3, due = $4, until = $5,
			reason = case when $6 = $7 then reason else $6 end where id = $8`,
			at, body, next, database.Micros(r.From), database.Micros(r.Until), r.Reason, petugas.ReasonAsked, id)
	}
	if err != nil {
		return err
	}
	return d.event(tx, now, resident, EventAsked, id)
}

// The actors of what no operator did.
const (
	resident = "resident"
	engine   = "engine"
)

// event tells the consoles. It has to be the last statement.
func (d *Desk) event(tx *database.Tx, at time.Time, actor, kind string, id int64) error {
	_, err := d.Event(tx, at, actor, kind, "", strconv.FormatInt(id, 10))
	return err
}

// heard applies petugas.Heard.
func (d *Desk) heard(tx *database.Tx, e bot.Entry, _ petugas.Heard) error {
	return d.own(tx, e, `update desk_cases set heard = $1 where resident = $2 and stage <> 'closed' returning id`, EventHeard)
}

// leave applies petugas.Leave.
func (d *Desk) leave(tx *database.Tx, e bot.Entry, _ petugas.Leave) error {
	return d.own(tx, e, `update desk_cases set stage = 'closed', closed = $1, outcome = 'left' where resident = $2 and stage <> 'closed' returning id`, EventLeft)
}

// own changes the open case of a resident, if he has one.
func (d *Desk) own(tx *database.Tx, e bot.Entry, update, kind string) error {
	now := d.Clock()
	var id int64
	err := tx.QueryRow(update, []any{database.Micros(now), e.Resident}, &id)
	if errors.Is(err, sql.ErrNoRows) {
		return nil // an operator was faster
	}
	if err != nil {
		return err
	}
	return d.event(tx, now, resident, kind, id)
}

// erase removes what is kept of a resident.
func (d *Desk) erase(tx *database.Tx, e bot.Entry, _ bot.Erase) error {
	_, err := tx.Exec(`delete from desk_cases where resident = $1`, e.Resident)
	return err
}

// The waits from which the next one is told are those of so many cases, of the
// last days.
const (
	samples    = 20
	fewSamples = 3
	sampleDays = 7
)

// Standing implements petugas.Desk.
func (d *Desk) Standing(ctx context.Context, id bot.ResidentID) (petugas.Standing, error) {
	s, err := d.standing(ctx, id)
	if err != nil {
		return s, fmt.Errorf("desk: %w", err)
	}
	return s, nil
}

func (d *Desk) standing(ctx context.Context, id bot.ResidentID) (s petugas.Standing, err error) {
	var caseID, due, until int64
	var sealed []byte
	err = d.DB.QueryRow(ctx, `select id, stage, due, until, who, body from desk_cases where resident = $1 and stage <> 'closed'`, id).
		Scan(&caseID, &s.Stage, &due, &until, &s.Who, &sealed)
	switch {
	case errors.Is(err, sql.ErrNoRows):
	case err != nil:
		return s, err
	default:
		l, err := d.openLetter(id, sealed)
		if err != nil {
			return s, err
		}
		s.From, s.Until, s.Phone = database.Time(due), database.Time(until), l.Phone
	}
	if err := d.DB.QueryRow(ctx, `select count(*) from desk_cases where stage = 'waiting' and ($1 = 0 or id < $1)`, caseID).Scan(&s.Ahead); err != nil {
		return s, err
	}
	s.Wait, err = d.wait(ctx)
	return s, err
}

// wait is how long the last ones waited who could be taken at once: the median.
func (d *Desk) wait(ctx context.Context) (time.Duration, error) {
	rows, err := d.DB.Query(ctx, `select taken - asked from desk_cases where taken is not null and taken > $1 and reason = 'asked' and moved = 0 and due <= asked
		order by taken desc limit $2`, database.Micros(d.Clock().AddDate(0, 0, -sampleDays)), samples)
	if err != nil {
		return 0, err
	}
	defer rows.Close()
	var waits []int64
	for rows.Next() {
		var w int64
		if err := rows.Scan(&w); err != nil {
			return 0, err
		}
		waits = append(waits, w)
	}
	if err := rows.Err(); err != nil || len(waits) < fewSamples {
		return 0, err
	}
	slices.Sort(waits)
	return time.Duration(waits[len(waits)/2]) * time.Microsecond, nil
}

// Promised implements petugas.Desk.
func (d *Desk) Promised(ctx context.Context, from, until time.Time) (n int, err error) {
	err = d.DB.QueryRow(ctx, `select count(*) from desk_cases where stage = 'promised' and due < $1 and until > $2`,
		database.Micros(until), database.Micros(from)).Scan(&n)
	if err != nil {
		return 0, fmt.Errorf("desk: %w", err)
	}
	return n, nil
}

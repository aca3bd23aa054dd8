package desk

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"time"

	"tabe/adapters/database"
	"tabe/bot"
	"tabe/flows/petugas"
)

// Operator is a person at the desk.
type Operator struct {
	Account string // by which he signs in
	Name    string // by which residents know him, at most MaxName bytes
}

// MaxName is how long an operator's name may be, in bytes; more is cut off.
const MaxName = 24

func (o Operator) name() string {
	name := bot.CleanText(o.Name)
	if len(name) > MaxName {
		name = strings.TrimSpace(strings.ToValidUTF8(name[:MaxName], ""))
	}
	return name
}

var (
	// ErrTaken is returned when somebody else has the case, or it is closed.
	ErrTaken = errors.New("desk: somebody else has the case, or it is closed")
	// ErrText is returned for a text that is empty or longer than petugas.MaxLine.
	ErrText = errors.New("desk: the text is empty or too long")
	// ErrOutcome is returned for an outcome that is none of Outcomes.
	ErrOutcome = errors.New("desk: no such outcome")
)

// Take gives a case that nobody has to an operator. A resident who writes is
// told so; one who is to be called is not, because his telephone rings.
func (d *Desk) Take(ctx context.Context, id int64, by Operator) error {
	return d.act(ctx, id, by.Account, EventTaken, func(a *action) error {
		if a.Stage != petugas.Waiting && a.Stage != petugas.Promised {
			return ErrTaken
		}
		if err := a.set(`stage = 'taken', operator = $1, who = $2, taken = coalesce(taken, $3), seen = $3`, by.Account, by.name(), database.Micros(a.now)); err != nil {
			return err
		}
		if a.Phone != "" {
			return nil
		}
		return a.post(petugas.NoticeTaken, petugas.Line{Who: by.name()})
	})
}

// Say tells the resident something.
func (d *Desk) Say(ctx context.Context, id int64, by Operator, text string) error {
	text = bot.CleanText(text)
	if text == "" || len(text) > petugas.MaxLine {
		return ErrText
	}
	return d.act(ctx, id, by.Account, EventSaid, func(a *action) error {
		if !a.has(by) {
			return ErrTaken
		}
		if err := a.set(`seen = $1`, database.Micros(a.now)); err != nil {
			return err
		}
		return a.post(petugas.NoticeSaid, petugas.Line{Who: by.name(), Text: text})
	})
}

// Missed says that the resident did not answer the telephone. Another time is
// promised to him.
func (d *Desk) Missed(ctx context.Context, id int64, by Operator) error {
	from, until, err := d.next(ctx)
	if err != nil {
		return err
	}
	return d.act(ctx, id, by.Account, EventMissed, func(a *action) error {
		if !a.has(by) {
			return ErrTaken
		}
		if err := a.set(`stage = 'promised', calls = calls + 1, due = $1, until = $2`, database.Micros(from), database.Micros(until)); err != nil {
			return err
		}
		return a.post(petugas.NoticeMissed, petugas.Promise{From: from, Until: until, Phone: a.Phone})
	})
}

// next is the next time that can be promised; a call that was missed is tried
// again after a while.
func (d *Desk) next(ctx context.Context) (from, until time.Time, err error) {
	const pause = 30 * time.Minute
	if from, until, err = petugas.Next(ctx, d, d.Hours, d.Clock().Add(pause)); err != nil {
		err = fmt.Errorf("desk: %w", err)
	}
	return from, until, err
}

// Transfer gives a case to another operator; the zero Operator puts it back into
// the queue, where it comes first.
func (d *Desk) Transfer(ctx context.Context, id int64, from, to Operator) error {
	return d.act(ctx, id, from.Account, EventTaken, func(a *action) error {
		switch {
		case !a.has(from):
			return ErrTaken
		case to.Account == "":
			return a.set(`stage = 'waiting', operator = '', who = ''`)
		}
		if err := a.set(`operator = $1, who = $2, seen = 0`, to.Account, to.name()); err != nil || a.Phone != "" {
			return err
		}
		return a.post(petugas.NoticeTaken, petugas.Line{Who: to.name()})
	})
}

// Close ends a case. Who was written to is told so.
func (d *Desk) Close(ctx context.Context, id int64, by Operator, outcome string) error {
	known := false
	for _, o := range Outcomes() {
		known = known || o == outcome
	}
	if !known {
		return ErrOutcome
	}
	return d.act(ctx, id, by.Account, EventClosed, func(a *action) error {
		if !a.has(by) {
			return ErrTaken
		}
		if err := a.set(`stage = 'closed', closed = $1, outcome = $2`, database.Micros(a.now), outcome); err != nil {
			return err
		}
		if a.notices == 0 {
			return nil // he was only called
		}
		return a.post(petugas.NoticeClosed, petugas.Line{Who: by.name()})
	})
}

// action is a change of one case in a transaction.
type action struct {
	Case
	desk    *Desk
	tx      *database.Tx
	now     time.Time
	subject string
	notices int // posted so far
}

// act reads a case under a lock, lets do change it, and tells the consoles.
func (d *Desk) act(ctx context.Context, id int64, actor, kind string, do func(a *action) error) error {
	err := d.DB.Do(ctx, func(tx *database.Tx) error {
		a := &action{desk: d, tx: tx, now: d.Clock()}
		// The update locks the row: whoever comes second sees what the first did.
		var body []byte
		err := tx.QueryRow(`update desk_cases set notices = notices where id = $1 returning resident, channel, stage, operator, notices, body`,
			[]any{id}, &a.Resident, &a.Channel, &a.Stage, &a.Operator, &a.notices, &body)
		if errors.Is(err, sql.ErrNoRows) {
			return ErrNotFound
		}
		if err != nil {
			return err
		}
		l, err := d.openLetter(a.Resident, body)
		if err != nil {
			return err
		}
		a.ID, a.Peer, a.Phone, a.subject = id, l.Peer, l.Phone, l.Subject
		if err := do(a); err != nil {
			return err
		}
		return d.event(tx, a.now, actor, kind, id)
	})
	for _, known := range []error{ErrNotFound, ErrTaken} {
		if errors.Is(err, known) {
			return known
		}
	}
	if err != nil {
		return fmt.Errorf("desk: %w", err)
	}
	return nil
}

func (a *action) has(by Operator) bool {
	return a.Stage == petugas.Taken && a.Operator == by.Account
}

// set changes columns of the case; their parameters begin with $1.
func (a *action) set(assignments string, args ...any) error {
	query := fmt.Sprintf("update desk_cases set %s where id = $%d", assignments, len(args)+1)
	_, err := a.tx.Exec(query, append(args, a.ID)...)
	return err
}

// post tells the resident something, once.
func (a *action) post(kind string, body any) error {
	n, err := petugas.Notice(kind, body)
	if err != nil {
		return err
	}
	a.notices++
	if err := a.set(`notices = $1`, a.notices); err != nil {
		return err
	}
	_, err = a.desk.journal.Post(a.tx, bot.Message{
		ID: fmt.Sprintf("desk/%d/%d", a.ID, a.notices), Channel: a.Channel, Peer: a.Peer, Subject: a.subject, Notice: n,
	}, time.Time{})
	return err
}

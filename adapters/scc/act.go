package scc

import (
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"time"

	"tabe/adapters/database"
	"tabe/bot"
	"tabe/flows/darurat"
	"tabe/flows/siaga"
)

// Why an act was refused.
var (
	// ErrUnknown is returned for an incident or a contact that is not there.
	ErrUnknown = errors.New("scc: there is no such thing")
	// ErrStale is returned when somebody else has acted since the operator
	// looked; a Taken says who.
	ErrStale = errors.New("scc: somebody else was faster")
	// ErrInput is returned for an act that makes no sense.
	ErrInput = errors.New("scc: not possible")
	// ErrSilent is returned when a reporter must not be written to.
	ErrSilent = errors.New("scc: the reporter did not agree to be written to")
)

// Taken is the ErrStale of an acknowledgement: by whom it was done before.
type Taken struct{ By string }

func (e Taken) Error() string { return ErrStale.Error() + ": " + e.By }
func (e Taken) Unwrap() error { return ErrStale }

// Act is who does something to which incident, in which version he saw it.
// Version 0 acts on whatever it is now.
type Act struct {
	Operator string
	Incident int64
	Version  int64
}

// act runs fn on the incident at the version that the operator saw.
func (c *Center) act(ctx context.Context, a Act, fn func(tx *database.Tx, i Incident, now time.Time) error) error {
	err := c.do(ctx, func(tx *database.Tx, now time.Time) error {
		i, err := c.load(tx, a.Incident)
		if errors.Is(err, sql.ErrNoRows) {
			return ErrUnknown
		}
		if err != nil {
			return err
		}
		if a.Version != 0 && a.Version != i.Version {
			if i.AckedBy != "" {
				return Taken{i.AckedBy}
			}
			return ErrStale
		}
		if _, err := tx.Exec(`update incidents set version = version + 1 where id = $1`, i.ID); err != nil {
			return err
		}
		return fn(tx, i, now)
	})
	if err != nil {
		return fmt.Errorf("scc: %w", err)
	}
	return nil
}

// Acknowledge takes a new incident: exactly one operator wins.
func (c *Center) Acknowledge(ctx context.Context, a Act) error {
	return c.act(ctx, a, func(tx *database.Tx, i Incident, now time.Time) error {
		changed, err := tx.Exec(`update incidents set status = 'acked', acked = $1, acked_by = $2, set_at = $1, next_at = $3 where id = $4 and status = 'new'`,
			database.Micros(now), a.Operator, database.Micros(now.Add(ackedFor)), i.ID)
		if err != nil {
			return err
		}
		if changed == 0 {
			return Taken{i.AckedBy}
		}
		return c.event(tx, now, a.Operator, "incident.acked", i.Code, map[string]any{"by": "console"})
	})
}

// sentBy are the channels by which a post is told that an operator sends it.
var sentBy = []string{"sms", "whatsapp", VoiceChannel}

// Dispatch sends a post: it is paged, and has to answer. A post that cannot be
// paged is noted as sent all the same, because the operator calls it.
func (c *Center) Dispatch(ctx context.Context, a Act, contact int64) error {
	return c.act(ctx, a, func(tx *database.Tx, i Incident, now time.Time) error {
		if i.Status == Closed {
			return ErrInput
		}
		k, err := scanContact(txRow{tx, `select ` + contactColumns + ` from contacts where id = $1 and active`, []any{contact}})
		if errors.Is(err, sql.ErrNoRows) {
			return ErrUnknown
		}
		if err != nil {
			return err
		}
		if _, err := tx.Exec(`insert into dispatches (incident, contact, sent_by, sent) values ($1, $2, $3, $4)
			on conflict (incident, contact) do update set sent_by = excluded.sent_by, sent = excluded.sent, refused = null`,
			i.ID, k.ID, a.Operator, database.Micros(now)); err != nil {
			return err
		}
		if _, err := tx.Exec(`update incidents set status = 'dispatched', acked = coalesce(acked, $1), acked_by = case when acked is null then $2 else acked_by end,
			dispatched = $1, set_at = $1, next_at = $3 where id = $4`,
			database.Micros(now), a.Operator, database.Micros(now.Add(dispatchedFor)), i.ID); err != nil {
			return err
		}
		ref, err := c.page(tx, i, fmt.Sprint("v", i.Version), "sent", Route{Contact: k}, sentBy, now)
		if err != nil {
			return err
		}
		return c.event(tx, now, a.Operator, "incident.dispatched", i.Code, map[string]any{"contact": k.ID, "paged": ref != nil})
	})
}

// SetStatus notes what a post told by telephone.
func (c *Center) SetStatus(ctx context.Context, a Act, contact int64, w siaga.Word) error {
	return c.act(ctx, a, func(tx *database.Tx, i Incident, now time.Time) error {
		k, err := scanContact(txRow{tx, `select ` + contactColumns + ` from contacts where id = $1`, []any{contact}})
		if errors.Is(err, sql.ErrNoRows) {
			return ErrUnknown
		}
		if err != nil {
			return err
		}
		if marks[w] == "" || i.Status == Closed {
			return ErrInput
		}
		return c.postAnswers(tx, i, k.ID, k.Name, w, now)
	})
}

// Locate corrects the place: a desa or kecamatan, a position, or both.
func (c *Center) Locate(ctx context.Context, a Act, w darurat.Where) error {
	return c.act(ctx, a, func(tx *database.Tx, i Incident, now time.Time) error {
		if w.Position != nil {
			if !w.Position.Valid() {
				return ErrInput
			}
			u, doubt := c.Map.At(*w.Position)
			if w.Doubt = doubt; w.Unit == "" && doubt != darurat.Outside {
				w.Unit = u.Code
			}
		}
		if _, ok := c.Map.Unit(w.Unit); !ok && w.Unit != "" {
			return ErrInput
		}
		w.Source = darurat.FromOperate
		moved, err := c.locate(tx, &i, w)
		if err == nil && moved {
			err = c.follow(tx, i, now)
		}
		if err != nil {
			return err
		}
		return c.event(tx, now, a.Operator, "incident.located", i.Code, map[string]any{"district": i.District, "village": i.Village})
	})
}

// maxSentence bounds what an operator writes, in bytes.
const maxSentence = 1000

// Close ends an incident with an outcome and one sentence, tells the reporter
// if he may be told, and the posts that are still on their way.
func (c *Center) Close(ctx context.Context, a Act, outcome Outcome, sentence string) error {
	sentence = bot.CleanText(sentence)
	if !slices.Contains(Outcomes(), outcome) || sentence == "" || len(sentence) > maxSentence {
		return fmt.Errorf("%w: an outcome and one sentence are needed", ErrInput)
	}
	return c.act(ctx, a, func(tx *database.Tx, i Incident, now time.Time) error {
		if i.Status == Closed {
			return Taken{i.AckedBy}
		}
		if _, err := c.say(tx, i.ID, now, byOperator, a.Operator, "", fmt.Sprint("closed ", i.Version), saying{Words: sentence}); err != nil {
			return err
		}
		if outcome == Handled || outcome == Referred {
			if err := c.notify(tx, i, fmt.Sprint("closed:", i.Version), darurat.ToldClosed, darurat.News{Outcome: string(outcome)}); err != nil {
				return err
			}
		}
		if err := c.stand(tx, i); err != nil {
			return err
		}
		if _, err := tx.Exec(`update incidents set status = 'closed', closed = $1, outcome = $2, acked = coalesce(acked, $1),
			acked_by = case when acked is null then $3 else acked_by end, next_at = null where id = $4 or merged = $4 and status <> 'closed'`,
			database.Micros(now), outcome, a.Operator, i.ID); err != nil {
			return err
		}
		if err := forget(tx, `select id from incidents where forget and (id = $1 or merged = $1)`, i.ID); err != nil {
			return err
		}
		return c.event(tx, now, a.Operator, "incident.closed", i.Code, map[string]any{"outcome": outcome})
	})
}

// stand tells the posts that have accepted and not finished that it is over.
func (c *Center) stand(tx *database.Tx, i Incident) error {
	told, err := c.told(tx, i.ID)
	if err != nil {
		return err
	}
	for _, t := range told {
		if !t.going {
			continue
		}
		if err := c.alarm(tx, i, fmt.Sprint(i.ID, ":ended:", i.Version, ":", t.contact), t.channel, t.phone, siaga.Ended, true); err != nil {
			return err
		}
	}
	return nil
}

// Merge says that a report is about the same thing as another one: it is
// acknowledged by the operator, keeps its own messages, and raises the priority
// of the other. Violence is never merged.
func (c *Center) Merge(ctx context.Context, a Act, into int64) error {
	return c.act(ctx, a, func(tx *database.Tx, i Incident, now time.Time) error {
		other, err := c.load(tx, into)
		if errors.Is(err, sql.ErrNoRows) {
			return ErrUnknown
		}
		if err != nil {
			return err
		}
		if i.ID == into || i.Status == Closed || other.Status == Closed || i.Merged != 0 || other.Merged != 0 ||
			i.Kind == darurat.Violence || other.Kind == darurat.Violence {
			return ErrInput
		}
		if _, err := tx.Exec(`update incidents set merged = $1, status = 'acked', acked = coalesce(acked, $2),
			acked_by = case when acked is null then $3 else acked_by end, next_at = null where id = $4`, into, database.Micros(now), a.Operator, i.ID); err != nil {
			return err
		}
		// What was merged into this one before goes along.
		if _, err := tx.Exec(`update incidents set merged = $1 where merged = $2`, into, i.ID); err != nil {
			return err
		}
		if _, err := tx.Exec(`update incidents set priority = priority + 1, version = version + 1 where id = $1`, into); err != nil {
			return err
		}
		return c.event(tx, now, a.Operator, "incident.merged", i.Code, map[string]any{"into": other.Code})
	})
}

// Unmerge takes a merge back. The report is the operator's again.
func (c *Center) Unmerge(ctx context.Context, a Act) error {
	return c.act(ctx, a, func(tx *database.Tx, i Incident, now time.Time) error {
		if i.Merged == 0 || i.Status == Closed {
			return ErrInput
		}
		if _, err := tx.Exec(`update incidents set merged = null, set_at = $1, next_at = $2 where id = $3`,
			database.Micros(now), database.Micros(now.Add(ackedFor)), i.ID); err != nil {
			return err
		}
		if _, err := tx.Exec(`update incidents set priority = priority - 1, version = version + 1 where id = $1`, i.Merged); err != nil {
			return err
		}
		return c.event(tx, now, a.Operator, "incident.unmerged", i.Code, map[string]any{"from": darurat.Code(i.Merged)})
	})
}

// Chat writes to the reporters of an incident. It returns ErrSilent if nobody
// may be written to.
func (c *Center) Chat(ctx context.Context, a Act, words string) error {
	if words = bot.CleanText(words); words == "" || len(words) > maxSentence {
		return fmt.Errorf("%w: between 1 and %d letters", ErrInput, maxSentence)
	}
	return c.act(ctx, a, func(tx *database.Tx, i Incident, now time.Time) error {
		reporters, err := c.reporters(tx, i.ID)
		if err != nil {
			return err
		}
		if !slices.ContainsFunc(reporters, func(r Reporter) bool {
			_, ok := c.way(r)
			return ok && r.mayWrite(i.Kind == darurat.Violence)
		}) {
			return ErrSilent
		}
		id := "chat:" + rand.Text()
		if _, err := c.say(tx, i.ID, now, byOperator, a.Operator, "", id, saying{Words: words}); err != nil {
			return err
		}
		if err := c.notify(tx, i, id, darurat.ToldWords, darurat.News{Words: words}); err != nil {
			return err
		}
		// What he answers in the next half hour belongs here.
		if _, err := tx.Exec(`update incidents set heard = $1 where id = $2 and heard < $1`, database.Micros(now), i.ID); err != nil {
			return err
		}
		return c.event(tx, now, a.Operator, "incident.chat", i.Code, nil)
	})
}

// Manual is an incident that an operator writes down, from a phone call.
type Manual struct {
	Kind   darurat.Kind
	Words  string // what the caller says
	Where  darurat.Where
	Caller string // number to call back, if he gave one; kept with the words
	Danger darurat.Answer
	Test   bool // a drill
}

// Create writes down an incident. The operator who does is the one who has it,
// unless it is a drill.
func (c *Center) Create(ctx context.Context, operator string, m Manual) (id int64, err error) {
	m.Words = bot.CleanText(m.Words)
	if !slices.Contains(darurat.Kinds(), m.Kind) || len(m.Words) > 4*maxSentence || len(m.Caller) > 30 {
		return 0, fmt.Errorf("scc: %w", ErrInput)
	}
	for try := 0; try == 0 || errors.Is(err, errAgain) && try < 10; try++ {
		id, err = c.create(ctx, operator, m)
	}
	if err != nil {
		return 0, fmt.Errorf("scc: create: %w", err)
	}
	return id, nil
}

// errAgain tells that somebody else took the number.
var errAgain = errors.New("the number is taken")

func (c *Center) create(ctx context.Context, operator string, m Manual) (id int64, err error) {
	err = c.do(ctx, func(tx *database.Tx, now time.Time) error {
		// Odd numbers are those of the center, even ones the journal's.
		if err := tx.QueryRow(`select coalesce(max(id), -1) + 2 from incidents where id % 2 = 1`, nil, &id); err != nil {
			return err
		}
		status, by := Acked, operator
		acked := sql.NullInt64{Int64: database.Micros(now), Valid: true}
		next := now.Add(ackedFor)
		if m.Test {
			status, by, acked, next = Unanswered, "", sql.NullInt64{}, now
		}
		changed, err := tx.Exec(`insert into incidents (id, code, kind, status, test, danger, opened, heard, acked, acked_by, set_at, next_at)
			values ($1, $2, $3, $4, $5, $6, $7, $7, $8, $9, $7, $10) on conflict do nothing`,
			id, darurat.Code(id), m.Kind, status, m.Test, m.Danger, database.Micros(now), acked, by, database.Micros(next))
		if err != nil {
			return err
		}
		if changed == 0 {
			return errAgain
		}
		i, err := c.load(tx, id)
		if err != nil {
			return err
		}
		if m.Where.Unit != "" || m.Where.Position != nil || m.Where.Landmark != "" {
			m.Where.Source = darurat.FromOperate
			if _, err := c.locate(tx, &i, m.Where); err != nil {
				return err
			}
		}
		if m.Words != "" || m.Caller != "" {
			words := m.Words
			if m.Caller != "" {
				words = m.Caller + ": " + words
			}
			if _, err := c.say(tx, id, now, byReporter, operator, "", "call", saying{Words: words}); err != nil {
				return err
			}
		}
		tx.AfterCommit(c.poke)
		return c.event(tx, now, operator, "incident.opened", i.Code, map[string]any{"kind": m.Kind, "channel": "call", "test": m.Test})
	})
	return id, err
}

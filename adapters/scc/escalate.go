package scc

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"time"

	"tabe/adapters/database"
	"tabe/flows/darurat"
)

// Limits of how long an incident may be in hands that do nothing.
const (
	ackedFor      = 120 * time.Second // acknowledged, and nobody sent
	dispatchedFor = 10 * time.Minute  // sent, and not a word from the post
)

// badFor is after how long an incident that could not be escalated is tried again.
const badFor = 10 * time.Second

// jumped is a step back of the clock that is more than imprecision.
const jumped = 2 * time.Second

// maxDue is how many incidents one cycle moves; the next one follows at once.
const maxDue = 500

// escalate moves every incident whose time has come by one step, each in a
// transaction of its own: one that fails never stops the others.
func (c *Center) escalate(ctx context.Context) error {
	now, err := c.time(ctx)
	if err != nil {
		return fmt.Errorf("scc: %w", err)
	}
	due, err := database.Column[int64](c.DB.Query(ctx, `select id from incidents where next_at is not null and (next_at <= $1 or set_at > $2)
		order by priority desc, next_at limit $3`, database.Micros(now), database.Micros(now.Add(jumped)), maxDue))
	if err != nil {
		return fmt.Errorf("scc: %w", err)
	}
	var problems []error
	for _, id := range due {
		err := c.do(ctx, func(tx *database.Tx, now time.Time) error { return c.move(tx, id, now) })
		if err != nil {
			c.Log.Error("cannot escalate an incident", "incident", darurat.Code(id), "err", err)
			problems = append(problems, c.putOff(ctx, id))
		}
	}
	if len(due) == maxDue {
		c.poke()
	}
	return errors.Join(problems...)
}

// putOff gives a bad incident some time and says so: the auditor pages on it.
func (c *Center) putOff(ctx context.Context, id int64) error {
	err := c.do(ctx, func(tx *database.Tx, now time.Time) error {
		changed, err := tx.Exec(`update incidents set set_at = $1, next_at = $2 where id = $3 and next_at is not null`,
			database.Micros(now), database.Micros(now.Add(badFor)), id)
		if err != nil || changed == 0 {
			return err
		}
		return c.event(tx, now, "engine", "incident.escalation_error", darurat.Code(id), nil)
	})
	if err != nil {
		return fmt.Errorf("scc: put off: %w", err)
	}
	return nil
}

// move does the next step of one incident, if it is still due.
func (c *Center) move(tx *database.Tx, id int64, now time.Time) error {
	query := `select set_at, next_at from incidents where id = $1 and next_at is not null`
	if c.DB.Dialect == database.Postgres {
		query += ` for update skip locked` // another engine is at it
	}
	var setAt, nextAt int64
	err := tx.QueryRow(query, []any{id}, &setAt, &nextAt)
	if errors.Is(err, sql.ErrNoRows) {
		return nil
	}
	if err != nil {
		return err
	}
	if setAt > database.Micros(now.Add(jumped)) { // the clock jumped back: wait once more, not for ever
		return c.setClock(tx, id, now, time.Duration(max(0, nextAt-setAt))*time.Microsecond)
	}
	if nextAt > database.Micros(now) {
		return nil
	}
	i, err := c.load(tx, id)
	if err != nil {
		return err
	}
	switch i.Status {
	case Unanswered:
		return c.step(tx, i, now)
	case Acked:
		return c.giveBack(tx, i, now, "nobody was sent")
	case Dispatched:
		var going int
		if err := tx.QueryRow(`select count(*) from dispatches where incident = $1 and accepted is not null and refused is null`, []any{id}, &going); err != nil {
			return err
		}
		if going == 0 {
			return c.giveBack(tx, i, now, "nobody has answered")
		}
		if err := stop(tx, id); err != nil { // another one is on its way
			return err
		}
		return c.event(tx, now, "engine", "unit.silent", i.Code, nil)
	}
	return stop(tx, id)
}

// stop ends the clock of an incident that somebody has.
func stop(tx *database.Tx, id int64) error {
	_, err := tx.Exec(`update incidents set next_at = null where id = $1`, id)
	return err
}

// setClock has the incident looked at again after some time.
func (c *Center) setClock(tx *database.Tx, id int64, now time.Time, after time.Duration) error {
	_, err := tx.Exec(`update incidents set set_at = $1, next_at = $2 where id = $3`, database.Micros(now), database.Micros(now.Add(after)), id)
	return err
}

// giveBack makes an incident that was acknowledged and forgotten new again, at
// the tier where it was.
func (c *Center) giveBack(tx *database.Tx, i Incident, now time.Time, why string) error {
	if err := c.again(tx, i, now); err != nil {
		return err
	}
	return c.event(tx, now, "engine", "incident.returned", i.Code, map[string]any{"why": why, "acked_by": i.AckedBy})
}

// again escalates an incident anew from its last tier, at once. The round is
// counted, so that its pages are not taken for those of the one before.
func (c *Center) again(tx *database.Tx, i Incident, now time.Time) error {
	_, err := tx.Exec(`update incidents set status = 'new', acked = null, acked_by = '', dispatched = null, version = version + 1,
		step = $1, loops = loops + 1, set_at = $2, next_at = $2 where id = $3`, max(-1, i.Step-1), database.Micros(now), i.ID)
	tx.AfterCommit(c.poke)
	return err
}

// tier is one row of the policy.
type tier struct {
	step     int
	target   string
	after    time.Duration
	channels []string
}

// policy returns the rows for an incident, and the last step among them.
func policy(tx *database.Tx, i Incident) (rows []tier, last int, err error) {
	kinds := []string{string(i.Kind), "default"}
	if i.Test {
		kinds = []string{"test"}
	}
	for _, kind := range kinds {
		if rows, err = tiers(tx, kind); err != nil || len(rows) > 0 {
			break
		}
	}
	if err == nil && len(rows) == 0 {
		err = fmt.Errorf("no policy for %s", i.Kind)
	}
	if err != nil {
		return nil, 0, err
	}
	return rows, rows[len(rows)-1].step, nil
}

func tiers(tx *database.Tx, kind string) (all []tier, err error) {
	rows, err := tx.Query(`select step, target, after_s, channels from policy_steps where kind = $1 order by step, target`, kind)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var t tier
		var seconds int64
		var channels string
		if err := rows.Scan(&t.step, &t.target, &seconds, &channels); err != nil {
			return nil, err
		}
		if seconds < 1 {
			return nil, fmt.Errorf("step %d of the policy %s has no time", t.step, kind)
		}
		t.after, t.channels = time.Duration(seconds)*time.Second, list(channels)
		all = append(all, t)
	}
	return all, rows.Err()
}

// step tells the next tier. The last one is told again and again: there is no
// end but a human being's answer.
func (c *Center) step(tx *database.Tx, i Incident, now time.Time) error {
	rows, last, err := policy(tx, i)
	if err != nil {
		return err
	}
	if i.Step >= last {
		i.Loops++
	}
	i.Step = min(i.Step+1, last)
	told := escalation{Step: i.Step, Loop: i.Loops}
	after := time.Duration(0)
	for _, t := range rows {
		if t.step != i.Step {
			continue
		}
		after = max(after, t.after)
		if err := c.tell(tx, i, t, now, &told); err != nil {
			return err
		}
	}
	armed, err := armedConsoles(tx, now)
	if err != nil {
		return err
	}
	told.Armed = armed
	// Nobody who could hear it: the next tier at once, instead of waiting for
	// silence to answer.
	heard := len(told.Pages)+told.Lately > 0
	if i.Step == 0 {
		heard = armed > 0
	}
	if !heard && i.Step < last {
		after = 0
	}
	if _, err := tx.Exec(`update incidents set step = $1, loops = $2, set_at = $3, next_at = $4 where id = $5`,
		i.Step, i.Loops, database.Micros(now), database.Micros(now.Add(after)), i.ID); err != nil {
		return err
	}
	if after == 0 {
		tx.AfterCommit(c.poke)
	}
	return c.event(tx, now, "engine", "incident.escalated", i.Code, told)
}

// escalation is the body of the event of a step.
type escalation struct {
	Step    int       `json:"step"`
	Loop    int       `json:"loop"`
	Armed   int       `json:"armed"`
	Pages   []pageRef `json:"pages,omitempty"`
	Skipped []Skip    `json:"skipped,omitempty"`
	Nobody  []string  `json:"nobody,omitempty"` // targets behind which is nobody
	Lately  int       `json:"lately,omitempty"` // who were told a moment ago
}

type pageRef struct {
	Target  string `json:"target"`
	Contact int64  `json:"contact"`
	Channel string `json:"channel"`
	Why     Why    `json:"why,omitempty"`
	Metres  int    `json:"metres,omitempty"`
}

// tell pages everybody behind one target.
func (c *Center) tell(tx *database.Tx, i Incident, t tier, now time.Time, told *escalation) error {
	routes, skipped, err := c.behind(tx, i, t)
	if err != nil {
		return err
	}
	told.Skipped = append(told.Skipped, skipped...)
	if len(routes) == 0 {
		told.Nobody = append(told.Nobody, t.target)
	}
	for _, r := range routes {
		channels, err := fresh(tx, i.ID, r.Contact.Phone, c.canReach(r.Contact, t.channels), now)
		if err != nil {
			return err
		}
		if len(channels) == 0 {
			told.Lately++
			continue
		}
		ref, err := c.page(tx, i, fmt.Sprint(i.Step, ":", i.Loops), t.target, r, channels, now)
		if err != nil {
			return err
		}
		if ref != nil {
			told.Pages = append(told.Pages, *ref)
		}
	}
	return nil
}

// behind returns who stands behind a target.
func (c *Center) behind(tx *database.Tx, i Incident, t tier) (routes []Route, skipped []Skip, err error) {
	switch t.target {
	case "post", "next_post":
		all, skipped, err := c.routes(tx, i, t.channels)
		at := 0
		if t.target == "next_post" {
			at, skipped = 1, nil
		}
		if err != nil || len(all) <= at {
			return nil, skipped, err
		}
		if at == 0 {
			skipped = all[0].Skipped
		}
		return all[at : at+1], skipped, nil
	}
	contacts, err := txContacts(tx, t.target)
	if err != nil {
		return nil, nil, err
	}
	for _, k := range contacts {
		if why := c.unusable(k, t.channels, nil); why != "" {
			skipped = append(skipped, Skip{k.Name, why})
			continue
		}
		routes = append(routes, Route{Contact: k})
	}
	return routes, skipped, nil
}

// justNow is how soon a phone is not told the same over the same channel again:
// where no console is armed two tiers are told at once.
const justNow = 30 * time.Second

// fresh returns those of some channels over which a phone was not told of an
// incident a moment ago.
func fresh(tx *database.Tx, incident int64, phone string, channels []string, now time.Time) ([]string, error) {
	rows, err := tx.Query(`select channel from pages where incident = $1 and phone = $2 and posted > $3`,
		incident, phone, database.Micros(now.Add(-justNow)))
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var channel string
		if err := rows.Scan(&channel); err != nil {
			return nil, err
		}
		channels = slices.DeleteFunc(channels, func(c string) bool { return c == channel })
	}
	return channels, rows.Err()
}

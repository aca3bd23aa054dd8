package scc

import (
	"context"
	"fmt"
	"time"

	"tabe/adapters/database"
)

// auditEvery is how often Run has the auditor look.
const auditEvery = time.Minute

// late is by how much a clock may be behind before the auditor speaks, unsent
// how long a page may take to reach its provider.
const (
	late   = 30 * time.Second
	unsent = 60 * time.Second
)

// Finding is something that must not be.
type Finding struct {
	Incident string // code
	What     string // overdue, stopped, unreachable, unsent, unposted
}

// Audit looks for incidents of which somebody should hear and nobody does. It
// shares no code with the escalation, so that it sees what that one misses.
func (c *Center) Audit(ctx context.Context) ([]Finding, error) {
	now, err := c.time(ctx)
	if err != nil {
		return nil, fmt.Errorf("scc: audit: %w", err)
	}
	var findings []Finding
	for _, look := range []struct {
		what, query string
		args        []any
	}{
		{"overdue", `select code from incidents where status <> 'closed' and next_at < $1 order by id limit 100`, []any{database.Micros(now.Add(-late))}},
		{"stopped", `select code from incidents where status = 'new' and next_at is null and merged is null order by id limit 100`, nil},
		{"unreachable", `select code from incidents i where status = 'new' and step > 0 and opened < $1
			and not exists (select 1 from pages p where p.incident = i.id) order by id limit 100`, []any{database.Micros(now.Add(-unsent))}},
		{"unsent", `select distinct i.code from pages p join incidents i on i.id = p.incident and i.status = 'new'
			join journal j on j.channel = p.channel and j.message_id = 'siaga:' || p.id left join outbox o on o.id = j.seq * 64
			where p.posted < $1 and (o.id is null or o.status = 'queued' or o.status = 'dead') limit 100`, []any{database.Micros(now.Add(-unsent))}},
		{"unposted", `select distinct i.code from pages p join incidents i on i.id = p.incident and i.status = 'new'
			where p.reason <> 'bundled' and not exists (select 1 from journal j where j.channel = p.channel and j.message_id = 'siaga:' || p.id) limit 100`, nil},
	} {
		rows, err := c.DB.Query(ctx, look.query, look.args...)
		if err != nil {
			return nil, fmt.Errorf("scc: audit: %w", err)
		}
		for rows.Next() {
			f := Finding{What: look.what}
			if err = rows.Scan(&f.Incident); err != nil {
				break
			}
			findings = append(findings, f)
		}
		if err == nil {
			err = rows.Err()
		}
		_ = rows.Close()
		if err != nil {
			return nil, fmt.Errorf("scc: audit: %w", err)
		}
	}
	return findings, nil
}

// reportFindings makes what the auditor found heard: an error in the log, which
// is alerted on, and an event, which the consoles show in red.
func (c *Center) reportFindings(ctx context.Context) {
	findings, err := c.Audit(ctx)
	if err != nil && ctx.Err() == nil {
		c.Log.Error("the auditor cannot look", "err", err)
	}
	for _, f := range findings {
		c.Log.Error("an incident is not heard of", "incident", f.Incident, "what", f.What)
		err := c.do(ctx, func(tx *database.Tx, now time.Time) error {
			return c.event(tx, now, "auditor", "incident.unheard", f.Incident, map[string]any{"what": f.What})
		})
		if err != nil && ctx.Err() == nil {
			c.Log.Error("cannot write an event", "err", err)
		}
	}
}

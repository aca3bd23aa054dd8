package scc

import (
	"context"
	"errors"
	"fmt"
	"time"

	"tabe/bot"
	"tabe/flows/darurat"
)

// Drilled is how a drill went. Each duration is from the beginning; 0: never.
type Drilled struct {
	Code     string
	Moved    time.Duration // an engine took its first step
	Paged    time.Duration // the probe phone's message was written; 0 too if there is no such contact
	Sent     time.Duration // it was handed to the provider
	Reached  bool          // there is a probe phone
	Findings []Finding     // of the auditor, about any incident
}

// ErrDrill is returned for a drill that did not arrive.
var ErrDrill = errors.New("scc: the drill did not arrive")

// Drill makes a synthetic incident and follows it: an engine has to move it,
// the probe phone (a contact of that service) has to be told, and the provider
// has to take the message. It is closed as an exercise whatever comes of it.
// The engines may be other processes; this one only watches.
func (c *Center) Drill(ctx context.Context, operator string, timeout time.Duration) (d Drilled, err error) {
	begun := time.Now()
	id, err := c.Create(ctx, operator, Manual{Kind: darurat.Fire, Test: true})
	if err != nil {
		return d, err
	}
	d.Code = darurat.Code(id)
	defer func() {
		closed := c.Close(context.WithoutCancel(ctx), Act{Operator: operator, Incident: id}, Exercise, "tabe drill")
		err = errors.Join(err, closed)
	}()
	const look = 20 * time.Millisecond
	for ; time.Since(begun) < timeout; time.Sleep(look) {
		detail, err := c.Get(ctx, id)
		if err != nil {
			return d, err
		}
		since := time.Since(begun)
		if d.Moved == 0 && detail.Step >= 0 {
			d.Moved = since
		}
		if d.Moved > 0 && len(detail.Pages) == 0 { // the step is on disk with its pages
			d.Findings, err = c.Audit(ctx)
			return d, err
		}
		for _, p := range detail.Pages {
			if d.Reached = true; d.Paged == 0 {
				d.Paged = since
			}
			if p.Status != "" && p.Status != bot.Queued && p.Status != bot.Dead {
				d.Sent = since
			}
		}
		if d.Sent > 0 {
			d.Findings, err = c.Audit(ctx)
			return d, err
		}
	}
	if d.Moved == 0 {
		return d, fmt.Errorf("%w: no engine has moved it within %s", ErrDrill, timeout)
	}
	return d, fmt.Errorf("%w: the probe phone's message was not sent within %s", ErrDrill, timeout)
}

package notices

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"tabe/bot"
)

// Round is one kind of work: it does what there is to do now, and returns.
type Round interface {
	Round(ctx context.Context) error
}

// Postponer holds back what was posted and not told; store.Store does.
type Postponer interface {
	Postpone(ctx context.Context, prefix string, until time.Time) error
}

// Job tells residents what there is to tell, day after day.
type Job struct {
	Rounds []Round // the first one has the first claim on the channels
	Nights []Round // are done by night, instead: of what wakes people with reason
	Store  Postponer
	Clock  func() time.Time
	Log    *slog.Logger
}

// pause is the time between two rounds. It is shorter than notices are posted
// ahead, so that the channels never run dry.
const pause = ahead / 6

// Rest holds back until the morning, if it is night, what the day left behind:
// a machine that stood still must not wake anybody when it is back. It has to be
// called at the start, before anything that was posted earlier can be told.
func (j *Job) Rest(ctx context.Context) (resting bool) {
	now := j.Clock()
	if !night(now) {
		return false
	}
	if err := j.Store.Postpone(ctx, prefix, morning(now)); err != nil && ctx.Err() == nil {
		j.Log.Error("notices cannot be held back for the night", "err", err)
	}
	return true
}

// Once does one round of everything there is to do at that hour.
func (j *Job) Once(ctx context.Context) {
	rounds := j.Rounds
	if j.Rest(ctx) {
		rounds = j.Nights
	}
	for _, r := range rounds {
		if err := r.Round(ctx); err != nil && ctx.Err() == nil {
			j.Log.Error("some notices have to wait", "part", fmt.Sprintf("%T", r), "err", err)
		}
	}
}

// Run goes on until ctx ends.
func (j *Job) Run(ctx context.Context) {
	for {
		j.Once(ctx)
		select {
		case <-ctx.Done():
			return
		case <-time.After(pause):
		}
	}
}

// morning returns when the night ends that t is in.
func morning(t time.Time) time.Time {
	t = t.In(bot.WITA)
	day := t.Day()
	if t.Hour() >= lastHour {
		day++
	}
	return time.Date(t.Year(), t.Month(), day, firstHour, 0, 0, 0, bot.WITA)
}

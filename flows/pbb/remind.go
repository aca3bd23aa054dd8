package pbb

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"tabe/bot"
	"tabe/bot/ident"
	"tabe/flows"
)

// Due is the purpose of being told before a bill is due; its key is the NOP.
const Due = "pbb_due"

// The kinds of reminders.
const (
	dueSoon = "due_soon"
	dueLast = "due_last"
)

// How long before the due date each of them is told.
const (
	soon = 14 * 24 * time.Hour
	last = 7 * 24 * time.Hour
)

// Reminder is the body of a notice: a bill that is not paid and due soon.
type Reminder struct {
	Kind   string     `json:"-"` // of the notice
	NOP    ident.NOP  `json:"n"`
	Year   int        `json:"y"`
	Amount bot.Rupiah `json:"a"`
	Date   time.Time  `json:"d"` // midnight WITA of the due date
	Place  string     `json:"p,omitempty"`
}

// Mark tells reminders apart: of each bill each kind is told once.
func (r Reminder) Mark() string { return fmt.Sprintf("%d/%s", r.Year, r.Kind) }

// Reminder returns what there is to remind of for an object at a point in time;
// ok is false if nothing is due soon.
func (r Rules) Reminder(o Object, now time.Time) (_ Reminder, ok bool) {
	b, ok := r.bill(o, 0, now)
	if !ok || b.debt.Amount <= 0 || b.debt.Due.IsZero() {
		return Reminder{}, false
	}
	reminder := Reminder{NOP: o.NOP, Year: b.year.Year, Amount: b.debt.Amount, Date: b.debt.Due, Place: flows.Shortened(b.year.Desa, longestDesa)}
	today := now.In(bot.WITA)
	midnight := time.Date(today.Year(), today.Month(), today.Day(), 0, 0, 0, 0, bot.WITA)
	switch left := b.debt.Due.Sub(midnight); {
	case left < 0 || left > soon:
		return Reminder{}, false
	case left > last:
		reminder.Kind = dueSoon
	default:
		reminder.Kind = dueLast
	}
	return reminder, true
}

// busy is how long after his last message a resident may still be in the
// middle of something that a reminder must not end.
const busy = 5 * time.Minute

// Tell implements bot.Teller: reminders, unless the bill was paid meanwhile.
func (f *Flow) Tell(ctx context.Context, t *bot.Turn) error {
	s := &step{Turn: t, flow: f}
	if err := json.Unmarshal(t.Notice.Body, &s.reminder); err != nil {
		return fmt.Errorf("pbb: notice: %w", err)
	}
	s.reminder.Kind = t.Notice.Kind
	if s.reminder.Kind != dueSoon && s.reminder.Kind != dueLast {
		return fmt.Errorf("pbb: notice of kind %q", t.Notice.Kind)
	}
	// What was found when the notice was written is told if nothing newer can be had.
	if o, err := f.registry.Object(ctx, s.reminder.NOP); err == nil {
		now, due := f.rules.Reminder(o, t.Now)
		if !due || now.Year != s.reminder.Year {
			return nil
		}
		s.reminder, s.asOf = now, o.AsOf
	}
	s.memory = memory{NOP: s.reminder.NOP}
	if t.Now.Sub(t.Conversation.Heard) < busy {
		return sayReminder(ctx, s)
	}
	next, err := f.Fire(ctx, flows.Start, remind, s)
	if err != nil {
		return err
	}
	t.Conversation.State = next
	return t.Remember(s.memory)
}

func sayReminder(_ context.Context, s *step) error {
	r := bot.Reply{Key: "pbb." + s.reminder.Kind, Data: bot.Data{
		"year": s.reminder.Year, "plot": plot(s.reminder.NOP), "place": s.reminder.Place,
		"amount": s.reminder.Amount, "date": bot.Date(s.reminder.Date), "rest": "",
	}}
	if !s.asOf.IsZero() {
		r.Data["rest"] = []bot.Phrase{s.age(s.asOf)}
	}
	if s.Now.Sub(s.Conversation.Heard) < busy {
		r.Keep = true
	} else {
		r.Options = options(payValue, billValue)
	}
	s.Say(r)
	return nil
}

// remindConsent is kept with a subscription: by which words consent was asked.
const remindConsent = "pbb.ask_remind"

func sayAskRemind(_ context.Context, s *step) error {
	s.Say(bot.Reply{
		Key: remindConsent, Data: bot.Data{"plot": plot(s.memory.NOP)},
		Options: []bot.Option{bot.Choice(flows.Yes), bot.Choice(flows.No)},
	})
	return nil
}

func sayReminding(ctx context.Context, s *step) error {
	mark := ""
	if o, err := s.flow.registry.Object(ctx, s.memory.NOP); err == nil {
		if now, due := s.flow.rules.Reminder(o, s.Now); due {
			mark = now.Mark() // he has just seen it
		}
	}
	s.Effect(bot.Subscribe{Purpose: Due, Key: string(s.memory.NOP), Mark: mark, Consent: remindConsent})
	s.Say(bot.Reply{Key: "pbb.reminding", Options: options(payValue, billValue)})
	return nil
}

func sayNotReminding(_ context.Context, s *step) error {
	s.Say(bot.Reply{Key: "pbb.not_reminding", Options: options(payValue, billValue)})
	return nil
}

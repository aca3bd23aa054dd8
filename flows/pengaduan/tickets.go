package pengaduan

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// filing is how the attempts to send something are called. The first ones are
// free; somebody who floods the offices has to wait.
const filing = "complaint"

// send files the complaint, unless it is there already or the resident has sent
// too many. Who says the same again wants to know whether it was heard: he is
// shown his ticket, and the office is not given two.
func (f *Flow) send(ctx context.Context, s *step) string {
	if s.memory.Draft.Text == "" {
		return what
	}
	// If the register is down, one too many is better than none.
	tickets, _ := f.register.Own(ctx, s.Entry.Resident, maxTickets)
	for _, t := range tickets {
		if t.Status != StatusClosed && s.Now.Sub(t.Filed) < sameFor && squeeze(t.Text) == squeeze(s.memory.Draft.Text) {
			s.ticket, s.own, s.reason = t, true, "same"
			s.memory = memory{Ticket: t.Number}
			return show
		}
	}
	if f.tooMany(s) {
		return limit
	}
	return file
}

// sameFor is how long the same words mean the same complaint.
const sameFor = 30 * 24 * time.Hour

func (f *Flow) tooMany(s *step) bool {
	key := fmt.Sprint(s.Seq)
	attempts := s.Attempts(filing)
	if s.until = attempts.Until(s.Now, key); !s.until.IsZero() {
		s.reason = "sent"
		return true
	}
	attempts.Count(s.Now, key, true)
	return false
}

// added takes a remark to the ticket at hand.
func (f *Flow) added(s *step) string {
	s.remark = Added{Number: s.memory.Ticket, Text: cut(s.Understood.Text, maxText), Media: s.media(), Location: s.Location}
	switch {
	case s.memory.Ticket == "":
		s.reason = "first"
		return number
	case s.remark.Text == "" && s.remark.Media == nil && s.remark.Location == nil:
		return remark
	case f.tooMany(s):
		return limit
	}
	return add
}

// guessing is how the attempts to guess the number of a ticket are called.
const guessing = "ticket"

// lookup finds a ticket. Numbers that are not the asker's own count as attempts
// to guess one.
func (f *Flow) lookup(ctx context.Context, s *step, n Number) (string, error) {
	s.memory = memory{}
	t, err := f.register.Ticket(ctx, n)
	found := err == nil
	if err != nil && !errors.Is(err, ErrNotFound) {
		return fail, fmt.Errorf("pengaduan: ticket: %w", err)
	}
	s.ticket, s.own = t, found && t.Resident != "" && t.Resident == s.Entry.Resident
	if s.own {
		s.memory.Ticket = n
		return show, nil
	}
	attempts := s.Attempts(guessing)
	if s.until = attempts.Until(s.Now, string(n)); !s.until.IsZero() {
		s.reason = "tried"
		return limit, nil
	}
	attempts.Count(s.Now, string(n), found)
	if !found {
		s.reason = "not_found"
		return number, nil
	}
	return show, nil
}

// maxTickets is how many own tickets are offered, newest first.
const maxTickets = 5

// status answers how far the resident's tickets are.
func (f *Flow) status(ctx context.Context, s *step) (string, error) {
	tickets, err := f.register.Own(ctx, s.Entry.Resident, maxTickets)
	if err != nil {
		return fail, fmt.Errorf("pengaduan: own tickets: %w", err)
	}
	_, other := s.Understood.Slots.Get("ticket") // a number, but none of ours
	switch {
	case len(tickets) == 0 && f.topics.Find(s.Understood.Text) != "" && !other:
		return f.begin(s), nil
	case len(tickets) == 0 || other && len(tickets) > 1:
		s.memory = memory{}
		s.reason = "first"
		if other {
			s.reason = "not_found"
		}
		return number, nil
	case len(tickets) == 1:
		s.ticket, s.own = tickets[0], true
		s.memory = memory{Ticket: s.ticket.Number}
		return show, nil
	}
	s.memory = memory{}
	s.tickets = tickets
	return list, nil
}

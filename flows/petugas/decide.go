package petugas

import (
	"context"
	"strings"

	"tabe/bot"
	"tabe/bot/ident"
	"tabe/bot/understand"
)

// Values of the options.
const (
	callValue     = "call"
	withdrawValue = "withdraw"
)

// decide finds out what a message means, and writes the request that it makes.
func (f *Flow) decide(ctx context.Context, s *step) (event string, err error) {
	if talks(s.Turn) {
		if f.ends(s) {
			s.Effect(Leave{})
			return end, nil
		}
		s.Effect(Heard{})
		s.StaySilent()
		return listen, nil
	}
	if s.standing, err = f.Desk.Standing(ctx, s.Entry.Resident); err != nil {
		return "", err
	}
	if from, until, ok := f.Hours.Opening(s.Now); ok && from.Equal(s.Now) {
		s.closes = until
	}
	switch {
	case s.Choice == withdrawValue, s.Understood.Command && s.Understood.Intent == understand.Cancel:
		s.Effect(Leave{})
		return withdraw, nil
	case s.standing.Stage == Taken && !f.Dialled(s.Channel):
		s.Effect(Heard{})
		return take, nil
	}
	call := s.Choice == callValue || isVoice(s.Turn) || s.Choice == "" && f.cues.Only(s.Text) == "call" ||
		s.Conversation.State == askPhone || phoneIn(s.Turn) != ""
	if s.Conversation.State == "" && !call && s.Understood.Intent != understand.HumanAgent {
		s.Redirect(understand.OutOfScope) // said after an operator had ended it
		return listen, nil
	}
	return f.request(ctx, s, call || f.Dialled(s.Channel))
}

// ends tells whether the resident ends the conversation with an operator. Words
// that can answer a question, such as BATAL or a greeting, do not.
func (f *Flow) ends(s *step) bool {
	return s.Choice == bot.MenuValue || s.Choice == "" && f.cues.Only(s.Text) == "end"
}

// request puts the resident into the queue, if somebody is there and he wants
// to write, and otherwise promises him a time. What was promised before holds.
func (f *Flow) request(ctx context.Context, s *step, call bool) (event string, err error) {
	r := Request{Reason: ReasonAsked, Media: s.Media, MediaRef: s.MediaRef}
	event = promise
	switch {
	case isVoice(s.Turn):
		r.Reason = ReasonVoice
	case call:
		r.Reason = ReasonCall
	}
	if call || s.standing.Stage == Promised {
		r.Phone = f.phone(s)
	} else if s.closes.IsZero() {
		r.Phone = ownPhone(s.Turn)
	}
	switch {
	case call && r.Phone == "":
		event = number // the request is written all the same
		fallthrough
	case call, s.closes.IsZero(), s.standing.Stage == Promised:
		r.From, r.Until = s.standing.From, s.standing.Until
		if s.standing.Stage != Promised || !r.Until.After(s.Now) {
			if r.From, r.Until, err = Next(ctx, f.Desk, f.Hours, s.Now); err != nil {
				return "", err
			}
		}
		s.promise = Promise{From: r.From, Until: r.Until, Phone: r.Phone}
	default:
		event = queue
		r.From, r.Until = s.Now, s.closes
	}
	s.Effect(r)
	return event, nil
}

// phone returns the number to call: the one in the message, the one that was
// given before, the resident's own, or none.
func (f *Flow) phone(s *step) string {
	if p := phoneIn(s.Turn); p != "" {
		return p
	}
	if s.standing.Phone != "" {
		return s.standing.Phone
	}
	return ownPhone(s.Turn)
}

// phoneIn returns the telephone number in a message, empty if there is none.
func phoneIn(t *bot.Turn) string {
	text, ok := t.Understood.Slots.Get("phone")
	if !ok {
		return ""
	}
	p, err := ident.ParsePhone(text)
	if err != nil {
		return ""
	}
	return string(p)
}

// ownPhone returns the number that the resident writes from, empty if his
// channel proves none.
func ownPhone(t *bot.Turn) string {
	own, ok := strings.CutPrefix(t.Subject, "tel:")
	if !ok {
		return ""
	}
	return own
}

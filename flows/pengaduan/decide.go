package pengaduan

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode"

	"tabe/bot"
	"tabe/bot/understand"
	"tabe/flows"
)

// Topics of words.toml and kinds of topics.toml that the code knows.
const (
	statusTopic     = "status"
	remarkTopic     = "remark"
	unknownTopic    = "unknown"
	anonymousTopic  = "anonymous"
	wishTopic       = "wish"
	crimeTopic      = "crime"
	corruptionTopic = "corruption"
)

// Values of the options, besides the codes of offices and numbers of tickets.
const (
	sendValue      = "send"
	anonymousValue = "send_anonymous"
	changeValue    = "change"
	textValue      = "text"
	placeValue     = "place"
	officeValue    = "office"
	nameValue      = "name"
	unknownValue   = "unknown"
	remarkValue    = "remark"
	listValue      = "list"
	newValue       = "new"
	retryValue     = "retry"
	reviewValue    = "review"
)

// certain is the confidence from which another service is meant even while a
// free text was asked for.
const certain = 0.9

// Expects implements bot.Flow: an answer to what was asked is one, whatever it
// could mean elsewhere.
func (f *Flow) Expects(t *bot.Turn) bool {
	u, state := t.Understood, t.Conversation.State
	if _, ok := FindNumber(u.Text); ok {
		return true
	}
	if len(u.Text) <= longestWish {
		switch f.words.Find(u.Text) {
		case statusTopic:
			return u.Intent == understand.Complaint || u.Confidence < certain
		case remarkTopic:
			return slices.Contains(atTicket, state)
		}
	}
	if u.Text == "" && (t.Media != "" || t.Location != nil) {
		return state != ""
	}
	elsewhere := u.Intent != understand.Complaint && u.Intent != understand.OutOfScope && u.Confidence >= certain
	switch state {
	case askWhat:
		return f.topics.Find(u.Text) != ""
	case askWhere:
		return placeOf(u.Slots) != (Place{}) || f.words.Find(u.Text) == unknownTopic || !elsewhere || u.Intent == understand.OfficeDirectory
	case askOffice:
		_, named := u.Slots.Get("office")
		return named || f.words.Find(u.Text) == unknownTopic || f.catalogue.officeCalled(strings.TrimSpace(u.Text)) != ""
	case review, askChange:
		return flows.YesOrNo(u.Text) != "" || placeOf(u.Slots) != (Place{}) && !elsewhere || f.words.Find(u.Text) == anonymousTopic
	case askReply, referred:
		return flows.YesOrNo(u.Text) != ""
	case askName:
		return true
	case askRemark:
		return !elsewhere || len(u.Text) > shortAnswer
	case askTicket:
		_, ok := ParseNumber(u.Text)
		return ok || isNumber(u.Text)
	}
	return false
}

// shortAnswer is the length of a text, in bytes, that can be small talk, and
// longestWish that of one which only says what the resident wants of us.
const (
	shortAnswer = 30
	longestWish = 60
)

// Claims implements bot.Claimant: the number of a ticket with hardly anything
// beside it, and the question how far "my report" is, are about a ticket
// whatever is going on.
func (f *Flow) Claims(_ context.Context, t *bot.Turn) bool {
	if len(t.Text) > longestWish || t.Choice != "" {
		return false
	}
	if _, ok := FindNumber(t.Text); ok {
		return true
	}
	return t.Understood.Intent != understand.Complaint && // which comes here anyway
		!otherService(t.Understood) && saysTicket(t.Text) && f.words.Find(t.Text) == statusTopic
}

// otherService tells whether somebody is clearly asking for what another
// service has a register of.
func otherService(u understand.Result) bool {
	switch kind, _, _ := strings.Cut(string(u.Intent), "_"); kind {
	case "tax", "permit", "macca":
		return u.Confidence >= bot.Sure
	}
	return false
}

// ticketWords are how the words for a ticket begin.
var ticketWords = []string{"lapor", "aduan", "pengadu", "tiket"}

func saysTicket(text string) bool {
	for _, word := range strings.Fields(strings.ToLower(text)) {
		for _, begin := range ticketWords {
			if strings.HasPrefix(word, begin) {
				return true
			}
		}
	}
	return false
}

// wordy are the states that wait for words.
var wordy = []string{askWhat, askWhere, askName, askRemark}

func hasWord(text string) bool {
	return strings.ContainsFunc(text, unicode.IsLetter)
}

// isNumber tells whether a text is meant as a number of some kind.
func isNumber(text string) bool {
	return len(text) <= shortAnswer && len(strings.Fields(text)) <= 2 && strings.ContainsAny(text, "0123456789")
}

// decide finds out what a message means in the state of the conversation, and
// looks up what the answer needs. An error means that the register is down.
func (f *Flow) decide(ctx context.Context, s *step) (string, error) {
	if s.Choice != "" {
		return f.chosen(ctx, s)
	}
	u, state := s.Understood, s.Conversation.State
	if n, ok := FindNumber(u.Text); ok {
		return f.lookup(ctx, s, n)
	}
	topic := f.words.Find(u.Text)
	wordless := u.Text == ""
	if slices.Contains(wordy, state) && !wordless && !hasWord(u.Text) && s.position() == nil {
		return noEvent, nil // the digit of an option that is not there
	}
	if wordless && s.Location == nil && s.media() == nil && state != "" {
		return noEvent, nil // a sticker
	}
	switch state {
	case askWhat:
		s.attach()
		if s.memory.Draft.Text != "" { // it is to be changed
			s.memory.Draft.Text, s.memory.Draft.Kind = "", ""
		}
		if wordless {
			if f.locate(s); s.reason == "" {
				s.reason = "photo"
			}
			return f.next(s), nil
		}
		place, to := s.memory.Draft.Place, s.memory.Draft.Office
		f.describe(s)
		if s.memory.Draft.Place == (Place{}) {
			s.memory.Draft.Place = place
		}
		if s.memory.Draft.Office == "" {
			s.memory.Draft.Office = to
		}
		return f.next(s), nil
	case askWhere:
		return f.answeredWhere(s, topic), nil
	case askOffice:
		switch code := f.catalogue.officeCalled(strings.TrimSpace(u.Text)); {
		case topic == unknownTopic:
			s.memory.Draft.Office = f.catalogue.General
		case code != "":
			s.memory.Draft.Office = code
		default:
			slot, _ := u.Slots.Get("office")
			if code = f.catalogue.officeCalled(slot); code == "" {
				return office, nil
			}
			s.memory.Draft.Office = code
		}
		return f.next(s), nil
	case review, askChange:
		return f.amended(ctx, s, topic), nil
	case askName:
		if wordless {
			return name, nil
		}
		s.memory.Draft.Name = cut(u.Text, maxName)
		return f.next(s), nil
	case askReply:
		switch flows.YesOrNo(u.Text) {
		case flows.Yes:
			return f.send(ctx, s), nil
		case flows.No:
			s.memory.Draft.Mute = true
			return f.send(ctx, s), nil
		}
	case referred:
		switch flows.YesOrNo(u.Text) {
		case flows.Yes:
			return f.overseen(s), nil
		case flows.No:
			s.memory = memory{}
			return what, nil
		}
	case askRemark:
		return f.added(s), nil
	case askTicket:
		if n, ok := ParseNumber(u.Text); ok {
			return f.lookup(ctx, s, n)
		}
		if isNumber(u.Text) {
			s.reason = "not_found"
			return number, nil
		}
	}
	if slices.Contains(atTicket, state) && s.memory.Ticket != "" {
		switch {
		case wordless:
			return f.added(s), nil // the picture of what was just filed
		case topic == remarkTopic && len(strings.Fields(u.Text)) <= 3:
			return remark, nil
		case topic == remarkTopic:
			return f.added(s), nil // and says what
		}
	}
	if topic == statusTopic {
		return f.status(ctx, s)
	}
	if u.Intent != understand.Complaint && f.topics.Find(u.Text) == "" {
		return noEvent, nil
	}
	return f.begin(s), nil
}

// begin starts another complaint with what a message says of it.
func (f *Flow) begin(s *step) string {
	s.memory = memory{}
	s.attach()
	if f.tells(s) {
		f.describe(s)
	} else {
		f.locate(s)
		f.address(s)
	}
	s.reason = "first"
	return f.next(s)
}

// few words can be of whom or where somebody complains ("pak desa", "dinas
// sosial"); more say what is wrong.
const few = 2

// tells reports whether a message says what is wrong, and not only that
// somebody wants to complain.
func (f *Flow) tells(s *step) bool {
	text := s.Understood.Text
	if f.topics.Find(text) != "" {
		return true
	}
	words := 0
	for _, word := range strings.Fields(text) {
		if f.words.Only(word) != wishTopic {
			words++
		}
	}
	return words > few
}

// answeredWhere takes any answer to the question for the place.
func (f *Flow) answeredWhere(s *step, topic string) string {
	s.attach()
	d, text := &s.memory.Draft, s.Understood.Text
	switch {
	case f.locate(s):
		if p := &d.Place; p.Landmark == "" && p.Location == nil && len(strings.Fields(text)) > len(strings.Fields(p.Desa+" "+p.Kecamatan)) {
			p.Landmark = cut(text, maxLandmark) // "lorong 5 lemba"
		}
	case s.reason == "outside":
		return where
	case text == "":
		s.reason = "first"
		return where
	case topic == unknownTopic:
		d.Nowhere = true
	default:
		d.Place.Landmark = cut(text, maxLandmark)
		d.Place.Desa, d.Place.Kecamatan = f.places.Mentioned(d.Place.Landmark)
	}
	return f.next(s)
}

// amended changes what was read back, or agrees to it.
func (f *Flow) amended(ctx context.Context, s *step, topic string) string {
	d, u := &s.memory.Draft, s.Understood
	switch flows.YesOrNo(u.Text) {
	case flows.Yes:
		if s.Conversation.State == review {
			return f.agreed(ctx, s)
		}
		return change
	case flows.No:
		return change
	}
	s.attach()
	switch {
	case s.position() != nil && !f.locate(s):
		return where // outside the regency
	case u.Text == "":
	case topic == anonymousTopic:
		d.Anonymous = true
		return reply
	case u.Intent == understand.Complaint || s.Media != "" || f.topics.Find(u.Text) != "":
		if placeOf(u.Slots) != (Place{}) {
			f.locate(s)
		}
		d.append(f, u.Text)
	case f.locate(s):
	case len(strings.Fields(u.Text)) > few:
		d.append(f, u.Text)
	default:
		return noEvent
	}
	return f.next(s)
}

// overseen sends a case of corruption to the oversight office.
func (f *Flow) overseen(s *step) string {
	if s.memory.Draft.Kind == crimeTopic {
		return refer
	}
	s.memory.Draft.Oversight = true
	s.memory.Draft.Office = f.catalogue.Oversight
	return f.next(s)
}

// agreed is for who found right what was read back.
func (f *Flow) agreed(ctx context.Context, s *step) string {
	if s.memory.Draft.Anonymous {
		return reply
	}
	return f.send(ctx, s)
}

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

// chosen is decide for an option.
func (f *Flow) chosen(ctx context.Context, s *step) (string, error) {
	d := &s.memory.Draft
	switch s.Choice {
	case sendValue:
		return f.agreed(ctx, s), nil
	case anonymousValue:
		d.Anonymous, d.Name = true, ""
		return reply, nil
	case changeValue:
		return change, nil
	case textValue:
		s.reason = "again"
		return what, nil
	case placeValue:
		d.Nowhere = false
		s.reason = "first"
		return where, nil
	case officeValue:
		return office, nil
	case nameValue:
		return name, nil
	case reviewValue:
		return f.next(s), nil
	case unknownValue:
		if s.Conversation.State == askWhere {
			d.Nowhere = true
		} else {
			d.Office = f.catalogue.General
		}
		return f.next(s), nil
	case flows.Yes:
		if s.Conversation.State == referred {
			return f.overseen(s), nil
		}
		return f.send(ctx, s), nil
	case flows.No:
		if s.Conversation.State == referred {
			s.memory = memory{}
			s.reason = "first"
			return what, nil
		}
		d.Mute = true
		return f.send(ctx, s), nil
	case remarkValue:
		return remark, nil
	case listValue, retryValue:
		if s.Choice == retryValue && d.Text != "" {
			return f.next(s), nil
		}
		return f.status(ctx, s)
	case newValue:
		s.memory = memory{}
		s.reason = "first"
		return what, nil
	}
	if f.catalogue.HasOffice(s.Choice) {
		d.Office = s.Choice
		return f.next(s), nil
	}
	if n, ok := FindNumber(s.Choice); ok {
		return f.lookup(ctx, s, n)
	}
	return noEvent, nil
}

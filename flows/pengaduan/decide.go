package pengaduan

import (
	"context"
	"slices"
	"strings"
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

// longestPlace is the length of a text, in bytes, that describes nothing but a place.
const longestPlace = 60

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
		!otherService(t.Understood) && f.tickets.Find(t.Text) != "" && f.words.Find(t.Text) == statusTopic
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

// wordy are the states that wait for words.
var wordy = []string{askWhat, askWhere, askName, askRemark}

// isKey tells whether a text is meant as the key of an option.
func isKey(text string) bool {
	return len(text) <= 2 && !strings.ContainsFunc(text, unicode.IsLetter)
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
	if slices.Contains(wordy, state) && !wordless && isKey(u.Text) {
		return noEvent, nil // of an option that is not there
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
			if code = f.catalogue.officeCalled(slot); code == "" && !f.says(u.Text) {
				return noEvent, nil
			} else if code == "" {
				s.memory.Draft.append(f, u.Text) // more of what is wrong
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
		case topic == remarkTopic, state != showTicket && f.goesOn(s, topic):
			return f.added(s), nil
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
	if k := f.catalogue.Kind(f.topics.Find(text)); k.Public || k.Confidential {
		return true // "sampah" says it all; "dukcapil" does not
	}
	return f.says(text)
}

// says reports whether a text has more words than it takes to wish something.
func (f *Flow) says(text string) bool {
	words := 0
	for _, word := range strings.Fields(text) {
		if f.words.Only(word) != wishTopic {
			words++
		}
	}
	return words > few
}

// goesOn reports whether somebody who has just sent a complaint says more of
// it ("sudah tiga bulan begitu terus"), and not something new.
func (f *Flow) goesOn(s *step, topic string) bool {
	u := s.Understood
	_, office := u.Slots.Get("office")
	return u.Intent == understand.Complaint && topic != statusTopic && f.topics.Find(u.Text) == "" &&
		!office && f.tickets.Find(u.Text) == "" && f.says(u.Text)
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
	if len(text) > longestPlace {
		d.append(f, text) // it says more than where
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

package darurat

import (
	"context"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"tabe/bot"
	"tabe/bot/understand"
	"tabe/flows"
)

// Values of the options, besides codes of places.
const (
	pickValue    = "pick_district"
	unknownValue = "unknown"
)

// Topics of cues.toml.
const (
	dangerTopic = "danger"
	safeTopic   = "no_danger"
	overTopic   = "over"
)

// How sure it must be that a message is meant for another service, or tells of
// another emergency, while an incident is open: nearly any text can name a
// place, and "kenapa belum datang" sounds like a question about a permit.
const (
	clear   = 0.8
	certain = 0.9 // while the flow waits for an answer
)

// home is the flow that only lists the services: no question of it is open.
const home = "menu"

// Claims implements bot.Claimant. While an incident of his is open, whatever a
// reporter writes is about it: "cepat pak", what a house looks like, a landmark
// that is also an office. Left to others are the choices of their questions,
// what he writes in the middle of another service (but not a position, for which
// only we asked, nor "sudah padam"), commands, and what is clearly meant for another
// service. "batal" is ours, because it must never look as if the help were
// cancelled. Who never reported costs a look at a short list.
func (f *Flow) Claims(ctx context.Context, t *bot.Turn) bool {
	if t.Choice != "" || t.Message.Choice != "" || t.Opens || !slices.Contains(t.Resident.Used, f.Name()) {
		return false
	}
	c := t.Conversation
	here := c.Flow == f.Name()
	elsewhere := !here && c.Flow != "" && c.Flow != home
	if elsewhere && t.Location == nil && (t.Understood.Command || f.cues.Find(t.Text) != overTopic) || !f.aboutIt(t) {
		return false
	}
	known, err := f.incidents.Open(ctx, t.Entry.Resident, t.Now.Add(-joins))
	return len(known) > 0 || err != nil && here && c.State != ""
}

// aboutIt tells whether a text can be about an incident that is open.
func (f *Flow) aboutIt(t *bot.Turn) bool {
	u := t.Understood
	switch {
	case t.Location != nil, t.Media != "", u.Intent == understand.Cancel, u.Intent == understand.HumanAgent:
		return true
	case u.Command:
		return false
	}
	switch u.Intent {
	case understand.OutOfScope, understand.Greeting, understand.Thanks, understand.Complaint:
		return true
	case understand.OfficeDirectory: // "depan kantor camat"
		return f.asks(t)
	case understand.DeleteData, understand.ChangeLanguage:
		return u.Confidence < bot.Sure
	}
	limit := clear
	if f.asks(t) {
		limit = certain
	}
	return kinds[u.Intent] != "" || u.Confidence < limit
}

// asks tells whether the flow waits for an answer.
func (f *Flow) asks(t *bot.Turn) bool {
	return t.Conversation.Flow == f.Name() && t.Conversation.State != "" && t.Conversation.State != reported
}

// Expects implements bot.Flow.
func (f *Flow) Expects(t *bot.Turn) bool {
	return t.Conversation.State != "" && f.aboutIt(t)
}

// decide finds out what a message adds to the incident, and what is missing.
func (f *Flow) decide(s *step) string {
	if s.Choice != "" {
		return f.chosen(s)
	}
	topic := f.cues.Find(s.Text)
	switch topic {
	case dangerTopic:
		s.danger(Yes)
	case safeTopic:
		s.danger(No)
	}
	answer := Answer(flows.YesOrNo(s.Text))
	if cancels := s.Understood.Intent == understand.Cancel && s.Understood.Confidence >= bot.Sure && answer == ""; !s.report.First && (cancels || topic == overTopic) {
		s.report.TakeBack = true
		return takenBack
	}
	switch s.Conversation.State {
	case confirming:
		if answer != "" {
			return f.confirmed(s, answer == Yes)
		}
	case askDanger:
		if answer != "" {
			s.danger(answer)
		}
		return f.missing(s)
	case askContact:
		if answer != "" {
			s.consent(answer)
		}
		return f.missing(s)
	}
	if event := f.place(s); event != "" {
		return event
	}
	if s.memory.Settled {
		return f.missing(s)
	}
	if s.report.First {
		return noPlace
	}
	// An answer that names no desa is kept as the words of the reporter, and
	// the list is shown once. Whoever does not choose from it either has better
	// things to do.
	if s.Text != "" && topic != unknownValue && s.Conversation.State != confirming {
		s.where().Landmark = s.Text
	}
	switch {
	case s.Conversation.State == askPlace && s.Media != "": // a picture
		return noPlace
	case s.Conversation.State == askPlace, s.Conversation.State == askWhich:
		return vague
	}
	s.memory.Settled = true
	return f.missing(s)
}

// place reads a position and names of places out of the message; "" if there
// are none.
func (f *Flow) place(s *step) string {
	slots := s.Understood.Slots
	if mark, ok := slots.Get("landmark"); ok {
		s.where().Landmark = mark
	}
	if l := position(s); l != nil {
		return f.pinned(s, *l)
	}
	villages := f.units(slots.All("desa"), false)
	districts := f.units(slots.All("kecamatan"), true)
	if len(villages)+len(districts) == 0 && !s.report.First && !s.memory.Settled {
		villages = f.plain(s)
	}
	switch {
	case len(villages) == 1:
		return f.name(s, villages[0])
	case len(villages) > 1:
		return s.ask(villages)
	case len(districts) > 1:
		return s.ask(districts)
	case len(districts) == 1 && s.memory.Unit != districts[0].Code:
		return f.name(s, districts[0])
	}
	return ""
}

// name takes a place that was told in words. The desa decides, because people
// mix up the kecamatan whose names are alike; it is read back.
func (f *Flow) name(s *step, u Unit) string {
	s.set(u, FromText)
	if u.IsDistrict() {
		s.memory.Page = 0
		return district
	}
	return named
}

func (s *step) ask(units []Unit) string {
	s.memory.Choices = nil
	for _, u := range units[:min(len(units), bot.MaxOptions-1)] {
		s.memory.Choices = append(s.memory.Choices, u.Code)
	}
	return alike
}

// pinned takes a position. One that lies in no desa is kept and doubted.
func (f *Flow) pinned(s *step, l bot.Location) string {
	u, doubt := f.places.At(l)
	w := s.where()
	w.Position, w.Doubt = &l, doubt
	if doubt == Outside {
		s.outside = true
		if s.memory.Settled {
			return f.missing(s)
		}
		return noPlace
	}
	s.set(u, FromPin)
	s.memory.Settled = true
	return f.missing(s)
}

func position(s *step) *bot.Location {
	if s.Location != nil {
		return s.Location
	}
	lat, okLat := s.Understood.Slots.Get("lat")
	lng, okLng := s.Understood.Slots.Get("lng")
	if !okLat || !okLng {
		return nil
	}
	var l bot.Location
	var errLat, errLng error
	l.Lat, errLat = strconv.ParseFloat(lat, 64)
	l.Lng, errLng = strconv.ParseFloat(lng, 64)
	if errLat != nil || errLng != nil || !l.Valid() {
		return nil
	}
	return &l
}

// units are the different places of some names.
func (f *Flow) units(names []string, districts bool) []Unit {
	var units []Unit
	for _, name := range names {
		if u, ok := f.places.Named(name, districts); ok && !slices.Contains(units, u) {
			units = append(units, u)
		}
	}
	return units
}

// plain finds names of desa that are also ordinary words ("kaca" is glass, too)
// and count only where a place was asked for. In the list of a kecamatan only
// its own count.
func (f *Flow) plain(s *step) []Unit {
	words := strings.FieldsFunc(strings.ToLower(s.Text), func(r rune) bool { return !unicode.IsLetter(r) })
	if len(words) > maxPlain {
		words = words[:maxPlain]
	}
	var units []Unit
	for _, d := range f.places.Districts() {
		if s.Conversation.State == askVillage && !strings.HasPrefix(s.memory.Unit, d.Code) {
			continue
		}
		for _, u := range f.places.Villages(d.Code) {
			if contains(words, strings.Fields(strings.ToLower(strings.ReplaceAll(u.Name, "-", " ")))) {
				units = append(units, u)
			}
		}
	}
	// "Watu Toa" is not Watu.
	return slices.DeleteFunc(units, func(u Unit) bool {
		return slices.ContainsFunc(units, func(o Unit) bool { return len(o.Name) > len(u.Name) && strings.HasPrefix(o.Name, u.Name+" ") })
	})
}

// maxPlain is how many words of an answer are looked through.
const maxPlain = 40

func contains(words, name []string) bool {
	for i := 0; i+len(name) <= len(words); i++ {
		if slices.Equal(words[i:i+len(name)], name) {
			return true
		}
	}
	return false
}

// chosen is decide for an option.
func (f *Flow) chosen(s *step) string {
	switch s.Conversation.State {
	case confirming:
		return f.confirmed(s, s.Choice == flows.Yes)
	case askDanger:
		if s.Choice != unknownValue {
			s.danger(Answer(s.Choice))
		}
		return f.missing(s)
	case askContact:
		s.consent(Answer(s.Choice))
		return f.missing(s)
	}
	switch s.Choice {
	case pickValue:
		s.memory.Page = 0
		return vague
	case unknownValue:
		s.memory.Settled = true
		return f.missing(s)
	case bot.MoreValue, bot.BackValue:
		if s.memory.Page++; s.Choice == bot.BackValue {
			s.memory.Page = max(0, s.memory.Page-2)
		}
		if s.Conversation.State == askVillage {
			return district
		}
		return vague
	}
	u, ok := f.places.Unit(s.Choice)
	if !ok {
		return f.missing(s)
	}
	s.set(u, FromChoice)
	if u.IsDistrict() {
		s.memory.Page = 0
		return district
	}
	s.memory.Settled = true
	return f.missing(s)
}

func (f *Flow) confirmed(s *step, right bool) string {
	if !right {
		s.memory.Unit, s.memory.Page = "", 0
		return vague
	}
	if u, ok := f.places.Unit(s.memory.Unit); ok {
		s.set(u, FromChoice)
	}
	s.memory.Settled = true
	return f.missing(s)
}

// missing is the next question, or that there is none.
func (f *Flow) missing(s *step) string {
	switch {
	case !s.memory.Settled:
		return noPlace
	case s.memory.Kind == Violence && s.memory.Contact == "":
		return quiet
	case s.memory.Kind == Violence, s.memory.Kind == Medical, s.memory.Danger != "", s.memory.Asked:
		if s.Conversation.State == reported || s.Conversation.State == "" && !s.report.First {
			return joined
		}
		return complete
	}
	return placed
}

func (s *step) set(u Unit, from Source) {
	s.memory.Unit, s.memory.Choices = u.Code, nil
	w := s.where()
	w.Unit, w.Source = u.Code, from
}

func (s *step) where() *Where {
	if s.report.Where == nil {
		s.report.Where = &Where{}
	}
	return s.report.Where
}

func (s *step) danger(a Answer) { s.memory.Danger, s.report.Danger = a, a }

func (s *step) consent(a Answer) {
	if a != Yes {
		a = No
	}
	s.memory.Contact, s.report.Contact = a, a
}

package kantor

import (
	"strings"
	"time"

	"tabe/bot"
	"tabe/bot/understand"
	"tabe/flows"
)

// Values of the options. Those with a colon are followed by a code.
const (
	hoursValue  = "hours"
	othersValue = "others"
	cardValue   = "office:"
	groupValue  = "group:"
	errandValue = "errand:"
	intentValue = "intent:"
)

// decide finds out what a message means.
func (f *Flow) decide(s *step) string {
	if s.Choice != "" {
		return f.chosen(s)
	}
	u := s.Understood
	aspect, what := f.aspects.Find(u.Text), f.errands.Find(u.Text)
	o := f.named(s)
	if o != nil && what != "" && errandOffice[what] != o.Code {
		what = "" // it is that office that is asked about
	}
	switch {
	case what != "" && aspect != "hours":
		s.memory = memory{Errand: what, Office: errandOffice[what]}
		return arrange
	case o != nil:
		s.memory = memory{Office: o.Code}
	case what != "":
		s.memory = memory{Office: errandOffice[what]}
	case aspect != "hours" && f.aspects.Only(u.Text) != "more":
		s.memory = memory{} // something else than the office at hand
	}
	switch {
	case aspect == "hours":
		s.day, s.fast = f.dayIn(s)
		return look
	case aspect == "list":
		return ask
	case s.memory.Office != "" && (u.Intent == understand.OfficeDirectory || s.place != ""):
		s.names, s.email = aspect == "who", aspect == "email"
		return show
	case u.Intent == understand.OfficeDirectory || s.Conversation.State == "" || s.Conversation.State == flows.Start:
		return ask
	}
	return noEvent
}

// named returns the office that a message is about, nil if it names none.
func (f *Flow) named(s *step) *Office {
	if name, ok := s.Understood.Slots.Get("office"); ok {
		if o := f.data.called(name); o != nil {
			if desa, ok := s.Understood.Slots.Get("desa"); ok && o.Local {
				s.place = desa
			}
			return o
		}
	}
	if code := f.others.Find(s.Understood.Text); code != "" {
		return f.data.office(code)
	}
	return f.near(s)
}

// near returns the office of the kecamatan for a place that was named.
func (f *Flow) near(s *step) *Office {
	for _, slot := range []string{"kecamatan", "desa"} {
		if name, ok := s.Understood.Slots.Get(slot); ok {
			if o := f.data.kecamatanOf(name); o != nil {
				s.place = name
				return o
			}
		}
	}
	return nil
}

// dayIn returns the day whose hours are asked for, zero for now.
func (f *Flow) dayIn(s *step) (day time.Time, fast bool) {
	today := midnight(s.Now)
	switch name := f.days.Find(s.Understood.Text); name {
	case "", "today":
		return time.Time{}, false
	case "ramadan":
		return time.Time{}, true
	case "tomorrow":
		return today.AddDate(0, 0, 1), false
	default:
		ahead := (int(weekdays[name]) - int(today.Weekday()) + 7) % 7
		return today.AddDate(0, 0, ahead), false
	}
}

// chosen is decide for an option.
func (f *Flow) chosen(s *step) string {
	kind, code, _ := strings.Cut(s.Choice, ":")
	switch kind + ":" {
	case cardValue:
		s.memory = memory{Office: code, Group: s.memory.Group, Page: s.memory.Page}
		if f.data.office(code) == nil {
			return ask // the file has changed since
		}
		return show
	case groupValue:
		s.memory = memory{Group: code}
		if code == groups[0] {
			return offer
		}
		return list
	case errandValue:
		s.memory = memory{Errand: code, Office: errandOffice[code]}
		return arrange
	case intentValue:
		s.Redirect(understand.Intent(code))
		return leave
	}
	switch s.Choice {
	case hoursValue:
		return look
	case othersValue:
		s.memory = memory{}
		return ask
	case bot.MoreValue:
		s.memory.Page++
		return list
	case bot.BackValue:
		s.memory.Page--
		return list
	}
	return noEvent
}

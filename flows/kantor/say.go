package kantor

import (
	"context"
	"strconv"
	"time"

	"tabe/bot"
	"tabe/bot/understand"
	"tabe/flows"
)

// questions is what each state says.
var questions = map[string]flows.Enter[*step]{
	chooseTopic: sayTopics, chooseOffice: sayOffices, chooseErrand: sayErrands,
	office: sayOffice, errand: sayErrand, hours: sayHours,
}

func sayTopics(_ context.Context, s *step) error {
	var options []bot.Option
	for _, g := range groups {
		options = append(options, bot.Option{Value: groupValue + g, Label: "kantor.group_" + g})
	}
	s.Say(bot.Reply{Key: "kantor.ask_topic", Options: options})
	return nil
}

func sayErrands(_ context.Context, s *step) error {
	options := make([]bot.Option, len(papers))
	for i, e := range papers {
		options[i] = bot.Option{Value: errandValue + e, Label: "kantor.errand_" + e}
	}
	s.Say(bot.Reply{Key: "kantor.ask_errand", Options: options})
	return nil
}

// sayOffices lists a group, in pages of about the same length.
func sayOffices(_ context.Context, s *step) error {
	all := s.flow.data.in(s.memory.Group)
	pages := max(1, (len(all)+bot.MaxOptions-1)/bot.MaxOptions)
	size := (len(all) + pages - 1) / pages
	s.memory.Page = min(max(s.memory.Page, 0), pages-1)
	from := s.memory.Page * size
	var options []bot.Option
	for _, o := range all[from:min(from+size, len(all))] {
		options = append(options, bot.Option{Value: cardValue + o.Code, Label: "kantor.option_office", Data: bot.Data{"office": o.Short}})
	}
	if s.memory.Page > 0 {
		options = append(options, bot.Choice(bot.BackValue))
	}
	if s.memory.Page < pages-1 {
		options = append(options, bot.Choice(bot.MoreValue))
	}
	s.Say(bot.Reply{Key: "kantor.ask_office", Options: options})
	return nil
}

var (
	hoursOption  = bot.Option{Value: hoursValue, Label: "kantor.option_hours"}
	othersOption = bot.Option{Value: othersValue, Label: "kantor.option_others"}
	humanOption  = topic(understand.HumanAgent)
)

// topic is the choice of a service.
func topic(i understand.Intent) bot.Option {
	return bot.Option{Value: intentValue + string(i), Label: "topic." + string(i)}
}

func sayOffice(ctx context.Context, s *step) error {
	o := s.flow.data.office(s.memory.Office)
	if o == nil {
		return sayTopics(ctx, s)
	}
	if o.elsewhere {
		s.sayElsewhere(o)
		return nil
	}
	r := bot.Reply{Key: "kantor.office", Data: bot.Data{"office": o.Name, "for": o.For}, Options: []bot.Option{hoursOption, othersOption}}
	var rest []bot.Phrase
	if s.place != "" && "Kecamatan "+s.place != o.Name {
		rest = append(rest, bot.Phrase{Key: "kantor.serves", Data: bot.Data{"desa": s.place}})
	}
	if s.names {
		rest = append(rest, bot.Phrase{Key: "kantor.no_names"})
	}
	rest = append(rest, s.reach(o)...)
	if o.Always {
		rest = append(rest, bot.Phrase{Key: "kantor.always"})
	} else {
		rest = append(rest, s.openNow())
	}
	r.Data["rest"] = rest
	s.Say(r)
	return nil
}

// sayElsewhere tells of what is not one of the offices.
func (s *step) sayElsewhere(o *Office) {
	r := bot.Reply{Key: "kantor.elsewhere", Data: bot.Data{"office": o.Name, "for": o.For}, Options: []bot.Option{othersOption, humanOption}}
	if o.Local {
		r.Key = "kantor.local"
		if k := s.flow.data.kecamatanOf(s.place); k != nil {
			r.Options = append([]bot.Option{{Value: cardValue + k.Code, Label: "kantor.option_office", Data: bot.Data{"office": k.Short}}}, r.Options...)
		}
		rest := s.openNow()
		if o.OwnHours {
			rest = bot.Phrase{Key: "kantor.own_hours"}
		}
		r.Data["rest"] = []bot.Phrase{rest}
	}
	s.Say(r)
}

// reach says where an office is and how to call it.
func (s *step) reach(o *Office) []bot.Phrase {
	var list []bot.Phrase
	say := func(key, name, value string) {
		if value != "" {
			list = append(list, bot.Phrase{Key: "kantor." + key, Data: bot.Data{name: value}})
		}
	}
	say("address", "address", o.Address)
	say("phone", "phone", o.Phone)
	switch {
	case len(list) == 0:
		list = append(list, bot.Phrase{Key: "kantor.no_contact"})
	case o.Checked == "":
		list = append(list, bot.Phrase{Key: "kantor.unchecked"})
	}
	if s.email && o.Email != "" {
		say("email", "email", o.Email)
		return list
	}
	if o.Site == "" || s.names { // no room beside it
		return list
	}
	up, _, known := s.flow.sites.Up(o.Site)
	switch {
	case known && !up:
		list = append(list, bot.Phrase{Key: "kantor.site_down"})
	case known:
		say("site_up", "site", o.Site)
	default:
		say("site", "site", o.Site)
	}
	return list
}

// openNow says whether the offices are open, and until or from when.
func (s *step) openNow() bot.Phrase {
	from, until, ok := s.flow.data.Opening(s.Now)
	switch {
	case !ok:
		return bot.Phrase{Key: "kantor.closed"}
	case from.Equal(s.Now):
		return bot.Phrase{Key: "kantor.open_now", Data: bot.Data{"time": clockOf(until)}}
	}
	return bot.Phrase{Key: "kantor.open_later", Data: when(from)}
}

// when names a moment: weekday, day and time.
func when(t time.Time) bot.Data {
	t = t.In(bot.WITA)
	return bot.Data{"weekday": weekdayWord(t.Weekday()), "mday": t.Day(), "month": bot.Word("month." + strconv.Itoa(int(t.Month()))), "time": clockOf(t)}
}

func weekdayWord(w time.Weekday) bot.Word { return bot.Word("weekday." + strconv.Itoa(int(w))) }

func clockOf(t time.Time) string { return t.In(bot.WITA).Format("15.04") }

func sayErrand(ctx context.Context, s *step) error {
	o := s.flow.data.office(errandOffice[s.memory.Errand])
	if o == nil {
		return sayTopics(ctx, s)
	}
	data := bot.Data{
		"errand": bot.Word("kantor.errand_" + s.memory.Errand), "office": o.Name, "bring": bot.Word("kantor.bring_" + s.memory.Errand),
	}
	r := bot.Reply{Key: "kantor.errand", Data: data}
	if o.elsewhere && !o.Local {
		r.Key = "kantor.errand_elsewhere"
	} else {
		data["rest"] = []bot.Phrase{s.openNow()}
	}
	switch s.memory.Errand {
	case "tax":
		r.Options = append(r.Options, topic(understand.TaxHowToPay))
	case "permit":
		r.Options = append(r.Options, topic(understand.PermitRequirements))
	}
	if !o.elsewhere {
		r.Options = append(r.Options, bot.Option{Value: cardValue + o.Code, Label: "kantor.option_where"})
	}
	r.Options = append(r.Options, othersOption)
	s.Say(r)
	return nil
}

// sayHours tells whether the offices are open on a day, and the hours of the
// week. An office that is none of ours keeps its own.
func sayHours(_ context.Context, s *step) error {
	o := s.flow.data.office(s.memory.Office)
	switch {
	case o != nil && o.elsewhere && (!o.Local || o.OwnHours):
		s.sayElsewhere(o)
		return nil
	case o != nil && o.Always:
		s.Say(bot.Reply{Key: "kantor.hours_always", Data: bot.Data{"office": o.Name}, Options: s.hoursOptions(o)})
		return nil
	}
	r := bot.Reply{Key: "kantor.hours", Options: s.hoursOptions(o)}
	first := s.openNow()
	if !s.day.IsZero() {
		first = s.onDay()
	}
	rest := append([]bot.Phrase{first}, s.week()...)
	r.Data = bot.Data{"rest": rest}
	s.Say(r)
	return nil
}

func (s *step) hoursOptions(o *Office) []bot.Option {
	if o == nil || o.elsewhere {
		return []bot.Option{othersOption}
	}
	return []bot.Option{{Value: cardValue + o.Code, Label: "kantor.option_office", Data: bot.Data{"office": o.Short}}, othersOption}
}

// onDay says whether the offices are open on the day that was asked for.
func (s *step) onDay() bot.Phrase {
	d := s.flow.data.on(s.day)
	data := when(s.day)
	switch {
	case d.holiday != "":
		data["holiday"] = d.holiday
		return bot.Phrase{Key: "kantor.day_holiday", Data: data}
	case len(d.sessions) == 0:
		return bot.Phrase{Key: "kantor.day_closed", Data: data}
	}
	data["times"] = times(d.sessions)
	return bot.Phrase{Key: "kantor.day_open", Data: data}
}

// week says the hours of each weekday.
func (s *step) week() []bot.Phrase {
	day := s.Now
	if !s.day.IsZero() {
		day = s.day
	}
	list := []bot.Phrase{{Key: "kantor.week"}}
	if s.fast {
		list[0].Key = "kantor.week_ramadan"
	}
	unsure := s.flow.data.on(day).unsure
	for _, w := range s.flow.data.week(day, s.fast) {
		unsure = unsure || w.unsure
		data := bot.Data{"from": weekdayWord(w.from), "until": weekdayWord(w.to), "times": times(w.sessions)}
		key := "kantor.days"
		if w.from == w.to {
			key = "kantor.day"
		}
		list = append(list, bot.Phrase{Key: key, Data: data})
	}
	list = append(list, bot.Phrase{Key: "kantor.week_closed"})
	if unsure {
		list = append(list, bot.Phrase{Key: "kantor.unsure"})
	}
	return list
}

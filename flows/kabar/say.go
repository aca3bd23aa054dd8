package kabar

import (
	"context"
	"slices"
	"strings"

	"tabe/bot"
	"tabe/bot/ident"
	"tabe/flows"
)

// Values of the options, besides the names of kecamatan and what follows
// stopValue: purpose and key.
const (
	stopValue      = "stop/"
	allValue       = "all"
	subscribeValue = "subscribe"
	resumeValue    = "resume"
	everywhere     = "everywhere"
)

// chosen is decide for an option.
func (f *Flow) chosen(s *step) string {
	switch s.Choice {
	case allValue:
		s.end("", "")
		return stop
	case subscribeValue:
		s.memory.Page = 0
		return choose
	case resumeValue:
		return resume
	case Reserve:
		return f.reserve(s)
	case flows.Yes:
		return agree
	case flows.No:
		return decline
	case bot.MoreValue:
		s.memory.Page++
		return choose
	case bot.BackValue:
		s.memory.Page--
		return choose
	case everywhere:
		s.memory = memory{}
		return ask
	}
	if what, ok := strings.CutPrefix(s.Choice, stopValue); ok {
		purpose, key, _ := strings.Cut(what, "/")
		s.end(purpose, key)
		return stop
	}
	if slices.Contains(Kecamatan, s.Choice) {
		s.memory = memory{Kecamatan: s.Choice}
		return ask
	}
	return noEvent
}

// end withdraws the consent to a key, a purpose or everything, and notes what
// that ended.
func (s *step) end(purpose, key string) {
	left := 0
	for _, have := range s.have {
		switch {
		case have.ended():
		case purpose == "" || purpose == have.Purpose && (key == "" || key == have.Key):
			s.ended = append(s.ended, have)
		default:
			left++
		}
	}
	s.all = left == 0 && (purpose == "" || len(s.ended) > 0)
	s.Effect(bot.Unsubscribe{Purpose: purpose, Key: key})
}

// listed is how many subscriptions can be ended one by one; STOP ends them all.
const listed = 4

func sayList(_ context.Context, s *step) error {
	r := bot.Reply{Key: "kabar.list"}
	news, reserved := false, !s.flow.reservable(s.Turn)
	for _, have := range s.have {
		if have.ended() {
			continue
		}
		news, reserved = news || have.Purpose == News, reserved || have.Purpose == Reserve
		if len(r.Options) < listed {
			r.Options = append(r.Options, bot.Option{Value: stopValue + have.Purpose + "/" + have.Key, Label: label("kabar.option_stop_", have.Purpose), Data: bot.Data{"about": about(have)}})
		}
	}
	switch {
	case len(r.Options) > 1:
		r.Options = append(r.Options, option(allValue))
	case len(r.Options) == 0:
		r.Key = "kabar.list_nothing"
	}
	if !news {
		r.Options = append(r.Options, option(subscribeValue))
	}
	if !reserved {
		r.Options = append(r.Options, option(Reserve))
	}
	if len(lastEnded(s.have)) > 0 {
		r.Options = append(r.Options, option(resumeValue))
	}
	s.Say(r)
	return nil
}

func option(value string) bot.Option {
	return bot.Option{Value: value, Label: "kabar.option_" + value}
}

// label is the message that begins with prefix for a purpose, or for one that
// has none of its own.
func label(prefix, purpose string) string {
	switch purpose {
	case "pbb_due", "permit", "rice", News, Reserve:
		return prefix + purpose
	}
	return prefix + "else"
}

// longestAbout is how much of a key is shown.
const longestAbout = 20

// about is what tells the keys of a purpose apart, shown to whoever holds the phone.
func about(s Subscription) any {
	switch {
	case s.Purpose == News && s.Key == "":
		return bot.Word("kabar.everywhere")
	case s.Purpose == "pbb_due":
		return strings.TrimPrefix(ident.NOP(s.Key).Masked(), "***.")
	}
	if runes := []rune(s.Key); len(runes) > longestAbout {
		return string(runes[:longestAbout-2]) + ".."
	}
	return s.Key
}

// perPage is how many kecamatan one question offers.
const perPage = 5

func sayChoose(_ context.Context, s *step) error {
	names := Kecamatan
	s.memory.Page = max(0, min(s.memory.Page, (len(names)-1)/perPage))
	first := s.memory.Page * perPage
	last := min(first+perPage, len(names))
	r := bot.Reply{Key: "kabar.ask_kecamatan"}
	for _, name := range names[first:last] {
		r.Options = append(r.Options, bot.Option{Value: name, Label: "kabar.option_kecamatan", Data: bot.Data{"region": name}})
	}
	r.Options = append(r.Options, option(everywhere))
	if last < len(names) {
		r.Options = append(r.Options, bot.Choice(bot.MoreValue))
	}
	if first > 0 {
		r.Options = append(r.Options, bot.Choice(bot.BackValue))
	}
	s.Say(r)
	return nil
}

// area is the kecamatan at hand in words.
func (s *step) area() any {
	if s.memory.Kecamatan == "" {
		return bot.Word("kabar.everywhere")
	}
	return s.memory.Kecamatan
}

// consentKey is kept with a subscription: by which words consent was asked.
const consentKey = "kabar.ask_news"

func sayAsk(_ context.Context, s *step) error {
	if s.memory.Reserve {
		return sayAskReserve(s)
	}
	s.Say(bot.Reply{Key: consentKey, Data: bot.Data{"region": s.area()}, Options: []bot.Option{bot.Choice(flows.Yes), bot.Choice(flows.No)}})
	return nil
}

func saySubscribed(_ context.Context, s *step) error {
	if s.memory.Reserve {
		return sayReserved(s)
	}
	s.Effect(bot.Subscribe{Purpose: News, Key: s.memory.Kecamatan, Consent: consentKey})
	s.Say(bot.Reply{Key: "kabar.subscribed", Data: bot.Data{"region": s.area()}})
	return nil
}

func sayDeclined(_ context.Context, s *step) error {
	key := "kabar.declined"
	if s.memory.Reserve {
		key = "kabar.reserve_declined"
	}
	s.Say(bot.Reply{Key: key})
	return nil
}

func sayStopped(_ context.Context, s *step) error {
	r := bot.Reply{Key: "kabar.stopped", Data: bot.Data{"rest": summary(s.ended)}}
	switch {
	case len(s.ended) == 0 && s.all:
		r = bot.Reply{Key: "kabar.stopped_nothing"}
	case len(s.ended) == 0:
		r = bot.Reply{Key: "kabar.stopped_unknown"}
	case !s.all:
		r.Key = "kabar.stopped_some"
	}
	s.Say(r)
	return nil
}

func sayResumed(_ context.Context, s *step) error {
	s.Effect(Resume{})
	back := lastEnded(s.have)
	if len(back) == 0 {
		s.Say(bot.Reply{Key: "kabar.resumed_nothing"})
		return nil
	}
	s.Say(bot.Reply{Key: "kabar.resumed", Data: bot.Data{"rest": summary(back)}})
	return nil
}

// summary counts subscriptions by purpose, in the order in which they began.
func summary(list []Subscription) []bot.Phrase {
	var keys []string
	n := map[string]int{}
	for _, s := range list {
		key := label("kabar.what_", s.Purpose)
		if n[key]++; n[key] == 1 {
			keys = append(keys, key)
		}
	}
	var phrases []bot.Phrase
	for _, key := range keys {
		phrases = append(phrases, bot.Phrase{Key: key, Data: bot.Data{"count": n[key]}})
	}
	return phrases
}

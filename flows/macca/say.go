package macca

import (
	"context"
	"slices"
	"strconv"
	"time"

	"tabe/bot"
	"tabe/flows"
)

// questions are what each state says and asks.
var questions = map[string]flows.Enter[*step]{
	askKK:         sayAskKK,
	askBirth:      sayAskBirth,
	mismatch:      sayMismatch,
	choose:        sayChoose,
	showHousehold: sayHousehold,
	showDecile:    sayDecile,
	askDesa:       sayAskDesa,
	showRice:      sayRice,
	askNotify:     sayAskNotify,
	notified:      sayNotified,
	askConsent:    sayAskConsent,
	kept:          sayKept,
	declined:      sayDeclined,
	forgotten:     sayForgotten,
	chooseProblem: sayChooseProblem,
	advice:        sayAdvice,
	limited:       sayLimited,
	unavailable:   sayUnavailable,
}

// options are choices of this flow.
func options(values ...string) []bot.Option { return flows.Options(Name, values...) }

func sayAskKK(_ context.Context, s *step) error {
	r := bot.Reply{Key: "macca.ask_kk_" + s.reason}
	switch s.reason {
	case "length":
		r.Data = bot.Data{"digits": s.digits}
	case "gone":
		r.Data = bot.Data{"asof": bot.Moment(s.asOf)}
	}
	if s.reason != "where" {
		r.Options = options(whereValue)
	}
	r.Options = append(r.Options, options(registerTopic)...)
	s.Say(r)
	return nil
}

func sayAskBirth(_ context.Context, s *step) error {
	r := bot.Reply{Key: "macca.ask_birth_" + s.reason}
	if s.reason == "first" {
		r.Data = bot.Data{"kk": s.memory.KK.Masked()}
	}
	s.Say(r)
	return nil
}

func sayMismatch(_ context.Context, s *step) error {
	s.Say(bot.Reply{
		Key:     "macca.mismatch",
		Data:    bot.Data{"asof": bot.Moment(s.asOf)},
		Options: options(retryValue, registerTopic),
	})
	return nil
}

func sayChoose(_ context.Context, s *step) error {
	r := bot.Reply{Key: "macca.ask_which", Data: bot.Data{"count": len(s.families)}}
	for i, h := range s.families {
		r.Options = append(r.Options, bot.Option{Value: familyValue + strconv.Itoa(i), Label: "macca.option_family", Data: h.about()})
	}
	r.Options = append(r.Options, options(otherValue)...)
	s.Say(r)
	return nil
}

// Room for a name, a place and a list in a short message, in letters.
const (
	nameRoom = 28
	desaRoom = 18
	aidRoom  = 60
)

// about names a family by its head.
func (h Household) about() bot.Data {
	return bot.Data{"name": flows.Shortened(h.Members[0].Name, nameRoom), "place": flows.Shortened(h.Desa, desaRoom)}
}

// aid lists what the register names, as much as there is room for.
func (h Household) aid() string {
	text := ""
	for i, name := range h.Aid {
		more := name
		if i > 0 {
			more = ", " + name
		}
		if len(text)+len(more) > aidRoom {
			return text + ", +" + strconv.Itoa(len(h.Aid)-i)
		}
		text += more
	}
	return text
}

func sayHousehold(_ context.Context, s *step) error {
	h := s.family
	data := h.about()
	data["card"] = bot.Word("macca.card_" + string(h.Card))
	aid := bot.Phrase{Key: "macca.aid_none"}
	if len(h.Aid) > 0 {
		aid = bot.Phrase{Key: "macca.aid", Data: bot.Data{"list": h.aid()}}
	}
	data["rest"] = []bot.Phrase{aid, s.age(h.AsOf)}
	r := bot.Reply{Key: "macca.household", Data: data}
	if s.rules.rice(h) {
		r.Options = options(riceValue)
	}
	r.Options = append(r.Options, options(problemValue)...)
	if h.Decile > 0 {
		r.Options = append(r.Options, options(decileValue)...)
	}
	switch {
	case slices.Contains(s.saved(), h.KK):
		r.Options = append(r.Options, options(forgetValue)...)
	case !s.registered(h):
		r.Options = append(r.Options, options(saveValue)...)
	}
	r.Options = append(r.Options, options(otherValue)...)
	s.Say(r)
	return nil
}

// age says how old the data is, louder if it is too old.
func (s *step) age(asOf time.Time) bot.Phrase {
	if old := s.Now.Sub(asOf); old >= s.rules.StaleAfter {
		return bot.Phrase{Key: "macca.stale", Data: bot.Data{"asof": bot.Moment(asOf), "days": int(old.Hours() / 24)}}
	}
	return bot.Phrase{Key: "macca.age", Data: bot.Data{"asof": bot.Moment(asOf)}}
}

func sayDecile(_ context.Context, s *step) error {
	r := bot.Reply{Key: "macca.desil_unknown", Data: bot.Data{"rest": []bot.Phrase{s.age(s.family.AsOf)}}, Options: options(checkValue, problemValue)}
	if s.family.Decile > 0 {
		r.Key = "macca.desil"
		r.Data["desil"] = s.family.Decile
	}
	s.Say(r)
	return nil
}

func sayAskDesa(_ context.Context, s *step) error {
	s.Say(bot.Reply{Key: "macca.ask_desa_" + s.reason})
	return nil
}

func sayRice(_ context.Context, s *step) error {
	desa := s.memory.Desa
	d, over, known := s.rules.Next(desa, s.Now)
	r := bot.Reply{Key: "macca.rice_unknown", Data: bot.Data{"desa": flows.Shortened(desa, desaRoom)}}
	var rest []bot.Phrase
	switch {
	case known && over:
		r.Key, r.Data = "macca.rice_over", d.words()
	case known && s.Now.Before(d.From):
		r.Key, r.Data = "macca.rice_next", d.words()
	case known:
		r.Key, r.Data = "macca.rice_now", d.words()
	}
	if known && !over && d.Kg > 0 {
		rest = append(rest, bot.Phrase{Key: "macca.rice_kg", Data: bot.Data{"kg": d.Kg}})
	}
	if s.unlisted {
		rest = append(rest, bot.Phrase{Key: "macca.rice_unlisted"})
	}
	r.Data["rest"] = rest
	r.Options = options(notifyValue, "rice_problem", "pickup", desaValue)
	if s.memory.KK == "" {
		r.Options = append(r.Options, options(checkValue)...)
	}
	s.Say(r)
	return nil
}

// words are a distribution as the messages name it.
func (d Distribution) words() bot.Data {
	return bot.Data{
		"desa": d.Desa, "month": bot.Word("month." + strconv.Itoa(int(d.Month.Month()))),
		"first": bot.Date(d.From), "last": bot.Date(d.Until), "spot": d.Place, "hours": d.Hours,
	}
}

// The messages by which consent is asked; they are kept with it.
const (
	notifyKey  = "macca.ask_notify"
	consentKey = "macca.ask_consent"
)

var yesOrNo = []bot.Option{bot.Choice(flows.Yes), bot.Choice(flows.No)}

func sayAskNotify(_ context.Context, s *step) error {
	s.Say(bot.Reply{Key: notifyKey, Data: bot.Data{"desa": flows.Shortened(s.memory.Desa, desaRoom)}, Options: yesOrNo})
	return nil
}

func sayNotified(_ context.Context, s *step) error {
	s.Effect(bot.Subscribe{Purpose: Purpose, Key: titled(s.memory.Desa), Mark: s.rules.mark(s.memory.Desa, s.Now), Consent: notifyKey})
	s.Say(bot.Reply{Key: "macca.notified", Data: bot.Data{"desa": flows.Shortened(s.memory.Desa, desaRoom)}, Options: options(riceValue)})
	return nil
}

func sayAskConsent(_ context.Context, s *step) error {
	s.Say(bot.Reply{Key: consentKey, Data: bot.Data{"kk": s.memory.KK.Masked()}, Options: yesOrNo})
	return nil
}

func sayKept(_ context.Context, s *step) error {
	s.Resident.Keep(bot.Saved{Kind: kind, Value: string(s.memory.KK), At: s.Now, Consent: consentKey})
	s.Say(bot.Reply{Key: "macca.kept", Options: options(checkValue)})
	return nil
}

func sayDeclined(_ context.Context, s *step) error {
	s.Say(bot.Reply{Key: "macca.declined", Options: options(checkValue)})
	return nil
}

func sayForgotten(_ context.Context, s *step) error {
	key := "macca.forgotten"
	if len(s.Resident.SavedOf(kind)) == 0 {
		key = "macca.forgotten_none"
	}
	s.Resident.Saved = slices.DeleteFunc(s.Resident.Saved, func(v bot.Saved) bool { return v.Kind == kind })
	s.memory = memory{}
	s.Say(bot.Reply{Key: key})
	return nil
}

func sayChooseProblem(_ context.Context, s *step) error {
	s.Say(bot.Reply{Key: "macca.ask_problem", Options: options(problems...)})
	return nil
}

// otherProblem leads back to the problems from one of them.
var otherProblem = bot.Option{Value: problemValue, Label: "macca.option_other_problem"}

func sayAdvice(_ context.Context, s *step) error {
	r := bot.Reply{Key: "macca.advice_" + s.memory.Advice}
	switch topic := s.memory.Advice; {
	case topic == "not_listed":
		r.Options = append(options("objection", fileValue), otherProblem)
	case topic == "head_died":
		r.Options = append(options(checkValue, riceValue, fileValue), otherProblem)
	case topic == "rice_problem":
		r.Options = append(options(riceValue, fileValue), otherProblem)
	case slices.Contains(problems, topic), topic == "objection", topic == "health", topic == troubleTopic:
		r.Options = append(options(fileValue), otherProblem)
	case topic == "pickup":
		r.Options = options(riceValue, "rice_problem")
	case topic == registerTopic:
		r.Options = options(checkValue, "not_listed")
	case topic == criteriaTopic:
		r.Options = options(checkValue, registerTopic)
	case topic == "other_aid":
		r.Options = options(checkValue, fileValue, problemValue)
	case topic == "benefits":
		r.Options = options(checkValue, riceValue, problemValue)
	default:
		r.Options = options(checkValue, problemValue)
	}
	s.Say(r)
	return nil
}

func sayLimited(_ context.Context, s *step) error {
	if s.Attempts(kind).Stopped() {
		s.Say(bot.Reply{Key: "macca.stopped"})
		return nil
	}
	s.Say(bot.Reply{Key: "macca.slowed", Data: bot.Data{"minutes": flows.Minutes(s.until.Sub(s.Now))}})
	return nil
}

func sayUnavailable(_ context.Context, s *step) error {
	s.Say(bot.Reply{Key: "macca.unavailable", Options: options(retryValue)})
	return nil
}

package perizinan

import (
	"context"
	"strconv"
	"strings"
	"time"

	"tabe/bot"
	"tabe/flows"
)

// questions are what each state says and asks.
var questions = map[string]flows.Enter[*step]{
	askNumber:    sayAskNumber,
	askFact:      sayAskFact,
	choose:       sayChoose,
	showStatus:   sayStatus,
	delayed:      sayDelayed,
	askConsent:   sayAskConsent,
	kept:         sayKept,
	declined:     sayDeclined,
	askNotify:    sayAskNotify,
	notified:     sayNotified,
	notNotified:  sayNotNotified,
	chooseKind:   sayChooseKind,
	requirements: sayRequirements,
	showFee:      sayFee,
	askFunction:  sayAskFunction,
	askArea:      sayAskArea,
	askFloors:    sayAskFloors,
	estimate:     sayEstimate,
	advice:       sayAdvice,
	limited:      sayLimited,
	unavailable:  sayUnavailable,
}

// option is a choice of this flow.
func option(value string) bot.Option {
	return bot.Option{Value: value, Label: "perizinan.option_" + value}
}

// kindWord is how residents are told a kind of permit.
func kindWord(k Kind) bot.Word { return bot.Word("perizinan.kind_" + string(k)) }

// options are choices of this flow.
func options(values ...string) []bot.Option { return flows.Options(Name, values...) }

func sayAskNumber(_ context.Context, s *step) error {
	r := bot.Reply{Key: "perizinan.ask_number_" + s.reason}
	if s.reason == "not_found" {
		r.Data = bot.Data{"asof": bot.Moment(s.asOf)}
	}
	if s.reason != "where" {
		r.Options = options(whereValue)
	}
	s.Say(r)
	return nil
}

// kindsPerPage is how many kinds of permits fit one question.
const kindsPerPage = 6

// kindOptions are a page of the kinds of permits.
func (s *step) kindOptions() []bot.Option {
	s.memory.Page = max(0, min(s.memory.Page, (len(kinds)-1)/kindsPerPage))
	first := s.memory.Page * kindsPerPage
	last := min(first+kindsPerPage, len(kinds))
	var list []bot.Option
	for _, k := range kinds[first:last] {
		list = append(list, bot.Option{Value: string(k), Label: string(kindWord(k))})
	}
	return append(list, turning(first > 0, last < len(kinds))...)
}

// turning are the options that lead to other pages.
func turning(before, after bool) []bot.Option {
	var list []bot.Option
	if after {
		list = append(list, bot.Choice(bot.MoreValue))
	}
	if before {
		list = append(list, bot.Choice(bot.BackValue))
	}
	return list
}

func sayAskFact(_ context.Context, s *step) error {
	s.Say(bot.Reply{Key: "perizinan.ask_fact", Data: bot.Data{"number": s.memory.Serial}, Options: s.kindOptions()})
	return nil
}

// perPage is how many permits of a list fit one answer.
const perPage = 4

func sayChoose(_ context.Context, s *step) error {
	oldest := s.permits[0].AsOf
	for _, p := range s.permits {
		if p.AsOf.Before(oldest) {
			oldest = p.AsOf
		}
	}
	r := bot.Reply{Key: "perizinan.list", Data: bot.Data{"count": len(s.permits), "rest": []bot.Phrase{s.ageOf(oldest)}}}
	first := s.memory.Page * perPage
	last := min(first+perPage, len(s.permits))
	for _, p := range s.permits[first:last] {
		o := bot.Option{Value: string(p.Number), Label: "perizinan.option_permit", Data: p.about()}
		// A stranger knows his by the day, the applicant wants to see how far it is.
		o.Data["date"] = ""
		if !p.Entered.IsZero() {
			o.Data["date"] = bot.Date(p.Entered)
		}
		if s.owns(p) || s.saved(p.Number) {
			o.Label = "perizinan.option_own"
		}
		r.Options = append(r.Options, o)
	}
	r.Options = append(r.Options, turning(first > 0, last < len(s.permits))...)
	s.Say(r)
	return nil
}

// longestWords is how much of the office's own words is repeated, in characters.
const (
	longestType = 24
	longestNote = 60

	longestWords = 160 // of the resident
)

// kindWord is how residents are told the kind of p: in our words, or else in
// the office's.
func (p Permit) kindWord() any {
	if k := KindOf(p.Type); k != Other && (k != Business || p.Number.isNIB()) {
		return kindWord(k)
	}
	return shortened(p.Type, longestType)
}

// shortened cuts what an office wrote.
func shortened(text string, limit int) string {
	text = bot.CleanText(text)
	if runes := []rune(text); len(runes) > limit {
		return strings.TrimSpace(string(runes[:limit-2])) + ".."
	}
	return text
}

// about is what a message mentions of a permit.
func (p Permit) about() bot.Data {
	step := StepOf(p.Status)
	n, of := p.position()
	data := bot.Data{
		"kind": p.kindWord(), "number": p.Number.Short(), "date": "", "step": n, "steps": of,
		"what": bot.Word("perizinan.what_" + string(step)), "holder": "",
	}
	if step == Unknown {
		data["what"] = shortened(p.Status, longestType)
	}
	if !p.over() && step != Ready {
		data["holder"] = bot.Word("perizinan.holder_" + string(step))
	}
	if !p.Since.IsZero() {
		data["date"] = bot.Date(p.Since)
	}
	return data
}

// statusKey is the message that tells how far a permit is.
func (p Permit) statusKey() string {
	switch {
	case StepOf(p.Status) == Unknown:
		return "perizinan.status_unknown"
	case p.over():
		return "perizinan.status_over"
	}
	return "perizinan.status"
}

func sayStatus(_ context.Context, s *step) error {
	p := s.permit
	step := StepOf(p.Status)
	data := p.about()
	data["rest"] = append(s.todo(p), s.ageOf(p.AsOf))
	r := bot.Reply{Key: p.statusKey(), Data: data}
	if !p.over() && step != Ready {
		r.Options = append(r.Options, option(notifyValue))
	}
	if !p.over() && !step.waits() {
		r.Options = append(r.Options, option(delayValue))
	}
	if (step == Returned || step == Refused) && s.memory.Kind != Other {
		r.Options = append(r.Options, option(requireValue))
	}
	if step == Refused || step == Collected {
		r.Options = append(r.Options, option(fileValue))
	}
	if !s.owns(p) && !s.saved(p.Number) {
		r.Options = append(r.Options, option(saveValue))
	}
	s.Say(r)
	return nil
}

// todo are the sentences on what the applicant has to do now. Only the
// applicant himself is told the office's note and the amount.
func (s *step) todo(p Permit) []bot.Phrase {
	step := StepOf(p.Status)
	list := []bot.Phrase{{Key: "perizinan.do_" + string(step)}}
	if step == Issued && p.over() {
		list[0].Key = "perizinan.do_download"
	}
	if !s.owns(p) {
		return list
	}
	if step == Payment && p.Fee > 0 {
		list = append(list, bot.Phrase{Key: "perizinan.amount", Data: bot.Data{"amount": p.Fee}})
	}
	if note := shortened(p.Note, longestNote); note != "" && (step == Returned || step == Refused || step == Cancelled) {
		list = append(list, bot.Phrase{Key: "perizinan.note", Data: bot.Data{"note": strings.TrimRight(note, ". ")}})
	}
	return list
}

// ageOf says how old the data is, louder if it is too old.
func (s *step) ageOf(asOf time.Time) bot.Phrase {
	if old := s.Now.Sub(asOf); old >= s.flow.rules.StaleAfter {
		return bot.Phrase{Key: "perizinan.stale", Data: bot.Data{"asof": bot.Moment(asOf), "days": int(old.Hours() / 24)}}
	}
	return bot.Phrase{Key: "perizinan.age", Data: bot.Data{"asof": bot.Moment(asOf)}}
}

func sayDelayed(_ context.Context, s *step) error {
	p := s.permit
	data := p.about()
	data["days"] = 0
	if !p.Since.IsZero() {
		data["days"] = int(s.Now.Sub(p.Since).Hours() / 24)
	}
	data["rest"] = []bot.Phrase{s.ageOf(p.AsOf)}
	s.Say(bot.Reply{Key: "perizinan.delayed", Data: data, Options: options(fileValue, notifyValue, statusValue)})
	return nil
}

// consentKey is kept with a saved number: by which words consent was asked.
const consentKey = "perizinan.ask_consent"

func yesOrNo() []bot.Option { return []bot.Option{bot.Choice(flows.Yes), bot.Choice(flows.No)} }

func sayAskConsent(_ context.Context, s *step) error {
	s.Say(bot.Reply{Key: consentKey, Data: bot.Data{"number": s.memory.Number.Short()}, Options: yesOrNo()})
	return nil
}

func sayKept(_ context.Context, s *step) error {
	s.Resident.Keep(bot.Saved{Kind: kind, Value: string(s.memory.Number), At: s.Now, Consent: consentKey})
	s.Say(bot.Reply{Key: "perizinan.kept", Options: options(notifyValue, statusValue)})
	return nil
}

func sayDeclined(_ context.Context, s *step) error {
	s.Say(bot.Reply{Key: "perizinan.declined", Options: options(statusValue)})
	return nil
}

// notifyKey is kept with a subscription.
const notifyKey = "perizinan.ask_notify"

func sayAskNotify(_ context.Context, s *step) error {
	s.Say(bot.Reply{Key: notifyKey, Data: bot.Data{"kind": s.permit.kindWord(), "number": s.memory.Number.Short()}, Options: yesOrNo()})
	return nil
}

func sayNotified(_ context.Context, s *step) error {
	s.Effect(bot.Subscribe{Purpose: kind, Key: string(s.memory.Number), Mark: s.memory.Mark, Consent: notifyKey})
	s.Say(bot.Reply{Key: "perizinan.notified", Options: options(statusValue)})
	return nil
}

func sayNotNotified(_ context.Context, s *step) error {
	s.Say(bot.Reply{Key: "perizinan.not_notified", Options: options(statusValue)})
	return nil
}

func sayChooseKind(_ context.Context, s *step) error {
	s.Say(bot.Reply{Key: "perizinan.ask_kind", Options: s.kindOptions()})
	return nil
}

// pieces is how many messages the requirements of a kind take; 1 for others.
var pieces = map[Kind]int{Building: 3, Business: 2, Practice: 2}

func sayRequirements(_ context.Context, s *step) error {
	last := max(pieces[s.memory.Kind], 1)
	s.memory.Piece = max(0, min(s.memory.Piece, last-1))
	r := bot.Reply{Key: "perizinan.needs_" + string(s.memory.Kind) + "_" + strconv.Itoa(s.memory.Piece+1)}
	r.Options = append(options(feeValue, otherValue), turning(s.memory.Piece > 0, s.memory.Piece < last-1)...)
	s.Say(r)
	return nil
}

func sayFee(_ context.Context, s *step) error {
	k := s.memory.Kind
	f, ok := s.flow.rules.fee(k, s.feeDay())
	r := bot.Reply{Key: "perizinan.fee_unknown", Data: bot.Data{"kind": kindWord(k)}}
	if ok {
		r.Key = "perizinan.fee_" + string(f.rule)
		r.Data["law"], r.Data["date"], r.Data["year"] = f.law, bot.Date(f.from), s.feeDay().In(bot.WITA).Year()
	}
	if ok && f.rule == byFormula {
		r.Options = options(countValue)
	}
	if k != nuisance {
		r.Options = append(r.Options, option(requireValue))
	}
	r.Options = append(r.Options, option(otherValue))
	s.memory.Fee = true
	s.Say(r)
	return nil
}

func sayAskFunction(_ context.Context, s *step) error {
	r := bot.Reply{Key: "perizinan.ask_function"}
	for _, f := range functions {
		r.Options = append(r.Options, option(string(f)))
	}
	s.Say(r)
	return nil
}

func sayAskArea(_ context.Context, s *step) error {
	// A number is the answer, so there can be no numbered choice.
	s.Say(bot.Reply{Key: "perizinan.ask_area", Number: true})
	return nil
}

func sayAskFloors(_ context.Context, s *step) error {
	s.Say(bot.Reply{Key: "perizinan.ask_floors", Options: options(oneFloor, twoFloors, moreFloors)})
	return nil
}

func sayEstimate(_ context.Context, s *step) error {
	p, b := s.memory.Plan, s.flow.rules.building
	amount, ok := b.estimate(p.Function, p.Area, p.Floors)
	r := bot.Reply{Key: "perizinan.estimate_none", Options: options(againValue, requireValue)}
	s.memory.Kind = Building
	if ok {
		r.Key = "perizinan.estimate"
		switch {
		case amount == 0:
			r.Key = "perizinan.estimate_zero"
		case !b.official:
			r.Key = "perizinan.estimate_example"
		}
		r.Data = bot.Data{
			"function": bot.Word("perizinan.option_" + string(p.Function)), "area": p.Area, "floors": p.Floors,
			"amount": amount, "price": bot.Rupiah(b.price),
		}
	}
	s.Say(r)
	return nil
}

func sayAdvice(_ context.Context, s *step) error {
	r := bot.Reply{Key: "perizinan.advice_" + s.memory.Advice}
	switch s.memory.Advice {
	case dataTopic:
		r.Data = bot.Data{"asof": bot.Moment(s.asOf)}
	case "money":
		r.Options = options(fileValue)
	}
	if s.memory.Number != "" {
		r.Options = append(r.Options, option(statusValue))
	}
	s.Say(r)
	return nil
}

func sayLimited(_ context.Context, s *step) error {
	if s.Attempts(kind).Stopped() {
		s.Say(bot.Reply{Key: "perizinan.stopped"})
		return nil
	}
	s.Say(bot.Reply{Key: "perizinan.slowed", Data: bot.Data{"minutes": flows.Minutes(s.until.Sub(s.Now))}})
	return nil
}

func sayUnavailable(_ context.Context, s *step) error {
	s.Say(bot.Reply{Key: "perizinan.unavailable", Options: options(retryValue)})
	return nil
}

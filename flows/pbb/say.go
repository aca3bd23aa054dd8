package pbb

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"tabe/bot"
	"tabe/bot/ident"
	"tabe/flows"
)

// questions are what each state says and asks.
var questions = map[string]flows.Enter[*step]{
	askNOP:         sayAskNOP,
	askLastDigit:   sayAskLastDigit,
	choose:         sayChoose,
	showBill:       sayBill,
	details:        sayDetails,
	comparison:     sayComparison,
	payment:        sayPayment,
	askConsent:     sayAskConsent,
	kept:           sayKept,
	declined:       sayDeclined,
	askRemind:      sayAskRemind,
	reminding:      sayReminding,
	notReminding:   sayNotReminding,
	reminder:       sayReminder,
	chooseTransfer: sayChooseTransfer,
	nameChange:     sayNameChange,
	split:          saySplit,
	chooseProblem:  sayChooseProblem,
	advice:         sayAdvice,
	limited:        sayLimited,
	unavailable:    sayUnavailable,
}

// option is a choice of this flow.
func option(value string) bot.Option {
	return bot.Option{Value: value, Label: "pbb.option_" + value}
}

// options are choices of this flow.
func options(values ...string) []bot.Option { return flows.Options("pbb", values...) }

func sayAskNOP(_ context.Context, s *step) error {
	r := bot.Reply{Key: "pbb.ask_nop_" + s.reason, Data: bot.Data{}}
	switch s.reason {
	case "where":
		s.Say(r)
		return nil
	case "length":
		r.Data["digits"] = s.digits
	case "not_found":
		r.Data["asof"] = bot.Moment(s.asOf)
	}
	r.Options = options(whereValue)
	s.Say(r)
	return nil
}

func sayAskLastDigit(_ context.Context, s *step) error {
	// Any digit is the answer, so there can be no numbered choice.
	s.Say(bot.Reply{Key: "pbb.ask_last_digit", Number: true})
	return nil
}

// perPage is how many objects of a list fit one answer.
const perPage = 4

func sayChoose(_ context.Context, s *step) error {
	var total bot.Rupiah
	var oldest time.Time
	for i, b := range s.bills {
		total += b.open()
		if i == 0 || b.object.AsOf.Before(oldest) {
			oldest = b.object.AsOf
		}
	}
	sentences := []bot.Phrase{s.age(oldest)}
	for _, m := range s.rest {
		sentences = append(sentences, bot.Phrase{Key: "pbb.list_" + m.reason, Data: bot.Data{"plot": plot(m.nop)}})
	}
	if s.ignored > 0 {
		sentences = append(sentences, bot.Phrase{Key: "pbb.list_ignored", Data: bot.Data{"count": s.ignored}})
	}
	r := bot.Reply{Key: "pbb.list", Data: bot.Data{"count": len(s.bills), "total": total, "rest": sentences}}
	first := s.memory.Page * perPage
	last := min(first+perPage, len(s.bills))
	for _, b := range s.bills[first:last] {
		o := bot.Option{Value: string(b.object.NOP), Label: "pbb.option_paid",
			Data: bot.Data{"plot": plot(b.object.NOP), "desa": flows.Shortened(b.year.Desa, longestDesa), "amount": b.open()}}
		if b.open() > 0 {
			o.Label = "pbb.option_open"
		}
		r.Options = append(r.Options, o)
	}
	if last < len(s.bills) {
		r.Options = append(r.Options, bot.Choice(bot.MoreValue))
	}
	if first > 0 {
		r.Options = append(r.Options, bot.Choice(bot.BackValue))
	}
	s.Say(r)
	return nil
}

func sayBill(_ context.Context, s *step) error {
	b := s.bill
	data := s.about(b)
	r := bot.Reply{Data: data}
	switch {
	case b.debt.Paid:
		r.Key = "pbb.bill_paid"
		data["date"] = ""
		if !b.year.PaidOn.IsZero() {
			data["date"] = bot.Date(b.year.PaidOn)
		}
	case b.debt.Amount == 0:
		r.Key = "pbb.bill_nothing"
	case b.debt.Months > 0:
		r.Key = "pbb.bill_late"
		data["amount"], data["penalty"], data["months"], data["date"] = b.debt.Amount, b.debt.Penalty, b.debt.Months, bot.Date(b.debt.Due)
	default:
		r.Key = "pbb.bill_due"
		data["amount"], data["date"] = b.debt.Amount, bot.Date(b.debt.Due)
	}
	data["rest"] = s.sums(b)
	if b.open() > 0 {
		r.Options = append(r.Options, option(payValue))
	}
	if c, ok := b.object.change(b.year.Year); ok {
		why := option(whyValue)
		if c.after.Due <= c.before.Due {
			why.Label = "pbb.option_compare"
		}
		r.Options = append(r.Options, why)
	}
	if len(b.arrears) > 0 {
		r.Options = append(r.Options, option(detailsValue))
	}
	r.Options = append(r.Options, option(problemValue))
	switch {
	case !s.owns(b.object) && !s.saved(b.object.NOP):
		r.Options = append(r.Options, option(saveValue))
	case b.debt.Amount > 0 && b.debt.Months == 0 && len(b.arrears) == 0:
		r.Options = append(r.Options, option(remindValue))
	}
	s.Say(r)
	return nil
}

// about names the object of a bill: whole to its owner, to others so that they
// can tell whether it is the one they mean.
func (s *step) about(b bill) bot.Data {
	name := masked(b.year.Name)
	place := flows.Shortened(b.year.Desa, longestDesa)
	if s.owns(b.object) {
		name = flows.Shortened(b.year.Name, longestName)
	}
	return bot.Data{"year": b.year.Year, "name": name, "place": place}
}

// sums are the sentences behind the bill of a year: other years, the total,
// and how much the data can be trusted.
func (s *step) sums(b bill) []bot.Phrase {
	var list []bot.Phrase
	if b.asked != 0 {
		list = append(list, bot.Phrase{Key: "pbb.no_such_year", Data: bot.Data{"year": b.asked}})
	}
	if len(b.arrears) > 0 {
		amount, penalty := b.behind()
		list = append(list, bot.Phrase{Key: "pbb.arrears", Data: bot.Data{"years": years(b.arrears), "amount": amount, "penalty": penalty}})
	}
	if b.open() > b.debt.Amount {
		list = append(list, bot.Phrase{Key: "pbb.total", Data: bot.Data{"total": b.open()}})
	}
	if last := s.amnesty(b); !last.IsZero() {
		list = append(list, bot.Phrase{Key: "pbb.amnesty", Data: bot.Data{"date": bot.Date(last)}})
	}
	if now := s.Now.In(bot.WITA).Year(); b.latest && b.year.Year < now {
		list = append(list, bot.Phrase{Key: "pbb.no_such_year", Data: bot.Data{"year": now}})
	}
	return append(list, s.age(b.object.AsOf))
}

// amnesty returns until when a penalty of the bill is forgiven, the zero time
// if none is.
func (s *step) amnesty(b bill) time.Time {
	var last time.Time
	for _, d := range append([]debt{b.debt}, b.arrears...) {
		if until := s.flow.rules.amnestyUntil(d.Year, s.Now); d.Months > 0 && d.Amount > 0 && until.After(last) {
			last = until
		}
	}
	return last
}

// age says how old the data is, louder if it is too old.
func (s *step) age(asOf time.Time) bot.Phrase {
	if old := s.Now.Sub(asOf); old >= s.flow.rules.StaleAfter {
		return bot.Phrase{Key: "pbb.stale", Data: bot.Data{"asof": bot.Moment(asOf), "days": int(old.Hours() / 24)}}
	}
	return bot.Phrase{Key: "pbb.age", Data: bot.Data{"asof": bot.Moment(asOf)}}
}

// detailLines is how many years are told one by one; older ones are summed up.
const detailLines = 6

func sayDetails(_ context.Context, s *step) error {
	open := s.bill.arrears
	if d := s.bill.debt; d.total() > 0 {
		open = append([]debt{d}, open...)
	}
	var lines []string
	for i, d := range open {
		if i == detailLines-1 && len(open) > detailLines {
			older := open[i:]
			sum := debt{}
			for _, o := range older {
				sum.Amount += o.Amount
				sum.Penalty += o.Penalty
			}
			lines = append(lines, detailLine(years(older), sum))
			break
		}
		lines = append(lines, detailLine(strconv.Itoa(d.Year), d))
	}
	s.Say(bot.Reply{
		Key:     "pbb.details",
		Data:    bot.Data{"lines": strings.Join(lines, "; "), "total": s.bill.open(), "rest": []bot.Phrase{s.age(s.bill.object.AsOf)}},
		Options: options(payValue, problemValue, billValue),
	})
	return nil
}

// detailLine has no words: 2025 34.700+4.858.
func detailLine(when string, d debt) string {
	number := func(r bot.Rupiah) string { return strings.TrimPrefix(r.String(), "Rp ") }
	return fmt.Sprintf("%s %s+%s", when, number(d.Amount), number(d.Penalty))
}

func sayComparison(_ context.Context, s *step) error {
	c, ok := s.bill.object.change(s.bill.year.Year)
	age := s.age(s.bill.object.AsOf)
	if !ok {
		s.Say(bot.Reply{
			Key:     "pbb.why_unknown",
			Data:    bot.Data{"year": s.bill.year.Year, "amount": s.bill.year.Due, "rest": []bot.Phrase{age}},
			Options: options(problemValue, billValue),
		})
		return nil
	}
	data := bot.Data{"before": c.before.Year, "was": c.before.Due, "year": c.after.Year, "now": c.after.Due, "difference": max(c.after.Due-c.before.Due, c.before.Due-c.after.Due)}
	key := "pbb.why_same"
	switch {
	case c.after.Due > c.before.Due:
		key = "pbb.why_rose"
	case c.after.Due < c.before.Due:
		key = "pbb.why_fell"
	}
	data["rest"] = append(c.reasons(), age)
	s.Say(bot.Reply{Key: key, Data: data, Options: options("wrong_data", "objection", billValue)})
	return nil
}

// reasons are sentences on what changed from one year to the next.
func (c change) reasons() []bot.Phrase {
	if c.unknown() {
		return []bot.Phrase{{Key: "pbb.changed_unknown"}}
	}
	var list []bot.Phrase
	say := func(what string, was, now any) {
		list = append(list, bot.Phrase{Key: "pbb.changed_" + what, Data: bot.Data{"was": was, "now": now}})
	}
	if c.before.LandArea != c.after.LandArea {
		say("land", c.before.LandArea, c.after.LandArea)
	}
	if was, now := perMetre(c.before.LandValue, c.before.LandArea), perMetre(c.after.LandValue, c.after.LandArea); was != now {
		say("land_value", was, now)
	}
	if c.before.BuildingArea != c.after.BuildingArea {
		say("building", c.before.BuildingArea, c.after.BuildingArea)
	}
	was, now := perMetre(c.before.BuildingValue, c.before.BuildingArea), perMetre(c.after.BuildingValue, c.after.BuildingArea)
	if was != now && was > 0 && now > 0 {
		say("building_value", was, now)
	}
	if c.before.Allowance != c.after.Allowance {
		say("allowance", c.before.Allowance, c.after.Allowance)
	}
	if len(list) == 0 && c.before.Due != c.after.Due {
		return []bot.Phrase{{Key: "pbb.changed_rate"}}
	}
	if len(list) == 0 {
		land := perMetre(c.after.LandValue, c.after.LandArea)
		return []bot.Phrase{{Key: "pbb.changed_nothing", Data: bot.Data{"land": c.after.LandArea, "building": c.after.BuildingArea, "value": land}}}
	}
	return list
}

func sayPayment(_ context.Context, s *step) error {
	s.Say(bot.Reply{Key: "pbb.payment", Options: append(options("collector"), s.back()...)})
	return nil
}

// back leads to the bill, if one is at hand, or else to asking for one.
func (s *step) back() []bot.Option {
	if s.memory.NOP != "" {
		return options(billValue)
	}
	return nil
}

// consentKey is kept with a saved number: by which words consent was asked.
const consentKey = "pbb.ask_consent"

func sayAskConsent(_ context.Context, s *step) error {
	s.Say(bot.Reply{
		Key:     consentKey,
		Data:    bot.Data{"nop": s.memory.NOP},
		Options: []bot.Option{bot.Choice(flows.Yes), bot.Choice(flows.No)},
	})
	return nil
}

func sayKept(_ context.Context, s *step) error {
	s.Resident.Keep(bot.Saved{Kind: kind, Value: string(s.memory.NOP), At: s.Now, Consent: consentKey})
	s.Say(bot.Reply{Key: "pbb.kept", Options: options(payValue, remindValue, billValue)})
	return nil
}

func sayDeclined(_ context.Context, s *step) error {
	s.Say(bot.Reply{Key: "pbb.declined", Options: options(payValue, billValue)})
	return nil
}

func sayChooseTransfer(_ context.Context, s *step) error {
	s.Say(bot.Reply{Key: "pbb.ask_transfer", Options: options(nameValue, splitValue)})
	return nil
}

func sayNameChange(_ context.Context, s *step) error {
	s.Say(bot.Reply{Key: "pbb.change_name", Options: append(options(splitValue), s.back()...)})
	return nil
}

func saySplit(_ context.Context, s *step) error {
	s.Say(bot.Reply{Key: "pbb.split_object", Options: append(options(nameValue), s.back()...)})
	return nil
}

func sayChooseProblem(_ context.Context, s *step) error {
	s.Say(bot.Reply{Key: "pbb.ask_problem", Options: append(options(problems[:offered]...), option(transferValue))})
	return nil
}

func sayAdvice(_ context.Context, s *step) error {
	r := bot.Reply{Key: "pbb.advice_" + s.memory.Advice}
	rules, year := s.flow.rules, s.Now.In(bot.WITA).Year()
	switch s.memory.Advice {
	case "penalty":
		r.Data = bot.Data{"percent": rules.percent(year), "year": year, "months": rules.maxMonths}
	case "deadline":
		r.Data = bot.Data{"year": year, "date": bot.Date(rules.due(Year{Year: year}))}
	}
	next := payValue // after a rule
	if slices.Contains(problems[:offered], s.memory.Advice) {
		next = problemValue // perhaps it was another one
	}
	r.Options = append(options(next), s.back()...)
	s.Say(r)
	return nil
}

func sayLimited(_ context.Context, s *step) error {
	if s.Attempts(kind).Stopped() {
		s.Say(bot.Reply{Key: "pbb.stopped"})
		return nil
	}
	s.Say(bot.Reply{Key: "pbb.slowed", Data: bot.Data{"minutes": flows.Minutes(s.until.Sub(s.Now))}})
	return nil
}

func sayUnavailable(_ context.Context, s *step) error {
	s.Say(bot.Reply{Key: "pbb.unavailable", Options: options(retryValue, payValue)})
	return nil
}

// plot is the end of a NOP, by which an owner tells his objects apart:
// 002-0041.0.
func plot(nop ident.NOP) string { return strings.TrimPrefix(nop.Masked(), "***.") }

// years writes tax years, newest first, as 2019, 2022-2025.
func years(debts []debt) string {
	var ranges []string
	for end := len(debts) - 1; end >= 0; {
		from := debts[end].Year
		to := from
		for end--; end >= 0 && debts[end].Year == to+1; end-- {
			to++
		}
		if from == to {
			ranges = append(ranges, strconv.Itoa(from))
		} else {
			ranges = append(ranges, fmt.Sprintf("%d-%d", from, to))
		}
	}
	const most = 3
	if len(ranges) > most {
		oldest, newest := debts[len(debts)-1].Year, debts[0].Year
		return fmt.Sprintf("%d..%d", oldest, newest)
	}
	return strings.Join(ranges, ", ")
}

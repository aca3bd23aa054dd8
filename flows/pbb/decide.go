package pbb

import (
	"context"
	"errors"
	"slices"
	"strconv"

	"tabe/bot"
	"tabe/bot/ident"
	"tabe/bot/understand"
	"tabe/flows"
)

// Values of the options and names of the topics, besides the problems and the
// digits of a NOP.
const (
	whereValue    = "where_nop"
	payValue      = "pay"
	whyValue      = "why"
	detailsValue  = "details"
	billValue     = "bill"
	saveValue     = "save"
	remindValue   = "remind"
	problemValue  = "problem"
	nameValue     = "change_name"
	splitValue    = "split_object"
	retryValue    = "retry"
	transferValue = "transfer"
	riseTopic     = "rise"
)

// maxNumbers is how many NOPs of one message are looked up.
const maxNumbers = 5

// Expects implements bot.Flow: an answer to what was asked is one, whatever it
// could mean elsewhere.
func (f *Flow) Expects(t *bot.Turn) bool {
	u := t.Understood
	if _, ok := u.Slots.Get("nop"); ok {
		return true
	}
	switch t.Conversation.State {
	case askConsent, askRemind:
		return flows.YesOrNo(u.Text) != ""
	case askLastDigit, askNOP, limited, choose, unavailable:
		if flows.IsNumber(u.Text) {
			return true
		}
	}
	if slices.Contains(atObject, t.Conversation.State) && len(u.Text) <= shortAnswer {
		if topic := f.topics.Find(u.Text); topic == saveValue || topic == remindValue {
			return true // said right after a bill, it is about that
		}
	}
	// Trouble with the tax is told here and not with the potholes.
	return u.Intent == understand.Complaint && f.topics.Find(u.Text) != ""
}

// shortAnswer is the length of a text, in bytes, that can be meant as the name
// of an option.
const shortAnswer = 30

// decide finds out what a message means in the state of the conversation, and
// looks up what the answer needs. An error means that the registry is down.
func (f *Flow) decide(ctx context.Context, s *step) (string, error) {
	if s.Choice != "" {
		return f.chosen(ctx, s)
	}
	u, state := s.Understood, s.Conversation.State
	if event := s.agreed(flows.YesOrNo(u.Text)); event != noEvent {
		return event, nil
	}
	if state == askLastDigit {
		if digits, clean := ident.Digits(u.Text); clean && len(digits) == 1 {
			return f.numbers(ctx, s, []ident.NOP{ident.NOP(s.memory.Partial + digits)})
		}
	}
	topic := f.topics.Find(u.Text)
	year := yearOf(u.Slots)
	nops := nopsOf(u.Slots)
	if len(nops) > maxNumbers {
		s.ignored = len(nops) - maxNumbers
		nops = nops[:maxNumbers]
	}
	if len(nops) > 0 {
		wish := memory{Year: year, Compare: topic == riseTopic}
		if state == askNOP || state == askLastDigit { // what the number was asked for
			wish.Compare = wish.Compare || s.memory.Compare
			if year == 0 {
				wish.Year = s.memory.Year
			}
		}
		s.memory = wish
		// A number beside a rule or a bank is asked about as a bill all the same.
		trouble := slices.Contains(problems[:offered], topic) || isAdvice(topic) && u.Intent == understand.TaxHowToPay
		if trouble && len(nops) == 1 {
			s.memory.NOP, s.memory.Advice = nops[0], topic
			return advise, nil
		}
		if u.Intent == understand.TaxTransfer {
			s.memory.NOP = nops[0]
			return transferEvent(topic), nil
		}
		return f.numbers(ctx, s, nops)
	}
	if event := f.badNumber(s); event != noEvent {
		return event, nil
	}
	switch {
	case topic == whereValue:
		s.reason = "where"
		return ask, nil
	case topic == riseTopic:
		return f.own(ctx, s, memory{Compare: true, Year: year})
	case isAdvice(topic):
		s.memory.Advice = topic
		return advise, nil
	case topic == nameValue, topic == splitValue, u.Intent == understand.TaxTransfer:
		return transferEvent(topic), nil
	case topic == payValue, u.Intent == understand.TaxHowToPay:
		return pay, nil
	case topic == problemValue:
		return complain, nil
	case topic == remindValue && s.memory.NOP != "" && slices.Contains(atObject, state):
		return offerRemind, nil
	case topic == saveValue && s.memory.NOP != "" && slices.Contains(atObject, state):
		return offer, nil
	case u.Intent == understand.TaxBill && u.Confidence >= bot.Unsure:
		return f.own(ctx, s, memory{Year: year})
	}
	switch state {
	case askNOP, limited, "", flows.Start:
		s.reason = "none"
		if s.Media != "" {
			s.reason = "photo"
		}
		return ask, nil
	case askLastDigit:
		return miss, nil
	}
	return noEvent, nil
}

// chosen is decide for an option.
func (f *Flow) chosen(ctx context.Context, s *step) (string, error) {
	switch s.Choice {
	case whereValue:
		s.reason = "where"
		return ask, nil
	case payValue:
		return pay, nil
	case whyValue:
		s.memory.Compare = true
		return f.numbers(ctx, s, []ident.NOP{s.memory.NOP})
	case billValue:
		s.memory.Compare = false
		return f.numbers(ctx, s, []ident.NOP{s.memory.NOP})
	case detailsValue:
		event, err := f.numbers(ctx, s, []ident.NOP{s.memory.NOP})
		if event == show {
			event = detail
		}
		return event, err
	case saveValue:
		return offer, nil
	case remindValue:
		return offerRemind, nil
	case flows.Yes, flows.No:
		return s.agreed(s.Choice), nil
	case problemValue:
		return complain, nil
	case transferValue:
		return transfer, nil
	case nameValue:
		return changeName, nil
	case splitValue:
		return splitObject, nil
	case retryValue:
		if s.memory.NOP != "" {
			return f.numbers(ctx, s, []ident.NOP{s.memory.NOP})
		}
		return f.own(ctx, s, s.memory)
	case bot.MoreValue:
		return f.several(ctx, s, s.memory.Page+1)
	case bot.BackValue:
		return f.several(ctx, s, s.memory.Page-1)
	}
	if isAdvice(s.Choice) {
		s.memory.Advice = s.Choice
		return advise, nil
	}
	if nop, err := ident.ParseNOP(s.Choice); err == nil {
		return f.numbers(ctx, s, []ident.NOP{nop})
	}
	return noEvent, nil
}

// agreed is the event of a yes or a no to one of the two questions for
// consent.
func (s *step) agreed(answer string) string {
	switch state := s.Conversation.State; {
	case state == askConsent && answer == flows.Yes:
		return keep
	case state == askConsent && answer == flows.No:
		return decline
	case state == askRemind && answer == flows.Yes:
		return agreeRemind
	case state == askRemind && answer == flows.No:
		return refuse
	}
	return noEvent
}

// own answers for the object at hand or, without one, for all objects that
// are known to be the asker's; if there are none, it asks for the number.
func (f *Flow) own(ctx context.Context, s *step, wish memory) (string, error) {
	atHand := s.memory.NOP
	known, err := s.known(ctx)
	if err != nil {
		return fail, err
	}
	if atHand != "" && (wish.Compare || wish.Year != 0) && slices.Contains(atObject, s.Conversation.State) {
		known = []ident.NOP{atHand}
	}
	s.memory = wish
	if len(known) == 0 {
		s.reason = "first"
		return ask, nil
	}
	return f.numbers(ctx, s, known)
}

// numbers looks up one or more NOPs.
func (f *Flow) numbers(ctx context.Context, s *step, nops []ident.NOP) (string, error) {
	if len(nops) > 1 {
		s.memory.NOP, s.memory.List = "", nops
		return f.several(ctx, s, 0)
	}
	nop := nops[0]
	s.memory.NOP = nop
	if !nop.InSoppeng() {
		s.memory.NOP = ""
		s.reason = "elsewhere"
		return ask, nil
	}
	o, err := s.lookup(ctx, nop)
	switch {
	case errors.Is(err, errLimited):
		s.memory.NOP = ""
		return limit, nil
	case errors.Is(err, ErrNotFound):
		s.memory.NOP = ""
		s.reason = "not_found"
		return ask, nil
	case err != nil:
		return fail, err
	}
	return s.found(o), nil
}

// found picks the answer for one object.
func (s *step) found(o Object) string {
	var ok bool
	if s.bill, ok = s.flow.rules.bill(o, s.memory.Year, s.Now); !ok {
		// No bill of that year: say so beside the newest one.
		s.bill, _ = s.flow.rules.bill(o, 0, s.Now)
		s.bill.asked = s.memory.Year
	}
	if s.memory.Compare {
		s.memory.Compare = false
		return compare
	}
	return show
}

// several looks up a list.
func (f *Flow) several(ctx context.Context, s *step, page int) (string, error) {
	for _, nop := range s.memory.List {
		if !nop.InSoppeng() {
			s.rest = append(s.rest, missing{nop, "elsewhere"})
			continue
		}
		o, err := s.lookup(ctx, nop)
		switch {
		case errors.Is(err, errLimited):
			s.rest = append(s.rest, missing{nop, "limited"})
		case errors.Is(err, ErrNotFound):
			s.rest = append(s.rest, missing{nop, "not_found"})
		case err != nil:
			return fail, err
		default:
			b, ok := f.rules.bill(o, s.memory.Year, s.Now)
			if !ok {
				b, _ = f.rules.bill(o, 0, s.Now)
			}
			s.bills = append(s.bills, b)
		}
	}
	switch {
	case len(s.bills) == 0 && !s.until.IsZero():
		return limit, nil
	case len(s.bills) == 0:
		s.reason = "not_found"
		if s.asOf.IsZero() {
			s.reason = "elsewhere"
		}
		return ask, nil
	case len(s.bills) == 1 && len(s.rest) == 0:
		s.memory.NOP = s.bills[0].object.NOP
		return s.found(s.bills[0].object), nil
	}
	s.memory.Page = max(0, min(page, (len(s.bills)-1)/perPage))
	return list, nil
}

// badNumber finds digits that are no NOP.
func (f *Flow) badNumber(s *step) string {
	u := s.Understood
	waits := slices.Contains([]string{askNOP, askLastDigit, limited, choose}, s.Conversation.State)
	_, nik := u.Slots.Get("nik")
	_, kk := u.Slots.Get("no_kk")
	digits, _ := ident.Digits(u.Text)
	partial, torn := u.Slots.Get("nop_partial")
	if torn {
		digits = partial
	}
	switch {
	case nik || kk:
		s.reason = "identity"
	case len(digits) == ident.NOPLength-1 && (torn || waits && flows.IsNumber(u.Text)):
		s.memory = memory{Partial: digits, Year: s.memory.Year}
		return miss
	case torn, waits && len(digits) >= minDigits && flows.IsNumber(u.Text):
		s.reason, s.digits = "length", len(digits)
	default:
		return noEvent
	}
	return ask
}

// minDigits is how many digits can be meant for a NOP.
const minDigits = 5

func nopsOf(slots understand.Slots) []ident.NOP {
	var nops []ident.NOP
	for _, value := range slots.All("nop") {
		if nop, err := ident.ParseNOP(value); err == nil && !slices.Contains(nops, nop) {
			nops = append(nops, nop)
		}
	}
	return nops
}

func yearOf(slots understand.Slots) int {
	value, _ := slots.Get("tahun")
	year, err := strconv.Atoi(value)
	if err != nil || !isTaxYear(year) {
		return 0
	}
	return year
}

// problems are the topics of which the flow can only say what to bring where;
// the first ones are offered to choose from.
var problems = []string{"collector", "wrong_data", "twice", "no_sppt", "objection", "installment", "online", "receipt", "penalty", "deadline", "formula"}

const offered = 5 // of problems

func isAdvice(topic string) bool { return slices.Contains(problems, topic) }

func transferEvent(topic string) string {
	switch topic {
	case nameValue:
		return changeName
	case splitValue:
		return splitObject
	}
	return transfer
}

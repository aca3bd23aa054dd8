package perizinan

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"tabe/bot"
	"tabe/bot/ident"
	"tabe/bot/understand"
	"tabe/flows"
)

// Values of the options and names of the topics, besides kinds, functions,
// floors and numbers.
const (
	whereValue    = "where"
	delayTopic    = "delay"
	delayValue    = delayTopic
	notifyTopic   = "notify"
	notifyValue   = notifyTopic
	saveTopic     = "save"
	saveValue     = saveTopic
	statusValue   = "status"
	requireValue  = "requirements"
	feeValue      = "fee"
	countValue    = "count"
	againValue    = "again"
	otherValue    = "other_kind"
	retryValue    = "retry"
	fileValue     = "file"
	dataTopic     = "data"
	feeTopic      = "cost"
	requireTopic  = "papers"
	moreFloors    = "more_floors"
	oneFloor      = "1_floor"
	twoFloors     = "2_floors"
	maxNumbers    = 5  // of one message that are looked up
	shortAnswer   = 40 // bytes of a text that can be meant as the name of an option
	fewestDigits  = 3  // that can be meant for a short number
	fewestOptions = 3  // of a list
	identityDigit = 16 // of a NIK or the number of a family card
)

// advices are the topics that are answered by what to do.
var advices = []string{"proxy", "money", "lost", dataTopic}

// Expects implements bot.Flow: an answer to what was asked is one, whatever it
// could mean elsewhere.
func (f *Flow) Expects(t *bot.Turn) bool {
	u, text := t.Understood, t.Understood.Text
	if _, ok := u.Slots.Get("permit_no"); ok {
		return true
	}
	short := len(text) <= shortAnswer
	switch t.Conversation.State {
	case askConsent, askNotify, delayed:
		if flows.YesOrNo(text) != "" {
			return true
		}
	case askNumber, limited, choose, unavailable:
		if flows.IsNumber(text) || len(numbersIn(text, 1)) > 0 {
			return true
		}
	case askFact:
		if short && (KindOf(text) != Other || !dayIn(text, t.Now).IsZero()) || flows.IsNumber(text) {
			return true
		}
	case chooseKind:
		if short && KindOf(text) != Other {
			return true
		}
	case askFunction:
		if short && functionIn(text) != "" {
			return true
		}
	case askArea:
		if short && areaIn(text, true) > 0 {
			return true
		}
	case askFloors:
		if short && floorsIn(text, true) > 0 {
			return true
		}
	}
	if digits, _ := ident.Digits(text); flows.IsNumber(text) && isBusiness(digits) {
		return true
	}
	topic := f.topics.Find(text)
	if slices.Contains(atPermit, t.Conversation.State) && (short && (topic == saveTopic || topic == notifyTopic) || slices.Contains(advices, topic)) {
		return true // said of the permit at hand, and else of something else
	}
	// A permit that takes too long is told here and not with the potholes.
	return u.Intent == understand.Complaint && topic == delayTopic
}

// decide finds out what a message means in the state of the conversation, and
// looks up what the answer needs. An error means that the registry is down.
func (f *Flow) decide(ctx context.Context, s *step) (string, error) {
	if s.Choice != "" {
		return f.chosen(ctx, s)
	}
	u, state, text := s.Understood, s.Conversation.State, s.Understood.Text
	switch answer := flows.YesOrNo(text); {
	case answer == "":
	case state == askConsent && answer == flows.Yes:
		return keep, nil
	case state == askConsent:
		return decline, nil
	case state == askNotify && answer == flows.Yes:
		return subscribe, nil
	case state == askNotify:
		return refuse, nil
	case state == delayed && answer == flows.No:
		return f.again(ctx, s, "")
	}
	if event := f.measured(s); event != noEvent {
		return event, nil
	}
	topic, what := f.topics.Find(text), kindIn(u)
	money := u.Intent == understand.PermitFee || u.Intent == understand.PermitRequirements || topic == feeTopic || topic == requireTopic
	numbers, clue := f.numbersOf(s)
	if len(numbers) > 0 {
		s.wish(topic)
		return f.numbers(ctx, s, numbers)
	}
	if clue.Serial != "" && !money {
		s.wish(topic)
		if clue.Kind == Other {
			clue.Kind = what
		}
		clue.Entered = dayIn(text, s.Now)
		return f.short(ctx, s, clue)
	}
	if state == askFact && (what != Other || !dayIn(text, s.Now).IsZero()) {
		return f.short(ctx, s, Clue{Serial: s.memory.Serial, Kind: what, Entered: dayIn(text, s.Now)})
	}
	if event := f.badNumber(s); event != noEvent {
		return event, nil
	}
	switch {
	case topic == whereValue:
		s.reason = "where"
		return ask, nil
	case slices.Contains(advices, topic):
		return f.advise(ctx, s, topic)
	case topic == delayTopic, topic == notifyTopic:
		s.wish(topic)
		return f.own(ctx, s, what)
	case topic == saveTopic && s.memory.Number != "" && slices.Contains(atPermit, state):
		return offer, nil
	case u.Intent == understand.PermitFee && u.Confidence >= bot.Unsure, topic == feeTopic:
		return f.fee(s, what), nil
	case u.Intent == understand.PermitRequirements && u.Confidence >= bot.Unsure, topic == requireTopic:
		return s.requirements(what, false), nil
	case state == chooseKind && what != Other:
		return s.requirements(what, s.memory.Fee), nil
	case u.Intent == understand.PermitStatus && u.Confidence >= bot.Unsure:
		s.wish("")
		return f.own(ctx, s, what)
	}
	switch state {
	case askNumber, limited, "", flows.Start:
		s.reason = "none"
		if s.Media != "" {
			s.reason = "photo"
		}
		return ask, nil
	case askFact:
		return clarify, nil
	case askFunction:
		return askUse, nil
	case askArea:
		return askSize, nil
	case askFloors:
		return askHeight, nil
	}
	return noEvent, nil
}

// wish notes what a number is looked up for. An open wish stays when the
// number is all that came.
func (s *step) wish(topic string) {
	switch {
	case topic == delayTopic:
		s.memory.Wish, s.memory.Words = complain, s.words()
	case topic == notifyTopic:
		s.memory.Wish = offerNews
	case s.Conversation.State != askNumber && s.Conversation.State != askFact:
		s.memory.Wish = ""
	}
}

// words are those of the resident, as much of them as a complaint needs.
func (s *step) words() string { return shortened(s.Understood.Text, longestWords) }

// kindIn is the kind of permit that a message names.
func kindIn(u understand.Result) Kind {
	if k := KindOf(u.Text); k != Other {
		return k
	}
	value, _ := u.Slots.Get("permit_type")
	return KindOf(value)
}

// chosen is decide for an option.
func (f *Flow) chosen(ctx context.Context, s *step) (string, error) {
	state := s.Conversation.State
	switch s.Choice {
	case whereValue:
		s.reason = "where"
		return ask, nil
	case delayValue:
		return f.again(ctx, s, complain)
	case notifyValue:
		return f.again(ctx, s, offerNews)
	case statusValue:
		return f.again(ctx, s, "")
	case saveValue:
		return offer, nil
	case requireValue:
		return s.requirements(s.memory.Kind, false), nil
	case feeValue:
		return f.fee(s, s.memory.Kind), nil
	case otherValue:
		return s.requirements(Other, s.memory.Fee), nil
	case countValue, againValue:
		s.memory.Plan = plan{}
		return s.nextMeasure(), nil
	case retryValue:
		if s.memory.Number != "" {
			return f.again(ctx, s, s.memory.Wish)
		}
		return f.own(ctx, s, Other)
	case oneFloor:
		s.memory.Plan.Floors = 1
		return s.nextMeasure(), nil
	case twoFloors:
		s.memory.Plan.Floors = 2
		return s.nextMeasure(), nil
	case moreFloors:
		s.memory.Plan.Floors = maxFloors
		return s.nextMeasure(), nil
	case bot.MoreValue, bot.BackValue:
		return f.turnPage(ctx, s)
	}
	switch {
	case s.Choice == flows.Yes && state == askNotify:
		return subscribe, nil
	case s.Choice == flows.No && state == askNotify:
		return refuse, nil
	case s.Choice == flows.Yes && state == askConsent:
		return keep, nil
	case s.Choice == flows.No && state == askConsent:
		return decline, nil
	case state == askFunction && slices.Contains(functions, function(s.Choice)):
		s.memory.Plan.Function = function(s.Choice)
		return s.nextMeasure(), nil
	case state == chooseKind && slices.Contains(kinds, Kind(s.Choice)):
		if s.memory.Fee {
			return f.fee(s, Kind(s.Choice)), nil
		}
		return s.requirements(Kind(s.Choice), false), nil
	case state == askFact && slices.Contains(kinds, Kind(s.Choice)):
		return f.short(ctx, s, Clue{Serial: s.memory.Serial, Kind: Kind(s.Choice)})
	case state == choose && slices.Contains(s.memory.List, Number(s.Choice)):
		return f.numbers(ctx, s, []Number{Number(s.Choice)})
	}
	return noEvent, nil
}

// turnPage shows the next or the previous part of a list or of the requirements.
func (f *Flow) turnPage(ctx context.Context, s *step) (string, error) {
	by := 1
	if s.Choice == bot.BackValue {
		by = -1
	}
	switch s.Conversation.State {
	case requirements:
		s.memory.Piece += by
		return require, nil
	case chooseKind:
		s.memory.Page += by
		return pickKind, nil
	case askFact:
		s.memory.Page += by
		return clarify, nil
	case choose:
		return f.several(ctx, s, s.memory.Page+by)
	}
	return noEvent, nil
}

// again answers something else about the permit at hand.
func (f *Flow) again(ctx context.Context, s *step, wish string) (string, error) {
	s.memory.Wish = wish
	if s.memory.Number == "" {
		return f.own(ctx, s, Other)
	}
	return f.numbers(ctx, s, []Number{s.memory.Number})
}

// own answers for the permit at hand or, without one, for all permits that are
// known to be the asker's, of one kind if he named one; if there are none, it
// asks for the number.
func (f *Flow) own(ctx context.Context, s *step, what Kind) (string, error) {
	if s.memory.Number != "" && s.memory.Wish != "" && slices.Contains(atPermit, s.Conversation.State) {
		return f.numbers(ctx, s, []Number{s.memory.Number})
	}
	known, err := s.known(ctx)
	if err != nil {
		return fail, err
	}
	if what != Other {
		if some := slices.DeleteFunc(slices.Clone(known), func(p Permit) bool { return KindOf(p.Type) != what }); len(some) > 0 {
			known = some
		}
	}
	s.memory.Number = ""
	if len(known) == 0 {
		s.reason = "first"
		return ask, nil
	}
	return s.pick(known), nil
}

// pick answers for one permit, or asks which of several.
func (s *step) pick(permits []Permit) string {
	if len(permits) == 1 {
		return s.found(permits[0])
	}
	s.memory.Number, s.memory.List, s.memory.Page = "", nil, 0
	for _, p := range permits {
		s.memory.List = append(s.memory.List, p.Number)
	}
	s.permits = permits
	return list
}

// found picks the answer for one permit.
func (s *step) found(p Permit) string {
	s.permit = p
	s.memory.Number, s.memory.Mark, s.memory.Kind, s.memory.Serial = p.Number, p.Mark(), KindOf(p.Type), ""
	s.memory.Stand = shortened(p.Status, longestType)
	if !p.Since.IsZero() {
		s.memory.Stand += " " + p.Since.Format(time.DateOnly)
	}
	wish := s.memory.Wish
	s.memory.Wish = ""
	step := StepOf(p.Status)
	switch {
	case wish == complain && !p.over() && !step.waits():
		return complain
	case wish == offerNews && !p.over() && step != Ready:
		return offerNews
	}
	return show
}

// numbers looks up one or more whole numbers.
func (f *Flow) numbers(ctx context.Context, s *step, numbers []Number) (string, error) {
	var permits []Permit
	for _, n := range numbers {
		p, err := s.lookup(ctx, n)
		switch {
		case errors.Is(err, errLimited), errors.Is(err, ErrNotFound):
			continue
		case err != nil:
			s.memory.Number = n // to try again
			return fail, err
		}
		permits = append(permits, p)
	}
	return s.outcome(permits), nil
}

// outcome answers for what was found, or says why nothing was.
func (s *step) outcome(permits []Permit) string {
	switch {
	case len(permits) > 0:
		return s.pick(permits)
	case !s.until.IsZero():
		s.memory.Number, s.memory.Serial = "", ""
		return limit
	}
	s.memory.Number, s.memory.Serial = "", ""
	s.reason = "not_found"
	return ask
}

// short looks up a number that is not whole. Without a second fact nothing is
// told, unless it is the asker's own.
func (f *Flow) short(ctx context.Context, s *step, c Clue) (string, error) {
	written := c.Serial
	c.Serial = withoutZeros(written)
	known, err := s.known(ctx)
	if err != nil {
		return fail, err
	}
	known = slices.DeleteFunc(known, func(p Permit) bool {
		return p.Number.Serial() != c.Serial || c.Kind != Other && KindOf(p.Type) != c.Kind
	})
	if len(known) > 0 {
		return s.pick(known), nil
	}
	if !c.whole() {
		s.memory.Serial, s.memory.Number, s.memory.Page = written, "", 0
		return clarify, nil
	}
	permits, err := s.find(ctx, c)
	if err != nil && !errors.Is(err, errLimited) && !errors.Is(err, ErrNotFound) {
		return fail, err
	}
	return s.outcome(permits), nil
}

// several looks up a list again, for another page of it.
func (f *Flow) several(ctx context.Context, s *step, page int) (string, error) {
	for _, n := range s.memory.List {
		p, err := f.registry.Permit(ctx, n) // was counted when it was found
		if errors.Is(err, ErrNotFound) {
			continue
		}
		if err != nil {
			return fail, err
		}
		s.permits = append(s.permits, p)
	}
	if len(s.permits) == 0 {
		s.reason = "first"
		return ask, nil
	}
	s.memory.Page = max(0, min(page, (len(s.permits)-1)/perPage))
	return list, nil
}

// numbersOf finds the numbers of a message: whole ones, or else a short one.
func (f *Flow) numbersOf(s *step) (whole []Number, short Clue) {
	text := s.Understood.Text
	whole = numbersIn(text, maxNumbers)
	for _, value := range s.Understood.Slots.All("permit_no") {
		n, ok := ParseNumber(value)
		if !ok {
			continue
		}
		if c, isShort := n.clue(); isShort {
			short = c
		} else if len(whole) < maxNumbers && !slices.ContainsFunc(whole, func(o Number) bool { return o.Key() == n.Key() }) {
			whole = append(whole, n)
		}
	}
	waits := slices.Contains([]string{askNumber, askFact, limited, choose}, s.Conversation.State)
	digits, _ := ident.Digits(text)
	if len(whole) > 0 || short.Serial != "" || !(waits || isBusiness(digits)) || !flows.IsNumber(text) {
		return whole, short
	}
	// A number alone, where one was asked for; a day is none.
	if s.Conversation.State == askFact && !dayIn(text, s.Now).IsZero() || len(digits) < fewestDigits || isIdentity(digits) {
		return nil, Clue{}
	}
	n, ok := ParseNumber(text)
	if !ok {
		return nil, Clue{}
	}
	if c, isShort := n.clue(); isShort {
		return nil, c
	}
	return []Number{n}, Clue{}
}

// isBusiness tells a NIB from a telephone number of the same length.
func isBusiness(digits string) bool {
	return Number(digits).isNIB() && !strings.HasPrefix(digits, "08") && !strings.HasPrefix(digits, "62")
}

// isIdentity tells a NIK, which people send for any number of theirs.
func isIdentity(digits string) bool {
	_, err := ident.ParseNIK(digits)
	return err == nil
}

// badNumber finds digits that are no number of a permit.
func (f *Flow) badNumber(s *step) string {
	u := s.Understood
	waits := slices.Contains([]string{askNumber, askFact, limited, choose}, s.Conversation.State)
	_, nik := u.Slots.Get("nik")
	_, kk := u.Slots.Get("no_kk")
	switch digits, _ := ident.Digits(u.Text); {
	case nik || kk, waits && len(digits) == identityDigit && isIdentity(digits):
		s.reason = "identity"
	case waits && flows.IsNumber(u.Text) && len(digits) < fewestDigits && len(s.Conversation.Options) < fewestOptions:
		s.reason = "length" // else it was meant for an option
	default:
		return noEvent
	}
	return ask
}

// advise answers by what to do.
func (f *Flow) advise(ctx context.Context, s *step, topic string) (string, error) {
	s.memory.Advice, s.memory.Words = topic, s.words()
	if topic == dataTopic {
		if err := s.age(ctx); err != nil {
			return fail, err
		}
	}
	return advise, nil
}

// requirements answers what a kind of permit requires, or asks which kind; fee
// tells that what it costs is wanted instead.
func (s *step) requirements(what Kind, fee bool) string {
	s.memory.Kind, s.memory.Piece, s.memory.Page, s.memory.Fee = what, 0, 0, fee
	switch {
	case what == Other:
		return pickKind
	case fee, what == nuisance:
		return cost
	}
	return require
}

// fee answers what a kind of permit costs, now or in a year that was named. A
// building of which something is told is estimated at once.
func (f *Flow) fee(s *step, what Kind) string {
	text := s.Understood.Text
	s.year = yearIn(text, s.Now)
	s.memory.Plan = plan{Function: functionIn(text), Area: areaIn(text, false), Floors: floorsIn(text, false)}
	measures := s.memory.Plan.Area > 0 || s.memory.Plan.Floors > 0
	if what == Other && measures {
		what = Building
	}
	event := s.requirements(what, true)
	if rule, ok := f.rules.fee(what, s.feeDay()); ok && rule.rule == byFormula && measures {
		return s.nextMeasure()
	}
	return event
}

// feeDay is the day on which a fee is asked for.
func (s *step) feeDay() time.Time {
	if s.year == 0 || s.year == s.Now.In(bot.WITA).Year() {
		return s.Now
	}
	return time.Date(s.year, time.December, 31, 0, 0, 0, 0, bot.WITA)
}

// measured reads the answer to a question about a building.
func (f *Flow) measured(s *step) string {
	text, p := s.Understood.Text, &s.memory.Plan
	switch s.Conversation.State {
	case askFunction:
		if what := functionIn(text); what != "" {
			p.Function = what
			return s.nextMeasure()
		}
	case askArea:
		if area := areaIn(text, true); area > 0 {
			p.Area = area
			return s.nextMeasure()
		}
	case askFloors:
		if floors := floorsIn(text, true); floors > 0 {
			p.Floors = floors
			return s.nextMeasure()
		}
	}
	return noEvent
}

// nextMeasure asks for what is still missing of the plan, one thing at a time.
func (s *step) nextMeasure() string {
	switch p := s.memory.Plan; {
	case p.Function == "":
		return askUse
	case p.Area == 0:
		return askSize
	case p.Floors == 0:
		return askHeight
	}
	return sum
}

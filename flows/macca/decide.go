package macca

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"

	"tabe/bot"
	"tabe/bot/ident"
	"tabe/bot/understand"
	"tabe/flows"
)

// Values of the options and names of the topics, besides the problems.
const (
	checkValue    = "check" // the asker's family
	whereValue    = "where_kk"
	riceValue     = "rice"
	desaValue     = "desa" // another one
	decileValue   = "desil"
	notifyValue   = "notify"
	saveValue     = "save"
	forgetValue   = "forget"
	otherValue    = "other" // another family
	problemValue  = "problem"
	fileValue     = "file" // a complaint
	retryValue    = "retry"
	registerTopic = "register"
	criteriaTopic = "criteria"
	troubleTopic  = "trouble" // of a kind that nobody thought of
	familyValue   = "family." // with the place in the list
)

// problems are what residents choose from when something is wrong.
var problems = []string{"not_listed", "removed", "head_died", "card_changed", "lost_card", "rice_problem", "money"}

// subjects are the other topics of which the flow can only say what to do.
var subjects = []string{registerTopic, criteriaTopic, "objection", "health", "pickup", "other_aid", "benefits"}

func isAdvice(topic string) bool {
	return slices.Contains(problems, topic) || slices.Contains(subjects, topic) || topic == "about_desil" || topic == troubleTopic
}

// wishes are the topics for which a family has to be known first.
var wishes = []string{riceValue, decileValue, notifyValue, saveValue}

// asks are the states in which digits are an answer.
var asks = []string{askKK, askBirth, mismatch, choose, askDesa, limited, unavailable}

// shortAnswer is the length of a text, in bytes, that can be meant as the name
// of an option.
const shortAnswer = 40

// Expects implements bot.Flow: an answer to what was asked is one, whatever it
// could mean elsewhere.
func (f *Flow) Expects(t *bot.Turn) bool {
	u, state := t.Understood, t.Conversation.State
	if _, given := f.card(u); given || hasNumber(u.Slots, "nik") {
		return true
	}
	switch state {
	case askConsent, askNotify:
		if flows.YesOrNo(u.Text) != "" {
			return true
		}
	case askBirth, mismatch, limited, advice:
		if len(births(u.Text, "", t.Now)) > 0 {
			return true
		}
	case askDesa:
		if desaOf(u.Slots) != "" {
			return true
		}
	}
	if slices.Contains(asks, state) && flows.IsNumber(u.Text) {
		return true
	}
	topic := f.topics.Find(u.Text)
	if len(u.Text) <= shortAnswer && slices.Contains([]string{notifyValue, saveValue, forgetValue, otherValue, whereValue}, topic) {
		return true // said to no other service
	}
	// Trouble with the aid is told here first; from here it can be filed.
	return u.Intent == understand.Complaint && isAdvice(topic)
}

// fewWords is how many words may stand beside the numbers that Claims looks for.
const fewWords = 4

// Claims implements bot.Claimant: a family card with a birth date, and hardly a
// word beside them, is a proof that only this service asks for.
func (f *Flow) Claims(_ context.Context, t *bot.Turn) bool {
	kk, given := t.Understood.Slots.Get("no_kk")
	return given && len(strings.FieldsFunc(t.Understood.Text, func(r rune) bool { return !unicode.IsLetter(r) })) <= fewWords &&
		len(births(t.Understood.Text, kk, t.Now)) > 0
}

func hasNumber(slots understand.Slots, name string) bool {
	_, ok := slots.Get(name)
	return ok
}

// card returns the number of a family card in a text. A man's NIK looks the
// same: without a word that says so it is taken for a card.
func (f *Flow) card(u understand.Result) (ident.KK, bool) {
	value, given := u.Slots.Get("no_kk")
	if !given {
		if value, given = u.Slots.Get("nik"); given && f.words.Find(u.Text) == "nik" {
			return "", false
		}
	}
	kk, err := ident.ParseKK(value)
	return kk, given && err == nil
}

// decide finds out what a message means in the state of the conversation, and
// looks up what the answer needs. An error means that the registry is down.
func (f *Flow) decide(ctx context.Context, s *step) (string, error) {
	if s.Choice != "" {
		return f.chosen(ctx, s)
	}
	u, state := s.Understood, s.Conversation.State
	if state == askConsent || state == askNotify {
		switch answer := flows.YesOrNo(u.Text); {
		case answer == flows.No:
			return decline, nil
		case answer == flows.Yes && state == askConsent:
			return keep, nil
		case answer == flows.Yes:
			return subscribe, nil
		}
	}
	topic := f.topic(u)
	if kk, given := f.card(u); given {
		wish := ""
		if slices.Contains(asks, state) {
			wish = s.memory.Wish
		}
		if slices.Contains(wishes, topic) {
			wish = topic
		}
		s.memory = memory{KK: kk, Wish: wish}
		return f.given(ctx, s, births(u.Text, string(kk), s.Now))
	}
	if s.memory.KK != "" && s.memory.Proven.IsZero() {
		if born := births(u.Text, "", s.Now); len(born) > 0 {
			return f.try(ctx, s, s.memory.KK, born)
		}
	}
	if event := f.badNumber(s); event != noEvent {
		return event, nil
	}
	if desa := desaOf(u.Slots); desa != "" && (state == askDesa || topic == riceValue || topic == notifyValue) {
		notify := topic == notifyValue || state == askDesa && s.memory.Wish == notifyValue
		s.memory.Desa, s.memory.Wish = desa, ""
		if notify {
			return offerNews, nil
		}
		return rice, nil
	}
	if topic != "" {
		return f.about(ctx, s, topic)
	}
	switch {
	case u.Intent == understand.MaccaComplaint && u.Confidence >= bot.Unsure:
		return complain, nil
	case u.Intent == understand.MaccaBenefits && u.Confidence >= bot.Unsure:
		s.memory.Advice = "benefits"
		return advise, nil
	case u.Intent == understand.MaccaEligibility && u.Confidence >= bot.Unsure:
		return f.eligible(ctx, s)
	}
	switch state {
	case askKK, limited, "", flows.Start:
		s.reason = "none"
		if s.Media != "" {
			s.reason = "photo"
		}
		return ask, nil
	case askBirth, mismatch:
		s.reason = "unread"
		return prove, nil
	case askDesa:
		s.reason = "unknown"
		return place, nil
	}
	return noEvent, nil
}

// asGrievance is what a topic means in a text that complains.
var asGrievance = map[string]string{riceValue: "rice_problem", "pickup": "rice_problem", registerTopic: "not_listed", checkValue: troubleTopic, "benefits": troubleTopic, "": troubleTopic}

// topic returns what a text is about, "" if its words do not tell.
func (f *Flow) topic(u understand.Result) string {
	topic := f.topics.Find(u.Text)
	switch {
	case topic == "" && f.words.Only(u.Text) == "bare":
		return checkValue
	case len(u.Text) > shortAnswer && slices.Contains([]string{saveValue, forgetValue, otherValue}, topic):
		return "" // said in passing
	case u.Intent == understand.MaccaComplaint && u.Confidence >= bot.Sure && asGrievance[topic] != "" && len(strings.Fields(u.Text)) > fewWords:
		return asGrievance[topic]
	}
	return topic
}

// eligible answers whether somebody is or can be on the list, where the words
// do not tell which: for a family that is known, or else who can be.
func (f *Flow) eligible(ctx context.Context, s *step) (string, error) {
	families, err := s.known(ctx)
	if err != nil {
		return fail, err
	}
	if s.Understood.Text == "" || len(families) > 0 || s.atHand() {
		return f.own(ctx, s, "")
	}
	return f.about(ctx, s, criteriaTopic)
}

// about is decide for a topic.
func (f *Flow) about(ctx context.Context, s *step, topic string) (string, error) {
	switch topic {
	case checkValue, riceValue, saveValue, notifyValue:
		return f.own(ctx, s, topic)
	case decileValue:
		families, err := s.known(ctx)
		if err == nil && len(families) == 0 && !s.atHand() {
			s.memory.Advice = "about_desil" // what it is, and the way to one's own
			return advise, nil
		}
		return f.own(ctx, s, topic)
	case whereValue:
		if s.Conversation.State == askBirth && s.Choice == "" {
			s.reason = "unknown"
			return prove, nil
		}
		s.reason = "where"
		return ask, nil
	case otherValue:
		families, err := s.known(ctx)
		if err != nil {
			return fail, err
		}
		if len(families) > 1 && s.Conversation.State != choose {
			return f.open(ctx, s, families, "") // perhaps it is another one of his own
		}
		s.memory = memory{}
		s.reason = "other"
		return ask, nil
	case forgetValue:
		return forget, nil
	case problemValue:
		return complain, nil
	}
	s.memory.Advice, s.memory.Said = topic, ""
	if text := s.Understood.Text; slices.Contains(grievances, topic) && len(text) <= maxSaid {
		s.memory.Said = text
	}
	return advise, nil
}

// chosen is decide for an option.
func (f *Flow) chosen(ctx context.Context, s *step) (string, error) {
	switch s.Choice {
	case flows.Yes:
		if s.Conversation.State == askNotify {
			return subscribe, nil
		}
		return keep, nil
	case flows.No:
		return decline, nil
	case riceValue, decileValue, saveValue:
		return f.own(ctx, s, s.Choice)
	case checkValue:
		if s.memory.Advice == "about_desil" {
			return f.own(ctx, s, decileValue)
		}
		return f.own(ctx, s, "")
	case notifyValue:
		if s.memory.Desa != "" {
			return offerNews, nil
		}
		return f.own(ctx, s, notifyValue)
	case desaValue:
		s.reason = "first"
		s.memory.Wish = riceValue
		return place, nil
	case retryValue:
		if s.Conversation.State == mismatch {
			s.memory = memory{Wish: s.memory.Wish}
			s.reason = "first"
			return ask, nil
		}
		return f.own(ctx, s, s.memory.Wish)
	case fileValue:
		s.file()
		return noEvent, nil
	}
	if n, ok := strings.CutPrefix(s.Choice, familyValue); ok {
		i, err := strconv.Atoi(n)
		if err != nil || i < 0 || i >= len(s.memory.List) {
			return noEvent, nil
		}
		return f.open(ctx, s, []ident.KK{s.memory.List[i]}, s.memory.Wish)
	}
	if isAdvice(s.Choice) || s.Choice == whereValue || s.Choice == otherValue || s.Choice == forgetValue || s.Choice == problemValue {
		return f.about(ctx, s, s.Choice)
	}
	return noEvent, nil
}

// socialOffice is the office of the aid, as in the slot of that name.
const socialOffice = "Dinas Sosial"

// grievances are the problems of which what was said is a complaint already.
var grievances = []string{"removed", "rice_problem", "money", "objection", troubleTopic}

// maxSaid is how much of a complaint is kept until it is filed, in bytes.
const maxSaid = 500

// file hands the resident on to where complaints are filed, with what was said.
func (s *step) file() {
	s.Understood.Text = s.memory.Said
	slots := slices.DeleteFunc(slices.Clone(s.Understood.Slots), func(v understand.Slot) bool { return v.Name == "office" })
	s.Understood.Slots = append(slots, understand.Slot{Name: "office", Value: socialOffice})
	s.Redirect(understand.Complaint)
	s.handed = true
}

// given answers for a family card that the asker has named, with the birth
// dates that stood beside it.
func (f *Flow) given(ctx context.Context, s *step, born []time.Time) (string, error) {
	known, err := s.known(ctx)
	if err != nil {
		return fail, err
	}
	if slices.Contains(known, s.memory.KK) {
		return f.open(ctx, s, []ident.KK{s.memory.KK}, s.memory.Wish)
	}
	if len(born) > 0 {
		return f.try(ctx, s, s.memory.KK, born)
	}
	s.reason = "first"
	return prove, nil
}

// own answers for the family at hand or, without one, for those that are known
// to be the asker's; if there are none, it asks for one.
func (f *Flow) own(ctx context.Context, s *step, wish string) (string, error) {
	if wish == checkValue {
		wish = ""
	}
	families, err := s.known(ctx)
	if err != nil {
		return fail, err
	}
	if s.atHand() {
		families = []ident.KK{s.memory.KK}
	}
	desa := s.memory.Desa
	s.memory = memory{Wish: wish}
	if len(families) > 0 {
		return f.open(ctx, s, families, wish)
	}
	if desa != "" && wish == riceValue {
		s.memory.Desa = desa // the one that was asked for before
		return rice, nil
	}
	s.reason = "first"
	if wish == riceValue || wish == notifyValue {
		return place, nil // the desa is enough, and no secret
	}
	return ask, nil
}

// open shows families that the asker may see.
func (f *Flow) open(ctx context.Context, s *step, cards []ident.KK, wish string) (string, error) {
	s.memory = memory{Wish: wish}
	for _, kk := range cards {
		h, err := f.registry.Household(ctx, kk)
		switch {
		case errors.Is(err, ErrNotFound): // saved, and no longer there
		case err != nil:
			return fail, fmt.Errorf("macca: household: %w", err)
		default:
			s.families = append(s.families, h)
			s.memory.List = append(s.memory.List, kk)
		}
	}
	switch len(s.families) {
	case 0:
		var err error
		if s.asOf, err = f.registry.AsOf(ctx); err != nil {
			return fail, fmt.Errorf("macca: age of the data: %w", err)
		}
		s.reason = "gone"
		return ask, nil
	case 1:
		return f.reveal(s, s.families[0]), nil
	}
	return list, nil
}

// reveal shows a family, or of it what the asker wished.
func (f *Flow) reveal(s *step, h Household) string {
	wish := s.memory.Wish
	s.family = h
	s.memory = memory{KK: h.KK, Proven: s.Now}
	switch wish {
	case riceValue, notifyValue:
		s.unlisted = !s.rules.rice(h)
		if h.Desa == "" {
			s.memory.Wish = wish
			s.reason = "first"
			return place
		}
		s.memory.Desa = h.Desa
		if wish == notifyValue {
			return offerNews
		}
		return rice
	case decileValue:
		return decile
	case saveValue:
		if !slices.Contains(s.saved(), h.KK) {
			return offer
		}
	}
	return show
}

// badNumber finds digits that are no family card.
func (f *Flow) badNumber(s *step) string {
	u, state := s.Understood, s.Conversation.State
	digits, _ := ident.Digits(u.Text)
	if hasNumber(u.Slots, "nik") {
		s.reason = "nik"
		if state == askBirth || state == mismatch {
			return prove
		}
		return ask
	}
	if torn, ok := u.Slots.Get("nik_partial"); ok {
		digits = torn
	} else if !slices.Contains(asks, state) || !flows.IsNumber(u.Text) {
		return noEvent
	}
	switch state {
	case askBirth, mismatch:
		s.reason = "unread"
		if len(digits) == len("1961") {
			s.reason = "year"
		}
		if len(digits) <= len("03091961") {
			return prove
		}
	case askDesa:
		return noEvent
	}
	switch {
	case len(digits) == ident.NIKLength:
		s.reason = "date"
	case len(digits) >= minDigits:
		s.reason, s.digits = "length", len(digits)
	default:
		return noEvent
	}
	return ask
}

// minDigits is how many digits can be meant for a family card.
const minDigits = 5

// seats are the kecamatan that bear the name of a desa in them, which is meant
// when the rice is asked for.
var seats = []string{"Citta", "Donri-Donri", "Ganra"}

// desaOf returns the desa or kelurahan of a text.
func desaOf(slots understand.Slots) string {
	if desa, ok := slots.Get("desa"); ok {
		return desa
	}
	if kecamatan, _ := slots.Get("kecamatan"); slices.Contains(seats, kecamatan) {
		return kecamatan
	}
	return ""
}

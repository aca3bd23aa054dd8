package pengaduan

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"tabe/bot"
	"tabe/flows"
)

// questions are what each state says and asks.
var questions = map[string]flows.Enter[*step]{
	askWhat:     sayAskWhat,
	askWhere:    sayAskWhere,
	askOffice:   sayAskOffice,
	review:      sayReview,
	askChange:   sayAskChange,
	askName:     sayAskName,
	askReply:    sayAskReply,
	filed:       sayFiled,
	referred:    sayReferred,
	showTicket:  sayTicket,
	choose:      sayChoose,
	askTicket:   sayAskTicket,
	askRemark:   sayAskRemark,
	remarked:    sayRemarked,
	limited:     sayLimited,
	unavailable: sayUnavailable,
}

// option is a choice of this flow.
func option(value string) bot.Option {
	return bot.Option{Value: value, Label: "pengaduan.option_" + value}
}

// remarkOption offers to add to the ticket at hand. It names the ticket, because
// the option may stand below news of another one.
func (s *step) remarkOption() bot.Option {
	o := option(remarkValue)
	o.Data = bot.Data{"ticket": string(s.memory.Ticket)}
	return o
}

// options are choices of this flow.
func options(values ...string) []bot.Option { return flows.Options("pengaduan", values...) }

func sayAskWhat(_ context.Context, s *step) error {
	key := "pengaduan.ask_what"
	if s.reason == "photo" || s.reason == "again" {
		key += "_" + s.reason
	}
	r := bot.Reply{Key: key}
	if s.reason == "first" {
		r.Options = options(listValue)
	}
	s.Say(r)
	return nil
}

func sayAskWhere(_ context.Context, s *step) error {
	key := "pengaduan.ask_where"
	if s.reason == "outside" {
		key += "_outside"
	}
	s.Say(bot.Reply{Key: key, Options: append(options(unknownValue), bot.Share(bot.AskLocation))})
	return nil
}

// sayAskOffice offers the offices that have to do with it, and the general one
// for who does not know.
func sayAskOffice(_ context.Context, s *step) error {
	d := s.memory.Draft
	c := s.flow.catalogue
	codes := slices.Clone(c.Kind(d.Kind).Offices)
	if d.Office != "" { // it is to be changed: offer others than this one
		codes = append(codes, c.officeOf(d.Place.Kecamatan))
	}
	var offered []bot.Option
	for _, code := range codes {
		if c.HasOffice(code) && code != d.Office && code != c.General {
			offered = append(offered, bot.Option{Value: code, Label: "pengaduan.option_to", Data: bot.Data{"office": c.OfficeName(code)}})
		}
	}
	s.Say(bot.Reply{Key: "pengaduan.ask_office", Options: append(offered, option(unknownValue))})
	return nil
}

// How much is read back, in bytes: two messages have to hold all of it.
const (
	shownText  = 64
	shownPlace = 44
	shownName  = 24
)

func sayReview(_ context.Context, s *step) error {
	d := s.memory.Draft
	var rest []bot.Phrase
	if d.Place.Location != nil {
		rest = append(rest, bot.Phrase{Key: "pengaduan.with_location"})
	}
	if len(d.Media) > 0 {
		rest = append(rest, bot.Phrase{Key: "pengaduan.with_media", Data: bot.Data{"count": len(d.Media)}})
	}
	if d.Name != "" {
		rest = append(rest, bot.Phrase{Key: "pengaduan.with_name", Data: bot.Data{"name": shortened(d.Name, shownName)}})
	}
	s.Say(bot.Reply{
		Key: "pengaduan.review",
		Data: bot.Data{
			"report": sentence(shortened(d.Text, shownText)), "spot": shortened(d.Place.String(), shownPlace),
			"office": s.flow.catalogue.OfficeName(d.Office), "extras": rest,
		},
		Options: options(sendValue, anonymousValue, changeValue),
	})
	return nil
}

// sentence is text without the mark at its end, for the middle of another one.
func sentence(text string) string {
	if strings.HasSuffix(text, "..") {
		return text
	}
	return strings.TrimRight(text, ". ")
}

func sayAskChange(_ context.Context, s *step) error {
	s.Say(bot.Reply{Key: "pengaduan.ask_change", Options: options(textValue, placeValue, officeValue, nameValue, reviewValue)})
	return nil
}

func sayAskName(_ context.Context, s *step) error {
	back := bot.Option{Value: reviewValue, Label: "pengaduan.option_no_name"}
	s.Say(bot.Reply{Key: "pengaduan.ask_name", Options: []bot.Option{back}})
	return nil
}

// consentKey is kept with an anonymous complaint: by which words the resident
// was asked whether his number may be kept for the answer.
const consentKey = "pengaduan.ask_reply"

func sayAskReply(_ context.Context, s *step) error {
	s.Say(bot.Reply{Key: consentKey, Options: []bot.Option{bot.Choice(flows.Yes), bot.Choice(flows.No)}})
	return nil
}

// checkDays is how many working days the operators have to look at a complaint:
// the rule of SP4N-LAPOR!.
const checkDays = 3

func sayFiled(_ context.Context, s *step) error {
	d := s.memory.Draft
	k := s.flow.catalogue.Kind(d.Kind)
	n := NumberOf(FromResident, s.Seq)
	e := Filed{
		Number: n, Text: d.Text, Place: d.Place, Kind: d.Kind, Office: d.Office, Media: d.Media, Name: d.Name,
		Anonymous: d.Anonymous, Mute: d.Mute, Confidential: k.Confidential,
	}
	if d.Anonymous {
		e.Consent = consentKey
	}
	s.Effect(e)
	s.memory = memory{Ticket: n}
	r := bot.Reply{
		Key:     "pengaduan.filed",
		Data:    bot.Data{"ticket": string(n), "office": s.flow.catalogue.OfficeName(d.Office), "days": checkDays},
		Options: []bot.Option{s.remarkOption(), option(newValue)},
	}
	if d.Mute {
		s.memory = memory{} // nobody can tell any more whose it is
		r.Key, r.Options = "pengaduan.filed_mute", options(newValue)
	}
	s.Say(r)
	return nil
}

func sayReferred(_ context.Context, s *step) error {
	if s.memory.Draft.Kind == crimeTopic {
		s.memory = memory{}
		s.Say(bot.Reply{Key: "pengaduan.refer_crime", Options: options(newValue)})
		return nil
	}
	s.Say(bot.Reply{Key: "pengaduan.refer_corruption", Options: []bot.Option{bot.Choice(flows.Yes), bot.Choice(flows.No)}})
	return nil
}

// shownAnswer is how much of an office's answer a ticket shows.
const shownAnswer = 110

func sayTicket(_ context.Context, s *step) error {
	t := s.ticket
	rest := []bot.Phrase{s.progress()}
	if !s.own {
		s.Say(bot.Reply{Key: "pengaduan.ticket_other", Data: bot.Data{"ticket": string(t.Number), "extras": rest}, Options: options(newValue, listValue)})
		return nil
	}
	if s.reason == "same" {
		rest = slices.Insert(rest, 0, bot.Phrase{Key: "pengaduan.same"})
	}
	if t.Answer != "" {
		rest = append(rest, bot.Phrase{Key: "pengaduan.answer", Data: bot.Data{"answer": shortened(t.Answer, shownAnswer)}})
	}
	r := bot.Reply{Key: "pengaduan.ticket", Data: bot.Data{
		"ticket": string(t.Number), "date": bot.Date(t.Filed.In(bot.WITA)), "report": sentence(shortened(t.Text, shownListed)),
		"office": s.flow.catalogue.OfficeName(t.Office), "extras": rest,
	}}
	if t.Status != StatusClosed {
		r.Options = []bot.Option{s.remarkOption()}
	}
	r.Options = append(r.Options, options(listValue, newValue)...)
	s.Say(r)
	return nil
}

// progress is a sentence on how far the ticket at hand is.
func (s *step) progress() bot.Phrase {
	data := bot.Data{"date": bot.Date(s.ticket.Updated.In(bot.WITA))}
	if s.ticket.Status == StatusHanded {
		data["reference"] = s.ticket.Reference
		if !s.own {
			data["reference"] = "" // it opens the text at SP4N-LAPOR!
		}
	}
	return bot.Phrase{Key: "pengaduan.status_" + string(s.ticket.Status), Data: data}
}

// shownListed is how much of a complaint a list or a status has of it.
const (
	shownListed = 60
	shownOption = 18
)

func sayChoose(_ context.Context, s *step) error {
	r := bot.Reply{Key: "pengaduan.ask_ticket_own"}
	for _, t := range s.tickets {
		r.Options = append(r.Options, bot.Option{
			Value: string(t.Number), Label: "pengaduan.option_ticket",
			Data: bot.Data{"ticket": string(t.Number), "short": shortened(t.Text, shownOption)},
		})
	}
	r.Options = append(r.Options, option(newValue))
	s.Say(r)
	return nil
}

func sayAskTicket(_ context.Context, s *step) error {
	s.Say(bot.Reply{Key: "pengaduan.ask_ticket_" + s.reason, Options: options(newValue)})
	return nil
}

func sayAskRemark(_ context.Context, s *step) error {
	s.Say(bot.Reply{Key: "pengaduan.ask_remark", Data: bot.Data{"ticket": string(s.memory.Ticket)}})
	return nil
}

func sayRemarked(_ context.Context, s *step) error {
	s.Effect(s.remark)
	s.Say(bot.Reply{Key: "pengaduan.remarked", Data: bot.Data{"ticket": string(s.memory.Ticket)}, Options: []bot.Option{s.remarkOption(), option(newValue)}})
	return nil
}

func sayLimited(_ context.Context, s *step) error {
	kind := guessing
	if s.reason == "sent" {
		kind = filing
	}
	if s.Attempts(kind).Stopped() {
		s.Say(bot.Reply{Key: "pengaduan.stopped_" + s.reason})
		return nil
	}
	r := bot.Reply{Key: "pengaduan.slowed_" + s.reason, Data: bot.Data{"minutes": flows.Minutes(s.until.Sub(s.Now))}}
	if s.reason == "sent" && s.memory.Draft.Text != "" {
		r.Options = options(retryValue)
	}
	s.Say(r)
	return nil
}

func sayUnavailable(_ context.Context, s *step) error {
	s.Say(bot.Reply{Key: "pengaduan.unavailable", Options: options(retryValue, newValue)})
	return nil
}

// toldWords is how much of an office's words one message holds.
const toldWords = 200

// Tell implements bot.Teller: what an office did with a ticket, in its own
// words. The conversation stays where it is.
func (f *Flow) Tell(_ context.Context, t *bot.Turn) error {
	var n News
	if err := json.Unmarshal(t.Notice.Body, &n); err != nil {
		return fmt.Errorf("pengaduan: notice: %w", err)
	}
	words := pieces(bot.CleanText(n.Words), toldWords)
	data := bot.Data{"ticket": string(n.Number), "office": f.catalogue.OfficeName(n.Office), "told": "", "reference": n.Reference}
	if len(words) > 0 {
		data["told"] = words[0]
		words = words[1:]
	}
	switch Status(t.Notice.Kind) {
	case StatusAnswered, StatusClosed, StatusHanded:
	default:
		return fmt.Errorf("pengaduan: nobody is told of status %q", t.Notice.Kind)
	}
	t.Say(bot.Reply{Key: "pengaduan.told_" + t.Notice.Kind, Data: data, Keep: true})
	for _, more := range words {
		t.Say(bot.Reply{Key: "pengaduan.told_more", Data: bot.Data{"ticket": string(n.Number), "told": more}, Keep: true})
	}
	return nil
}

// pieces cuts text between words into parts of at most n bytes.
func pieces(text string, n int) []string {
	var parts []string
	for text != "" {
		part := cut(text, n)
		if len(part) < len(text) {
			if space := strings.LastIndexByte(part, ' '); space > n/2 {
				part = part[:space]
			}
		}
		if part == "" {
			break // a character longer than a part
		}
		parts = append(parts, part)
		text = strings.TrimSpace(text[len(part):])
	}
	return parts
}

package kabar

import (
	"encoding/json"
	"fmt"
	"slices"

	"tabe/bot"
	"tabe/flows"
	"tabe/flows/tautan"
)

// Reserve is the purpose of a resident's consent to be answered by SMS when the
// channel on which he writes fails, and the kind of the notice by which what it
// could not carry is told there.
const Reserve = "reserve"

// Undelivered is the body of that notice.
type Undelivered struct {
	Channel bot.ChannelID `json:"c"` // that failed
	Words   string        `json:"w"` // that it did not carry
}

// reserveConsent is kept with the consent: by which words it was asked.
const reserveConsent = "kabar.ask_reserve"

// needless are the channels that need no SMS in reserve: it itself, and that
// which answers in the same moment or not at all.
var needless = []bot.ChannelID{"sms", "ussd"}

// reservable tells whether there is a number to which SMS could go instead.
func (f *Flow) reservable(t *bot.Turn) bool {
	return f.bySMS && !slices.Contains(needless, t.Channel) && t.Phone() != ""
}

// reserve begins with the wish for an SMS in reserve, or tells why there is none.
func (f *Flow) reserve(s *step) string {
	switch {
	case f.reservable(s.Turn):
		s.memory = memory{Reserve: true}
		return ask
	case !f.bySMS:
		s.Say(bot.Reply{Key: "kabar.reserve_none", Keep: true})
	case slices.Contains(needless, s.Channel):
		s.Say(bot.Reply{Key: "kabar.reserve_here", Keep: true})
	default:
		s.Redirect(tautan.Topic) // an account that is no number's yet
	}
	return answered
}

func sayAskReserve(s *step) error {
	phone := string(s.Phone())
	s.Say(bot.Reply{Key: reserveConsent, Data: bot.Data{"tail": ".." + phone[max(0, len(phone)-3):]}, Options: []bot.Option{bot.Choice(flows.Yes), bot.Choice(flows.No)}})
	return nil
}

func sayReserved(s *step) error {
	s.Effect(bot.Subscribe{Purpose: Reserve, Consent: reserveConsent, BySMS: true})
	s.Say(bot.Reply{Key: "kabar.reserved"})
	return nil
}

// tellMoved tells by SMS what another channel could not carry. The question in
// it, if it was one, is not open here: the resident begins again.
func tellMoved(t *bot.Turn) error {
	var u Undelivered
	if err := json.Unmarshal(t.Notice.Body, &u); err != nil {
		return fmt.Errorf("kabar: notice: %w", err)
	}
	t.Say(bot.Reply{Key: "kabar.moved", Data: bot.Data{"app": tautan.App(u.Channel), "words": u.Words}, Keep: true})
	return nil
}

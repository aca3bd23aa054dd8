package tautan

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"tabe/bot"
	"tabe/flows"
)

// The messages by which consent is asked.
const (
	consentShare = "tautan.offer"
	consentCode  = "tautan.ask_confirm"
)

// App is what the accounts on a channel are called.
func App(c bot.ChannelID) string {
	switch c {
	case "":
		return ""
	case "whatsapp":
		return "WhatsApp"
	}
	return strings.ToUpper(string(c[:1])) + string(c[1:])
}

// app is what an account is called, and the word that takes it off.
func (s *step) app(c bot.ChannelID) bot.Data {
	return bot.Data{"app": App(c), "word": strings.ToUpper(string(c))}
}

// tail is the end of a number, by which its owner knows it and nobody else.
func tail(subject string) string { return ".." + subject[max(0, len(subject)-4):] }

func yesOrNo() []bot.Option { return []bot.Option{bot.Choice(flows.Yes), bot.Choice(flows.No)} }

func sayOffer(_ context.Context, s *step) error {
	code := Code{Code: s.flow.codes.New(s.Entry), Until: s.Now.Add(Valid)}
	data := s.app(s.Channel)
	data["code"] = code.Code
	r := bot.Reply{Key: consentShare, Data: data, Options: []bot.Option{bot.Share(bot.AskContact)}}
	if s.again {
		r.Key = "tautan.offer_own"
	}
	s.Effect(code)
	s.Say(r)
	return nil
}

func sayCheck(_ context.Context, s *step) error {
	s.Say(bot.Reply{Key: "tautan.ask_check", Data: s.app(s.memory.Channel), Options: yesOrNo()})
	return nil
}

func sayPassed(_ context.Context, s *step) error {
	s.Effect(Offer{Code: s.memory.Code})
	s.Say(bot.Reply{Key: "tautan.passed", Data: s.app(s.memory.Channel)})
	return nil
}

func sayConfirm(_ context.Context, s *step) error {
	data := s.app(s.Channel)
	data["tail"] = tail(s.memory.Owner)
	s.Say(bot.Reply{Key: consentCode, Data: data, Options: yesOrNo()})
	return nil
}

func sayLinked(_ context.Context, s *step) error {
	consent := consentCode
	if s.Contact != nil {
		consent = consentShare
	}
	data := s.app(s.Channel)
	data["tail"] = tail(s.memory.Owner)
	s.Effect(bot.Link{Owner: s.memory.Owner, Consent: consent})
	s.Say(bot.Reply{Key: "tautan.linked", Data: data})
	return nil
}

func sayDeclined(_ context.Context, s *step) error {
	s.Say(bot.Reply{Key: "tautan.declined"})
	return nil
}

func sayUnlinked(_ context.Context, s *step) error {
	account := s.Resident.Links[0].Channel // decide has looked
	for _, l := range s.Resident.Links {
		s.Effect(bot.Unlink{Channel: l.Channel})
	}
	for len(s.Resident.Links) > 0 {
		s.Resident.Unlink(s.Resident.Links[0].Channel)
	}
	s.Say(bot.Reply{Key: "tautan.unlinked", Data: s.app(account)})
	return nil
}

func sayTold(_ context.Context, s *step) error {
	s.Say(bot.Reply{Key: s.key, Data: s.data})
	return nil
}

// Tell implements bot.Teller.
func (f *Flow) Tell(ctx context.Context, t *bot.Turn) error {
	s := &step{Turn: t, flow: f}
	var n News
	if err := json.Unmarshal(t.Notice.Body, &n); err != nil {
		return fmt.Errorf("tautan: notice: %w", err)
	}
	switch t.Notice.Kind {
	case Offered:
		if _, known := s.phone(); known || t.Now.After(n.Until) {
			return nil // it was linked meanwhile, or is too late
		}
		t.End()
		s.memory = memory{Owner: n.Owner, Until: n.Until}
		return f.move(ctx, s, question)
	case Joined:
		t.Say(bot.Reply{Key: "tautan.told_joined", Data: s.app(n.Account), Keep: true})
	case Released:
		t.Say(bot.Reply{Key: "tautan.told_released", Data: s.app(n.Account), Keep: true})
	default:
		return fmt.Errorf("tautan: there are no notices of kind %s", t.Notice.Kind)
	}
	return nil
}

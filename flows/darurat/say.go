package darurat

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"tabe/bot"
	"tabe/flows"
)

// received is the first answer: the code, and a number to call at once. About
// violence no word betrays to whoever holds the phone what was written.
func (s *step) received() bot.Reply {
	return bot.Reply{Key: "darurat.received_" + string(s.memory.Kind), Data: bot.Data{
		"code": Code(s.memory.Incident), "number": s.contact.Number,
	}}
}

var questions = map[string]flows.Enter[*step]{
	askPlace:    sayPlace,
	askDistrict: sayDistrict,
	askVillage:  sayVillage,
	askWhich:    sayWhich,
	confirming:  sayBack,
	askDanger:   sayDanger,
	askContact:  sayContact,
	reported:    sayReported,
}

func (s *step) quiet() bool { return s.memory.Kind == Violence }

func sayPlace(_ context.Context, s *step) error {
	key := "darurat.ask_place"
	switch {
	case s.outside:
		key = "darurat.ask_place_outside"
	case s.quiet():
		key = "darurat.ask_place_quiet"
	}
	s.Say(bot.Reply{Key: key, Options: []bot.Option{bot.Choice(pickValue), bot.Share(bot.AskLocation)}})
	return nil
}

// perPage leaves room on one SMS and, with the options that lead on, on every channel.
const perPage = 5

func sayDistrict(_ context.Context, s *step) error {
	s.Say(bot.Reply{Key: "darurat.ask_district", Options: s.page(s.flow.places.Districts())})
	return nil
}

func sayVillage(_ context.Context, s *step) error {
	u, ok := s.flow.places.Unit(s.memory.Unit)
	if !ok {
		return fmt.Errorf("there is no place %q", s.memory.Unit)
	}
	s.Say(bot.Reply{Key: "darurat.ask_village", Data: bot.Data{"district": u.DistrictName}, Options: s.page(s.flow.places.Villages(u.District))})
	return nil
}

// page shows one page of a list, "I do not know" at the end of each.
func (s *step) page(units []Unit) []bot.Option {
	s.memory.Page = min(s.memory.Page, (len(units)-1)/perPage)
	from := s.memory.Page * perPage
	to := min(len(units), from+perPage)
	options := choices(units[from:to])
	options = append(options, bot.Choice(unknownValue))
	if from > 0 {
		options = append(options, bot.Choice(bot.BackValue))
	}
	if to < len(units) {
		options = append(options, bot.Choice(bot.MoreValue))
	}
	return options
}

func choices(units []Unit) []bot.Option {
	options := make([]bot.Option, len(units))
	for i, u := range units {
		options[i] = bot.Option{Value: u.Code, Label: "darurat.place", Data: bot.Data{"place": u.Name}}
	}
	return options
}

func sayWhich(_ context.Context, s *step) error {
	var units []Unit
	for _, code := range s.memory.Choices {
		if u, ok := s.flow.places.Unit(code); ok {
			units = append(units, u)
		}
	}
	options := choices(units)
	for i, u := range units {
		if !u.IsDistrict() {
			options[i].Label = "darurat.place_in"
			options[i].Data["district"] = u.DistrictName
		} else if u.Seat != u.Name {
			options[i].Label = "darurat.place_known_by"
			options[i].Data["seat"] = u.Seat
		}
	}
	s.Say(bot.Reply{Key: "darurat.ask_which", Options: append(options, bot.Choice(unknownValue))})
	return nil
}

// sayBack reads the place back: "Kaca, Marioriawa (Batu-Batu). Betul?"
func sayBack(_ context.Context, s *step) error {
	s.Say(bot.Reply{Key: "darurat.ask_right", Data: s.placeData(), Options: []bot.Option{bot.Choice(flows.Yes), bot.Choice(flows.No)}})
	return nil
}

func (s *step) placeData() bot.Data {
	u, _ := s.flow.places.Unit(s.memory.Unit)
	seat := u.Seat
	if seat == u.DistrictName || strings.EqualFold(strings.ReplaceAll(seat, "-", " "), u.Name) {
		seat = "" // says nothing new
	}
	return bot.Data{"place": u.Name, "district": u.DistrictName, "seat": seat}
}

func sayDanger(_ context.Context, s *step) error {
	s.memory.Asked = true
	options := []bot.Option{bot.Choice(flows.Yes), bot.Choice(flows.No), bot.Choice(unknownValue)}
	if s.report.Where != nil && s.report.Where.Position != nil && s.memory.Unit != "" {
		s.Say(bot.Reply{Key: "darurat.pinned", Data: s.placeData()}) // what his position was taken for
	}
	s.Say(bot.Reply{Key: "darurat.ask_danger", Options: options})
	return nil
}

func sayContact(_ context.Context, s *step) error {
	s.Say(bot.Reply{Key: "darurat.ask_contact", Options: []bot.Option{bot.Choice(flows.Yes), bot.Choice(flows.No)}})
	return nil
}

// sayReported answers what is only passed on. The dialogue ends: there is
// nothing more to ask.
func sayReported(_ context.Context, s *step) error {
	key, data := "darurat.joined", bot.Data{"code": Code(s.memory.Incident), "number": s.contact.Number}
	fresh := s.report.First || s.Conversation.State != reported && s.Conversation.State != ""
	switch {
	case s.report.TakeBack:
		key = "darurat.taken_back"
	case fresh && s.contact.Name != "":
		key = "darurat.complete_post"
		data["post"] = s.contact.Name
	case fresh:
		key = "darurat.complete"
	}
	if s.quiet() {
		key, data = "darurat.quiet", nil
	}
	s.Say(bot.Reply{Key: key, Data: data, End: true})
	return nil
}

// The kinds of notices to a reporter.
const (
	ToldWords  = "words"  // an operator writes
	ToldGoing  = "going"  // a post is on its way
	ToldClosed = "closed" // with an outcome
)

// News is the body of a notice to a reporter.
type News struct {
	Code    string `json:"c"`
	Words   string `json:"w,omitempty"` // of the operator
	Post    string `json:"p,omitempty"`
	Outcome string `json:"o,omitempty"`
	Quiet   bool   `json:"q,omitempty"` // no word of what it is about
}

// maxWords is how much of what an operator writes goes into one message.
const maxWords = 280

// Tell implements bot.Teller. It never touches what the resident is doing.
func (f *Flow) Tell(_ context.Context, t *bot.Turn) error {
	var n News
	if err := json.Unmarshal(t.Notice.Body, &n); err != nil {
		return fmt.Errorf("darurat: notice: %w", err)
	}
	data := bot.Data{"code": n.Code}
	key := ""
	switch t.Notice.Kind {
	case ToldWords:
		key = "darurat.words"
		if n.Quiet {
			key = "darurat.words_quiet"
		}
		if len(n.Words) > maxWords {
			n.Words = strings.ToValidUTF8(n.Words[:maxWords], "")
		}
		data["words"] = n.Words
	case ToldGoing:
		key, data["post"] = "darurat.going", n.Post
	case ToldClosed:
		key = "darurat.closed"
	}
	if key == "" || n.Quiet && t.Notice.Kind != ToldWords {
		return nil
	}
	if n.Quiet {
		t.Confine()
	}
	t.Say(bot.Reply{Key: key, Data: data, Keep: true})
	return nil
}

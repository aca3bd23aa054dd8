package siaga

import (
	"context"
	"fmt"
	"strings"

	"tabe/bot"
)

// sayPage tells of an incident in one SMS: "SCC K7MFR KEBAKARAN Botto,
// Lalabata. ... Lapor 21.04."
func sayPage(_ context.Context, s *step) error {
	a := s.alarm
	key := "siaga.page"
	switch {
	case s.Notice.Kind == Bundled && len(s.list) > 1:
		oldest := s.list[len(s.list)-1]
		s.Say(bot.Reply{Key: "siaga.bundle", Data: bot.Data{"count": len(s.list), "code": oldest.Code, "spelled": spelled(oldest.Code), "where": oldest.Place}})
		return nil
	case a.Test:
		key = "siaga.page_test"
	case s.Notice.Kind == Moved:
		key = "siaga.moved"
	case a.Again:
		key = "siaga.page_again"
	}
	spoken := a
	spoken.Position = nil // nobody remembers a position that is read to him
	s.Say(bot.Reply{Key: key, Data: bot.Data{
		"code": a.Code, "kind": bot.Word("siaga.kind_" + a.Kind), "where": where(a), "at": a.At.In(bot.WITA).Format("15.04"), "danger": a.Danger,
		"spelled": spelled(a.Code), "spoken": where(spoken),
	}, Options: options()})
	return nil
}

// spelled is a code as it is read out: letter by letter, with a pause at each.
func spelled(code string) string { return strings.Join(strings.Split(code, ""), ", ") }

// maxLandmark is how much of the reporter's words about the place fits.
const maxLandmark = 40

// where is a line about the place; empty if nothing is known.
func where(a Alarm) string {
	var parts []string
	name := a.Place
	if a.District != "" && a.District != a.Place {
		name = strings.TrimPrefix(name+", "+a.District, ", ")
	}
	if name != "" {
		parts = append(parts, name)
	}
	if a.Landmark != "" {
		l := bot.CleanText(a.Landmark)
		if len(l) > maxLandmark {
			l = strings.ToValidUTF8(l[:maxLandmark], "")
		}
		parts = append(parts, l)
	}
	if a.Position != nil {
		parts = append(parts, fmt.Sprintf("%.5f,%.5f", a.Position.Lat, a.Position.Lng))
	}
	return strings.Join(parts, ", ")
}

func options() []bot.Option {
	list := make([]bot.Option, len(words))
	for i, w := range words {
		list[i] = bot.Option{Value: string(w), Label: "siaga.option_" + string(w)}
	}
	return list
}

func sayWhich(_ context.Context, s *step) error {
	var list []bot.Option
	for _, p := range s.list[:min(len(s.list), bot.MaxOptions)] {
		list = append(list, bot.Option{Value: p.Code, Label: "siaga.which", Data: bot.Data{"code": p.Code, "spelled": spelled(p.Code), "place": p.Place}})
	}
	s.Say(bot.Reply{Key: "siaga.ask_which", Options: list})
	return nil
}

func sayAnswered(_ context.Context, s *step) error {
	switch {
	case s.unclear:
		s.Say(bot.Reply{Key: "siaga.unclear", Options: options()})
		return nil
	case s.of.Incident == 0:
		s.Say(bot.Reply{Key: "siaga.nothing"})
		return nil
	}
	r := bot.Reply{Key: "siaga.answered_" + string(s.word), Data: bot.Data{"code": s.of.Code, "spelled": spelled(s.of.Code)}}
	if !s.call && (s.word == Accept || s.word == OnScene) { // a call has said all by then
		r.Options = options() // the digits keep their meaning
	}
	s.Say(r)
	return nil
}

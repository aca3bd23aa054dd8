package petugas

import (
	"context"
	"strconv"
	"strings"
	"time"

	"tabe/bot"
	"tabe/flows"
)

// questions is what each state says.
var questions = map[string]flows.Enter[*step]{
	waiting: sayWaiting, promised: sayPromised, askPhone: sayAskPhone, talking: sayTalking, ended: sayEnded, withdrawn: sayWithdrawn,
}

func option(value string) bot.Option {
	return bot.Option{Value: value, Label: "petugas.option_" + value}
}

// endOption ends the conversation with an operator, with the key that leads to
// the menu everywhere.
var endOption = bot.Option{Value: bot.MenuValue, Label: "petugas.option_end"}

func sayWaiting(_ context.Context, s *step) error {
	rest := []bot.Phrase{{Key: "petugas.wait_unknown"}}
	if s.standing.Wait > 0 {
		rest[0] = bot.Phrase{Key: "petugas.wait_known", Data: bot.Data{"minutes": flows.Minutes(s.standing.Wait)}}
	}
	options := []bot.Option{option(withdrawValue)}
	if ownPhone(s.Turn) != "" {
		options = []bot.Option{option(callValue), option(withdrawValue)}
	}
	s.Say(bot.Reply{
		Key: "petugas.waiting", Options: options,
		Data: bot.Data{"position": s.standing.Ahead + 1, "time": clock(s.closes), "rest": rest},
	})
	return nil
}

func sayPromised(_ context.Context, s *step) error {
	data := when(s.promise)
	key := "petugas.promised_call"
	switch s.promise.Phone {
	case "":
		key = "petugas.promised_reply"
	case ownPhone(s.Turn):
	default:
		key = "petugas.promised_number"
		data["phone"] = local(s.promise.Phone)
	}
	note := "noted"
	switch {
	case s.Notice != nil:
		note = s.Notice.Kind
	case isVoice(s.Turn):
		note = "voice"
	case s.closes.IsZero():
		note = "away"
	}
	data["note"] = bot.Word("petugas.note_" + note)
	r := bot.Reply{Key: key, Data: data, Options: []bot.Option{option(withdrawValue)}}
	if s.Notice != nil { // said in passing
		r.Keep, r.Options = true, nil
	}
	s.Say(r)
	return nil
}

func sayAskPhone(_ context.Context, s *step) error {
	r := bot.Reply{Key: "petugas.ask_phone", Options: []bot.Option{option(withdrawValue)}}
	if isVoice(s.Turn) {
		r.Key = "petugas.ask_phone_voice"
	}
	s.Say(r)
	return nil
}

func sayTalking(_ context.Context, s *step) error {
	r := bot.Reply{Key: "petugas.resumed", Data: bot.Data{"who": s.standing.Who}, Options: []bot.Option{endOption}}
	if s.Notice != nil {
		r.Key, r.Data["who"] = "petugas."+s.Notice.Kind, s.line.Who
		if s.line.Text != "" {
			r.Data["message"] = s.line.Text
		}
		if s.urgent {
			r.Keep, r.Options = true, nil
			if s.Notice.Kind == NoticeTaken {
				r.Key = "petugas.ready"
			}
		}
	}
	s.Say(r)
	return nil
}

func sayEnded(_ context.Context, s *step) error {
	s.Say(bot.Reply{Key: "petugas.ended", Keep: s.Notice != nil && s.Conversation.Flow != name})
	return nil
}

func sayWithdrawn(_ context.Context, s *step) error {
	s.Say(bot.Reply{Key: "petugas.withdrawn"})
	return nil
}

// when names the window of a promise; its day is that of its beginning.
func when(p Promise) bot.Data {
	from := p.From.In(bot.WITA)
	return bot.Data{
		"weekday": bot.Word("weekday." + strconv.Itoa(int(from.Weekday()))), "mday": from.Day(),
		"month": bot.Word("month." + strconv.Itoa(int(from.Month()))), "from": clock(from), "until": clock(p.Until),
	}
}

func clock(t time.Time) string { return t.In(bot.WITA).Format("15.04") }

// local writes an Indonesian number as people do: 0812….
func local(phone string) string {
	if rest, ok := strings.CutPrefix(phone, "+62"); ok {
		return "0" + rest
	}
	return phone
}

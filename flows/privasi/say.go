package privasi

import (
	"context"
	"regexp"
	"strings"
	"time"

	"tabe/bot"
	"tabe/bot/ident"
	"tabe/bot/understand"
	"tabe/flows"
	"tabe/flows/tautan"
)

// options are choices of this flow.
func options(values ...string) []bot.Option { return flows.Options("privasi", values...) }

func sayOverview(_ context.Context, s *step) error {
	var parts []bot.Phrase
	say := func(what string, data bot.Data) {
		parts = append(parts, bot.Phrase{Key: "privasi.has_" + what, Data: data})
	}
	if numbers := s.numbers(); numbers != "" {
		say("numbers", bot.Data{"numbers": numbers})
	}
	if n := len(s.kept.Told); n > 0 {
		say("told", bot.Data{"count": n})
	}
	if s.kept.Complaints > 0 {
		say("complaints", bot.Data{"count": s.kept.Complaints})
	}
	if s.kept.Incidents > 0 {
		say("incidents", bot.Data{"count": s.kept.Incidents})
	}
	for _, l := range s.Resident.Links {
		say("linked", bot.Data{"app": tautan.App(l.Channel)})
	}
	say("messages", bot.Data{"days": s.kept.Days})
	values := []string{seenValue}
	if len(s.agreed()) > 0 {
		values = append(values, consentsValue)
	}
	values = append(values, toldValue, correctValue, deleteValue)
	if tautan.Unlinked(s.Turn) {
		values = append(values, linkValue)
	}
	s.Say(bot.Reply{Key: "privasi.overview", Data: bot.Data{"rest": parts}, Options: options(values...)})
	return nil
}

// numbersShown is how many saved numbers are named.
const numbersShown = 3

// numbers are the saved numbers, masked, so that whoever holds the phone
// learns none.
func (s *step) numbers() string {
	var list []string
	for _, saved := range s.Resident.Saved {
		list = append(list, masked(saved))
	}
	if len(list) > numbersShown {
		list = append(list[:numbersShown], "...")
	}
	return strings.Join(list, ", ")
}

func masked(n bot.Saved) string {
	const ends = 4
	if n.Kind == "nop" {
		return "NOP " + strings.TrimPrefix(ident.NOP(n.Value).Masked(), "***.")
	}
	value := []rune(n.Value)
	return strings.ToUpper(strings.ReplaceAll(n.Kind, "_", " ")) + " .." + string(value[max(0, len(value)-ends):])
}

func sayAccesses(_ context.Context, s *step) error {
	r := bot.Reply{Key: "privasi.accesses", Options: options(correctValue, overviewValue)}
	if len(s.kept.Accesses) == 0 {
		r.Key = "privasi.accesses_none"
		s.Say(r)
		return nil
	}
	var lines []bot.Phrase
	for _, a := range s.kept.Accesses {
		lines = append(lines, bot.Phrase{Key: "privasi.access", Data: bot.Data{
			"when": bot.Moment(a.At), "role": known("privasi.role_", a.Role, "operator", "supervisor", "office"),
			"seen": known("privasi.what_", a.What, "conversation", "complaint", "incident"),
		}})
	}
	r.Data = bot.Data{"rest": lines}
	s.Say(r)
	return nil
}

// known is the word for a name, or a general one for a name that has none.
func known(prefix, name string, names ...string) bot.Word {
	for _, n := range names {
		if n == name {
			return bot.Word(prefix + name)
		}
	}
	return bot.Word(prefix + "else")
}

// consent is one thing that the resident agreed to.
type consent struct {
	words  string
	since  time.Time
	told   *Told         // what he is told of,
	linked bot.ChannelID // or an account that is his, or else a number that is kept
}

// agreed are the consents in force, those to keep a number first.
func (s *step) agreed() (list []consent) {
	language := s.Resident.Language
	if language == "" {
		language = understand.Indonesian
	}
	for _, saved := range s.Resident.Saved {
		list = append(list, consent{words: plain(s.flow.records.Asked(language, saved.Consent)), since: saved.At})
	}
	for i, told := range s.kept.Told {
		list = append(list, consent{words: plain(told.Words[language]), since: told.Since, told: &s.kept.Told[i]})
	}
	for _, l := range s.Resident.Links {
		list = append(list, consent{words: plain(s.flow.records.Asked(language, l.Consent)), since: l.At, linked: l.Channel})
	}
	return list
}

// longestWords is how much of the words of a consent fits an answer.
const longestWords = 180

var values = regexp.MustCompile(`\{\{[^}]*\}\}`)

// plain is a message without the values that stood in it.
func plain(words string) string {
	words = values.ReplaceAllString(words, "...")
	if runes := []rune(words); len(runes) > longestWords {
		words = string(runes[:longestWords-2]) + ".."
	}
	return words
}

func sayConsents(_ context.Context, s *step) error {
	list := s.agreed()
	if len(list) == 0 {
		s.Say(bot.Reply{Key: "privasi.consents_none", Options: options(overviewValue)})
		return nil
	}
	s.memory.Page = max(0, min(s.memory.Page, len(list)-1))
	c := list[s.memory.Page]
	r := bot.Reply{Key: "privasi.consent", Data: bot.Data{"n": s.memory.Page + 1, "count": len(list), "date": bot.Date(c.since), "asked": c.words}, Options: options(withdrawValue)}
	if s.memory.Page+1 < len(list) {
		r.Options = append(r.Options, bot.Choice(bot.MoreValue))
	}
	if s.memory.Page > 0 {
		r.Options = append(r.Options, bot.Choice(bot.BackValue))
	}
	s.Say(r)
	return nil
}

func sayWithdrawn(_ context.Context, s *step) error {
	c := s.agreed()[s.memory.Page] // decide has looked
	switch {
	case c.told != nil:
		s.Effect(bot.Unsubscribe{Purpose: c.told.Purpose, Key: c.told.Key})
	case c.linked != "":
		s.Resident.Unlink(c.linked)
		s.Effect(bot.Unlink{Channel: c.linked})
	default:
		s.Resident.Saved = append(s.Resident.Saved[:s.memory.Page:s.memory.Page], s.Resident.Saved[s.memory.Page+1:]...)
	}
	s.Say(bot.Reply{Key: "privasi.withdrawn", Options: options(consentsValue, overviewValue)})
	s.memory.Page = 0
	return nil
}

func sayCorrecting(_ context.Context, s *step) error {
	var list []string
	for _, o := range offices {
		list = append(list, o.value)
	}
	s.Say(bot.Reply{Key: "privasi.correct", Options: options(append(list, otherValue)...)})
	return nil
}

func sayDescribing(_ context.Context, s *step) error {
	s.Say(bot.Reply{Key: "privasi.ask_wrong", Data: bot.Data{"holder": bot.Word("privasi.holder_" + s.memory.Office)}})
	return nil
}

func sayAsking(_ context.Context, s *step) error {
	s.Say(bot.Reply{Key: "privasi.ask_delete", Options: []bot.Option{bot.Choice(flows.Yes), bot.Choice(flows.No)}})
	return nil
}

func sayDeleted(_ context.Context, s *step) error {
	s.Say(bot.Reply{Key: "privasi.deleted"})
	s.Effect(bot.Erase{})
	s.Resident.Forget()
	return nil
}

func sayKept(_ context.Context, s *step) error {
	s.Say(bot.Reply{Key: "privasi.kept"})
	return nil
}

// Package menu greets, lists the services, answers small talk, asks back when
// it is not clear what was meant, says where to go for services that are not
// here, and keeps what nobody understood so that somebody can teach it.
package menu

import (
	"context"

	"github.com/looplab/fsm"

	"tabe/bot"
	"tabe/bot/understand"
	"tabe/flows"
)

// The states: the list of services, and the question which of two was meant.
const (
	listing = "listing"
	asking  = "asking"
)

const (
	list = "list"
	ask  = "ask"
)

var events = fsm.Events{
	{Name: list, Src: []string{flows.Start, listing, asking}, Dst: listing},
	{Name: ask, Src: []string{flows.Start, listing, asking}, Dst: asking},
}

// Unanswered is the effect of a message that nobody understood: it is kept,
// without personal data, for a person to label.
type Unanswered struct {
	Text     string // redacted
	Language string
	Guess    understand.Guess
}

// services are the entries of the list, by the intent that each stands for.
var services = []understand.Intent{understand.TaxBill, understand.ChangeLanguage, understand.DeleteData}

// answers are the messages with which the list is headed, by intent; "menu.hello"
// for all others. Services that are not here have a line that says where they are.
var answers = map[understand.Intent]string{
	understand.Thanks:             "menu.welcome",
	understand.Cancel:             "menu.cancelled",
	understand.HumanAgent:         "menu.human",
	understand.OfficeDirectory:    "menu.human",
	understand.Complaint:          "menu.complaint",
	understand.PermitStatus:       "menu.permit",
	understand.PermitRequirements: "menu.permit",
	understand.PermitFee:          "menu.permit",
	understand.MaccaEligibility:   "menu.macca",
	understand.MaccaBenefits:      "menu.macca",
	understand.MaccaComplaint:     "menu.macca",
}

// Flow is the home flow.
type Flow struct {
	*flows.Machine[*saying]
	redact func(string) string
}

// saying is a turn and what heads the list in it.
type saying struct {
	*bot.Turn
	key string
}

// New returns the flow. redact takes personal data out of an utterance that is
// to be kept.
func New(redact func(string) string) Flow {
	return Flow{redact: redact, Machine: flows.New(events, map[string]flows.Enter[*saying]{
		listing: func(_ context.Context, s *saying) error {
			r := bot.Reply{Key: s.key}
			for _, intent := range services {
				r.Options = append(r.Options, topic(intent))
			}
			s.Say(r)
			return nil
		},
		asking: func(_ context.Context, s *saying) error {
			s.Say(bot.Reply{Key: "menu.ask_which", Options: []bot.Option{
				topic(s.Understood.Intent), topic(s.Understood.Second.Intent), bot.Choice(bot.MenuValue),
			}})
			return nil
		},
	})}
}

// topic is the choice of an intent.
func topic(i understand.Intent) bot.Option {
	return bot.Option{Value: string(i), Label: "topic." + string(i)}
}

// Name implements bot.Flow.
func (Flow) Name() string { return "menu" }

// Revision implements bot.Flow.
func (Flow) Revision() int { return 1 }

// Topics implements bot.Flow.
func (Flow) Topics() []bot.Topic {
	return []bot.Topic{{Intent: understand.Greeting}, {Intent: understand.Thanks}, {Intent: understand.Cancel}}
}

// Expects implements bot.Flow: the choices are enough.
func (Flow) Expects(*bot.Turn) bool { return false }

// Handle implements bot.Flow.
func (f Flow) Handle(ctx context.Context, t *bot.Turn) error {
	if t.Choice != "" && t.Choice != bot.MenuValue {
		t.Conversation.Misses = 0
		t.Redirect(understand.Intent(t.Choice))
		return nil
	}
	event, s := f.decide(t)
	next, err := f.Fire(ctx, t.Conversation.State, event, s)
	if err == nil {
		t.Conversation.State = next
	}
	return err
}

// decide chooses between answering, asking back and giving up.
func (f Flow) decide(t *bot.Turn) (event string, s *saying) {
	u := t.Understood
	s = &saying{Turn: t, key: "menu.hello"}
	switch {
	case t.Choice == bot.MenuValue, u.Command && answers[u.Intent] == "", u.Intent == understand.Greeting && u.Confidence >= bot.Sure:
	case t.Media != "" && t.Text == "":
		s.key = "menu.media"
		return list, s
	case u.Confidence >= bot.Sure && answers[u.Intent] != "":
		s.key = answers[u.Intent]
	case u.Confidence >= bot.Unsure && u.Intent != understand.OutOfScope && u.Second.Intent != "" && u.Second.Intent != understand.OutOfScope:
		t.Effect(f.unanswered(t))
		return ask, s
	default:
		t.Conversation.Misses++
		s.key = "menu.not_understood"
		if t.Conversation.Misses > 1 {
			s.key = "menu.human"
		}
		if t.Text != "" {
			t.Effect(f.unanswered(t))
		}
		return list, s
	}
	t.Conversation.Misses = 0
	return list, s
}

func (f Flow) unanswered(t *bot.Turn) Unanswered {
	return Unanswered{Text: f.redact(t.Text), Language: t.Understood.Language, Guess: t.Understood.Guess}
}

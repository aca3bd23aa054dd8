// Package menu greets, lists the services, answers small talk, asks back when
// it is not clear what was meant, offers a person to who is not understood, and
// keeps what nobody understood so that somebody can teach it. services.go has
// the list.
package menu

import (
	"context"
	"strings"

	"github.com/looplab/fsm"

	"tabe/bot"
	"tabe/bot/understand"
	"tabe/flows"
)

// The states: the list of services, what one of them can do, the question which
// of two was meant, and the offer of a person.
const (
	listing  = "listing"
	opened   = "opened"
	asking   = "asking"
	offering = "offering"
)

const (
	list  = "list"
	open  = "open"
	ask   = "ask"
	offer = "offer"
	leave = "" // another flow answers
)

var anywhere = []string{flows.Start, listing, opened, asking, offering}

var events = fsm.Events{
	{Name: list, Src: anywhere, Dst: listing},
	{Name: open, Src: anywhere, Dst: opened},
	{Name: ask, Src: anywhere, Dst: asking},
	{Name: offer, Src: anywhere, Dst: offering},
}

// Unanswered is the effect of a message that nobody understood: it is kept,
// without personal data, for a person to label.
type Unanswered struct {
	Text     string // redacted
	Language string
	Guess    understand.Guess
}

// answers are the messages with which the list is headed, by intent; "menu.hello"
// for all others.
var answers = map[understand.Intent]string{
	understand.Thanks: "menu.welcome",
	understand.Cancel: "menu.cancelled",
}

// Flow is the home flow.
type Flow struct {
	*flows.Machine[*saying]
	redact func(string) string
}

// saying is a turn, what heads the list in it, and the service that is opened.
type saying struct {
	*bot.Turn
	key     string
	service service
}

// New returns the flow. redact takes personal data out of an utterance that is
// to be kept.
func New(redact func(string) string) Flow {
	return Flow{redact: redact, Machine: flows.New(events, map[string]flows.Enter[*saying]{
		listing: func(_ context.Context, s *saying) error {
			r := bot.Reply{Key: s.key}
			for _, service := range ordered(s.Resident.Used) {
				r.Options = append(r.Options, bot.Option{Value: serviceValue + service.name, Label: "menu.service_" + service.name})
			}
			s.Say(r)
			return nil
		},
		opened: func(_ context.Context, s *saying) error {
			r := bot.Reply{Key: "menu.ask_what"}
			if s.service.name == emergency.name {
				r.Key = "menu.ask_emergency"
			}
			for _, intent := range s.service.intents {
				r.Options = append(r.Options, topic(intent))
			}
			r.Options = append(r.Options, bot.Choice(bot.MenuValue))
			s.Say(r)
			return nil
		},
		asking: func(_ context.Context, s *saying) error {
			s.Say(bot.Reply{Key: "menu.ask_which", Options: []bot.Option{
				topic(s.Understood.Intent), topic(s.Understood.Second.Intent), bot.Choice(bot.MenuValue),
			}})
			return nil
		},
		offering: func(_ context.Context, s *saying) error {
			s.Say(bot.Reply{Key: "menu.ask_human", Options: []bot.Option{topic(understand.HumanAgent), bot.Choice(bot.MenuValue)}})
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
func (Flow) Revision() int { return 2 }

// Topics implements bot.Flow.
func (Flow) Topics() []bot.Topic {
	return []bot.Topic{{Intent: understand.Greeting}, {Intent: understand.Thanks}, {Intent: understand.Cancel}}
}

// Expects implements bot.Flow: the choices are enough.
func (Flow) Expects(*bot.Turn) bool { return false }

// Handle implements bot.Flow.
func (f Flow) Handle(ctx context.Context, t *bot.Turn) error {
	event, s := f.decide(t)
	if event == leave {
		return nil
	}
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
	case t.Choice != "" && t.Choice != bot.MenuValue:
		t.Conversation.Misses = 0
		wish := understand.Intent(t.Choice)
		if name, ok := strings.CutPrefix(t.Choice, serviceValue); ok {
			if s.service = named(name); len(s.service.intents) > 1 {
				return open, s
			}
			wish = s.service.intents[0]
		}
		t.Redirect(wish)
		return leave, s
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
		if t.Text != "" {
			t.Effect(f.unanswered(t))
		}
		if t.Conversation.Misses > 1 {
			return offer, s
		}
		return list, s
	}
	t.Conversation.Misses = 0
	return list, s
}

func (f Flow) unanswered(t *bot.Turn) Unanswered {
	return Unanswered{Text: f.redact(t.Text), Language: t.Understood.Language, Guess: t.Understood.Guess}
}

// Package survei asks residents how satisfied they were with a service: two
// questions at most, each answered by one digit, some time after they were
// helped. Whatever else they write is their next wish and not an answer.
package survei

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/looplab/fsm"

	"tabe/bot"
	"tabe/bot/understand"
	"tabe/flows"
)

// Name is what the flow is called, Ask the kind of its notices.
const (
	Name = "survei"
	Ask  = "ask"
)

// Question is the body of a notice of kind Ask.
type Question struct {
	Service  string    `json:"s"` // name of the flow that helped
	Elements []Element `json:"e"` // what about; the first one first
}

// The states: the first question, another one, and the thanks.
const (
	asking      = "asking"
	askingAgain = "asking_again"
	thanked     = "thanked"
)

const (
	ask   = "ask"
	next  = "next"
	thank = "thank"
)

var events = fsm.Events{
	{Name: ask, Src: []string{flows.Start, asking, askingAgain, thanked}, Dst: asking},
	{Name: next, Src: []string{asking}, Dst: askingAgain},
	{Name: thank, Src: []string{asking, askingAgain}, Dst: thanked},
}

// Flow tells notices of kind Ask and takes the answers.
type Flow struct{ *flows.Machine[*step] }

// step is a turn and what is still to be asked in it.
type step struct {
	*bot.Turn
	question Question
}

// New returns the flow.
func New() Flow {
	return Flow{flows.New(events, map[string]flows.Enter[*step]{
		asking:      func(_ context.Context, s *step) error { return s.ask("survei.ask_first") },
		askingAgain: func(_ context.Context, s *step) error { return s.ask("survei.ask_also") },
		thanked: func(_ context.Context, s *step) error {
			s.Say(bot.Reply{Key: "survei.thanks"})
			return nil
		},
	})}
}

// ask puts the question about the first element.
func (s *step) ask(key string) error {
	r := bot.Reply{Key: key, Data: bot.Data{
		"service": bot.Word("survei.service_" + s.question.Service), "question": bot.Word("survei." + s.question.Elements[0]),
	}}
	for score := Lowest; score <= Highest; score++ {
		value := strconv.Itoa(score)
		r.Options = append(r.Options, bot.Option{Value: value, Label: "survei.score_" + value})
	}
	s.Say(r)
	return s.Remember(s.question)
}

// Name implements bot.Flow.
func (Flow) Name() string { return Name }

// Revision implements bot.Flow.
func (Flow) Revision() int { return 1 }

// Topics implements bot.Flow: nobody asks for it.
func (Flow) Topics() []bot.Topic { return nil }

// Expects implements bot.Flow: the choices are enough.
func (Flow) Expects(*bot.Turn) bool { return false }

// emergency is the flow after which nobody is asked about anything.
const emergency = "darurat"

// lately is how many of the services used last must not have been an emergency.
const lately = 3

// busy is how long after his last message a resident may still be in the middle
// of something.
const busy = 5 * time.Minute

// Tell implements bot.Teller. It says nothing to who has begun something else.
func (f Flow) Tell(ctx context.Context, t *bot.Turn) error {
	s := &step{Turn: t}
	if t.Notice.Kind != Ask {
		return fmt.Errorf("survei: notice of kind %q", t.Notice.Kind)
	}
	if err := json.Unmarshal(t.Notice.Body, &s.question); err != nil {
		return fmt.Errorf("survei: notice: %w", err)
	}
	if len(s.question.Elements) == 0 || slices.Contains(t.Resident.Used[:min(lately, len(t.Resident.Used))], emergency) {
		return nil
	}
	for _, c := range t.Resident.Conversations {
		if t.Now.Sub(c.Heard) < busy || c.Flow == emergency {
			return nil
		}
	}
	return f.fire(ctx, s, flows.Start, ask)
}

// Handle implements bot.Flow. Only the choice of a score leads here while
// there is a question; anything else has gone to who understands it.
func (f Flow) Handle(ctx context.Context, t *bot.Turn) error {
	s := &step{Turn: t}
	if err := t.Recall(&s.question); err != nil {
		return fmt.Errorf("survei: memory: %w", err)
	}
	score, err := strconv.Atoi(t.Choice)
	if err != nil || score < Lowest || score > Highest || len(s.question.Elements) == 0 {
		wish := understand.OutOfScope
		if t.Understood.Confidence >= bot.Unsure {
			wish = t.Understood.Intent
		}
		t.Redirect(wish)
		return nil
	}
	t.Effect(Answer{Service: s.question.Service, Element: s.question.Elements[0], Score: score})
	s.question.Elements = s.question.Elements[1:]
	event := next
	if len(s.question.Elements) == 0 || t.Conversation.State == askingAgain {
		event = thank
	}
	return f.fire(ctx, s, t.Conversation.State, event)
}

func (f Flow) fire(ctx context.Context, s *step, state, event string) error {
	state, err := f.Fire(ctx, state, event, s)
	if err != nil {
		return err
	}
	if s.Conversation.State = state; state == thanked {
		s.End()
	}
	return nil
}

// Package petugas brings a resident to a human being: into the queue of the
// operators while they are there, with a promised time when they are not, and by
// telephone if he cannot write. While an operator has taken the conversation,
// all that the resident says goes to him.
//
// decide.go finds out what a message means; states.go says what event leads
// where; say.go answers, and tell.go tells what the operators do. desk.go has
// the port to them.
package petugas

import (
	"context"
	_ "embed"
	"fmt"
	"time"

	"tabe/bot"
	"tabe/bot/understand"
	"tabe/flows"
)

const name = "petugas"

// Config is what a Flow is made of.
type Config struct {
	Desk  Desk
	Hours Hours
	// Dialled tells whether nothing can be sent on a channel once its dialogue
	// is over; whoever asks there for a person is called.
	Dialled func(bot.ChannelID) bool
	// Undisturbed are the flows that an operator does not interrupt: their
	// questions matter more.
	Undisturbed []string
}

// Flow answers understand.HumanAgent. It is safe for concurrent use.
type Flow struct {
	*flows.Machine[*step]
	Config
	cues *flows.Cues
}

var (
	_ bot.Teller   = (*Flow)(nil)
	_ bot.Claimant = (*Flow)(nil)
)

//go:embed cues.toml
var cuesFile []byte

// New returns the flow.
func New(c Config) *Flow {
	cues, err := flows.ParseCues(cuesFile)
	if err != nil {
		panic(err) // part of the program
	}
	return &Flow{Machine: flows.New(table, questions), Config: c, cues: cues}
}

// Name implements bot.Flow.
func (*Flow) Name() string { return name }

// Revision implements bot.Flow.
func (*Flow) Revision() int { return 1 }

// Topics implements bot.Flow.
func (*Flow) Topics() []bot.Topic { return []bot.Topic{{Intent: understand.HumanAgent}} }

// Claims implements bot.Claimant: whatever is said to an operator, and the two
// ways in which somebody who cannot write asks for a call.
func (f *Flow) Claims(_ context.Context, t *bot.Turn) bool {
	if t.Opens {
		return false
	}
	if talks(t) {
		// Forgetting and the language are the resident's own business.
		return !t.Understood.Command || t.Understood.Intent != understand.DeleteData && t.Understood.Intent != understand.ChangeLanguage
	}
	if t.Conversation.Flow == name && t.Understood.Command && t.Understood.Intent == understand.Cancel {
		return true // BATAL takes back the request
	}
	return isVoice(t) || t.Choice == "" && len(t.Text) <= longestCall && f.cues.Only(t.Text) == "call"
}

// longestCall is the length, in bytes, of a text by which somebody wants to be
// called and says nothing else.
const longestCall = 40

// talks tells whether an operator has the conversation.
func talks(t *bot.Turn) bool {
	return t.Conversation.Flow == name && t.Conversation.State == talking
}

// isVoice tells whether a message is a voice note and nothing else.
func isVoice(t *bot.Turn) bool {
	return t.Media == bot.MediaVoice && t.Text == ""
}

// Expects implements bot.Flow.
func (f *Flow) Expects(t *bot.Turn) bool {
	return t.Conversation.State == askPhone && phoneIn(t) != ""
}

// step is one message on its way through the machine.
type step struct {
	*bot.Turn
	flow     *Flow
	standing Standing
	closes   time.Time // when the desk closes; zero: it is closed
	line     Line      // of an operator
	promise  Promise
	urgent   bool // the resident is in a conversation that is not to be interrupted
}

// Handle implements bot.Flow.
func (f *Flow) Handle(ctx context.Context, t *bot.Turn) error {
	s := &step{Turn: t, flow: f}
	event, err := f.decide(ctx, s)
	if err != nil {
		return fmt.Errorf("petugas: %w", err)
	}
	if event == listen {
		return nil
	}
	return f.fire(ctx, s, event)
}

// fire moves the machine of the conversation.
func (f *Flow) fire(ctx context.Context, s *step, event string) error {
	state := s.Conversation.State
	if s.Conversation.Flow != name {
		state = flows.Start
	}
	next, err := f.Fire(ctx, state, event, s)
	if err != nil {
		return err
	}
	if s.Conversation.State = next; next == ended || next == withdrawn {
		s.End()
	}
	return nil
}

package bot

import (
	"context"
	"encoding/json"
	"strings"
	"time"

	"tabe/bot/ident"
	"tabe/bot/understand"
)

// Flow is one service: a state machine over the conversation with a resident.
type Flow interface {
	// Name identifies the flow in stored conversations.
	Name() string
	// Revision is raised when states or memory change their meaning; a
	// conversation of another revision is started anew.
	Revision() int
	// Topics are the intents that this flow answers. No two flows share one.
	Topics() []Topic
	// Knows tells whether state is one of the flow's.
	Knows(state string) bool
	// Expects tells whether the turn's message answers what the flow asked in
	// the current state, whatever else it could mean.
	Expects(t *Turn) bool
	// Handle moves the state machine by one message. It may read its
	// registries, and writes nothing but the turn. An error (or panic) means
	// that the service is broken: the resident is told so and stays where he was.
	Handle(ctx context.Context, t *Turn) error
}

// Teller is a Flow that tells residents things by itself: a permit is ready, an
// operator has answered.
type Teller interface {
	// Tell is called, instead of Handle, for a message with a Notice for this
	// flow, in its order among the resident's own. It may say nothing. Replies
	// whose last one is a remark (Reply.Keep) leave the conversation where it
	// is; otherwise the flow takes it over in Conversation.State.
	Tell(ctx context.Context, t *Turn) error
}

// Claimant is a Flow that recognises some messages as its own whatever is going
// on: the STOP of a resident, the one digit by which a fire post answers a page.
type Claimant interface {
	// Claims is asked for every message, in the order of Config.Flows, before
	// anything but a new emergency. It must cost next to nothing for messages
	// that are not meant, and must not change the turn.
	Claims(ctx context.Context, t *Turn) bool
}

// Urgent is a Flow about emergencies. What it says goes before everything else
// that has to be sent: no limit, no breaker and no budget holds it back.
type Urgent interface {
	Flow
	Urgent()
}

// Topic is an intent that a flow answers.
type Topic struct {
	Intent understand.Intent
	Urgent bool // breaks into any state of any other flow
}

// Effect is something that a turn writes besides the conversation, in the same
// transaction: a complaint, an incident. Each type of effect is applied by the
// function that the store was given for it.
type Effect any

// Erase is the effect that removes every stored message of the resident.
type Erase struct{}

// Subscribe is the effect of a resident's consent to be told by himself, on
// this channel, whenever there is news of one kind.
type Subscribe struct {
	Purpose string // what kind of news: "permit", "rice" …
	Key     string // about what: a permit number, a desa; empty if the purpose says it all
	Mark    string // what he knows already, in the terms of who has the news
	// BySMS has him told at the number that he proved, and not where he writes.
	BySMS   bool
	Consent string // key of the message that asked him
}

// Unsubscribe is the effect of withdrawing consent. An empty Key means every
// key of the purpose, an empty Purpose everything.
type Unsubscribe struct{ Purpose, Key string }

// Turn is one message being answered. A flow reads and changes it.
type Turn struct {
	Entry
	Resident     *Resident
	Conversation *Conversation
	Understood   understand.Result
	Now          time.Time

	// Choice is the value of the option that the resident chose, by number,
	// by name or by button; empty if the message is no choice.
	Choice string

	replies  []Reply
	effects  []Effect
	redirect understand.Intent
	silent   bool
	urgent   bool // an Urgent flow speaks
	confined bool

	before   Position // where the conversation stood
	listened time.Duration
}

// Say adds a reply.
func (t *Turn) Say(r Reply) { t.replies = append(t.replies, r) }

// StaySilent leaves the message without a reply, because a person has it before
// him and answers it himself. A flow that says nothing otherwise is broken. It is
// not for channels that carry the answer back in the request.
func (t *Turn) StaySilent() { t.silent = true }

// Confine keeps what is said from going by another channel if this one fails:
// it belongs here, or somebody else could see it there.
func (t *Turn) Confine() { t.confined = true }

// Effect adds an effect to the turn's transaction.
func (t *Turn) Effect(e Effect) { t.effects = append(t.effects, e) }

// Redirect hands the message to the flow that answers intent, as if the
// resident had said so, once the current flow returns. What the flow knows
// more than the words said, it can leave in Understood.Slots.
func (t *Turn) Redirect(intent understand.Intent) { t.redirect = intent }

// End leaves the flow: the next message is understood afresh.
func (t *Turn) End() { t.Conversation.leave() }

// Phone returns the number that the channel proves to be the writer's, "" if it
// proves none.
func (t *Turn) Phone() ident.Phone {
	number, proven := strings.CutPrefix(t.Subject, "tel:")
	if !proven {
		return ""
	}
	phone, err := ident.ParsePhone(number)
	if err != nil {
		return ""
	}
	return phone
}

// Remember stores the flow's memory for the next turn.
func (t *Turn) Remember(memory any) error {
	blob, err := json.Marshal(memory)
	if err != nil {
		return err
	}
	t.Conversation.Memory = blob
	return nil
}

// Recall reads what Remember stored; memory stays untouched if there is nothing.
func (t *Turn) Recall(memory any) error {
	if len(t.Conversation.Memory) == 0 {
		return nil
	}
	return json.Unmarshal(t.Conversation.Memory, memory)
}

// Attempts returns the guess limit for one kind of number.
func (t *Turn) Attempts(kind string) *Attempts {
	if t.Resident.Attempts == nil {
		t.Resident.Attempts = make(map[string]*Attempts, 1)
	}
	a := t.Resident.Attempts[kind]
	if a == nil {
		a = &Attempts{}
		t.Resident.Attempts[kind] = a
	}
	return a
}

// Package kabar is what residents are told by themselves: what it is, the news
// of offices for a kecamatan, and how it ends, by STOP from anywhere, and goes
// on, by MULAI.
package kabar

import (
	"context"
	_ "embed"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/looplab/fsm"

	"tabe/bot"
	"tabe/bot/understand"
	"tabe/flows"
)

// Topic is the intent by which other flows lead here. The understanding of
// sentences does not know it.
const Topic understand.Intent = Name

// The states: what there is, whose news, whether he agrees, and the ends.
const (
	listing    = "listing"
	choosing   = "choosing"
	asking     = "asking"
	subscribed = "subscribed"
	declined   = "declined"
	stopped    = "stopped"
	resumed    = "resumed"
)

const (
	list    = "list"
	choose  = "choose"
	ask     = "ask"
	agree   = "agree"
	decline = "decline"
	stop    = "stop"
	resume  = "resume"
	noEvent = "" // not understood

	answered = "answered" // whatever the machine does
)

var anywhere = []string{flows.Start, listing, choosing, asking, subscribed, declined, stopped, resumed}

var events = fsm.Events{
	{Name: list, Src: anywhere, Dst: listing},
	{Name: choose, Src: anywhere, Dst: choosing},
	{Name: ask, Src: anywhere, Dst: asking},
	{Name: agree, Src: []string{asking}, Dst: subscribed},
	{Name: decline, Src: []string{asking}, Dst: declined},
	{Name: stop, Src: anywhere, Dst: stopped},
	{Name: resume, Src: anywhere, Dst: resumed},
}

//go:embed topics.toml
var topicCues []byte

//go:embed questions.toml
var questionCues []byte

// Flow is safe for concurrent use.
type Flow struct {
	*flows.Machine[*step]
	subscriptions Subscriptions
	bySMS         bool
	words         *flows.Cues
	questions     *flows.Cues
}

// New returns the flow. bySMS tells that somebody sends SMS, so that it can take
// the place of another channel; see Reserve.
func New(subscriptions Subscriptions, bySMS bool) *Flow {
	return &Flow{
		subscriptions: subscriptions, bySMS: bySMS, words: flows.MustCues(topicCues), questions: flows.MustCues(questionCues),
		Machine: flows.New(events, map[string]flows.Enter[*step]{
			listing: sayList, choosing: sayChoose, asking: sayAsk, subscribed: saySubscribed,
			declined: sayDeclined, stopped: sayStopped, resumed: sayResumed,
		}),
	}
}

// Name implements bot.Flow.
func (*Flow) Name() string { return Name }

// Revision implements bot.Flow.
func (*Flow) Revision() int { return 1 }

// Topics implements bot.Flow.
func (*Flow) Topics() []bot.Topic { return []bot.Topic{{Intent: Topic}} }

// step is one message on its way through the machine.
type step struct {
	*bot.Turn
	flow   *Flow
	memory memory
	have   []Subscription // all, also the stopped ones
	ended  []Subscription // by this message
	all    bool           // nothing is left to be told
}

// memory is what the flow remembers between two messages.
type memory struct {
	Kecamatan string `json:"k,omitempty"` // agreed to or not; "" is everywhere
	Page      int    `json:"p,omitempty"` // of the choice
	Reserve   bool   `json:"r,omitempty"` // asked for is the SMS in reserve, and no news
}

// Claims implements bot.Claimant: STOP works everywhere, unless it is one of
// the choices of a question.
func (f *Flow) Claims(ctx context.Context, t *bot.Turn) bool {
	if t.Choice != "" || len(t.Text) > longestCommand {
		return false
	}
	if _, ok := f.ends(t.Text); ok {
		return true
	}
	if f.starts(t.Text) {
		return f.canResume(ctx, t) // the word greets too
	}
	return flows.CountWords(t.Text) <= longestQuestion && f.questions.Find(t.Text) != ""
}

// The lengths of a text, in bytes and in words, that is meant for this flow
// whatever is going on. A long one is a story in which such words occur.
const (
	longestCommand  = 60
	longestQuestion = 5
)

// ends tells what a text wants to be ended: a purpose, or "" for everything.
func (f *Flow) ends(text string) (purpose string, ok bool) {
	if f.words.Only(text) == "stop" {
		return "", true
	}
	first, rest, _ := strings.Cut(strings.TrimSpace(text), " ")
	if f.words.Only(first) != "stop" {
		return "", false
	}
	switch purpose = f.words.Only(rest); purpose {
	case "all":
		return "", true
	case "", "start":
		return "", false
	}
	return purpose, true
}

// starts tells whether a text is the word by which it goes on.
func (f *Flow) starts(text string) bool { return f.words.Only(text) == "start" }

// canResume tells whether there is anything for MULAI to bring back.
func (f *Flow) canResume(ctx context.Context, t *bot.Turn) bool {
	silenced, err := f.subscriptions.Silenced(ctx, t.Entry.Resident)
	if err != nil || silenced {
		return err == nil
	}
	have, err := f.subscriptions.Of(ctx, t.Entry.Resident)
	return err == nil && len(lastEnded(have)) > 0
}

// Expects implements bot.Flow.
func (f *Flow) Expects(t *bot.Turn) bool {
	switch t.Conversation.State {
	case asking:
		return flows.YesOrNo(t.Text) != ""
	case choosing:
		_, ok := kecamatanOf(t)
		return ok
	}
	return false
}

// kecamatanOf returns the one that a message names. In "berita kecamatan Citta"
// the understanding finds an office.
func kecamatanOf(t *bot.Turn) (name string, ok bool) {
	if name, ok = t.Understood.Slots.Get("kecamatan"); ok {
		return name, slices.Contains(Kecamatan, name)
	}
	for _, name := range Kecamatan {
		if strings.Contains(strings.ToLower(t.Text), strings.ToLower(name)) {
			return name, true
		}
	}
	return "", false
}

// Tell implements bot.Teller: a message of an office, in the language of the
// resident if somebody wrote it in that, or what another channel could not
// carry; or, without a word, the end of all that.
func (f *Flow) Tell(_ context.Context, t *bot.Turn) error {
	switch t.Notice.Kind {
	case News:
		return tellNews(t)
	case Reserve:
		return tellMoved(t)
	case OptedOut:
		t.Effect(bot.Unsubscribe{})
		return nil
	}
	return fmt.Errorf("kabar: notice of kind %q", t.Notice.Kind)
}

func tellNews(t *bot.Turn) error {
	var m Message
	if err := json.Unmarshal(t.Notice.Body, &m); err != nil {
		return fmt.Errorf("kabar: notice: %w", err)
	}
	text := m.Text
	if t.Resident.Language == understand.Bugis && m.Bugis != "" {
		text = m.Bugis
	}
	t.Say(bot.Reply{Key: "kabar.news", Data: bot.Data{"sender": m.Office, "announcement": text}, Keep: true})
	return nil
}

// Handle implements bot.Flow.
func (f *Flow) Handle(ctx context.Context, t *bot.Turn) error {
	s := &step{Turn: t, flow: f}
	if err := t.Recall(&s.memory); err != nil {
		return fmt.Errorf("kabar: memory: %w", err)
	}
	var err error
	if s.have, err = f.subscriptions.Of(ctx, t.Entry.Resident); err != nil {
		return err
	}
	event := f.decide(ctx, s)
	switch event {
	case answered:
		return nil
	case noEvent:
		t.Say(bot.Reply{Key: "kabar.unclear", Keep: true})
		return nil
	}
	return f.Advance(ctx, t, event, s, &s.memory)
}

// decide finds out what a message means.
func (f *Flow) decide(ctx context.Context, s *step) string {
	if s.Choice != "" {
		return f.chosen(s)
	}
	if purpose, ok := f.ends(s.Text); ok {
		s.end(purpose, "")
		return stop
	}
	if f.starts(s.Text) && f.canResume(ctx, s.Turn) {
		return resume
	}
	if s.Conversation.State == asking {
		switch flows.YesOrNo(s.Text) {
		case flows.Yes:
			return agree
		case flows.No:
			return decline
		}
	}
	question := f.questions.Find(s.Text)
	if question == Reserve {
		return f.reserve(s)
	}
	kecamatan, named := kecamatanOf(s.Turn)
	switch {
	case named && (question == "subscribe" || s.Conversation.State == choosing):
		s.memory = memory{Kecamatan: kecamatan}
		return ask
	case question == "subscribe":
		return choose
	case question == "list", s.Conversation.State == "", s.Understood.Intent == Topic:
		return list
	}
	return noEvent
}

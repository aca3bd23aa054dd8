// Package tautan joins what one resident is by two ways: an account, as of
// Telegram, becomes that of a telephone number, by the number that the provider
// vouches for or by a code that is shown to the account and sent from the phone.
// Both sides are asked or told, and either takes it back by one message.
package tautan

import (
	"context"
	_ "embed"
	"strings"
	"time"

	"github.com/looplab/fsm"

	"tabe/bot"
	"tabe/bot/ident"
	"tabe/bot/understand"
	"tabe/flows"
)

// Name is the flow's.
const Name = "tautan"

// Topic is the intent by which other flows lead here. The understanding of
// sentences does not know it.
const Topic understand.Intent = Name

// The states. The account is shown a code (offering); the phone that sends it
// is asked (checking) and sent back to the account (passed), which is asked at
// last (confirming).
const (
	offering   = "offering"
	checking   = "checking"
	passed     = "passed"
	confirming = "confirming"
	linked     = "linked"
	declined   = "declined"
	unlinked   = "unlinked"
	telling    = "telling" // why not, or how
)

const (
	offer    = "offer"
	check    = "check"
	pass     = "pass"
	question = "question"
	confirm  = "confirm"
	refuse   = "refuse"
	release  = "release"
	tell     = "tell"
)

var anywhere = []string{flows.Start, offering, checking, passed, confirming, linked, declined, unlinked, telling}

var events = fsm.Events{
	{Name: offer, Src: anywhere, Dst: offering},
	{Name: check, Src: anywhere, Dst: checking},
	{Name: pass, Src: []string{checking}, Dst: passed},
	{Name: question, Src: anywhere, Dst: confirming},
	{Name: confirm, Src: anywhere, Dst: linked},
	{Name: refuse, Src: []string{checking, confirming}, Dst: declined},
	{Name: release, Src: anywhere, Dst: unlinked},
	{Name: tell, Src: anywhere, Dst: telling},
}

//go:embed topics.toml
var topicCues []byte

// Codes is what the flow has to know of the outside.
type Codes interface {
	// New returns the code that the account of a message is shown, always the
	// same one for a message, which nobody can guess. See CodeOf.
	New(e bot.Entry) string
	// Asked tells whether an account was shown this code and may still use it,
	// and by which channel.
	Asked(ctx context.Context, code string) (bot.ChannelID, bool, error)
}

// Flow is safe for concurrent use.
type Flow struct {
	*flows.Machine[*step]
	codes  Codes
	topics *flows.Cues
}

// New returns the flow.
func New(codes Codes) *Flow {
	topics, err := flows.ParseCues(topicCues)
	if err != nil {
		panic(err) // the file is part of the program
	}
	return &Flow{codes: codes, topics: topics, Machine: flows.New(events, map[string]flows.Enter[*step]{
		offering: sayOffer, checking: sayCheck, passed: sayPassed, confirming: sayConfirm,
		linked: sayLinked, declined: sayDeclined, unlinked: sayUnlinked, telling: sayTold,
	})}
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
	key    string // of what is told
	data   bot.Data
	again  bool // somebody else's contact was shared
}

// memory is what the flow remembers between two messages.
type memory struct {
	Code    string        `json:"c,omitempty"` // that the phone sent
	Channel bot.ChannelID `json:"n,omitempty"` // of the account that was shown it
	Owner   string        `json:"o,omitempty"` // Subject of the phone that sent the account's
	Until   time.Time     `json:"u,omitzero"`  // it may be confirmed
}

// longestWish is how many words a wish has that is meant for this flow whatever
// is going on.
const longestWish = 5

// Claims implements bot.Claimant: a code and the wish to be linked or not are
// understood everywhere, a shared number where no other flow can have asked for it.
func (f *Flow) Claims(_ context.Context, t *bot.Turn) bool {
	if t.Contact != nil {
		return t.Contact.Own && (t.Conversation.Flow == "" || t.Conversation.Flow == Name)
	}
	if t.Choice != "" || flows.CountWords(t.Text) > longestWish {
		return false
	}
	return codeIn(t.Text) != "" || f.topics.Find(t.Text) != ""
}

// Expects implements bot.Flow.
func (f *Flow) Expects(t *bot.Turn) bool {
	switch t.Conversation.State {
	case checking, confirming:
		return flows.YesOrNo(t.Text) != ""
	case offering:
		return t.Contact != nil
	}
	return false
}

// Handle implements bot.Flow.
func (f *Flow) Handle(ctx context.Context, t *bot.Turn) error {
	s := &step{Turn: t, flow: f}
	if err := t.Recall(&s.memory); err != nil {
		return err
	}
	event, err := f.decide(ctx, s)
	if err != nil {
		return err
	}
	return f.move(ctx, s, event)
}

func (f *Flow) move(ctx context.Context, s *step, event string) error {
	next, err := f.Fire(ctx, s.Conversation.State, event, s)
	if err != nil {
		return err
	}
	switch next {
	case offering, checking, confirming:
		s.Conversation.State = next
		return s.Remember(s.memory)
	}
	s.End()
	return nil
}

// Unlinked tells whether the turn's message came from an account that belongs
// to no telephone number yet.
func Unlinked(t *bot.Turn) bool { return !strings.HasPrefix(t.Subject, "tel:") }

// phone is the number that the channel, or a link, proves; ok is false for an
// account that is nobody's yet.
func (s *step) phone() (number string, ok bool) { return strings.CutPrefix(s.Subject, "tel:") }

// decide finds out what a message means.
func (f *Flow) decide(ctx context.Context, s *step) (event string, err error) {
	_, isPhone := s.phone()
	answer := s.Choice
	if answer == "" {
		answer = flows.YesOrNo(s.Text)
	}
	switch state := s.Conversation.State; {
	case s.Contact != nil && isPhone:
		return s.because("linked_already", s.here())
	case s.Contact != nil && state != offering:
		return offer, nil // he has not read yet what it is for
	case s.Contact != nil:
		number, err := ident.ParsePhone(s.Contact.Phone)
		if s.again = err != nil || !s.Contact.Own; s.again {
			return offer, nil
		}
		s.memory.Owner = "tel:" + string(number)
		return confirm, nil
	case state == checking && answer == flows.Yes:
		return pass, nil
	case state == confirming && answer == flows.Yes && s.Now.After(s.memory.Until):
		return s.because("code_over", s.here())
	case state == confirming && answer == flows.Yes:
		return confirm, nil
	case (state == checking || state == confirming) && answer == flows.No:
		return refuse, nil
	}
	if code := codeIn(s.Text); code != "" {
		return f.heard(ctx, s, code, isPhone)
	}
	wish := f.topics.Find(s.Text)
	switch {
	case wish == "unlink" && len(s.Resident.Links) > 0:
		return release, nil
	case wish == "unlink" && !isPhone:
		return s.because("linked_not", s.here())
	case !isPhone:
		return offer, nil
	case len(s.Resident.Links) > 0:
		return s.because("linked_already", s.Resident.Links[0].Channel)
	}
	return s.because("how", telegram)
}

// telegram is the account that a phone is told how to link if it asks.
const telegram bot.ChannelID = "telegram"

// here is the channel of the message.
func (s *step) here() bot.ChannelID { return s.Channel }

// because tells why not.
func (s *step) because(key string, account bot.ChannelID) (event string, err error) {
	s.key, s.data = "tautan."+key, s.app(account)
	return tell, nil
}

// attempts is the name of the guess limit of codes.
const attempts = "link_code"

// heard takes a code that was sent.
func (f *Flow) heard(ctx context.Context, s *step, code string, isPhone bool) (event string, err error) {
	if !isPhone {
		return s.because("code_here", s.here())
	}
	limit := s.Attempts(attempts)
	if until := limit.Until(s.Now, code); !until.IsZero() {
		event, err = s.because("slowed", telegram)
		if s.data["minutes"] = int(until.Sub(s.Now).Minutes()) + 1; limit.Stopped() {
			s.key = "tautan.stopped"
		}
		return event, err
	}
	account, asked, err := f.codes.Asked(ctx, code)
	if err != nil {
		return "", err
	}
	if !asked {
		limit.Count(s.Now, code, false)
		return s.because("code_unknown", telegram)
	}
	s.memory = memory{Code: code, Channel: account}
	return check, nil
}

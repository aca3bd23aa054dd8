// Package privasi is what a resident can ask about his own data: what is kept,
// who looked at it, by which words he agreed, how a mistake is corrected, and
// to have all of it forgotten.
package privasi

import (
	"context"
	_ "embed"
	"fmt"

	"github.com/looplab/fsm"

	"tabe/bot"
	"tabe/bot/understand"
	"tabe/flows"
	"tabe/flows/kabar"
	"tabe/flows/tautan"
)

// The states: what there is, its parts, the question whether he is sure, and
// the two ends.
const (
	overview   = "overview"
	accesses   = "accesses"
	consents   = "consents"
	withdrawn  = "withdrawn"
	correcting = "correcting"
	describing = "describing"
	asking     = "asking"
	deleted    = "deleted"
	kept       = "kept"
)

const (
	show     = "show"
	look     = "look"
	review   = "review"
	withdraw = "withdraw"
	correct  = "correct"
	describe = "describe"
	ask      = "ask"
	confirm  = "confirm"
	refuse   = "refuse"
)

var anywhere = []string{flows.Start, overview, accesses, consents, withdrawn, correcting, describing, asking, deleted, kept}

var events = fsm.Events{
	{Name: show, Src: anywhere, Dst: overview},
	{Name: look, Src: anywhere, Dst: accesses},
	{Name: review, Src: anywhere, Dst: consents},
	{Name: withdraw, Src: []string{consents}, Dst: withdrawn},
	{Name: correct, Src: anywhere, Dst: correcting},
	{Name: describe, Src: []string{correcting, describing}, Dst: describing},
	{Name: ask, Src: anywhere, Dst: asking},
	{Name: confirm, Src: []string{asking}, Dst: deleted},
	{Name: refuse, Src: []string{asking}, Dst: kept},
}

// Values of the options, besides yes and no and the offices.
const (
	seenValue     = "seen"
	consentsValue = "consents"
	correctValue  = "correct"
	toldValue     = "told"
	deleteValue   = "delete"
	withdrawValue = "withdraw"
	overviewValue = "overview"
	linkValue     = "link"
	otherValue    = "other"
)

// offices are those that hold the data of the registries, by the value of the
// option; what they are called is what the slot "office" has.
var offices = []struct{ value, name string }{
	{"tax", "BPKD"},
	{"permits", "DPMPTSP"},
	{"aid", "Dinas Sosial"},
}

//go:embed topics.toml
var topicCues []byte

// Flow answers understand.DeleteData, and what else is asked about one's data.
type Flow struct {
	*flows.Machine[*step]
	records Records
	topics  *flows.Cues
}

// step is one message on its way through the machine.
type step struct {
	*bot.Turn
	flow *Flow
	kept Kept

	memory memory
}

// memory is what the flow remembers between two messages.
type memory struct {
	Page   int    `json:"p,omitempty"` // of the consents
	Office string `json:"o,omitempty"` // whose data is wrong; a value of offices
}

// New returns the flow.
func New(records Records) *Flow {
	topics, err := flows.ParseCues(topicCues)
	if err != nil {
		panic(err) // the file is part of the program
	}
	return &Flow{records: records, topics: topics, Machine: flows.New(events, map[string]flows.Enter[*step]{
		overview: sayOverview, accesses: sayAccesses, consents: sayConsents, withdrawn: sayWithdrawn,
		correcting: sayCorrecting, describing: sayDescribing, asking: sayAsking, deleted: sayDeleted, kept: sayKept,
	})}
}

// Name implements bot.Flow.
func (*Flow) Name() string { return "privasi" }

// Revision implements bot.Flow.
func (*Flow) Revision() int { return 2 }

// Topics implements bot.Flow.
func (*Flow) Topics() []bot.Topic { return []bot.Topic{{Intent: understand.DeleteData}} }

// longestQuestion is how many words a question has that is meant for this flow
// whatever is going on. In a longer story such words occur by chance.
const longestQuestion = 7

// Claims implements bot.Claimant: the understanding of sentences only knows
// the wish to be forgotten. Trouble with the data of an office is that
// office's, unless he says that it is his own.
func (f *Flow) Claims(_ context.Context, t *bot.Turn) bool {
	if t.Choice != "" || flows.CountWords(t.Text) > longestQuestion {
		return false
	}
	topic := f.topics.Find(t.Text)
	return topic != "" && topic != "delete" && (topic != "overview" || t.Understood.Confidence < bot.Sure || t.Understood.Intent == understand.DeleteData)
}

// Expects implements bot.Flow. Only a plain answer confirms; whatever else is
// said is understood afresh, and a repeated wish to delete asks again. What is
// wrong can be said in any words.
func (f *Flow) Expects(t *bot.Turn) bool {
	switch t.Conversation.State {
	case asking:
		return flows.YesOrNo(t.Text) != ""
	case describing:
		return t.Text != ""
	}
	return false
}

// accessesTold is how many looks are told.
const accessesTold = 3

// Handle implements bot.Flow.
func (f *Flow) Handle(ctx context.Context, t *bot.Turn) error {
	s := &step{Turn: t, flow: f}
	if err := t.Recall(&s.memory); err != nil {
		return fmt.Errorf("privasi: memory: %w", err)
	}
	var err error
	if s.kept, err = f.records.Of(ctx, t.Entry.Resident, accessesTold); err != nil {
		return fmt.Errorf("privasi: %w", err)
	}
	event := f.decide(s)
	if event == "" {
		return nil // to another flow
	}
	next, err := f.Fire(ctx, t.Conversation.State, event, s)
	if err != nil {
		return err
	}
	t.Conversation.State = next
	if next == deleted || next == kept {
		t.End()
		return nil
	}
	return t.Remember(s.memory)
}

// hand gives what the resident wrote to the complaints, as one to the office
// that holds the data.
func (s *step) hand() string {
	if s.Text == "" || s.Understood.Command {
		return describe
	}
	for _, o := range offices {
		if s.memory.Office == o.value {
			s.Understood.Slots = append(s.Understood.Slots, understand.Slot{Name: "office", Value: o.name})
		}
	}
	s.Redirect(understand.Complaint)
	return ""
}

// decide finds out what a message means; "" if another flow is to answer it.
func (f *Flow) decide(s *step) string {
	answer := s.Choice
	if answer == "" && s.Conversation.State == asking {
		answer = flows.YesOrNo(s.Text)
	}
	switch answer {
	case flows.Yes:
		if s.Conversation.State == asking {
			return confirm
		}
	case flows.No:
		if s.Conversation.State == asking {
			return refuse
		}
	case seenValue:
		return look
	case consentsValue:
		s.memory.Page = 0
		return review
	case bot.MoreValue:
		s.memory.Page++
		return review
	case bot.BackValue:
		s.memory.Page--
		return review
	case withdrawValue:
		if s.Conversation.State == consents && s.memory.Page >= 0 && s.memory.Page < len(s.agreed()) {
			return withdraw
		}
	case correctValue:
		return correct
	case deleteValue:
		return ask
	case overviewValue:
		return show
	case toldValue:
		s.Redirect(kabar.Topic)
		return ""
	case linkValue:
		s.Redirect(tautan.Topic)
		return ""
	case otherValue:
		s.Redirect(understand.HumanAgent)
		return ""
	}
	for _, o := range offices {
		if answer == o.value {
			s.memory.Office = o.value
			return describe
		}
	}
	if s.Conversation.State == describing {
		return s.hand()
	}
	switch f.topics.Find(s.Text) {
	case "delete":
		return ask
	case "seen":
		return look
	case "consents":
		s.memory.Page = 0
		return review
	case "correct":
		return correct
	case "overview":
		return show
	}
	switch {
	case s.Conversation.State == asking, s.Understood.Command:
		return ask
	}
	return show
}

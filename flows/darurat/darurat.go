// Package darurat takes reports of emergencies. The incident is made by the
// first message, whatever it lacks; then the flow asks for what is missing, one
// thing at a time: the place, people in danger. Whatever the reporter writes
// in the half hour after that is passed on to the operators.
//
// Nothing that can fail stands in the way of a report: what the flow reads of
// the command center only makes its answers better.
package darurat

import (
	"context"
	_ "embed"
	"fmt"
	"strings"
	"time"
	"unicode"

	"tabe/bot"
	"tabe/bot/understand"
	"tabe/flows"
)

// Flow answers the emergency intents. It is safe for concurrent use.
type Flow struct {
	*flows.Machine[*step]
	incidents Incidents
	places    Places
	cues      *flows.Cues
}

//go:embed cues.toml
var cuesFile []byte

// New returns the flow.
func New(incidents Incidents, places Places) *Flow {
	cues, err := flows.ParseCues(cuesFile)
	if err != nil {
		panic(err) // the file is part of the program
	}
	return &Flow{incidents: incidents, places: places, Machine: flows.New(table, questions), cues: cues}
}

// Name implements bot.Flow.
func (f *Flow) Name() string { return "darurat" }

// Revision implements bot.Flow.
func (f *Flow) Revision() int { return 1 }

// Urgent implements bot.Urgent.
func (*Flow) Urgent() {}

// Topics implements bot.Flow.
func (f *Flow) Topics() []bot.Topic {
	var topics []bot.Topic
	for _, i := range understand.Intents() {
		if kinds[i] != "" {
			topics = append(topics, bot.Topic{Intent: i, Urgent: true})
		}
	}
	return topics
}

// joins is for how long after the last word about an incident the next message
// of its reporter belongs to it.
const joins = 30 * time.Minute

// memory is what the flow remembers between two messages.
type memory struct {
	Incident int64    `json:"i,omitempty"`
	Kind     Kind     `json:"k,omitempty"`
	Unit     string   `json:"u,omitempty"` // code of what is known of the place
	Settled  bool     `json:"p,omitempty"` // nothing more is asked about the place
	Choices  []string `json:"c,omitempty"` // codes of names that are alike
	Page     int      `json:"g,omitempty"` // of a list
	Danger   Answer   `json:"d,omitempty"`
	Asked    bool     `json:"a,omitempty"` // about the danger
	Contact  Answer   `json:"o,omitempty"`
}

// step is one message on its way through the machine.
type step struct {
	*bot.Turn
	flow    *Flow
	memory  memory
	report  Report
	outside bool    // the position that was sent lies outside the regency
	contact Contact // whom to call
	told    bool    // the first answer was given
}

// Handle implements bot.Flow. A report survives whatever goes wrong here: then
// it is an incident about which nothing more is asked.
func (f *Flow) Handle(ctx context.Context, t *bot.Turn) error {
	s := &step{Turn: t, flow: f}
	defer func() {
		if s.quiet() { // an SMS on the same phone may be read by somebody else
			t.Confine()
		}
	}()
	err := s.handle(ctx)
	if err == nil {
		return nil
	}
	kind := f.told(t)
	if kind == "" {
		return err
	}
	if !s.report.First {
		s.memory = memory{}
		f.open(s, kind)
	}
	if !s.told {
		s.contact = Contact{Number: National(kind)}
		s.Say(s.received())
	}
	s.memory.Settled, s.memory.Asked = true, true
	t.Effect(s.report)
	t.Conversation.State = reported
	return t.Remember(s.memory)
}

// handle answers a message. It writes nothing if it fails.
func (s *step) handle(ctx context.Context) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("darurat: panic: %v", p)
		}
	}()
	f, t := s.flow, s.Turn
	if err := t.Recall(&s.memory); err != nil {
		s.memory = memory{} // a report is worth more than what was before
	}
	kind := f.told(t)
	if !f.belongs(ctx, s, kind) {
		if kind == "" { // an old button, or the incident was closed meanwhile
			wish := understand.Greeting
			if u := t.Understood; u.Confidence >= bot.Sure && u.Intent != understand.OutOfScope {
				wish = u.Intent
			}
			t.End()
			t.Redirect(wish)
			return nil
		}
		f.open(s, kind)
	}
	event := f.decide(s)
	s.call(ctx)
	if s.report.First {
		s.Say(s.received())
		s.told = true
	}
	next, err := f.Fire(ctx, t.Conversation.State, event, s)
	if err != nil {
		return fmt.Errorf("darurat: %w", err)
	}
	t.Effect(s.report)
	t.Conversation.State = next
	return t.Remember(s.memory)
}

// told is the kind of emergency that the message tells of, if it does.
func (f *Flow) told(t *bot.Turn) Kind {
	if t.Choice != "" || t.Understood.Confidence < bot.Unsure {
		return ""
	}
	return kinds[t.Understood.Intent]
}

// belongs finds the incident that the message belongs to, and begins its
// report. Another kind of emergency is another incident, because others have
// to come for it: an ambulance to a fire. What is only likely to be one is not.
func (f *Flow) belongs(ctx context.Context, s *step, kind Kind) bool {
	known, err := f.incidents.Open(ctx, s.Entry.Resident, s.Now.Add(-joins))
	if err != nil && s.memory.Incident != 0 && kind == "" {
		known = []Incident{{ID: s.memory.Incident, Kind: s.memory.Kind}}
	}
	if len(known) == 0 {
		return false
	}
	of := known[0]
	for _, i := range known {
		if i.Kind == kind || kind == "" && i.ID == s.memory.Incident {
			of = i
			break
		}
	}
	if kind != "" && kind != of.Kind && f.another(s, of.Kind, kind) {
		return false
	}
	if s.memory.Incident != of.ID {
		s.memory = memory{Incident: of.ID, Kind: of.Kind, Unit: of.Unit, Settled: true, Asked: true}
		if of.Kind == Violence {
			s.memory.Contact = No // asked once, in the conversation that it began in
		}
		s.Conversation.State = ""
	}
	s.begin()
	if kind != of.Kind {
		s.report.Also = kind
	}
	return true
}

// another tells whether a text that sounds like one kind of emergency, while an
// incident of another kind is open, is a report of its own. Violence is, and
// never joins anything. An answer about the place ("di kaca belakang pasar") or
// about people in danger ("tidak ada korban") is none.
func (f *Flow) another(s *step, open, told Kind) bool {
	if open == Violence || told == Violence {
		return s.Understood.Confidence >= bot.Sure
	}
	if !f.asks(s.Turn) {
		topic := f.cues.Find(s.Text)
		return s.Understood.Confidence >= bot.Sure && topic != safeTopic && topic != overTopic
	}
	_, place := s.Understood.Slots.Get("landmark")
	place = place || len(f.plain(s)) > 0
	return s.Understood.Confidence >= certain && (s.Conversation.State == askDanger || !place) && f.cues.Find(s.Text) == ""
}

// open makes an incident. What the reporter said of the place of another one
// minutes ago holds for this one too.
func (f *Flow) open(s *step, kind Kind) {
	before := s.memory
	s.memory = memory{Incident: idOf(s.Seq), Kind: kind}
	if s.Now.Sub(s.Conversation.At) <= joins && before.Unit != "" && before.Kind != Violence && kind != Violence {
		s.memory.Unit, s.memory.Settled = before.Unit, before.Settled
	}
	s.Conversation.State = ""
	s.begin()
	s.report.First = true
	if s.memory.Unit != "" {
		s.report.Where = &Where{Unit: s.memory.Unit, Source: FromText}
	}
}

func (s *step) begin() {
	s.report = Report{Incident: s.memory.Incident, Kind: s.memory.Kind, At: s.Now, Language: s.Resident.Language}
	if s.Choice == "" && strings.ContainsFunc(s.Text, unicode.IsLetter) { // not the digit that chose an emergency
		s.report.Words = s.Text
	}
}

// call finds whom the reporter can call; without an answer, nobody by name.
func (s *step) call(ctx context.Context) {
	where := ""
	if u, ok := s.flow.places.Unit(s.memory.Unit); ok {
		where = u.District
	}
	contact, err := s.flow.incidents.Contact(ctx, s.memory.Kind, where)
	if err != nil || contact.Number == "" {
		contact = Contact{Number: National(s.memory.Kind)}
	}
	s.contact = contact
}

// National is the short number of the country for a kind of emergency.
func National(k Kind) string {
	switch k {
	case Medical:
		return "119"
	case Crime:
		return "110"
	case Violence:
		return "129"
	}
	return "113"
}

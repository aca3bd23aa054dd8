package bot

import (
	"context"
	"encoding/json"
	"fmt"
	"runtime/debug"
	"slices"
	"strings"
	"time"

	"tabe/bot/understand"
)

// The borders of confidence. Between Unsure and Sure the home flow asks which
// of two things was meant.
const (
	Sure   = 0.6
	Unsure = 0.25
	urgent = 0.5
)

// idle is how long an unfinished conversation keeps its place. An answer to
// an older question would surprise both sides.
const idle = 2 * time.Hour

// answer runs one turn in memory: no disk, no lock. It always answers. told
// gets what can be told of it.
func (e *Engine) answer(ctx context.Context, entry Entry, blob []byte, told *Turned) (next []byte, texts []Text, effects []Effect, err error) {
	inputs, memory := e.interpret(entry, blob)
	for i, input := range inputs {
		step := entry
		step.Message = input
		var t *Turn
		t, texts = e.step(ctx, step, blob)
		effects = append(effects, t.effects...)
		told.Urgent = told.Urgent || t.urgent
		if i == 0 {
			told.Before = e.tellable(t.before)
		}
		after := e.tellable(Position{t.Resident.Language, t.Conversation.Flow, t.Conversation.State})
		told.Language, told.Flow, told.State = after.Language, after.Flow, after.State
		told.Intent, told.Confidence = t.Understood.Intent, t.Understood.Confidence
		told.Listened += t.listened
		told.Failed = len(t.replies) > 0 && t.replies[0].Key == busy.Key
		if memory != nil {
			// Not t.Conversation: the flow may have had everything forgotten.
			t.Resident.conversation(entry.Channel).ChannelState = memory
		}
		if blob, err = t.Resident.encode(); err != nil {
			return nil, nil, nil, err
		}
	}
	return blob, texts, effects, nil
}

// interpret lets the channel say what a message adds to its dialogue.
func (e *Engine) interpret(entry Entry, blob []byte) (inputs []Message, memory json.RawMessage) {
	format := e.Formats[entry.Channel]
	if format.Interpret == nil || entry.Notice != nil {
		return []Message{entry.Message}, nil
	}
	resident, _ := decode(blob) // step reports what is unreadable
	inputs, memory = format.Interpret(resident.conversation(entry.Channel).ChannelState, entry.Message)
	if len(inputs) == 0 {
		inputs = []Message{entry.Message}
	}
	return inputs, memory
}

// busy tells that a service is broken, and leaves the question open.
var busy = Reply{Key: "system_busy", Keep: true}

// step answers one input.
func (e *Engine) step(ctx context.Context, entry Entry, blob []byte) (*Turn, []Text) {
	if entry.Notice != nil {
		return e.tell(ctx, entry, blob)
	}
	t, again := e.begin(entry, blob)
	// apologise goes back to where the flow had never run.
	apologise := func() {
		urgent := t.urgent
		t, _ = e.begin(entry, blob)
		t.urgent = urgent
		t.Say(busy)
	}
	if !again {
		if err := e.handle(ctx, t); err != nil {
			e.Log.Error("flow failed", "flow", t.Conversation.Flow, "state", t.Conversation.State, "seq", entry.Seq, "err", err)
			apologise()
		}
	}
	var texts []Text
	var err error
	if !t.silent || len(t.replies) > 0 {
		texts, err = e.render(t)
	}
	if err != nil {
		e.Log.Error("cannot put a reply into words", "flow", t.Conversation.Flow, "state", t.Conversation.State, "seq", entry.Seq, "err", err)
		apologise()
		texts, _ = e.render(t)
	}
	t.Conversation.At, t.Conversation.Heard = t.Now, t.Now
	return t, e.allow(t, texts)
}

// tell lets a flow tell what happened. What cannot be told is told by nobody:
// an apology out of the blue helps no resident, and the log has it.
func (e *Engine) tell(ctx context.Context, entry Entry, blob []byte) (*Turn, []Text) {
	t, _ := e.begin(entry, blob)
	before := *t.Conversation
	_, t.urgent = e.flows[entry.Notice.Flow].(Urgent)
	t.urgent = t.urgent || entry.Notice.Urgent
	err := fmt.Errorf("bot: no flow %s that tells", entry.Notice.Flow)
	if flow, ok := e.flows[entry.Notice.Flow].(Teller); ok {
		err = guard(entry.Notice.Flow, func() error { return flow.Tell(ctx, t) })
	}
	var texts []Text
	if err == nil && len(t.replies) > 0 {
		if t.replies[len(t.replies)-1].Keep {
			*t.Conversation = before
		} else {
			flow := e.flows[entry.Notice.Flow]
			t.Conversation.Flow, t.Conversation.Revision, t.Conversation.At = flow.Name(), flow.Revision(), t.Now
		}
		texts, err = e.render(t)
	}
	if err != nil {
		e.Log.Error("cannot tell a notice", "flow", entry.Notice.Flow, "kind", entry.Notice.Kind, "seq", entry.Seq, "err", err)
		t, _ = e.begin(entry, blob)
		texts = nil
	}
	return t, texts
}

// begin reads the state and the message. again is true when the message only
// asks for a screen that was already composed.
func (e *Engine) begin(entry Entry, blob []byte) (t *Turn, again bool) {
	resident, err := decode(blob)
	if err != nil {
		e.Log.Warn("starting a resident afresh", "resident", entry.Resident, "err", err)
	}
	conv := resident.conversation(entry.Channel)
	t = &Turn{Entry: entry, Resident: resident, Conversation: conv, Now: e.Clock()}
	format := e.Formats[entry.Channel]

	if conv.Flow != "" {
		f := e.flows[conv.Flow]
		if f == nil || f.Revision() != conv.Revision || !f.Knows(conv.State) || t.Now.Sub(conv.At) > idle {
			conv.leave()
		}
	}
	t.before = Position{Language: resident.Language, Flow: conv.Flow, State: conv.State}
	if entry.Notice != nil {
		return t, false
	}
	if entry.Opens {
		if format.Resume > 0 && len(conv.Screens) > 0 && !conv.Over && t.Now.Sub(conv.At) <= format.Resume {
			return t, true
		}
		conv.leave()
		t.Understood = understand.Result{Language: resident.Language, Guess: understand.Guess{Intent: understand.Greeting, Confidence: 1}, Command: true}
		return t, false
	}
	if len(conv.Screens) > 1 {
		switch {
		case isKey(entry, "9", MoreValue) && conv.Screen < len(conv.Screens)-1:
			conv.Screen++
			return t, true
		case isKey(entry, "8", BackValue) && conv.Screen > 0:
			conv.Screen--
			return t, true
		}
	}
	if t.Choice = choose(entry, conv); t.Choice == "" && entry.Choice == "" {
		begun := time.Now()
		t.Understood = e.understand(entry.Text)
		t.listened = time.Since(begun)
		if conv.Number && entry.Text == "0" {
			t.Understood.Command = false // a digit that was asked for
		}
		if !resident.Pinned {
			resident.Language = resident.Hearing.Hear(t.Understood, resident.Language)
		}
	}
	return t, false
}

// understand survives a broken understanding: an emergency must still get
// through by its first word, and the menu always works.
func (e *Engine) understand(text string) (r understand.Result) {
	defer func() {
		if p := recover(); p != nil {
			e.Log.Error("understanding panics", "panic", fmt.Sprintf("%T", p), "stack", string(debug.Stack()))
			r = understand.Result{Text: text, Guess: understand.Guess{Intent: understand.OutOfScope}}
		}
	}()
	return e.Understand(text)
}

func isKey(m Entry, key, value string) bool { return m.Text == key || m.Choice == value }

// choose finds the option that the message names: by its button, its number
// ("2", "2.", "(2)") or its words. 0 is the menu, unless a number was asked for.
func choose(m Entry, conv *Conversation) string {
	if m.Choice == MenuValue || m.Text == "0" && !conv.Number {
		return MenuValue
	}
	text := strings.Trim(m.Text, " .)(#*")
	for _, o := range conv.Options {
		if m.Choice != "" && o.Value == m.Choice ||
			m.Choice == "" && text != "" && (text == o.Key || strings.EqualFold(text, o.Label)) {
			return o.Value
		}
	}
	return ""
}

// handle lets the right flow answer, and follows its redirections.
func (e *Engine) handle(ctx context.Context, t *Turn) error {
	before := *t.Conversation
	flow := e.route(ctx, t)
	for range 4 {
		name := flow.Name()
		_, t.urgent = flow.(Urgent)
		if t.Conversation.Flow != name {
			t.Conversation.leave()
			t.Conversation.Flow = name
		}
		t.Conversation.Revision = flow.Revision()
		t.redirect = ""
		if err := guard(name, func() error { return flow.Handle(ctx, t) }); err != nil {
			return err
		}
		if t.redirect == "" {
			if len(t.replies) == 0 && !t.silent {
				return fmt.Errorf("bot: flow %s said nothing", name)
			}
			if n := len(t.replies); n > 0 && t.replies[n-1].Keep && before.Flow != name {
				*t.Conversation = before // a remark in passing
			}
			if name != e.Home.Name() {
				t.Resident.uses(name)
			}
			return nil
		}
		t.Understood = understand.Result{Text: t.Understood.Text, Language: t.Understood.Language, Slots: t.Understood.Slots,
			Guess: understand.Guess{Intent: t.redirect, Confidence: 1}}
		t.Choice = ""
		t.Conversation.leave()
		flow = e.Home
		if r, ok := e.topics[t.Understood.Intent]; ok {
			flow = r.flow
		}
	}
	return fmt.Errorf("bot: flow %s redirects in a circle", flow.Name())
}

// guard turns a panic of a flow into an error: one broken conversation must
// not take down the others.
func guard(flow string, do func() error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("bot: flow %s panics: %T\n%s", flow, p, debug.Stack())
		}
	}()
	return do()
}

// claim returns the flow that recognises the message as its own, nil if none does.
func (e *Engine) claim(ctx context.Context, t *Turn) Flow {
	for _, c := range e.claimants {
		mine := false
		if err := guard(c.Name(), func() error { mine = c.Claims(ctx, t); return nil }); err != nil {
			e.Log.Error("cannot tell whose a message is", "flow", c.Name(), "seq", t.Seq, "err", err)
		}
		if mine {
			return c
		}
	}
	return nil
}

// route decides who answers: an emergency comes first, then a flow that claims
// the message, then a command, then the flow that asked, then whatever the
// resident now wants.
func (e *Engine) route(ctx context.Context, t *Turn) Flow {
	u := t.Understood
	wanted, known := e.topics[u.Intent]
	if known && wanted.urgent && u.Confidence >= urgent {
		return wanted.flow
	}
	if claimant := e.claim(ctx, t); claimant != nil {
		return claimant
	}
	if t.Choice == MenuValue {
		t.Conversation.leave()
		return e.Home
	}
	current := e.flows[t.Conversation.Flow]
	if u.Command {
		if known {
			return wanted.flow
		}
		return e.Home
	}
	if current != nil && (t.Choice != "" || current.Expects(t)) {
		return current
	}
	if u.Confidence >= Sure {
		if known {
			return wanted.flow
		}
		if u.Intent != understand.OutOfScope {
			return e.Home // a service that is not here: the home flow knows where it is
		}
	}
	if current != nil {
		return current
	}
	return e.Home
}

// render puts the replies into words and stores what the next message can
// refer to: the options, the screens.
func (e *Engine) render(t *Turn) ([]Text, error) {
	conv, format := t.Conversation, e.Formats[t.Channel]
	if len(t.replies) == 0 { // the same dialogue again, or another screen of it
		return []Text{{Body: conv.Screens[conv.Screen], Options: shown(conv.Options), Language: t.Resident.Language}}, nil
	}
	if t.Resident.Language == "" {
		t.Resident.Language = understand.Indonesian
	}
	s := speaker{words: e.Words, language: t.Resident.Language, format: format}
	texts := make([]Text, 0, len(t.replies))
	last := len(t.replies) - 1
	// A remark where no question is open ends like any other answer.
	keeps := t.replies[last].Keep && (len(conv.Options) > 0 || conv.Number)
	for i, r := range t.replies {
		if !format.Asks {
			r.Options = slices.DeleteFunc(slices.Clone(r.Options), func(o Option) bool { return o.Asks != "" })
		}
		if i == last && !keeps {
			conv.Over, conv.Number = r.End, r.Number
			if !r.End && !r.Number && !slices.ContainsFunc(r.Options, func(o Option) bool { return o.Value == MenuValue }) && (conv.Flow != e.Home.Name() || len(r.Options) == 0) {
				r.Options = append(slices.Clip(r.Options), Choice(MenuValue)) // no answer is a dead end
			}
		}
		text, err := s.say(r)
		if err != nil {
			return nil, err
		}
		text.Confined = t.confined
		if i < last {
			text.Options = shown(text.Options)
		}
		if t.Notice != nil && format.Window > 0 && t.Now.Sub(conv.Heard) > format.Window {
			if text.Template, err = s.template(r); err != nil {
				return nil, err
			}
		}
		texts = append(texts, text)
	}
	if keeps {
		for i, o := range conv.Options { // the language may have changed
			var err error
			if conv.Options[i], err = s.label(o); err != nil {
				return nil, err
			}
		}
	} else {
		conv.Options = texts[last].Options
	}
	texts[last].Options = shown(conv.Options)
	if format.Pager == nil {
		return texts, nil
	}
	screen := Text{Options: texts[last].Options, End: conv.Over, Language: t.Resident.Language}
	for _, text := range texts {
		screen.Body += "\n" + text.Body
	}
	more, err := s.text("option."+MoreValue, nil)
	if err != nil {
		return nil, err
	}
	back, err := s.text("option."+BackValue, nil)
	if err != nil {
		return nil, err
	}
	conv.Screens = format.Pager.Pages(screen.Body[1:], screen.Options, more, back)
	conv.Screen = 0
	screen.Body = conv.Screens[0]
	// A closing answer of several screens has to stay open until the last.
	screen.End = screen.End && len(conv.Screens) == 1
	return []Text{screen}, nil
}

// shown leaves of options what a channel needs.
func shown(options []Option) []Option {
	if len(options) == 0 {
		return nil
	}
	list := make([]Option, len(options))
	for i, o := range options {
		list[i] = Option{Key: o.Key, Value: o.Value, Label: o.Label, Asks: o.Asks}
	}
	return list
}

// Numbered returns the text with its options below it, one numbered line each,
// for channels that have no buttons.
func (t Text) Numbered() string {
	if len(t.Options) == 0 {
		return t.Body
	}
	var b strings.Builder
	b.WriteString(t.Body)
	for _, o := range t.Options {
		b.WriteByte('\n')
		b.WriteString(o.Key)
		b.WriteByte(' ')
		b.WriteString(o.Label)
	}
	return b.String()
}

package bot_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"tabe/bot"
	"tabe/bot/bottest"
	"tabe/bot/understand"
)

// plain renders a message as its key and data.
type plain struct{}

func (plain) Text(language, key, _ string, data map[string]any) (string, error) {
	if key == "unknown" {
		return "", errors.New("no such message")
	}
	if len(data) == 0 {
		return language + ":" + key, nil
	}
	return fmt.Sprint(language, ":", key, data), nil
}

// ask is a flow that counts: it answers every message with how many it has had.
type ask struct {
	name    string
	topics  []bot.Topic
	handle  func(t *bot.Turn) error
	expects bool
}

func (f ask) Name() string            { return f.name }
func (f ask) Revision() int           { return 1 }
func (f ask) Topics() []bot.Topic     { return f.topics }
func (f ask) Knows(state string) bool { return state == "" || state == "asked" }
func (f ask) Expects(*bot.Turn) bool  { return f.expects }
func (f ask) Handle(_ context.Context, t *bot.Turn) error {
	return f.handle(t)
}

func count(t *bot.Turn) error {
	var n int
	if err := t.Recall(&n); err != nil {
		return err
	}
	n++
	t.Conversation.State = "asked"
	t.Say(bot.Reply{Key: "count", Data: bot.Data{"n": n}})
	return t.Remember(n)
}

// listen understands the first word: tax, fire, bug (a Bugis sentence).
func listen(text string) understand.Result {
	r := understand.Result{Text: text, Language: understand.Indonesian}
	r.Intent, r.Confidence = understand.OutOfScope, 0.9
	switch word, _, _ := strings.Cut(text, " "); word {
	case "tax":
		r.Intent, r.Confidence = understand.TaxBill, 0.9
	case "fire":
		r.Intent, r.Confidence = understand.EmergencyFire, 0.9
	case "bug":
		r.Language, r.Lean = understand.Bugis, 9
	case "menu":
		r.Intent, r.Confidence, r.Command = understand.Greeting, 1, true
	}
	return r
}

func newEngine(t testing.TB, store bot.Store, clock func() time.Time, flows ...bot.Flow) *bot.Engine {
	t.Helper()
	home := ask{name: "menu", handle: func(t *bot.Turn) error {
		t.Say(bot.Reply{Key: "home"})
		return nil
	}}
	e, err := bot.New(bot.Config{
		Store: store, Words: plain{}, Understand: listen, Flows: append(flows, home), Home: home, Clock: clock,
		Formats: map[bot.ChannelID]bot.ChannelFormat{"chat": {Inline: true}, "sms": {}},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = e.Close(context.Background()) })
	return e
}

var noon = time.Date(2026, 11, 25, 12, 0, 0, 0, bot.WITA)

// phone is one resident in the chat.
type phone struct {
	t testing.TB
	e *bot.Engine
	n int
}

func (p *phone) send(m bot.Message) string {
	p.t.Helper()
	if p.n++; m.ID == "" {
		m.ID = fmt.Sprint("m", p.n)
	}
	m.Channel, m.Peer, m.Subject = "chat", "+6281100000401", "tel:+6281100000401"
	texts, err := p.e.Converse(p.t.Context(), m)
	if err != nil {
		p.t.Fatal(err)
	}
	var bodies []string
	for _, text := range texts {
		bodies = append(bodies, text.Numbered())
	}
	return strings.Join(bodies, "\n")
}

func (p *phone) say(text string) string { p.t.Helper(); return p.send(bot.Message{Text: text}) }

func TestARepeatedMessageChangesNothing(t *testing.T) {
	e := newEngine(t, bottest.NewStore(nil), nil, ask{name: "tax", topics: []bot.Topic{{Intent: understand.TaxBill}}, handle: count, expects: true})
	p := &phone{t: t, e: e}
	first := p.send(bot.Message{ID: "a", Text: "tax"})
	if again := p.send(bot.Message{ID: "a", Text: "tax"}); again != first {
		t.Errorf("the second delivery got %q, the first %q", again, first)
	}
	if next := p.say("more"); !strings.Contains(next, "n:2") {
		t.Errorf("the second message got %q", next)
	}
}

func TestOrderOfOneResident(t *testing.T) {
	store := bottest.NewStore(nil)
	var mu sync.Mutex
	var seen []string
	done := make(chan struct{})
	const n = 200
	e := newEngine(t, store, nil, ask{name: "tax", topics: []bot.Topic{{Intent: understand.TaxBill}}, expects: true, handle: func(turn *bot.Turn) error {
		mu.Lock()
		defer mu.Unlock()
		if seen = append(seen, turn.ID); len(seen) == n {
			close(done)
		}
		turn.Say(bot.Reply{Key: "x"})
		return nil
	}})
	var want []string
	for i := range n {
		id := fmt.Sprintf("%04d", i)
		want = append(want, id)
		if err := e.Receive(t.Context(), bot.Message{ID: id, Channel: "sms", Peer: "p", Subject: "tel:p", Text: "tax"}); err != nil {
			t.Fatal(err)
		}
	}
	<-done
	if !slices.Equal(seen, want) {
		t.Error("answered out of order")
	}
}

func TestWhoAnswers(t *testing.T) {
	tax := ask{name: "tax", topics: []bot.Topic{{Intent: understand.TaxBill}}, handle: count}
	fire := ask{name: "fire", topics: []bot.Topic{{Intent: understand.EmergencyFire, Urgent: true}}, handle: func(t *bot.Turn) error {
		t.Say(bot.Reply{Key: "fire"})
		return nil
	}}
	e := newEngine(t, bottest.NewStore(nil), nil, tax, fire)
	p := &phone{t: t, e: e}
	for _, step := range []struct{ say, want string }{
		{"hello", "home"},
		{"tax", "n:1"},
		{"blah", "n:2"}, // nobody else knows better: the flow that asked
		{"fire", "fire"},
		{"tax", "n:1"},
		{"menu", "home"},
		{"tax", "n:1"},
		{"0", "home"},
	} {
		if got := p.say(step.say); !strings.Contains(got, step.want) {
			t.Errorf("%q got %q, want %q", step.say, got, step.want)
		}
	}
}

func TestLanguageIsHeardAndKept(t *testing.T) {
	e := newEngine(t, bottest.NewStore(nil), nil)
	p := &phone{t: t, e: e}
	for _, step := range []struct{ say, want string }{{"bug", "bug:home"}, {"12", "bug:home"}} {
		if got := p.say(step.say); !strings.HasPrefix(got, step.want) {
			t.Errorf("%q got %q", step.say, got)
		}
	}
}

func TestBrokenFlows(t *testing.T) {
	broken := map[string]func(*bot.Turn) error{
		"error":   func(*bot.Turn) error { return errors.New("registry down") },
		"panic":   func(*bot.Turn) error { panic("oh") },
		"silence": func(*bot.Turn) error { return nil },
		"circle":  func(t *bot.Turn) error { t.Redirect(understand.TaxBill); return nil },
		"words":   func(t *bot.Turn) error { t.Say(bot.Reply{Key: "unknown"}); return nil },
	}
	for name, handle := range broken {
		t.Run(name, func(t *testing.T) {
			fails := false
			e := newEngine(t, bottest.NewStore(nil), nil, ask{name: "tax", topics: []bot.Topic{{Intent: understand.TaxBill}}, expects: true, handle: func(t *bot.Turn) error {
				if fails {
					t.Conversation.State = "nonsense"
					t.Effect("never applied")
					return handle(t)
				}
				t.Conversation.State = "asked"
				t.Say(bot.Reply{Key: "question", Options: []bot.Option{{Value: "a", Label: "A"}}})
				return nil
			}})
			p := &phone{t: t, e: e}
			p.say("tax")
			fails = true
			if got := p.say("tax"); !strings.Contains(got, "system_busy") {
				t.Fatalf("got %q", got)
			}
			fails = false
			where, err := e.Position(t.Context(), "tel:+6281100000401", "chat")
			if err != nil || where.State != "asked" {
				t.Errorf("stands at %v, %v", where, err)
			}
			if got := p.say("1"); !strings.Contains(got, "question") {
				t.Errorf("the question was forgotten: %q", got)
			}
		})
	}
}

func TestAnOldConversationIsLeft(t *testing.T) {
	clock := bottest.NewClock(noon)
	e := newEngine(t, bottest.NewStore(clock.Now), clock.Now, ask{name: "tax", topics: []bot.Topic{{Intent: understand.TaxBill}}, handle: count, expects: true})
	p := &phone{t: t, e: e}
	p.say("tax")
	clock.Advance(3 * time.Hour)
	if got := p.say("blah"); !strings.Contains(got, "home") {
		t.Errorf("got %q", got)
	}
}

func TestHostileMessages(t *testing.T) {
	e := newEngine(t, bottest.NewStore(nil), nil, ask{name: "tax", topics: []bot.Topic{{Intent: understand.TaxBill}}, handle: count})
	p := &phone{t: t, e: e}
	for _, m := range []bot.Message{
		{}, {Text: "🔥🔥"}, {Text: strings.Repeat("x", 10_000)}, {Text: strings.Repeat("x", 10<<20)}, {Text: "a\x00b"},
		{Text: "\u202eabc\u202c"}, {Text: "\xff\xfe"}, {Media: "foto"}, {Choice: "nobody offered this"}, {Text: "\n\t "},
	} {
		if got := p.send(m); got == "" {
			t.Errorf("%.20q got no answer", m.Text)
		}
	}
	for _, m := range []bot.Message{{Channel: "chat", Subject: "tel:x"}, {ID: "1", Subject: "tel:x"}, {ID: "1", Channel: "chat"}} {
		if err := e.Receive(t.Context(), m); err == nil {
			t.Errorf("%+v was accepted", m)
		}
	}
}

func TestAStateThatCannotBeReadStartsAfresh(t *testing.T) {
	for name, blob := range map[string]string{
		"older":   "0{\"l\":\"bug\"}",
		"newer":   "2{}",
		"garbage": "1{\"l\":",
		"flow":    `1{"l":"id","c":{"chat":{"f":"gone","s":"x","t":"2026-11-25T12:00:00+08:00"}}}`,
		"state":   `1{"l":"id","c":{"chat":{"f":"tax","r":1,"s":"gone","t":"2026-11-25T12:00:00+08:00"}}}`,
	} {
		t.Run(name, func(t *testing.T) {
			clock := bottest.NewClock(noon)
			store := bottest.NewStore(clock.Now)
			old, _, err := store.Accept(t.Context(), bot.Message{ID: "old", Channel: "chat", Subject: "tel:+6281100000401"})
			if err != nil {
				t.Fatal(err)
			}
			if _, err := store.Commit(t.Context(), bot.Done{Entry: old, State: []byte(blob), Inline: true}); err != nil {
				t.Fatal(err)
			}
			e := newEngine(t, store, clock.Now, ask{name: "tax", topics: []bot.Topic{{Intent: understand.TaxBill}}, handle: count, expects: true})
			p := &phone{t: t, e: e}
			if got := p.say("hello"); !strings.Contains(got, "home") {
				t.Errorf("got %q", got)
			}
		})
	}
}

// watched tells when somebody has looked for what was left behind.
type watched struct {
	*bottest.Store
	looked chan struct{}
}

func (s watched) Unanswered(ctx context.Context, before time.Time, limit int) ([]bot.ResidentID, error) {
	s.looked <- struct{}{}
	return s.Store.Unanswered(ctx, before, limit)
}

// TestWhoWritesDoesNotWaitForWhatIsTold: a hundred thousand notices are due,
// which nobody waits for, and none of them comes to an end.
func TestWhoWritesDoesNotWaitForWhatIsTold(t *testing.T) {
	store := watched{bottest.NewStore(nil), make(chan struct{}, 100)}
	const many = 512
	subject := func(i int) string { return fmt.Sprint("tel:", i) }
	for i := range many {
		if _, _, err := store.Accept(t.Context(), bot.Message{ID: fmt.Sprint(i), Channel: "chat", Subject: subject(i), Text: "tax"}); err != nil {
			t.Fatal(err)
		}
	}
	began, gate := make(chan string, 2*many), make(chan struct{})
	e := newEngine(t, store, nil, ask{name: "tax", topics: []bot.Topic{{Intent: understand.TaxBill}}, handle: func(t *bot.Turn) error {
		began <- t.Subject
		<-gate
		return count(t)
	}})
	open := sync.OnceFunc(func() { close(gate) })
	t.Cleanup(open)
	ctx, stop := context.WithTimeout(t.Context(), 30*time.Second)
	defer stop()
	var running sync.WaitGroup
	running.Go(func() { e.Recover(ctx) })
	waiting := map[string]bool{}
	for i := range many {
		waiting[subject(i)] = true
	}
	<-store.looked
	<-store.looked // all that were found have been woken
	for len(began) > 0 {
		delete(waiting, <-began)
	}

	if texts, err := e.Converse(ctx, bot.Message{ID: "now", Channel: "chat", Subject: "tel:somebody", Text: "hello"}); err != nil || len(texts) != 1 {
		t.Fatalf("he waits: %v, %v", texts, err)
	}
	// Those to whom something is to be told, too, once they write.
	for who := range waiting {
		if err := e.Receive(ctx, bot.Message{ID: "he " + who, Channel: "chat", Subject: who, Text: "hello"}); err != nil {
			t.Fatal(err)
		}
	}
	for len(waiting) > 0 {
		select {
		case who := <-began:
			delete(waiting, who)
		case <-ctx.Done():
			t.Fatalf("%d of those who wrote wait behind others", len(waiting))
		}
	}
	open()
	stop()
	running.Wait()
}

func TestRecoverAnswersWhatWasLeft(t *testing.T) {
	store := bottest.NewStore(nil)
	var left []int64
	for i := range 20 {
		entry, _, err := store.Accept(t.Context(), bot.Message{ID: fmt.Sprint(i), Channel: "chat", Subject: fmt.Sprint("tel:", i%3), Text: "tax"})
		if err != nil {
			t.Fatal(err)
		}
		left = append(left, entry.Seq)
	}
	var answered sync.WaitGroup
	answered.Add(len(left))
	e := newEngine(t, store, nil, ask{name: "tax", topics: []bot.Topic{{Intent: understand.TaxBill}}, handle: func(t *bot.Turn) error {
		defer answered.Done()
		return count(t)
	}})
	ctx, stop := context.WithCancel(t.Context())
	var running sync.WaitGroup
	running.Go(func() { e.Recover(ctx) })
	answered.Wait()
	stop()
	running.Wait()
	if err := e.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, seq := range left {
		if _, ok, err := store.Answer(t.Context(), seq); !ok || err != nil {
			t.Errorf("message %d: %v, %v", seq, ok, err)
		}
	}
	if err := e.Receive(t.Context(), bot.Message{ID: "late", Channel: "chat", Subject: "tel:1"}); !errors.Is(err, bot.ErrClosed) {
		t.Errorf("a closed engine answers %v", err)
	}
}

func TestDialoguesOfADialledCode(t *testing.T) {
	clock := bottest.NewClock(noon)
	home := ask{name: "menu", handle: func(t *bot.Turn) error {
		t.Say(bot.Reply{Key: "home " + t.Text + t.Choice, Options: []bot.Option{{Value: "tax", Label: "T"}}})
		return nil
	}}
	format := bot.ChannelFormat{Inline: true, Resume: 10 * time.Minute, Pager: onePage{},
		Interpret: func(state json.RawMessage, m bot.Message) ([]bot.Message, json.RawMessage) {
			if string(state) == `"`+m.Dialogue+`"` {
				return []bot.Message{m}, state
			}
			opens, rest := m, m
			opens.Opens, opens.Text = true, ""
			if m.Text == "" {
				return []bot.Message{opens}, json.RawMessage(`"` + m.Dialogue + `"`)
			}
			return []bot.Message{opens, rest}, json.RawMessage(`"` + m.Dialogue + `"`)
		}}
	e, err := bot.New(bot.Config{Store: bottest.NewStore(clock.Now), Words: plain{}, Understand: listen, Flows: []bot.Flow{home}, Home: home,
		Clock: clock.Now, Formats: map[bot.ChannelID]bot.ChannelFormat{"chat": format}})
	if err != nil {
		t.Fatal(err)
	}
	p := &phone{t: t, e: e}
	for _, step := range []struct {
		dialogue, text string
		after          time.Duration
		want           string
	}{
		{"a", "", 0, "home "},
		{"a", "1", 0, "home 1tax"},
		{"b", "", 9 * time.Minute, "home 1tax"}, // dropped and dialled again
		{"c", "", 11 * time.Minute, "home "},
		{"d", "1", time.Hour, "home 1tax"}, // dialled with the choice
	} {
		clock.Advance(step.after)
		got, _, _ := strings.Cut(p.send(bot.Message{Dialogue: step.dialogue, Text: step.text}), "\n")
		if got != "id:"+step.want {
			t.Errorf("%s %q got %q, want %q", step.dialogue, step.text, got, step.want)
		}
	}
}

type onePage struct{}

func (onePage) Pages(body string, _ []bot.Option, _, _ string) []string { return []string{body} }

// An operator who has the conversation before him answers it himself.
func TestSilence(t *testing.T) {
	operator := ask{name: "operator", topics: []bot.Topic{{Intent: understand.TaxBill}}, expects: true, handle: func(t *bot.Turn) error {
		if t.Text == "tax" {
			t.Say(bot.Reply{Key: "hello", Options: []bot.Option{{Value: "end", Label: "end"}}})
		} else {
			t.StaySilent()
		}
		t.Conversation.State = "asked"
		return nil
	}}
	store := bottest.NewStore(nil)
	p := &phone{t: t, e: newEngine(t, store, nil, operator)}
	p.say("tax")
	if got := p.say("my roof leaks"); got != "" {
		t.Errorf("somebody answered %q", got)
	}
	position, err := p.e.Position(t.Context(), "tel:+6281100000401", "chat")
	if err != nil || position.Flow != "operator" || position.State != "asked" {
		t.Errorf("%+v, %v", position, err)
	}
}

package bot_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"tabe/bot"
	"tabe/bot/bottest"
	"tabe/bot/understand"
)

// post is a flow that tells what comes and claims every STOP.
type post struct{ ask }

func (post) Claims(_ context.Context, t *bot.Turn) bool {
	if t.Text == "explode" {
		panic("a claimant that breaks")
	}
	return t.Text == "STOP"
}

func (f post) Tell(_ context.Context, t *bot.Turn) error {
	switch t.Notice.Kind {
	case "silent":
	case "broken":
		return errors.New("broken")
	case "question":
		t.Conversation.State = "asked"
		t.Say(bot.Reply{Key: "question", Options: []bot.Option{{Value: "good", Label: "good"}}})
	default:
		t.Say(bot.Reply{Key: "news", Data: bot.Data{"n": string(t.Notice.Body)}, Keep: true})
	}
	return nil
}

func withPost(t *testing.T) *phone {
	tell := post{ask{name: "post", handle: func(t *bot.Turn) error {
		t.Say(bot.Reply{Key: "stopped " + t.Choice, Keep: true})
		return nil
	}}}
	tax := ask{name: "tax", topics: []bot.Topic{{Intent: understand.TaxBill}}, handle: count, expects: true}
	return &phone{t: t, e: newEngine(t, bottest.NewStore(nil), nil, tell, tax)}
}

func (p *phone) notice(kind string) string {
	p.t.Helper()
	return p.send(bot.Message{Notice: &bot.Notice{Flow: "post", Kind: kind, Body: json.RawMessage(`7`)}})
}

func (p *phone) expect(got, want string) {
	p.t.Helper()
	if !strings.HasPrefix(got, want) {
		p.t.Errorf("answered %q, want %q", got, want)
	}
}

func TestNoticeLeavesTheConversationWhereItWas(t *testing.T) {
	p := withPost(t)
	p.expect(p.send(bot.Message{Text: "tax"}), "id:countmap[n:1]")
	p.expect(p.notice("news"), "id:newsmap[n:7]")
	p.expect(p.notice("silent"), "")
	p.expect(p.notice("broken"), "")
	p.expect(p.send(bot.Message{Text: "more"}), "id:countmap[n:2]")
}

func TestNoticeMayAsk(t *testing.T) {
	p := withPost(t)
	p.expect(p.send(bot.Message{Text: "tax"}), "id:countmap[n:1]")
	p.expect(p.notice("question"), "id:question")
	p.expect(p.send(bot.Message{Text: "1"}), "id:stopped good")
}

func TestNoticeForAFlowThatIsGone(t *testing.T) {
	p := withPost(t)
	p.expect(p.send(bot.Message{Notice: &bot.Notice{Flow: "tax", Kind: "news"}}), "")
	p.expect(p.send(bot.Message{Notice: &bot.Notice{Flow: "nobody", Kind: "news"}}), "")
	p.expect(p.send(bot.Message{Text: "tax"}), "id:countmap[n:1]")
}

func TestClaimantComesBeforeTheQuestion(t *testing.T) {
	p := withPost(t)
	p.expect(p.send(bot.Message{Text: "tax"}), "id:countmap[n:1]")
	p.expect(p.send(bot.Message{Text: "STOP"}), "id:stopped")
	p.expect(p.send(bot.Message{Text: "explode"}), "id:countmap[n:2]")
}

func TestNoticeAfterTheWindowCarriesATemplate(t *testing.T) {
	clock := bottest.NewClock(noon)
	tell := post{ask{name: "post"}}
	home := ask{name: "menu", handle: func(t *bot.Turn) error { t.Say(bot.Reply{Key: "home"}); return nil }}
	e, err := bot.New(bot.Config{
		Store: bottest.NewStore(clock.Now), Words: plain{}, Understand: listen, Flows: []bot.Flow{tell, home}, Home: home, Clock: clock.Now,
		Formats: map[bot.ChannelID]bot.ChannelFormat{"chat": {Inline: true, Window: 24 * time.Hour}},
	})
	if err != nil {
		t.Fatal(err)
	}
	send := func(id string, m bot.Message) bot.Text {
		m.ID, m.Channel, m.Subject = id, "chat", "tel:+6281100000401"
		texts, err := e.Converse(t.Context(), m)
		if err != nil || len(texts) != 1 {
			t.Fatal(texts, err)
		}
		return texts[0]
	}
	news := bot.Message{Notice: &bot.Notice{Flow: "post", Kind: "news", Body: json.RawMessage(`7`)}}
	send("1", bot.Message{Text: "hello"})
	clock.Advance(23 * time.Hour)
	if text := send("2", news); text.Template != nil {
		t.Error("a template inside the window:", text)
	}
	clock.Advance(2 * time.Hour) // the notice before did not open the window again
	want := bot.Template{Key: "news", Language: "id", Values: map[string]string{"n": "7"}}
	if text := send("3", news); text.Template == nil || fmt.Sprint(*text.Template) != fmt.Sprint(want) {
		t.Errorf("template %v, want %v", text.Template, want)
	}
}

func TestUsedIsNewestFirst(t *testing.T) {
	var used []string
	note := func(t *bot.Turn) error {
		used = slices.Clone(t.Resident.Used)
		return count(t)
	}
	tax := ask{name: "tax", topics: []bot.Topic{{Intent: understand.TaxBill}}, handle: note}
	fire := ask{name: "fire", topics: []bot.Topic{{Intent: understand.EmergencyFire}}, handle: note}
	p := &phone{t: t, e: newEngine(t, bottest.NewStore(nil), nil, tax, fire)}
	for _, text := range []string{"tax", "fire", "fire", "menu", "tax", "fire"} {
		p.send(bot.Message{Text: text})
	}
	if want := []string{"tax", "fire"}; !slices.Equal(used, want) {
		t.Errorf("before the last message, used = %v, want %v", used, want)
	}
}

// alarm is a flow about emergencies that also tells.
type alarm struct{ post }

func (alarm) Urgent() {}

func TestWhatAnUrgentFlowSaysIsUrgent(t *testing.T) {
	speak := func(t *bot.Turn) error { t.Say(bot.Reply{Key: "spoken"}); return nil }
	fire := alarm{post{ask{name: "fire", topics: []bot.Topic{{Intent: understand.EmergencyFire, Urgent: true}}, handle: speak}}}
	tell := post{ask{name: "post", handle: speak}}
	tax := ask{name: "tax", topics: []bot.Topic{{Intent: understand.TaxBill}}, handle: count}
	home := ask{name: "menu", handle: speak}
	sent := make(chan bot.Outbound, 8)
	e, err := bot.New(bot.Config{
		Store: bottest.NewStore(nil), Words: plain{}, Understand: listen, Flows: []bot.Flow{fire, tell, tax, home}, Home: home,
		Deliver: func(_ bot.ChannelID, rows []bot.Outbound, _ bool) { sent <- rows[0] },
	})
	if err != nil {
		t.Fatal(err)
	}
	for i, c := range []struct {
		message bot.Message
		urgent  bool
	}{
		{bot.Message{Text: "fire"}, true},
		{bot.Message{Text: "tax"}, false},
		{bot.Message{Text: "hello"}, false},
		{bot.Message{Notice: &bot.Notice{Flow: "fire", Kind: "page"}}, true},
		{bot.Message{Notice: &bot.Notice{Flow: "post", Kind: "news"}}, false},
		{bot.Message{Notice: &bot.Notice{Flow: "post", Kind: "news", Urgent: true}}, true},
	} {
		m := c.message
		m.ID, m.Channel, m.Peer, m.Subject = fmt.Sprint(i), "sms", "p", fmt.Sprint("tel:", i)
		if err := e.Receive(t.Context(), m); err != nil {
			t.Fatal(err)
		}
		if o := <-sent; o.Urgent != c.urgent {
			t.Errorf("%d: %q leaves as urgent: %v", i, o.Text.Body, o.Urgent)
		}
	}
}

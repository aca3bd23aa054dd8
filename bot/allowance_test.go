package bot_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"tabe/bot"
	"tabe/bot/bottest"
	"tabe/bot/understand"
)

// talker writes by any channel; every answer is one line.
type talker struct {
	t *testing.T
	e *bot.Engine
	n int
}

func (p *talker) say(c bot.ChannelID, text string) string {
	p.t.Helper()
	p.n++
	texts, err := p.e.Converse(p.t.Context(), bot.Message{ID: fmt.Sprint(p.n), Channel: c, Peer: "+6281100000401", Subject: "tel:+6281100000401", Text: text})
	if err != nil {
		p.t.Fatal(err)
	}
	var lines []string
	for _, t := range texts {
		lines = append(lines, t.Body)
	}
	return strings.Join(lines, "\n")
}

// teller is a flow that also tells.
type teller struct{ ask }

func (teller) Tell(_ context.Context, t *bot.Turn) error {
	t.Say(bot.Reply{Key: "news", Keep: true})
	return nil
}

// emergency is a flow that nothing keeps from answering.
type emergency struct{ ask }

func (emergency) Urgent() {}

func TestNobodyRunsUpTheBill(t *testing.T) {
	clock := bottest.NewClock(time.Date(2026, 11, 25, 23, 0, 0, 0, bot.WITA))
	tax := teller{ask{name: "tax", topics: []bot.Topic{{Intent: understand.TaxBill}}, expects: true, handle: func(t *bot.Turn) error {
		switch _, what, _ := strings.Cut(t.Text, " "); what {
		case "forget":
			t.Resident.Forget()
		case "twice":
			t.Say(bot.Reply{Key: "first"})
		case "breaks":
			return fmt.Errorf("broken")
		}
		return count(t)
	}}}
	fire := emergency{ask{name: "fire", topics: []bot.Topic{{Intent: understand.EmergencyFire, Urgent: true}}, handle: func(t *bot.Turn) error {
		if strings.Contains(t.Text, "breaks") {
			return fmt.Errorf("broken")
		}
		t.Conversation.State = "asked"
		t.Say(bot.Reply{Key: "where"})
		return nil
	}}}
	store := bottest.NewStore(clock.Now)
	e := newEngine(t, store, clock.Now, tax, fire)
	const limit = 6
	e.Allowance = bot.Allowance{PerDay: limit, Paid: func(c bot.ChannelID) bool { return c != "telegram" }}
	told := make(chan int, 1) // replies to a notice
	e.Observe = func(t bot.Turned) {
		if t.Notice {
			told <- t.Replies
		}
	}
	p := &talker{t: t, e: e}
	expect := func(c bot.ChannelID, text, want string) {
		t.Helper()
		if got := p.say(c, text); got != want {
			t.Fatalf("%s: %q got %q, want %q", c, text, got, want)
		}
	}
	for n := range limit - 1 {
		expect("sms", "tax", fmt.Sprintf("id:countmap[n:%d]", n+1))
	}
	expect("sms", "fire", "id:where")               // is not counted
	expect("telegram", "tax", "id:countmap[n:1]")   // costs nothing
	expect("chat", "tax", "id:countmap[n:1]")       // goes back in the request
	expect("sms", "tax twice", "id:answers_enough") // two answers, and there is one left
	expect("sms", "tax", "")                        // nor is that one given
	expect("sms", "tax forget", "")                 // nor does he get rid of it so
	expect("sms", "tax breaks", "")                 // an apology costs as much
	expect("sms", "fire", "id:where")               // an emergency is always understood
	expect("sms", "behind the school", "id:where")  // and so is what follows
	expect("sms", "fire breaks", "id:system_busy")  // and that it went wrong is said
	expect("telegram", "tax", "id:countmap[n:1]")   // afresh: he had it forgotten
	expect("sms", "tax", "")
	// What we tell by ourselves is ours to count.
	entry, _, err := store.Accept(t.Context(), bot.Message{ID: "notice/1", Channel: "sms", Peer: "+6281100000401", Subject: "tel:+6281100000401", Notice: &bot.Notice{Flow: "tax", Kind: "news"}})
	if err != nil {
		t.Fatal(err)
	}
	e.Wake(entry.Resident)
	if n := <-told; n != 1 {
		t.Errorf("%d replies to a notice", n)
	}
	// He is answered again after midnight, and what he wanted was done meanwhile.
	clock.Advance(time.Hour)
	expect("sms", "tax", "id:countmap[n:2]")
}

package telegram

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"tabe/adapters/channeltest"
	"tabe/bot"
)

// words are the messages by their keys, with the language in front.
func words(language, key string) string { return language + " " + key }

// Buttons that share something replace the letters; the other choices on them
// are sent as words.
func TestSharingButtons(t *testing.T) {
	p := newProvider(t)
	b := newBot(t, p)
	if _, err := b.Send(t.Context(), outbound("Where?",
		bot.Option{Key: "1", Value: "here", Label: "Here", Asks: bot.AskLocation},
		bot.Option{Key: "2", Value: "me", Label: "My number", Asks: bot.AskContact},
		bot.Option{Key: "0", Value: bot.MenuValue, Label: "Menu"})); err != nil {
		t.Fatal(err)
	}
	var got struct {
		Rows [][]struct {
			Text     string `json:"text"`
			Contact  bool   `json:"request_contact"`
			Location bool   `json:"request_location"`
		} `json:"keyboard"`
		Once   bool `json:"one_time_keyboard"`
		Resize bool `json:"resize_keyboard"`
	}
	if err := json.Unmarshal([]byte(p.of("sendMessage", 1)[0].Get("reply_markup")), &got); err != nil {
		t.Fatal(err)
	}
	if s := fmt.Sprint(got); s != "{[[{Here false true}] [{My number true false}] [{Menu false false}]] true true}" {
		t.Error(s)
	}
}

// A group is told once, in both languages, and left; what is said there is heard
// by nobody.
func TestGroupsAreLeft(t *testing.T) {
	p := newProvider(t)
	b := newBot(t, p, func(c *Config) { c.Words = words })
	inbox := channeltest.NewInbox(nil)
	run(t, b, inbox)
	in := func(id int, kind, content string) string {
		return fmt.Sprintf(`{"update_id": %d, "message": {"message_id": 1, "date": 1, "from": %s, "chat": {"id": -100, "type": "%s"}, %s}}`, id, user, kind, content)
	}
	p.push(in(1, "supergroup", `"text": "/pajak@tabe_bot"`), in(2, "supergroup", `"text": "halo"`), in(3, "group", `"left_chat_member": {"id": 123456}`), said(4, `"text": "PBB"`))
	if got := inbox.Wait(t, 1); got[0].Text != "PBB" {
		t.Error(got)
	}
	p.of("leaveChat", 1)
	p.until("everything is confirmed", func(_ []call, unconfirmed int) bool { return unconfirmed == 0 })
	p.mu.Lock()
	defer p.mu.Unlock()
	said := 0
	for _, c := range p.calls {
		if c.method == "sendMessage" {
			said++
			if c.form.Get("chat_id") != "-100" || c.form.Get("text") != "id telegram.group\n\nbug telegram.group" {
				t.Error(c.form)
			}
		}
	}
	if said != 1 {
		t.Errorf("said %d times", said)
	}
}

// Everybody has a menu in Indonesian; who speaks Bugis gets his own, once, and
// gives it back with the language.
func TestCommandMenus(t *testing.T) {
	p := newProvider(t)
	b := newBot(t, p, func(c *Config) { c.Words, c.Commands = words, []string{"pajak", "data_saya"} })
	run(t, b, channeltest.NewInbox(nil))
	first := p.of("setMyCommands", 1)[0]
	if first.Get("commands") != `[{"command":"pajak","description":"id telegram.command_pajak"},{"command":"data_saya","description":"id telegram.command_data_saya"}]` || first.Has("scope") {
		t.Error(first)
	}
	for _, language := range []string{"id", "bug", "bug", "id", "id"} {
		o := outbound("x")
		o.Text.Language = language
		if _, err := b.Send(t.Context(), o); err != nil {
			t.Fatal(err)
		}
	}
	all := p.of("setMyCommands", 3)
	for i, language := range []string{"bug", "id"} {
		if got := all[i+1]; got.Get("scope") != `{"type":"chat","chat_id":77}` || !strings.Contains(got.Get("commands"), language+" telegram.command_pajak") {
			t.Error(got)
		}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	n := 0
	for _, c := range p.calls {
		if c.method == "setMyCommands" {
			n++
		}
	}
	if n != 3 {
		t.Errorf("set %d times", n)
	}
}

// One chat gets a short burst and then a message a second; others do not wait
// for it, and what would wait long goes back.
func TestPaceOfAChat(t *testing.T) {
	p := newProvider(t)
	b := newBot(t, p)
	began := time.Now()
	for range chatBurst + 1 {
		if _, err := b.Send(t.Context(), outbound("x")); err != nil {
			t.Fatal(err)
		}
	}
	if took := time.Since(began); took < 900*time.Millisecond {
		t.Errorf("%d messages to one chat in %v", chatBurst+1, took)
	}
	other := outbound("x")
	other.Peer = "78"
	began = time.Now()
	if _, err := b.Send(t.Context(), other); err != nil || time.Since(began) > 900*time.Millisecond {
		t.Errorf("another chat waited %v: %v", time.Since(began), err)
	}
	var waiting sync.WaitGroup
	var mu sync.Mutex
	back := 0
	impatient, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	for range 8 {
		waiting.Go(func() {
			_, err := b.Send(impatient, outbound("x"))
			if failed, ok := err.(*bot.SendError); ok && !failed.Permanent && failed.RetryAfter > longestWait {
				mu.Lock()
				back++
				mu.Unlock()
			}
		})
	}
	waiting.Wait()
	if back == 0 {
		t.Error("everything waited")
	}
}

// Whatever wants to leave at once, Telegram gets no more than it takes.
func TestPaceOfAll(t *testing.T) {
	p := newProvider(t)
	b := newBot(t, p)
	began := time.Now()
	var sending sync.WaitGroup
	for i := range perSecond + 20 {
		sending.Go(func() {
			o := outbound("x")
			o.Peer = fmt.Sprint(1000 + i)
			if _, err := b.Send(t.Context(), o); err != nil {
				t.Error(err)
			}
		})
	}
	sending.Wait()
	if took := time.Since(began); took < 550*time.Millisecond { // 20 behind the burst, at 30/s
		t.Errorf("%d messages in %v", perSecond+20, took)
	}
}

// Chats that are quiet are not remembered.
func TestPaceForgetsQuietChats(t *testing.T) {
	p := newPace()
	now := time.Now()
	for i := range maxChats {
		p.chat(fmt.Sprint(i), now)
	}
	p.chat("busy", now).ReserveN(now, chatBurst)
	if n := len(p.chats); n > 2 {
		t.Errorf("%d chats", n)
	}
}

// Package channeltest runs a channel between a provider and an engine that is
// whole but for its flow and its disk, to test the way in and out.
package channeltest

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"tabe/bot"
	"tabe/bot/bottest"
	"tabe/bot/understand"
)

// System is an Engine whose only flow repeats what it was sent, "3 heard: …",
// with the number of the resident's message in front, and offers the choices
// "again" and LongValue below it.
type System struct {
	*bot.Engine
	Store *bottest.Store
}

// LongValue is the value of an option that fits no button of Telegram's.
var LongValue = strings.Repeat("long ", 20)

// Start returns a running System whose answers leave over the given channels.
// It stops with the test.
func Start(t *testing.T, channels ...bot.Channel) *System {
	t.Helper()
	store := bottest.NewStore(nil)
	sender := bot.NewSender(store, time.Now, slog.New(slog.DiscardHandler), channels...)
	engine, err := bot.New(bot.Config{
		Store: store, Words: words{}, Understand: listen, Flows: []bot.Flow{repeat{}}, Home: repeat{}, Deliver: sender.Push,
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() { sender.Run(ctx) })
	running.Go(func() { engine.Recover(ctx) })
	t.Cleanup(func() {
		if err := engine.Close(context.Background()); err != nil {
			t.Error(err)
		}
		stop()
		running.Wait()
	})
	return &System{engine, store}
}

// words renders a message as its key and its data, without names.
type words struct{}

func (words) Text(_, key, _ string, data map[string]any) (string, error) {
	var b strings.Builder
	if n, ok := data["n"]; ok {
		fmt.Fprint(&b, n, " ")
	}
	b.WriteString(key)
	for _, name := range []string{"choice", "media", "text"} {
		if v, ok := data[name]; ok && v != "" {
			fmt.Fprintf(&b, ": %v", v)
		}
	}
	return b.String(), nil
}

func listen(text string) understand.Result {
	return understand.Result{Text: text, Language: understand.Indonesian, Guess: understand.Guess{Intent: understand.OutOfScope, Confidence: 1}}
}

type repeat struct{}

func (repeat) Name() string           { return "repeat" }
func (repeat) Revision() int          { return 1 }
func (repeat) Topics() []bot.Topic    { return nil }
func (repeat) Knows(string) bool      { return true }
func (repeat) Expects(*bot.Turn) bool { return true }
func (repeat) Handle(_ context.Context, t *bot.Turn) error {
	var n int
	if err := t.Recall(&n); err != nil {
		return err
	}
	n++
	key := "heard"
	if t.Opens {
		key = "opened"
	}
	t.Say(bot.Reply{
		Key:  key,
		Data: bot.Data{"n": n, "choice": t.Choice, "media": t.Media, "text": t.Text},
		Options: []bot.Option{
			{Value: "again", Label: "say it again"},
			{Value: LongValue, Label: "the long one"},
		},
	})
	return t.Remember(n)
}

// Inbox is a receiver that only keeps what it is given, or fails.
type Inbox struct {
	mu       sync.Mutex
	fail     func(bot.Message) error
	messages []bot.Message
	arrived  chan struct{}
}

// NewInbox returns an Inbox that fails as fail tells; nil: never.
func NewInbox(fail func(bot.Message) error) *Inbox {
	return &Inbox{fail: fail, arrived: make(chan struct{}, 10000)}
}

// Receive is what channels call.
func (i *Inbox) Receive(_ context.Context, m bot.Message) error {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.fail != nil {
		if err := i.fail(m); err != nil {
			return err
		}
	}
	i.messages = append(i.messages, m)
	i.arrived <- struct{}{}
	return nil
}

// Messages returns what has come so far.
func (i *Inbox) Messages() []bot.Message {
	i.mu.Lock()
	defer i.mu.Unlock()
	return slices.Clone(i.messages)
}

// Wait returns the first n messages once they are there.
func (i *Inbox) Wait(t *testing.T, n int) []bot.Message {
	t.Helper()
	late := time.After(20 * time.Second)
	for {
		if got := i.Messages(); len(got) >= n {
			return got[:n]
		}
		select {
		case <-i.arrived:
		case <-late:
			t.Fatalf("%d messages came, %d were expected", len(i.Messages()), n)
		}
	}
}

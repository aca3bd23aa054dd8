package sicantik_test

import (
	"context"
	"net/http"
	"testing"
	"time"

	"tabe/adapters/registry/remote"
	"tabe/bot"
	"tabe/bot/bottest"
	"tabe/bot/understand"
	"tabe/flows/bahasa"
	"tabe/flows/menu"
	"tabe/flows/perizinan"
	"tabe/locales"
)

// What a resident reads while SiCantik goes and comes.
func TestStories(t *testing.T) {
	words, err := locales.New()
	if err != nil {
		t.Fatal(err)
	}
	ears, err := understand.New()
	if err != nil {
		t.Fatal(err)
	}
	bottest.RunTranscripts(t, "testdata/*.txt", func(t *testing.T, clock *bottest.Clock) bottest.Conversation {
		o := newOffice(t, today()...)
		h := openAt(t, empty(t), o, remote.Limits{Pause: time.Nanosecond}, clock) // the story has its own time
		load(t, h.db)
		home := menu.New(ears.Redact)
		engine, err := bot.New(bot.Config{
			Store: bottest.NewStore(clock.Now), Words: words, Understand: ears.Understand, Clock: clock.Now, Home: home,
			Flows:   []bot.Flow{home, bahasa.New(), perizinan.New(h, perizinan.DefaultRules())},
			Formats: map[bot.ChannelID]bot.ChannelFormat{"sms": {Inline: true}},
		})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = engine.Close(context.Background()) })
		return story{engine, o}
	})
}

type story struct {
	*bot.Engine
	office *office
}

// Cut implements bottest.Outage.
func (s story) Cut(_ *testing.T, off bool) {
	var respond http.HandlerFunc
	if off {
		respond = says(502, "<html><body>Bad gateway</body></html>")
	}
	s.office.down(respond)
}

package phone

import (
	"testing"

	"tabe/bot"
)

// A button of Telegram's that shares something shares what belongs to the phone.
func TestShare(t *testing.T) {
	for choice, want := range map[string]func(bot.Message) bool{
		"contact": func(m bot.Message) bool {
			return m.Contact != nil && m.Contact.Own && m.Contact.Phone == "+6281255500014" && m.Choice == ""
		},
		"location": func(m bot.Message) bool { return m.Location != nil && m.Location.Valid() && m.Choice == "" },
		"menu":     func(m bot.Message) bool { return m.Choice == "menu" && m.Contact == nil && m.Location == nil },
	} {
		in := bot.Message{Choice: choice}
		if share(&in, message{From: "+6281255500014", Choice: choice}); !want(in) {
			t.Errorf("%s: %+v", choice, in)
		}
	}
}

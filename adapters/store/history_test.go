package store_test

import (
	"fmt"
	"testing"
	"time"

	"tabe/adapters/database"
	"tabe/adapters/testserver"
	"tabe/bot"
	"tabe/bot/bottest"
)

func TestHistory(t *testing.T) {
	testserver.Databases(t, func(t *testing.T, db *database.DB) {
		clock := bottest.NewClock(time.Date(2026, 11, 25, 12, 0, 0, 0, bot.WITA))
		s := newStore(t, db, clock.Now)
		const subject = "tel:+6281100000001"
		id := s.ID(subject)
		turn := func(m bot.Message, inline bool, effects []bot.Effect, replies ...string) {
			t.Helper()
			m.Peer, m.Subject, m.At = "+6281100000001", subject, clock.Now()
			e, _, err := s.Accept(t.Context(), m)
			if err != nil {
				t.Fatal(err)
			}
			state, err := s.Load(t.Context(), id)
			if err != nil {
				t.Fatal(err)
			}
			done := bot.Done{Entry: e, Before: state.Version, State: []byte("1{}"), Inline: inline, Effects: effects}
			for _, r := range replies {
				done.Replies = append(done.Replies, bot.Text{Body: r})
			}
			if _, err := s.Commit(t.Context(), done); err != nil {
				t.Fatal(err)
			}
			clock.Advance(time.Minute)
		}
		told := func(limit int) (said []string) {
			t.Helper()
			lines, err := s.History(t.Context(), id, limit)
			if err != nil {
				t.Fatal(err)
			}
			for i, l := range lines {
				if i > 0 && l.At.Before(lines[i-1].At) {
					t.Errorf("line %d is older than the one before it", i)
				}
				switch {
				case l.Message != nil:
					said = append(said, "> "+l.Message.Text+l.Message.MediaRef)
				case l.Text != nil:
					said = append(said, "< "+l.Text.Body+" "+string(l.Status))
				}
			}
			return said
		}
		if got := told(10); len(got) != 0 {
			t.Errorf("a stranger said %q", got)
		}
		turn(bot.Message{ID: "1", Channel: "sms", Text: "one"}, false, nil, "first", "second")
		turn(bot.Message{ID: "2", Channel: "ussd", Text: "two"}, true, nil, "screen")
		turn(bot.Message{ID: "3", Channel: "sms", Notice: &bot.Notice{Flow: "petugas", Kind: "said"}}, false, nil, "from the operator")
		turn(bot.Message{ID: "4", Channel: "sms", Media: "voice", MediaRef: "file"}, false, nil)
		if _, _, err := s.Accept(t.Context(), bot.Message{ID: "5", Channel: "sms", Subject: subject, At: clock.Now(), Text: "five"}); err != nil {
			t.Fatal(err)
		}
		want := []string{"> one", "< first queued", "< second queued", "> two", "< screen ", "< from the operator queued", "> file", "> five"}
		if got := told(10); fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("%q", got)
		}
		if got := told(2); fmt.Sprint(got) != fmt.Sprint(want[6:]) {
			t.Errorf("the newest two: %q", got)
		}
		turn(bot.Message{ID: "6", Channel: "sms", Text: "delete"}, false, []bot.Effect{bot.Erase{}}, "deleted")
		if got := told(10); fmt.Sprint(got) != fmt.Sprint([]string{"> delete", "< deleted queued", "> five"}) {
			t.Errorf("after everything was erased: %q", got)
		}
	})
}

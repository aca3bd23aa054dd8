package store_test

import (
	"fmt"
	"log/slog"
	"slices"
	"testing"
	"time"

	"tabe/adapters/database"
	"tabe/adapters/store"
	"tabe/adapters/testserver"
	"tabe/bot"
)

func TestLettersTellHowFarMessagesHaveCome(t *testing.T) {
	testserver.Databases(t, func(t *testing.T, db *database.DB) {
		now := time.Date(2026, 11, 25, 4, 0, 0, 0, time.UTC)
		s := newStore(t, db, func() time.Time { return now })
		ids := map[bot.Status]int64{}
		for i, status := range []bot.Status{bot.Sent, bot.Delivered, bot.Failed, bot.Dead, bot.Moved, bot.Queued} {
			d := say("x")
			d.Urgent = status == bot.Sent
			o := talk(t, s, fmt.Sprint("m", i), fmt.Sprint("tel:+62811000000", i), d)[0]
			ids[status] = o.ID
			now = now.Add(time.Second)
			switch status {
			case bot.Queued:
			case bot.Dead:
				must(t, s.Bury(t.Context(), o.ID, "21610"))
			case bot.Moved:
				must(t, db.Do(t.Context(), func(tx *database.Tx) error {
					moved, ok, err := s.Move(tx, o.ID)
					if err == nil && (!ok || moved.Text.Body != "x" || moved.ID != o.ID || moved.Resident != o.Resident) {
						t.Errorf("moved %+v, %v", moved, ok)
					}
					return err
				}))
			default:
				must(t, s.Sent(t.Context(), o.ID, bot.Handover{ProviderID: fmt.Sprint("p", i), Segments: 2, Cost: 1000}))
				must(t, s.Receipt(t.Context(), "sms", fmt.Sprint("p", i), status, ""))
			}
		}
		for status, id := range ids {
			letters, err := s.Letters(t.Context(), store.Which{Status: status, Channel: "sms"}, 10)
			if err != nil || len(letters) != 1 || letters[0].ID != id || letters[0].Status != status {
				t.Errorf("%s: %+v, %v", status, letters, err)
				continue
			}
			l := letters[0]
			if (status == bot.Queued) != l.Ended.IsZero() {
				t.Errorf("%s: ended %v", status, l.Ended)
			}
			if status == bot.Sent && (l.Segments != 2 || l.Cost != 1000 || !l.Urgent || !l.Ended.Equal(l.Created.Add(time.Second))) {
				t.Errorf("%+v", l)
			}
		}
		all, err := s.Letters(t.Context(), store.Which{}, 4)
		if err != nil || len(all) != 4 || !slices.IsSortedFunc(all, func(a, b store.Letter) int { return int(b.ID - a.ID) }) {
			t.Errorf("newest: %+v, %v", all, err)
		}
		if none, err := s.Letters(t.Context(), store.Which{Channel: "telegram"}, 10); err != nil || len(none) != 0 {
			t.Errorf("another channel has %+v, %v", none, err)
		}
		progress, err := s.Progress(t.Context())
		if err != nil || len(progress["sms"]) != 6 || progress["sms"][bot.Dead] != 1 {
			t.Errorf("progress %v, %v", progress, err)
		}
		// What failed at the provider goes once more; its old receipts count no more.
		must(t, s.Requeue(t.Context(), ids[bot.Failed]))
		must(t, s.Receipt(t.Context(), "sms", "p2", bot.Failed, "late"))
		if l, err := s.Letters(t.Context(), store.Which{Status: bot.Failed}, 10); err != nil || len(l) != 0 {
			t.Errorf("%+v, %v", l, err)
		}
		// A message is moved once, and not when it has arrived.
		must(t, db.Do(t.Context(), func(tx *database.Tx) error {
			for _, status := range []bot.Status{bot.Moved, bot.Delivered, bot.Sent} {
				if _, ok, err := s.Move(tx, ids[status]); ok || err != nil {
					t.Errorf("moved what is %s: %v", status, err)
				}
			}
			return nil
		}))
	})
}

func TestAnOutageIsSeenByEveryProcess(t *testing.T) {
	testserver.Databases(t, func(t *testing.T, db *database.DB) {
		now := time.Date(2026, 11, 25, 4, 0, 0, 0, time.UTC)
		s := newStore(t, db, func() time.Time { return now })
		var events []string
		node := func(name string, sees *[]bot.Outage) *store.Outages {
			return &store.Outages{
				Store: s, Node: name, Look: func() []bot.Outage { return *sees }, Log: slog.New(slog.DiscardHandler),
				Event: func(_ *database.Tx, _ time.Time, kind string, c bot.ChannelID) error {
					events = append(events, fmt.Sprint(kind, " ", c))
					return nil
				},
			}
		}
		var first, second []bot.Outage
		a, b := node("a", &first), node("b", &second)
		expect := func(outages int, want ...string) {
			t.Helper()
			a.Round(t.Context())
			b.Round(t.Context())
			all, err := s.Outages(t.Context())
			if err != nil || len(all) != outages {
				t.Errorf("outages: %+v, %v", all, err)
			}
			if !slices.Equal(events, want) {
				t.Errorf("events: %q, want %q", events, want)
			}
			events = nil
		}
		expect(0)
		first = []bot.Outage{{Channel: "sms", Since: now, Code: "http 503"}}
		expect(1, "channel.down sms")
		second = []bot.Outage{{Channel: "sms", Since: now.Add(time.Minute), Code: "http 503"}}
		expect(1)
		first = nil
		expect(1)
		second = nil
		expect(0, "channel.up sms")
		// A process that is gone is believed for half a minute.
		first = []bot.Outage{{Channel: "whatsapp", Since: now}}
		expect(1, "channel.down whatsapp")
		now = now.Add(31 * time.Second)
		if all, err := s.Outages(t.Context()); err != nil || len(all) != 0 {
			t.Errorf("outages: %+v, %v", all, err)
		}
	})
}

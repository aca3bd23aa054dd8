package notices_test

import (
	"log/slog"
	"slices"
	"testing"
	"time"

	"tabe/adapters/database"
	"tabe/adapters/notices"
	"tabe/adapters/store"
	"tabe/adapters/testserver"
	"tabe/bot"
	"tabe/bot/bottest"
	"tabe/flows/kabar"
)

// answered writes an answer to a resident, which goes out over a channel.
func (h *house) answered(channel bot.ChannelID, number string, text bot.Text, urgent bool) bot.Outbound {
	h.t.Helper()
	h.turn(channel, number) // so that he is known
	h.n++
	e, _, err := h.store.Accept(h.t.Context(), bot.Message{ID: text.Body, Channel: channel, Peer: number, Subject: "tel:" + number, At: h.clock.Now(), Text: "x"})
	if err != nil {
		h.t.Fatal(err)
	}
	state, err := h.store.Load(h.t.Context(), e.Resident)
	if err != nil {
		h.t.Fatal(err)
	}
	rows, err := h.store.Commit(h.t.Context(), bot.Done{Entry: e, Before: state.Version, State: []byte("1{}"), Replies: []bot.Text{text}, Urgent: urgent})
	if err != nil || len(rows) != 1 {
		h.t.Fatal(rows, err)
	}
	return rows[0]
}

func TestWhatAChannelCannotCarryGoesBySMSToThoseWhoAgreed(t *testing.T) {
	testserver.Databases(t, func(t *testing.T, db *database.DB) {
		clock := bottest.NewClock(noon.Add(12 * time.Hour)) // at midnight too
		h := newHouse(t, db, clock, &registry{})
		reserve := &notices.Reserve{Subscriptions: h.subs, Store: h.store, Clock: clock.Now, Log: slog.New(slog.DiscardHandler)}
		h.turn("whatsapp", farmer, bot.Subscribe{Purpose: kabar.Reserve, Consent: "kabar.ask_reserve", BySMS: true})
		told := func(number string, want ...string) {
			t.Helper()
			for range 2 { // the second one changes nothing
				if err := reserve.Round(t.Context()); err != nil {
					t.Fatal(err)
				}
			}
			if got := h.tell(number); !slices.Equal(got, want) {
				t.Errorf("told %q, want %q", got, want)
			}
		}
		bySMS := func(words string) string {
			return `sms ` + farmer + ` kabar reserve {"c":"whatsapp","w":"` + words + `"}`
		}
		must := func(err error) {
			t.Helper()
			if err != nil {
				t.Fatal(err)
			}
		}

		refused := h.answered("whatsapp", farmer, bot.Text{Body: "refused"}, false)
		must(h.store.Bury(t.Context(), refused.ID, "131026"))
		told(farmer, bySMS("refused"))

		lost := h.answered("whatsapp", farmer, bot.Text{Body: "lost"}, false)
		must(h.store.Sent(t.Context(), lost.ID, bot.Handover{ProviderID: "wamid.1"}))
		told(farmer)
		must(h.store.Receipt(t.Context(), "whatsapp", "wamid.1", bot.Failed, "131000"))
		told(farmer, bySMS("lost"))

		// Two minutes are for the channel itself.
		waits := h.answered("whatsapp", farmer, bot.Text{Body: "waits"}, false)
		must(h.store.Retry(t.Context(), waits.ID, clock.Now().Add(10*time.Minute), "http 503"))
		told(farmer)
		clock.Advance(2*time.Minute + time.Second)
		told(farmer, bySMS("waits"))
		if l, err := h.store.Letters(t.Context(), store.Which{Status: bot.Moved}, 10); err != nil || len(l) != 3 {
			t.Errorf("moved: %+v, %v", l, err)
		}
		if rows, err := h.store.Claim(t.Context(), "whatsapp", false, time.Minute, 10); err != nil || len(rows) != 0 {
			t.Errorf("it leaves by its channel as well: %+v, %v", rows, err)
		}

		// An emergency stays one; what is confined stays here.
		urgent := h.answered("whatsapp", farmer, bot.Text{Body: "urgent"}, true)
		must(h.store.Bury(t.Context(), urgent.ID, "x"))
		must(reserve.Round(t.Context()))
		if w := h.waiting(farmer); len(w) != 1 || !w[0].Notice.Urgent {
			t.Errorf("waiting: %+v", w)
		}
		h.tell(farmer)
		secret := h.answered("whatsapp", farmer, bot.Text{Body: "secret", Confined: true}, true)
		must(h.store.Bury(t.Context(), secret.ID, "x"))
		told(farmer)

		// Nobody else's, nothing of yesterday, and nothing after STOP.
		other := h.answered("whatsapp", shop, bot.Text{Body: "other"}, false)
		must(h.store.Bury(t.Context(), other.ID, "x"))
		told(shop)
		old := h.answered("whatsapp", farmer, bot.Text{Body: "old"}, false)
		clock.Advance(25 * time.Hour)
		must(h.store.Bury(t.Context(), old.ID, "x"))
		told(farmer)
		h.turn("whatsapp", farmer, bot.Unsubscribe{})
		after := h.answered("whatsapp", farmer, bot.Text{Body: "after"}, false)
		must(h.store.Bury(t.Context(), after.ID, "x"))
		told(farmer)
	})
}

package console_test

import (
	"fmt"
	"log/slog"
	"net/http"
	"testing"
	"time"

	"tabe/adapters/database"
	"tabe/adapters/scc/operators"
	"tabe/adapters/store"
	"tabe/bot"
)

// outgoing writes a message to somebody.
func (h *house) outgoing(id, number, body string) bot.Outbound {
	h.t.Helper()
	e, _, err := h.store.Accept(h.t.Context(), bot.Message{ID: id, Channel: "sms", Peer: number, Subject: "tel:" + number, At: h.clock(), Text: "x"})
	if err != nil {
		h.t.Fatal(err)
	}
	rows, err := h.store.Commit(h.t.Context(), bot.Done{Entry: e, State: []byte("1{}"), Replies: []bot.Text{{Body: body}}})
	if err != nil || len(rows) != 1 {
		h.t.Fatal(rows, err)
	}
	return rows[0]
}

func (h *house) must(err error) {
	h.t.Helper()
	if err != nil {
		h.t.Fatal(err)
	}
}

func TestDeliveriesAreSeenAndSentAgain(t *testing.T) {
	houses(t, func(t *testing.T, h *house) {
		h.add("andi", operators.Dispatcher)
		h.add("rafiah", operators.P2TP2A)
		arrived, dead := h.outgoing("1", "+6281100000401", "PBB Anda Rp 52.500"), h.outgoing("2", "+6281100000402", "rahasia")
		h.outgoing("3", "+6281100000403", "menunggu")
		h.must(h.store.Sent(t.Context(), arrived.ID, bot.Handover{ProviderID: "SM1", Segments: 1, Cost: 500}))
		h.must(h.store.Receipt(t.Context(), "sms", "SM1", bot.Delivered, ""))
		h.must(h.store.Bury(t.Context(), dead.ID, "30003"))
		h.later(5 * time.Minute)

		b := h.signIn("andi")
		if status := b.get("/scc/pengiriman"); status != http.StatusOK {
			t.Fatal(status)
		}
		b.shows("+62********401", "sampai", "Rp 500", "30003", "tersendat", "Kirim ulang")
		b.hides("PBB", "rahasia", "81100000402", "TERPUTUS")
		b.get("/scc/pengiriman?status=dead&saluran=sms")
		b.shows("********402")
		b.hides("********401", "********403")
		b.get("/scc/pengiriman?status=apa&saluran=merpati")
		b.shows("Tidak ada pesan.")

		again := fmt.Sprint("/scc/pengiriman/", dead.ID)
		if status := b.post(again); status != http.StatusOK || b.at != "/scc/pengiriman" {
			t.Errorf("%d %s", status, b.at)
		}
		if rows, err := h.store.Letters(t.Context(), store.Which{Status: bot.Queued}, 10); err != nil || len(rows) != 2 {
			t.Errorf("%+v, %v", rows, err)
		}
		for path, want := range map[string]int{again: http.StatusConflict, "/scc/pengiriman/x": http.StatusNotFound, fmt.Sprint("/scc/pengiriman/", arrived.ID): http.StatusConflict} {
			b.get("/scc/pengiriman")
			if status := b.post(path); status != want {
				t.Errorf("%s: %d", path, status)
			}
		}
		other := h.signIn("rafiah")
		if status := other.get("/scc/pengiriman"); status != http.StatusForbidden {
			t.Errorf("another role: %d", status)
		}
	})
}

func TestAnOutageIsOnEveryPage(t *testing.T) {
	h := openHouse(t)
	h.add("andi", operators.Dispatcher)
	h.add("rafiah", operators.P2TP2A)
	sees := []bot.Outage{{Channel: "whatsapp", Since: h.clock(), Code: "http 503"}}
	node := &store.Outages{
		Store: h.store, Node: "a", Look: func() []bot.Outage { return sees }, Log: slog.New(slog.DiscardHandler),
		Event: func(*database.Tx, time.Time, string, bot.ChannelID) error { return nil },
	}
	node.Round(t.Context())
	b := h.signIn("andi")
	for _, path := range []string{"/scc/pengaduan", "/scc/akun", "/scc/pengiriman"} {
		b.get(path)
		b.shows(`<b class="chip">✖ WhatsApp TERPUTUS sejak`)
	}
	b.shows("(http 503). Darurat tetap dicoba.")
	other := h.signIn("rafiah")
	other.get("/scc/insiden")
	other.shows("WhatsApp TERPUTUS")
	sees = nil
	node.Round(t.Context())
	b.get("/scc/pengiriman")
	b.hides("TERPUTUS")
}

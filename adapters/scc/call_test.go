package scc_test

import (
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"tabe/adapters/scc"
	"tabe/bot"
)

const landline = "+6248423501" // the only number of Pos Citta

// key presses a key in the n-th question of a call to a telephone, as often as
// the provider delivers it, and returns what is said.
func (h *house) key(phone, call string, n int, key string) bot.Text {
	h.t.Helper()
	var said [2]string
	var text bot.Text
	for at := range said {
		texts, err := h.engine.Converse(h.t.Context(), bot.Message{
			ID: fmt.Sprint(call, "-", n), Channel: "keys", Peer: phone, Subject: "tel:" + phone, Dialogue: call, Text: key,
		})
		if err != nil || len(texts) != 1 {
			h.t.Fatalf("%+v, %v", texts, err)
		}
		text, said[at] = texts[0], texts[0].Numbered()
	}
	if said[0] != said[1] {
		h.t.Errorf("%q, and then %q", said[0], said[1])
	}
	return text
}

// spelled is a code as it is read out.
func spelled(code string) string { return strings.Join(strings.Split(code, ""), ", ") }

// A post with nothing but a landline is called, and accepts by a key, once.
func TestLandlinesAreCalled(t *testing.T) {
	databases(t, func(t *testing.T, h *house) {
		h.watched()
		h.send(resident, "kebakaran di desa tinco")
		h.expect(resident, "DITERIMA", "0484-23501")
		h.expect(resident, "Betul?")
		call := h.expectOn("voice", landline, "Ada kebakaran. Tinco, Citta.", "Tekan 1")
		i := h.only()
		if !strings.Contains(call, spelled(i.Code)) {
			t.Errorf("%q does not spell %s", call, i.Code)
		}
		for n, nothing := range []string{"0", "7", "#", ""} {
			if said := h.key(landline, "CA1", n, nothing); !strings.Contains(said.Body, "Belum jelas") || len(said.Options) < 4 {
				t.Errorf("%q: %+v", nothing, said)
			}
		}
		if i = h.only(); i.Status != scc.Unanswered {
			t.Errorf("%+v", i)
		}
		said := h.key(landline, "CA1", 4, "1")
		if !strings.Contains(said.Body, spelled(i.Code)+" diterima") || len(said.Options) > 1 {
			t.Errorf("%+v", said)
		}
		if i = h.only(); i.Status != scc.Dispatched || i.AckedBy != "Pos Citta" {
			t.Errorf("%+v", i)
		}
		if n := h.count(`select count(*) from audit where kind = 'unit.accept'`); n != 1 {
			t.Errorf("accepted %d times", n)
		}
		h.expect(resident, "Pos Citta berangkat")
		h.quiet()
	})
}

// Of several incidents it is asked which is meant. The next call does not go on
// with the question of an earlier one.
func TestWhichIncidentACallIsAbout(t *testing.T) {
	databases(t, func(t *testing.T, h *house) {
		h.watched()
		for n, who := range []string{resident, neighbour} {
			h.send(who, []string{"kebakaran di desa tinco", "kebakaran di desa kampiri"}[n])
			h.expect(who, "DITERIMA")
			h.expect(who, "Betul?")
			h.expectOn("voice", landline, "Ada kebakaran")
		}
		list, err := h.center.List(t.Context())
		if err != nil || len(list) != 2 {
			t.Fatalf("%+v, %v", list, err)
		}
		which := h.key(landline, "CA1", 0, "1")
		if !strings.Contains(which.Body, "yang mana") || !strings.Contains(which.Options[0].Label, "kode") {
			t.Fatalf("%+v", which)
		}
		if again := h.key(landline, "CA1", 1, "5"); again.Numbered() != which.Numbered() {
			t.Errorf("a key without a meaning: %+v", again)
		}
		// He hangs up. The next call begins anew: 2 is a refusal, not the second incident.
		if said := h.key(landline, "CA2", 0, "2"); !strings.Contains(said.Body, "yang mana") {
			t.Errorf("%+v", said)
		}
		if n := h.count(`select count(*) from dispatches`); n != 0 {
			t.Errorf("%d answers", n)
		}
		which = h.key(landline, "CA3", 0, "1")
		if said := h.key(landline, "CA3", 1, "2"); !strings.Contains(said.Body, "diterima") {
			t.Errorf("%+v", said)
		}
		code := which.Options[1].Value
		if n := h.count(`select count(*) from incidents where status = 'dispatched' and code = $1`, code); n != 1 {
			t.Errorf("%s was not accepted", code)
		}
		if n := h.count(`select count(*) from dispatches`); n != 1 {
			t.Errorf("%d answers", n)
		}
	})
}

// A call that nobody takes is a page that did not arrive: the next channel, or
// where there is none the next tier, which calls again.
func TestBusy(t *testing.T) {
	databases(t, func(t *testing.T, h *house) {
		h.watched()
		var call atomic.Value
		h.net.sent = func(channel bot.ChannelID, _, _, id string) {
			if channel == "voice" {
				call.Store(id)
			}
		}
		ends := func(how string) {
			t.Helper()
			if err := h.store.Receipt(t.Context(), "voice", call.Load().(string), bot.Failed, how); err != nil {
				t.Fatal(err)
			}
		}
		h.delivers.Store(false) // until we have said how the call ended
		missed := func() int { return h.count(`select count(*) from audit where kind = 'page.missed'`) }
		h.send(resident, "kebakaran di desa tinco")
		h.expect(resident, "DITERIMA")
		h.expect(resident, "Betul?")
		h.expectOn("voice", landline, "Ada kebakaran")
		ends("busy")
		h.delivers.Store(true)
		h.until("the page is missed", func() bool { return missed() == 1 })
		h.ahead(61 * time.Second)
		h.expectOn("whatsapp", operator, "KEBAKARAN")
		h.expectOn("voice", landline, "sekali lagi")
		h.ahead(0)
		h.delivers.Store(false)
		h.move(61 * time.Second)
		h.expectOn("voice", chief, "Ada kebakaran")
		h.expect(lilirilau, "KEBAKARAN") // the next nearest
		h.until("he was called", func() bool { return h.count(`select count(*) from outbox where provider_id = $1`, call.Load()) == 1 })
		ends("no-answer")
		h.expect(chief, "KEBAKARAN") // by SMS
		if n := missed(); n != 2 {
			t.Errorf("%d pages missed", n)
		}
		h.quiet()
	})
}

// Who reported an incident himself is called about it like anybody else: his
// key is an answer and no more of the report.
func TestAReporterIsCalled(t *testing.T) {
	databases(t, func(t *testing.T, h *house) {
		h.watched()
		h.send(chief, "kebakaran di desa kaca")
		h.expect(chief, "DITERIMA")
		h.expect(chief, "Betul?")
		h.expect(marioriawa, "KEBAKARAN")
		h.ahead(61 * time.Second)
		h.expectOn("whatsapp", operator, "KEBAKARAN")
		h.expectOn("whatsapp", marioriawa, "KEBAKARAN")
		h.ahead(61 * time.Second)
		h.expectOn("voice", chief, "Ada kebakaran")
		h.expect(lilirilau, "KEBAKARAN")
		if said := h.key(chief, "CA1", 0, "1"); !strings.Contains(said.Body, "diterima") {
			t.Errorf("%+v", said)
		}
		if i := h.only(); i.Status != scc.Acked || i.AckedBy != "Baso" {
			t.Errorf("%+v", i)
		}
		h.quiet()
	})
}

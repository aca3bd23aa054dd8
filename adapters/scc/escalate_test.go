package scc_test

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"tabe/adapters/database"
	"tabe/adapters/scc"
	"tabe/adapters/scc/audit"
	"tabe/adapters/scc/geo"
	"tabe/adapters/seal"
	"tabe/adapters/testserver"
	"tabe/bot"
	"tabe/flows/darurat"
)

// fire reports one in Kaca and takes everything that is told of it at once.
func (h *house) fire() scc.Incident {
	h.t.Helper()
	h.send(resident, "kebakaran di desa kaca")
	h.expect(resident, "DITERIMA")
	h.expect(resident, "Betul?")
	h.expect(marioriawa, "KEBAKARAN")
	return h.only()
}

// Nobody answers: tier after tier is told, and the last one again and again.
func TestEscalationNeverEnds(t *testing.T) {
	databases(t, func(t *testing.T, h *house) {
		h.watched()
		i := h.fire()
		h.quiet()
		h.ahead(61 * time.Second)
		h.expectOn("whatsapp", operator, "KEBAKARAN")
		h.expectOn("whatsapp", marioriawa, "(ulang)", i.Code)
		h.ahead(61 * time.Second)
		h.expectOn("voice", chief, "Ada kebakaran", "Tekan 1")
		h.expect(lilirilau, "KEBAKARAN") // the next nearest post
		for range 3 {
			h.ahead(61 * time.Second)
			h.ahead(61 * time.Second)
			for _, phone := range []string{operator, chief, marioriawa, lilirilau} {
				h.expect(phone, "(ulang)", i.Code)
			}
		}
		if i = h.only(); i.Status != scc.Unanswered || i.Step != 3 || i.Next.IsZero() {
			t.Errorf("%+v", i)
		}
		h.send(operator, "1 "+i.Code)
		h.expect(operator, "diterima")
		if i = h.only(); i.Status != scc.Acked || i.AckedBy != "Andi" {
			t.Errorf("%+v", i)
		}
		h.quiet()
	})
}

// Without a console whose alarm would be heard nobody waits for one.
func TestWithoutAConsoleTheNextTierIsToldAtOnce(t *testing.T) {
	databases(t, func(t *testing.T, h *house) {
		if err := h.center.Beat(t.Context(), "mute", "andi", false); err != nil {
			t.Fatal(err)
		}
		h.fire()
		h.expectOn("whatsapp", operator, "KEBAKARAN")
		h.expectOn("whatsapp", marioriawa, "KEBAKARAN")
		h.quiet()
	})
}

// Acknowledged and forgotten: the incident comes back at the same tier.
func TestForgottenIncidentsComeBack(t *testing.T) {
	databases(t, func(t *testing.T, h *house) {
		h.watched()
		i := h.fire()
		act := scc.Act{Operator: "andi", Incident: i.ID}
		if err := h.center.Acknowledge(t.Context(), act); err != nil {
			t.Fatal(err)
		}
		h.ahead(100 * time.Second)
		h.quiet()
		h.ahead(21 * time.Second)
		h.expect(marioriawa, "(ulang)", i.Code)
		if err := h.center.Dispatch(t.Context(), act, 1); err != nil {
			t.Fatal(err)
		}
		h.expect(marioriawa, i.Code)
		h.ahead(9 * time.Minute)
		h.quiet()
		h.ahead(61 * time.Second)
		h.expect(marioriawa, "(ulang)", i.Code)
		h.send(marioriawa, "1")
		h.expect(marioriawa, "diterima")
		h.expect(resident, "berangkat")
		h.ahead(time.Hour)
		h.quiet()
	})
}

// A post that cannot go hands over to the next nearest one at once.
func TestARefusalGoesToTheNextPost(t *testing.T) {
	databases(t, func(t *testing.T, h *house) {
		h.watched()
		i := h.fire()
		h.send(marioriawa, "2")
		h.expect(marioriawa, "dialihkan")
		h.expect(lilirilau, "KEBAKARAN", "Kaca")
		h.send(lilirilau, "1")
		h.expect(lilirilau, "diterima")
		h.expect(resident, "Pos Lilirilau berangkat")
		d, err := h.center.Get(t.Context(), i.ID)
		if err != nil || len(d.Dispatches) != 2 {
			t.Errorf("%+v, %v", d.Dispatches, err)
		}
		h.quiet()
	})
}

// A place that becomes known later brings the right post, and tells the others.
func TestThePlaceMovesTheAlarm(t *testing.T) {
	databases(t, func(t *testing.T, h *house) {
		h.watched()
		h.send(resident, "kebakaran!!")
		h.expect(resident, "113")
		h.expect(resident, "Di mana?")
		h.expect(central, "KEBAKARAN", "Tempat belum diketahui") // the post that backs up the others
		h.send(resident, "desa kaca")
		h.expect(resident, "Betul?")
		h.expect(marioriawa, "KEBAKARAN", "Kaca, Marioriawa")
		h.expect(central, "tempatnya: Kaca, Marioriawa")
		h.quiet()
	})
}

// Violence: nothing is sent to the phone afterwards unless she agreed, and the
// alarm does not say what it is.
func TestViolenceIsSilent(t *testing.T) {
	const p2tp2a = "+6281100000914"
	databases(t, func(t *testing.T, h *house) {
		h.watched()
		h.send(resident, "suami saya pukul saya terus, tolong")
		for _, text := range []string{h.expect(resident, "129"), h.expect(resident, "Di mana Anda"), h.expect(p2tp2a, "MINTA BANTUAN")} {
			for _, word := range []string{"keras", "pukul", "suami", "KDRT", "perempuan", "P2TP2A"} {
				if strings.Contains(strings.ToLower(text), strings.ToLower(word)) {
					t.Errorf("%q says %q", text, word)
				}
			}
		}
		i := h.only()
		act := scc.Act{Operator: "andi", Incident: i.ID}
		if err := h.center.Chat(t.Context(), act, "Anda aman?"); !errors.Is(err, scc.ErrSilent) {
			t.Errorf("written to: %v", err)
		}
		h.send(p2tp2a, "1")
		h.expect(p2tp2a, "diterima")
		h.quiet() // no "berangkat" to her phone
		h.send(resident, "desa tinco")
		h.expect(resident, "Tinco, Citta")
		h.expect(p2tp2a, "MINTA BANTUAN", "Tinco")
		h.send(resident, "1")
		h.expect(resident, "menghubungi nomor ini")
		h.send(resident, "1")
		h.expect(resident, "129")
		h.settle()
		if err := h.center.Chat(t.Context(), act, "Anda aman?"); err != nil {
			t.Fatal(err)
		}
		if text := h.expect(resident, "Anda aman?"); strings.Contains(text, i.Code) || strings.Contains(text, "SCC") {
			t.Errorf("%q tells whose it is", text)
		}
		h.quiet()
	})
}

func TestRow2_AReportSentTwiceIsOneIncident(t *testing.T) {
	databases(t, func(t *testing.T, h *house) {
		h.watched()
		m := bot.Message{ID: "SM1", Channel: "sms", Peer: resident, Subject: "tel:" + resident, Text: "kebakaran di desa kaca"}
		for range 3 {
			if err := h.engine.Receive(t.Context(), m); err != nil {
				t.Fatal(err)
			}
		}
		h.expect(resident, "DITERIMA")
		h.expect(resident, "Betul?")
		h.expect(marioriawa, "KEBAKARAN")
		h.only()
		h.quiet()
	})
}

// The emergency path knows no Redis: nothing that it is made of does. Every
// test of this package runs without one.
func TestRow5_NoRedisOnTheEmergencyPath(t *testing.T) {
	out, err := exec.Command("go", "list", "-deps", "tabe/adapters/scc", "tabe/flows/darurat", "tabe/flows/siaga").Output()
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(out), "redis") {
		t.Error("the emergency path depends on Redis")
	}
}

func TestRow6_AnotherChannelWhenOneFails(t *testing.T) {
	databases(t, func(t *testing.T, h *house) {
		h.watched()
		h.net.fail = func(channel bot.ChannelID, phone string) error {
			if channel == "sms" && phone == marioriawa {
				return &bot.SendError{Code: "down"}
			}
			return nil
		}
		h.send(resident, "kebakaran di desa kaca")
		h.expect(resident, "DITERIMA")
		h.expect(resident, "Betul?")
		h.expectOn("whatsapp", marioriawa, "KEBAKARAN") // after three attempts
		if n := h.count(`select max(attempt) from outbox where status = 'queued'`); n != 3 {
			t.Errorf("after %d attempts", n)
		}
		h.net.mu.Lock()
		h.net.fail = nil
		h.net.mu.Unlock()
		h.expect(marioriawa, "KEBAKARAN") // nothing is dropped
		h.quiet()
	})
}

func TestRow6_RefusedForGood(t *testing.T) {
	databases(t, func(t *testing.T, h *house) {
		h.watched()
		h.net.fail = func(channel bot.ChannelID, phone string) error {
			if channel == "sms" && phone == marioriawa {
				return &bot.SendError{Code: "no_such_number", Permanent: true}
			}
			return nil
		}
		h.send(resident, "kebakaran di desa kaca")
		h.expect(resident, "DITERIMA")
		h.expect(resident, "Betul?")
		h.expectOn("whatsapp", marioriawa, "KEBAKARAN")
		h.quiet()
	})
}

func TestRow6_AcceptedAndNeverDelivered(t *testing.T) {
	databases(t, func(t *testing.T, h *house) {
		h.delivers.Store(false)
		h.watched()
		i := h.fire()
		if err := h.center.Acknowledge(t.Context(), scc.Act{Operator: "andi", Incident: i.ID}); err != nil {
			t.Fatal(err)
		}
		if err := h.center.Dispatch(t.Context(), scc.Act{Operator: "andi", Incident: i.ID}, 2); err != nil { // Lilirilau
			t.Fatal(err)
		}
		h.expect(lilirilau, "KEBAKARAN")
		h.quiet()
		h.ahead(61 * time.Second)
		h.expectOn("whatsapp", lilirilau, "KEBAKARAN")
		h.quiet()
	})
}

// engines returns more centers on the house's database, running until the test ends.
func (h *house) engines(n int) {
	for range n {
		c, err := scc.New(scc.Config{
			DB: h.db, Secret: make([]byte, seal.KeyLength), Map: geo.New(), Mail: func() scc.Mail { return h.store }, Event: audit.Append,
			Channels: []bot.ChannelID{"sms", "whatsapp", "voice"}, Clock: h.center.Clock, Log: h.center.Log,
		})
		if err != nil {
			h.t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(context.Background())
		ended := make(chan struct{})
		go func() { c.Run(ctx); close(ended) }()
		h.t.Cleanup(func() { cancel(); <-ended })
	}
}

func TestRow8_SeveralEnginesDoNoStepTwice(t *testing.T) {
	databases(t, func(t *testing.T, h *house) {
		h.engines(3)
		const reports = 40
		for n := range reports {
			h.send(fmt.Sprintf("+62811000008%02d", n), "kebakaran di desa kaca")
		}
		h.until("every incident is at its second tier", func() bool {
			return h.count(`select count(*) from incidents where step = 1`) == reports // no console is armed
		})
		h.settle()
		for _, step := range []int{2, 3} {
			h.ahead(61 * time.Second)
			h.until("every incident has moved", func() bool { return h.count(`select count(*) from incidents where step = $1`, step) == reports })
		}
		h.settle()
		// As many pages as the events say, and each incident the same number of steps.
		events := h.count(`select count(*) from audit where kind = 'incident.escalated'`)
		steps := h.count(`select coalesce(sum(step + loops + 1), 0) from incidents`)
		if events != steps {
			t.Errorf("%d steps and %d events", steps, events)
		}
		var pages int
		told, err := audit.New(h.db).Since(t.Context(), 0, 100000)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range told {
			switch e.Kind {
			case "incident.escalated":
				pages += strings.Count(e.Body, `"contact":`)
			case "page.missed":
				pages += strings.Count(e.Body, `"next":`)
			case "incident.escalation_error":
				t.Errorf("%+v", e)
			}
		}
		if n := h.count(`select count(*) from pages`); n != pages {
			t.Errorf("%d pages, the events tell of %d", n, pages)
		}
		alone := h.count(`select count(*) from pages where reason <> 'bundled'`)
		if n := h.count(`select count(*) from journal where message_id like 'siaga:%' and message_id not like 'siaga:bundle:%'`); n != alone {
			t.Errorf("%d messages for %d pages", n, alone)
		}
		if bundles := h.count(`select count(*) from journal where message_id like 'siaga:bundle:%'`); bundles == 0 || alone == pages {
			t.Errorf("%d of %d pages are told alone, the others in %d messages", alone, pages, bundles)
		}
	})
}

func TestRow9_OneOperatorWins(t *testing.T) {
	databases(t, func(t *testing.T, h *house) {
		h.watched()
		i := h.fire()
		var won atomic.Int64
		var winner atomic.Value
		var racers sync.WaitGroup
		for n := range 50 {
			racers.Go(func() {
				name := fmt.Sprint("operator", n)
				err := h.center.Acknowledge(context.Background(), scc.Act{Operator: name, Incident: i.ID, Version: i.Version})
				var taken scc.Taken
				switch {
				case err == nil:
					won.Add(1)
					winner.Store(name)
				case !errors.As(err, &taken) || taken.By == "" || !errors.Is(err, scc.ErrStale):
					t.Errorf("%s is not told who was faster: %v", name, err)
				}
			})
		}
		racers.Wait()
		if won.Load() != 1 || h.only().AckedBy != winner.Load() {
			t.Errorf("%d winners; %s has it", won.Load(), h.only().AckedBy)
		}
	})
}

// The clock of an application's machine means nothing where a server has the time.
func TestRow11_TheClockOfAnApplicationHost(t *testing.T) {
	h := newHouse(t, testserver.StartPostgres(t).Database(t))
	h.stop()
	h.net = newNetwork()
	h.open(func() time.Time { return time.Date(1999, 1, 1, 0, 0, 0, 0, time.UTC) })
	h.watched()
	i := h.fire()
	if age := time.Since(i.Opened); age < 0 || age > time.Minute {
		t.Errorf("opened %s ago", age)
	}
	h.ahead(61 * time.Second)
	h.expectOn("whatsapp", operator, "KEBAKARAN")
	h.expectOn("whatsapp", marioriawa, "KEBAKARAN")
	h.quiet()
}

func TestRow12_TheDatabaseClockJumps(t *testing.T) {
	databases(t, func(t *testing.T, h *house) {
		h.watched()
		i := h.fire()
		h.quiet()
		h.ahead(time.Hour) // no flood: one tier, not sixty
		h.expectOn("whatsapp", operator, "KEBAKARAN")
		h.expectOn("whatsapp", marioriawa, "KEBAKARAN")
		h.quiet()
		if i = h.only(); i.Step != 1 {
			t.Errorf("step %d", i.Step)
		}
		h.ahead(-2 * time.Hour) // no silence: the clock is set anew
		h.until("the clock is set anew", func() bool { return h.only().Next.Before(i.Next.Add(-90 * time.Minute)) })
		h.quiet()
		h.ahead(61 * time.Second)
		h.expectOn("voice", chief, "Ada kebakaran", "Tekan 1")
		h.expect(lilirilau, "KEBAKARAN")
		h.quiet()
	})
}

func TestRow16_PranksComeLastAndAreNeverHidden(t *testing.T) {
	databases(t, func(t *testing.T, h *house) {
		h.watched()
		const prankster = "+6281100000999"
		for n := range 3 {
			h.send(prankster, "kebakaran di desa kaca")
			h.until("it is there", func() bool { return h.count(`select count(*) from incidents`) == n+1 })
			list, err := h.center.List(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if err := h.center.Close(t.Context(), scc.Act{Operator: "andi", Incident: list[0].ID}, scc.False, "Tidak ada apa-apa."); err != nil {
				t.Fatal(err)
			}
			h.settle()
		}
		h.send(prankster, "kebakaran di desa kaca")
		h.until("it is there", func() bool { return h.count(`select count(*) from incidents where status = 'new'`) == 1 })
		h.send(neighbour, "kebakaran di desa bulue")
		h.until("both are paged", func() bool { return h.count(`select count(*) from incidents where status = 'new' and step = 0`) == 2 })
		list, err := h.center.List(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if len(list) != 5 || list[0].Village != "73.12.05.2006" || list[1].Pranks != 3 || list[1].Status != scc.Unanswered {
			t.Errorf("%+v", list)
		}
		// Whatever state an incident is in, it is on the list.
		for _, status := range []scc.Status{scc.Unanswered, scc.Acked, scc.Dispatched} {
			for _, pranks := range []int{0, 1, 50} {
				h.do(func(tx *database.Tx) error {
					_, err := tx.Exec(`update incidents set status = $1, pranks = $2, priority = $3 where id = $4`, status, pranks, -pranks, list[1].ID)
					return err
				})
				if all, err := h.center.List(t.Context()); err != nil || len(all) != 5 {
					t.Errorf("%s with %d pranks: %d listed, %v", status, pranks, len(all), err)
				}
			}
		}
	})
}

// Receipts come late, twice and in the wrong order: a page that has arrived
// stays arrived.
func TestRow17_ReceiptsOnlyMoveForward(t *testing.T) {
	for _, order := range [][]bot.Status{
		{bot.Delivered, bot.Read}, {bot.Read, bot.Delivered}, {bot.Delivered, bot.Delivered}, {bot.Read, bot.Delivered, bot.Read},
	} {
		t.Run(fmt.Sprint(order), func(t *testing.T) {
			h := newHouse(t, testserver.SQLiteURL(t))
			h.delivers.Store(false)
			var id atomic.Value
			h.net.sent = func(_ bot.ChannelID, phone, _, provider string) {
				if phone == marioriawa {
					id.CompareAndSwap(nil, provider)
				}
			}
			h.watched()
			i := h.fire()
			h.settle()
			for _, status := range order {
				if err := h.store.Receipt(t.Context(), "sms", id.Load().(string), status, ""); err != nil {
					t.Fatal(err)
				}
			}
			d, err := h.center.Get(t.Context(), i.ID)
			if err != nil || d.Pages[0].Status != order[0] && d.Pages[0].Status != bot.Read {
				t.Errorf("%+v, %v", d.Pages, err)
			}
			if err := h.center.Dispatch(t.Context(), scc.Act{Operator: "andi", Incident: i.ID}, 3); err != nil {
				t.Fatal(err)
			}
			h.expect(central, "KEBAKARAN")
			h.ahead(3 * time.Second)
			h.until("the page is no longer watched", func() bool {
				return h.count(`select count(*) from pages where watched and phone = $1`, marioriawa) == 0
			})
			h.quiet()
		})
	}
}

func TestRow18_OneBadIncidentStopsNoOther(t *testing.T) {
	databases(t, func(t *testing.T, h *house) {
		h.watched()
		h.do(func(tx *database.Tx) error { // disasters have a policy that cannot be; crimes have none of their own
			_, err := tx.Exec(`insert into policy_steps (kind, step, target, after_s, channels) values ('disaster', 0, 'post', 0, 'sms')`)
			return err
		})
		h.send(neighbour, "banjir di desa kaca, air masuk rumah")
		h.expect(neighbour, "DITERIMA")
		h.expect(neighbour, "Betul?")
		i := h.fire2()
		h.until("the bad one is said to be bad", func() bool {
			return h.count(`select count(*) from audit where kind = 'incident.escalation_error'`) > 0
		})
		h.ahead(61 * time.Second)
		h.expectOn("whatsapp", operator, "KEBAKARAN", i.Code)
		h.expectOn("whatsapp", marioriawa, "KEBAKARAN", i.Code)
		findings, err := h.center.Audit(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		t.Logf("the auditor finds %+v", findings)
		// Once the policy is mended it goes on.
		h.do(func(tx *database.Tx) error {
			_, err := tx.Exec(`delete from policy_steps where kind = 'disaster'`)
			return err
		})
		h.ahead(11 * time.Second)
		h.until("it has moved", func() bool {
			return h.count(`select count(*) from incidents where kind = 'disaster' and step >= 0`) == 1
		})
		h.settle()
	})
}

// fire2 is fire beside other incidents.
func (h *house) fire2() scc.Incident {
	h.t.Helper()
	h.send(resident, "kebakaran di desa kaca")
	h.expect(resident, "DITERIMA")
	h.expect(resident, "Betul?")
	h.expect(marioriawa, "KEBAKARAN")
	list, err := h.center.List(h.t.Context())
	if err != nil {
		h.t.Fatal(err)
	}
	for _, i := range list {
		if i.Kind == darurat.Fire {
			return i
		}
	}
	h.t.Fatal("no fire")
	return scc.Incident{}
}

package scc_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"testing"
	"time"

	"tabe/adapters/database"
	"tabe/adapters/scc"
	"tabe/adapters/scc/audit"
	"tabe/adapters/testserver"
	"tabe/bot"
	"tabe/flows/darurat"
	"tabe/flows/siaga"
)

// Two people see the same fire: two incidents, which a human being merges, and
// can part again.
func TestMergeAndUnmerge(t *testing.T) {
	databases(t, func(t *testing.T, h *house) {
		h.watched()
		first := h.fire()
		h.send(neighbour, "kebakaran di desa kaca, dekat pasar")
		h.expect(neighbour, "DITERIMA")
		h.expect(neighbour, "Betul?")
		h.expect(marioriawa, "KEBAKARAN")
		alike, err := h.center.Similar(t.Context(), first.ID)
		if err != nil || len(alike) != 1 {
			t.Fatalf("%+v, %v", alike, err)
		}
		second := alike[0]
		if second.Code == first.Code {
			t.Error("it is its own")
		}
		if err := h.center.Merge(t.Context(), scc.Act{Operator: "andi", Incident: second.ID}, first.ID); err != nil {
			t.Fatal(err)
		}
		d, err := h.center.Get(t.Context(), first.ID)
		if err != nil || len(d.Merged) != 1 || d.Priority != 1 || len(d.Messages) != 2 || len(d.Reporters) != 2 {
			t.Errorf("%+v, %v", d, err)
		}
		if i := h.only(); i.ID != first.ID {
			t.Errorf("%s is listed", i.Code)
		}
		// What the second reporter writes is read with the first one's.
		h.send(neighbour, "apinya sudah sampai ke atap")
		h.expect(neighbour, "Ada orang terjebak")
		h.settle()
		if d, _ = h.center.Get(t.Context(), first.ID); len(d.Messages) != 3 {
			t.Errorf("%+v", d.Messages)
		}
		if err := h.center.Unmerge(t.Context(), scc.Act{Operator: "andi", Incident: second.ID}); err != nil {
			t.Fatal(err)
		}
		if list, err := h.center.List(t.Context()); err != nil || len(list) != 2 || list[0].Priority != 0 {
			t.Errorf("%+v, %v", list, err)
		}
		if err := h.center.Merge(t.Context(), scc.Act{Operator: "andi", Incident: second.ID}, first.ID); err != nil {
			t.Fatal(err)
		}
		if err := h.center.Close(t.Context(), scc.Act{Operator: "andi", Incident: first.ID}, scc.Handled, "Padam."); err != nil {
			t.Fatal(err)
		}
		h.expect(marioriawa, "Tidak perlu berangkat")
		h.expect(resident, "sudah ditangani")
		if n := h.count(`select count(*) from incidents where status <> 'closed'`); n != 0 {
			t.Errorf("%d are still open", n)
		}
		h.quiet()
	})
}

func TestOperatorsAndReportersTalk(t *testing.T) {
	databases(t, func(t *testing.T, h *house) {
		h.watched()
		i := h.fire()
		act := scc.Act{Operator: "andi", Incident: i.ID}
		if err := h.center.Acknowledge(t.Context(), act); err != nil {
			t.Fatal(err)
		}
		if err := h.center.Chat(t.Context(), act, "Petugas di jalan.\x00 Tunggu."); err != nil {
			t.Fatal(err)
		}
		h.expect(resident, "SCC "+i.Code+": Petugas di jalan. Tunggu.", "1 Ya")
		h.send(resident, "ya")
		h.expect(resident, "Ada orang terjebak")
		h.send(resident, "ada nenek terjebak")
		h.expect(resident, "ada pada petugas")
		h.expect(marioriawa, i.Code, "ADA KORBAN")
		d, err := h.center.Get(t.Context(), i.ID)
		if err != nil {
			t.Fatal(err)
		}
		var words []string
		for _, m := range d.Messages {
			words = append(words, m.Author+": "+m.Words)
		}
		if got := strings.Join(words, " | "); got != "reporter: kebakaran di desa kaca | operator: Petugas di jalan. Tunggu. | reporter: ada nenek terjebak" {
			t.Error(got)
		}
		if d.Danger != darurat.Yes || d.Source != darurat.FromChoice || len(d.Routes) == 0 || d.Routes[0].Why != scc.OwnDistrict {
			t.Errorf("%+v", d)
		}
		h.quiet()
	})
}

func TestManualIncidentAndStatusByTelephone(t *testing.T) {
	databases(t, func(t *testing.T, h *house) {
		h.watched()
		var ids []int64
		for range 3 {
			id, err := h.center.Create(t.Context(), "andi", scc.Manual{Kind: darurat.Fire, Words: "rumah terbakar", Caller: "0811", Where: darurat.Where{Unit: "73.12.05.1002"}})
			if err != nil {
				t.Fatal(err)
			}
			ids = append(ids, id)
		}
		if ids[0] == ids[1] || ids[0]%2 != 1 {
			t.Errorf("%v", ids)
		}
		act := scc.Act{Operator: "andi", Incident: ids[0]}
		if err := h.center.Dispatch(t.Context(), act, 1); err != nil {
			t.Fatal(err)
		}
		h.expect(marioriawa, "KEBAKARAN", "Kaca")
		if err := h.center.SetStatus(t.Context(), act, 1, siaga.OnScene); err != nil {
			t.Fatal(err)
		}
		d, err := h.center.Get(t.Context(), ids[0])
		if err != nil || d.Status != scc.Dispatched || d.Dispatches[0].OnScene.IsZero() || d.Dispatches[0].SentBy != "andi" || !d.Next.IsZero() {
			t.Errorf("%+v, %v", d, err)
		}
		if err := h.center.Locate(t.Context(), act, darurat.Where{Position: &bot.Location{Lat: -4.16825, Lng: 119.78388}}); err != nil {
			t.Fatal(err)
		}
		h.expect(marioriawa, "tempatnya: Bulue")
		// The reporter's own words do not move what an operator has set.
		if d, _ = h.center.Get(t.Context(), ids[0]); d.Village != "73.12.05.2006" || d.Source != darurat.FromOperate {
			t.Errorf("%+v", d.Incident)
		}
		if err := h.center.Acknowledge(t.Context(), scc.Act{Operator: "budi", Incident: ids[1], Version: 7}); !errors.Is(err, scc.ErrStale) {
			t.Error(err)
		}
		for _, err := range []error{
			h.center.Acknowledge(t.Context(), scc.Act{Operator: "budi", Incident: 999}),
			h.center.Close(t.Context(), act, "nonsense", "x"), h.center.Close(t.Context(), act, scc.Handled, " "),
			h.center.Dispatch(t.Context(), act, 999), h.center.Merge(t.Context(), act, ids[0]),
			h.center.Locate(t.Context(), act, darurat.Where{Unit: "73.99"}), h.center.Chat(t.Context(), act, "x"),
			h.center.SetStatus(t.Context(), act, 1, "nonsense"),
		} {
			if err == nil {
				t.Error("taken")
			}
		}
		h.quiet()
	})
}

// Nothing that a resident wrote, and no number, stands in an event or a log;
// after an erasure, nowhere at all.
func TestNoPersonalDataOutsideItsTables(t *testing.T) {
	databases(t, func(t *testing.T, h *house) {
		h.watched()
		var logged bytes.Buffer
		h.center.Log = slog.New(slog.NewTextHandler(io.Writer(&logged), nil))
		h.send(resident, "suami saya pukul saya terus, desa tinco dekat masjid Nurul Hidayah")
		h.until("it is there", func() bool { return h.count(`select count(*) from incidents where step >= 0`) == 1 })
		h.settle()
		i := h.only()
		act := scc.Act{Operator: "andi", Incident: i.ID}
		if err := h.center.Close(t.Context(), act, scc.Handled, "Sudah di rumah aman Ibu Rahma."); err != nil {
			t.Fatal(err)
		}
		h.send(resident, "hapus data saya")
		h.settle()
		secrets := []string{"pukul", "suami", "Nurul", "Rahma", strings.TrimPrefix(resident, "+")}
		events, err := audit.New(h.db).Since(t.Context(), 0, 1000)
		if err != nil {
			t.Fatal(err)
		}
		text := logged.String()
		for _, e := range events {
			text += fmt.Sprintln(e.Actor, e.Kind, e.Incident, e.Body)
		}
		rows, err := h.db.Query(t.Context(), `select code, kind, reporter, coalesce(cast(landmark as text), '') from incidents`)
		if err == nil {
			for rows.Next() {
				var a, b, c, d string
				if rows.Scan(&a, &b, &c, &d) == nil {
					text += a + b + c + d
				}
			}
			_ = rows.Close()
		}
		for _, secret := range secrets {
			if strings.Contains(text, secret) {
				t.Errorf("%q can be read", secret)
			}
		}
	})
}

func TestErasureWaitsForTheEnd(t *testing.T) {
	databases(t, func(t *testing.T, h *house) {
		h.watched()
		i := h.fire()
		e := bot.Entry{Resident: i.Reporter}
		erase := func() { h.do(func(tx *database.Tx) error { return h.center.Erase(tx, e, bot.Erase{}) }) }
		erase()
		d, err := h.center.Get(t.Context(), i.ID)
		if err != nil || d.Reporters[0].Peer != resident || d.Messages[0].Words == "" {
			t.Errorf("the open incident was forgotten: %+v, %v", d, err)
		}
		if err := h.center.Close(t.Context(), scc.Act{Operator: "andi", Incident: i.ID}, scc.NotFound, "Tidak ditemukan."); err != nil {
			t.Fatal(err)
		}
		d, err = h.center.Get(t.Context(), i.ID)
		if err != nil || d.Reporters[0].Peer != "" || d.Messages[0].Words != "" || d.Reporter != "" || d.Messages[1].Words == "" {
			t.Errorf("%+v, %v", d, err)
		}
		h.settle()
	})
}

// A drill goes the whole way to the probe phone and to nobody else.
func TestDrill(t *testing.T) {
	databases(t, func(t *testing.T, h *house) {
		h.watched()
		result, err := h.center.Drill(t.Context(), "andi", 20*time.Second)
		if err != nil {
			t.Fatalf("%+v, %v", result, err)
		}
		h.expect("+6281100000923", "UJI COBA", result.Code)
		if result.Paged <= 0 || result.Sent < result.Paged {
			t.Errorf("%+v", result)
		}
		i, err := h.center.ByCode(t.Context(), result.Code)
		if err != nil || i.Status != scc.Closed || i.Outcome != scc.Exercise || !i.Test {
			t.Errorf("%+v, %v", i, err)
		}
		h.quiet()
	})
}

func TestHealthIsCompletedWork(t *testing.T) {
	databases(t, func(t *testing.T, h *house) {
		h.until("a cycle is complete", func() bool { return h.center.Health() == nil })
		findings, err := h.center.Audit(t.Context())
		if err != nil || len(findings) != 0 {
			t.Errorf("%+v, %v", findings, err)
		}
	})
}

// A reporter who shows that he is the same on another channel keeps his report.
func TestJoin(t *testing.T) {
	databases(t, func(t *testing.T, h *house) {
		h.watched()
		i := h.fire()
		h.do(func(tx *database.Tx) error { return h.center.Join(tx, i.Reporter, "somebody") })
		open, err := h.center.Open(t.Context(), "somebody", time.Now().Add(-time.Minute))
		if err != nil || len(open) != 1 {
			t.Errorf("%+v, %v", open, err)
		}
		d, err := h.center.Get(t.Context(), i.ID)
		if err != nil || len(d.Reporters) != 1 || d.Reporters[0].Resident != "somebody" || d.Reporters[0].Peer != resident {
			t.Errorf("%+v, %v", d.Reporters, err)
		}
		if err := h.center.Chat(t.Context(), scc.Act{Operator: "andi", Incident: i.ID}, "Petugas di jalan."); err != nil {
			t.Fatal(err)
		}
		h.expect(resident, "Petugas di jalan.")
		h.quiet()
	})
}

// Who dialled a code can be written to by SMS; an account of a channel that
// nobody carries cannot.
func TestHowReportersAreWrittenTo(t *testing.T) {
	h := newHouse(t, testserver.SQLiteURL(t))
	h.watched()
	h.do(func(tx *database.Tx) error {
		for n, e := range []bot.Entry{
			{Message: bot.Message{ID: "a", Channel: "ussd", Peer: resident, Subject: "tel:" + resident}, Seq: 501, Resident: "dialled"},
			{Message: bot.Message{ID: "b", Channel: "telegram", Peer: "4711", Subject: "telegram:4711"}, Seq: 502, Resident: "account"},
		} {
			if err := h.center.Report(tx, e, darurat.Report{Incident: int64(2 * (501 + n)), First: true, Kind: darurat.Fire, At: time.Now(), Words: "api"}); err != nil {
				return err
			}
		}
		return nil
	})
	if err := h.center.Chat(t.Context(), scc.Act{Operator: "andi", Incident: 1002}, "Petugas di jalan."); err != nil {
		t.Fatal(err)
	}
	h.expect(resident, "Petugas di jalan.")
	if err := h.center.Chat(t.Context(), scc.Act{Operator: "andi", Incident: 1004}, "Petugas di jalan."); !errors.Is(err, scc.ErrSilent) {
		t.Error(err)
	}
}

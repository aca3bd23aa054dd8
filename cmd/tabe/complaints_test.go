package main

import (
	"strings"
	"testing"
	"time"

	"tabe/adapters/complaints"
	"tabe/bot"
	"tabe/bot/bottest"
	"tabe/flows/pengaduan"
	"tabe/ussd"
)

// TestAnAnswerOfAnOfficeReachesTheResident files by dialling, in Bugis, lets an
// operator answer, and reads the SMS.
func TestAnAnswerOfAnOfficeReachesTheResident(t *testing.T) {
	clock := bottest.NewClock(time.Date(2026, 11, 25, 9, 0, 0, 0, bot.WITA))
	a := openWithSamples(t, clock)
	const number = "+6281255500140"
	for _, text := range []string{"lampu laleng mate ri Galung, mapettang ladde ko wenni", "iye"} {
		says(t, a, clock, ussd.Channel, number, text)
	}
	own, err := a.complaints.Own(t.Context(), a.store.ID("tel:"+number), 2)
	if err != nil || len(own) != 1 || own[0].Office != "dishub" {
		t.Fatalf("%+v, %v", own, err)
	}
	desk := complaints.NewDesk(a.complaints, pengaduan.DefaultCatalogue(), a.store, nil, clock.Now)
	if err := desk.Answer(t.Context(), own[0].Number, "Rina", "Lampu diganti hari Jumat."); err != nil {
		t.Fatal(err)
	}
	var seq int64
	if err := a.db.QueryRow(t.Context(), `select max(seq) from journal`).Scan(&seq); err != nil {
		t.Fatal(err)
	}
	e, err := a.store.Message(t.Context(), seq)
	if err != nil || e.Channel != smsChannel || e.Peer != number || e.Notice == nil {
		t.Fatalf("%+v, %v", e, err)
	}
	for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(5 * time.Millisecond) {
		texts, ok, err := a.store.Answer(t.Context(), seq)
		if err != nil || time.Now().After(deadline) {
			t.Fatal("nobody tells it", err)
		}
		if !ok {
			continue
		}
		if len(texts) != 1 || !strings.HasPrefix(texts[0].Body, "Balinna Dinas Perhubungan") || !strings.Contains(texts[0].Body, string(own[0].Number)+": Lampu diganti hari Jumat.") {
			t.Errorf("%+v", texts)
		}
		break
	}
	if text := says(t, a, clock, smsChannel, number, string(own[0].Number)); !strings.Contains(text, "Purani ribali 25 Nov 2026. Balinna: Lampu diganti hari Jumat.") {
		t.Errorf("%q", text)
	}
}

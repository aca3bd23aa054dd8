package main

import (
	"strings"
	"testing"
	"time"

	"tabe/adapters/desk"
	"tabe/adapters/scc/audit"
	"tabe/bot"
	"tabe/bot/bottest"
)

// TestAnOperatorAnswers plays a whole conversation with a person in the whole
// house: from "petugas" by SMS to the operator's words and back.
func TestAnOperatorAnswers(t *testing.T) {
	a := openWithSamples(t, bottest.NewClock(time.Date(2026, 11, 25, 9, 0, 0, 0, bot.WITA)))
	n := 0
	say := func(text string) string {
		t.Helper()
		n++
		texts, err := a.engine.Converse(t.Context(), bot.Message{
			ID: text + string(rune('0'+n)), Channel: smsChannel, Peer: "+6281100000499", Subject: "tel:+6281100000499", Text: text,
		})
		if err != nil {
			t.Fatal(err)
		}
		if len(texts) == 0 {
			return ""
		}
		return texts[0].Body
	}
	heard := func(id int64, want string) {
		t.Helper()
		for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(10 * time.Millisecond) {
			lines, err := a.desk.Transcript(t.Context(), id, desk.Operator{}, 50)
			if err != nil {
				t.Fatal(err)
			}
			if last := lines[len(lines)-1]; last.Text != nil && strings.Contains(last.Text.Body, want) {
				return
			}
			if time.Now().After(deadline) {
				t.Fatalf("nobody was told %q", want)
			}
		}
	}
	if got := say("mau bicara dengan petugas"); !strings.Contains(got, "antrean nomor 1") {
		t.Fatalf("%q", got)
	}
	open, err := a.desk.Open(t.Context(), 10)
	if err != nil || len(open) != 1 {
		t.Fatalf("%v, %v", open, err)
	}
	id, rani := open[0].ID, desk.Operator{Account: "rani", Name: "Rani"}
	if err := a.desk.Take(t.Context(), id, rani); err != nil {
		t.Fatal(err)
	}
	heard(id, "Rani (petugas)")
	if got := say("berapa pbb saya"); got != "" {
		t.Errorf("the machine talks into it: %q", got)
	}
	if err := a.desk.Say(t.Context(), id, rani, "Sebentar, saya lihat."); err != nil {
		t.Fatal(err)
	}
	heard(id, "Rani: Sebentar, saya lihat.")
	if err := a.desk.Close(t.Context(), id, rani, desk.Answered); err != nil {
		t.Fatal(err)
	}
	heard(id, "selesai")
	if got := say("berapa pbb saya"); !strings.Contains(got, "NOP") {
		t.Errorf("afterwards the machine says %q", got)
	}
	events, err := audit.New(a.db).Latest(t.Context(), 20)
	if err != nil {
		t.Fatal(err)
	}
	kinds := ""
	for _, e := range events {
		kinds = e.Kind + " " + kinds
	}
	if !strings.Contains(kinds, "desk.asked desk.taken desk.heard desk.said desk.closed") {
		t.Errorf("the consoles were told %q", kinds)
	}
}

package main

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"tabe/adapters/database"
	permitregistry "tabe/adapters/registry/perizinan"
	"tabe/bot"
	"tabe/bot/bottest"
)

// A resident who wished it is told by himself when the office's next extract
// says that his permit has moved: once, never at night, no more when it is
// over, and not after STOP.
func TestPermitIsTold(t *testing.T) {
	clock := bottest.NewClock(time.Date(2026, 11, 25, 9, 0, 0, 0, bot.WITA))
	a := openWithSamples(t, clock)
	const from = "+6281100000994"
	sent := 0
	say := func(text string) string {
		t.Helper()
		sent++
		texts, err := a.engine.Converse(t.Context(), bot.Message{
			ID: "said-" + strconv.Itoa(sent), Channel: smsChannel, Peer: from, Subject: "tel:" + from, Text: text, At: clock.Now(),
		})
		if err != nil || len(texts) == 0 {
			t.Fatal(text, texts, err)
		}
		return texts[0].Body
	}
	// told returns what came by itself since.
	var seen int64
	told := func() (all []string) {
		t.Helper()
		clock.Advance(time.Hour)
		a.telling.Once(t.Context())
		clock.Advance(2 * time.Minute) // the channels are given one message after the other
		var last int64
		if err := a.db.QueryRow(t.Context(), "select max(seq) from journal").Scan(&last); err != nil {
			t.Fatal(err)
		}
		for ; seen < last; seen++ {
			e, err := a.store.Message(t.Context(), seen+1)
			if err != nil {
				t.Fatal(err)
			}
			if e.Notice == nil {
				continue
			}
			texts, err := a.engine.Converse(t.Context(), e.Message) // answered, or will be
			if err != nil {
				t.Fatal(err)
			}
			for _, text := range texts {
				all = append(all, text.Body)
			}
		}
		return all
	}
	upload := func(number, status string) {
		t.Helper()
		path := filepath.Join(t.TempDir(), "perizinan.csv")
		text := "nomor,jenis_izin,nama_pemohon,tanggal_masuk,status,tanggal_status,keterangan,retribusi,telepon\n" +
			number + ",Izin,NAMA RAHASIA,2026-11-04," + status + ",2026-11-24,,,\n"
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if report, err := permitregistry.Import(t.Context(), a.db, path, nil); err != nil || report.Refused > 0 {
			t.Fatal(report, err)
		}
		// The office's clock is that of the story.
		if err := a.db.Do(t.Context(), func(tx *database.Tx) error {
			_, err := tx.Exec("update registry_loads set finished = $1", database.Micros(clock.Now()))
			return err
		}); err != nil {
			t.Fatal(err)
		}
	}
	const number, other = "0413/REK/DPM-PTSP/XI/2026", "503/0113/SIPB/DPM-PTSP/2026"
	for _, n := range []string{number, other} {
		say("cek " + n)
		if got := say("kabari saya"); !strings.Contains(got, "STOP") {
			t.Fatal(got)
		}
		say("ya")
	}
	if got := told(); len(got) != 0 {
		t.Error("what was known is told: ", got)
	}
	upload(number, "Siap diambil")
	got := told()
	if len(got) != 1 || !strings.Contains(got[0], "0413 SUDAH JADI") || !strings.Contains(got[0], "Senin-Jumat") || strings.Contains(got[0], "RAHASIA") {
		t.Error(got)
	}
	if got := told(); len(got) != 0 {
		t.Error("told twice: ", got)
	}
	clock.Advance(12 * time.Hour)
	upload(number, "Sudah diambil")
	if got := told(); len(got) != 0 {
		t.Error("told at night: ", got)
	}
	clock.Advance(8 * time.Hour)
	if got := told(); len(got) != 1 || !strings.Contains(got[0], "sudah diambil") {
		t.Error(got)
	}
	upload(number, "Ditolak")
	if got := told(); len(got) != 0 {
		t.Error("told after it was over: ", got)
	}
	say("STOP")
	upload(other, "Siap diambil")
	if got := told(); len(got) != 0 {
		t.Error("told after STOP: ", got)
	}
}

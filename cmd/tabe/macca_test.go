package main

import (
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"tabe/adapters/registry/macca/sample"
	"tabe/bot"
	"tabe/bot/bottest"
)

// A resident who wished it is told by himself when the social office writes
// down that there is rice in his desa, once, and not after STOP.
func TestRiceIsTold(t *testing.T) {
	clock := bottest.NewClock(time.Date(2026, 11, 25, 9, 0, 0, 0, bot.WITA))
	dir := t.TempDir()
	a, err := open(t.Context(), options{
		databaseURL: embedded(dir), secretKey: make([]byte, secretKeyLength), dataDir: dir, inline: true, clock: clock.Now,
		log: slog.New(slog.NewTextHandler(t.Output(), nil)),
	})
	if err != nil {
		t.Fatal(err)
	}
	defer a.close()
	const from = "+6281100000995"
	sent := 0
	say := func(text string) string {
		t.Helper()
		sent++
		texts, err := a.engine.Converse(t.Context(), bot.Message{
			ID: strings.Repeat("x", sent), Channel: smsChannel, Peer: from, Subject: "tel:" + from, Text: text, At: clock.Now(),
		})
		if err != nil || len(texts) == 0 {
			t.Fatal(text, texts, err)
		}
		return texts[0].Body
	}
	resident, last := a.store.ID("tel:"+from), int64(0)
	// told returns what came since: the answers to what was said are read away.
	told := func() (all []string) {
		t.Helper()
		clock.Advance(2 * time.Hour)
		a.telling.Once(t.Context())
		clock.Advance(2 * time.Minute)
		a.engine.Wake(resident)
		rows, err := a.db.Query(t.Context(), `select seq from journal where resident = $1 and seq > $2 order by seq`, string(resident), last)
		if err != nil {
			t.Fatal(err)
		}
		defer rows.Close()
		for rows.Next() {
			if err := rows.Scan(&last); err != nil {
				t.Fatal(err)
			}
			texts, ok, err := a.store.Answer(t.Context(), last)
			for ; !ok && err == nil; texts, ok, err = a.store.Answer(t.Context(), last) { // the engine answers beside us
				runtime.Gosched()
			}
			if err != nil {
				t.Fatal(err)
			}
			for _, text := range texts {
				all = append(all, text.Body)
			}
		}
		return all
	}
	announce := func(days string) {
		t.Helper()
		text := strings.NewReplacer("Citta", "Botto", "kantor desa", "kantor lurah", "2026-11-26", days).Replace(sample.Rules)
		path := filepath.Join(dir, "macca.toml")
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(path, time.Time{}, clock.Now()); err != nil {
			t.Fatal(err)
		}
	}
	if got := say("kabari saya kalau beras ada di Botto"); !strings.Contains(got, "STOP") {
		t.Fatal(got)
	}
	say("ya")
	told()
	if got := told(); len(got) != 0 {
		t.Error("nothing is known, and told is ", got)
	}
	announce("2026-11-27")
	if got := told(); len(got) != 1 || !strings.Contains(got[0], "27 Nov 2026") || !strings.Contains(got[0], "Botto") {
		t.Error(got)
	}
	if got := told(); len(got) != 0 {
		t.Error("told twice: ", got)
	}
	say("STOP")
	told()
	announce("2026-11-28")
	if got := told(); len(got) != 0 {
		t.Error("told after STOP: ", got)
	}
}

// families is an extract that no code has seen: another order of columns,
// another office's words, and a row that cannot be right.
const families = `nama,nik,no_kk,tanggal_lahir,hubungan,desa,kecamatan,status_kartu,no_kartu,bantuan,desil,telepon
WAHIDA,7312016203759301,7312011002149301,1975-03-22,Kepala Keluarga,GOARIE,MARIORIWAWO,Belum tersalurkan,K-77,BSP Rastra; KIS,1,
AKBAR,7312010905029302,7312011002149301,2002-05-09,Anak,GOARIE,MARIORIWAWO,Belum tersalurkan,K-77,BSP Rastra; KIS,1,0811 0000 0640
TANPA TANGGAL,7312010101019303,7312011002149302,2001-02-30,Kepala Keluarga,GOARIE,MARIORIWAWO,,,,,
`

func TestImportMacca(t *testing.T) {
	dir, path := t.TempDir(), writeFile(t, "keluarga.csv", families)
	if _, errs, code := tabe(t, nil, "", "import", "macca", path, "--data", dir); code != someRefused || !strings.Contains(errs, "2 dimuat, 1 ditolak") {
		t.Fatalf("exit %d: %s", code, errs)
	}
	refused, err := os.ReadFile(strings.TrimSuffix(path, ".csv") + ".rejected.csv")
	if err != nil || !strings.Contains(string(refused), "tanggal_lahir: tanggal itu tidak ada") {
		t.Errorf("%v\n%s", err, refused)
	}
	for from, lines := range map[string][]string{
		"+6281100000640": {"apakah saya terdaftar kartu macca"}, // on the register
		"+6281199990001": {"KK 7312011002149301", "9 Mei 2002"},
	} {
		answers := chatJSON(t, dir, from, lines...)
		last := answers[len(answers)-1]
		if last.Flow != "macca" || last.State != "household" || !strings.Contains(last.Replies[0].Text, "WAHIDA, GOARIE: TERDAFTAR, kartu sudah dicetak, belum diserahkan") ||
			!strings.Contains(last.Replies[0].Text, "BSP Rastra, KIS") {
			t.Errorf("%s: %+v", from, last)
		}
	}
	if _, _, code := tabe(t, nil, "", "import", "macca", writeFile(t, "pbb.csv", unseen), "--data", dir); code != fileUnusable {
		t.Errorf("the extract of another office: exit %d", code)
	}
}

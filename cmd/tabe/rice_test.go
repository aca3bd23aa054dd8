package main

import (
	"log/slog"
	"os"
	"path/filepath"
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
	// told returns what came by itself since.
	told := func() (all []string) {
		t.Helper()
		clock.Advance(2 * time.Hour)
		a.telling.Once(t.Context())
		clock.Advance(2 * time.Minute)
		entries, err := a.store.Pending(t.Context(), a.store.ID("tel:"+from), 10)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range entries {
			texts, err := a.engine.Converse(t.Context(), e.Message)
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
	announce("2026-11-28")
	if got := told(); len(got) != 0 {
		t.Error("told after STOP: ", got)
	}
}

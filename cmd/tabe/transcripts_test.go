package main

import (
	"context"
	"log/slog"
	"path/filepath"
	"testing"
	"time"

	"tabe/adapters/database"
	pbbregistry "tabe/adapters/registry/pbb"
	"tabe/bot"
	"tabe/bot/bottest"
)

// TestTranscripts plays the stories beside every flow against the whole house:
// an extract that was imported from a file, real understanding, real words, and
// a database on disk.
func TestTranscripts(t *testing.T) {
	bottest.RunTranscripts(t, filepath.Join("..", "..", "flows", "*", "testdata", "*.txt"), func(t *testing.T, clock *bottest.Clock) bottest.Conversation {
		a := openWithSamples(t, clock)
		if err := a.db.Do(t.Context(), func(tx *database.Tx) error {
			_, err := tx.Exec(`update registry_loads set finished = $1`, database.Micros(loaded))
			return err
		}); err != nil {
			t.Fatal(err)
		}
		return a.engine
	})
}

// loaded is when, in the stories, the tax office's data came in.
var loaded = time.Date(2026, 11, 23, 12, 0, 0, 0, bot.WITA)

// samples is the extract that the stories are about.
var samples = filepath.Join("..", "..", "adapters", "registry", "pbb", "sample", "pbb.csv")

func openWithSamples(t *testing.T, clock *bottest.Clock) *app {
	t.Helper()
	dir := t.TempDir()
	a, err := open(context.Background(), options{
		databaseURL: embedded(dir), secretKey: make([]byte, secretKeyLength), dataDir: dir, inline: true, clock: clock.Now,
		log: slog.New(slog.NewTextHandler(t.Output(), nil)),
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := a.engine.Close(context.Background()); err != nil {
			t.Error(err)
		}
		if err := a.close(); err != nil {
			t.Error(err)
		}
	})
	if _, err := pbbregistry.Import(t.Context(), a.db, samples, nil); err != nil {
		t.Fatal(err)
	}
	return a
}

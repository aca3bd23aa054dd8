package main

import (
	"context"
	"flag"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"tabe/adapters/database"
	maccaregistry "tabe/adapters/registry/macca"
	maccasample "tabe/adapters/registry/macca/sample"
	pbbregistry "tabe/adapters/registry/pbb"
	permitregistry "tabe/adapters/registry/perizinan"
	"tabe/bot"
	"tabe/bot/bottest"
	"tabe/flows"
)

// machine is what every flow is built on.
type machine interface{ Transitions() []flows.Transition }

// TestTranscripts plays the stories beside every flow against the whole house:
// an extract that was imported from a file, real understanding, real words, and
// a database on disk. Between them the stories have to show every state and
// every event of every flow.
func TestTranscripts(t *testing.T) {
	var mu sync.Mutex
	told := map[string]bool{}
	data := seededOnce(t)
	t.Cleanup(func() { // once all stories are played
		if f := flag.Lookup("test.run"); strings.Contains(f.Value.String(), "/") {
			return // only some of them were
		}
		for _, what := range slices.Sorted(maps.Keys(told)) {
			if !told[what] {
				t.Errorf("no story shows %s", what)
			}
		}
	})
	bottest.RunTranscripts(t, filepath.Join("..", "..", "flows", "*", "testdata", "*.txt"), func(t *testing.T, clock *bottest.Clock) bottest.Conversation {
		dir := t.TempDir()
		if err := os.CopyFS(dir, os.DirFS(data)); err != nil {
			t.Fatal(err)
		}
		a := openIn(t, dir, clock)
		t.Cleanup(func() {
			mu.Lock()
			defer mu.Unlock()
			for _, f := range a.engine.Flows {
				for _, step := range f.(machine).Transitions() {
					told[f.Name()+" state "+step.To] = told[f.Name()+" state "+step.To] || step.Times > 0
					told[f.Name()+" event "+step.Event] = told[f.Name()+" event "+step.Event] || step.Times > 0
				}
			}
		})
		return house{a.engine, a.db, map[int64]bool{}}
	})
}

// house is a conversation with the whole house; see bottest.Outage.
type house struct {
	*bot.Engine
	db    *database.DB
	shown map[int64]bool
}

// Told implements bottest.Told for what was posted while the story went on.
func (h house) Told(t *testing.T, c bot.ChannelID) (texts []bot.Text) {
	t.Helper()
	rows, err := h.db.Query(t.Context(), `select seq from journal where channel = $1 and message_id like 'tautan/%' order by seq`, c)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var seq int64
		if err := rows.Scan(&seq); err != nil {
			t.Fatal(err)
		}
		if h.shown[seq] {
			continue
		}
		h.shown[seq] = true
		for {
			told, answered, err := h.Store.Answer(t.Context(), seq)
			if err != nil {
				t.Fatal(err)
			}
			if answered {
				texts = append(texts, told...)
				break
			}
			time.Sleep(time.Millisecond)
		}
	}
	return texts
}

// registryTables are the tables without which the services know nothing.
var registryTables = []string{"pbb_assessments", "permits", "macca_members", "complaints"}

func (h house) Cut(t *testing.T, off bool) {
	for _, table := range registryTables {
		from, to := table, table+"_away"
		if !off {
			from, to = to, from
		}
		if err := h.db.Do(t.Context(), func(tx *database.Tx) error {
			_, err := tx.Exec("alter table " + from + " rename to " + to)
			return err
		}); err != nil {
			t.Fatal(err)
		}
	}
}

// loaded is when, in the stories, the tax office's data came in.
var loaded = time.Date(2026, 11, 23, 12, 0, 0, 0, bot.WITA)

// samples and permitSamples are the extracts that the stories are about.
var (
	samples       = filepath.Join("..", "..", "adapters", "registry", "pbb", "sample", "pbb.csv")
	permitSamples = filepath.Join("..", "..", "adapters", "registry", "perizinan", "sample", "perizinan.csv")
)

// seededOnce returns a folder of data that was loaded on the day of the
// stories. Loading it for each of them would take most of the time.
func seededOnce(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	a, end := openUntil(t, dir, bottest.NewClock(loaded))
	defer end()
	load(t, a, dir)
	if err := a.db.Do(t.Context(), func(tx *database.Tx) error {
		_, err := tx.Exec(`update registry_loads set finished = $1`, database.Micros(loaded))
		return err
	}); err != nil {
		t.Fatal(err)
	}
	return dir
}

func openWithSamples(t *testing.T, clock *bottest.Clock) *app {
	t.Helper()
	dir := t.TempDir()
	a := openIn(t, dir, clock)
	load(t, a, dir)
	return a
}

// openIn opens the house on a folder until the test ends.
func openIn(t *testing.T, dir string, clock *bottest.Clock) *app {
	t.Helper()
	a, end := openUntil(t, dir, clock)
	t.Cleanup(end)
	return a
}

// openUntil opens the house on a folder until end is called.
func openUntil(t *testing.T, dir string, clock *bottest.Clock) (a *app, end func()) {
	t.Helper()
	for file, text := range map[string]string{"macca.toml": maccasample.Rules, "macca.csv": maccasample.Residents} {
		if err := os.WriteFile(filepath.Join(dir, file), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	a, err := open(context.Background(), options{
		databaseURL: embedded(dir), secretKey: make([]byte, secretKeyLength), dataDir: dir, inline: true, clock: clock.Now,
		log: slog.New(slog.NewTextHandler(t.Output(), nil)),
	})
	if err != nil {
		t.Fatal(err)
	}
	return a, func() {
		if err := a.engine.Close(context.Background()); err != nil {
			t.Error(err)
		}
		if err := a.close(); err != nil {
			t.Error(err)
		}
	}
}

// load loads the extracts that the stories are about, and the emergency numbers.
func load(t *testing.T, a *app, dir string) {
	t.Helper()
	if _, err := pbbregistry.Import(t.Context(), a.db, samples, nil); err != nil {
		t.Fatal(err)
	}
	if report, err := maccaregistry.Import(t.Context(), a.db, filepath.Join(dir, "macca.csv"), nil); err != nil || report.Refused > 0 {
		t.Fatal(report, err)
	}
	if report, err := permitregistry.Import(t.Context(), a.db, permitSamples, nil); err != nil || report.Refused > 0 {
		t.Fatal(report, err)
	}
	seedEmergencies(t, a)
}

package macca_test

import (
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	registry "tabe/adapters/registry/macca"
	"tabe/adapters/registry/macca/sample"
	"tabe/bot"
	"tabe/flows/macca"
)

var noon = time.Date(2026, 11, 25, 12, 0, 0, 0, bot.WITA)

// The office changes macca.toml while the service runs.
func TestScheduleFollowsItsFile(t *testing.T) {
	dir := t.TempDir()
	var log strings.Builder
	s, err := registry.OpenSchedule(dir, slog.New(slog.NewTextHandler(&log, nil)))
	if err != nil {
		t.Fatal(err)
	}
	changed := 0
	put := func(text string) {
		t.Helper()
		path := filepath.Join(dir, "macca.toml")
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		changed++ // file systems count time in coarse steps
		if err := os.Chtimes(path, time.Time{}, noon.Add(time.Duration(changed)*time.Hour)); err != nil {
			t.Fatal(err)
		}
	}
	knows := func(want bool) {
		t.Helper()
		rules, err := s.Rules(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if _, _, ok := rules.Next("Citta", noon); ok != want {
			t.Errorf("the rice of Citta is known: %v", ok)
		}
	}
	knows(false)
	put(sample.Rules)
	knows(true)
	put("nonsense")
	knows(true)
	knows(true)
	if n := strings.Count(log.String(), "level=ERROR"); n != 1 {
		t.Errorf("complained %d times: %s", n, log.String())
	}
	if _, err := registry.OpenSchedule(dir, nil); err == nil {
		t.Error("a start with a file that is wrong")
	}
	put("stale_after_days = 3")
	knows(false)
	put(sample.Rules)
	if err := os.Remove(filepath.Join(dir, "macca.toml")); err != nil {
		t.Fatal(err)
	}
	knows(false)
}

func TestNews(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "macca.toml"), []byte(sample.Rules), 0o600); err != nil {
		t.Fatal(err)
	}
	s, err := registry.OpenSchedule(dir, nil)
	if err != nil {
		t.Fatal(err)
	}
	news, err := s.News(t.Context(), []string{"Citta", "Macanre", "Ganra", "Botto"}, noon)
	if err != nil || len(news) != 2 {
		t.Fatal(news, err)
	}
	for _, key := range []string{"Citta", "Macanre"} { // soon, and now
		n := news[key]
		if d, ok := n.Body.(macca.Distribution); n.Kind != macca.RiceNews || !ok || d.Desa != key || n.Mark != d.Mark() {
			t.Errorf("%s: %+v", key, n)
		}
	}
	later, err := s.News(t.Context(), []string{"Citta", "Macanre"}, noon.AddDate(0, 0, 2))
	if err != nil || len(later) != 1 || later["Citta"].Mark != news["Citta"].Mark {
		t.Error(later, err)
	}
}

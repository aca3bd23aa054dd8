package macca

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"time"

	"tabe/adapters/notices"
	"tabe/flows/macca"
)

// Schedule reads macca.toml, which the social office changes every month, and
// reads it again when it has changed. It implements the flow's macca.Schedule,
// knows the news for those who wished to be told, and is safe for concurrent use.
type Schedule struct {
	path string
	log  *slog.Logger

	mu       sync.Mutex
	rules    macca.Rules
	size     int64
	modified time.Time
}

var (
	_ macca.Schedule = (*Schedule)(nil)
	_ notices.Source = (*Schedule)(nil)
)

// OpenSchedule returns the rules of DIR/macca.toml; without the file they are
// those that are built in. A file that is wrong is an error.
func OpenSchedule(dir string, log *slog.Logger) (*Schedule, error) {
	s := &Schedule{path: filepath.Join(dir, "macca.toml"), log: log, rules: macca.DefaultRules(), size: -1}
	return s, s.refresh()
}

// Rules returns the rules of the file as it is now. If it has become wrong,
// those that it held before stay in force, and the log says why.
func (s *Schedule) Rules(context.Context) (macca.Rules, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.refresh(); err != nil {
		s.log.Error("the rice distributions cannot be read; the last ones stay in force", "err", err)
	}
	return s.rules, nil
}

// News implements notices.Source: what can be fetched now or soon, by the name
// of a desa.
func (s *Schedule) News(ctx context.Context, keys []string, now time.Time) (map[string]notices.News, error) {
	rules, err := s.Rules(ctx)
	if err != nil {
		return nil, err
	}
	news := map[string]notices.News{}
	for _, key := range keys {
		if d, over, ok := rules.Next(key, now); ok && !over {
			news[key] = notices.News{Mark: d.Mark(), Kind: macca.RiceNews, Body: d}
		}
	}
	return news, nil
}

// refresh reads the file if it is another than before.
func (s *Schedule) refresh() error {
	info, err := os.Stat(s.path)
	if errors.Is(err, fs.ErrNotExist) {
		if s.size >= 0 {
			s.rules, s.size = macca.DefaultRules(), -1
		}
		return nil
	}
	if err != nil {
		return err
	}
	if info.Size() == s.size && info.ModTime().Equal(s.modified) {
		return nil
	}
	s.size, s.modified = info.Size(), info.ModTime() // complained of once
	file, err := os.Open(s.path)
	if err != nil {
		return err
	}
	defer file.Close()
	rules, err := macca.ParseRules(file)
	if err != nil {
		return fmt.Errorf("%s: %w", s.path, err)
	}
	s.rules = rules
	return nil
}

// Package spool keeps messages on the local disk while the database does not
// answer, for providers that ask only once: what they were told "received" of
// is flushed, encrypted, and handed over in its order when the database is back.
package spool

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"tabe/adapters/seal"
	"tabe/bot"
)

// Receiver takes a message. When it returns nil the message is safe; a message
// given twice counts once.
type Receiver interface {
	Receive(ctx context.Context, m bot.Message) error
}

const (
	// Max is how many messages wait at most, each of some kilobytes. Behind
	// them the provider is told that we cannot take more.
	Max = 10_000
	// patience is how long the database may take before a message goes to disk.
	patience = 3 * time.Second
	// every is how often the database is tried while messages wait.
	every = time.Second
)

// ErrFull is returned when Max messages wait.
var ErrFull = errors.New("spool: full")

// Spool implements Receiver. It is safe for concurrent use. Several may share a
// folder: what one left there, whoever opens the folder next hands over, too.
type Spool struct {
	folder string
	seal   *seal.Sealer
	next   Receiver
	log    *slog.Logger

	mu      sync.Mutex
	waiting []string // names of files, in their order
	last    uint64
}

// Open returns the spool in folder, which is made if it is not there, with what
// was left in it. Connect it before it is used.
func Open(folder string, secret []byte, log *slog.Logger) (*Spool, error) {
	sealer, err := seal.New(secret)
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return nil, fmt.Errorf("spool: %w", err)
	}
	files, err := os.ReadDir(folder) // sorted by name, which is a number
	if err != nil {
		return nil, fmt.Errorf("spool: %w", err)
	}
	s := &Spool{folder: folder, seal: sealer, log: log}
	for _, f := range files {
		if n, is := number(f.Name()); is {
			s.waiting, s.last = append(s.waiting, f.Name()), n
		}
	}
	return s, nil
}

// Connect has messages go to next as long as it takes them.
func (s *Spool) Connect(next Receiver) { s.next = next }

const ending = ".message"

// name is that of a message which came at n, in nanoseconds since 1970. It is
// nobody else's, and sorts by n.
func name(n uint64) string { return fmt.Sprintf("%020d-%s%s", n, rand.Text(), ending) }

func number(file string) (n uint64, is bool) {
	const digits = 20
	if len(file) < digits || !strings.HasSuffix(file, ending) {
		return 0, false
	}
	n, err := strconv.ParseUint(file[:digits], 10, 64)
	return n, err == nil
}

// Receive implements Receiver. It returns nil when m is in the database or in
// the spool. While anything waits, everything new waits behind it.
func (s *Spool) Receive(ctx context.Context, m bot.Message) error {
	if s.Waiting() == 0 {
		bounded, cancel := context.WithTimeout(ctx, patience)
		err := s.next.Receive(bounded, m)
		cancel()
		if err == nil || errors.Is(err, bot.ErrClosed) || m.ID == "" || m.Channel == "" || m.Subject == "" {
			return err
		}
		s.log.Error("cannot take a message, keeping it on disk", "channel", m.Channel, "err", err)
	}
	if m.At.IsZero() {
		m.At = time.Now()
	}
	return s.keep(m.Clean())
}

// Waiting is how many messages are on disk.
func (s *Spool) Waiting() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.waiting)
}

func (s *Spool) keep(m bot.Message) error {
	plain, err := json.Marshal(m)
	if err != nil {
		return fmt.Errorf("spool: %w", err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.waiting) >= Max {
		return ErrFull
	}
	n := max(s.last+1, uint64(time.Now().UnixNano())) // the clock may have gone back
	file := name(n)
	if err := s.write(file, s.seal.Seal(plain, file)); err != nil {
		return fmt.Errorf("spool: %w", err)
	}
	s.last = n
	s.waiting = append(s.waiting, file)
	return nil
}

// write puts a whole file on disk, or none that counts.
func (s *Spool) write(file string, body []byte) error {
	path := filepath.Join(s.folder, file)
	f, err := os.OpenFile(path+".part", os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(body)
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	if err := os.Rename(path+".part", path); err != nil {
		return err
	}
	folder, err := os.Open(s.folder)
	if err != nil {
		return err
	}
	return errors.Join(folder.Sync(), folder.Close())
}

// Run hands over what waits, whenever that is possible, until ctx ends.
func (s *Spool) Run(ctx context.Context) {
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		if n := s.Waiting(); n > 0 {
			if err := s.replay(ctx); err == nil {
				s.log.Info("messages from the disk are handed over", "count", n)
			} else if ctx.Err() == nil {
				s.log.Warn("messages wait on disk", "count", s.Waiting(), "err", err)
			}
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}

func (s *Spool) replay(ctx context.Context) error {
	for {
		s.mu.Lock()
		waiting := slices.Clone(s.waiting)
		s.mu.Unlock()
		if len(waiting) == 0 {
			return nil
		}
		for _, file := range waiting {
			if err := s.handOver(ctx, file); err != nil {
				return err
			}
			s.mu.Lock()
			s.waiting = s.waiting[1:]
			s.mu.Unlock()
		}
	}
}

// handOver gives one message to the database and removes it. If it is removed
// too late, by a crash, it is handed over twice and counts once.
func (s *Spool) handOver(ctx context.Context, file string) error {
	path := filepath.Join(s.folder, file)
	sealed, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil // somebody else who shares the folder was faster
	}
	if err != nil {
		return fmt.Errorf("spool: %w", err)
	}
	var m bot.Message
	plain, err := s.seal.Open(sealed, file)
	if err == nil {
		err = json.Unmarshal(plain, &m)
	}
	if err != nil { // must not hold back the others
		s.log.Error("a message on disk is unreadable", "file", file, "err", seal.ErrDamaged)
		return unless(fs.ErrNotExist, os.Rename(path, path+".damaged"))
	}
	bounded, cancel := context.WithTimeout(ctx, 2*patience)
	defer cancel()
	if err := s.next.Receive(bounded, m); err != nil {
		return err
	}
	return unless(fs.ErrNotExist, os.Remove(path))
}

// unless is err, or nil if it is the one that does not matter.
func unless(harmless, err error) error {
	if errors.Is(err, harmless) {
		return nil
	}
	return err
}

package spool_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"tabe/adapters/seal"
	"tabe/adapters/spool"
	"tabe/adapters/store"
	"tabe/adapters/testserver"
	"tabe/bot"
)

var secret = make([]byte, seal.KeyLength)

func open(t *testing.T, folder string, next spool.Receiver) *spool.Spool {
	t.Helper()
	s, err := spool.Open(folder, secret, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	s.Connect(next)
	return s
}

type journal struct{ *store.Store }

func (j journal) Receive(ctx context.Context, m bot.Message) error {
	_, _, err := j.Accept(ctx, m)
	return err
}

func message(from, n int) bot.Message {
	phone := fmt.Sprintf("+62811000%05d", from)
	return bot.Message{ID: fmt.Sprintf("%d-%d", from, n), Channel: "sms", Peer: phone, Subject: "tel:" + phone, Text: "berapa pbb saya"}
}

// TestTheDatabaseGoesAndComesBack stops PostgreSQL without farewell while
// messages come in. Whatever was taken is in the journal once it is back, once
// and in its order.
func TestTheDatabaseGoesAndComesBack(t *testing.T) {
	server := testserver.StartPostgres(t)
	db := testserver.OpenDatabase(t, server.Database(t))
	kept, err := store.New(db, secret, time.Now)
	if err != nil {
		t.Fatal(err)
	}
	s := open(t, t.TempDir(), journal{kept})
	ctx, stop := context.WithCancel(t.Context())
	var running, phones sync.WaitGroup
	running.Go(func() { s.Run(ctx) })
	const residents, each = 20, 60
	var taken atomic.Int64
	for from := range residents {
		phones.Go(func() {
			for n := range each {
				if err := s.Receive(ctx, message(from, n)); err != nil {
					t.Error(err)
				}
				taken.Add(1)
				time.Sleep(5 * time.Millisecond)
			}
		})
	}
	for taken.Load() < residents*each/4 {
		time.Sleep(time.Millisecond)
	}
	server.Kill(t)
	for s.Waiting() < 100 {
		time.Sleep(time.Millisecond)
	}
	server.Start(t)
	phones.Wait()
	for deadline := time.Now().Add(time.Minute); s.Waiting() > 0; time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("they are not handed over")
		}
	}
	stop()
	running.Wait()
	for from := range residents {
		entries, err := kept.Pending(t.Context(), kept.ID(message(from, 0).Subject), 2*each)
		if err != nil || len(entries) != each {
			t.Fatalf("%d of %d messages, %v", len(entries), each, err)
		}
		for n, e := range entries {
			if e.ID != message(from, n).ID {
				t.Errorf("message %d of %d is %s", n, from, e.ID)
			}
		}
	}
}

// wall takes nothing until it is open.
type wall struct {
	open bool
	got  []bot.Message
}

func (w *wall) Receive(_ context.Context, m bot.Message) error {
	if !w.open {
		return errors.New("down")
	}
	w.got = append(w.got, m)
	return nil
}

func TestWhatWaitsOutlivesTheProcess(t *testing.T) {
	folder := t.TempDir()
	w := &wall{}
	s := open(t, folder, w)
	for n := range 3 {
		if err := s.Receive(t.Context(), message(1, n)); err != nil {
			t.Fatal(err)
		}
	}
	files, err := filepath.Glob(filepath.Join(folder, "*"))
	if err != nil || len(files) != 3 {
		t.Fatal(files, err)
	}
	for i, file := range files {
		body, err := os.ReadFile(file)
		if err != nil || strings.Contains(string(body), "pbb") || strings.Contains(string(body), "62811") {
			t.Errorf("what a resident wrote is legible on disk, %v", err)
		}
		if i == 1 { // the disk forgot half of it
			if err := os.Truncate(file, int64(len(body)/2)); err != nil {
				t.Fatal(err)
			}
		}
	}
	w.open = true
	s = open(t, folder, w)
	if s.Waiting() != 3 {
		t.Errorf("%d wait", s.Waiting())
	}
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() { s.Run(ctx); close(ended) }()
	for s.Waiting() > 0 && t.Context().Err() == nil {
		time.Sleep(time.Millisecond)
	}
	stop()
	<-ended
	if len(w.got) != 2 || w.got[0].ID != "1-0" || w.got[1].ID != "1-2" || w.got[1].Text != "berapa pbb saya" || w.got[0].At.IsZero() {
		t.Errorf("%+v", w.got)
	}
}

func TestAStoppingEngineIsNoReasonToKeepIt(t *testing.T) {
	s := open(t, t.TempDir(), closed{})
	if err := s.Receive(t.Context(), message(1, 1)); !errors.Is(err, bot.ErrClosed) || s.Waiting() != 0 {
		t.Errorf("%v, %d wait", err, s.Waiting())
	}
}

type closed struct{}

func (closed) Receive(context.Context, bot.Message) error { return bot.ErrClosed }

// TestTwoShareAFolder has two processes keep messages in one folder, one of
// which ends. Each message is handed over, and none hides another.
func TestTwoShareAFolder(t *testing.T) {
	folder := t.TempDir()
	first, second := open(t, folder, &wall{}), open(t, folder, &wall{})
	const each = 50
	for n := range each {
		for from, s := range []*spool.Spool{first, second} {
			if err := s.Receive(t.Context(), message(from, n)); err != nil {
				t.Fatal(err)
			}
		}
	}
	ways := []*wall{{open: true}, {open: true}}
	second.Connect(ways[0])
	third := open(t, folder, ways[1]) // in place of the first
	if third.Waiting() != 2*each {
		t.Errorf("%d of %d wait", third.Waiting(), 2*each)
	}
	ctx, stop := context.WithCancel(t.Context())
	var running sync.WaitGroup
	running.Go(func() { second.Run(ctx) })
	running.Go(func() { third.Run(ctx) })
	for second.Waiting()+third.Waiting() > 0 && t.Context().Err() == nil {
		time.Sleep(time.Millisecond)
	}
	stop()
	running.Wait()
	got := map[string]bool{}
	for _, w := range ways {
		for _, m := range w.got {
			got[m.ID] = true
		}
	}
	if len(got) != 2*each {
		t.Errorf("%d of %d are handed over", len(got), 2*each)
	}
}

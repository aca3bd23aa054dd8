package telegram

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"tabe/adapters/media"
	"tabe/bot"
)

var jpeg = append([]byte("\xff\xd8\xff\xe0\x00\x10JFIF"), bytes.Repeat([]byte("x"), 1000)...)

func TestFetch(t *testing.T) {
	p := newProvider(t)
	b := newBot(t, p)
	serve := func(contentType string, content []byte) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", contentType)
			_, _ = w.Write(content)
		}
	}
	p.files = map[string]http.HandlerFunc{
		"photos/file 1.jpg": serve("application/octet-stream", jpeg),
		"voice/file_2.oga":  serve("audio/ogg", []byte("OggS\x00\x02x")),
		"voice/file_3.amr":  serve("audio/amr", []byte("#!AMR\n\x00\x01\x02")),
		"page":              serve("image/jpeg", []byte("<html><script>")),
		"gone":              func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusGone) },
		"broken":            func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusBadGateway) },
		"elsewhere": func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "/file/bot"+token+"/page", http.StatusFound)
		},
		"endless": func(w http.ResponseWriter, r *http.Request) {
			for r.Context().Err() == nil {
				if _, err := w.Write(jpeg); err != nil {
					return
				}
			}
		},
		"cut": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "2000")
			_, _ = w.Write(jpeg)
		},
	}
	for ref, want := range map[string]string{
		"photos/file 1.jpg": "image/jpeg", "voice/file_2.oga": "audio/ogg", "voice/file_3.amr": "audio/amr", "page": "text/html; charset=utf-8",
		"gone": media.ErrGone.Error(), "unknown": media.ErrGone.Error(), "../x/../y": media.ErrGone.Error(),
		"broken": "send: http 502", "elsewhere": "send: http 302", "cut": "send: network",
		"endless": media.ErrTooLarge.Error(),
	} {
		file, err := b.Fetch(t.Context(), ref, 4096)
		got := file.Type
		if err != nil {
			got = err.Error()
		}
		if got != want {
			t.Errorf("%s: %s, want %s", ref, got, want)
		}
		if err != nil && strings.Contains(fmt.Sprint(err, errors.Unwrap(err)), token) {
			t.Errorf("%s: the error tells the token", ref)
		}
	}
	if file, err := b.Fetch(t.Context(), "photos/file 1.jpg", int64(len(jpeg))); err != nil || !bytes.Equal(file.Content, jpeg) {
		t.Errorf("%d bytes %v", len(file.Content), err)
	}
	if _, err := b.Fetch(t.Context(), "photos/file 1.jpg", int64(len(jpeg))-1); !errors.Is(err, media.ErrTooLarge) {
		t.Error(err)
	}
}

func TestFetchWithoutAnAnswer(t *testing.T) {
	p := newProvider(t)
	b := newBot(t, p)
	for answer, want := range map[string]string{
		`{"ok": false, "error_code": 400, "description": "Bad Request: wrong file_id or the file is temporarily unavailable"}`: media.ErrGone.Error(),
		`{"ok": true, "result": {"file_id": "x", "file_unique_id": "y"}}`:                                                      media.ErrGone.Error(),
		`{"ok": true, "result": {"file_id": "x", "file_path": "p", "file_size": 5000}}`:                                        media.ErrTooLarge.Error(),
		`{"ok": true, "result": []}`: "send: answer",
		`<html>`:                     "send: http 200",
	} {
		p.answer(func(w http.ResponseWriter, _ call) bool { _, _ = io.WriteString(w, answer); return true })
		if _, err := b.Fetch(t.Context(), "x", 4096); err == nil || err.Error() != want {
			t.Errorf("%s: %v", answer, err)
		}
	}
	p.answer(nil)
	p.files = map[string]http.HandlerFunc{"silent": func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	_, err := b.Fetch(ctx, "silent", 4096)
	if failed := (*bot.SendError)(nil); !errors.As(err, &failed) || failed.Code != "timeout" {
		t.Error(err)
	}
}

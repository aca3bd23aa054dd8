package media_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"

	"tabe/adapters/media"
	"tabe/bot"
)

func TestWhatSomethingIs(t *testing.T) {
	for _, c := range []struct{ said, content, want string }{
		{"image/png", "<html><script>", "text/html; charset=utf-8"},
		{"image/svg+xml", "<svg xmlns='http://www.w3.org/2000/svg'>", "text/plain; charset=utf-8"},
		{"text/html", "\xff\xd8\xff\xe0", "image/jpeg"},
		{"audio/amr", "#!AMR\n\x00\x01\x02", "audio/amr"},
		{"audio/ogg; codecs=opus", "OggS\x00\x02", "audio/ogg"},
		{"application/octet-stream", "OggS\x00\x02", "audio/ogg"},
		{"text/html", "\x00\x01\x02", "application/octet-stream"},
	} {
		file, err := media.Read(&http.Response{StatusCode: 200, ContentLength: -1, Header: http.Header{"Content-Type": {c.said}}, Body: io.NopCloser(strings.NewReader(c.content))}, 100)
		if err != nil || file.Type != c.want {
			t.Errorf("%q, said to be %s: %s %v", c.content, c.said, file.Type, err)
		}
	}
}

func TestByWhichChannel(t *testing.T) {
	down := &bot.SendError{Code: "http 503"}
	channels := media.Channels{"sms": func(_ context.Context, ref string, limit int64) (media.File, error) {
		switch ref {
		case "of another provider":
			return media.File{}, &bot.SendError{Permanent: true, Code: "address"}
		case "down":
			return media.File{}, down
		}
		return media.File{Content: make([]byte, limit)}, nil
	}}
	if file, err := channels.Fetch(t.Context(), "sms", "x", 7); err != nil || len(file.Content) != 7 {
		t.Error(file, err)
	}
	for ref, want := range map[string]error{"of another provider": media.ErrGone, "down": down} {
		if _, err := channels.Fetch(t.Context(), "sms", ref, 7); !errors.Is(err, want) {
			t.Errorf("%s: %v", ref, err)
		}
	}
	if _, err := channels.Fetch(t.Context(), "pigeon", "x", 7); !errors.Is(err, media.ErrOff) {
		t.Error(err)
	}
}

package pieces

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"tabe/bot"
)

func TestCut(t *testing.T) {
	for _, c := range []struct {
		name, text string
		pieces     int
	}{
		{"empty", "", 1},
		{"short", "Tabe'", 1},
		{"exactly one", strings.Repeat("kata ", 320), 1},
		{"one more", strings.Repeat("kata ", 321), 2},
		{"no place to cut", strings.Repeat("7", 5000), 4},
		{"outside the plane", strings.Repeat("😀", 900), 2},
		{"Lontara", strings.Repeat("ᨒᨚᨈᨑ ", 400), 2},
	} {
		got := Cut(c.text, 1600)
		if len(got) != c.pieces || strings.Join(got, "") != c.text {
			t.Errorf("%s: %d pieces, want %d", c.name, len(got), c.pieces)
		}
	}
}

func FuzzCut(f *testing.F) {
	f.Add(strings.Repeat("Pajak Rp 52.500 ", 300))
	f.Add(strings.Repeat("😀ᨒ ", 900))
	f.Fuzz(func(t *testing.T, text string) {
		if !utf8.ValidString(text) {
			return
		}
		pieces := Cut(text, 160)
		if strings.Join(pieces, "") != text {
			t.Fatal("the pieces do not join")
		}
		for _, p := range pieces {
			if n := units(p); n > 160 || n == 0 && text != "" || !utf8.ValidString(p) {
				t.Fatalf("a piece of %d units", n)
			}
		}
	})
}

// three is a text of three pieces.
var three = strings.Repeat("kata ", 880)

func TestALaterPieceIsTriedAgainAlone(t *testing.T) {
	var sent []string
	failures := 1
	id, err := Send(t.Context(), three, 1600, func(piece string, last bool) (string, error) {
		if len(sent) == 1 && failures > 0 {
			failures--
			return "", &bot.SendError{Code: "http 503"}
		}
		sent = append(sent, piece)
		if last != (len(sent) == 3) {
			t.Errorf("piece %d: last is %t", len(sent), last)
		}
		return string(rune('0' + len(sent))), nil
	})
	if err != nil || id != "3" || strings.Join(sent, "") != three {
		t.Errorf("id %q, error %v, %d pieces", id, err, len(sent))
	}
}

func TestSendGivesUp(t *testing.T) {
	down := &bot.SendError{Code: "http 503"}
	for _, c := range []struct {
		name   string
		at     int // the piece that fails
		err    error
		within time.Duration // of the context
		tries  int
	}{
		{"on the first piece at once", 1, down, time.Hour, 1},
		{"on a permanent failure", 2, &bot.SendError{Permanent: true, Code: "twilio 21610"}, time.Hour, 2},
		{"when there is no time", 2, down, firstWait / 2, 2},
		{"when the provider wants more time than there is", 2, &bot.SendError{Code: "http 429", RetryAfter: time.Minute}, 30 * time.Second, 2},
	} {
		ctx, cancel := context.WithTimeout(t.Context(), c.within)
		tries := 0
		_, err := Send(ctx, three, 1600, func(string, bool) (string, error) {
			if tries++; tries >= c.at {
				return "", c.err
			}
			return "id", nil
		})
		cancel()
		if !errors.Is(err, c.err) || tries != c.tries {
			t.Errorf("%s: %v after %d tries, want %d", c.name, err, tries, c.tries)
		}
	}
}

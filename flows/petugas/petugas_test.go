package petugas

import (
	"context"
	"errors"
	"testing"
	"time"

	"tabe/bot"
)

// board is a desk on which some times are promised already.
type board struct {
	full map[string]int // by the beginning of the window
	err  error
}

func (b board) Standing(context.Context, bot.ResidentID) (Standing, error) { return Standing{}, b.err }

func (b board) Promised(_ context.Context, from, _ time.Time) (int, error) {
	return b.full[from.In(bot.WITA).Format("2 15:04")], b.err
}

// week is open from 8 to 12 and from 13.30 to 16, every day or never.
type week struct{ never bool }

func (w week) Opening(t time.Time) (from, until time.Time, ok bool) {
	y, m, d := t.In(bot.WITA).Date()
	for day := d; day < d+2 && !w.never; day++ {
		for _, s := range [][2]time.Duration{{8 * time.Hour, 12 * time.Hour}, {13*time.Hour + 30*time.Minute, 16 * time.Hour}} {
			midnight := time.Date(y, m, day, 0, 0, 0, 0, bot.WITA)
			if from, until = midnight.Add(s[0]), midnight.Add(s[1]); until.After(t) {
				if from.Before(t) {
					from = t
				}
				return from, until, true
			}
		}
	}
	return time.Time{}, time.Time{}, false
}

func TestNext(t *testing.T) {
	for _, c := range []struct {
		now, from, until string
		full             map[string]int
	}{
		{"25 09:10", "25 09:10", "25 11:00", nil},
		{"25 10:10", "25 10:10", "25 12:00", nil}, // the rest of the morning is not worth a window
		{"25 11:45", "25 13:30", "25 15:30", nil}, // too late before the break
		{"25 18:00", "26 08:00", "26 10:00", nil},
		{"25 18:00", "26 10:00", "26 12:00", map[string]int{"26 08:00": capacity}},
		{"25 18:00", "26 08:00", "26 10:00", map[string]int{"26 08:00": capacity - 1}},
		{"25 15:40", "26 13:30", "26 15:30", map[string]int{"26 08:00": 99, "26 10:00": 99}},
	} {
		now := moment(t, c.now)
		from, until, err := Next(t.Context(), board{full: c.full}, week{}, now)
		if err != nil || !from.Equal(moment(t, c.from)) || !until.Equal(moment(t, c.until)) {
			t.Errorf("on %s: from %v until %v, %v", c.now, from, until, err)
		}
	}
	now := moment(t, "25 09:00")
	if _, until, err := Next(t.Context(), board{}, week{never: true}, now); err != nil || !until.Equal(now.AddDate(0, 0, 7)) {
		t.Errorf("without a calendar: until %v, %v", until, err)
	}
	down := errors.New("down")
	if _, _, err := Next(t.Context(), board{err: down}, week{}, now); !errors.Is(err, down) {
		t.Errorf("%v", err)
	}
}

func moment(t *testing.T, text string) time.Time {
	t.Helper()
	when, err := time.ParseInLocation("2006-01-02 15:04", "2026-11-"+text, bot.WITA)
	if err != nil {
		t.Fatal(err)
	}
	return when
}

func TestWhoMeansToEnd(t *testing.T) {
	f := New(Config{})
	for text, want := range map[string]string{
		"SELESAI": "end", "selesai pak": "end", "menu": "end", "sudah": "", "batal": "", "ok": "", "selesai kapan": "",
		"TELPON": "call", "telpon saya": "call", "talipongka": "call", "telpon berapa": "", "": "",
	} {
		if got := f.cues.Only(text); got != want {
			t.Errorf("%q is %q, want %q", text, got, want)
		}
	}
}

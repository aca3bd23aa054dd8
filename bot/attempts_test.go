package bot_test

import (
	"fmt"
	"testing"
	"time"

	"tabe/bot"
)

// try looks up one number as a flow does, and tells whether it was allowed.
func try(a *bot.Attempts, now time.Time, number string, found bool) bool {
	if !a.Until(now, number).IsZero() {
		return false
	}
	a.Count(now, number, found)
	return true
}

func TestAttempts(t *testing.T) {
	a := &bot.Attempts{}
	for i := range 3 {
		if !try(a, noon, fmt.Sprint("miss ", i), false) {
			t.Fatalf("stopped at attempt %d", i)
		}
	}
	if try(a, noon, "another", false) || a.Stopped() {
		t.Fatal("a fourth guess need not wait, or not only wait")
	}
	if !try(a, noon, "miss 1", false) {
		t.Error("the same number again is counted twice")
	}
	if !try(a, noon.Add(time.Minute), "another", false) {
		t.Error("no pause ends")
	}

	neighbours := &bot.Attempts{}
	for i := range 9 {
		if !try(neighbours, noon, fmt.Sprint(i), true) {
			t.Fatalf("only %d neighbours can be helped", i)
		}
	}
	if try(neighbours, noon, "a tenth", true) {
		t.Error("a tenth neighbour need not wait")
	}
}

// Whoever tries whenever he may gets few numbers in a day, misses or not.
func TestAttemptsOfADay(t *testing.T) {
	for found, most := range map[bool]int{false: 10, true: 30} {
		a := &bot.Attempts{}
		n := 0
		for now := noon; now.Before(noon.Add(24 * time.Hour)); now = now.Add(10 * time.Second) {
			if try(a, now, now.String(), found) {
				n++
			}
		}
		if n > most || !a.Stopped() {
			t.Errorf("%d numbers in a day (found: %t)", n, found)
		}
		later := noon.Add(49 * time.Hour)
		if !try(a, later, "the day after", false) || a.Points != 3 {
			t.Errorf("not forgiven: %d points", a.Points)
		}
	}
}

func TestAttemptsOutliveAWrongClock(t *testing.T) {
	a := &bot.Attempts{}
	for i := range 10 {
		a.Count(noon.AddDate(5, 0, 0), fmt.Sprint(i), false)
	}
	if until := a.Until(noon, "x"); until.Sub(noon) != 24*time.Hour {
		t.Errorf("has to wait until %v", until)
	}
}

package flows_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/looplab/fsm"
	"pgregory.net/rapid"

	"tabe/flows"
)

// said collects what the states of a machine ask.
type said struct{ questions []string }

var door = fsm.Events{
	{Name: "knock", Src: []string{flows.Start, "shut"}, Dst: "shut"},
	{Name: "open", Src: []string{"shut"}, Dst: "open"},
	{Name: "close", Src: []string{"open"}, Dst: "shut"},
	{Name: "burn", Src: []string{"open"}, Dst: "burnt"},
	{Name: "mend", Src: []string{"burnt"}, Dst: "shut"},
}

var errBurnt = errors.New("burnt")

func newDoor() *flows.Machine[*said] {
	ask := func(question string) flows.Enter[*said] {
		return func(_ context.Context, s *said) error {
			s.questions = append(s.questions, question)
			return nil
		}
	}
	return flows.New(door, map[string]flows.Enter[*said]{
		"shut": ask("who is there?"),
		"open": ask("come in"),
		"burnt": func(_ context.Context, s *said) error {
			if s == nil {
				panic("nobody there")
			}
			return errBurnt
		},
	})
}

func TestFire(t *testing.T) {
	m := newDoor()
	s := &said{}
	state := ""
	for _, c := range []struct {
		event, state string
		err          bool
	}{
		{"open", "", true}, // means nothing at the start
		{"knock", "shut", false},
		{"knock", "shut", false}, // asks again
		{"sing", "shut", true},
		{"open", "open", false},
		{"burn", "open", true}, // the question fails: still there
		{"close", "shut", false},
	} {
		next, err := m.Fire(t.Context(), state, c.event, s)
		if (err != nil) != c.err {
			t.Fatalf("%s: %v", c.event, err)
		}
		if err == nil {
			state = next
		}
		if state != c.state {
			t.Fatalf("%s leads to %q, not %q", c.event, state, c.state)
		}
	}
	want := []string{"who is there?", "who is there?", "come in", "who is there?"}
	if !slices.Equal(s.questions, want) {
		t.Errorf("%q", s.questions)
	}
	if _, err := m.Fire(t.Context(), "blown up", "knock", s); err == nil {
		t.Error("moved from a state that is not there")
	}
}

// The library breaks a machine for ever when a context ends at the wrong
// moment, or a callback panics; nobody may be given such a machine.
func TestBrokenTurnsHarmNobody(t *testing.T) {
	m := newDoor()
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			for range 500 {
				ctx, cancel := context.WithCancel(context.Background())
				if i == 0 {
					cancel()
				}
				s := &said{}
				switch next, err := m.Fire(ctx, "shut", "open", s); {
				case i == 0 && !errors.Is(err, context.Canceled):
					t.Errorf("a cancelled turn: %v", err)
				case i > 0 && (err != nil || next != "open" || len(s.questions) != 1):
					t.Errorf("%q %v %q", next, err, s.questions)
				}
				if i == 1 {
					func() {
						defer func() { _ = recover() }()
						_, _ = m.Fire(ctx, "open", "burn", nil)
						t.Error("did not panic")
					}()
				}
				cancel()
			}
		})
	}
	wg.Wait()
}

func TestRandomEventsStayOnTheTable(t *testing.T) {
	m := newDoor()
	rapid.Check(t, func(r *rapid.T) {
		state := ""
		for _, event := range rapid.SliceOf(rapid.SampledFrom(append(m.Events(), "fly"))).Draw(r, "events") {
			next, _ := m.Fire(context.Background(), state, event, &said{})
			if !m.Knows(next) {
				r.Fatalf("%s led to %q", event, next)
			}
			state = next
		}
	})
}

func TestMermaid(t *testing.T) {
	const want = `stateDiagram-v2
    [*] --> start
    burnt --> shut: mend
    open --> burnt: burn
    open --> shut: close
    shut --> shut: knock
    shut --> open: open
    start --> shut: knock
`
	for range 20 {
		if got, err := newDoor().Mermaid(); got != want || err != nil {
			t.Fatalf("%s, %v", got, err)
		}
	}
}

func TestTablesThatMakeNoSense(t *testing.T) {
	ask := func(context.Context, *said) error { return nil }
	for want, events := range map[string]fsm.Events{
		"two ways out": {
			{Name: "a", Src: []string{flows.Start, "x"}, Dst: "x"}, {Name: "a", Src: []string{flows.Start}, Dst: "y"},
			{Name: "b", Src: []string{"x"}, Dst: "y"}, {Name: "b", Src: []string{"y"}, Dst: "x"},
		},
		"nothing leads to state y":  {{Name: "a", Src: []string{flows.Start, "y"}, Dst: "x"}, {Name: "b", Src: []string{"x"}, Dst: "x"}},
		"nothing leads out of":      {{Name: "a", Src: []string{flows.Start}, Dst: "x"}, {Name: "b", Src: []string{"x"}, Dst: "y"}},
		"state elsewhere asks noth": {{Name: "a", Src: []string{flows.Start}, Dst: "elsewhere"}},
	} {
		func() {
			defer func() {
				err, _ := recover().(error)
				if err == nil || !strings.Contains(err.Error(), want) {
					t.Errorf("%s: %v", want, err)
				}
			}()
			flows.New(events, map[string]flows.Enter[*said]{"x": ask, "y": ask})
		}()
	}
}

func TestCues(t *testing.T) {
	cues, err := flows.ParseCues([]byte(`
[[topic]]
name = "rise"
phrases = ["kenapa *naik*", "magai menre"]
[[topic]]
name = "yes"
phrases = ["ya", "iye'"]
[[topic]]
name = "no"
phrases = ["tidak"]
[[topic]]
name = "filler"
phrases = ["puang"]
`))
	if err != nil {
		t.Fatal(err)
	}
	for text, want := range map[string]string{
		"Kenapa pajakku naikki??": "rise",
		"naik, kenapa":            "rise",
		"magai na menré":          "rise",
		"naik":                    "",
		"IYE’":                    "yes",
		"":                        "",
		"ya kenapa naik":          "rise", // the longer phrase
	} {
		if got := cues.Find(text); got != want {
			t.Errorf("%q is about %q, not %q", text, got, want)
		}
	}
	for text, want := range map[string]string{
		"iye puang": "yes", "yaaa": "yes", "iya": "", "ya tidak": "", "puang": "", "ya kenapa naik": "", "tidak.": "no", "": "",
	} {
		if got := cues.Only(text); got != want {
			t.Errorf("%q answers %q, not %q", text, got, want)
		}
	}
	for _, file := range []string{"[[topic]]\nname='a'", "[[topic]]\nname='a'\nphrases=['!']", "[[topic]]\nnme='a'\nphrases=['x']", "["} {
		if _, err := flows.ParseCues([]byte(file)); err == nil {
			t.Errorf("read %q", file)
		}
	}
}

func BenchmarkFire(b *testing.B) {
	m := newDoor()
	b.ReportAllocs()
	for b.Loop() {
		if _, err := m.Fire(context.Background(), "shut", "open", &said{}); err != nil {
			b.Fatal(err)
		}
	}
}

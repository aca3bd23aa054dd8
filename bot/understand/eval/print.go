package main

import (
	"fmt"
	"io"
	"slices"
	"strings"
)

// print writes the totals of a set as text.
func (s *score) print(w io.Writer, name string) {
	fmt.Fprintf(w, "\n== %s (%d utterances)\n", name, s.N)
	fmt.Fprintf(w, "intent %s", percent(s.Intent))
	for _, l := range []string{"id", "bug"} {
		if r := s.byLanguage[l]; r != nil {
			fmt.Fprintf(w, "  %s %s", l, percent(*r))
		}
	}
	fmt.Fprintf(w, "  first or second %s\n", percent(s.Second))
	fmt.Fprintf(w, "emergency recall %s  false alarms %s\n", percent(s.EmergencyRecall), percent(s.FalseAlarms))
	s.printLanguage(w, "language")
	c, f := s.slotTotal(checked), s.slotTotal(free)
	a := s.slotTotal(slices.Concat(checked, free))
	fmt.Fprintf(w, "slots F1: checked %.3f  free %.3f  all %.3f   calibration error %.3f\n", c.f1(), f.f1(), a.f1(), s.ECE())
	for _, name := range slices.Concat(checked, free) {
		if c := s.slots[name]; c != nil {
			fmt.Fprintf(w, "  %s %d/%d/%d", name, c.Right, c.Found, c.Wanted)
		}
	}
	fmt.Fprintln(w)
}

func (s *score) printLanguage(w io.Writer, name string) {
	fmt.Fprint(w, name)
	for _, n := range append(slices.Clone(pieces), 0) {
		if r := s.languageByLength[n]; r != nil {
			fmt.Fprintf(w, "  %s %s", length(n), percent(*r))
		}
	}
	fmt.Fprintln(w)
}

func length(words int) string {
	switch words {
	case 0:
		return "whole"
	case 1:
		return "1 word"
	}
	return fmt.Sprintf("%d words", words)
}

func percent(r ratio) string {
	if r.Of == 0 {
		return "-"
	}
	return fmt.Sprintf("%.1f %% (%d/%d)", 100*r.value(), r.Hits, r.Of)
}

// list writes what was misunderstood, for those who improve the corpus.
func list(w io.Writer, answers []answer) {
	for _, a := range answers {
		if a.got.Intent != a.want.Intent {
			mark := ""
			if urgent(a.want.Intent) != urgent(a.got.Intent) {
				mark = "!! "
			}
			fmt.Fprintf(w, "%sINTENT %s | %s -> %s %.2f | %s\n", mark, a.want.Author, a.want.Intent, a.got.Intent, a.got.Confidence, a.want.Text)
		}
		if a.got.Language != a.want.Language {
			fmt.Fprintf(w, "LANG %s -> %s %.1f | %s\n", a.want.Language, a.got.Language, a.got.Lean, a.want.Text)
		}
		for _, name := range slices.Concat(checked, free) {
			want, got := normal(a.want.Slots[name]), normal(a.got.Slots.All(name))
			if strings.Join(want, "|") != strings.Join(got, "|") {
				fmt.Fprintf(w, "SLOT %s want %q got %q | %s\n", name, want, got, a.want.Text)
			}
		}
	}
}

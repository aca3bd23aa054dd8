package main

import (
	"cmp"
	_ "embed"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"text/template"
	"time"

	"tabe/bot/understand"
)

//go:embed report.md.tmpl
var page string

// cost is what one utterance takes.
type cost struct {
	Micros, Allocs, Bytes float64
}

// clock times the understanding of examples, one after the other.
func clock(u *understand.Understander, examples []understand.Example) cost {
	const rounds = 5
	for _, e := range examples {
		u.Understand(e.Text)
	}
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	begin := time.Now()
	for range rounds {
		for _, e := range examples {
			u.Understand(e.Text)
		}
	}
	took := time.Since(begin)
	runtime.ReadMemStats(&after)
	n := float64(rounds * len(examples))
	return cost{took.Seconds() * 1e6 / n, float64(after.Mallocs-before.Mallocs) / n, float64(after.TotalAlloc-before.TotalAlloc) / n}
}

// mistake is one utterance that stands for a frequent confusion.
type mistake struct {
	Text, Want, Got string
	Confidence      float64
	Times           int
}

// mistakes picks the most frequent confusions, each with a few utterances.
func mistakes(answers []answer, pairs, cases int) []mistake {
	byPair := map[[2]understand.Intent][]answer{}
	for _, a := range answers {
		if a.got.Intent != a.want.Intent {
			pair := [2]understand.Intent{a.want.Intent, a.got.Intent}
			byPair[pair] = append(byPair[pair], a)
		}
	}
	var keys [][2]understand.Intent
	for k := range byPair {
		keys = append(keys, k)
	}
	slices.SortFunc(keys, func(a, b [2]understand.Intent) int {
		return cmp.Or(len(byPair[b])-len(byPair[a]), strings.Compare(fmt.Sprint(a), fmt.Sprint(b)))
	})
	var list []mistake
	for _, k := range keys[:min(pairs, len(keys))] {
		for _, a := range byPair[k][:min(cases, len(byPair[k]))] {
			list = append(list, mistake{a.want.Text, string(k[0]), string(k[1]), a.got.Confidence, len(byPair[k])})
		}
	}
	return list
}

// missed are the emergencies that were not understood as one, and the others that were.
func missed(answers []answer, most int) (silent, false_ []mistake) {
	for _, a := range answers {
		m := mistake{a.want.Text, string(a.want.Intent), string(a.got.Intent), a.got.Confidence, 1}
		switch {
		case urgent(a.want.Intent) && !urgent(a.got.Intent):
			silent = append(silent, m)
		case !urgent(a.want.Intent) && urgent(a.got.Intent):
			false_ = append(false_, m)
		}
	}
	spread := func(list []mistake) []mistake {
		if len(list) <= most {
			return list
		}
		var some []mistake
		for i := range most {
			some = append(some, list[i*len(list)/most])
		}
		return some
	}
	return spread(silent), spread(false_)
}

// report writes the page and the picture of the first set.
func report(docs string, sets []set, cross []answer, heard *score, c cost, examples, patterns int) error {
	if len(sets) == 0 {
		return nil
	}
	silent, alarms := missed(cross, 12)
	data := map[string]any{
		"Sets": sets, "First": sets[0].Score, "Heard": heard, "Cost": c, "Examples": examples, "Patterns": patterns, "Pieces": append(slices.Clone(pieces), 0),
		"Intents": intentsOf(sets[0].Score), "Mistakes": mistakes(cross, 12, 2), "Silent": silent, "Alarms": alarms, "Slots": slices.Concat(checked, free),
	}
	t, err := template.New("report").Funcs(template.FuncMap{
		"percent": percentOf, "interval": interval, "length": length, "f1": func(c *counts) string { return decimal(c.f1()) }, "decimal": decimal,
		"checked":   func(s *score) string { c := s.slotTotal(checked); return decimal(c.f1()) },
		"free":      func(s *score) string { c := s.slotTotal(free); return decimal(c.f1()) },
		"all":       func(s *score) string { c := s.slotTotal(slices.Concat(checked, free)); return decimal(c.f1()) },
		"share":     func(a, b int) string { return percentOf(&ratio{a, b}) },
		"from":      func(i int) string { return fmt.Sprintf("%.1f to %.1f", float64(i)/10, float64(i+1)/10) },
		"mean":      func(b bin) string { return decimal(b.Confidence / float64(b.N)) },
		"cell":      func(s string) string { return strings.ReplaceAll(s, "|", "\\|") },
		"languageF": func(s *score, l string) *ratio { return s.byLanguage[l] }, "lengthF": func(s *score, n int) *ratio { return s.languageByLength[n] },
		"recall": func(s *score, i understand.Intent) *ratio { return s.byIntent[i] }, "precision": func(s *score, i understand.Intent) *ratio { return s.precision[i] },
		"met":   func(r any, bar float64) string { return verdict(r, func(v float64) bool { return v >= bar }) },
		"under": func(r any, bar float64) string { return verdict(r, func(v float64) bool { return v < bar }) },
		"slot":  func(s *score, name string) *counts { return s.slots[name] },
	}).Parse(page)
	if err != nil {
		return err
	}
	f, err := os.Create(filepath.Join(docs, "understanding.md"))
	if err != nil {
		return err
	}
	defer f.Close()
	if err := t.Execute(f, data); err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(docs, "understanding-confusion.svg"), picture(sets[0].Score), 0o644); err != nil {
		return err
	}
	return f.Close()
}

func percentOf(r *ratio) string {
	if r == nil || r.Of == 0 {
		return "-"
	}
	return fmt.Sprintf("%.1f %%", 100*r.value())
}

// verdict says whether a ratio, or a pointer to one, meets a bar.
func verdict(r any, met func(float64) bool) string {
	v, ok := r.(*ratio)
	if !ok {
		plain, _ := r.(ratio)
		v = &plain
	}
	switch {
	case v == nil || v.Of == 0:
		return "-"
	case met(v.value()):
		return "met, " + percentOf(v)
	}
	return "**missed**, " + percentOf(v)
}

func interval(r ratio) string {
	if r.Of == 0 {
		return "-"
	}
	low, high := r.wilson()
	return fmt.Sprintf("%.1f to %.1f %%", 100*low, 100*high)
}

func decimal(f float64) string {
	if math.IsNaN(f) {
		return "-"
	}
	return fmt.Sprintf("%.3f", f)
}

// intentsOf lists the intents of a set in the order of the contract.
func intentsOf(s *score) []understand.Intent {
	var list []understand.Intent
	for _, i := range understand.Intents() {
		if s.byIntent[i] != nil {
			list = append(list, i)
		}
	}
	return list
}

package perizinan

import (
	"bytes"
	_ "embed"
	"fmt"
	"io"
	"math"
	"slices"
	"time"

	"tabe/bot"
	"tabe/bot/settings"
)

//go:embed rules.toml
var defaultRules []byte

// Rules are what regulations decide of permits. Make them with ParseRules or
// DefaultRules.
type Rules struct {
	StaleAfter time.Duration // data of this age is said to be old

	fees     []fee // newest first
	building building
}

// nuisance is a kind of permit that has gone and that residents still ask
// about: HO, izin gangguan. Only its fee has something to tell.
const nuisance Kind = "ho"

// fee is what a kind of permit costs from a day on.
type fee struct {
	kind Kind
	from time.Time
	rule feeRule
	law  string
}

type feeRule string

const (
	byFormula feeRule = "formula"
	charged   feeRule = "charged"
	free      feeRule = "free"
	ended     feeRule = "ended"
	byTax     feeRule = "tax"
	byPolice  feeRule = "police"
)

// rulesFile is rules.toml.
type rulesFile struct {
	StaleAfterDays int `toml:"stale_after_days"`
	Fee            []struct {
		Kind, From, Rule, Law string
	}
	Building struct {
		Price                                int64
		Share, Complexity, Permanence, Owner float64
		Floors                               []float64
		Official                             bool
		Function                             map[string]float64
		LargeHome                            struct{ Above int } `toml:"large_home"`
	}
}

// DefaultRules returns the rules that are part of the program.
func DefaultRules() Rules {
	r, err := ParseRules(bytes.NewReader(defaultRules))
	if err != nil {
		panic(err) // the file is part of the program
	}
	return r
}

// ParseRules reads a file like rules.toml and refuses one that contradicts
// itself or that the law makes impossible.
func ParseRules(file io.Reader) (Rules, error) {
	var f rulesFile
	if err := settings.Decode(file, &f); err != nil {
		return Rules{}, fmt.Errorf("perizinan: rules: %w", err)
	}
	if f.StaleAfterDays < 1 {
		return Rules{}, fmt.Errorf("perizinan: rules: stale_after_days is %d", f.StaleAfterDays)
	}
	r := Rules{StaleAfter: time.Duration(f.StaleAfterDays) * 24 * time.Hour}
	for _, one := range f.Fee {
		next := fee{kind: Kind(one.Kind), rule: feeRule(one.Rule), law: one.Law}
		if next.kind != nuisance && !slices.Contains(kinds, next.kind) {
			return Rules{}, fmt.Errorf("perizinan: rules: there is no kind of permit %q", one.Kind)
		}
		if !slices.Contains([]feeRule{byFormula, charged, free, ended, byTax, byPolice}, next.rule) || next.rule == byFormula && next.kind != Building {
			return Rules{}, fmt.Errorf("perizinan: rules: fee of %s: rule %q", one.Kind, one.Rule)
		}
		var err error
		if next.from, err = time.ParseInLocation(time.DateOnly, one.From, bot.WITA); err != nil {
			return Rules{}, fmt.Errorf("perizinan: rules: fee of %s from %q", one.Kind, one.From)
		}
		if one.Law == "" || len(one.Law) > 40 {
			return Rules{}, fmt.Errorf("perizinan: rules: fee of %s from %s: law %q", one.Kind, one.From, one.Law)
		}
		if slices.ContainsFunc(r.fees, func(other fee) bool { return other.kind == next.kind && other.from.Equal(next.from) }) {
			return Rules{}, fmt.Errorf("perizinan: rules: two fees of %s from %s", one.Kind, one.From)
		}
		r.fees = append(r.fees, next)
	}
	slices.SortStableFunc(r.fees, func(a, b fee) int { return b.from.Compare(a.from) })
	var err error
	r.building, err = f.readBuilding()
	return r, err
}

// readBuilding checks the numbers of the formula.
func (f rulesFile) readBuilding() (building, error) {
	g := f.Building
	b := building{price: g.Price, largeAbove: g.LargeHome.Above, official: g.Official, functions: make(map[function]int64)}
	for _, v := range []struct {
		name  string
		value float64
		max   float64
		into  *int64
	}{
		{"share", g.Share, 0.005, &b.share}, {"complexity", g.Complexity, 2, &b.complexity}, {"permanence", g.Permanence, 2, &b.permanence}, {"owner", g.Owner, 1, &b.owner},
	} {
		if math.IsNaN(v.value) || v.value < 0 || v.value > v.max {
			return b, fmt.Errorf("perizinan: rules: building.%s is %v", v.name, v.value)
		}
		*v.into = scaled(v.value)
	}
	for _, value := range g.Floors {
		if math.IsNaN(value) || value <= 0 || value > 3 {
			return b, fmt.Errorf("perizinan: rules: building.floors has %v", value)
		}
		b.floors = append(b.floors, scaled(value))
	}
	for _, name := range append(slices.Clone(functions), largeHome) {
		value, ok := g.Function[string(name)]
		if !ok || math.IsNaN(value) || value < 0 || value > 2 {
			return b, fmt.Errorf("perizinan: rules: building.function.%s is %v", name, value)
		}
		b.functions[name] = scaled(value)
	}
	switch {
	case len(g.Function) != len(b.functions):
		return b, fmt.Errorf("perizinan: rules: building.function has %d functions, not %d", len(g.Function), len(b.functions))
	case len(b.floors) == 0 || len(b.floors) > maxFloors:
		return b, fmt.Errorf("perizinan: rules: building.floors has %d values", len(b.floors))
	case b.price < 1 || b.price > maxPrice:
		return b, fmt.Errorf("perizinan: rules: building.price is %d", b.price)
	case b.largeAbove < 1:
		return b, fmt.Errorf("perizinan: rules: building.large_home.above is %d", b.largeAbove)
	}
	return b, nil
}

// fee returns the rule for a kind of permit on a day; ok is false if there is none.
func (r Rules) fee(kind Kind, day time.Time) (f fee, ok bool) {
	for _, f := range r.fees {
		if f.kind == kind && !f.from.After(day) {
			return f, true
		}
	}
	return fee{}, false
}

package perizinan

import (
	"math"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"tabe/bot"
)

// The worked example: SHST 5,110,000, Ilo 0.5 %, a permanent home of one floor
// and 54 m2: It = 0.15 x (0.3 + 0.4 + 0.5) = 0.18.
func TestEstimate(t *testing.T) {
	b := DefaultRules().building
	for _, c := range []struct {
		function     function
		area, floors int
		want         bot.Rupiah
	}{
		{home, 54, 1, 248346},
		{home, 100, 1, 459900},
		{home, 101, 1, 526432}, // larger than 100 m2: 0.17
		{home, 54, 2, 257658},  // 1.09 for the second floor
		{business, 70, 2, 1558677},
		{worship, 600, 2, 0},
		{social, 120, 2, 1145151},
	} {
		if got, ok := b.estimate(c.function, c.area, c.floors); !ok || got != c.want {
			t.Errorf("%s, %d m2, %d floors: %v, want %v", c.function, c.area, c.floors, got, c.want)
		}
	}
	for _, bad := range []struct{ area, floors int }{{0, 1}, {-5, 1}, {54, 0}, {54, 3}, {54, maxFloors}, {maxArea + 1, 1}} {
		if _, ok := b.estimate(home, bad.area, bad.floors); ok {
			t.Errorf("%d m2 with %d floors are estimated", bad.area, bad.floors)
		}
	}
}

// The sum in whole numbers is the formula, whatever the office sets.
func TestEstimateIsTheFormula(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		factor := func(name string, most int64) int64 { return rapid.Int64Range(1, most).Draw(r, name) }
		b := building{
			price: factor("price", maxPrice), share: factor("share", 50), complexity: factor("complexity", 2*scale), permanence: factor("permanence", 2*scale),
			owner: factor("owner", scale), floors: []int64{factor("floors", 3*scale)}, functions: map[function]int64{social: factor("function", 2*scale)},
			largeAbove: 100,
		}
		area := rapid.IntRange(1, maxArea).Draw(r, "area")
		got, ok := b.estimate(social, area, 1)
		f := func(n int64) float64 { return float64(n) / scale }
		want := f(b.functions[social]) * (0.3*f(b.complexity) + 0.2*f(b.permanence) + 0.5*f(b.floors[0])) * f(b.owner) * f(b.share) * float64(b.price) * float64(area)
		if !ok || math.Abs(float64(got)-want) > 1+want*1e-9 {
			r.Fatalf("%v, the formula says %f", got, want)
		}
	})
}

func TestFeesByDate(t *testing.T) {
	rules := DefaultRules()
	for _, c := range []struct {
		kind Kind
		day  string
		rule feeRule
		law  string
	}{
		{Building, "2011-12-31", "", ""},
		{Building, "2019-06-01", charged, "UU 28/2009"},
		{Building, "2026-11-25", byFormula, "PP 16/2021"},
		{Route, "2024-01-04", charged, "UU 28/2009"},
		{Route, "2024-01-05", ended, "UU 1/2022"},
		{Fishery, "2026-11-25", ended, "UU 1/2022"},
		{nuisance, "2016-01-01", charged, "UU 28/2009"},
		{nuisance, "2026-11-25", ended, "Permendagri 19/2017"},
		{Business, "2026-11-25", free, "PP 5/2021"},
		{Research, "2026-11-25", free, "UU 1/2022"},
		{Billboard, "2026-11-25", byTax, "UU 1/2022"},
		{Party, "2026-11-25", byPolice, "PP 60/2017"},
	} {
		day, _ := time.ParseInLocation(time.DateOnly, c.day, bot.WITA)
		f, ok := rules.fee(c.kind, day)
		if ok != (c.rule != "") || ok && (f.rule != c.rule || f.law != c.law) {
			t.Errorf("%s on %s: %+v, %v", c.kind, c.day, f, ok)
		}
	}
	for _, k := range kinds {
		if _, ok := rules.fee(k, time.Date(2026, 11, 25, 0, 0, 0, 0, bot.WITA)); !ok {
			t.Errorf("there is no rule for the fee of %s", k)
		}
	}
}

func TestRulesThatCannotBe(t *testing.T) {
	whole := string(defaultRules)
	if _, err := ParseRules(strings.NewReader(whole)); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string][2]string{
		"no age":           {"stale_after_days = 4", "stale_after_days = 0"},
		"unknown word":     {"stale_after_days = 4", "stale_after_days = 4\nfresh = 1"},
		"unknown kind":     {`kind = "trayek"`, `kind = "taksi"`},
		"unknown rule":     {`rule = "ended"`, `rule = "over"`},
		"formula of a SIP": {"kind = \"sip\"\nfrom = \"2012-01-01\"\nrule = \"free\"", "kind = \"sip\"\nfrom = \"2012-01-01\"\nrule = \"formula\""},
		"no such day":      {"2024-01-05", "2024-02-30"},
		"no law":           {`law = "PP 60/2017"`, `law = ""`},
		"twice":            {`from = "2021-08-02"`, `from = "2012-01-01"`},
		"share too large":  {"share = 0.005", "share = 0.05"},
		"share negative":   {"share = 0.005", "share = -1"},
		"share no number":  {"share = 0.005", "share = nan"},
		"no price":         {"price = 5110000", "price = 0"},
		"floors":           {"floors = [1.0, 1.09]", "floors = []"},
		"a floor of 0":     {"floors = [1.0, 1.09]", "floors = [0.0]"},
		"no function":      {"social = 0.3", ""},
		"one more":         {"social = 0.3", "social = 0.3\nfarm = 0.1"},
		"large homes":      {"above = 100", "above = 0"},
		"no TOML":          {"\n[building]\n", "\n[building\n"},
	} {
		bad := strings.Replace(whole, c[0], c[1], 1)
		if bad == whole {
			t.Fatalf("%s: nothing to replace", name)
		}
		if _, err := ParseRules(strings.NewReader(bad)); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

func TestMeasures(t *testing.T) {
	for text, want := range map[string]int{
		"7x10": 70, "7 x 10 m": 70, "6 kali 9": 54, "6,5x10": 65, "3x4": 12, "luas 60": 60, "bolaku 60 meter": 60, "150 meter persegi": 150,
		"tipe 45": 45, "54 m2": 54, "rumah": 0, "PBG berapa": 0, "99999x99999": 0, "": 0,
	} {
		if got := areaIn(text, false); got != want {
			t.Errorf("%q: %d m2, want %d", text, got, want)
		}
	}
	for text, want := range map[string]int{"54": 54, "54,5": 55, "sekitar 54": 54, "9999999": 0, "tidak tahu": 0} {
		if got := areaIn(text, true); got != want {
			t.Errorf("%q, asked for: %d m2, want %d", text, got, want)
		}
	}
	for text, want := range map[string]int{"2 lantai": 2, "dua lantai": 2, "rumah 1 lantai": 1, "seddi lante": 1, "lantai": 0, "99 lantai": maxFloors, "rumah": 0} {
		if got := floorsIn(text, false); got != want {
			t.Errorf("%q: %d floors, want %d", text, got, want)
		}
	}
	for text, want := range map[string]int{"2": 2, "dua": 2, "satu saja": 1, "seddi bawang": 1, "apa ya": 0} {
		if got := floorsIn(text, true); got != want {
			t.Errorf("%q, asked for: %d floors, want %d", text, got, want)
		}
	}
}

func TestDays(t *testing.T) {
	now := time.Date(2026, 11, 25, 9, 0, 0, 0, bot.WITA)
	for text, want := range map[string]string{
		"12/8/2026": "2026-08-12", "12-08-26": "2026-08-12", "12.8.2025": "2025-08-12", "12 8 2025": "2025-08-12", "masuk 28 Oktober 2026": "2026-10-28",
		"12 agustus": "2026-08-12", "12 agt": "2026-08-12", "30 des": "2025-12-30", "tgl 3/11": "2026-11-03", "5 Nopember 25": "2025-11-05",
		"31/2/2026": "", "26/11/2026": "", "12/13/2026": "", "0412": "", "besok": "", "": "", "12 domba 2026": "",
	} {
		got := dayIn(text, now)
		if got.IsZero() && want == "" {
			continue
		}
		if got.Format(time.DateOnly) != want {
			t.Errorf("%q is %s, not %q", text, got.Format(time.DateOnly), want)
		}
	}
}

func FuzzMeasures(f *testing.F) {
	for _, seed := range []string{"7x10", "54 m2", "12/8/2026", "dua lantai", "tipe 45", "99999999x99999999", "1e9 m"} {
		f.Add(seed)
	}
	now := time.Date(2026, 11, 25, 9, 0, 0, 0, bot.WITA)
	f.Fuzz(func(t *testing.T, text string) {
		if area := areaIn(text, true); area < 0 || area > maxArea {
			t.Errorf("%q: %d m2", text, area)
		}
		if floors := floorsIn(text, true); floors < 0 || floors > maxFloors {
			t.Errorf("%q: %d floors", text, floors)
		}
		if day := dayIn(text, now); day.After(now) {
			t.Errorf("%q: %v", text, day)
		}
		functionIn(text)
		KindOf(text)
		StepOf(text)
	})
}

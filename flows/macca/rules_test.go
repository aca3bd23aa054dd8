package macca

import (
	"strings"
	"testing"
	"time"
)

func TestDefaultRulesKnowNoRice(t *testing.T) {
	r := DefaultRules()
	if len(r.distributions) > 0 || r.StaleAfter <= 0 || !r.rice(Household{Aid: []string{"PKH", "BSP RASTRA"}}) {
		t.Errorf("%+v", r)
	}
	if r.rice(Household{Aid: []string{"PKH"}}) || r.rice(Household{Card: CardInactive, Aid: []string{"Rastra"}}) {
		t.Error("rice for whom there is none")
	}
}

const citta = "stale_after_days = 45\n[[distribution]]\ndesa = \"Citta\"\nmonth = \"2026-11\"\nfrom = \"2026-11-26\"\nuntil = \"2026-11-28\"\nplace = \"kantor desa\"\n"

func TestNext(t *testing.T) {
	december := strings.NewReplacer("11-26", "12-20", "11-28", "12-21", "2026-11", "2026-12", "stale_after_days = 45\n", "")
	r, err := ParseRules(strings.NewReader(citta + december.Replace(citta)))
	if err != nil {
		t.Fatal(err)
	}
	day := func(d int) time.Time { return time.Date(2026, 11, d, 23, 0, 0, 0, noon.Location()) }
	for _, test := range []struct {
		desa  string
		now   time.Time
		month time.Month
		over  bool
		ok    bool
	}{
		{"Citta", day(1), 11, false, true}, {"DESA CITTA", day(28), 11, false, true}, {"citta", day(29), 12, false, true},
		{"Citta", day(60), 12, true, true}, {"Botto", day(1), 1, false, false}, {"", day(1), 1, false, false},
	} {
		d, over, ok := r.Next(test.desa, test.now)
		if ok != test.ok || over != test.over || ok && d.Month.Month() != test.month {
			t.Errorf("%+v: %v, over %v, %v", test, d, over, ok)
		}
	}
	if r.mark("Citta", day(1)) == r.mark("Citta", day(29)) || r.mark("Citta", day(60)) != "" || r.mark("Botto", day(1)) != "" {
		t.Error("marks")
	}
}

func TestRulesThatMakeNoSense(t *testing.T) {
	for _, wrong := range [][2]string{
		{"= 45", "= 0"}, {"Citta", ""}, {"Citta", strings.Repeat("x", 31)}, {`"kantor desa"`, `""`}, {`"2026-11"`, `"Nov"`}, {"2026-11-26", "2026-11-31"},
		{"2026-11-28", "2026-11-25"}, {"2026-11-28", "2027-11-28"}, {"desa =", "village ="}, {"= 45", "= x"}, {`"kantor desa"`, `"kantor desa"` + "\nkg = -1"},
		{"= 45", "= 45\nrice_aid = [\"\"]"}, {"stale_after_days = 45\n", ""},
	} {
		text := strings.Replace(citta, wrong[0], wrong[1], 1)
		if text == citta {
			t.Fatal("nothing to replace: ", wrong[0])
		}
		if _, err := ParseRules(strings.NewReader(text)); err == nil {
			t.Errorf("%s for %s is accepted", wrong[1], wrong[0])
		}
	}
	if _, err := ParseRules(strings.NewReader(citta + strings.Replace(citta, "stale_after_days = 45\n", "", 1))); err == nil {
		t.Error("the same twice is accepted")
	}
	if r, err := ParseRules(strings.NewReader(citta)); err != nil || len(r.distributions) != 1 {
		t.Error(r, err)
	}
}

func TestDesaKey(t *testing.T) {
	for _, same := range [][]string{{"Cabenge", "CABBENGE", "kelurahan Cabenge", "Kel. Cabbenge"}, {"Batu Batu", "Batu-Batu", "desa batu batu"}, {"Donri Donri", "Donri-Donri"}} {
		for _, name := range same {
			if DesaKey(name) != DesaKey(same[0]) {
				t.Errorf("%q is another desa than %q", name, same[0])
			}
		}
	}
	if got := titled("LALABATA  RILAU"); got != "Lalabata Rilau" {
		t.Error(got)
	}
	if DesaKey("1 2 3") != "" || DesaKey(DesaKey("Lalabata Rilau")) != DesaKey("Lalabata Rilau") {
		t.Error("DesaKey")
	}
}

package menu

import (
	"fmt"
	"strings"
	"testing"

	"tabe/bot"
	"tabe/bot/sms"
	"tabe/bot/understand"
	"tabe/locales"
)

func names(list []service) string {
	var names []string
	for _, s := range list {
		names = append(names, s.name)
	}
	return strings.Join(names, " ")
}

func TestOrder(t *testing.T) {
	for _, c := range []struct {
		used []string // newest first
		want string
	}{
		{nil, "emergency tax permit aid complaint office more"},
		{[]string{"pbb"}, "emergency tax permit aid complaint office more"},
		{[]string{"macca"}, "emergency aid tax permit complaint office more"},
		{[]string{"petugas"}, "emergency office tax permit aid complaint more"},
		// Whichever was used last, the digits stay.
		{[]string{"macca", "kantor"}, "emergency aid office tax permit complaint more"},
		{[]string{"kantor", "macca"}, "emergency aid office tax permit complaint more"},
		{[]string{"petugas", "macca", "kantor"}, "emergency aid office tax permit complaint more"},
		{[]string{"darurat", "privasi", "gone"}, "emergency tax permit aid complaint office more"},
	} {
		if got := names(ordered(c.used)); got != c.want {
			t.Errorf("who used %v gets %s", c.used, got)
		}
	}
	if n := len(ordered(nil)); n > bot.MaxOptions {
		t.Errorf("%d services are more than digits", n)
	}
	if s := named("gone"); s.name != "more" {
		t.Errorf("a service that is gone leads to %s", s.name)
	}
}

// The greeting with the whole list is one SMS, whatever the order, and one
// screen of a dialled code.
func TestTheGreetingIsShort(t *testing.T) {
	words, err := locales.New()
	if err != nil {
		t.Fatal(err)
	}
	for _, language := range []string{understand.Indonesian, understand.Bugis} {
		for variant, most := range map[string]int{"": 160, "ussd": 182} {
			text, err := words.Text(language, "menu.hello", variant, nil)
			for i, s := range ordered(nil) {
				label, wrong := words.Text(language, "menu.service_"+s.name, variant, nil)
				if wrong != nil {
					err = wrong
				}
				text += fmt.Sprintf("\n%d %s", i+1, label)
			}
			if encoding, n := sms.Measure(text); err != nil || encoding != sms.GSM7 || n > most {
				t.Errorf("%s %s: %d characters in %s, %v:\n%s", language, variant, n, encoding, err, text)
			}
		}
	}
}

package kantor

import (
	"strings"
	"testing"
	"time"

	"tabe/bot"
	"tabe/bot/bottest"
	"tabe/bot/sms"
	"tabe/bot/understand"
	"tabe/locales"
)

func at(t *testing.T, text string) time.Time {
	t.Helper()
	when, err := time.ParseInLocation("2006-01-02 15:04", text, bot.WITA)
	if err != nil {
		t.Fatal(err)
	}
	return when
}

func TestOpening(t *testing.T) {
	c := DefaultData().Calendar
	for _, x := range []struct{ now, from, until string }{
		{"2026-11-25 09:00", "2026-11-25 09:00", "2026-11-25 16:00"}, // inside
		{"2026-11-25 08:00", "2026-11-25 08:00", "2026-11-25 16:00"}, // the first moment
		{"2026-11-25 16:00", "2026-11-26 08:00", "2026-11-26 16:00"}, // the last one is outside
		{"2026-11-25 07:59", "2026-11-25 08:00", "2026-11-25 16:00"},
		{"2026-11-27 12:00", "2026-11-27 13:30", "2026-11-27 16:00"}, // Friday prayer
		{"2026-11-28 10:00", "2026-11-30 08:00", "2026-11-30 16:00"}, // Saturday
		{"2026-12-23 17:00", "2026-12-28 08:00", "2026-12-28 16:00"}, // Christmas, with its extra day and a weekend
		{"2026-12-31 20:00", "2027-01-04 08:00", "2027-01-04 16:00"}, // New Year on a Friday
		{"2026-03-17 15:30", "2026-03-25 08:00", "2026-03-25 16:00"}, // Nyepi and Idul Fitri; Ramadan closes at 15.00
		{"2026-02-20 11:45", "2026-02-20 12:30", "2026-02-20 15:30"}, // a Friday of Ramadan
	} {
		from, until, ok := c.Opening(at(t, x.now))
		if !ok || !from.Equal(at(t, x.from)) || !until.Equal(at(t, x.until)) {
			t.Errorf("at %s: from %v until %v, %t", x.now, from, until, ok)
		}
	}
	// The same moment told in another time zone.
	if from, _, _ := c.Opening(at(t, "2026-11-25 23:30").UTC()); !from.Equal(at(t, "2026-11-26 08:00")) {
		t.Errorf("in UTC: from %v", from)
	}
}

func TestTheRegencyChangesItsData(t *testing.T) {
	d, err := ParseData(strings.NewReader(`
[[office]]
code = "disdukcapil"
address = "Jl. Contoh 1"
phone = "0484-1"
checked = "2026-11-20"
[[hours]]
days = ["mon", "sat"]
sessions = ["07.30-12.00"]
[[holiday]]
date = "2026-11-30"
name = "Pilkades"
[sites]
check_minutes = 10
`))
	if err != nil {
		t.Fatal(err)
	}
	o := d.office("disdukcapil")
	if o.Address != "Jl. Contoh 1" || o.Checked == "" || o.Short != "Disdukcapil" || len(d.offices) != len(DefaultData().offices) {
		t.Errorf("%+v", o)
	}
	if from, until, _ := d.Opening(at(t, "2026-11-28 12:30")); !from.Equal(at(t, "2026-12-05 07:30")) || !until.Equal(at(t, "2026-12-05 12:00")) {
		t.Errorf("from %v until %v", from, until)
	}
	if d.CheckEvery() != 10*time.Minute {
		t.Errorf("looks at the sites every %v", d.CheckEvery())
	}
}

func TestTheDeskHasItsOwnHours(t *testing.T) {
	if d := DefaultData(); d.Desk() != &d.Calendar {
		t.Error("the desk is open when the offices are not")
	}
	d, err := ParseData(strings.NewReader("[[desk]]\ndays = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun']\nsessions = ['07.00-24.00']"))
	if err != nil {
		t.Fatal(err)
	}
	from, until, ok := d.Desk().Opening(at(t, "2026-12-25 23:59")) // Christmas
	if !ok || !from.Equal(at(t, "2026-12-25 23:59")) || !until.Equal(at(t, "2026-12-26 00:00")) {
		t.Errorf("from %v until %v", from, until)
	}
	if from, _, _ := d.Opening(at(t, "2026-12-25 09:00")); !from.Equal(at(t, "2026-12-28 08:00")) {
		t.Errorf("the offices open on %v", from)
	}
}

func TestDataThatMakesNoSense(t *testing.T) {
	for text, want := range map[string]string{
		"[[office]]\ncode = 'x'": "missing",
		"[[office]]\ncode = 'dinsos'\naddress = '" + strings.Repeat("x", 99) + "'": "more than",
		"[[office]]\ncode = 'dinsos'\nsite = 'http://x'":                           "host",
		"[[office]]\ncode = 'dinsos'\nchecked = 'kemarin'":                         "2026",
		"[[office]]\ncode = 'dinsos'\ntopic = 'x'":                                 "topic",
		"[[hours]]\ndays = ['mon']\nsessions = ['16.00-08.00']":                    "session",
		"[[hours]]\ndays = ['mon']\nsessions = ['8-16']":                           "session",
		"[[hours]]\ndays = ['mon']\nsessions = ['08.00-12.00', '11.00-13.00']":     "before",
		"[[hours]]\ndays = ['senin']":                                              "senin",
		"[[hours]]\nsessions = ['08.00-12.00']":                                    "days",
		"[[hours]]\ndays = ['mon']\nfrom = '2026-02-30'\nto = '2026-03-01'":        "one after the other",
		"[[holiday]]\ndate = '25-12-2026'\nname = 'x'":                             "2026-12-25",
		"[[holidai]]\ndate = 'x'":                                                  "holidai",
		"[sites]\ncheck_minutes = -1":                                              "check_minutes",
		"[[":                                                                       "kantor",
	} {
		if _, err := ParseData(strings.NewReader(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v", text, err)
		}
	}
}

func TestTheDirectoryIsWhole(t *testing.T) {
	d := DefaultData()
	ours, desa := 0, 0
	listed := 0
	for _, g := range groups {
		listed += len(d.in(g))
	}
	for _, o := range d.offices {
		if !o.elsewhere {
			ours++
		}
		desa += len(o.Desa)
		for _, name := range o.Called {
			if d.called(name) != o {
				t.Errorf("%q is not %s", name, o.Code)
			}
		}
	}
	if ours != 38 || listed != 38 || desa != 70 {
		t.Errorf("%d offices, %d of them listed, %d villages", ours, listed, desa)
	}
	f := New(d, nil)
	for _, name := range f.errands.Names() {
		if d.office(errandOffice[name]) == nil {
			t.Errorf("nobody arranges %s", name)
		}
	}
	if len(f.errands.Names()) != len(errandOffice) {
		t.Errorf("%d errands, %d of them with an office", len(f.errands.Names()), len(errandOffice))
	}
}

func TestPlacesHaveAnOffice(t *testing.T) {
	d := DefaultData()
	for place, code := range map[string]string{
		"Labae": "kec-citta", "Citta": "kec-citta", "Kaca": "kec-marioriawa", "Watu": "kec-marioriwawo", "Marioriawa": "kec-marioriawa", "Ganra": "kec-ganra",
	} {
		if o := d.kecamatanOf(place); o == nil || o.Code != code {
			t.Errorf("%s belongs to %v", place, o)
		}
	}
	if o := d.kecamatanOf("Makassar"); o != nil {
		t.Errorf("Makassar belongs to %s", o.Code)
	}
}

// up is what is known of some sites.
type up map[string]bool

func (u up) Up(host string) (bool, time.Time, bool) {
	answers, known := u[host]
	return answers, time.Time{}, known
}

func TestTheStateOfASiteIsTold(t *testing.T) {
	words, err := locales.New()
	if err != nil {
		t.Fatal(err)
	}
	ears, err := understand.New()
	if err != nil {
		t.Fatal(err)
	}
	f := New(DefaultData(), up{"disdukcapil.soppengkab.go.id": true, "dishub.soppengkab.go.id": false})
	e, err := bot.New(bot.Config{
		Store: bottest.NewStore(nil), Words: words, Understand: ears.Understand, Flows: []bot.Flow{f}, Home: f,
		Formats: map[bot.ChannelID]bot.ChannelFormat{"sms": {Inline: true}},
	})
	if err != nil {
		t.Fatal(err)
	}
	for text, want := range map[string]string{
		"alamat kantor dukcapil":    "Situs disdukcapil.soppengkab.go.id bisa dibuka.",
		"alamat kantor dishub":      "Situsnya sedang tidak bisa dibuka.",
		"alamat kantor inspektorat": "Situs inspektorat.soppengkab.go.id. ",
	} {
		texts, err := e.Converse(t.Context(), bot.Message{ID: text, Channel: "sms", Peer: "+6281100000499", Subject: "tel:+6281100000499", Text: text})
		if err != nil || len(texts) != 1 || !strings.Contains(texts[0].Body, want) {
			t.Errorf("%q: %v, %v", text, texts, err)
		}
	}
}

// Every answer about every office fits two SMS in both languages.
func TestEveryOfficeFits(t *testing.T) {
	words, err := locales.New()
	if err != nil {
		t.Fatal(err)
	}
	d := DefaultData()
	store := bottest.NewStore(nil)
	for _, language := range []string{"id", "bug"} {
		for _, o := range d.offices {
			known := up{o.Site: true}
			listen := func(text string) understand.Result {
				r := understand.Result{Text: text, Language: language, Guess: understand.Guess{Intent: understand.OfficeDirectory, Confidence: 1}}
				r.Slots = understand.Slots{{Name: "office", Value: o.Called[0]}}
				if language == "bug" {
					r.Lean = 20
				}
				return r
			}
			f := New(d, known)
			e, err := bot.New(bot.Config{
				Store: store, Words: words, Understand: listen, Flows: []bot.Flow{f}, Home: f,
				Clock:   func() time.Time { return at(t, "2026-11-27 17:00") },
				Formats: map[bot.ChannelID]bot.ChannelFormat{"sms": {Inline: true}},
			})
			if err != nil {
				t.Fatal(err)
			}
			for _, text := range []string{"alamat", "siapa kepala", "jam buka", "email"} {
				id := language + o.Code + text
				texts, err := e.Converse(t.Context(), bot.Message{ID: id, Channel: "sms", Peer: id, Subject: "tel:" + language, Text: text})
				if err != nil {
					t.Fatal(err)
				}
				shown := sms.Fold(texts[0].Numbered() + "\n0 Menu")
				if encoding, n := sms.Segments(shown); encoding != sms.GSM7 || n > 2 {
					t.Errorf("%s %s takes %d segments:\n%s", language, o.Code, n, shown)
				}
			}
		}
	}
}

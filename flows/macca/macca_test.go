package macca_test

import (
	"context"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"

	"tabe/adapters/database"
	registry "tabe/adapters/registry/macca"
	"tabe/adapters/registry/macca/sample"
	"tabe/bot"
	"tabe/bot/bottest"
	"tabe/bot/understand"
	"tabe/flows/macca"
	"tabe/locales"
)

var morning = time.Date(2026, 11, 25, 9, 0, 0, 0, bot.WITA)

var ears = sync.OnceValues(understand.New)

// house is the service with everything real but the disk of the conversations.
type house struct {
	*bot.Engine
	clock *bottest.Clock
	db    *database.DB
	sent  int
}

// open makes a house over the sample extract. There is nothing in it but this
// service, so that it also gets what no one understands.
func open(t *testing.T) *house {
	t.Helper()
	dir := t.TempDir()
	for file, text := range map[string]string{"macca.csv": sample.Residents, "macca.toml": sample.Rules} {
		if err := os.WriteFile(filepath.Join(dir, file), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	db, err := database.Open(t.Context(), (&url.URL{Scheme: "sqlite", Path: filepath.Join(dir, "tabe.db")}).String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	if report, err := registry.Import(t.Context(), db, filepath.Join(dir, "macca.csv"), nil); err != nil || report.Refused > 0 {
		t.Fatal(report, err)
	}
	schedule, err := registry.OpenSchedule(dir, nil)
	if err != nil {
		t.Fatal(err)
	}
	f := macca.New(registry.New(db), schedule)
	words, err := locales.New()
	if err != nil {
		t.Fatal(err)
	}
	ears, err := ears()
	if err != nil {
		t.Fatal(err)
	}
	h := &house{clock: bottest.NewClock(morning), db: db}
	h.Engine, err = bot.New(bot.Config{
		Store: bottest.NewStore(h.clock.Now), Words: words, Understand: ears.Understand, Flows: []bot.Flow{f}, Home: f, Clock: h.clock.Now,
		Formats: map[bot.ChannelID]bot.ChannelFormat{"sms": {Inline: true}},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = h.Close(context.Background()) })
	return h
}

type fataler interface{ Fatal(...any) }

// say sends a text and returns all that comes back.
func (h *house) say(t fataler, from, text string) string {
	h.sent++
	texts, err := h.Converse(context.Background(), bot.Message{
		ID: fmt.Sprint(h.sent), Channel: "sms", Peer: from, Subject: "tel:" + from, Text: text, At: h.clock.Now(),
	})
	if err != nil {
		t.Fatal(text, err)
	}
	var all []string
	for _, text := range texts {
		all = append(all, text.Numbered())
	}
	return strings.Join(all, "\n")
}

// The sample as a stranger could have it.
func rows(t *testing.T) [][]string {
	t.Helper()
	all, err := csv.NewReader(strings.NewReader(sample.Residents)).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	return all[1:]
}

func stranger(n int) string { return fmt.Sprintf("+62811009%05d", n) }

// Whatever is wrong with a guess (the family card is not registered, nobody in
// the family was born on that day, nobody's birth date is known), what comes
// back is the same, try after try, until the tries are over.
func TestWrongGuessesLookTheSame(t *testing.T) {
	h := open(t)
	members := rows(t)
	people := 0
	// Of the same number of tries no two are the same: those would count once.
	guess := func(rt *rapid.T, label string, try int) [2]string {
		date := fmt.Sprintf("%d-%d-%d", rapid.IntRange(1, 28).Draw(rt, label+" day"), rapid.IntRange(1, 12).Draw(rt, label+" month"), 1991+try)
		member := rapid.SampledFrom(members).Draw(rt, label+" family")
		switch rapid.SampledFrom([]string{"wrong date", "not registered", "of another family"}).Draw(rt, label) {
		case "not registered":
			return [2]string{fmt.Sprintf("731208%02d0315%d", rapid.IntRange(1, 28).Draw(rt, label+" issued"), rapid.IntRange(8000, 8999).Draw(rt, label+" serial")), date}
		case "of another family":
			for _, other := range members {
				if other[0] != member[0] && other[4] != "" {
					return [2]string{fmt.Sprint("731208150210888", try), other[4]}
				}
			}
		}
		return [2]string{member[0], date}
	}
	rapid.Check(t, func(rt *rapid.T) {
		people += 2
		a, b := stranger(people), stranger(people+1)
		for i := range rapid.IntRange(1, 5).Draw(rt, "tries") {
			first, second := guess(rt, fmt.Sprint("a", i), i), guess(rt, fmt.Sprint("b", i), i)
			for part := range first {
				if x, y := h.say(rt, a, first[part]), h.say(rt, b, second[part]); x != y {
					rt.Fatalf("%q is answered\n%s\nand %q\n%s", first[part], x, second[part], y)
				}
			}
		}
	})
}

// Numbers and names alone give nothing away: no name, no aid, no desil, no
// state of a card.
func TestStrangersLearnNothing(t *testing.T) {
	h := open(t)
	members := rows(t)
	var secrets []string
	for _, m := range members {
		secrets = append(secrets, m[2])
	}
	secrets = append(secrets, "TERDAFTAR,", "ENGKA RI DAFTAR", "PERLU DICEK", "di data:", "ri data:")
	people := 0
	rapid.Check(t, func(rt *rapid.T) {
		people++
		from := stranger(50_000 + people)
		for range rapid.IntRange(1, 8).Draw(rt, "messages") {
			m := rapid.SampledFrom(members).Draw(rt, "member")
			text := fmt.Sprintf(rapid.SampledFrom([]string{
				"%[1]s", "KK %[1]s", "NIK %[2]s", "%[2]s", "%[1]s %[2]s", "kartu %[3]s", "desil %[2]s", "KK %[1]s desil berapa", "apakah %[4]s terdaftar kartu macca",
				"KK %[1]s 1-1-1911", "1-1-1911", "kapan beras", "%[5]s", "1", "2", "3", "0", "desil saya", "simpan", "engka ga asenna %[4]s ri daftar",
			}).Draw(rt, "form"), m[0], m[1], m[7], m[2], m[6])
			answer := h.say(rt, from, text)
			for _, secret := range secrets {
				if strings.Contains(answer, secret) {
					rt.Fatalf("%q is answered %q", text, answer)
				}
			}
		}
	})
}

func expect(t *testing.T, got string, parts ...string) {
	t.Helper()
	for _, part := range parts {
		no, wanted := strings.CutPrefix(part, "!")
		if strings.Contains(got, no) == wanted {
			t.Errorf("got %q, %q is wrong with it", got, part)
		}
	}
}

func TestProof(t *testing.T) {
	h := open(t)
	const hers = "7312081203119902"
	for i, said := range [][]string{
		{"apakah saya terdaftar kartu macca", hers, "17-8-1968"},
		{"KK " + hers, "17/08/68"},
		{"KK " + hers + " lahir 17 Agustus 1968"},
		{hers, "28-2-2005"}, // her daughter's
		{hers, "1-1-1991", "17-8-1968"},
		{"7312 0812 0311 9902", "17.8.68"},
	} {
		from, answer := stranger(i), ""
		for _, text := range said {
			expect(t, answer, "!LA BEDDU")
			answer = h.say(t, from, text)
		}
		expect(t, answer, "LA BEDDU", "TERDAFTAR", "Rastra, PKH, PBI-JK", "!Desil keluarga")
	}
}

// A family stays at hand for a quarter of an hour: the telephone may be borrowed.
func TestProofDoesNotLast(t *testing.T) {
	h := open(t)
	from := stranger(1)
	h.say(t, from, "KK 7312081203119902 lahir 17-8-1968")
	h.clock.Advance(10 * time.Minute)
	expect(t, h.say(t, from, "desil saya berapa"), "Desil keluarga Anda di data: 1")
	h.clock.Advance(16 * time.Minute)
	expect(t, h.say(t, from, "desil saya berapa"), "!data: 1")
	expect(t, h.say(t, from, "apakah saya terdaftar kartu macca"), "!LA BEDDU", "nomor KK")
}

// What was saved is believed for a year.
func TestSavedEndsAfterAYear(t *testing.T) {
	h := open(t)
	from := stranger(1)
	h.say(t, from, "KK 7312081203119902 lahir 17-8-1968")
	expect(t, h.say(t, from, "simpan nomor kk"), "Simpan nomor KK 7312************")
	expect(t, h.say(t, from, "ya"), "disimpan")
	h.clock.Advance(360 * 24 * time.Hour)
	expect(t, h.say(t, from, "apakah saya terdaftar kartu macca"), "LA BEDDU")
	h.clock.Advance(10 * 24 * time.Hour)
	expect(t, h.say(t, from, "apakah saya terdaftar kartu macca"), "!LA BEDDU", "nomor KK")
}

// Who has another family card is told so, and the old number shows nothing.
func TestFamilyThatIsGone(t *testing.T) {
	h := open(t)
	from := stranger(1)
	h.say(t, from, "KK 7312052902169908 lahir 7-7-1966")
	h.say(t, from, "simpan nomor kk")
	h.say(t, from, "ya")
	old := strings.Index(sample.Residents, "7312052902169908")
	row, _, _ := strings.Cut(sample.Residents[old:], "\n")
	header, _, _ := strings.Cut(sample.Residents, "\n")
	path := filepath.Join(t.TempDir(), "macca.csv")
	if err := os.WriteFile(path, []byte(header+"\n"+strings.Replace(row, "7312052902169908", "7312050101269907", 1)+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if report, err := registry.Import(t.Context(), h.db, path, nil); err != nil || report.Loaded != 1 {
		t.Fatal(report, err)
	}
	h.clock.Advance(time.Hour)
	expect(t, h.say(t, from, "kartu macca saya"), "tidak ada lagi di data", "!SYAMSIAH")
	expect(t, h.say(t, from, "KK 7312050101269907 lahir 7-7-1966"), "SYAMSIAH")
}

// Guessing is slowed down and then stopped; the register's own telephone is not.
func TestGuessingIsStopped(t *testing.T) {
	h := open(t)
	const from = "+6281100000401" // of another family
	for i := range 12 {
		h.say(t, from, "KK 7312081203119902")
		h.say(t, from, fmt.Sprintf("%d-1-1991", i+1))
		h.clock.Advance(time.Hour)
	}
	h.say(t, from, "KK 7312081203119902")
	expect(t, h.say(t, from, "17-8-1968"), "terlalu banyak", "!LA BEDDU")
	expect(t, h.say(t, from, "apakah saya terdaftar kartu macca"), "LA MAPPA")
}

func notice(t *testing.T, h *house, body any) []bot.Text {
	t.Helper()
	raw, err := json.Marshal(body)
	if err != nil {
		t.Fatal(err)
	}
	h.sent++
	texts, err := h.Converse(t.Context(), bot.Message{
		ID: fmt.Sprint(h.sent), Channel: "sms", Peer: stranger(1), Subject: "tel:" + stranger(1), At: h.clock.Now(),
		Notice: &bot.Notice{Flow: "macca", Kind: macca.RiceNews, Body: raw},
	})
	if err != nil {
		t.Fatal(err)
	}
	return texts
}

func TestNews(t *testing.T) {
	h := open(t)
	d := macca.Distribution{Desa: "Citta", Month: morning.AddDate(0, 0, -24), From: morning.Truncate(time.Hour), Until: morning.Truncate(time.Hour), Place: "kantor desa Citta"}
	if texts := notice(t, h, d); len(texts) != 1 || !strings.Contains(texts[0].Body, "Kabar beras Citta") {
		t.Error(texts)
	}
	d.Until = morning.AddDate(0, 0, -2)
	if texts := notice(t, h, d); len(texts) != 0 {
		t.Error("told too late: ", texts)
	}
	if texts := notice(t, h, "nonsense"); len(texts) != 0 {
		t.Error(texts)
	}
}

// Any message in any order: an answer, and no state that is not known.
func TestAnyConversation(t *testing.T) {
	h := open(t)
	people := 0
	words := []string{
		"apakah saya terdaftar kartu macca", "7312081203119902", "17-8-1968", "1-1-1991", "kapan beras", "Citta", "Macanre", "Desa Entah", "kabari saya", "ya", "tidak", "1", "2", "3", "4", "5",
		"6", "7", "simpan", "hapus nomor kk", "keluarga lain", "petugas minta uang", "suami saya meninggal", "desil saya", "NIK 7312085708689805", "12345678", "foto", "", "engka ga asekku",
		"teddeng kartu macca ku", "lupa nomor kk", "1961",
	}
	rapid.Check(t, func(rt *rapid.T) {
		people++
		from := rapid.SampledFrom([]string{stranger(70_000 + people), "+6281100000608", "+6281100000609", "+6281100000605"}).Draw(rt, "from")
		for range rapid.IntRange(1, 12).Draw(rt, "messages") {
			text := rapid.SampledFrom(words).Draw(rt, "text")
			if answer := h.say(rt, from, text); answer == "" || strings.Contains(answer, "sistem sibuk") {
				rt.Fatalf("%q is answered %q", text, answer)
			}
		}
	})
}

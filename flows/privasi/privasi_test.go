package privasi_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"tabe/bot"
	"tabe/bot/bottest"
	"tabe/bot/sms"
	"tabe/bot/understand"
	"tabe/flows/privasi"
	"tabe/locales"
)

var noon = time.Date(2026, 11, 25, 12, 0, 0, 0, bot.WITA)

// records is what is kept of everybody.
type records struct {
	privasi.Kept
	words *locales.Catalog
}

func (r records) Of(context.Context, bot.ResidentID, int) (privasi.Kept, error) { return r.Kept, nil }
func (r records) Asked(language, key string) string                             { return r.words.Source(language, key) }

// converse answers texts in a language and returns what comes back to each.
func converse(t *testing.T, language string, kept privasi.Kept, texts ...string) (answers []string) {
	t.Helper()
	words, err := locales.New()
	if err != nil {
		t.Fatal(err)
	}
	ears, err := understand.New()
	if err != nil {
		t.Fatal(err)
	}
	f := privasi.New(records{kept, words})
	clock := bottest.NewClock(noon)
	hear := func(text string) understand.Result {
		r := ears.Understand(text)
		r.Language, r.Lean = language, 100
		if language == understand.Indonesian {
			r.Lean = -100
		}
		return r
	}
	e, err := bot.New(bot.Config{
		Store: bottest.NewStore(clock.Now), Words: words, Understand: hear, Clock: clock.Now, Home: f, Flows: []bot.Flow{f},
		Formats: map[bot.ChannelID]bot.ChannelFormat{"sms": {Inline: true}},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = e.Close(context.Background()) })
	for i, text := range texts {
		replies, err := e.Converse(t.Context(), bot.Message{ID: fmt.Sprint(i), Channel: "sms", Peer: "+6281100000401", Subject: "tel:+6281100000401", Text: text})
		if err != nil || len(replies) != 1 {
			t.Fatal(replies, err)
		}
		answer := sms.Fold(replies[0].Numbered())
		if encoding, segments := sms.Segments(answer); encoding != sms.GSM7 || segments > 2 {
			t.Errorf("%d segments of %s:\n%s", segments, encoding, answer)
		}
		answers = append(answers, answer)
	}
	return answers
}

// Whoever looked is told as a role, also one that nobody has thought of.
func TestWhoSawIt(t *testing.T) {
	kept := privasi.Kept{Days: 3650, Complaints: 99, Incidents: 9, Accesses: []privasi.Access{
		{At: noon, Role: "operator", What: "conversation"}, {At: noon, Role: "supervisor", What: "incident"}, {At: noon, Role: "janitor", What: "wallpaper"},
	}}
	for language, want := range map[string]string{
		understand.Indonesian: "25 Nov 12.00 WITA petugas SCC: percakapan. 25 Nov 12.00 WITA pengawas SCC: laporan darurat. 25 Nov 12.00 WITA petugas: data.",
		understand.Bugis:      "25 Nov 12.00 WITA petugas SCC: pesang. 25 Nov 12.00 WITA pengawas SCC: laporang darura'. 25 Nov 12.00 WITA petugas: data.",
	} {
		answers := converse(t, language, kept, "data saya", "siapa yang lihat data saya")
		if !strings.Contains(answers[1], want) {
			t.Errorf("%s: %s", language, answers[1])
		}
	}
}

// The longest words of a consent leave room for the way on, and its values are
// left out.
func TestConsentInItsWords(t *testing.T) {
	words, err := locales.New()
	if err != nil {
		t.Fatal(err)
	}
	var kept privasi.Kept
	for _, key := range []string{"pbb.ask_remind", "kabar.ask_news", "perizinan.ask_notify", "macca.ask_notify"} {
		told := privasi.Told{Purpose: "permit", Key: "0412", Since: noon, Words: map[string]string{}}
		for _, language := range []string{understand.Indonesian, understand.Bugis} {
			if told.Words[language] = words.Source(language, key); told.Words[language] == "" {
				t.Errorf("%s has no words in %s", key, language)
			}
		}
		kept.Told = append(kept.Told, told)
	}
	for _, language := range []string{understand.Indonesian, understand.Bugis} {
		answers := converse(t, language, kept, "persetujuan saya", "9", "9", "9", "8", "1")
		for i, answer := range answers[:5] {
			if strings.Contains(answer, "{{") || !strings.Contains(answer, "STOP") {
				t.Errorf("%s %d: %s", language, i, answer)
			}
		}
	}
}

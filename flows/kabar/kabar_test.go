package kabar_test

import (
	"context"
	"testing"
	"time"

	"pgregory.net/rapid"

	"tabe/bot"
	"tabe/bot/understand"
	"tabe/flows/kabar"
)

// agreed is what somebody has agreed to.
type agreed struct {
	list     []kabar.Subscription
	silenced bool
}

func (a agreed) Of(context.Context, bot.ResidentID) ([]kabar.Subscription, error) { return a.list, nil }
func (a agreed) Silenced(context.Context, bot.ResidentID) (bool, error)           { return a.silenced, nil }

func turn(text string) *bot.Turn {
	return &bot.Turn{
		Entry: bot.Entry{Message: bot.Message{Channel: "sms", Text: text}}, Resident: &bot.Resident{}, Conversation: &bot.Conversation{},
		Understood: understand.Result{Text: text}, Now: time.Now(),
	}
}

func TestWhatIsClaimed(t *testing.T) {
	f := kabar.New(agreed{}, true)
	for _, text := range []string{
		"STOP", "stop.", "Berhenti", "UNREG", "unreg pbb", "stop semua", "STOP PBB", "stop izin dong", "tolong stop", "stop berre'", "berhenti berita", "stop stop",
		"STOPALL", "stop all", "UNSUBSCRIBE", "optout",
		"mau berita", "berita kecamatan Citta", "apa saja yang dikabarkan",
	} {
		if !f.Claims(t.Context(), turn(text)) {
			t.Errorf("%q is not claimed", text)
		}
	}
	for _, text := range []string{
		"", "mulai", "menu", "lampu stop di perempatan mati", "bus berhenti di mana", "stop kontak di puskesmas rusak", "stop mafia pupuk",
		"aga kareba", "apa kabar", "pbb", "berita", "stop it now please ok",
		"cancel", "end", "quit", "help", "info", "yes", "unstop", // of these only Twilio knows how they were meant; see adapters/twilio
		"tidak ada berita kecamatan tentang jalan rusak di Citta itu",
	} {
		if f.Claims(t.Context(), turn(text)) {
			t.Errorf("%q is claimed", text)
		}
	}
	chosen := turn("stop")
	if chosen.Choice = "x"; f.Claims(t.Context(), chosen) {
		t.Error("the choice of another flow's question is claimed")
	}
	for _, a := range []agreed{{silenced: true}, {list: []kabar.Subscription{{Purpose: "permit", Stopped: time.Now()}}}} {
		if !kabar.New(a, true).Claims(t.Context(), turn("Mulai")) {
			t.Errorf("MULAI is not claimed for %+v", a)
		}
	}
}

// What a provider says for a resident ends everything, and he is told nothing;
// see TestAnOptOutAtTheProvider in cmd/tabe.
func TestAnOptOutIsSilent(t *testing.T) {
	told := turn("")
	told.Message = kabar.OptOut("7", "sms", "+6281100000401", "tel:+6281100000401")
	if err := kabar.New(agreed{}, true).Tell(t.Context(), told); err != nil {
		t.Error(err)
	}
	told.Notice.Kind = "something else"
	if err := kabar.New(agreed{}, true).Tell(t.Context(), told); err == nil {
		t.Error("a notice of an unknown kind is told")
	}
}

func TestNoTextIsTooStrange(t *testing.T) {
	f := kabar.New(agreed{silenced: true}, true)
	rapid.Check(t, func(r *rapid.T) {
		text := turn(rapid.String().Draw(r, "text"))
		f.Claims(t.Context(), text)
		f.Expects(text)
	})
}

func BenchmarkClaims(b *testing.B) {
	f := kabar.New(agreed{}, true)
	t := turn("berapa pajak bumi saya tahun ini")
	b.ReportAllocs()
	for b.Loop() {
		f.Claims(b.Context(), t)
	}
}

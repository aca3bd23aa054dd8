package pbb_test

import (
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"

	"tabe/bot"
	"tabe/bot/bottest"
	"tabe/bot/ident"
	"tabe/bot/understand"
	"tabe/flows/bahasa"
	"tabe/flows/menu"
	"tabe/flows/pbb"
	"tabe/flows/privasi"
	"tabe/locales"
	"tabe/ussd"
)

// sample is the extract that the demo shows.
const sample = "../../adapters/registry/pbb/sample/pbb.csv"

// loaded is when the sample was loaded, in the transcripts.
var loaded = time.Date(2026, 11, 23, 12, 0, 0, 0, bot.WITA)

// registry is pbb.Registry over a file.
type registry struct {
	mu      sync.Mutex
	objects map[ident.NOP]*pbb.Object
	down    bool
}

var errDown = errors.New("the registry is down")

func newRegistry(t testing.TB) *registry {
	t.Helper()
	file, err := os.Open(sample)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	rows, err := csv.NewReader(file).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	r := &registry{objects: map[ident.NOP]*pbb.Object{}}
	number := func(s string) int64 {
		n, _ := strconv.ParseInt(s, 10, 64)
		return n
	}
	day := func(s string) time.Time {
		d, _ := time.ParseInLocation(time.DateOnly, s, bot.WITA)
		return d
	}
	for _, row := range rows[1:] {
		nop := ident.NOP(row[0])
		if r.objects[nop] == nil {
			r.objects[nop] = &pbb.Object{NOP: nop, AsOf: loaded}
		}
		o := r.objects[nop]
		o.Years = append(o.Years, pbb.Year{
			Year: int(number(row[1])), Name: row[2], Address: row[3], Kecamatan: row[4], Desa: row[5],
			LandArea: number(row[6]), BuildingArea: number(row[7]),
			LandValue: bot.Rupiah(number(row[8])), BuildingValue: bot.Rupiah(number(row[9])), Allowance: bot.Rupiah(number(row[10])),
			Due: bot.Rupiah(number(row[11])), DueDate: day(row[12]), PaidOn: day(row[13]), Paid: bot.Rupiah(number(row[14])),
			Phone: ident.Phone(row[15]),
		})
	}
	for _, o := range r.objects {
		slices.SortFunc(o.Years, func(a, b pbb.Year) int { return b.Year - a.Year })
	}
	return r
}

func (r *registry) Object(_ context.Context, nop ident.NOP) (pbb.Object, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	switch o := r.objects[nop]; {
	case r.down:
		return pbb.Object{}, errDown
	case o == nil:
		return pbb.Object{}, pbb.ErrNotFound
	default:
		return *o, nil
	}
}

func (r *registry) Owned(_ context.Context, phone ident.Phone, limit int) ([]ident.NOP, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.down {
		return nil, errDown
	}
	var nops []ident.NOP
	for nop, o := range r.objects {
		if o.Years[0].Phone == phone {
			nops = append(nops, nop)
		}
	}
	slices.Sort(nops)
	return nops[:min(limit, len(nops))], nil
}

func (r *registry) AsOf(context.Context) (time.Time, error) {
	if r.down {
		return time.Time{}, errDown
	}
	return loaded, nil
}

// records keeps nothing.
type records struct{}

func (records) Of(context.Context, bot.ResidentID, int) (privasi.Kept, error) {
	return privasi.Kept{}, nil
}
func (records) Asked(string, string) string { return "" }

var ears = sync.OnceValues(understand.New)

// open makes an engine with everything real but the disk and the registry.
func open(t testing.TB, clock func() time.Time, r pbb.Registry) *bot.Engine {
	t.Helper()
	words, err := locales.New()
	if err != nil {
		t.Fatal(err)
	}
	ears, err := ears()
	if err != nil {
		t.Fatal(err)
	}
	home := menu.New(ears.Redact)
	dialogue := ussd.Format(ussd.MaxScreen)
	e, err := bot.New(bot.Config{
		Store: bottest.NewStore(clock), Words: words, Understand: ears.Understand, Clock: clock, Home: home,
		Flows: []bot.Flow{home, pbb.New(r, pbb.DefaultRules()), bahasa.New(), privasi.New(records{})},
		Formats: map[bot.ChannelID]bot.ChannelFormat{
			"sms": {Inline: true}, "whatsapp": {Inline: true}, "telegram": {Buttons: true, Inline: true}, ussd.Channel: dialogue,
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = e.Close(context.Background()) })
	return e
}

// phone is one resident with one channel.
type phone struct {
	t       testing.TB
	engine  *bot.Engine
	channel bot.ChannelID
	subject string
	n       int
}

func (p *phone) send(text string) []bot.Text {
	p.t.Helper()
	p.n++
	texts, err := p.engine.Converse(p.t.Context(), bot.Message{
		ID: strconv.Itoa(p.n), Channel: p.channel, Peer: "peer", Subject: p.subject, Text: text,
	})
	if err != nil {
		p.t.Fatalf("after %q: %v", text, err)
	}
	return texts
}

func (p *phone) state() bot.Position {
	p.t.Helper()
	pos, err := p.engine.Position(p.t.Context(), p.subject, p.channel)
	if err != nil {
		p.t.Fatal(err)
	}
	return pos
}

func TestRegistryDown(t *testing.T) {
	r := newRegistry(t)
	clock := bottest.NewClock(time.Date(2026, 11, 25, 9, 0, 0, 0, bot.WITA))
	p := &phone{t: t, engine: open(t, clock.Now, r), channel: "sms", subject: "tel:+6281100000444"}
	r.down = true
	p.send("pbb 731203200200190010")
	if got := p.state(); got.State != "unavailable" {
		t.Fatalf("%+v", got)
	}
	r.down = false
	p.send("1") // try again
	if got := p.state(); got.State != "bill" {
		t.Fatalf("%+v", got)
	}
}

// A telephone number in the newest assessment makes its bearer the owner, on a
// channel that proves the number and nowhere else.
func TestNobodyLearnsANameThatIsNotHis(t *testing.T) {
	clock := bottest.NewClock(time.Date(2026, 11, 25, 9, 0, 0, 0, bot.WITA))
	for _, c := range []struct {
		channel bot.ChannelID
		subject string
		own     bool
	}{
		{"sms", "tel:+6281100000401", true},
		{"whatsapp", "tel:+6281100000401", true},
		{"sms", "tel:+6281100000402", false},
		{"telegram", "telegram:6281100000401", false},
	} {
		p := &phone{t: t, engine: open(t, clock.Now, newRegistry(t)), channel: c.channel, subject: c.subject}
		text := fmt.Sprint(p.send("pbb 731203200200190010"))
		if contains(text, "MAPPA") != c.own || contains(text, "DUSUN") {
			t.Errorf("%s %s: %s", c.channel, c.subject, text)
		}
	}
}

func contains(text, part string) bool {
	for i := 0; i+len(part) <= len(text); i++ {
		if text[i:i+len(part)] == part {
			return true
		}
	}
	return false
}

func TestAnythingGetsAnAnswer(t *testing.T) {
	r := newRegistry(t)
	f := pbb.New(r, pbb.DefaultRules())
	clock := bottest.NewClock(time.Date(2026, 11, 25, 9, 0, 0, 0, bot.WITA))
	engine := open(t, clock.Now, r)
	texts := rapid.OneOf(
		rapid.SampledFrom([]string{
			"berapa pbb saya", "siaga pajakku", "1", "2", "3", "4", "5", "6", "7", "8", "9", "0", "iya", "de'", "batal", "kenapa naik",
			"balik nama pbb", "pecah sppt", "bayar pbb di mana", "sudah bayar di pak dusun tapi belum masuk", "simpan",
			"731203200200190010", "7312032002001900102024", "73120320020019001", "731206000800290080 731204000200190020",
			"730803200200190010", "731203200200199990", "7312030508801234", "basa ugi", "berapa pbb tahun 2024", "hapus data saya",
		}),
		rapid.StringMatching(`[0-9 .-]{1,30}`),
		rapid.String(),
	)
	n := 0
	rapid.Check(t, func(rt *rapid.T) {
		n++
		subject := rapid.SampledFrom([]string{"tel:+62811000004%02d", "tel:+6281255500%03d", "telegram:%d"}).Draw(rt, "subject")
		channel := rapid.SampledFrom([]bot.ChannelID{"sms", "ussd", "telegram"}).Draw(rt, "channel")
		p := &phone{t: t, engine: engine, channel: channel, subject: fmt.Sprintf(subject, n%17), n: n * 1000}
		for _, text := range rapid.SliceOfN(texts, 1, 12).Draw(rt, "texts") {
			answers := p.send(text)
			if len(answers) == 0 {
				rt.Fatalf("no answer to %q", text)
			}
			for _, a := range answers {
				if a.Body == "" || contains(a.Body, "no value") || contains(a.Body, "sistem sibuk") || contains(a.Body, "sibu' sistem") {
					rt.Fatalf("%q is answered %q", text, a.Body)
				}
			}
			if pos := p.state(); pos.Flow == "pbb" && !f.Knows(pos.State) {
				rt.Fatalf("%q leads to %q", text, pos.State)
			}
		}
	})
}

func BenchmarkBill(b *testing.B) {
	clock := bottest.NewClock(time.Date(2026, 11, 25, 9, 0, 0, 0, bot.WITA))
	p := &phone{t: b, engine: open(b, clock.Now, newRegistry(b)), channel: "sms", subject: "tel:+6281100000401"}
	b.ReportAllocs()
	for b.Loop() {
		p.send("berapa pbb saya")
	}
}

package pengaduan_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"

	"tabe/bot"
	"tabe/bot/bottest"
	"tabe/bot/understand"
	"tabe/flows/menu"
	"tabe/flows/pengaduan"
	"tabe/locales"
	"tabe/ussd"
)

// book is a store that also applies the effects of complaints, in memory, and
// so is the register.
type book struct {
	*bottest.Store
	mu      sync.Mutex
	filed   []pengaduan.Filed
	tickets []pengaduan.Ticket
	added   []pengaduan.Added
	down    bool
}

func (b *book) Commit(ctx context.Context, done bot.Done) ([]bot.Outbound, error) {
	send, err := b.Store.Commit(ctx, done)
	if err != nil {
		return nil, err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, e := range done.Effects {
		switch e := e.(type) {
		case pengaduan.Filed:
			b.filed = append(b.filed, e)
			t := pengaduan.Ticket{Number: e.Number, Resident: done.Entry.Resident, Status: pengaduan.StatusNew, Office: e.Office, Kind: e.Kind, Text: e.Text, Filed: done.Entry.At, Updated: done.Entry.At}
			if e.Mute {
				t.Resident = ""
			}
			b.tickets = append(b.tickets, t)
		case pengaduan.Added:
			b.added = append(b.added, e)
		}
	}
	return send, nil
}

var errDown = errors.New("the register is down")

func (b *book) Ticket(_ context.Context, n pengaduan.Number) (pengaduan.Ticket, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.down {
		return pengaduan.Ticket{}, errDown
	}
	for _, t := range b.tickets {
		if t.Number == n {
			return t, nil
		}
	}
	return pengaduan.Ticket{}, pengaduan.ErrNotFound
}

func (b *book) Own(_ context.Context, id bot.ResidentID, limit int) ([]pengaduan.Ticket, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.down {
		return nil, errDown
	}
	var own []pengaduan.Ticket
	for _, t := range slices.Backward(b.tickets) {
		if t.Resident == id && len(own) < limit {
			own = append(own, t)
		}
	}
	return own, nil
}

// oneVillage is a regency of one desa.
type oneVillage struct{}

func (oneVillage) Nearest(at bot.Location) (desa, kecamatan string, ok bool) {
	return "Citta", "Citta", at.Lat > -4.6 && at.Lat < -4 && at.Lng > 119 && at.Lng < 121
}
func (oneVillage) Kecamatan(string) string                   { return "Citta" }
func (oneVillage) Mentioned(string) (desa, kecamatan string) { return "", "" }

var ears = sync.OnceValues(understand.New)

type house struct {
	book   *book
	engine *bot.Engine
	flow   *pengaduan.Flow
	clock  *bottest.Clock
}

func open(t testing.TB) *house {
	t.Helper()
	words, err := locales.New()
	if err != nil {
		t.Fatal(err)
	}
	ears, err := ears()
	if err != nil {
		t.Fatal(err)
	}
	h := &house{clock: bottest.NewClock(time.Date(2026, 11, 25, 9, 0, 0, 0, bot.WITA))}
	h.book = &book{Store: bottest.NewStore(h.clock.Now)}
	h.flow = pengaduan.New(h.book, oneVillage{}, pengaduan.DefaultCatalogue())
	home := menu.New(ears.Redact)
	h.engine, err = bot.New(bot.Config{
		Store: h.book, Words: words, Understand: ears.Understand, Clock: h.clock.Now, Home: home, Flows: []bot.Flow{home, h.flow},
		Formats: map[bot.ChannelID]bot.ChannelFormat{
			"sms": {Inline: true}, "whatsapp": {Inline: true}, "telegram": {Buttons: true, Inline: true}, ussd.Channel: ussd.Format(ussd.MaxScreen),
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = h.engine.Close(context.Background()) })
	return h
}

type phone struct {
	*house
	t       testing.TB
	channel bot.ChannelID
	subject string
	n       int
}

func (h *house) phone(t testing.TB, subject string) *phone {
	return &phone{house: h, t: t, channel: "sms", subject: subject}
}

func (p *phone) send(m bot.Message) string {
	p.t.Helper()
	p.n++
	m.ID, m.Channel, m.Peer, m.Subject = p.subject+strconv.Itoa(p.n), p.channel, "peer", p.subject
	texts, err := p.engine.Converse(p.t.Context(), m)
	if err != nil {
		p.t.Fatalf("after %q: %v", m.Text, err)
	}
	var all []string
	for _, text := range texts {
		all = append(all, text.Numbered())
	}
	return strings.Join(all, "\n")
}

func (p *phone) say(text string) string { p.t.Helper(); return p.send(bot.Message{Text: text}) }

func (p *phone) state() string {
	p.t.Helper()
	pos, err := p.engine.Position(p.t.Context(), p.subject, p.channel)
	if err != nil {
		p.t.Fatal(err)
	}
	return pos.Flow + " " + pos.State
}

func TestAWholeComplaintTakesOneConfirmation(t *testing.T) {
	h := open(t)
	for i, text := range []string{
		"lampu jalan mati di depan pasar cabbenge", "sampah menumpuk di kelurahan botto", "lampu laleng mate ri Galung",
		"jalan berlubang di desa citta", "air pdam mati sudah seminggu di desa ganra", "pupuk subsidi tidak ada di kios desa kessing",
	} {
		p := h.phone(t, fmt.Sprint("tel:+628125550", 1000+i))
		p.say(text)
		if got := p.state(); got != "pengaduan review" {
			t.Errorf("%q leads to %s", text, got)
			continue
		}
		p.say("ya")
		if got := h.book.filed[len(h.book.filed)-1]; got.Text != text || got.Anonymous || got.Office == "" {
			t.Errorf("%q is filed as %+v", text, got)
		}
	}
}

func TestWhatIsFiled(t *testing.T) {
	h := open(t)
	p := h.phone(t, "tel:+6281255501100")
	p.channel = "whatsapp"
	p.send(bot.Message{Text: "jalan rusak berlubang", Media: "foto", MediaRef: "one"})
	p.send(bot.Message{Location: &bot.Location{Lat: -4.4, Lng: 120}})
	for i := range 9 {
		p.send(bot.Message{Media: "foto", MediaRef: fmt.Sprint(i)})
	}
	p.say("1")
	if len(h.book.filed) != 1 {
		t.Fatalf("%+v", h.book.filed)
	}
	f := h.book.filed[0]
	if len(f.Media) != 5 || f.Media[0].Ref != "one" || f.Place.Location == nil || f.Place.Desa != "Citta" || f.Kind != "road" || f.Office != "dpupr" || f.Confidential {
		t.Errorf("%+v", f)
	}
	p.say("pungli di kantor lurah, petugas minta uang")
	p.say("ya")
	p.say("2")
	p.say("2")
	f = h.book.filed[len(h.book.filed)-1]
	if !f.Confidential || !f.Anonymous || !f.Mute || f.Office != "inspektorat" || f.Consent != "pengaduan.ask_reply" || f.Name != "" {
		t.Errorf("%+v", f)
	}
}

// A stranger who has the number sees how far it is, and nothing of the words.
func TestNobodyReadsWhatIsNotHis(t *testing.T) {
	h := open(t)
	p := h.phone(t, "tel:+6281255501200")
	p.say("lampu jalan mati di depan rumah Ambo Dalle desa citta")
	p.say("1")
	n := string(h.book.filed[0].Number)
	if own := p.say(n); !strings.Contains(own, "Ambo Dalle") {
		t.Errorf("the owner reads %q", own)
	}
	h.book.mu.Lock()
	h.book.tickets[0].Answer, h.book.tickets[0].Reference, h.book.tickets[0].Status = "Rahasia kantor", "9876543", pengaduan.StatusHanded
	h.book.mu.Unlock()
	stranger := h.phone(t, "tel:+6281255501201")
	text := stranger.say(n)
	for _, secret := range []string{"Ambo", "lampu", "Rahasia", "9876543", "Perhubungan"} {
		if strings.Contains(text, secret) {
			t.Errorf("a stranger reads %q", text)
		}
	}
	for _, add := range []string{"tambah ini bukan punya saya", "1", "tambah"} {
		stranger.say(add)
	}
	if len(h.book.added) > 0 {
		t.Errorf("a stranger added %+v", h.book.added)
	}
}

func TestGuessingIsStopped(t *testing.T) {
	h := open(t)
	p := h.phone(t, "tel:+6281255501300")
	looked := 0
	for i := range int64(40) {
		if text := p.say(string(pengaduan.NumberOf(pengaduan.FromResident, 5000+i))); strings.Contains(text, "tidak ada") {
			looked++
		}
	}
	if looked > 3 {
		t.Errorf("%d numbers could be tried at once", looked)
	}
}

func TestAFloodIsSlowedDown(t *testing.T) {
	h := open(t)
	p := h.phone(t, "tel:+6281255501400")
	for i := range 40 {
		p.say(fmt.Sprint("lampu jalan nomor ", i, " mati di desa citta"))
		p.say("1")
	}
	if n := len(h.book.filed); n < 5 || n > 12 {
		t.Errorf("%d complaints were taken at once", n)
	}
	if got := p.state(); got != "pengaduan limited" {
		t.Errorf("in %s", got)
	}
	before := len(h.book.filed)
	p.say("0")
	h.clock.Advance(25 * time.Hour)
	p.say("lampu jalan mati di desa citta")
	p.say("1")
	if len(h.book.filed) != before+1 {
		t.Error("still refused the next day")
	}
}

func TestTheSameAgainIsNotFiledTwice(t *testing.T) {
	h := open(t)
	p := h.phone(t, "tel:+6281255501600")
	p.say("lampu jalan mati di desa citta")
	p.say("1")
	p.say("Lampu jalan mati  di desa Citta")
	if text := p.say("ya"); len(h.book.filed) != 1 || !strings.Contains(text, string(h.book.filed[0].Number)) {
		t.Errorf("%d filed: %q", len(h.book.filed), text)
	}
	other := h.phone(t, "tel:+6281255501601")
	other.say("lampu jalan mati di desa citta")
	other.say("1")
	if len(h.book.filed) != 2 {
		t.Error("what somebody else said is kept from the office")
	}
}

func TestTheRegisterIsDown(t *testing.T) {
	h := open(t)
	p := h.phone(t, "tel:+6281255501500")
	h.book.down = true
	p.say("laporan saya sudah sampai mana")
	if got := p.state(); got != "pengaduan unavailable" {
		t.Errorf("in %s", got)
	}
	p.say("lampu jalan mati di desa citta")
	p.say("1")
	if len(h.book.filed) != 1 {
		t.Error("a complaint needs no register")
	}
}

func TestTell(t *testing.T) {
	h := open(t)
	tell := func(kind, body string) (string, error) {
		turn := &bot.Turn{Entry: bot.Entry{Message: bot.Message{Notice: &bot.Notice{Flow: "pengaduan", Kind: kind, Body: json.RawMessage(body)}}}, Resident: &bot.Resident{}, Conversation: &bot.Conversation{}}
		return "", h.flow.Tell(t.Context(), turn)
	}
	for _, kind := range []string{"answered", "closed", "handed"} {
		if _, err := tell(kind, `{"n":"P-8XM9","o":"dishub","w":"`+strings.Repeat("kata ", 200)+`"}`); err != nil {
			t.Error(kind, err)
		}
	}
	for kind, body := range map[string]string{"taken": `{"n":"P-8XM9"}`, "answered": `[]`, "": `{}`} {
		if _, err := tell(kind, body); err == nil {
			t.Errorf("%s %s is told", kind, body)
		}
	}
}

func TestCatalogue(t *testing.T) {
	c := pengaduan.DefaultCatalogue()
	for _, k := range c.Kinds {
		if k.Public && k.Confidential {
			t.Errorf("%s is public and confidential", k.Code)
		}
	}
	if k := c.Kind("rocket"); k.Public || k.Offices[0] != c.General {
		t.Errorf("an unknown kind: %+v", k)
	}
	good := "general = \"a\"\noversight = \"a\"\n[[office]]\ncode = \"a\"\nname = \"A\"\n"
	if _, err := pengaduan.ParseCatalogue(strings.NewReader(good)); err != nil {
		t.Fatal(err)
	}
	for _, bad := range []string{
		"", "general = \"b\"\n" + strings.TrimPrefix(good, "general = \"a\"\n"), good + "[[kind]]\ncode = \"x\"\n",
		good + "[[kind]]\ncode = \"x\"\nname = \"X\"\noffices = [\"b\"]\n", good + "surprise = 1\n",
		good + "[[kind]]\ncode = \"x\"\nname = \"X\"\n[[kind]]\ncode = \"x\"\nname = \"Y\"\n",
	} {
		if _, err := pengaduan.ParseCatalogue(strings.NewReader(bad)); err == nil {
			t.Errorf("accepted: %s", bad)
		}
	}
}

func TestAnythingGetsAnAnswer(t *testing.T) {
	h := open(t)
	texts := rapid.OneOf(
		rapid.SampledFrom([]string{
			"mau lapor", "elo'ka mallaporo", "lampu jalan mati", "got tersumbat", "di desa citta dekat masjid", "1", "2", "3", "4", "5", "6", "7", "9",
			"ya", "tidak", "iye", "de'", "pungli di pasar", "mohon ditertibkan tempat judi", "laporan saya", "tambah: masih mati", "tanpa nama", "tidak tahu",
			"dinas lingkungan hidup", "P-8XM9", "P-PHPD", "batal", "menu", "siapa kamu", "Andi Tenri", "-4.4, 120.0",
		}),
		rapid.StringMatching(`[pPwW]? ?-?[0-9A-Z]{1,8}`),
		rapid.String(),
	)
	n := 0
	rapid.Check(t, func(rt *rapid.T) {
		n++
		p := h.phone(t, fmt.Sprintf("tel:+62812555%05d", n%29))
		p.n = n * 1000
		p.channel = rapid.SampledFrom([]bot.ChannelID{"sms", "ussd", "telegram", "whatsapp"}).Draw(rt, "channel")
		for range rapid.IntRange(1, 12).Draw(rt, "messages") {
			m := bot.Message{Text: texts.Draw(rt, "text")}
			switch rapid.IntRange(0, 9).Draw(rt, "besides") {
			case 0:
				m.Media, m.MediaRef = "foto", "ref"
			case 1:
				m.Location = &bot.Location{Lat: rapid.Float64Range(-6, 0).Draw(rt, "lat"), Lng: rapid.Float64Range(118, 122).Draw(rt, "lng")}
			case 2:
				m.Text, m.Media = "", "suara"
			}
			answer := p.send(m)
			if answer == "" || strings.Contains(answer, "no value") || strings.Contains(answer, "sistem sibuk") || strings.Contains(answer, "sibu' sistem") {
				rt.Fatalf("%+v is answered %q", m, answer)
			}
			if flow, state, _ := strings.Cut(p.state(), " "); flow == "pengaduan" && !h.flow.Knows(state) {
				rt.Fatalf("%+v leads to %q", m, state)
			}
		}
	})
	for _, f := range h.book.filed {
		if f.Text == "" || f.Office == "" || f.Mute && !f.Anonymous {
			t.Fatalf("%+v", f)
		}
	}
}

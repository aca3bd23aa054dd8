package console_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"tabe/adapters/complaints"
	"tabe/adapters/database"
	"tabe/adapters/desk"
	"tabe/adapters/scc"
	"tabe/adapters/scc/alerts"
	"tabe/adapters/scc/audit"
	"tabe/adapters/scc/chart"
	"tabe/adapters/scc/console"
	"tabe/adapters/scc/geo"
	"tabe/adapters/scc/operators"
	"tabe/adapters/store"
	"tabe/adapters/testserver"
	"tabe/adapters/unanswered"
	"tabe/bot"
	"tabe/bot/understand"
	"tabe/flows/darurat"
	"tabe/flows/menu"
	"tabe/flows/pengaduan"
	"tabe/flows/petugas"
)

// always is a desk that is open for two hours from now on.
type always struct{}

func (always) Opening(t time.Time) (from, until time.Time, ok bool) {
	return t, t.Add(4 * time.Hour), true
}

// house is a console with everything behind it but the conversations' engine:
// a test writes what a flow would.
type house struct {
	*center
	store *store.Store
	scc   *scc.Center
	album album
	n     int
}

func openHouse(t *testing.T) *house {
	t.Helper()
	return openHouseOn(t, testserver.SQLiteURL(t))
}

// houses runs a test on a house in each database.
func houses(t *testing.T, test func(t *testing.T, h *house)) {
	t.Helper()
	testserver.DatabaseURLs(t, func(t *testing.T, newURL func(testing.TB) string) { test(t, openHouseOn(t, newURL(t))) })
}

func openHouseOn(t *testing.T, url string) *house {
	t.Helper()
	h := &house{}
	h.center = openOn(t, url, func(c *center, config *console.Config) {
		log := slog.New(slog.NewTextHandler(t.Output(), nil))
		register, err := complaints.NewRegister(c.db, secret, func(s string) string { return s })
		if err != nil {
			t.Fatal(err)
		}
		cases, err := desk.New(desk.Config{DB: c.db, Secret: secret, Hours: always{}, Clock: c.clock, Log: log, Event: audit.Append})
		if err != nil {
			t.Fatal(err)
		}
		effects := append(register.Effects(), cases.Effects()...)
		effects = append(effects, store.On(func(tx *database.Tx, e bot.Entry, r darurat.Report) error { return h.scc.Report(tx, e, r) }))
		if h.store, err = store.New(c.db, secret, c.clock, effects...); err != nil {
			t.Fatal(err)
		}
		cases.Connect(h.store)
		if h.scc, err = scc.New(scc.Config{
			DB: c.db, Secret: secret, Map: geo.New(), Mail: func() scc.Mail { return h.store }, Event: c.stream.Append,
			Channels: []bot.ChannelID{"sms", "whatsapp"}, Clock: c.clock, Log: log,
		}); err != nil {
			t.Fatal(err)
		}
		config.Incidents, config.Map, config.Chart = h.scc, h.scc.Map, chart.New(h.scc.Map)
		config.Reports, config.Alerts = h.scc, &alerts.Book{DB: c.db, Event: c.stream.Append, Clock: c.clock}
		config.Deliveries = h.store
		config.Conversations, config.Shift, config.Catalogue = cases, h.scc, pengaduan.DefaultCatalogue()
		config.Media = &h.album
		config.Complaints = complaints.NewDesk(register, config.Catalogue, h.store, nil, c.clock)
	})
	return h
}

const siti = "+6281100000401"

// sends has a resident send a message that leads to an effect.
func (h *house) sends(text string, effects ...bot.Effect) bot.Entry {
	h.t.Helper()
	return h.sendsMessage(bot.Message{Text: text}, effects...)
}

// sendsMedium is sends for a picture, a recording.
func (h *house) sendsMedium(kind, ref string, effects ...bot.Effect) bot.Entry {
	h.t.Helper()
	return h.sendsMessage(bot.Message{Media: kind, MediaRef: ref}, effects...)
}

func (h *house) sendsMessage(m bot.Message, effects ...bot.Effect) bot.Entry {
	h.t.Helper()
	h.n++
	m.ID, m.Channel, m.Peer, m.Subject, m.At = fmt.Sprint("m", h.n), "whatsapp", siti, "tel:"+siti, h.clock()
	e, _, err := h.store.Accept(h.t.Context(), m)
	if err != nil {
		h.t.Fatal(err)
	}
	state, err := h.store.Load(h.t.Context(), e.Resident)
	if err != nil {
		h.t.Fatal(err)
	}
	if _, err := h.store.Commit(h.t.Context(), bot.Done{Entry: e, Before: state.Version, State: []byte("1{}"), Effects: effects}); err != nil {
		h.t.Fatal(err)
	}
	return e
}

// told returns what waits to be told to Siti, one line a notice.
func (h *house) told() string {
	h.t.Helper()
	waiting, err := h.store.Pending(h.t.Context(), h.store.ID("tel:"+siti), 100)
	if err != nil {
		h.t.Fatal(err)
	}
	var all []string
	for _, e := range waiting {
		var body map[string]any
		if err := json.Unmarshal(e.Notice.Body, &body); err != nil {
			h.t.Fatal(err)
		}
		all = append(all, strings.TrimSpace(fmt.Sprint(e.Notice.Flow, " ", e.Notice.Kind, " ", body["w"], " ", body["t"])))
	}
	return strings.Join(all, "\n")
}

func (h *house) events() string {
	h.t.Helper()
	events, err := h.stream.Since(h.t.Context(), 0, 1000)
	if err != nil {
		h.t.Fatal(err)
	}
	var all strings.Builder
	for _, e := range events {
		fmt.Fprintln(&all, e.Actor, e.Kind, e.Body)
	}
	return all.String()
}

func TestAConversationWithAPerson(t *testing.T) { houses(t, aConversationWithAPerson) }

func aConversationWithAPerson(t *testing.T, h *house) {
	h.add("andi", operators.Dispatcher)
	h.add("budi", operators.Dispatcher)
	h.add("sari", operators.Supervisor)
	h.sends("PBB saya salah alamat", petugas.Request{Reason: petugas.ReasonAsked, From: h.clock(), Until: h.clock().Add(time.Hour)})
	andi, budi, sari := h.signIn("andi"), h.signIn("budi"), h.signIn("sari")

	andi.get("/scc/percakapan")
	andi.shows("Menunggu (1)", "1 orang menunggu", `action="/scc/percakapan/1/ambil"`)
	andi.get("/scc/percakapan/1")
	andi.shows("PBB saya salah alamat", siti)
	andi.hides("/jawab")
	if status := andi.post("/scc/percakapan/1/jawab", "text", "halo"); status != http.StatusConflict {
		t.Errorf("answered without taking: %d", status)
	}
	andi.get("/scc/percakapan/1")

	// Two take it at once: one gets it, the other one is told.
	budi.get("/scc/percakapan/1")
	var wg sync.WaitGroup
	statuses := make([]int, 2)
	for i, b := range []*browser{andi, budi} {
		wg.Go(func() { statuses[i] = b.post("/scc/percakapan/1/ambil") })
	}
	wg.Wait()
	if statuses[0]+statuses[1] != http.StatusOK+http.StatusConflict {
		t.Fatalf("%v", statuses)
	}
	winner, loser := andi, budi
	if statuses[1] == http.StatusOK {
		winner, loser = budi, andi
	}
	loser.shows("Sudah diambil petugas lain")
	winner.shows("ditangani", "/jawab")

	if status := winner.post("/scc/percakapan/1/jawab", "text", "Alamat sudah kami perbaiki, Bu."); status != http.StatusOK {
		t.Errorf("%d", status)
	}
	if status := winner.post("/scc/percakapan/1/jawab", "text", " "); status != http.StatusBadRequest {
		t.Errorf("%d", status)
	}
	winner.get("/scc/percakapan/1")
	if status := winner.post("/scc/percakapan/1/jawab", "text", strings.Repeat("a", petugas.MaxLine+1)); status != http.StatusBadRequest {
		t.Errorf("%d", status)
	}
	loser.get("/scc/percakapan/1")
	loser.hides("/jawab")
	if status := loser.post("/scc/percakapan/1/jawab", "text", "saya juga"); status != http.StatusConflict {
		t.Errorf("%d", status)
	}
	loser.get("/scc/percakapan/1")
	if status := loser.post("/scc/percakapan/1/alihkan"); status != http.StatusForbidden {
		t.Errorf("taken away without the right: %d", status)
	}
	sari.get("/scc/percakapan/1")
	sari.shows("Ambil alih dari")
	if status := sari.post("/scc/percakapan/1/alihkan"); status != http.StatusOK {
		t.Errorf("%d", status)
	}
	if status := sari.post("/scc/percakapan/1/selesai", "outcome", "apa saja"); status != http.StatusBadRequest {
		t.Errorf("%d", status)
	}
	sari.get("/scc/percakapan/1")
	if status := sari.post("/scc/percakapan/1/selesai", "outcome", desk.Answered); status != http.StatusOK {
		t.Errorf("%d", status)
	}
	sari.shows("terjawab", "Tidak ada yang menunggu")

	told := h.told()
	for _, want := range []string{"petugas taken Ibu ", "petugas said Ibu ", "Alamat sudah kami perbaiki, Bu.", "petugas closed Ibu sari"} {
		if !strings.Contains(told, want) {
			t.Errorf("Siti is not told %q:\n%s", want, told)
		}
	}
	events := h.events()
	for _, want := range []string{"resident desk.asked 1", "andi resident.seen conversation 1", " desk.taken 1", " desk.said 1", "sari desk.reassigned 1", "sari desk.closed 1"} {
		if !strings.Contains(events, want) {
			t.Errorf("the stream lacks %q:\n%s", want, events)
		}
	}
	if strings.Count(events, "andi resident.seen conversation 1") != 1 {
		t.Errorf("one look is written several times:\n%s", events)
	}
	for _, personal := range []string{siti, "alamat", "Alamat"} {
		if strings.Contains(events, personal) {
			t.Errorf("the stream holds %q:\n%s", personal, events)
		}
	}
}

func TestACallThatIsDue(t *testing.T) {
	h := openHouse(t)
	h.add("andi", operators.Dispatcher)
	h.add("budi", operators.Dispatcher)
	h.sends("TELPON", petugas.Request{Reason: petugas.ReasonCall, Phone: siti, From: h.clock().Add(time.Hour), Until: h.clock().Add(3 * time.Hour)})
	b := h.signIn("andi")
	b.get("/scc/percakapan")
	b.shows("Dijanjikan dihubungi (1)", "Tidak ada yang menunggu", "minta ditelepon")
	h.later(time.Hour)
	b.get("/scc/percakapan")
	b.shows("1 orang menunggu")
	b.post("/scc/percakapan/1/ambil")
	b.shows(`href="tel:` + siti + `"`)
	b.post("/scc/percakapan/1/tidak-diangkat")
	b.shows("1× tidak diangkat", "dijanjikan")
	b.post("/scc/percakapan/1/ambil")
	b.shows(`<option value="budi">Ibu budi`)
	b.post("/scc/percakapan/1/serahkan", "to", "hantu")
	b.get("/scc/percakapan/1")
	b.post("/scc/percakapan/1/serahkan", "to", "budi")
	b.shows("oleh Ibu budi")
	b.hides("/jawab")
	other := h.signIn("budi")
	other.get("/scc/percakapan/1")
	other.post("/scc/percakapan/1/serahkan", "to", "")
	other.shows("Menunggu (1)")
}

func TestAComplaint(t *testing.T) { houses(t, aComplaint) }

func aComplaint(t *testing.T, h *house) {
	h.add("andi", operators.Dispatcher)
	h.add("budi", operators.Dispatcher)
	h.add("kepala", operators.Admin)
	lamp, secretOne := pengaduan.NumberOf(pengaduan.FromResident, 1), pengaduan.NumberOf(pengaduan.FromResident, 2)
	h.sends("lampu jalan mati", pengaduan.Filed{Number: lamp, Text: "lampu jalan mati <b>gelap</b>", Kind: "street_light", Office: "dishub",
		Place: pengaduan.Place{Landmark: "depan pasar", Desa: "Cabenge", Kecamatan: "Lilirilau"}, Name: "Siti"})
	h.later(time.Minute)
	h.sends("pungli", pengaduan.Filed{Number: secretOne, Text: "diminta uang", Kind: "", Office: "inspektorat", Anonymous: true, Confidential: true, Name: "Siti"})
	andi, budi := h.signIn("andi"), h.signIn("budi")
	andi.get("/scc/pengaduan")
	andi.shows(string(lamp), string(secretOne), "lampu jalan mati <b>gelap</b>", `<span class="count">2</span>`)
	andi.get("/scc/pengaduan?office=dishub&status=new")
	andi.shows(string(lamp))
	andi.hides(string(secretOne))

	path := "/scc/pengaduan/" + string(lamp)
	andi.get(path)
	andi.shows("depan pasar", "Siti", siti, "Ambil")
	budi.get(path)
	if status := andi.post(path + "/ambil"); status != http.StatusOK {
		t.Errorf("%d", status)
	}
	if status := budi.post(path+"/jawab", "words", "saya duluan"); status != http.StatusConflict {
		t.Errorf("%d", status)
	}
	budi.shows("Sudah diambil petugas lain", "(andi)")
	andi.get("/scc/pengaduan?mine=1")
	andi.shows(string(lamp))
	andi.get(path)
	andi.post(path+"/jawab", "words", "Besok diganti.")
	andi.shows("dijawab", "Besok diganti.")
	andi.post(path+"/umum", "words", "Lampu jalan di depan pasar Cabenge mati.")
	andi.shows("Dibaca umum", "Sembunyikan")
	andi.post(path + "/sembunyi")
	andi.hides("Dibaca umum")
	andi.post(path+"/lapor", "words", "7123456")
	andi.shows("diteruskan ke SP4N-LAPOR!", "7123456")
	if status := andi.post(path+"/pindah", "office", "kantor hantu"); status != http.StatusBadRequest {
		t.Errorf("%d", status)
	}
	andi.get(path)
	andi.post(path+"/pindah", "office", "dpupr")
	andi.post(path+"/tutup", "words", "")
	andi.shows("selesai")
	if status := andi.post(path+"/jawab", "words", "lagi"); status != http.StatusConflict && status != http.StatusForbidden {
		t.Errorf("%d", status)
	}

	hidden := "/scc/pengaduan/" + string(secretOne)
	andi.get(hidden)
	andi.shows("tidak mau disebut", "rahasia")
	andi.hides("Siti", siti, "/lapor", "/umum")
	if status := andi.post(hidden+"/lapor", "words", "7123457"); status != http.StatusConflict {
		t.Errorf("a confidential one is handed over: %d", status)
	}
	for _, want := range []string{"pengaduan answered Besok diganti.", "pengaduan handed", "pengaduan closed"} {
		if !strings.Contains(h.told(), want) {
			t.Errorf("Siti is not told %q:\n%s", want, h.told())
		}
	}
	for _, want := range []string{"andi resident.seen complaint " + string(lamp), "andi complaint.taken", "andi complaint.answered", "andi complaint.published", "andi complaint.hidden", "andi complaint.handed", "andi complaint.moved", "andi complaint.closed"} {
		if !strings.Contains(h.events(), want) {
			t.Errorf("the stream lacks %q:\n%s", want, h.events())
		}
	}
	if status := andi.get("/scc/pengaduan/P-XXXX"); status != http.StatusNotFound {
		t.Errorf("%d", status)
	}
	kepala := h.signIn("kepala")
	for _, p := range []string{"/scc/pengaduan", path, "/scc/percakapan", "/scc/percakapan/1", "/scc/tak-terjawab", "/scc/petugas"} {
		if status := kepala.get(p); status != http.StatusForbidden {
			t.Errorf("an admin sees %s: %d", p, status)
		}
	}
}

func TestALongListOfComplaints(t *testing.T) {
	h := openHouse(t)
	h.add("andi", operators.Dispatcher)
	const all = 65
	for i := range all {
		h.sends("lampu", pengaduan.Filed{Number: pengaduan.NumberOf(pengaduan.FromResident, int64(i)), Text: "lampu", Kind: "street_light", Office: "dishub"})
	}
	b := h.signIn("andi")
	seen := map[string]bool{}
	for path, pages := "/scc/pengaduan?office=dishub", 0; path != ""; pages++ {
		if pages > 3 {
			t.Fatal("the list has no end")
		}
		b.get(path)
		for _, part := range strings.Split(b.body, `<tr data-row="`)[1:] {
			number, _, _ := strings.Cut(part, `"`)
			if seen[number] {
				t.Errorf("%s comes twice", number)
			}
			seen[number] = true
		}
		_, rest, ok := strings.Cut(b.body, `<a class="button" href="`)
		path = ""
		if ok {
			path, _, _ = strings.Cut(rest, `"`)
			path = strings.ReplaceAll(path, "&amp;", "&")
		}
	}
	if len(seen) != all {
		t.Errorf("%d of %d are seen", len(seen), all)
	}
}

func TestLabellingWhatNobodyUnderstood(t *testing.T) {
	h := openHouse(t)
	h.add("andi", operators.Dispatcher)
	if err := h.db.Do(t.Context(), func(tx *database.Tx) error {
		return unanswered.Save(tx, h.clock(), menu.Unanswered{Text: "magani ampulu", Language: "bug", Guess: understand.Guess{Intent: understand.TaxBill}})
	}); err != nil {
		t.Fatal(err)
	}
	b := h.signIn("andi")
	b.get("/scc/tak-terjawab")
	b.shows("magani ampulu", `value="tax_bill" selected`)
	if status := b.post("/scc/tak-terjawab/1", "label", "apa saja"); status != http.StatusBadRequest {
		t.Errorf("%d", status)
	}
	b.get("/scc/tak-terjawab")
	b.post("/scc/tak-terjawab/1", "label", "tax_how_to_pay")
	b.shows("Tidak ada yang menunggu")
	var exported bytes.Buffer
	if n, err := unanswered.Export(t.Context(), h.db, &exported); n != 1 || err != nil || !strings.Contains(exported.String(), "tax_how_to_pay") {
		t.Error(n, err, exported.String())
	}
}

func TestWhoIsOnShift(t *testing.T) {
	h := openHouse(t)
	h.add("andi", operators.Dispatcher)
	h.add("rahma", operators.Auditor)
	andi, rahma := h.signIn("andi"), h.signIn("rahma")
	andi.get("/scc/petugas")
	tab := strings.Repeat("ab", 16)
	if status := andi.post("/scc/alarm", "console", tab, "armed", "1"); status != http.StatusNoContent {
		t.Errorf("%d", status)
	}
	if status := andi.post("/scc/alarm", "console", "../x", "armed", "1"); status != http.StatusForbidden && status != http.StatusBadRequest {
		t.Errorf("%d", status)
	}
	rahma.get("/scc/petugas")
	rahma.shows("andi", "siap")
	if status := rahma.post("/scc/alarm", "console", tab, "armed", "1"); status != http.StatusForbidden && status != http.StatusNoContent {
		t.Errorf("%d", status)
	}
	consoles, err := h.scc.Consoles(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	armed := 0
	for _, k := range consoles {
		if k.Armed {
			armed++
		}
	}
	if armed != 1 {
		t.Errorf("an auditor's alarm counts, or another one's was disarmed: %+v", consoles)
	}
}

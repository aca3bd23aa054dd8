package console_test

import (
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"tabe/adapters/scc/operators"
	"tabe/flows/darurat"
	"tabe/flows/petugas"
)

// reports has Siti report an emergency and returns its code.
func (h *house) reports(kind darurat.Kind, words, unit string) string {
	h.t.Helper()
	id := int64(2 * (h.n + 1)) // as the flow does it, from the place in the journal
	r := darurat.Report{Incident: id, First: true, Kind: kind, At: h.clock(), Language: "id", Words: words}
	if unit != "" {
		r.Where = &darurat.Where{Unit: unit, Source: darurat.FromChoice, Landmark: "pasar"}
	}
	h.sends(words, r)
	return darurat.Code(id)
}

func (h *house) looksAt(who string) (n int) {
	h.t.Helper()
	if err := h.db.QueryRow(h.t.Context(), `select count(*) from access_log where resident = $1 and what = $2`, string(h.store.ID("tel:"+siti)), who).Scan(&n); err != nil {
		h.t.Fatal(err)
	}
	return n
}

func TestAFire(t *testing.T) { houses(t, aFire) }

func aFire(t *testing.T, h *house) {
	h.add("andi", operators.Dispatcher)
	h.add("budi", operators.Dispatcher)
	h.add("sari", operators.Supervisor)
	if err := h.scc.SeedContacts(t.Context(), true); err != nil {
		t.Fatal(err)
	}
	code := h.reports(darurat.Fire, "api besar di <pasar>", "73.12.04")
	andi, budi, sari := h.signIn("andi"), h.signIn("budi"), h.signIn("sari")
	andi.get("/scc")
	if andi.at != "/scc/insiden" {
		t.Errorf("begins at %s", andi.at)
	}
	andi.shows("Belum diterima (1)", "▲ KEBAKARAN", "Lalabata", "“api besar di <pasar>”", `data-ring="1"`, "<svg")
	budi.get("/scc")
	path := "/scc/insiden/" + code

	// Row 9 of the table of failures, as operators see it.
	var wg sync.WaitGroup
	statuses := make([]int, 2)
	for i, b := range []*browser{andi, budi} {
		wg.Go(func() { statuses[i] = b.post(path + "/terima") })
	}
	wg.Wait()
	if statuses[0]+statuses[1] != http.StatusOK+http.StatusConflict {
		t.Fatalf("%v", statuses)
	}
	winner, loser, name := andi, budi, "andi"
	if statuses[1] == http.StatusOK {
		winner, loser, name = budi, andi, "budi"
	}
	loser.shows("Sudah diambil petugas lain", "("+name+")")
	winner.shows("diterima oleh "+name, siti, "Kirim", `data-ring="0"`)
	if h.looksAt("incident") == 0 {
		t.Error("nobody looked at Siti's data")
	}

	contact := between(winner.body, `name="contact" value="`, `"`)
	version := between(winner.body, `name="version" value="`, `"`)
	loser.get(path)
	if status := loser.post(path+"/kirim", "contact", contact, "version", version); status != http.StatusConflict {
		t.Errorf("somebody else's incident: %d", status)
	}
	loser.shows("dipegang petugas lain")
	if status := winner.post(path+"/kirim", "contact", contact, "version", version); status != http.StatusOK {
		t.Errorf("%d: %s", status, winner.body)
	}
	winner.shows("dikirim", "<h3>Pos</h3>")
	if status := winner.post(path+"/kirim", "contact", contact, "version", version); status != http.StatusConflict {
		t.Errorf("from a page of before: %d", status)
	}
	winner.get(path)
	winner.post(path+"/status", "contact", contact, "word", "on_scene")
	winner.shows("di lokasi")
	winner.post(path+"/balas", "words", "Tim sudah di lokasi.")
	winner.shows("Tim sudah di lokasi.")
	winner.post(path+"/lokasi", "version", between(winner.body, `name="version" value="`, `"`), "unit", "73.12.03", "landmark", "SPBU")
	winner.shows("ditetapkan petugas", "SPBU")
	if status := winner.post(path+"/tutup", "version", between(winner.body, `name="version" value="`, `"`), "outcome", "handled", "sentence", ""); status != http.StatusBadRequest {
		t.Errorf("closed without a word: %d", status)
	}
	sari.get(path)
	if status := sari.post(path+"/tutup", "version", between(sari.body, `name="version" value="`, `"`), "outcome", "handled", "sentence", "Api padam."); status != http.StatusOK {
		t.Errorf("%d", status)
	}
	sari.shows("ditangani", "Selesai 30 menit terakhir")
	if status := winner.get("/scc/cari?q=" + strings.ToLower(code)); status != http.StatusOK || winner.at != path {
		t.Errorf("%d %s", status, winner.at)
	}
	if status := winner.get("/scc/cari?q=ZZZZ"); status != http.StatusNotFound {
		t.Errorf("%d", status)
	}
	for _, personal := range []string{siti, "pasar", "SPBU", "api"} {
		if strings.Contains(h.events(), personal) {
			t.Errorf("the stream holds %q:\n%s", personal, h.events())
		}
	}
}

func between(s, from, to string) string {
	_, s, _ = strings.Cut(s, from)
	s, _, _ = strings.Cut(s, to)
	return s
}

func TestViolenceIsForOneRole(t *testing.T) { houses(t, violenceIsForOneRole) }

func violenceIsForOneRole(t *testing.T, h *house) {
	h.add("andi", operators.Dispatcher, operators.Supervisor)
	h.add("nur", operators.P2TP2A)
	code := h.reports(darurat.Violence, "suamiku memukul", "73.12.04.1001")
	path := "/scc/insiden/" + code
	andi, nur := h.signIn("andi"), h.signIn("nur")
	for _, p := range []string{"/scc/insiden", path} {
		andi.get(p)
		andi.shows(code, "KASUS PPA", "Lalabata", `data-ring="0"`)
		andi.hides("memukul", siti, "pasar", "/terima", "Lalabata/")
	}
	andi.get(path)
	andi.shows("hanya untuk petugas P2TP2A")
	for _, act := range []string{"terima", "balas", "tutup", "lokasi", "kirim"} {
		andi.get("/scc/insiden")
		if status := andi.post(path+"/"+act, "words", "halo"); status != http.StatusForbidden {
			t.Errorf("%s: %d", act, status)
		}
	}
	nur.get("/scc")
	nur.shows(code, "memukul", `data-ring="1"`)
	nur.hides("/scc/percakapan", "/scc/pengaduan")
	nur.get(path)
	nur.shows("memukul", siti, "tidak dikirimi pesan sebelum")
	nur.get(path)
	if n := strings.Count(h.events(), "nur resident.seen incident "+code); n != 2 {
		t.Errorf("%d of 2 readings are written down:\n%s", n, h.events())
	}
	if strings.Contains(h.events(), "andi resident.seen") {
		t.Errorf("somebody is said to have read it who could not:\n%s", h.events())
	}
	if h.looksAt("incident") != 0 {
		t.Error("whoever holds the telephone is told that a case was read")
	}
	if status := nur.post(path + "/terima"); status != http.StatusOK {
		t.Errorf("%d", status)
	}
	nur.shows("diterima oleh nur")
	if status := nur.post(path+"/balas", "words", "Kami bantu."); status != http.StatusConflict {
		t.Errorf("written to without consent: %d", status)
	}
	nur.shows("tidak boleh dikirimi pesan")

	fire := h.reports(darurat.Fire, "api di dapur", "73.12.04")
	nur.get("/scc/insiden/" + fire)
	nur.hides("dapur", siti)
	if status := nur.post("/scc/insiden/" + fire + "/terima"); status != http.StatusForbidden {
		t.Errorf("%d", status)
	}

	// Her conversation with the services does not tell it either.
	h.later(time.Hour)
	h.sends("bayar pajak di mana", petugas.Request{Reason: petugas.ReasonAsked, From: h.clock(), Until: h.clock().Add(time.Hour)})
	andi.get("/scc/percakapan/1")
	andi.shows("bayar pajak di mana", "hanya untuk petugas P2TP2A")
	andi.hides("memukul")
}

func TestAReportByTelephone(t *testing.T) { houses(t, aReportByTelephone) }

func aReportByTelephone(t *testing.T, h *house) {
	h.add("andi", operators.Dispatcher)
	andi := h.signIn("andi")
	andi.get("/scc/insiden-baru")
	andi.shows("Kebakaran", "Limpomajang")
	andi.hides("Kasus PPA")
	if status := andi.post("/scc/insiden-baru", "kind", "violence", "words", "x"); status != http.StatusBadRequest {
		t.Errorf("%d", status)
	}
	andi.get("/scc/insiden-baru")
	if status := andi.post("/scc/insiden-baru", "kind", "fire", "words", "rumah terbakar", "unit", "73.12.05.1001", "caller", "0811", "danger", "yes"); status != http.StatusOK {
		t.Errorf("%d", status)
	}
	andi.shows("rumah terbakar", "diterima oleh andi", "Marioriawa", "ada orang dalam bahaya")
	first := strings.TrimPrefix(andi.at, "/scc/insiden/")

	// The same fire by message: merged by hand, and taken apart again.
	second := h.reports(darurat.Fire, "kebakaran", "73.12.05.1001")
	andi.get("/scc/insiden/" + second)
	andi.shows("Serupa?", first)
	into := between(andi.body, `name="into" value="`, `"`)
	andi.post("/scc/insiden/"+second+"/gabung", "into", into, "version", between(andi.body, `name="version" value="`, `"`))
	andi.shows("Digabung ke")
	andi.get("/scc/insiden/" + first)
	andi.shows("Laporan yang digabung", "kebakaran")
	andi.post("/scc/insiden/" + second + "/urungkan")
	andi.hides("Digabung ke")
}

func TestContacts(t *testing.T) {
	h := openHouse(t)
	h.add("andi", operators.Dispatcher)
	h.add("sari", operators.Supervisor)
	if err := h.scc.SeedContacts(t.Context(), false); err != nil {
		t.Fatal(err)
	}
	andi, sari := h.signIn("andi"), h.signIn("sari")
	andi.get("/scc/kontak")
	andi.shows("belum", "nomor nasional")
	andi.hides("Benar")
	sari.get("/scc/kontak")
	id := between(sari.body, `action="/scc/kontak/`, `"`)
	if status := andi.post("/scc/kontak/"+id, "good", "1"); status != http.StatusForbidden {
		t.Errorf("%d", status)
	}
	if status := sari.post("/scc/kontak/"+id, "good", "1"); status != http.StatusOK {
		t.Errorf("%d", status)
	}
	sari.shows("sari")
	if !strings.Contains(h.events(), "sari contact") {
		t.Errorf("the stream has\n%s", h.events())
	}
}

func TestAPostSeesWhatItWasSentTo(t *testing.T) {
	h := openHouse(t)
	h.add("andi", operators.Dispatcher)
	for name, unit := range map[string]string{"pos-citta": "Pos Damkar Citta", "kosong": ""} {
		e, err := h.accounts.Add(t.Context(), "terminal", operators.Draft{Name: name, Roles: []operators.Role{operators.Agency}, Unit: unit, Password: password})
		if err != nil {
			t.Fatal(err)
		}
		h.recovery[name] = e.Recovery
	}
	if err := h.scc.SeedContacts(t.Context(), true); err != nil {
		t.Fatal(err)
	}
	sent := h.reports(darurat.Fire, "api di dapur", "73.12.08")
	other := h.reports(darurat.Fire, "api di kebun", "73.12.05")
	andi, post, nobody := h.signIn("andi"), h.signIn("pos-citta"), h.signIn("kosong")
	for _, code := range []string{sent, other} {
		andi.get("/scc/insiden/" + code)
		andi.post("/scc/insiden/" + code + "/terima")
		andi.post("/scc/insiden/"+code+"/kirim", "contact", between(andi.body, `name="contact" value="`, `"`), "version", between(andi.body, `name="version" value="`, `"`))
	}
	post.get("/scc")
	if post.at != "/scc/pos" {
		t.Errorf("begins at %s", post.at)
	}
	post.shows(sent, "api di dapur", siti, "belum dijawab")
	post.hides(other, "kebun", "/scc/insiden")
	if status := post.post("/scc/pos/"+sent, "word", "accept"); status != http.StatusOK {
		t.Errorf("%d", status)
	}
	post.shows("berangkat ")
	if status := post.post("/scc/pos/"+other, "word", "accept"); status != http.StatusForbidden {
		t.Errorf("answers for another post: %d", status)
	}
	for _, path := range []string{"/scc/insiden", "/scc/insiden/" + sent, "/scc/percakapan", "/scc/pengaduan", "/scc/kontak"} {
		if status := post.get(path); status != http.StatusForbidden {
			t.Errorf("%s: %d", path, status)
		}
	}
	nobody.get("/scc/pos")
	nobody.hides(sent, other)
}

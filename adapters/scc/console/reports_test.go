package console_test

import (
	"encoding/csv"
	"net/http"
	"strings"
	"testing"
	"time"

	"tabe/adapters/scc/operators"
	"tabe/flows/darurat"
)

func TestAnIncidentOnPaper(t *testing.T) {
	h := openHouse(t)
	h.add("andi", operators.Dispatcher)
	h.add("rahma", operators.Auditor)
	if err := h.scc.SeedContacts(t.Context(), true); err != nil {
		t.Fatal(err)
	}
	code := h.reports(darurat.Fire, "api besar di <pasar>", "73.12.04")
	andi := h.signIn("andi")
	path := "/scc/insiden/" + code
	andi.get(path)
	h.later(70 * time.Second)
	andi.post(path + "/terima")
	contact, version := between(andi.body, `name="contact" value="`, `"`), between(andi.body, `name="version" value="`, `"`)
	andi.post(path+"/kirim", "contact", contact, "version", version)
	h.later(9 * time.Minute)
	andi.post(path+"/status", "contact", contact, "word", "on_scene")
	andi.get(path + "/laporan")
	andi.shows("Laporan insiden "+code, "setelah 1:10 menit", "10:10 menit (memenuhi standar 15:00)", "api besar di <pasar>", "Pos dikirim", "Pos di lokasi", "+62********401")
	if strings.Contains(andi.body, siti) {
		t.Error("the whole number is on the paper")
	}
	if status := andi.get(path + "/laporan?berkas=1"); status != http.StatusOK || strings.Contains(andi.body, "<script") || strings.Contains(andi.body, "<link") || !strings.Contains(andi.body, "<style>") {
		t.Errorf("%d, or the file needs others", status)
	}
	if status := h.signIn("rahma").get(path + "/laporan"); status != http.StatusForbidden {
		t.Errorf("an auditor reads it: %d", status)
	}
	violence := h.reports(darurat.Violence, "saya dipukul", "73.12.04")
	if status := andi.get("/scc/insiden/" + violence + "/laporan"); status != http.StatusForbidden || strings.Contains(andi.body, "dipukul") {
		t.Errorf("a case of violence on paper: %d", status)
	}
}

func TestAMonth(t *testing.T) {
	h := openHouse(t)
	h.add("andi", operators.Dispatcher)
	h.add("sari", operators.Supervisor)
	h.reports(darurat.Fire, "api", "73.12.04")
	h.reports(darurat.Violence, "saya dipukul", "73.12.08")
	andi, sari := h.signIn("andi"), h.signIn("sari")
	andi.get("/scc/bulan")
	andi.shows("Bulan 2026-11", "Insiden menurut kecamatan", "Lalabata 1")
	if strings.Contains(andi.body, "PPA: 1") {
		t.Error("the number of cases is for others")
	}
	if strings.Contains(andi.body, "Citta 1") {
		t.Error("a case of violence is counted by place")
	}
	sari.get("/scc/bulan")
	sari.shows("kasus PPA: 1")
	if status := andi.get("/scc/bulan.csv"); status != http.StatusForbidden {
		t.Errorf("%d", status)
	}
	if status := sari.get("/scc/bulan.csv?m=2026-11"); status != http.StatusOK {
		t.Errorf("%d", status)
	}
	rows, err := csv.NewReader(strings.NewReader(sari.body)).ReadAll()
	if err != nil || len(rows) != 2 || rows[1][1] != "fire" {
		t.Error(rows, err)
	}
	sari.get("/scc/bulan?m=2025-01")
	sari.shows("Bulan 2025-01", "2025-02 ›")
	if status := sari.get("/scc/bulan?m=kemarin"); status != http.StatusBadRequest {
		t.Errorf("%d", status)
	}
}

func TestAWarningNeedsTwoPeople(t *testing.T) {
	h := openHouse(t)
	h.add("andi", operators.Dispatcher)
	h.add("sari", operators.Supervisor)
	andi, sari := h.signIn("andi"), h.signIn("sari")
	andi.get("/scc/peringatan")
	warning := []string{"district", "73.12.05", "category", "Met", "severity", "Severe", "hours", "6", "event", "Banjir",
		"headline", "Sungai Walennae naik", "description", "Tinggi air 4 m.", "instruction", "Pindah ke tempat tinggi."}
	if status := andi.post("/scc/peringatan", warning...); status != http.StatusOK {
		t.Fatalf("%d %s", status, andi.body)
	}
	andi.shows("Menunggu persetujuan (1)", "Sungai Walennae naik", "Kecamatan Marioriawa")
	if strings.Contains(andi.body, "Setujui") {
		t.Error("the author is offered to approve")
	}
	if status := andi.post("/scc/peringatan/1/setujui"); status != http.StatusForbidden {
		t.Errorf("the author approves: %d", status)
	}
	sari.get("/scc/peringatan")
	if status := sari.post("/scc/peringatan/1/setujui"); status != http.StatusOK {
		t.Errorf("%d", status)
	}
	sari.shows("Menunggu persetujuan (0)", "disetujui sari")
	if status := sari.post("/scc/peringatan/1/tolak"); status != http.StatusConflict {
		t.Errorf("decided twice: %d", status)
	}
	andi.get("/scc/peringatan")
	if status := andi.post("/scc/peringatan", append(warning[:8:8], "event", "<b>", "headline", "x")...); status != http.StatusBadRequest {
		t.Errorf("markup: %d", status)
	}

	fire := h.reports(darurat.Fire, "api besar", "73.12.04")
	andi.get("/scc/insiden/" + fire)
	if status := andi.post("/scc/insiden/"+fire+"/siarkan", "public", "1"); status != http.StatusOK {
		t.Errorf("%d", status)
	}
	andi.shows("Menunggu persetujuan (1)", fire)
	medical := h.reports(darurat.Medical, "orang pingsan", "73.12.04")
	if status := andi.post("/scc/insiden/"+medical+"/siarkan", "public", "1"); status != http.StatusForbidden {
		t.Errorf("somebody's illness made public: %d", status)
	}
	andi.get("/scc/peringatan")
	if status := andi.post("/scc/insiden/" + medical + "/siarkan"); status != http.StatusOK {
		t.Errorf("%d", status)
	}
	violence := h.reports(darurat.Violence, "saya dipukul", "73.12.04")
	if status := andi.post("/scc/insiden/" + violence + "/siarkan"); status != http.StatusForbidden {
		t.Errorf("violence: %d", status)
	}
}

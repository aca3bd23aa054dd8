package main

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// office answers as both interfaces do when they are asked for nothing, until
// it is told to be down.
func office(t *testing.T, down *bool) *httptest.Server {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case *down:
			w.WriteHeader(http.StatusBadGateway)
			fmt.Fprint(w, "<html>")
		case r.URL.Query().Get("nop") != "":
			fmt.Fprintf(w, "SELECT * FROM pbb_sppt WHERE NOP = '%[1]s'\n"+`{"code":"10","data":{"bills":[{"nop":"%[1]s","tahun_pajak":"2026","nama_wp":"LA CONTOH","kelurahan_op":"CITTA","nilai":52500,"denda":"-","status_bayar":"BELUM LUNAS"}]}}`, r.URL.Query().Get("nop"))
		case r.URL.Path == "/bills":
			fmt.Fprint(w, `{"code":"09","description":"NOP masih kosong"}`)
		case r.URL.Query().Get("no_permohonan") == "999/IP/DPM-PTSP/XI/2026":
			fmt.Fprint(w, `"{\"data\":{\"berkas\":[{\"no_permohonan\":\"999/IP/DPM-PTSP/XI/2026\",\"nama\":\"LA CONTOH\",\"tanggal_lahir\":\"1990-01-02\",\"jenis_izin\":\"Izin Penelitian\",\"nama_proses\":\"Penyerahan Izin\",\"status\":\"Proses\"}]}}"`)
		default:
			fmt.Fprint(w, `{"data":{"berkas":[]}}`)
		}
	}))
	t.Cleanup(s.Close)
	return s
}

func TestCheckLooksAtTheInterfaces(t *testing.T) {
	dir := t.TempDir()
	down := false
	s := office(t, &down)
	env := settings{
		"TABE_SECRET_KEY": goodKey, "TABE_USSD_SECRET": "s", "TABE_PBB_BILLS_URL": s.URL + "/bills", "TABE_PBB_USER": "u", "TABE_PBB_PASSWORD": "s3cret",
		"TABE_SICANTIK_URL": s.URL + "/keluaran/1.json",
	}
	out, _, code := tabe(t, env, "", "check", "--data", dir)
	if code != 0 || !strings.Contains(out, "ok    pbb service") || !strings.Contains(out, "ok    sicantik") || !strings.Contains(out, "no extract") {
		t.Errorf("exit %d:\n%s", code, out)
	}
	down = true
	out, _, code = tabe(t, env, "", "check", "--data", dir)
	if code != 1 || !strings.Contains(out, "DOWN  pbb service") || !strings.Contains(out, "DOWN  sicantik") || strings.Contains(out, "s3cret") || strings.Contains(out, s.URL) {
		t.Errorf("exit %d:\n%s", code, out)
	}
}

// Without any extract the interfaces answer, and once they are down what they
// said before, also to another process.
func TestInterfacesAnswerResidents(t *testing.T) {
	dir := t.TempDir()
	down := false
	s := office(t, &down)
	env := settings{
		"TABE_PBB_BILLS_URL": s.URL + "/bills", "TABE_PBB_USER": "u", "TABE_PBB_PASSWORD": "s3cret", "TABE_SICANTIK_URL": s.URL + "/keluaran/1.json",
	}
	ask := func(text string) string {
		t.Helper()
		out, errs, code := tabe(t, env, text+"\n", "chat", "--json", "--data", dir)
		for _, secret := range []string{"731203200200190010", "SELECT", "1990", "s3cret", "LA CONTOH"} {
			if strings.Contains(out+errs, secret) {
				t.Errorf("it is told: %s\n%s%s", secret, out, errs)
			}
		}
		if code != 0 {
			t.Fatalf("exit %d: %s", code, errs)
		}
		return out
	}
	for _, down = range []bool{false, true} {
		if out := ask("pbb 731203200200190010"); !strings.Contains(out, "Rp 52.500") {
			t.Errorf("down: %t\n%s", down, out)
		}
		if out := ask("status izin 999/IP/DPM-PTSP/XI/2026"); !strings.Contains(out, `"flow":"perizinan"`) || !strings.Contains(out, "SUDAH JADI") {
			t.Errorf("down: %t\n%s", down, out)
		}
	}
	if out := ask("pbb 731203200200190028"); !strings.Contains(out, `"state":"unavailable"`) {
		t.Errorf("down, and never asked for:\n%s", out)
	}
}

func TestSettingsOfTheInterfaces(t *testing.T) {
	for name, c := range map[string]struct {
		env  settings
		want []string
	}{
		"who we are": {settings{"TABE_PBB_BILLS_URL": "https://h/bills"}, []string{"TABE_PBB_USER is missing", "TABE_PBB_PASSWORD is missing"}},
		"a token":    {settings{"TABE_PBB_URL": "https://h/inquiry", "TABE_PBB_USER": "u", "TABE_PBB_PASSWORD": "s3cret"}, []string{"TABE_PBB_TOKEN_URL is missing"}},
		"an address": {settings{"TABE_SICANTIK_URL": "s3cret"}, []string{"TABE_SICANTIK_URL is not"}},
		"a tracker":  {settings{"TABE_SICANTIK_BULK_URL": "https://h/bulk"}, []string{"TABE_SICANTIK_URL is missing"}},
	} {
		c.env["TABE_SECRET_KEY"] = goodKey
		_, err := readConfig(c.env.getenv, "data")
		for _, want := range c.want {
			if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "s3cret") {
				t.Errorf("%s: %v, want %s", name, err, want)
			}
		}
	}
}

// A mistake in the approved texts is found at the start, not at night.
func TestTemplatesAreReadAtTheStart(t *testing.T) {
	env := settings{
		"TABE_SECRET_KEY": goodKey, "TABE_PUBLIC_URL": "https://tabe.example", "TABE_TWILIO_ACCOUNT_SID": "AC1", "TABE_TWILIO_AUTH_TOKEN": "t",
		"TABE_TWILIO_WHATSAPP_FROM": "+14155238886", "TABE_TWILIO_TEMPLATES": writeFile(t, "templates.toml", "[[template]]\nmessage = \"kabar.news\"\nlanguage = \"id\"\ncontent = \"HX1\"\n"),
	}
	if out, _, code := tabe(t, env, "", "check", "--data", t.TempDir()); code != 1 || !strings.Contains(out, "TABE_TWILIO_TEMPLATES: templates: kabar.news in id") {
		t.Errorf("exit %d:\n%s", code, out)
	}
}

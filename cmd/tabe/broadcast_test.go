package main

import (
	"regexp"
	"strings"
	"testing"
)

// An officer plans a message, looks at what it costs by the price of his own
// contract, starts it, looks at it and stops it.
func TestBroadcastCommands(t *testing.T) {
	dir := t.TempDir()
	chatJSON(t, dir, "+6281100000481", "mau berita", "citta", "ya")
	writeTariffs(t, dir, strings.Replace(tariffFile, "daily_rupiah = 1000", "daily_rupiah = 300", 1))
	message := writeFile(t, "pesan.toml", "kantor = \"Dinas Pertanian\"\nid = \"Pupuk bersubsidi bisa diambil mulai Senin.\"\n")
	for _, c := range []struct {
		args []string
		want string // on standard error
	}{
		{[]string{"plan", message, "--kecamatan", "Bone"}, "kecamatan itu tidak ada"},
		{[]string{"plan", writeFile(t, "kosong.toml", "kantor = \"x\"\n")}, "pesan kosong"},
		{[]string{"plan", writeFile(t, "rusak.toml", "kantor = ")}, "message"},
		{[]string{"start", "SALAH"}, "pesan itu tidak ada"},
		{[]string{"stop", "17"}, "pesan itu tidak ada"},
	} {
		_, errs, code := tabe(t, nil, "", append([]string{"broadcast"}, append(c.args, "--data", dir)...)...)
		if code != 1 || !strings.Contains(errs, c.want) {
			t.Errorf("%v: exit %d, %s", c.args, code, errs)
		}
	}
	out, errs, code := tabe(t, nil, "", "broadcast", "plan", message, "--kecamatan", "citta", "--data", dir)
	if code != 0 || !strings.Contains(out, "1 orang, 1 segmen SMS, paling banyak Rp 321") || !strings.Contains(out, "Anggaran sehari Rp 300") {
		t.Fatalf("exit %d: %s%s", code, out, errs)
	}
	key := regexp.MustCompile(`start ([A-Z0-9]{8})`).FindStringSubmatch(out)
	if key == nil {
		t.Fatalf("no code in %s", out)
	}
	for _, c := range []struct {
		args []string
		want string
	}{
		{[]string{"list"}, "belum disetujui, 0 dari 1 orang"},
		{[]string{"start", strings.ToLower(key[1])}, "akan dikirim ke 1 orang"},
		{[]string{"list"}, "sedang dikirim"},
		{[]string{"stop", "1"}, "Pesan 1 dihentikan"},
		{[]string{"list"}, "dihentikan"},
	} {
		out, errs, code := tabe(t, nil, "", append([]string{"broadcast"}, append(c.args, "--data", dir)...)...)
		if code != 0 || !strings.Contains(out, c.want) {
			t.Errorf("%v: exit %d, %s%s", c.args, code, out, errs)
		}
	}
	if out, _, code := tabe(t, nil, "", "survey", "--data", dir, "--from", "2026-01"); code != 0 || !strings.HasPrefix(out, "layanan,unsur,") {
		t.Errorf("survey: exit %d, %s", code, out)
	}
	if _, errs, code := tabe(t, nil, "", "survey", "--data", dir, "--from", "kemarin"); code != 1 || !strings.Contains(errs, "--from") {
		t.Errorf("survey: exit %d, %s", code, errs)
	}
}

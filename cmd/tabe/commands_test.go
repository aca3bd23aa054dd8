package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"tabe/adapters/testserver"
)

// tabe runs one command line as a shell would.
func tabe(t *testing.T, env settings, in string, args ...string) (out, errs string, code int) {
	t.Helper()
	var stdout, stderr bytes.Buffer
	code = run(context.Background(), args, streams{strings.NewReader(in), &stdout, &stderr, env.getenv})
	return stdout.String(), stderr.String(), code
}

// unseen is an extract that no code has seen.
const unseen = `nop,tahun,nama_wp,alamat_op,kecamatan,desa,luas_bumi,luas_bangunan,njop_bumi,njop_bangunan,njoptkp,pbb_terutang,jatuh_tempo,tanggal_bayar,jumlah_bayar,telepon
731207100200390410,2026,SITTI RAHMAH,DUSUN LOMPULLE,Ganra,Lompulle,400,36,8000000,14400000,10000000,37200,2026-09-30,,,
731207100200390410,2025,SITTI RAHMAH,DUSUN LOMPULLE,Ganra,Lompulle,400,36,8000000,14400000,10000000,37200,2025-09-30,2025-08-12,37200,
73.12.071.002.004-9077.0,2026,LA BECCE,JALAN POROS,Ganra,Belo,900,0,9000000,0,10000000,50000,2026-09-30,,,081100000477
73.12.071.002.004-9077.0,2023,LA BECCE,JALAN POROS,Ganra,Belo,900,0,9000000,0,10000000,40000,2023-09-30,,,081100000477
731207100200490780,2026,PAK LUNAS,JALAN POROS,Ganra,Belo,900,0,9000000,0,10000000,50000,2026-09-30,2026-05-02,50000,
`

func writeFile(t *testing.T, name, content string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func chatJSON(t *testing.T, dir, from string, lines ...string) []answered {
	t.Helper()
	out, errs, code := tabe(t, nil, strings.Join(lines, "\n")+"\n", "chat", "--json", "--data", dir, "--from", from)
	if code != 0 {
		t.Fatalf("exit %d: %s", code, errs)
	}
	var all []answered
	scanner := bufio.NewScanner(strings.NewReader(out))
	for scanner.Scan() {
		var e answered
		decoder := json.NewDecoder(bytes.NewReader(scanner.Bytes()))
		decoder.DisallowUnknownFields()
		if err := decoder.Decode(&e); err != nil {
			t.Fatalf("%q: %v", scanner.Text(), err)
		}
		all = append(all, e)
	}
	if len(all) != len(lines) {
		t.Fatalf("%d answers to %d lines:\n%s", len(all), len(lines), out)
	}
	return all
}

func TestFromAnExtractNeverSeenToTheAnswer(t *testing.T) {
	dir := t.TempDir()
	if _, errs, code := tabe(t, nil, "", "import", "pbb", writeFile(t, "pbb.csv", unseen), "--data", dir); code != 0 {
		t.Fatalf("exit %d: %s", code, errs)
	}
	stranger := "+6281100000498"
	for _, c := range []struct {
		from, say string
		want      []string
		language  string
	}{
		// 37,200 late since 30 September: two months of 1 %.
		{stranger, "brp pbb 73.12.071.002.003-9041.0", []string{"37.200", "744", "2026"}, "id"},
		// 50,000 + 2 months of 1 %; 40,000 of 2023 + 24 months of 2 % = 19,200.
		{stranger, "PBB#731207100200490770", []string{"50.000", "1.000", "19.200", "110.200"}, "id"},
		{stranger, "731207100200490780", []string{"2 Mei 2026"}, "id"},
		{stranger, "siaga pajakku 731207100200490780", []string{"purani riwaja"}, "bug"},
		{stranger, "731207100200490990", []string{"WITA"}, "id"},
		{"+6281100000477", "siaga pajakku?", []string{"LA BECCE"}, "bug"},
	} {
		got := chatJSON(t, dir, c.from, "menu", "bahasa indonesia", c.say)[2]
		if c.language == "bug" {
			got = chatJSON(t, dir, c.from, "menu", "basa ugi", c.say)[2]
		}
		var text string
		for _, r := range got.Replies {
			text += r.Text + "\n"
			if r.Segments > 2 || r.Encoding != "GSM-7" {
				t.Errorf("%q: %d segments of %s: %s", c.say, r.Segments, r.Encoding, r.Text)
			}
		}
		for _, want := range c.want {
			if !strings.Contains(text, want) {
				t.Errorf("%q got no %q:\n%s", c.say, want, text)
			}
		}
		if got.Flow != "pbb" || got.Language != c.language {
			t.Errorf("%q: flow %s, language %s", c.say, got.Flow, got.Language)
		}
	}
}

func TestANumberIsSavedAndForgotten(t *testing.T) {
	dir := t.TempDir()
	if _, errs, code := tabe(t, nil, "", "import", "pbb", writeFile(t, "pbb.csv", unseen), "--data", dir); code != 0 {
		t.Fatalf("exit %d: %s", code, errs)
	}
	const from = "+6281100000498"
	last := func(lines ...string) answered { all := chatJSON(t, dir, from, lines...); return all[len(all)-1] }
	bill := last("berapa pbb 731207100200490780")
	save := ""
	for _, o := range bill.Replies[0].Options {
		if strings.Contains(strings.ToLower(o.Label), "simpan") {
			save = o.Key
		}
	}
	if save == "" {
		t.Fatalf("nothing offers to save the number: %+v", bill)
	}
	last(save, "1")
	if again := last("menu", "berapa pbb saya"); !strings.Contains(again.Replies[0].Text, "2 Mei 2026") {
		t.Errorf("the saved number does not answer: %+v", again)
	}
	last("hapus data saya", "ya")
	if after := last("berapa pbb saya"); strings.Contains(after.Replies[0].Text, "2 Mei 2026") {
		t.Errorf("the number was not forgotten: %+v", after)
	}
}

func TestImportExitCodes(t *testing.T) {
	dir := t.TempDir()
	bad := writeFile(t, "bad.csv", strings.Replace(unseen, "731207100200490780", "7312O7100200490780", 1))
	if _, errs, code := tabe(t, nil, "", "import", "pbb", bad, "--data", dir); code != someRefused || !strings.Contains(errs, bad+".rejected.csv") && !strings.Contains(errs, "rejected") {
		t.Errorf("a bad row: exit %d: %s", code, errs)
	}
	excel := writeFile(t, "excel.csv", "PK\x03\x04 this is a zip")
	if _, errs, code := tabe(t, nil, "", "import", "pbb", excel, "--data", dir); code != fileUnusable || !strings.Contains(errs, "Excel") {
		t.Errorf("an Excel file: exit %d: %s", code, errs)
	}
	if _, _, code := tabe(t, nil, "", "import", "pbb", "/nowhere.csv", "--data", dir); code == 0 {
		t.Error("a file that is not there was imported")
	}
}

func TestUnderstandJSON(t *testing.T) {
	out, _, code := tabe(t, nil, "berapa pbb 731207100200490780 thn 2025\nsiaga pajakku?", "understand", "--json")
	lines := strings.Split(strings.TrimSpace(out), "\n")
	if code != 0 || len(lines) != 2 {
		t.Fatalf("exit %d: %s", code, out)
	}
	var m meaning
	if err := json.Unmarshal([]byte(lines[0]), &m); err != nil {
		t.Fatal(err)
	}
	if m.Intent != "tax_bill" || m.Language != "id" || m.Slots["nop"] != "731207100200490780" || m.Slots["tahun"] != 2025.0 {
		t.Errorf("%+v", m)
	}
	if err := json.Unmarshal([]byte(lines[1]), &m); err != nil || m.Language != "bug" {
		t.Errorf("%+v, %v", m, err)
	}
}

func TestFlowsPrintsEveryMachine(t *testing.T) {
	out, errs, code := tabe(t, nil, "", "flows")
	if code != 0 {
		t.Fatalf("exit %d: %s", code, errs)
	}
	for _, want := range []string{"## menu", "## pbb", "## bahasa", "## privasi", "stateDiagram-v2"} {
		if !strings.Contains(out, want) {
			t.Errorf("no %q", want)
		}
	}
}

func TestServeRefusesToStartWithoutASecret(t *testing.T) {
	_, errs, code := tabe(t, settings{}, "", "serve", "--data", t.TempDir())
	if code != 1 || !strings.Contains(errs, "TABE_SECRET_KEY is missing") {
		t.Errorf("exit %d: %s", code, errs)
	}
	_, errs, code = tabe(t, settings{"TABE_SECRET_KEY": goodKey}, "", "serve", "--data", t.TempDir())
	if code != 1 || !strings.Contains(errs, "TABE_TELEGRAM_TOKEN") {
		t.Errorf("exit %d: %s", code, errs)
	}
}

func TestCheckTellsWhatIsDown(t *testing.T) {
	dir := t.TempDir()
	env := settings{"TABE_SECRET_KEY": goodKey, "TABE_USSD_SECRET": "s"}
	out, _, code := tabe(t, env, "", "check", "--data", dir)
	if code != 1 || !strings.Contains(out, "DOWN  pbb data") || !strings.Contains(out, "ok    database") {
		t.Errorf("exit %d:\n%s", code, out)
	}
	if _, errs, code := tabe(t, env, "", "import", "pbb", writeFile(t, "pbb.csv", unseen), "--data", dir); code != 0 {
		t.Fatalf("exit %d: %s", code, errs)
	}
	env["TABE_REDIS_URL"] = testserver.StartRedis(t).URL()
	if out, _, code := tabe(t, env, "", "check", "--data", dir); code != 0 || !strings.Contains(out, "ok    redis          answers, one server") {
		t.Errorf("exit %d:\n%s", code, out)
	}
	for url, want := range map[string]string{
		"redis://:s3cret@127.0.0.1:1":         "DOWN  redis",
		"redis://:s3cret@host?mastername=one": "DOWN  configuration  TABE_REDIS_URL: redis: a parameter is none of",
	} {
		env["TABE_REDIS_URL"] = url
		if out, _, code := tabe(t, env, "", "check", "--data", dir); code != 1 || !strings.Contains(out, want) || strings.Contains(out, "s3cret") {
			t.Errorf("exit %d:\n%s", code, out)
		}
	}
}

func TestWrongCommandLines(t *testing.T) {
	for _, args := range [][]string{{}, {"nonsense"}, {"chat", "--channel", "pigeon"}, {"import"}, {"import", "pbb"}} {
		if _, errs, code := tabe(t, nil, "", args...); code != 2 || errs == "" {
			t.Errorf("%v: exit %d: %s", args, code, errs)
		}
	}
	if out, _, code := tabe(t, nil, "", "--help"); code != 0 || !strings.Contains(out, "demo") {
		t.Errorf("exit %d: %s", code, out)
	}
}

func TestLabel(t *testing.T) {
	dir := t.TempDir()
	chatJSON(t, dir, "+6281100000498", "gkjhgkjh kjhgkjh 7312010101900001")
	out, errs, code := tabe(t, nil, "?\n1\n", "label", "--data", dir)
	if code != 0 || strings.Contains(out, "7312010101900001") || !strings.Contains(out, "gkjhgkjh") {
		t.Fatalf("exit %d: %s%s", code, out, errs)
	}
	file := filepath.Join(dir, "examples.tsv")
	if _, errs, code := tabe(t, nil, "", "label", "--export", file, "--data", dir); code != 0 {
		t.Fatalf("exit %d: %s", code, errs)
	}
	raw, err := os.ReadFile(file)
	if err != nil || !strings.Contains(string(raw), "\ttax_bill\t") {
		t.Errorf("%s, %v", raw, err)
	}
}

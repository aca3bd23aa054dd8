package understand_test

import (
	"strings"
	"sync"
	"testing"
	"time"

	"tabe/bot/understand"
)

func load(t testing.TB) *understand.Understander {
	t.Helper()
	u, err := understand.New()
	if err != nil {
		t.Fatal(err)
	}
	return u
}

// slots writes them as "name=value name=value".
func slots(r understand.Result) string {
	var parts []string
	for _, s := range r.Slots {
		parts = append(parts, s.Name+"="+s.Value)
	}
	return strings.Join(parts, " ")
}

// The cases that the issue names, and the labels that the samples agree on.
func TestHardCases(t *testing.T) {
	u := load(t)
	for _, c := range []struct {
		text   string
		intent understand.Intent
		slots  string
	}{
		{"pak brp pbb sy thn ini", understand.TaxBill, ""},
		{"siaga pajak bolaku", understand.TaxBill, ""},
		{"tolong ada api di pasar cabbenge", understand.EmergencyFire, "landmark=pasar cabbenge"},
		{"7312 010 003 002 0041 0", understand.TaxBill, "nop=731201000300200410"},
		{"PBB#731201000300200410#2025", understand.TaxBill, "nop=731201000300200410 tahun=2025"},
		{"cek pbb 7312010003002004102025", understand.TaxBill, "nop=731201000300200410 tahun=2025"},
		{"cek nop 73l2O1O003002O0410", understand.TaxBill, "nop=731201000300200410"},
		{"nop 7312 0100 0300 2004 10 dan 731202001000190090", understand.TaxBill, "nop=731201000300200410 nop=731202001000190090"},
		{"nop sy 73120100030020041 tdk bisa", understand.TaxBill, "nop_partial=73120100030020041"},
		{"pbb saya tahun dua ribu dua puluh empat berapa", understand.TaxBill, "tahun=2024"},
		{"nik 7312011203559902 terdaftar kah di macca", understand.MaccaEligibility, "nik=7312011203559902"},
		{"no kk saya 7312051709989907 dapat bansos apa", understand.MaccaEligibility, "no_kk=7312051709989907"},
		{"nik 7312013203559902 terdaftar kah di macca", understand.MaccaEligibility, "nik_partial=7312013203559902"},
		{"api", understand.EmergencyFire, ""},
		{"kebakarannn!!!", understand.EmergencyFire, ""},
		{"maling", understand.EmergencyCrime, ""},
		{"banjir", understand.EmergencyDisaster, ""},
		{"lempe'", understand.EmergencyDisaster, ""},
		{"panga", understand.EmergencyCrime, ""},
		{"tattunu bolaku", understand.EmergencyFire, ""},
		{"asap banyak sekali dari rumah tetangga", understand.EmergencyFire, ""},
		{"Apinya sudah padam, terima kasih", understand.Cancel, ""},
		{"kartu hilang tolong", understand.MaccaComplaint, ""},
		{"STOP", understand.DeleteData, ""},
		{"0", understand.Cancel, ""},
		{"menu", understand.Greeting, ""},
		{"banjir di desa Watu", understand.EmergencyDisaster, "desa=Watu"},
		{"kebakaran di leworemg", understand.EmergencyFire, "desa=Leworeng"},
		{"banjir di marioriawa", understand.EmergencyDisaster, "kecamatan=Marioriawa"},
		{"banjir di marioria", understand.EmergencyDisaster, "kecamatan=Marioriwawo kecamatan=Marioriawa"},
		{"banjir di lilir", understand.EmergencyDisaster, "kecamatan=Liliriaja kecamatan=Lilirilau"},
		{"telepon saya di 0811-0000-0456", understand.HumanAgent, "phone=081100000456"},
	} {
		r := u.Understand(c.text)
		if r.Intent != c.intent {
			t.Errorf("%q: %s %.2f, want %s", c.text, r.Intent, r.Confidence, c.intent)
		}
		if got := slots(r); got != c.slots {
			t.Errorf("%q: slots %q, want %q", c.text, got, c.slots)
		}
	}
	for _, text := range []string{"bikin api unggun di pantai", "kartu hilang tolong", "pajak membakar kantong", "harga diskon kebakaran jenggot"} {
		if r := u.Understand(text); strings.HasPrefix(string(r.Intent), "emergency") {
			t.Errorf("%q is taken for %s", text, r.Intent)
		}
	}
}

func TestCommandsAreWholeTexts(t *testing.T) {
	u := load(t)
	for text, intent := range map[string]understand.Intent{
		"MENU": understand.Greeting, " 0 ": understand.Cancel, "batal": understand.Cancel, "Basa Ugi": understand.ChangeLanguage, "bahasa indonesia": understand.ChangeLanguage,
		"hapus data saya": understand.DeleteData, "Stop.": understand.DeleteData, "bantuan": understand.Greeting,
	} {
		if r := u.Understand(text); !r.Command || r.Intent != intent {
			t.Errorf("%q: command %v, %s", text, r.Command, r.Intent)
		}
	}
	for _, text := range []string{"menu makan siang", "batal puasa kah", "stop di depan rumah ada api", "bantuan beras saya", "0811"} {
		if u.Understand(text).Command {
			t.Errorf("%q is no command", text)
		}
	}
}

func TestLanguageOfWritings(t *testing.T) {
	u := load(t)
	for text, want := range map[string]string{
		"siaga pajakku taung iyae":               "bug",
		"tabe' puang, engka ga asekku ri daftar": "bug",
		"engka api ri bolana indo'ku":            "bug",
		"engka api ri bolana indoku":             "bug",
		"ᨕᨛᨃ ᨕᨄᨗ ᨑᨗ ᨅᨚᨒᨊ":                        "bug",
		"sudahmi kubayar pajakku":                "id",
		"ndak bisaka ambil berasku kodong":       "id",
		"berapa pajak saya":                      "id",
		"tabe puang, dimana tempat bayar pajak di marioriwawo, di kantor camatji?": "id",
	} {
		if r := u.Understand(text); r.Language != want {
			t.Errorf("%q: %s (%.1f)", text, r.Language, r.Lean)
		}
	}
	with, without := u.Understand("de'pa na jaji izin bolaku"), u.Understand("depa na jaji izin bolaku")
	if with.Lean != without.Lean {
		t.Errorf("the apostrophe tells something: %.1f, %.1f", with.Lean, without.Lean)
	}
}

func TestHearingKeepsTheLanguage(t *testing.T) {
	u := load(t)
	talk := func(current string, texts ...string) string {
		var h understand.Hearing
		for _, text := range texts {
			current = h.Hear(u.Understand(text), current)
		}
		return current
	}
	for _, c := range []struct {
		from  string
		texts []string
		want  string
	}{
		{"", []string{"7312010003002004 10"}, "id"},
		{"", []string{"siaga pajak bolaku taung iyae"}, "bug"},
		{"bug", []string{"siaga pajakku taung iyae", "1", "731201000300200410", "2", "Ambo Sakka"}, "bug"},
		{"id", []string{"siaga"}, "id"},
		{"id", []string{"engka", "engka", "engka"}, "id"},
		{"bug", []string{"berapa"}, "bug"},
		{"id", []string{"berapa pajak rumah saya", "tabe'", "magai"}, "id"},
		{"id", []string{"engka api ri bolana indo'ku, magatti lao mai"}, "bug"},
		{"bug", []string{"tolong hubungkan saya dengan petugas yang lain"}, "id"},
		{"bug", []string{"siaga pajakku taung iyae", "bayar lewat bank"}, "bug"},
	} {
		if got := talk(c.from, c.texts...); got != c.want {
			t.Errorf("%s %q: %s, want %s", c.from, c.texts, got, c.want)
		}
	}
}

func TestRedact(t *testing.T) {
	u := load(t)
	for text, want := range map[string]string{
		"nop saya 7312 010 003 002 0041 0 berapa":           "nop saya [nomor] berapa",
		"nik 7312011203559902 hp 0811-0000-0456":            "nik [nomor] hp [nomor]",
		"nama saya Ambo Sakka, pbb 2024 berapa":             "nama saya [nama], pbb 2024 berapa",
		"asekku Besse Rani":                                 "asekku [nama]",
		"kebakaran di jl kayangan no 7":                     "kebakaran di jl [alamat] no 7",
		"tolong hubungi budi@contoh.id":                     "tolong hubungi [tautan]",
		"berapa pajak tanah Ambo Dalle di Watu":             "berapa pajak tanah [nama] di Watu",
		"tujuh tiga satu dua nol satu nol nol nol tiga nol": "[nomor]",
		"berapa pajak saya":                                 "berapa pajak saya",
	} {
		if got := u.Redact(text); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}

func TestConfidenceIsAProbability(t *testing.T) {
	u := load(t)
	for _, text := range []string{"", " ", "?", "\x00", "pajak", "izin", "qwertz", strings.Repeat("a", 10000), "👍👍", "\xff\xfe"} {
		r := u.Understand(text)
		if r.Intent == "" || r.Confidence <= 0 || r.Confidence > 1 || r.Second.Confidence > r.Confidence {
			t.Errorf("%.20q: %+v", text, r.Guess)
		}
	}
}

func TestConcurrentUse(t *testing.T) {
	u := load(t)
	texts := []string{"brp pbb sy", "siaga pajakku", "api di pasar", "banjir di marioria", "7312 010 003 002 0041 0"}
	want := make([]understand.Result, len(texts))
	for i, text := range texts {
		want[i] = u.Understand(text)
	}
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for n := range 200 {
				i := n % len(texts)
				if got := u.Understand(texts[i]); got.Guess != want[i].Guess || slots(got) != slots(want[i]) {
					t.Errorf("%q: %+v", texts[i], got)
					return
				}
			}
		})
	}
	wg.Wait()
}

func TestAllocations(t *testing.T) {
	u := load(t)
	for _, text := range []string{"pak brp pbb sy thn ini", "jumlah yg hrs dibayar + denda nop 73 12 060 002 004 9051 0 sampe hari ini",
		"tolong kirim pemadam ke gudang gabah pajalesang, asap tebal sekali", "Saya mau mendirikan menara telekomunikasi di Kec. Citta, mohon daftar persyaratan"} {
		if n := testing.AllocsPerRun(100, func() { u.Understand(text) }); n >= 20 {
			t.Errorf("%q: %.0f allocations", text, n)
		}
	}
}

func FuzzUnderstand(f *testing.F) {
	u := load(f)
	for _, s := range []string{"", "pajak", "73.12.010.003.002-0041.0", "ᨕᨄᨗ", "nama saya \xff", "-4.35, 119.88", "a/b/c/1234567", "dua ribu dua puluh", strings.Repeat("1 ", 600), strings.Repeat("mario ", 300)} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		begin := time.Now()
		r := u.Understand(text)
		u.Redact(text)
		if took := time.Since(begin); took > 2*time.Second {
			t.Errorf("%d bytes took %v", len(text), took)
		}
		for _, s := range r.Slots {
			if len(s.Value) > 200 {
				t.Errorf("slot %s of %d bytes", s.Name, len(s.Value))
			}
		}
	})
}

func TestLongTextsAreBounded(t *testing.T) {
	u := load(t)
	for _, piece := range []string{"1", "1 ", "a ", "mario ", "73 12 ", "nol ", "a-", "1/", "' ", "ᨕ", "dua ribu ", "Ambo "} {
		text := strings.Repeat(piece, (64<<10)/len(piece))
		begin := time.Now()
		u.Understand(text)
		u.Redact(text)
		if took := time.Since(begin); took > time.Second {
			t.Errorf("64 KB of %q took %v", piece, took)
		}
	}
}

func BenchmarkUnderstand(b *testing.B) {
	u := load(b)
	texts := []string{"pak brp pbb sy thn ini", "siaga pajakku taung iyae", "tolong kirim pemadam ke gudang gabah pajalesang, asap tebal sekali", "jumlah yg hrs dibayar + denda nop 73 12 060 002 004 9051 0 sampe hari ini"}
	b.ReportAllocs()
	for n := 0; b.Loop(); n++ {
		u.Understand(texts[n%len(texts)])
	}
}

package macca_test

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"tabe/adapters/database"
	"tabe/adapters/registry/extract"
	registry "tabe/adapters/registry/macca"
	"tabe/adapters/registry/macca/sample"
	"tabe/adapters/testserver"
	"tabe/bot"
	"tabe/bot/ident"
	"tabe/flows/macca"
)

func write(t testing.TB, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "macca.csv")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

const header = "no_kk,nik,nama,hubungan,tanggal_lahir,kecamatan,desa,no_kartu,status_kartu,desil,bantuan,telepon\n"

func day(year int, month time.Month, day int) time.Time {
	return time.Date(year, month, day, 0, 0, 0, 0, bot.WITA)
}

func TestResidents(t *testing.T) {
	testserver.Databases(t, func(t *testing.T, db *database.DB) {
		ctx := t.Context()
		r := registry.New(db)
		if asOf, err := r.AsOf(ctx); err != nil || !asOf.IsZero() {
			t.Errorf("before any load: as of %v, %v", asOf, err)
		}
		report, err := registry.Import(ctx, db, write(t, sample.Residents), nil)
		if err != nil || report.Refused != 0 || report.Warnings != 0 || report.Rows != report.Loaded {
			t.Fatalf("%+v, %v", report, err)
		}
		asOf, err := r.AsOf(ctx)
		if err != nil || asOf.IsZero() {
			t.Fatal(asOf, err)
		}
		h, err := r.Household(ctx, "7312081502109901")
		if err != nil {
			t.Fatal(err)
		}
		want := macca.Household{
			KK: "7312081502109901", Kecamatan: "Citta", Desa: "Citta", Card: macca.CardHanded, Decile: 2, Aid: []string{"Rastra", "PBI-JK"},
			Phones: []ident.Phone{"+6281100000401"}, AsOf: asOf,
			Members: []macca.Member{
				{Name: "LA MAPPA BIN LA TEMMU", Head: true, Born: day(1958, time.April, 12)},
				{Name: "I CABBE", Born: day(1961, time.September, 3)},
				{Name: "BASO IRFAN", Born: day(2013, time.May, 20)},
			},
		}
		if fmt.Sprint(h) != fmt.Sprint(want) {
			t.Errorf("got  %v\nwant %v", h, want)
		}
		if _, err := r.Household(ctx, "7312081502109999"); !errors.Is(err, macca.ErrNotFound) {
			t.Error("unknown family: ", err)
		}
		for kk, card := range map[ident.KK]macca.Card{
			"7312030906159903": macca.CardPrinted, "7312072109189904": macca.CardNotPrinted, "7312021101129905": macca.CardInactive,
			"7312041704209906": macca.CardChecking, "7312012308139907": macca.CardReplacing, "7312052902169908": macca.CardUnknown,
		} {
			if h, err := r.Household(ctx, kk); err != nil || h.Card != card {
				t.Errorf("%s: %s, %v", kk, h.Card, err)
			}
		}
		for phone, want := range map[ident.Phone][]ident.KK{
			"+6281100000608": {"7312061010099909", "7312063011179910"}, "+6281100000999": nil, "": nil,
		} {
			if got, err := r.Owned(ctx, phone, 5); err != nil || !slices.Equal(got, want) {
				t.Errorf("%q: %v, %v", phone, got, err)
			}
		}
		if got, err := r.Owned(ctx, "+6281100000608", 1); err != nil || len(got) != 1 {
			t.Error(got, err)
		}
	})
}

// A person belongs to the household that the newest load says.
func TestLoadReplacesWhatItNames(t *testing.T) {
	testserver.Databases(t, func(t *testing.T, db *database.DB) {
		ctx := t.Context()
		r := registry.New(db)
		load := func(rows string) {
			t.Helper()
			if report, err := registry.Import(ctx, db, write(t, header+rows), nil); err != nil || report.Refused > 0 {
				t.Fatal(report, err)
			}
		}
		const old, young = ident.KK("7312081203119902"), ident.KK("7312080101209950")
		load("7312081203119902,7312080107629804,LA BEDDU,KEPALA KELUARGA,1962-07-01,Citta,Citta,MC-1,DISERAHKAN,1,Rastra;PKH,081100000601\n" +
			"7312081203119902,7312086802059906,ROSMINI,ANAK,2005-02-28,Citta,Citta,MC-1,DISERAHKAN,1,Rastra;PKH,081100000602\n")
		first, err := r.Household(ctx, old)
		if err != nil || len(first.Members) != 2 || len(first.Phones) != 2 {
			t.Fatal(first, err)
		}
		// The daughter has a family card of her own, and the old family loses an aid.
		load("7312080101209950,7312086802059906,ROSMINI,KEPALA KELUARGA,2005-02-28,Citta,Citta,,,,,081100000602\n" +
			"7312081203119902,7312080107629804,LA BEDDU,KEPALA KELUARGA,1962-07-01,Citta,Citta,MC-1,DISERAHKAN,1,Rastra,081100000601\n")
		for kk, name := range map[ident.KK]string{old: "LA BEDDU", young: "ROSMINI"} {
			h, err := r.Household(ctx, kk)
			if err != nil || len(h.Members) != 1 || h.Members[0].Name != name || !h.AsOf.After(first.AsOf) {
				t.Error(h, err)
			}
		}
		if h, err := r.Household(ctx, old); err != nil || !slices.Equal(h.Aid, []string{"Rastra"}) {
			t.Error(h.Aid, err)
		}
		if got, err := r.Owned(ctx, "+6281100000602", 5); err != nil || !slices.Equal(got, []ident.KK{young}) {
			t.Error(got, err)
		}
		var rows int
		if err := db.QueryRow(ctx, "select count(*) from macca_members").Scan(&rows); err != nil || rows != 2 {
			t.Errorf("%d rows are kept: %v", rows, err)
		}
	})
}

func TestRows(t *testing.T) {
	db := testserver.OpenDatabase(t, testserver.SQLiteURL(t))
	tomorrow := time.Now().In(bot.WITA).AddDate(0, 0, 1).Format(time.DateOnly)
	good := "7312081502109901,7312084309619802,I CABBE,ISTRI,1961-09-03,Citta,Citta,MC-08-0001,SUDAH DISERAHKAN,2,Rastra;PKH,081100000401\n"
	for name, test := range map[string]struct{ old, new, want string }{
		"15 digits":        {"7312081502109901", "731208150210990", "no_kk: harus 16 angka"},
		"no family card":   {"7312081502109901", "", "no_kk: tidak boleh kosong"},
		"date of issue":    {"7312081502109901", "7312084502109901", "no_kk: angka ke-7 sampai 12"},
		"letters":          {"7312084309619802", "73120843096199O2", "nik: harus angka saja"},
		"spoilt by Excel":  {"7312084309619802", "7.31208430961990E+15", "nik: rusak oleh Excel"},
		"birth in the NIK": {"7312084309619802", "7312087709619902", "nik: angka ke-7 sampai 12"},
		"no person":        {"7312084309619802", "", "nik: tidak boleh kosong"},
		"no such day":      {"1961-09-03", "1961-09-31", "tanggal_lahir: tanggal itu tidak ada"},
		"another order":    {"1961-09-03", "03-09-1961", "tanggal_lahir: harus tanggal TTTT-BB-HH"},
		"with a time":      {"1961-09-03", "1961-09-03 00:00:00", "tanggal_lahir: harus tanggal TTTT-BB-HH"},
		"too old":          {"1961-09-03", "1861-09-03", "tanggal_lahir: sebelum tahun 1900"},
		"not born":         {"1961-09-03", tomorrow, "tanggal_lahir: belum tiba"},
		"desil 11":         {",2,", ",11,", "desil: paling besar 10"},
		"desil 0":          {",2,", ",0,", "desil: paling kecil 1"},
		"much aid":         {"Rastra;PKH", strings.Repeat("a", 41), "bantuan: lebih dari 12 bantuan"},
		"old, but alive":   {"1961-09-03", "1928-01-31", ""},
		"dashes":           {"7312081502109901", "7312-0815-0210-9901", ""},
		"unknown status":   {"SUDAH DISERAHKAN", "BIRU", ""},
		"empty":            {"1961-09-03,Citta,Citta,MC-08-0001,SUDAH DISERAHKAN,2,Rastra;PKH,081100000401", ",,,,,,,", ""},
	} {
		t.Run(name, func(t *testing.T) {
			bad := strings.Replace(good, test.old, test.new, 1)
			if bad == good {
				t.Fatal("nothing to replace")
			}
			report, err := registry.Import(t.Context(), db, write(t, header+bad), nil)
			if err != nil || (report.Refused > 0) != (test.want != "") {
				t.Fatal(report, err)
			}
			if test.want == "" {
				return
			}
			refused, err := os.ReadFile(report.RejectedPath)
			if err != nil || !strings.Contains(string(refused), test.want) {
				t.Errorf("%v\n%s", err, refused)
			}
		})
	}
	// One person in two families: the office learns it.
	report, err := registry.Import(t.Context(), db, write(t, header+good+strings.Replace(good, "7312081502109901", "7312081203119902", 1)), nil)
	if err != nil || report.Loaded != 1 || report.Refused != 1 {
		t.Error(report, err)
	}
	// A file that is unusable in its middle changes nothing.
	_, err = registry.Import(t.Context(), db, write(t, header+strings.Replace(good, "I CABBE", "LAIN", 1)+"\xff\n"), nil)
	var unusable *extract.Unusable
	if !errors.As(err, &unusable) || unusable.Line != 3 {
		t.Error(err)
	}
	if h, err := registry.New(db).Household(t.Context(), "7312081502109901"); err != nil || h.Members[0].Name != "I CABBE" {
		t.Error(h, err)
	}
}

// What offices write in status_kartu, and what is told of it.
func TestCardWords(t *testing.T) {
	db := testserver.OpenDatabase(t, testserver.SQLiteURL(t))
	cells := map[string]macca.Card{
		"DISERAHKAN": macca.CardHanded, "sudah dibagikan": macca.CardHanded, "TERSALURKAN": macca.CardHanded, "aktif": macca.CardHanded, "sudah_diterima": macca.CardHanded,
		"BELUM TERSALURKAN": macca.CardPrinted, "belum diambil": macca.CardPrinted, "Dicetak": macca.CardPrinted, "siap diambil di desa": macca.CardPrinted,
		"belum dicetak": macca.CardNotPrinted, "TERDAFTAR DTKS": macca.CardNotPrinted, "proses cetak": macca.CardNotPrinted, "TERVERIFIKASI": macca.CardNotPrinted,
		"BELUM DIVERIFIKASI": macca.CardChecking, "SEDANG DITINJAU": macca.CardChecking, "diusulkan desa": macca.CardChecking,
		"PENGGANTIAN": macca.CardReplacing, "hilang": macca.CardReplacing,
		"NON DTKS": macca.CardInactive, "Nonaktif": macca.CardInactive, "TIDAK AKTIF": macca.CardInactive, "dicabut": macca.CardInactive, "tidak terdaftar": macca.CardInactive,
		"-": macca.CardUnknown, "biru": macca.CardUnknown,
	}
	var b strings.Builder
	b.WriteString(header)
	numbers := map[string]ident.KK{}
	for cell := range cells {
		n := len(numbers)
		numbers[cell] = ident.KK(fmt.Sprintf("731208150210%04d", 9001+n))
		fmt.Fprintf(&b, "%s,731208120458%04d,A,,,,,,%s,,,\n", numbers[cell], 9001+n, cell)
	}
	report, err := registry.Import(t.Context(), db, write(t, b.String()), nil)
	if err != nil || report.Refused > 0 || report.Warnings != 2 {
		t.Fatal(report, err)
	}
	for cell, want := range cells {
		if h, err := registry.New(db).Household(t.Context(), numbers[cell]); err != nil || h.Card != want {
			t.Errorf("%q is read as %s, not %s: %v", cell, h.Card, want, err)
		}
	}
}

// An extract that the code has never seen: other columns' order, other ways to
// write, families of all sizes. Every member of every family is found again.
func TestExtractNeverSeen(t *testing.T) {
	db := testserver.OpenDatabase(t, testserver.SQLiteURL(t))
	r := registry.New(db)
	rapid.Check(t, func(rt *rapid.T) {
		seed, households := rapid.Uint64().Draw(rt, "seed"), rapid.IntRange(1, 30).Draw(rt, "households")
		var file bytes.Buffer
		if err := sample.Write(&file, households, seed); err != nil {
			rt.Fatal(err)
		}
		rows := strings.Split(strings.TrimSpace(file.String()), "\n")
		order := rapid.Permutation(columns(12)).Draw(rt, "order")
		members := map[ident.KK]int{}
		var shuffled strings.Builder
		for i, line := range rows {
			cells := split(line)
			for n, c := range order {
				if n > 0 {
					shuffled.WriteByte(',')
				}
				fmt.Fprintf(&shuffled, "%q", cells[c])
			}
			shuffled.WriteByte('\n')
			if i > 0 {
				members[ident.KK(cells[0])]++
			}
		}
		report, err := registry.Import(rt.Context(), db, write(t, shuffled.String()), nil)
		if err != nil || report.Refused != 0 || report.Warnings != 0 || report.Loaded != len(rows)-1 {
			rt.Fatal(report, err)
		}
		if len(members) != households {
			rt.Fatalf("%d family cards of %d families", len(members), households)
		}
		for kk := range members {
			if _, err := r.Household(rt.Context(), kk); err != nil {
				rt.Fatal(err)
			}
		}
	})
}

func columns(n int) []int {
	list := make([]int, n)
	for i := range list {
		list[i] = i
	}
	return list
}

// split cuts a row of sample.Write, in which only one cell ever has a comma.
func split(line string) []string {
	line = strings.Replace(line, `"TERDAFTAR, BELUM DICETAK"`, "BELUM DICETAK", 1)
	return strings.Split(line, ",")
}

func TestSameFileTwice(t *testing.T) {
	testserver.Databases(t, func(t *testing.T, db *database.DB) {
		var file bytes.Buffer
		if err := sample.Write(&file, 500, 3); err != nil {
			t.Fatal(err)
		}
		path := write(t, file.String())
		var counts [2]int
		for i := range counts {
			if _, err := registry.Import(t.Context(), db, path, nil); err != nil {
				t.Fatal(err)
			}
			if err := db.QueryRow(t.Context(), "select count(*) from macca_members").Scan(&counts[i]); err != nil {
				t.Fatal(err)
			}
		}
		if counts[0] != counts[1] || counts[0] < 500 {
			t.Errorf("%d rows, then %d", counts[0], counts[1])
		}
	})
}

// BenchmarkImport loads the families of the first quota into an empty database
// the first time and over itself afterwards.
func BenchmarkImport(b *testing.B) {
	var file bytes.Buffer
	if err := sample.Write(&file, sample.Households, 1); err != nil {
		b.Fatal(err)
	}
	path := write(b, file.String())
	rows := bytes.Count(file.Bytes(), []byte("\n")) - 1
	testserver.DatabaseBenchmarks(b, func(b *testing.B, db *database.DB) {
		for b.Loop() {
			if report, err := registry.Import(b.Context(), db, path, nil); err != nil || report.Loaded != rows {
				b.Fatal(report, err)
			}
		}
		b.ReportMetric(float64(rows), "rows")
		b.ReportMetric(b.Elapsed().Seconds()/float64(b.N), "s/load")
	})
}

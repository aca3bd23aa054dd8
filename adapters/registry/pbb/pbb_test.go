package pbb_test

import (
	"bytes"
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"tabe/adapters/database"
	"tabe/adapters/registry/extract"
	registry "tabe/adapters/registry/pbb"
	"tabe/adapters/registry/pbb/sample"
	"tabe/adapters/testserver"
	"tabe/bot"
	"tabe/bot/ident"
	"tabe/flows/pbb"
)

func write(t testing.TB, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "pbb.csv")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// generated writes an extract of sample.Write.
func generated(t testing.TB, rows, years int, seed uint64) string {
	t.Helper()
	var b bytes.Buffer
	if err := sample.Write(&b, rows, years, seed); err != nil {
		t.Fatal(err)
	}
	return write(t, b.String())
}

const header = "nop,tahun,nama_wp,alamat_op,kecamatan,desa,luas_bumi,luas_bangunan,njop_bumi,njop_bangunan,njoptkp,pbb_terutang,jatuh_tempo,tanggal_bayar,jumlah_bayar,telepon\n"

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
		before := time.Now().Truncate(time.Microsecond)
		path := write(t, sample.Residents)
		report, err := registry.Import(ctx, db, path, nil)
		if err != nil || report.Refused != 0 || report.Warnings != 0 || report.Rows != report.Loaded || report.RejectedPath != "" {
			t.Fatalf("%+v, %v", report, err)
		}
		if _, err := os.Stat(strings.TrimSuffix(path, ".csv") + ".rejected.csv"); !os.IsNotExist(err) {
			t.Error("a file of refused rows without any: ", err)
		}
		asOf, err := r.AsOf(ctx)
		if err != nil || asOf.Before(before) || asOf.After(time.Now()) {
			t.Errorf("as of %v, %v", asOf, err)
		}

		farmer, err := r.Object(ctx, "731203200200190010")
		if err != nil {
			t.Fatal(err)
		}
		var years []int
		for _, y := range farmer.Years {
			years = append(years, y.Year)
		}
		if !slices.Equal(years, []int{2026, 2025, 2024, 2023, 2022, 2021}) || !farmer.AsOf.Equal(asOf) {
			t.Errorf("%v as of %v", years, farmer.AsOf)
		}
		want := pbb.Year{
			Year: 2026, Name: "LA MAPPA BIN LA TEMMU", Address: "DUSUN CITTA I", Kecamatan: "Citta", Desa: "Citta", Phone: "+6281100000401",
			LandArea: 850, BuildingArea: 54, LandValue: 20400000, BuildingValue: 24300000, Allowance: 10000000,
			Due: 34700, DueDate: day(2026, time.September, 30),
		}
		if farmer.Years[0] != want {
			t.Errorf("got %+v, want %+v", farmer.Years[0], want)
		}
		if paid := farmer.Years[5]; !paid.PaidOn.Equal(day(2021, time.August, 19)) || paid.Paid != 28600 {
			t.Errorf("2021: %+v", paid)
		}
		free, err := r.Object(ctx, "731205000700190030")
		if err != nil || free.Years[0].Due != 0 || !free.Years[0].PaidOn.IsZero() {
			t.Errorf("%+v, %v", free, err)
		}
		if _, err := r.Object(ctx, "731201000100199999"); !errors.Is(err, pbb.ErrNotFound) {
			t.Error("unknown object: ", err)
		}

		owned := func(phone ident.Phone, limit int) []ident.NOP {
			t.Helper()
			nops, err := r.Owned(ctx, phone, limit)
			if err != nil {
				t.Fatal(err)
			}
			return nops
		}
		three := []ident.NOP{"731201000100190040", "731201000100390050", "731201000300290060"}
		if got := owned("+6281100000404", 10); !slices.Equal(got, three) {
			t.Errorf("three objects: %v", got)
		}
		if got := owned("+6281100000416", 7); len(got) != 7 || !slices.IsSorted(got) {
			t.Errorf("seven of twelve: %v", got)
		}
		for _, phone := range []ident.Phone{"", "+6281100000999"} {
			if got := owned(phone, 10); len(got) != 0 {
				t.Errorf("%q owns %v", phone, got)
			}
		}
	})
}

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
		object := func(nop ident.NOP) pbb.Object {
			t.Helper()
			o, err := r.Object(ctx, nop)
			if err != nil {
				t.Fatal(err)
			}
			return o
		}
		load("731201000100190040,2025,LA TOGE,,,,,,,,,40000,2025-09-30,,,081100000480\n" +
			"731201000100190040,2026,LA TOGE,,,,,,,,,50000,2026-09-30,,,081100000480\n" +
			"731201000100190050,2026,LA UPE,,,,,,,,,60000,2026-09-30,,,081100000481\n")
		first := object("731201000100190050")

		// One assessment is paid and the land has a new owner.
		load("731201000100190040,2026,BESSE,,,,,,,,,50000,2026-09-30,2026-08-01,50000,081100000482\n")
		o := object("731201000100190040")
		if len(o.Years) != 2 || o.Years[0].Name != "BESSE" || o.Years[0].Paid != 50000 || o.Years[1].Name != "LA TOGE" {
			t.Errorf("%+v", o.Years)
		}
		if again := object("731201000100190050"); !again.AsOf.Equal(first.AsOf) || !o.AsOf.After(first.AsOf) {
			t.Errorf("as of %v, %v; first load %v", o.AsOf, again.AsOf, first.AsOf)
		}
		if asOf, err := r.AsOf(ctx); err != nil || !asOf.Equal(o.AsOf) {
			t.Error(asOf, err)
		}
		for phone, want := range map[ident.Phone][]ident.NOP{
			"+6281100000480": nil, // sold it
			"+6281100000481": {"731201000100190050"},
			"+6281100000482": {"731201000100190040"},
		} {
			if got, err := r.Owned(ctx, phone, 10); err != nil || !slices.Equal(got, want) {
				t.Errorf("%s owns %v, want %v: %v", phone, got, want, err)
			}
		}
		var rows, visible int
		if err := db.QueryRow(ctx, "select count(*) from pbb_assessments").Scan(&rows); err != nil || rows != 3 {
			t.Errorf("%d rows are kept: %v", rows, err)
		}
		if err := db.QueryRow(ctx, "select count(*) from registry_loads where sequence > 0").Scan(&visible); err != nil || visible != 2 {
			t.Errorf("%d loads: %v", visible, err)
		}
	})
}

func TestSameFileTwice(t *testing.T) {
	testserver.Databases(t, func(t *testing.T, db *database.DB) {
		ctx := t.Context()
		path := generated(t, 3000, 3, 7)
		if _, err := registry.Import(ctx, db, path, nil); err != nil {
			t.Fatal(err)
		}
		once := contents(t, db)
		if _, err := registry.Import(ctx, db, path, nil); err != nil {
			t.Fatal(err)
		}
		if twice := contents(t, db); !slices.Equal(once, twice) {
			t.Errorf("the second load changed something: %d rows, then %d", len(once), len(twice))
		}
	})
}

// contents returns all rows that are on disk, without their load.
func contents(t testing.TB, db *database.DB) []string {
	t.Helper()
	rows, err := db.Query(context.Background(), `select nop, tahun, nama_wp, alamat_op, pbb_terutang, tanggal_bayar, jumlah_bayar, telepon
		from pbb_assessments order by nop, tahun, load`)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	var all []string
	for rows.Next() {
		var nop, name, address, paidOn, phone string
		var year, due, paid int64
		if err := rows.Scan(&nop, &year, &name, &address, &due, &paidOn, &paid, &phone); err != nil {
			t.Fatal(err)
		}
		all = append(all, fmt.Sprint(nop, year, name, address, due, paidOn, paid, phone))
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return all
}

// BenchmarkImport loads 120,000 rows, the whole regency, into an empty
// database the first time and over itself afterwards.
func BenchmarkImport(b *testing.B) {
	const rows = 120_000
	for _, years := range []int{1, sample.LastYear - sample.FirstYear + 1} {
		b.Run(fmt.Sprintf("%dyears", years), func(b *testing.B) {
			testserver.DatabaseBenchmarks(b, func(b *testing.B, db *database.DB) {
				path := generated(b, rows, years, 1)
				for b.Loop() {
					if report, err := registry.Import(b.Context(), db, path, nil); err != nil || report.Loaded != rows {
						b.Fatal(report, err)
					}
				}
				b.ReportMetric(rows*float64(b.N)/b.Elapsed().Seconds(), "rows/s")
			})
		})
	}
}

func BenchmarkObject(b *testing.B) {
	testserver.DatabaseBenchmarks(b, func(b *testing.B, db *database.DB) {
		if _, err := registry.Import(b.Context(), db, generated(b, 120_000, 6, 1), nil); err != nil {
			b.Fatal(err)
		}
		nops, phones := column(b, db, "nop"), column(b, db, "telepon")
		r := registry.New(db)
		b.Run("Object", func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := r.Object(b.Context(), ident.NOP(nops[rand.IntN(len(nops))])); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run("Owned", func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := r.Owned(b.Context(), ident.Phone(phones[rand.IntN(len(phones))]), 8); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run("AsOf", func(b *testing.B) {
			for b.Loop() {
				if _, err := r.AsOf(b.Context()); err != nil {
					b.Fatal(err)
				}
			}
		})
	})
}

func column(b *testing.B, db *database.DB, name string) []string {
	rows, err := db.Query(b.Context(), "select distinct "+name+" from pbb_assessments where "+name+" <> ''")
	if err != nil {
		b.Fatal(err)
	}
	defer rows.Close()
	var all []string
	for rows.Next() {
		var s string
		if err := rows.Scan(&s); err != nil {
			b.Fatal(err)
		}
		all = append(all, s)
	}
	return all
}

// Whatever good rows are loaded in whatever loads: what is read back is what
// the last of them said.
func TestReadsBackWhatWasLoaded(t *testing.T) {
	testserver.Databases(t, func(t *testing.T, db *database.DB) {
		r := registry.New(db)
		serial := 0
		rapid.Check(t, func(rt *rapid.T) {
			serial++ // objects of its own for each check
			want := make(map[ident.NOP]map[int]pbb.Year)
			for range rapid.IntRange(1, 3).Draw(rt, "loads") {
				load := rapid.MapOfNValues(rapid.Custom(drawYear), 1, 12, func(y pbb.Year) string {
					return fmt.Sprint(y.Desa, y.Year) // Desa stands for the object
				}).Draw(rt, "rows")
				var b strings.Builder
				b.WriteString(header)
				for _, y := range load {
					nop := ident.NOP(fmt.Sprintf("7312%09d900%s0", serial, y.Desa))
					if want[nop] == nil {
						want[nop] = make(map[int]pbb.Year)
					}
					want[nop][y.Year] = y
					b.WriteString(row(nop, y))
				}
				if report, err := registry.Import(rt.Context(), db, write(t, b.String()), nil); err != nil || report.Loaded != len(load) || report.Warnings != 0 {
					rt.Fatal(report, err)
				}
			}
			for nop, years := range want {
				got, err := r.Object(rt.Context(), nop)
				if err != nil || len(got.Years) != len(years) {
					rt.Fatal(got, err)
				}
				for _, y := range got.Years {
					if y != years[y.Year] {
						rt.Fatalf("got %+v, want %+v", y, years[y.Year])
					}
				}
			}
		})
	})
}

func drawYear(rt *rapid.T) pbb.Year {
	number := rapid.Int64Range(0, 100_000_000_000)
	words := rapid.StringMatching(`([A-Z"',;é.]{1,12}( [A-Z0-9]{1,12}){0,3})?`)
	dates := rapid.Custom(func(rt *rapid.T) time.Time {
		if rapid.Bool().Draw(rt, "unknown") {
			return time.Time{}
		}
		return day(2000, time.January, 1).AddDate(0, 0, rapid.IntRange(0, 20000).Draw(rt, "day"))
	})
	y := pbb.Year{
		Year: rapid.IntRange(2020, 2026).Draw(rt, "year"), Desa: rapid.SampledFrom([]string{"1", "2", "3"}).Draw(rt, "object"),
		Name: words.Draw(rt, "name"), Address: words.Draw(rt, "address"), Kecamatan: rapid.SampledFrom([]string{"", "Citta"}).Draw(rt, "kecamatan"),
		LandArea: number.Draw(rt, "land") % 1_000_000_000, BuildingArea: number.Draw(rt, "building") % 1_000_000_000,
		LandValue: bot.Rupiah(number.Draw(rt, "land value")), BuildingValue: bot.Rupiah(number.Draw(rt, "building value")),
		Allowance: bot.Rupiah(number.Draw(rt, "allowance")), Due: bot.Rupiah(number.Draw(rt, "due")), DueDate: dates.Draw(rt, "due date"),
		PaidOn: dates.Draw(rt, "paid on"), Phone: ident.Phone(rapid.SampledFrom([]string{"", "+6281100000499"}).Draw(rt, "phone")),
	}
	if !y.PaidOn.IsZero() {
		y.Paid = bot.Rupiah(number.Draw(rt, "paid"))
	}
	return y
}

// row writes an assessment as the office would.
func row(nop ident.NOP, y pbb.Year) string {
	date := func(t time.Time) string {
		if t.IsZero() {
			return ""
		}
		return t.Format(time.DateOnly)
	}
	var b strings.Builder
	w := csv.NewWriter(&b)
	_ = w.Write([]string{
		nop.String(), fmt.Sprint(y.Year), y.Name, y.Address, y.Kecamatan, y.Desa, fmt.Sprint(y.LandArea), fmt.Sprint(y.BuildingArea),
		fmt.Sprint(int64(y.LandValue)), fmt.Sprint(int64(y.BuildingValue)), fmt.Sprint(int64(y.Allowance)), fmt.Sprint(int64(y.Due)),
		date(y.DueDate), date(y.PaidOn), fmt.Sprint(int64(y.Paid)), string(y.Phone),
	})
	w.Flush()
	return b.String()
}

func TestRefusedRows(t *testing.T) {
	db := testserver.OpenDatabase(t, testserver.SQLiteURL(t))
	good := "731201000100190040,2026,LA TOGE,DUSUN I,Marioriwawo,Gattareng,600,72,30000000,43200000,10000000,63200,2026-09-30,2026-09-01,63200,081100000480\n"
	for name, test := range map[string]struct{ old, new, want string }{
		"17 digits":         {"731201000100190040", "73120100010019004", "nop: harus 18 angka"},
		"letters":           {"731201000100190040", "73120100010019004O", "nop: harus angka saja"},
		"spoilt by Excel":   {"731201000100190040", "7.3120100010019E+17", "nop: rusak oleh Excel"},
		"another regency":   {"731201000100190040", "730801000100190040", "nop: bukan objek pajak Soppeng"},
		"no NOP":            {"731201000100190040", "", "nop: tidak boleh kosong"},
		"year 1900":         {",2026,", ",1900,", "tahun: paling kecil 1986"},
		"year 3000":         {",2026,", ",3000,", "tahun: paling besar"},
		"negative":          {",63200,2026-09-30", ",-63200,2026-09-30", "pbb_terutang: tidak boleh negatif"},
		"no bill":           {",63200,2026-09-30", ",,2026-09-30", "pbb_terutang: tidak boleh kosong"},
		"absurd bill":       {",63200,2026-09-30", ",632000000000,2026-09-30", "pbb_terutang: paling besar"},
		"bad date":          {"2026-09-30", "2026-09-31", "jatuh_tempo: tanggal itu tidak ada"},
		"paid, but when":    {"2026-09-01", "", "jumlah_bayar: terisi, tetapi tanggal_bayar kosong"},
		"paid, but what":    {",63200,0811", ",,0811", ""},
		"dots":              {"731201000100190040", "73.12.010.001.001-9004.0", ""},
		"telephone unknown": {"081100000480", "tidak ada", ""},
		"no telephone":      {"081100000480", "", ""},
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
	// The same object written in two ways is the same object.
	report, err := registry.Import(t.Context(), db, write(t, header+good+strings.Replace(good, "731201000100190040", "73.12.010.001.001-9004.0", 1)), nil)
	if err != nil || report.Loaded != 1 || report.Refused != 1 {
		t.Error(report, err)
	}
	// A file that is unusable in its middle changes nothing.
	_, err = registry.Import(t.Context(), db, write(t, header+strings.Replace(good, "LA TOGE", "LAIN", 1)+"\xff\n"), nil)
	var unusable *extract.Unusable
	if !errors.As(err, &unusable) || unusable.Line != 3 {
		t.Error(err)
	}
	o, err := registry.New(db).Object(t.Context(), "731201000100190040")
	if err != nil || o.Years[0].Name != "LA TOGE" {
		t.Error(o, err)
	}
}

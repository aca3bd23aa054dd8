package perizinan_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"tabe/adapters/database"
	"tabe/adapters/registry/extract"
	registry "tabe/adapters/registry/perizinan"
	"tabe/adapters/registry/perizinan/sample"
	"tabe/adapters/testserver"
	"tabe/bot"
	"tabe/bot/ident"
	"tabe/flows/perizinan"
)

func write(t testing.TB, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "perizinan.csv")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// load imports rows of which none may be refused.
func load(t testing.TB, db *database.DB, text string) {
	t.Helper()
	report, err := registry.Import(t.Context(), db, write(t, text), nil)
	if err != nil || report.Refused > 0 || report.Rows != report.Loaded {
		t.Fatalf("%+v, %v", report, err)
	}
}

const header = "nomor,jenis_izin,nama_pemohon,tanggal_masuk,status,tanggal_status,keterangan,retribusi,telepon\n"

func day(year int, month time.Month, day int) time.Time {
	return time.Date(year, month, day, 0, 0, 0, 0, bot.WITA)
}

func numbers(permits []perizinan.Permit) []perizinan.Number {
	var all []perizinan.Number
	for _, p := range permits {
		all = append(all, p.Number)
	}
	return all
}

func TestSample(t *testing.T) {
	testserver.Databases(t, func(t *testing.T, db *database.DB) {
		ctx := t.Context()
		r := registry.New(db)
		if asOf, err := r.AsOf(ctx); err != nil || !asOf.IsZero() {
			t.Errorf("before any load: as of %v, %v", asOf, err)
		}
		load(t, db, sample.Permits)
		asOf, err := r.AsOf(ctx)
		if err != nil || asOf.IsZero() {
			t.Fatal(asOf, err)
		}
		want := perizinan.Permit{
			Number: "PBG-731203-12082026-02", Type: "Persetujuan Bangunan Gedung", Entered: day(2026, time.August, 12),
			Status: "SKRD terbit", Since: day(2026, time.November, 20), Fee: 248346, Phone: "+6281100000422", AsOf: asOf,
		}
		for _, written := range []perizinan.Number{"PBG-731203-12082026-02", "PBG/731203/12082026/2"} {
			if p, err := r.Permit(ctx, written); err != nil || p != want {
				t.Errorf("%s: %+v, %v", written, p, err)
			}
		}
		if p, err := r.Permit(ctx, "0220001234567"); err != nil || p.Status != "Menunggu verifikasi" {
			t.Errorf("a NIB that begins with 0: %+v, %v", p, err)
		}
		if _, err := r.Permit(ctx, "9999/IP/DPM-PTSP/I/2026"); !errors.Is(err, perizinan.ErrNotFound) {
			t.Error("an unknown number: ", err)
		}

		for _, c := range []struct {
			clue perizinan.Clue
			want []perizinan.Number
		}{
			{perizinan.Clue{Serial: "299"}, []perizinan.Number{"299/IP/DPM-PTSP/X/2026", "299/IP/DPM-PTSP/VII/2018"}},
			{perizinan.Clue{Serial: "299", Entered: day(2018, time.July, 2)}, []perizinan.Number{"299/IP/DPM-PTSP/VII/2018"}},
			{perizinan.Clue{Serial: "412"}, []perizinan.Number{"0412/REK/DPM-PTSP/XI/2026", "503/0412/SIPP/DPM-PTSP/2026", "0412/SIPB/DPM-PTSP/V/2026"}},
			{perizinan.Clue{Serial: "40000"}, nil},
		} {
			if got, err := r.Find(ctx, c.clue, 10); err != nil || !slices.Equal(numbers(got), c.want) {
				t.Errorf("%+v: %v, %v", c.clue, numbers(got), err)
			}
		}
		if got, err := r.Find(ctx, perizinan.Clue{Serial: "412"}, 2); err != nil || len(got) != 2 {
			t.Error("a limit of two: ", numbers(got), err)
		}
		if got, err := r.Owned(ctx, "+6281100000402", 10); err != nil || !slices.Equal(numbers(got), []perizinan.Number{"0412/REK/DPM-PTSP/XI/2026", "9120000000017"}) {
			t.Error(numbers(got), err)
		}
		for _, phone := range []ident.Phone{"", "+6281100000999"} {
			if got, err := r.Owned(ctx, phone, 10); err != nil || len(got) != 0 {
				t.Errorf("%q owns %v, %v", phone, numbers(got), err)
			}
		}
		if strange, err := r.Strange(ctx, 10); err != nil || !slices.Equal(strange, []string{"Dititipkan di arsip sementara"}) {
			t.Error(strange, err)
		}
		var kept int
		if err := db.QueryRow(ctx, "select count(*) from permits where jenis_izin like '%CONTOH%' or keterangan like '%CONTOH%' or nomor like '%CONTOH%'").Scan(&kept); err != nil || kept != 0 {
			t.Errorf("%d names of applicants are kept: %v", kept, err)
		}
	})
}

// The next day's extract names some permits again, with new statuses, in other
// writings of the same number, and a phone that was handed on.
func TestNextDay(t *testing.T) {
	testserver.Databases(t, func(t *testing.T, db *database.DB) {
		ctx := t.Context()
		r := registry.New(db)
		load(t, db, header+
			"0501/REK/DPM-PTSP/XI/2026,Izin Reklame,A,2026-11-02,Verifikasi,2026-11-03,,,081100000480\n"+
			"0502/REK/DPM-PTSP/XI/2026,Izin Reklame,B,2026-11-02,Verifikasi,2026-11-03,,,081100000480\n")
		before, err := r.Permit(ctx, "0502/REK/DPM-PTSP/XI/2026")
		if err != nil {
			t.Fatal(err)
		}
		keys := []string{"0501/REK/DPM-PTSP/XI/2026", "0502/REK/DPM-PTSP/XI/2026", "gone/1"}
		old, err := r.News(ctx, keys, time.Now())
		if err != nil || len(old) != 2 || old[keys[0]].Mark != "papers" || old[keys[0]].Kind != perizinan.NoticeChanged {
			t.Fatal(old, err)
		}
		load(t, db, header+"501/REK/DPMPTSP/XI/2026,Izin Reklame,A,2026-11-02,Siap Diambil,2026-11-24,,,081100000481\n")

		p, err := r.Permit(ctx, "0501/REK/DPM-PTSP/XI/2026")
		if err != nil || p.Status != "Siap Diambil" || p.Phone != "+6281100000481" || !p.AsOf.After(before.AsOf) {
			t.Errorf("%+v, %v", p, err)
		}
		if same, err := r.Permit(ctx, "0502/REK/DPM-PTSP/XI/2026"); err != nil || same != before {
			t.Errorf("what the file did not name has changed: %+v, %v", same, err)
		}
		if got, err := r.Owned(ctx, "+6281100000480", 10); err != nil || len(got) != 1 {
			t.Error("who handed his application on still sees it: ", numbers(got), err)
		}
		news, err := r.News(ctx, keys, time.Now())
		if err != nil || news[keys[0]].Mark != "ready" || news[keys[0]].Kind != perizinan.NoticeReady || news[keys[1]].Mark != old[keys[1]].Mark {
			t.Error(news, err)
		}
		if body, err := json.Marshal(news[keys[0]].Body); err != nil || strings.Contains(string(body), "08110") {
			t.Errorf("%s, %v", body, err)
		}
		var rows int
		if err := db.QueryRow(ctx, "select count(*) from permits").Scan(&rows); err != nil || rows != 2 {
			t.Errorf("%d rows are kept: %v", rows, err)
		}
	})
}

// An extract of an office that we have never seen: another program wrote it.
func TestUnseenExtract(t *testing.T) {
	db := testserver.OpenDatabase(t, testserver.SQLiteURL(t))
	ctx := t.Context()
	text := "\ufeff\"TELEPON\",\"Status\",\"nomor\",\"jenis_izin\",\"tanggal_masuk\",\"tanggal_status\",\"keterangan\",\"retribusi\",\"nama_pemohon\"\r\n" +
		"\"+62 811-0000-0490\",\"VERIFIKASI LAPANGAN (DINAS PUPR)\",\"640 / 0777 / PBG / DPM-PTSP / 2026\",\"IZIN MENDIRIKAN BANGUNAN (RUKO, \"\"BARU\"\")\",2026-09-01,2026-10-05,\"titik: jl. poros, km 3\n(belakang pasar)\",,\"CONTOH, SH\"\r\n" +
		",\"menunggu ttd bupati\",\"8758/S.01/PTSP/2026\",\"Izin Operasional Klinik Pratama Rawat Jalan\",2026-09-02,,,0,\r\n" +
		",\"Dokumen diarsipkan\",\"SRN CO0002935\",\"Retribusi Pasar\",,,,,\r\n" +
		"tidak ada,\"1\",\"7312 0900 0001\",\"Izin Angkutan Pedesaan\",2026-09-03,2026-09-04,,,\r\n"
	report, err := registry.Import(ctx, db, write(t, text), nil)
	if err != nil || report.Loaded != 4 || report.Refused != 0 || report.Warnings != 1 {
		t.Fatalf("%+v, %v", report, err)
	}
	r := registry.New(db)
	p, err := r.Permit(ctx, "640/0777/PBG/DPMPTSP/2026")
	if err != nil || perizinan.StepOf(p.Status) != perizinan.Inspection || perizinan.KindOf(p.Type) != perizinan.Building || p.Phone != "+6281100000490" {
		t.Errorf("%+v, %v", p, err)
	}
	if p, err := r.Permit(ctx, "8758/S.01/PTSP/2026"); err != nil || perizinan.StepOf(p.Status) != perizinan.Signing {
		t.Errorf("%+v, %v", p, err)
	}
	if strange, err := r.Strange(ctx, 10); err != nil || !slices.Equal(strange, []string{"1", "Dokumen diarsipkan"}) {
		t.Errorf("%q, %v", strange, err)
	}
}

func TestRefusedRows(t *testing.T) {
	db := testserver.OpenDatabase(t, testserver.SQLiteURL(t))
	good := "0501/REK/DPM-PTSP/XI/2026,Izin Reklame,A,2026-11-02,Verifikasi,2026-11-03,,150000,081100000480\n"
	tomorrow := time.Now().In(bot.WITA).AddDate(0, 0, 3).Format(time.DateOnly)
	for name, test := range map[string]struct{ old, new, want string }{
		"no number":         {"0501/REK/DPM-PTSP/XI/2026", "", "nomor: tidak boleh kosong"},
		"no digit":          {"0501/REK/DPM-PTSP/XI/2026", "belum ada", "nomor: bukan nomor izin"},
		"too long":          {"0501/REK", strings.Repeat("1", 80) + "/REK", "nomor: bukan nomor izin"},
		"spoilt by Excel":   {"0501/REK/DPM-PTSP/XI/2026", "9.12E+12", "nomor: rusak oleh Excel"},
		"no kind":           {"Izin Reklame", "", "jenis_izin: tidak boleh kosong"},
		"no status":         {"Verifikasi", "", "status: tidak boleh kosong"},
		"no such day":       {"2026-11-02", "2026-02-30", "tanggal_masuk: tanggal itu tidak ada"},
		"another writing":   {"2026-11-02", "02/11/2026", "tanggal_masuk: harus tanggal"},
		"not yet":           {"2026-11-03", tomorrow, "tanggal_status: tanggal itu belum tiba"},
		"dots":              {"150000", "Rp 150.000", "retribusi: harus rupiah bulat"},
		"unknown dates":     {"2026-11-02,Verifikasi,2026-11-03", ",Verifikasi,", ""},
		"telephone unknown": {"081100000480", "tidak ada", ""},
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
	// The same number twice in a file: the second is refused.
	report, err := registry.Import(t.Context(), db, write(t, header+good+good), nil)
	if err != nil || report.Loaded != 1 || report.Refused != 1 {
		t.Error(report, err)
	}
	// A file that is unusable in its middle changes nothing.
	_, err = registry.Import(t.Context(), db, write(t, header+strings.Replace(good, "Verifikasi", "Ditolak", 1)+"\xff\n"), nil)
	var unusable *extract.Unusable
	if !errors.As(err, &unusable) || unusable.Line != 3 {
		t.Error(err)
	}
	p, err := registry.New(db).Permit(t.Context(), "0501/REK/DPM-PTSP/XI/2026")
	if err != nil || p.Status != "Verifikasi" {
		t.Error(p, err)
	}
}

// The same file twice changes nothing but the age of the data.
func TestSameFileTwice(t *testing.T) {
	testserver.Databases(t, func(t *testing.T, db *database.DB) {
		text := generated(t, 3000, 7)
		load(t, db, text)
		once := contents(t, db)
		load(t, db, text)
		if twice := contents(t, db); len(once) != 3000 || !slices.Equal(once, twice) {
			t.Errorf("the second load changed something: %d rows, then %d", len(once), len(twice))
		}
	})
}

func generated(t testing.TB, rows int, seed uint64) string {
	t.Helper()
	var b bytes.Buffer
	if err := sample.Write(&b, rows, seed); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// contents returns all rows that are on disk, without their load.
func contents(t testing.TB, db *database.DB) []string {
	t.Helper()
	rows, err := db.Query(context.Background(), "select key, serial, nomor, status, tanggal_status, telepon from permits order by key, load")
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	var all []string
	for rows.Next() {
		var cells [6]string
		if err := rows.Scan(&cells[0], &cells[1], &cells[2], &cells[3], &cells[4], &cells[5]); err != nil {
			t.Fatal(err)
		}
		all = append(all, fmt.Sprint(cells))
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return all
}

// BenchmarkImport loads ten days of the office at once, into an empty database
// the first time and over itself afterwards.
func BenchmarkImport(b *testing.B) {
	const rows = 10_000
	testserver.DatabaseBenchmarks(b, func(b *testing.B, db *database.DB) {
		path := write(b, generated(b, rows, 1))
		for b.Loop() {
			if report, err := registry.Import(b.Context(), db, path, nil); err != nil || report.Loaded != rows {
				b.Fatal(report, err)
			}
		}
		b.ReportMetric(rows*float64(b.N)/b.Elapsed().Seconds(), "rows/s")
	})
}

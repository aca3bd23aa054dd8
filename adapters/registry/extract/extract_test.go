package extract

import (
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"pgregory.net/rapid"
)

func testSchema() *Schema {
	return &Schema{
		Columns: []Column{
			{Name: "nomor", Kind: Identifier, Required: true, Parse: func(s string) (string, string) {
				if !digits(s) {
					return "", "harus angka"
				}
				return s, ""
			}},
			{Name: "nama"},
			{Name: "harga", Kind: Rupiah, Required: true, Max: 1000},
			{Name: "luas", Kind: Whole, Min: 10, Max: 99},
			{Name: "tanggal", Kind: Date},
			{Name: "telepon", Kind: Identifier, Optional: true, Lenient: true, Parse: func(s string) (string, string) {
				if !strings.HasPrefix(s, "08") {
					return "", "bukan nomor telepon"
				}
				return s, ""
			}},
		},
		Key: []int{0},
	}
}

const (
	nomor   = 0
	nama    = 1
	telepon = 5
)

const header = "nomor,nama,harga,luas,tanggal,telepon\n"

func write(t testing.TB, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "izin.CSV")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// kept is a Load in memory.
type kept struct {
	rows      [][]string
	committed bool
	aborted   bool
}

func (k *kept) Add(_ context.Context, row *Row) error {
	k.rows = append(k.rows, slices.Clone(row.cells))
	return nil
}
func (k *kept) Commit(context.Context, Report) error { k.committed = true; return nil }
func (k *kept) Abort(context.Context)                { k.aborted = true }

func load(t testing.TB, path string) (*kept, Report, error) {
	t.Helper()
	k := &kept{}
	report, err := Import(t.Context(), path, testSchema(), func(context.Context) (Load, error) { return k, nil }, nil)
	return k, report, err
}

func TestUnusableFiles(t *testing.T) {
	for name, test := range map[string]struct{ text, want string }{
		"empty":          {"", "file kosong"},
		"only blank":     {"\n\n,,\n", "file kosong"},
		"only a header":  {header, "tidak ada baris data"},
		"xlsx":           {"PK\x03\x04\x14\x00", "simpan sebagai CSV UTF-8"},
		"xls":            {"\xd0\xcf\x11\xe0\xa1\xb1", "ini file Excel"},
		"UTF-16 LE":      {"\xff\xfen\x00o\x00", "UTF-16"},
		"UTF-16 BE":      {"\xfe\xff\x00n\x00o", "UTF-16"},
		"UTF-16 no mark": {"n\x00o\x00m\x00", "UTF-16"},
		"HTML":           {"\n <html><table>", "HTML"},
		"PDF":            {"%PDF-1.7", "PDF"},
		"gzip":           {"\x1f\x8b\x08\x00", "dimampatkan"},
		"Latin-1":        {header + "1,a,1,,,\n2,Jos\xe9,1,,,\n", "baris 3: huruf di baris ini bukan UTF-8"},
		"Latin-1 header": {"nomor,nam\xe9\n", "baris 1: huruf"},
		"semicolon":      {strings.ReplaceAll(header, ",", ";") + "1;a;1;;;\n", "titik koma"},
		"tab":            {strings.ReplaceAll(header, ",", "\t") + "1\ta\t1\t\t\t\n", "tab"},
		"missing":        {"nomor,nama,harga,luas\n1,a,1,\n", `tidak ada "tanggal"`},
		"unknown":        {"nomor,nama,harga,luas,tanggal,warna\n1,a,1,,,\n", `tidak dikenal "warna"`},
		"doubled":        {"nomor,nama,nama,harga,luas,tanggal\n1,a,a,1,,\n", `ganda "nama"`},
		"no header":      {"1,a,1,,,\n", "baris pertama bukan judul kolom"},
		"open quote":     {"nomor,\"nama\n", "baris 1: baris judul kolom tidak dapat dibaca"},
		"long header":    {strings.Repeat("x", maxLine+1) + "\n1", "baris lebih panjang"},
	} {
		t.Run(name, func(t *testing.T) {
			path := write(t, test.text)
			k, _, err := load(t, path)
			var unusable *Unusable
			if !errors.As(err, &unusable) || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v, want %q", err, test.want)
			}
			if k.committed {
				t.Error("it was loaded")
			}
			if names, err := os.ReadDir(filepath.Dir(path)); err != nil || len(names) != 1 {
				t.Error("something is left beside the file: ", names, err)
			}
		})
	}
	for name, path := range map[string]string{"absent": filepath.Join(t.TempDir(), "no.csv"), "a folder": t.TempDir()} {
		var unusable *Unusable
		if _, _, err := load(t, path); !errors.As(err, &unusable) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestRows(t *testing.T) {
	for name, test := range map[string]struct{ row, want string }{ // want: the reason, or "" for a good row
		"good":              {"7,LA UPE,1000,10,2026-09-30,0811", ""},
		"unknown cells":     {"7,,0,,,", ""},
		"quoted":            {`7,"LA ""UPE"", S.H.",5,,,`, ""},
		"quotes as letters": {`7,JL. "BARU" 3,5,,,`, ""},
		"two lines":         {"7,\"JL. BARU\nNO 3\",5,,,", ""},
		"leap day":          {"7,,5,,2024-02-29,", ""},
		"bad telephone":     {"7,,5,,,none", ""}, // a warning
		"required":          {",,5,,,", "nomor: tidak boleh kosong"},
		"own reason":        {"A1,,5,,,", "nomor: harus angka"},
		"negative":          {"7,,-5,,,", "harga: tidak boleh negatif"},
		"thousands":         {"7,,1.000,,,", "harga: harus rupiah bulat"},
		"with Rp":           {"7,,Rp 5,,,", "harga: harus rupiah bulat"},
		"over the limit":    {"7,,1001,,,", "harga: paling besar 1000"},
		"huge":              {"7,,99999999999999999999999,,,", "harga: paling besar 1000"},
		"fraction":          {`7,,5,"10,5",,`, "luas: harus angka bulat"},
		"too small":         {"7,,5,9,,", "luas: paling kecil 10"},
		"day first":         {"7,,5,,30/09/2026,", "tanggal: harus tanggal TTTT-BB-HH"},
		"no such date":      {"7,,5,,2026-02-30,", "tanggal: tanggal itu tidak ada"},
		"year 0202":         {"7,,5,,0202-01-01,", "tanggal: tahun tanggal harus antara"},
		"too few":           {"7,,5", "ada 3 kolom, seharusnya 6"},
		"too many":          {"7,,5,,,,,", "ada 8 kolom, seharusnya 6"},
		"NUL":               {"7,a\x00b,5,,,", "nama: ada karakter yang tidak dapat dicetak"},
		"long cell":         {"7," + strings.Repeat("é", DefaultText+1) + ",5,,,", "nama: lebih dari 200 huruf"},
		"long line":         {"7," + strings.Repeat("x", maxLine) + ",5,,,", "baris lebih panjang dari"},
		"open quote":        {`7,"LA UPE,5,,,`, "tanda kutip (\") tidak ditutup"},
		"after a quote":     {`7,"LA" UPE,5,,,`, "setelah tanda kutip"},
		"two reasons":       {"7,,x,9,,", "harga: harus rupiah bulat tanpa titik, koma, atau Rp, misalnya 52500; luas: paling kecil 10"},
		"said before":       {"1,,5,,,", "sama dengan baris 2 (nomor)"},
	} {
		t.Run(name, func(t *testing.T) {
			path := write(t, header+"1,a,1,,,\n"+test.row+"\n99,z,1,,,\n")
			k, report, err := load(t, path)
			if err != nil {
				t.Fatal(err)
			}
			refused, err := os.ReadFile(filepath.Join(filepath.Dir(path), "izin.rejected.csv"))
			if test.want == "" {
				if len(k.rows) != 3 || report.Refused != 0 || !os.IsNotExist(err) {
					t.Errorf("%+v\n%s", report, refused)
				}
				return
			}
			if report.Rows != 3 || report.Loaded != 2 || report.Refused != 1 || report.RejectedPath == "" {
				t.Errorf("%+v", report)
			}
			if last := k.rows[len(k.rows)-1]; last[nomor] != "99" {
				t.Errorf("the row behind it: %v", last)
			}
			rows, err := csv.NewReader(strings.NewReader(string(refused))).ReadAll()
			if err != nil || len(rows) != 2 {
				t.Fatalf("%v\n%s", err, refused)
			}
			line, reason := rows[1][6], rows[1][7]
			if line != "3" || !strings.Contains(reason, test.want) {
				t.Errorf("line %s: %s, want %q", line, reason, test.want)
			}
		})
	}
}

func TestCleanedCells(t *testing.T) {
	k, report, err := load(t, write(t, "\ufeffTanggal , NAMA,nomor,luas,harga\r\n2026-01-02,\"  LA\u00a0 UPE\n\u200bBIN\u202e TOGE \", 007 ,,5\r\n,,,,\r\n"))
	if err != nil || report.Loaded != 1 {
		t.Fatal(report, err)
	}
	if want := []string{"007", "LA UPE BIN TOGE", "5", "", "2026-01-02", ""}; !slices.Equal(k.rows[0], want) {
		t.Errorf("%q", k.rows[0])
	}
}

// A clerk corrects the refused rows in their own file and loads that.
func TestRefusedRowsAreLoadedOnceCorrected(t *testing.T) {
	path := write(t, header+"1,a,x,,,\n2,b,5,,,\n3,c,5,,,,surplus\n")
	if _, report, err := load(t, path); err != nil || report.Refused != 2 {
		t.Fatal(report, err)
	}
	rejected := RejectedPath(path)
	text, err := os.ReadFile(rejected)
	if err != nil || !strings.Contains(string(text), "surplus") {
		t.Fatalf("%s %v", text, err)
	}
	if info, err := os.Stat(rejected); err != nil || info.Mode().Perm() != 0o600 {
		t.Error("others may read it: ", info.Mode(), err)
	}
	corrected := strings.NewReplacer("1,a,x", "1,a,5", `",surplus"`, "").Replace(string(text))
	if err := os.WriteFile(rejected, []byte(corrected), 0o600); err != nil {
		t.Fatal(err)
	}
	k, report, err := load(t, rejected)
	if err != nil || report.Loaded != 2 || report.Refused != 0 || k.rows[0][nomor] != "1" {
		t.Errorf("%+v %v\n%s", report, err, corrected)
	}
	// The whole file is good at last: what was refused before is gone.
	if err := os.WriteFile(path, []byte(header+"1,a,5,,,\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, _, err := load(t, path); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(rejected); !os.IsNotExist(err) {
		t.Error("refused rows of an earlier load are still there: ", err)
	}
}

func TestWarnings(t *testing.T) {
	k, report, err := load(t, write(t, header+"1,,1,,,none\n2,,x,,,none\n3,,1,,,0811\n"))
	if err != nil || report.Warnings != 1 || k.rows[0][telepon] != "" || k.rows[1][telepon] != "0811" {
		t.Errorf("%+v %v %v", report, k.rows, err)
	}
}

func TestProgressAndCancel(t *testing.T) {
	var text strings.Builder
	text.WriteString(header)
	for i := range 5000 {
		fmt.Fprintf(&text, "%d,,1,,,\n", i)
	}
	path := write(t, text.String())
	var last, size int64
	k := &kept{}
	begin := func(context.Context) (Load, error) { return k, nil }
	if _, err := Import(t.Context(), path, testSchema(), begin, func(done, total int64) {
		if done < last {
			t.Error("progress goes back")
		}
		last, size = done, total
	}); err != nil {
		t.Fatal(err)
	}
	if last != int64(text.Len()) || size != last {
		t.Errorf("ended at %d of %d", last, size)
	}
	stop := errors.New("disk full")
	bad := &failing{kept: kept{}, err: stop}
	if _, err := Import(t.Context(), path, testSchema(), func(context.Context) (Load, error) { return bad, nil }, nil); !errors.Is(err, stop) || !bad.aborted {
		t.Error(err, bad.aborted)
	}
}

type failing struct {
	kept
	err error
}

func (f *failing) Commit(context.Context, Report) error { return f.err }

// Whatever is written as CSV is read back as it was, but for spaces.
func TestReadsWhatIsWritten(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		names := rapid.SliceOfN(rapid.StringMatching(`[A-Za-z.,"' é\n;]{0,30}`), 1, 20).Draw(rt, "names")
		var b strings.Builder
		w := csv.NewWriter(&b)
		w.UseCRLF = rapid.Bool().Draw(rt, "crlf")
		_ = w.Write(strings.Split(strings.TrimSpace(header), ","))
		for i, name := range names {
			_ = w.Write([]string{fmt.Sprint(i), name, "5", "", "", ""})
		}
		w.Flush()
		k, report, err := load(t, write(t, b.String()))
		if err != nil || report.Refused != 0 {
			// A cell may hold more line breaks than one record has lines.
			for _, name := range names {
				if strings.Count(name, "\n") >= maxLines {
					return
				}
			}
			rt.Fatal(report, err)
		}
		for i, name := range names {
			if want := strings.Join(strings.Fields(name), " "); k.rows[i][nama] != want {
				rt.Fatalf("%q, want %q", k.rows[i][nama], want)
			}
		}
	})
}

func FuzzReader(f *testing.F) {
	f.Add(header + "1,a,1,,,\n")
	f.Add("\ufeff" + header + "1,\"a\nb\",1,10,2026-09-30,0811\r\n\"\n")
	f.Add("PK\x03\x04")
	f.Add(header + strings.Repeat("\"\n", 40))
	f.Fuzz(func(t *testing.T, text string) {
		k, report, err := load(t, write(t, text))
		var unusable *Unusable
		if err != nil && !errors.As(err, &unusable) {
			t.Fatal(err)
		}
		if err != nil {
			return
		}
		if report.Rows != report.Loaded+report.Refused || report.Loaded != len(k.rows) {
			t.Errorf("%+v, %d rows", report, len(k.rows))
		}
		for _, row := range k.rows {
			for _, cell := range row {
				if !utf8.ValidString(cell) || strings.ContainsAny(cell, "\x00\n\r") || cell != strings.TrimSpace(cell) {
					t.Errorf("unclean cell %q", cell)
				}
			}
		}
		if report.Refused > 0 {
			out, err := os.Open(report.RejectedPath)
			if err != nil {
				t.Fatal(err)
			}
			defer out.Close()
			if refused, err := csv.NewReader(out).ReadAll(); err != nil || len(refused) != report.Refused+1 {
				t.Errorf("%d refused rows on disk, %v; %+v", len(refused)-1, err, report)
			}
		}
	})
}

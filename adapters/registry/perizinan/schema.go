package perizinan

import (
	"strings"
	"time"

	"tabe/adapters/registry/extract"
	"tabe/bot"
	"tabe/bot/ident"
	"tabe/flows/perizinan"
)

// The columns of perizinan.csv, in the order of the schema.
const (
	nomor = iota
	jenisIzin
	namaPemohon
	tanggalMasuk
	status
	tanggalStatus
	keterangan
	retribusi
	telepon
)

// maxFee is the largest retribution in rupiah that is no slip of the hand.
const maxFee = 100_000_000_000

// schema is what a perizinan.csv looks like on the day of now.
func schema(now time.Time) *extract.Schema {
	return &extract.Schema{
		Columns: []extract.Column{
			nomor:         {Name: "nomor", Kind: extract.Identifier, Required: true, Parse: parseNumber},
			jenisIzin:     {Name: "jenis_izin", Required: true},
			namaPemohon:   {Name: "nama_pemohon", Optional: true},
			tanggalMasuk:  {Name: "tanggal_masuk", Kind: extract.Date},
			status:        {Name: "status", Required: true, Max: 100},
			tanggalStatus: {Name: "tanggal_status", Kind: extract.Date},
			keterangan:    {Name: "keterangan", Max: 500, Optional: true},
			retribusi:     {Name: "retribusi", Kind: extract.Rupiah, Max: maxFee, Optional: true},
			telepon:       {Name: "telepon", Kind: extract.Identifier, Optional: true, Lenient: true, Parse: parsePhone},
		},
		Key: []int{nomor},
		Check: func(row *extract.Row) string {
			// The clock of the office may be ahead of ours by hours, not by days.
			tomorrow := now.In(bot.WITA).AddDate(0, 0, 1).Format(time.DateOnly)
			for _, c := range []struct {
				column int
				name   string
			}{{tanggalMasuk, "tanggal_masuk"}, {tanggalStatus, "tanggal_status"}} {
				if row.Text(c.column) > tomorrow {
					return c.name + inFuture
				}
			}
			return ""
		},
	}
}

// What clerks read beside the words of extract.
const (
	numberUnreadable = "bukan nomor izin (paling banyak 60 huruf, harus ada angkanya)"
	numberExcel      = "rusak oleh Excel; jadikan kolom ini Teks sebelum menyimpan"
	phoneUnreadable  = "bukan nomor telepon"
	inFuture         = ": tanggal itu belum tiba"
)

// parseNumber keeps a number as the office writes it.
func parseNumber(cell string) (string, string) {
	if mantissa, exponent, ok := strings.Cut(strings.ToUpper(cell), "E+"); ok && isDecimal(mantissa) && isDecimal(exponent) { // 9,12E+12
		return "", numberExcel
	}
	n, ok := perizinan.ParseNumber(cell)
	if !ok {
		return "", numberUnreadable
	}
	return string(n), ""
}

func isDecimal(s string) bool { return s != "" && strings.Trim(s, "0123456789.,") == "" }

func parsePhone(cell string) (string, string) {
	p, err := ident.ParsePhone(cell)
	if err != nil {
		return "", phoneUnreadable
	}
	return string(p), ""
}

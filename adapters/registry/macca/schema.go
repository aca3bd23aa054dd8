package macca

import (
	"errors"
	"slices"
	"strings"
	"time"
	"unicode"

	"tabe/adapters/registry/extract"
	"tabe/bot"
	"tabe/bot/ident"
)

// The columns of macca.csv, in the order of the schema.
const (
	noKK = iota
	nik
	nama
	hubungan
	tanggalLahir
	kecamatan
	desa
	noKartu
	statusKartu
	desil
	bantuan
	telepon
)

// schema is what a macca.csv looks like on the day of now.
func schema(now time.Time) *extract.Schema {
	return &extract.Schema{
		Columns: []extract.Column{
			noKK:         {Name: "no_kk", Kind: extract.Identifier, Required: true, Parse: parseKK},
			nik:          {Name: "nik", Kind: extract.Identifier, Required: true, Parse: parseNIK},
			nama:         {Name: "nama"},
			hubungan:     {Name: "hubungan", Max: 60},
			tanggalLahir: {Name: "tanggal_lahir", Kind: extract.Identifier, Parse: birthDates(now)},
			kecamatan:    {Name: "kecamatan", Max: 60},
			desa:         {Name: "desa", Max: 60},
			noKartu:      {Name: "no_kartu", Max: 40},
			statusKartu:  {Name: "status_kartu", Kind: extract.Identifier, Lenient: true, Parse: parseCard},
			desil:        {Name: "desil", Kind: extract.Whole, Min: 1, Max: 10},
			bantuan:      {Name: "bantuan", Kind: extract.Identifier, Parse: parseAid},
			telepon:      {Name: "telepon", Kind: extract.Identifier, Optional: true, Lenient: true, Parse: parsePhone},
		},
		// A person belongs to one household: the second is refused, and tells
		// the office that its data is double.
		Key: []int{nik},
	}
}

// What clerks read beside the words of extract.
const (
	sixteenDigits   = "harus 16 angka"
	digitsOnly      = "harus angka saja"
	spoiltByExcel   = "rusak oleh Excel; jadikan kolom ini Teks sebelum menyimpan"
	kkDate          = "angka ke-7 sampai 12 bukan tanggal yang benar"
	nikDate         = "angka ke-7 sampai 12 bukan tanggal lahir yang benar"
	notDate         = "harus tanggal TTTT-BB-HH, misalnya 1961-09-03"
	noSuchDate      = "tanggal itu tidak ada"
	tooOld          = "sebelum tahun 1900"
	notBornYet      = "belum tiba"
	phoneUnreadable = "bukan nomor telepon"
	cardUnreadable  = "status itu tidak dikenal"
	tooMuchAid      = "lebih dari 12 bantuan, atau lebih dari 40 huruf"
)

func parseKK(cell string) (string, string) {
	kk, err := ident.ParseKK(cell)
	return string(kk), sixteen(cell, err, kkDate)
}

func parseNIK(cell string) (string, string) {
	n, err := ident.ParseNIK(cell)
	return string(n), sixteen(cell, err, nikDate)
}

// sixteen puts into words what is wrong with a number.
func sixteen(cell string, err error, date string) string {
	switch {
	case err == nil:
		return ""
	case errors.Is(err, ident.ErrLength):
		return sixteenDigits
	case errors.Is(err, ident.ErrDate):
		return date
	case strings.ContainsAny(cell, "eE") && strings.Contains(cell, "+"): // 7,31202E+15
		return spoiltByExcel
	}
	return digitsOnly
}

// firstBirth is the earliest year in which somebody alive can be born.
const firstBirth = 1900

// birthDates reads dates up to the day of now.
func birthDates(now time.Time) func(string) (string, string) {
	today := now.In(bot.WITA).Format(time.DateOnly)
	return func(cell string) (string, string) {
		day, err := time.Parse(time.DateOnly, cell)
		var form *time.ParseError
		switch {
		case errors.As(err, &form) && strings.HasSuffix(form.Message, "out of range"):
			return "", noSuchDate
		case err != nil:
			return "", notDate
		case day.Year() < firstBirth:
			return "", tooOld
		case cell > today:
			return "", notBornYet
		}
		return cell, ""
	}
}

func parseCard(cell string) (string, string) {
	c, known := card(cell)
	if !known {
		return "", cardUnreadable
	}
	return string(c), ""
}

// Limits of the aid of one person, in names and letters of a name.
const (
	maxAid     = 12
	longestAid = 40
)

// parseAid reads names with ; between, each once.
func parseAid(cell string) (string, string) {
	var names []string
	for name := range strings.SplitSeq(cell, ";") {
		name = strings.TrimSpace(name)
		if strings.IndexFunc(name, unicode.IsLetter) < 0 { // "-" is none
			continue
		}
		if len(name) > longestAid {
			return "", tooMuchAid
		}
		if !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	if len(names) > maxAid {
		return "", tooMuchAid
	}
	return strings.Join(names, ";"), ""
}

func parsePhone(cell string) (string, string) {
	p, err := ident.ParsePhone(cell)
	if err != nil {
		return "", phoneUnreadable
	}
	return string(p), ""
}

package pbb

import (
	"errors"
	"strings"
	"time"

	"tabe/adapters/registry/extract"
	"tabe/bot/ident"
)

// The columns of pbb.csv, in the order of the schema and of the table.
const (
	nop = iota
	tahun
	namaWP
	alamatOP
	kecamatan
	desa
	luasBumi
	luasBangunan
	njopBumi
	njopBangunan
	njoptkp
	pbbTerutang
	jatuhTempo
	tanggalBayar
	jumlahBayar
	telepon
)

// Limits of what one assessment can be. What lies beyond is a slip of the
// hand: the largest bills of the regency are below one hundred million.
const (
	firstYear = 1986                // of the PBB (UU 12/1985)
	maxArea   = 1_000_000_000       // m2: two thirds of the regency
	maxValue  = 100_000_000_000_000 // rupiah of NJOP
	maxBill   = 100_000_000_000     // rupiah
)

// schema is what a pbb.csv of the year of now looks like. Bills of the next
// year are printed in December.
func schema(now time.Time) *extract.Schema {
	area := extract.Column{Kind: extract.Whole, Max: maxArea}
	value := extract.Column{Kind: extract.Rupiah, Max: maxValue}
	named := func(c extract.Column, name string) extract.Column {
		c.Name = name
		return c
	}
	return &extract.Schema{
		Columns: []extract.Column{
			nop:          {Name: "nop", Kind: extract.Identifier, Required: true, Parse: parseNOP},
			tahun:        {Name: "tahun", Kind: extract.Whole, Required: true, Min: firstYear, Max: int64(now.Year()) + 1},
			namaWP:       {Name: "nama_wp"},
			alamatOP:     {Name: "alamat_op", Max: 300},
			kecamatan:    {Name: "kecamatan", Max: 60},
			desa:         {Name: "desa", Max: 60},
			luasBumi:     named(area, "luas_bumi"),
			luasBangunan: named(area, "luas_bangunan"),
			njopBumi:     named(value, "njop_bumi"),
			njopBangunan: named(value, "njop_bangunan"),
			njoptkp:      named(value, "njoptkp"),
			pbbTerutang:  {Name: "pbb_terutang", Kind: extract.Rupiah, Required: true, Max: maxBill},
			jatuhTempo:   {Name: "jatuh_tempo", Kind: extract.Date},
			tanggalBayar: {Name: "tanggal_bayar", Kind: extract.Date},
			jumlahBayar:  {Name: "jumlah_bayar", Kind: extract.Rupiah, Max: 2 * maxBill}, // with the penalty
			telepon:      {Name: "telepon", Kind: extract.Identifier, Optional: true, Lenient: true, Parse: parsePhone},
		},
		Key: []int{nop, tahun},
		Check: func(row *extract.Row) string {
			if row.Int(jumlahBayar) > 0 && row.Text(tanggalBayar) == "" {
				return paidWithoutDate
			}
			return ""
		},
	}
}

// What clerks read beside the words of extract.
const (
	paidWithoutDate = "jumlah_bayar: terisi, tetapi tanggal_bayar kosong"
	nopLength       = "harus 18 angka"
	nopLetters      = "harus angka saja"
	nopExcel        = "rusak oleh Excel; jadikan kolom ini Teks sebelum menyimpan"
	nopRegion       = "bukan objek pajak Soppeng (harus mulai dengan 7312)"
	phoneUnreadable = "bukan nomor telepon"
)

func parseNOP(cell string) (string, string) {
	n, err := ident.ParseNOP(cell)
	switch {
	case errors.Is(err, ident.ErrLength):
		return "", nopLength
	case err != nil && strings.ContainsAny(cell, "eE") && strings.Contains(cell, "+"): // 7,3121E+17
		return "", nopExcel
	case err != nil:
		return "", nopLetters
	case !n.InSoppeng():
		return "", nopRegion
	}
	return string(n), ""
}

func parsePhone(cell string) (string, string) {
	p, err := ident.ParsePhone(cell)
	if err != nil {
		return "", phoneUnreadable
	}
	return string(p), ""
}

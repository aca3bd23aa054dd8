// Package sample makes extracts of the licensing office that look real and are
// not: for the demo, for tests, and for measuring. All numbers and names are
// invented, telephone numbers lie in 0811-0000-xxxx.
//
// The extracts are as of 23 November 2026, noon.
package sample

import (
	_ "embed"
	"fmt"
	"io"
	"math/rand/v2"
)

// Permits is a small perizinan.csv with every step and kind of permit. Those
// with a telephone number belong to
//
//	+6281100000402  a shop in Cabenge: a billboard ready to collect, a NIB
//	+6281100000421  a house, with the technical team since 2 November
//	+6281100000422  a house, the retribution has to be paid
//	+6281100000423  a house, papers are missing
//	+6281100000424  a house, the retribution is being assessed
//	+6281100000425  a billboard, refused
//	+6281100000426  a student, ready to collect
//	+6281100000427  a doctor, waiting for the signature
//	+6281100000428  a midwife, applied for
//	+6281100000429  a shop in Takalala, papers are missing
//
// The serial 0412 is borne by three of them, one by a status nobody foresaw.
//
//go:embed perizinan.csv
var Permits string

var (
	sorts    = []string{"SIPB", "SIPP", "SIPD", "REK", "IP", "NIB", "PERIK"}
	words    = []string{"Surat Izin Praktik Bidan", "Surat Izin Praktik Perawat", "Surat Izin Praktik Dokter", "Izin Reklame", "Izin Penelitian", "Izin usaha", "Izin Usaha Perikanan"}
	statuses = []string{"Pendaftaran", "Menunggu verifikasi", "Rekomendasi teknis", "Persetujuan penerbitan", "Terbit", "Siap diambil", "Penyerahan", "Dikembalikan", "Ditolak"}
)

// Write writes a perizinan.csv of a number of rows. The same numbers give the
// same file.
func Write(w io.Writer, rows int, seed uint64) error {
	r := rand.New(rand.NewPCG(seed, 0))
	if _, err := fmt.Fprintln(w, "nomor,jenis_izin,nama_pemohon,tanggal_masuk,status,tanggal_status,keterangan,retribusi,telepon"); err != nil {
		return err
	}
	for i := range rows {
		sort := r.IntN(len(sorts))
		month, day := 1+r.IntN(10), 1+r.IntN(28)
		phone := ""
		if r.IntN(3) == 0 {
			phone = fmt.Sprintf("0811-0000-%04d", 1000+r.IntN(9000))
		}
		_, err := fmt.Fprintf(w, "%04d/%s/DPM-PTSP/%d,%s,PEMOHON %d,2026-%02d-%02d,%s,2026-11-%02d,,,%s\n",
			1001+i, sorts[sort], 2026, words[sort], i, month, day, statuses[r.IntN(len(statuses))], 1+r.IntN(20), phone)
		if err != nil {
			return err
		}
	}
	return nil
}

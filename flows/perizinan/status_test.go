package perizinan

import (
	"encoding/csv"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// canonical are the regency's names of the steps.
var canonical = map[string]Step{
	"TERDAFTAR": Registered, "VERIFIKASI_BERKAS": Papers, "DIKEMBALIKAN": Returned, "PEMERIKSAAN_TEKNIS": Inspection,
	"PENETAPAN_RETRIBUSI": Assessing, "MENUNGGU_PEMBAYARAN": Payment, "PEMBAYARAN_DIVERIFIKASI": Paid, "PENERBITAN": Signing,
	"TERBIT": Issued, "SIAP_DIAMBIL": Ready, "DISERAHKAN": Collected, "DITOLAK": Refused, "DIBATALKAN": Cancelled,
}

func TestStepsOfTheRegency(t *testing.T) {
	file, err := os.Open(filepath.Join("..", "..", "..", "shared", "domain", "permit_status_map.csv"))
	if err != nil {
		t.Skip("the regency's table of statuses is not here: ", err)
	}
	defer file.Close()
	rows, err := csv.NewReader(file).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range rows[1:] {
		want, known := canonical[row[0]]
		if !known {
			continue // TIDAK_DITEMUKAN is no status
		}
		for _, words := range strings.Split(row[3], ";") {
			for _, one := range strings.Split(words, " / ") {
				if got := StepOf(one); got != want {
					t.Errorf("%q means %s, not %s", one, got, want)
				}
			}
		}
	}
}

// Words that no table has, as clerks and other systems write them.
func TestStepsInOtherWords(t *testing.T) {
	for words, want := range map[string]Step{
		"PENDAFTARAN":                      Registered,
		"Berkas Masuk Loket":               Registered,
		"sedang verifikasi berkas":         Papers,
		"Menunggu Verifikasi Back Office":  Papers,
		"Dalam proses verifikasi":          Papers,
		"Dikembalikan utk dilengkapi":      Returned,
		"BERKAS BELUM LENGKAP":             Returned,
		"Verifikasi Lapangan":              Inspection,
		"Survey lokasi oleh Tim Teknis PU": Inspection,
		"menunggu rekomendasi Dinkes":      Inspection,
		"Perhitungan Retribusi":            Assessing,
		"SKRD Terbit":                      Payment,
		"Menunggu pembayaran retribusi":    Payment,
		"Verifikasi Pembayaran":            Paid,
		"LUNAS":                            Paid,
		"TTD Kadis":                        Signing,
		"Menunggu Tanda Tangan":            Signing,
		"Proses":                           Signing,
		"Izin Terbit":                      Issued,
		"SELESAI":                          Issued,
		"Siap Diambil":                     Ready,
		"Silakan ambil di loket":           Ready,
		"Sudah Diambil":                    Collected,
		"Diserahkan kepada pemohon":        Collected,
		"DITOLAK - tidak sesuai RTRW":      Refused,
		"Permohonan tidak disetujui":       Refused,
		"Dicabut pemohon":                  Cancelled,
		"Dititipkan di arsip":              Unknown,
		"":                                 Unknown,
		"xyz 123":                          Unknown,
	} {
		if got := StepOf(words); got != want {
			t.Errorf("%q means %s, not %s", words, got, want)
		}
	}
}

func TestPosition(t *testing.T) {
	for _, c := range []struct {
		p     Permit
		n, of int
	}{
		{Permit{Type: "PBG", Status: "Pendaftaran"}, 1, 9},
		{Permit{Type: "PBG", Status: "Dikembalikan"}, 2, 9},
		{Permit{Type: "PBG", Status: "SKRD"}, 5, 9},
		{Permit{Type: "PBG", Status: "Siap diambil"}, 9, 9},
		{Permit{Type: "Izin Reklame", Status: "Persetujuan penerbitan"}, 4, 6},
		{Permit{Type: "Izin Reklame", Status: "Persetujuan penerbitan", Fee: 1000}, 7, 9},
		{Permit{Type: "Izin Reklame", Status: "Siap diambil"}, 6, 6},
		{Permit{Type: "Izin Reklame", Status: "Ditolak"}, 0, 6},
		{Permit{Type: "Izin Reklame", Status: "entah"}, 0, 6},
	} {
		if n, of := c.p.position(); n != c.n || of != c.of {
			t.Errorf("%s, %s: %d of %d, want %d of %d", c.p.Type, c.p.Status, n, of, c.n, c.of)
		}
	}
}

func TestKinds(t *testing.T) {
	for words, want := range map[string]Kind{
		"Persetujuan Bangunan Gedung": Building, "Izin Mendirikan Bangunan": Building, "izin bola": Building, "IMB": Building,
		"Surat Izin Praktik Bidan": Practice, "SIPB": Practice, "Izin Praktek Dokter": Practice,
		"Nomor Induk Berusaha": Business, "izin usaha toko": Business, "SIUP": Business,
		"Izin Usaha Perikanan": Fishery, "tambak": Fishery, "Izin Trayek": Route, "pete-pete": Route,
		"Izin Reklame": Billboard, "spanduk": Billboard, "izin penelitian mahasiswa KKN": Research,
		"Sertifikat Laik Fungsi": Worthiness, "SPP-IRT": Food, "PIRT": Food, "UKL-UPL": Environment, "hajatan": Party,
		"izin gangguan": nuisance, "izin saya": Other, "": Other,
	} {
		if got := KindOf(words); got != want {
			t.Errorf("%q is %q, not %q", words, got, want)
		}
	}
}

func TestKindsOfTheRegency(t *testing.T) {
	file, err := os.Open(filepath.Join("..", "..", "..", "shared", "domain", "permit_types.csv"))
	if err != nil {
		t.Skip("the regency's table of permits is not here: ", err)
	}
	defer file.Close()
	rows, err := csv.NewReader(file).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range rows[1:] {
		want := Kind(strings.ToLower(row[0]))
		for _, words := range append(strings.Split(row[2], ";"), row[1]) {
			words, _, _ = strings.Cut(words, "(")
			if got := KindOf(words); got != want {
				t.Errorf("%q is %q, not %q", words, got, want)
			}
		}
	}
}

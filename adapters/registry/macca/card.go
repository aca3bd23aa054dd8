package macca

import (
	"strings"

	"tabe/flows/macca"
)

// cardWords tell what the office means by a status_kartu, whatever the form of
// the words ("SUDAH DISERAHKAN", "belum_tersalurkan"). The first line holds of
// which all the parts stand in the cell.
var cardWords = []struct {
	parts []string
	card  macca.Card
}{
	{[]string{"nonaktif"}, macca.CardInactive},
	{[]string{"tidak aktif"}, macca.CardInactive},
	{[]string{"non aktif"}, macca.CardInactive},
	{[]string{"non dt"}, macca.CardInactive}, // NON DTKS, NON DTSEN
	{[]string{"tidak terdaftar"}, macca.CardInactive},
	{[]string{"tidak layak"}, macca.CardInactive},
	{[]string{"ditolak"}, macca.CardInactive},
	{[]string{"cabut"}, macca.CardInactive},
	{[]string{"coret"}, macca.CardInactive},
	{[]string{"blokir"}, macca.CardInactive},
	{[]string{"hapus"}, macca.CardInactive},
	{[]string{"batal"}, macca.CardInactive},
	{[]string{"hilang"}, macca.CardReplacing},
	{[]string{"rusak"}, macca.CardReplacing},
	{[]string{"ganti"}, macca.CardReplacing},
	{[]string{"belum", "verifikasi"}, macca.CardChecking},
	{[]string{"ditinjau"}, macca.CardChecking},
	{[]string{"diperiksa"}, macca.CardChecking},
	{[]string{"usul"}, macca.CardChecking},
	{[]string{"calon"}, macca.CardChecking},
	{[]string{"belum cetak"}, macca.CardNotPrinted},
	{[]string{"belum dicetak"}, macca.CardNotPrinted},
	{[]string{"belum tercetak"}, macca.CardNotPrinted},
	{[]string{"proses"}, macca.CardNotPrinted},
	{[]string{"antre"}, macca.CardNotPrinted},
	{[]string{"belum", "serah"}, macca.CardPrinted},
	{[]string{"belum", "bagi"}, macca.CardPrinted},
	{[]string{"belum", "salur"}, macca.CardPrinted},
	{[]string{"belum", "ambil"}, macca.CardPrinted},
	{[]string{"belum", "terima"}, macca.CardPrinted},
	{[]string{"siap"}, macca.CardPrinted},
	{[]string{"belum"}, macca.CardNotPrinted},
	{[]string{"serah"}, macca.CardHanded},
	{[]string{"bagi"}, macca.CardHanded},
	{[]string{"salur"}, macca.CardHanded},
	{[]string{"terima"}, macca.CardHanded},
	{[]string{"ambil"}, macca.CardHanded},
	{[]string{"aktif"}, macca.CardHanded},
	{[]string{"cetak"}, macca.CardPrinted},
	{[]string{"verifikasi"}, macca.CardNotPrinted}, // TERVERIFIKASI: found entitled
	{[]string{"terdaftar"}, macca.CardNotPrinted},
}

// card reads a status_kartu.
func card(cell string) (macca.Card, bool) {
	text := strings.Join(strings.FieldsFunc(strings.ToLower(cell), func(r rune) bool { return r < 'a' || r > 'z' }), " ")
	for _, line := range cardWords {
		all := true
		for _, part := range line.parts {
			all = all && strings.Contains(text, part)
		}
		if all {
			return line.card, true
		}
	}
	return "", false
}

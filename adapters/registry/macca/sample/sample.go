// Package sample makes extracts of the social office that look real and are
// not: for the demo, for tests, and for measuring. All names are invented,
// serial numbers of persons and family cards are 9100 and up (none is in use),
// telephone numbers lie in 0811-0000-xxxx.
//
// The extracts are as of 25 November 2026.
package sample

import (
	"bufio"
	_ "embed"
	"encoding/csv"
	"fmt"
	"io"
	"math/rand/v2"
	"strconv"
	"strings"
)

// Residents is a small macca.csv of families, the first of them chosen for
// their stories; the birth dates are of those who ask:
//
//	7312081502109901  +6281100000401  3-9-1961   handed; rice from tomorrow on (Citta)
//	7312081203119902  none            17-8-1968  the head of the household has died (Citta)
//	7312030906159903  +6281100000602  5-11-1979  printed and not handed out; rice now (Macanre)
//	7312072109189904  +6281100000603  2-10-1988  not printed; the last rice is over (Ganra)
//	7312021101129905  +6281100000604  8-2-1974   not active (Jampu)
//	7312041704209906  +6281100000605  19-6-1990  being verified (Botto)
//	7312012308139907  +6281100000606  20-1-1955  being replaced (Gattareng)
//	7312052902169908  +6281100000607  7-7-1966   hardly anything is known (Panincong)
//	7312061010099909  +6281100000608  8-8-1938   two families on one telephone (Tottong):
//	7312063011179910  +6281100000608  27-9-1986  mother and son
//	7312010205149911  +6281100000609  30-6-1960  the longest of everything (Mariorilau)
//	7312040807199912  +6281100000611  21-3-1982  no rice, only health (Bila)
//	7312031803139913  none            9-9-1999   the head's birth date is unknown (Cabenge)
//
//go:embed macca.csv
var Residents string

// Rules is a macca.toml with rice for some of them.
//
//go:embed macca.toml
var Rules string

// Households is how many families the first quota of the card had.
const Households = 13_161

// Write writes a macca.csv of a number of households of one to seven members.
// The same numbers give the same file.
func Write(w io.Writer, households int, seed uint64) error {
	r := rand.New(rand.NewPCG(seed, 0))
	buffer := bufio.NewWriter(w)
	out := csv.NewWriter(buffer)
	header, _, _ := strings.Cut(Residents, "\n")
	if err := out.Write(strings.Split(header, ",")); err != nil {
		return err
	}
	g := generator{r: r, taken: map[string]bool{}}
	for i := range households {
		for _, row := range g.household(i) {
			if err := out.Write(row); err != nil {
				return err
			}
		}
	}
	out.Flush()
	if err := out.Error(); err != nil {
		return err
	}
	return buffer.Flush()
}

var (
	villages = [][3]string{ // digits of the kecamatan, its name, a desa or kelurahan
		{"01", "Marioriwawo", "Goarie"}, {"01", "Marioriwawo", "Barae"}, {"02", "Liliriaja", "Appanang"}, {"02", "Liliriaja", "Timusu"},
		{"03", "Lilirilau", "Ujung"}, {"03", "Lilirilau", "Parenring"}, {"04", "Lalabata", "Ompo"}, {"04", "Lalabata", "Maccile"},
		{"05", "Marioriawa", "Bulue"}, {"05", "Marioriawa", "Laringgi"}, {"06", "Donri-Donri", "Sering"}, {"06", "Donri-Donri", "Kessing"},
		{"07", "Ganra", "Enrekeng"}, {"07", "Ganra", "Belo"}, {"08", "Citta", "Kampiri"}, {"08", "Citta", "Labae"},
	}
	names    = []string{"AMBO", "BASO", "BECCE", "BESSE", "I SAKKA", "JUMARDI", "LA BACO", "LA NURU", "MARDIANA", "ROSMINI", "SUARDI", "YUSUF"}
	roles    = []string{"KEPALA KELUARGA", "ISTRI", "ANAK", "ANAK", "ANAK", "CUCU", "MERTUA"}
	statuses = []string{"SUDAH DISERAHKAN", "SUDAH DISERAHKAN", "SUDAH DICETAK", "TERDAFTAR, BELUM DICETAK", "TIDAK AKTIF", ""}
	aids     = []string{"Rastra", "Rastra;PKH", "BPNT;PBI-JK", "PKH", ""}
)

type generator struct {
	r     *rand.Rand
	taken map[string]bool // NIK
}

func pick[T any](r *rand.Rand, from []T) T { return from[r.IntN(len(from))] }

func (g *generator) household(i int) [][]string {
	r, village := g.r, villages[i%len(villages)]
	// Cards issued on one of 2,800 days, so that no two have one number.
	kk := fmt.Sprintf("7312%s%02d%02d%02d%04d", village[0], 1+i%28, 1+i/28%12, 10+i/336%10, 9100+i/3360)
	phone := ""
	if r.IntN(3) == 0 {
		phone = fmt.Sprintf("0811-0000-%04d", 1000+r.IntN(9000))
	}
	status, aid, decile := pick(r, statuses), pick(r, aids), strconv.Itoa(1+r.IntN(5))
	number := fmt.Sprintf("MC-%s-%05d", village[0], i)
	var rows [][]string
	for m := range 1 + r.IntN(len(roles)) {
		year, month, day := 1940+r.IntN(80), 1+r.IntN(12), 1+r.IntN(28)
		rows = append(rows, []string{
			kk, g.nik(village[0], year, month, day), pick(r, names) + " " + pick(r, names), roles[m],
			fmt.Sprintf("%d-%02d-%02d", year, month, day), village[1], village[2], number, status, decile, aid, phone,
		})
	}
	return rows
}

// nik returns a number that nobody has yet.
func (g *generator) nik(kecamatan string, year, month, day int) string {
	day += 40 * g.r.IntN(2)
	for serial := 9100; ; serial++ {
		nik := fmt.Sprintf("7312%s%02d%02d%02d%04d", kecamatan, day, month, year%100, serial)
		if !g.taken[nik] {
			g.taken[nik] = true
			return nik
		}
	}
}

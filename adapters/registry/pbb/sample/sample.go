// Package sample makes extracts of the tax office that look real and are not:
// for the demo, for tests, and for measuring. All names are invented, serial
// numbers of objects are 9001 and up (none is in use), telephone numbers lie
// in 0811-0000-xxxx, and kecamatan digits are a guess as everywhere.
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

// Residents is a small pbb.csv of people chosen for their stories:
//
//	+6281100000401  73.12.032.002.001-9001.0  2022 to 2025 in arrears, 2026 overdue (Citta, an old farmer)
//	+6281100000402  73.12.040.002.001-9002.0  a shop house, everything paid (Cabenge)
//	+6281100000403  73.12.050.007.001-9003.0  a bill of Rp 0
//	+6281100000404  73.12.010.001.001-9004.0  three objects: paid,
//	                73.12.010.001.003-9005.0    two years in arrears,
//	                73.12.010.003.002-9006.0    and due on 31 December
//	+6281100000405  73.12.020.003.001-9007.0  due on 31 December 2026
//	+6281100000406  73.12.060.008.002-9008.0  the longest name and address; 2024 paid late, with the penalty
//	+6281100000407  73.12.030.004.001-9009.0  four times as much as last year: a house was built
//	+6281100000408  73.12.031.002.001-9010.0  this year paid, 2023 forgotten
//	+6281100000409  73.12.060.002.004-9011.0  no assessment for 2026 yet
//	none            73.12.040.001.001-9012.0  nobody's number
//	+6281100000411  73.12.020.002.001-9013.0  only the amount is known
//	+6281100000412  73.12.040.012.001-9014.9  heirs, an object used in common, 2025 paid late
//	+6281100000413  73.12.020.008.001-9015.0  neighbours of one name: paid,
//	+6281100000414  73.12.020.008.001-9016.0    and in arrears
//	+6281100000415  73.12.020.004.001-9017.0  the largest amounts
//	+6281100000416  73.12.020.001.005-9021.0  twelve gardens, up to …-9032.0
//
//go:embed pbb.csv
var Residents string

//go:embed desa.csv
var villages string // BPS digits of kecamatan and desa, their names

// The tax years that Write makes assessments for.
const (
	FirstYear = 2021
	LastYear  = 2026
)

// Write writes a pbb.csv of a number of rows: one object after the other, each
// with its assessments of the last years tax years (1 to 6). The same numbers
// give the same file.
func Write(w io.Writer, rows, years int, seed uint64) error {
	if years < 1 || years > LastYear-FirstYear+1 {
		return fmt.Errorf("sample: %d tax years, not 1 to %d", years, LastYear-FirstYear+1)
	}
	desa, err := csv.NewReader(strings.NewReader(villages)).ReadAll()
	if err != nil {
		return err
	}
	desa = desa[1:]
	r := rand.New(rand.NewPCG(seed, 0))
	buffer := bufio.NewWriter(w)
	out := csv.NewWriter(buffer)
	header, _, _ := strings.Cut(Residents, "\n")
	if err := out.Write(strings.Split(header, ",")); err != nil {
		return err
	}
	var owner person
	for i := 0; rows > 0; i++ {
		if i == 0 || r.IntN(3) > 0 { // else the owner has one more
			owner = newPerson(r)
		}
		o := newObject(r, desa[i%len(desa)], i/len(desa), owner)
		for year := LastYear - years + 1; year <= LastYear && rows > 0; year++ {
			if err := out.Write(o.assessment(r, year)); err != nil {
				return err
			}
			rows--
		}
	}
	out.Flush()
	if err := out.Error(); err != nil {
		return err
	}
	return buffer.Flush()
}

type person struct{ name, phone string }

var (
	titles = []string{"", "", "", "", "H. ", "HJ. ", "ANDI ", "DRS. ", "MUH. "}
	firsts = []string{
		"AMBO", "BASO", "BECCE", "BESSE", "CAMMANG", "DARMAWATI", "FATIMAH", "HASNAH", "I MANI", "I SAKKA", "INDO ESSE", "JUMARDI",
		"LA BACO", "LA JAPPU", "LA MASSE", "LA NURU", "LA SAPPE", "MARDIANA", "MULIADI", "NURHAYATI", "PATIMANG", "RAHMAN", "ROSMINI",
		"SAENAL", "SITTI", "SUARDI", "SYAMSIAH", "SYARIFUDDIN", "TAHIR", "UMRAH", "WAHIDA", "YUSUF",
	}
	lasts = []string{
		"", "ALANG", "BADAWI", "BIN LA TOGE", "BINTI LA UPE", "DAENG MALEWA", "DAENG PAREWA", "HASAN", "JAFAR", "KADIR", "LATIF",
		"MAKKULAU", "MALLAWA", "MANGGABARANI", "PALAGUNA", "PASINRINGI", "RAUF", "SALEH", "SOMPA", "TENRIGAU", "USMAN", "WELLANG",
	}
	places = []string{
		"DUSUN I", "DUSUN II", "DUSUN III", "JL. POROS %s", "JL. PENDIDIKAN %s", "LINGKUNGAN %s", "RT %s RW 001", "JL. MASJID RAYA %s", "SAWAH LOMPO %s", "KEBUN %s",
	}
)

func newPerson(r *rand.Rand) person {
	p := person{name: strings.TrimSpace(pick(r, titles) + pick(r, firsts) + " " + pick(r, lasts))}
	if r.IntN(5) == 0 {
		p.phone = fmt.Sprintf("0811-0000-%04d", 1000+r.IntN(9000))
	}
	return p
}

func pick(r *rand.Rand, from []string) string { return from[r.IntN(len(from))] }

type object struct {
	owner                person
	nop, address         string
	desa, kecamatan      string
	land, building       int64 // m2
	perLand, perBuilding int64 // rupiah per m2
}

// Blocks below this one belong to Residents.
const firstBlock = 101

// perBlock is how many objects a block of a desa holds.
const perBlock = 200

func newObject(r *rand.Rand, village []string, serial int, owner person) object {
	kind := "0"
	if r.IntN(200) == 0 {
		kind = "9" // used in common
	}
	address := pick(r, places)
	if strings.Contains(address, "%s") {
		address = fmt.Sprintf(address, fmt.Sprintf("%03d", 1+r.IntN(40)))
	}
	o := object{
		owner: owner, address: address, desa: village[1], kecamatan: village[2],
		nop: fmt.Sprintf("7312%s%03d%04d%s", village[0], firstBlock+serial/perBlock, 9001+serial%perBlock, kind),
	}
	between := func(low, high int64) int64 { return low + r.Int64N(high-low) }
	switch n := r.IntN(100); {
	case n < 65: // a house in a village
		o.land, o.building, o.perLand, o.perBuilding = between(150, 900), between(30, 120), between(14, 64)*1000, between(225, 700)*1000
	case n < 90: // a rice field or a garden
		o.land, o.perLand = between(1500, 20000), between(5, 14)*1000
	case n < 98: // a shop house
		o.land, o.building, o.perLand, o.perBuilding = between(80, 400), between(60, 400), between(200, 702)*1000, between(500, 1200)*1000
	default: // so small that nothing is due
		o.land, o.perLand = between(50, 300), between(5, 14)*1000
	}
	return o
}

// The tariff and the part of the value that bears no tax are of the size that
// neighbouring regencies have.
const (
	allowance = 10_000_000
	perMille  = 1
)

func (o object) assessment(r *rand.Rand, year int) []string {
	land, building := o.land*o.perLand, o.building*o.perBuilding
	bill := max(0, (land+building-allowance)*perMille/1000)
	due := fmt.Sprintf("%d-09-30", year)
	if year == LastYear && r.IntN(4) == 0 {
		due = fmt.Sprintf("%d-12-31", year)
	}
	paidOn, paid := "", ""
	if bill > 0 && r.IntN(100) < 60+5*(LastYear-year) {
		paidOn = fmt.Sprintf("%d-%02d-%02d", year, 4+r.IntN(6), 1+r.IntN(28))
		paid = strconv.FormatInt(bill, 10)
	}
	number := func(n int64) string { return strconv.FormatInt(n, 10) }
	return []string{
		o.nop, strconv.Itoa(year), o.owner.name, o.address, o.kecamatan, o.desa, number(o.land), number(o.building),
		number(land), number(building), number(allowance), number(bill), due, paidOn, paid, o.owner.phone,
	}
}

package h2h

import (
	"context"
	"encoding/json"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sync/errgroup"

	"tabe/adapters/registry/remote"
	"tabe/bot"
	"tabe/bot/ident"
	"tabe/flows/pbb"
)

// standing is how an object stands, as far as the interface tells: what is
// open, and of the last years also what is paid.
type standing struct {
	Years []pbb.Year // newest first
	// Whole tells that every unpaid year is among Years: all others are paid.
	Whole bool
}

// without a list of bills this many years are asked for, one by one. After
// five years the right to collect the tax expires.
const yearsBack = 5

// look asks how an object stands in a year. known is false if the interface
// knows no such object.
func (q *client) look(ctx context.Context, nop ident.NOP, year int) (s standing, known bool, err error) {
	ctx, cancel := q.service.LookUp(ctx)
	defer cancel()
	years := []int{year}
	if q.config.BillsURL == "" {
		for back := 1; back < yearsBack; back++ {
			years = append(years, year-back)
		}
	} else if s, err = q.open(ctx, nop); err != nil {
		return s, false, err
	} else if len(s.Years) == 0 {
		// Nothing is open, or there is no such object: the list says the same
		// of both. A bill of this year or the last one tells.
		years = append(years, year-1)
	} else if q.config.InquiryURL == "" {
		return s, true, nil
	}
	told, err := q.ofYears(ctx, nop, years)
	if err != nil {
		return s, false, err
	}
	for _, y := range told {
		s.put(y)
	}
	return s, len(s.Years) > 0, nil
}

// ofYears asks for several years at once and returns those that there are. All
// must answer: a debt that was not heard of is not told as none.
func (q *client) ofYears(ctx context.Context, nop ident.NOP, years []int) ([]pbb.Year, error) {
	asking, ctx := errgroup.WithContext(ctx)
	told := make([]pbb.Year, len(years))
	for i, year := range years {
		asking.Go(func() error {
			y, found, err := q.ofYear(ctx, nop, year)
			if found {
				told[i] = y
			}
			return err
		})
	}
	err := asking.Wait()
	return slices.DeleteFunc(told, func(y pbb.Year) bool { return y.Year == 0 }), err
}

// ofYear asks for one year.
func (q *client) ofYear(ctx context.Context, nop ident.NOP, year int) (pbb.Year, bool, error) {
	if q.config.InquiryURL == "" {
		a, err := q.list(ctx, nop, year)
		if err != nil {
			return pbb.Year{}, false, err
		}
		switch a.code() {
		case codeSuccess, codeList:
			years, err := q.bills(a.Data, nop)
			if err != nil {
				return pbb.Year{}, false, err
			}
			if len(years) > 1 || years[0].Year != year {
				return pbb.Year{}, false, q.service.Fail("answer for another year")
			}
			return years[0], true, nil
		case codeListPaid:
			return pbb.Year{Year: year, Settled: true}, true, nil
		case codeNoBill:
			return pbb.Year{}, false, nil
		}
		return pbb.Year{}, false, q.refused(a)
	}
	a, err := q.inquire(ctx, nop, year)
	if err != nil {
		return pbb.Year{}, false, err
	}
	switch code := a.code(); {
	case code == codeSuccess:
		y, err := q.inquired(a.Data, nop, year)
		return y, err == nil, err
	case code == codePaid:
		return pbb.Year{Year: year, Settled: true}, true, nil
	case code == codeNotFound && !strings.Contains(strings.ToLower(string(a.Message)), "jumlah"): // "wrong amount" is no answer to us
		return pbb.Year{}, false, nil
	}
	return pbb.Year{}, false, q.refused(a)
}

// open asks for the unpaid years.
func (q *client) open(ctx context.Context, nop ident.NOP) (standing, error) {
	a, err := q.list(ctx, nop, 0)
	if err != nil {
		return standing{}, err
	}
	s := standing{Whole: true}
	switch a.code() {
	case codeList, codeSuccess:
		years, err := q.bills(a.Data, nop)
		for _, y := range years {
			s.put(y)
		}
		return s, err
	case codeNoBill, codeListPaid:
		return s, nil
	}
	return s, q.refused(a)
}

// bill is one year in the list.
type bill struct {
	NOP       remote.Text `json:"nop"`
	Year      remote.Text `json:"tahun_pajak"`
	Name      remote.Text `json:"nama_wp"`
	Address   remote.Text `json:"alamat_op"`
	Desa      remote.Text `json:"kelurahan_op"`
	Kecamatan remote.Text `json:"kecamatan_op"`
	Areas     remote.Text `json:"luas_bumi_bangunan_op"` // 600/54
	Amount    remote.Text `json:"nilai"`
	Status    remote.Text `json:"status_bayar"`
}

// maxBills is more years than there have been since the tax began.
const maxBills = 60

// bills reads {"bills":[…]}, which has at least one: for none there are codes.
func (q *client) bills(data json.RawMessage, nop ident.NOP) ([]pbb.Year, error) {
	var list struct {
		Bills []bill `json:"bills"`
	}
	if err := remote.Unmarshal(data, &list); err != nil || len(list.Bills) == 0 || len(list.Bills) > maxBills {
		return nil, q.service.Fail("answer without bills")
	}
	years := make([]pbb.Year, 0, len(list.Bills))
	for _, b := range list.Bills {
		land, building, _ := strings.Cut(string(b.Areas), "/")
		y, err := q.year(nop, facts{
			nop: b.NOP, year: b.Year, name: b.Name, address: b.Address, desa: b.Desa, kecamatan: b.Kecamatan,
			land: remote.Text(land), building: remote.Text(building), amount: b.Amount, status: b.Status,
		})
		if err != nil {
			return nil, err
		}
		if !slices.ContainsFunc(years, func(other pbb.Year) bool { return other.Year == y.Year }) {
			years = append(years, y)
		}
	}
	return years, nil
}

// inquired reads the data of an inquiry.
func (q *client) inquired(data json.RawMessage, nop ident.NOP, year int) (pbb.Year, error) {
	var d struct {
		NOP           remote.Text `json:"nop"`
		Year          remote.Text `json:"tax_year"`
		Name          remote.Text `json:"name"`
		Address       remote.Text `json:"op_address"`
		Desa          remote.Text `json:"kelurahan"`
		Kecamatan     remote.Text `json:"kecamatan"`
		Land          remote.Text `json:"op_luas_bumi"`
		Building      remote.Text `json:"op_luas_bangunan"`
		LandValue     remote.Text `json:"op_njop_bumi"`
		BuildingValue remote.Text `json:"op_njop_bangunan"`
		Allowance     remote.Text `json:"op_njoptkp"`
		Due           remote.Text `json:"due_date"`
		Amount        remote.Text `json:"bill_amount"`
		Penalty       remote.Text `json:"penalty"`
		Discount      remote.Text `json:"discount"`
		Total         remote.Text `json:"total"`
		Status        remote.Text `json:"status_bayar"`
	}
	if err := remote.Unmarshal(data, &d); err != nil {
		return pbb.Year{}, q.service.Fail("answer without data")
	}
	y, err := q.year(nop, facts{
		nop: d.NOP, year: d.Year, name: d.Name, address: d.Address, desa: d.Desa, kecamatan: d.Kecamatan,
		land: d.Land, building: d.Building, amount: d.Amount, status: d.Status,
	})
	if err != nil {
		return y, err
	}
	if y.Year != year {
		return y, q.service.Fail("answer for another year")
	}
	// What only explains a bill may be unreadable: then it is unknown.
	y.LandValue, _ = d.LandValue.Rupiah()
	y.BuildingValue, _ = d.BuildingValue.Rupiah()
	y.Allowance, _ = d.Allowance.Rupiah()
	y.DueDate, _ = d.Due.Day()
	y.Due -= discount(y.Due, d.Penalty, d.Discount, d.Total)
	return y, nil
}

// discount is what is off a bill, if the total says that it is.
func discount(amount bot.Rupiah, penalty, discount, total remote.Text) bot.Rupiah {
	p, err1 := penalty.Rupiah()
	d, err2 := discount.Rupiah()
	t, err3 := total.Rupiah()
	if err1 == nil && err2 == nil && err3 == nil && d <= amount && total != "" && t == amount+p-d {
		return d
	}
	return 0
}

// facts are what both programs tell of a year.
type facts struct {
	nop, year, name, address, desa, kecamatan, land, building, amount, status remote.Text
}

// year checks the facts. What would be a lie if it were wrong must be good:
// whose bill it is, of which year, how much, and whether it is paid.
func (q *client) year(nop ident.NOP, f facts) (pbb.Year, error) {
	if answered := digits(f.nop); answered != "" && answered != string(nop) {
		return pbb.Year{}, q.service.Fail("answer for another object")
	}
	number, err := strconv.Atoi(string(f.year))
	if err != nil || number < 1900 || number > 2200 {
		return pbb.Year{}, q.service.Fail("answer without a year")
	}
	y := pbb.Year{Year: number, Name: string(f.name), Address: string(f.address), Desa: string(f.desa), Kecamatan: string(f.kecamatan)}
	y.LandArea, _ = f.land.Whole()
	y.BuildingArea, _ = f.building.Whole()
	switch y.Due, err = f.amount.Rupiah(); {
	case err != nil || f.amount == "":
		return y, q.service.Fail("answer without an amount")
	case f.status == "" || strings.Contains(strings.ToUpper(string(f.status)), "BELUM"):
	case strings.EqualFold(string(f.status), "LUNAS"):
		y.Settled = true
	default:
		return y, q.service.Fail("unknown status")
	}
	return y, nil
}

func digits(t remote.Text) string {
	return strings.Map(func(r rune) rune {
		if r < '0' || r > '9' {
			return -1
		}
		return r
	}, string(t))
}

// put adds a year, or replaces it, keeping the order.
func (s *standing) put(y pbb.Year) {
	i, there := slices.BinarySearchFunc(s.Years, y.Year, func(other pbb.Year, year int) int { return year - other.Year })
	if there {
		s.Years[i] = y
	} else {
		s.Years = slices.Insert(s.Years, i, y)
	}
}

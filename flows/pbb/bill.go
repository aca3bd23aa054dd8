package pbb

import (
	"time"

	"tabe/bot"
)

// debt is what is still open of one tax year.
type debt struct {
	Year    int
	Amount  bot.Rupiah // without penalty
	Penalty bot.Rupiah
	Months  int // begun since the due date, as far as they count
	Due     time.Time
	Paid    bool // all of it: Amount and Penalty are 0
}

func (d debt) total() bot.Rupiah { return d.Amount + d.Penalty }

// owed returns what is open of y at a point in time. A payment without an
// amount, or of at least the bill, ends it.
func (r Rules) owed(y Year, now time.Time) debt {
	d := debt{Year: y.Year, Amount: max(0, y.Due), Due: r.due(y)}
	switch {
	case y.Settled:
		d.Amount, d.Paid = 0, true
	case !y.PaidOn.IsZero():
		if y.Paid <= 0 || y.Paid >= y.Due {
			d.Amount, d.Paid = 0, true
		} else {
			d.Amount -= y.Paid
		}
	}
	d.Penalty, d.Months = r.penalty(y.Year, d.Amount, d.Due, now)
	return d
}

// bill is one tax year of an object, beside all others that are open.
type bill struct {
	object  Object
	year    Year
	debt    debt   // of that year
	arrears []debt // of all other years, newest first; only open ones
	latest  bool   // the year is the newest of the object
	asked   int    // another year, for which there is no bill
}

// bill returns the bill of a tax year, 0 for the newest one; ok is false if
// the object has none for that year.
func (r Rules) bill(o Object, year int, now time.Time) (b bill, ok bool) {
	b.object = o
	for i, y := range o.Years {
		if !ok && (year == 0 || year == y.Year) {
			b.year, b.debt, b.latest, ok = y, r.owed(y, now), i == 0, true
			continue
		}
		if d := r.owed(y, now); d.total() > 0 {
			b.arrears = append(b.arrears, d)
		}
	}
	return b, ok
}

// behind sums up the arrears.
func (b bill) behind() (amount, penalty bot.Rupiah) {
	for _, d := range b.arrears {
		amount += d.Amount
		penalty += d.Penalty
	}
	return amount, penalty
}

// open is all that has to be paid for the object.
func (b bill) open() bot.Rupiah {
	amount, penalty := b.behind()
	return b.debt.total() + amount + penalty
}

// change is what differs between the bills of two years.
type change struct {
	before, after Year
}

// change compares a tax year with the newest one before it; ok is false if
// there is none.
func (o Object) change(year int) (c change, ok bool) {
	for i, y := range o.Years {
		if y.Year == year && i+1 < len(o.Years) {
			return change{before: o.Years[i+1], after: y}, true
		}
	}
	return change{}, false
}

// unknown tells that one of the years says nothing of land and building.
func (c change) unknown() bool {
	return c.before.LandArea == 0 && c.before.BuildingArea == 0 || c.after.LandArea == 0 && c.after.BuildingArea == 0
}

// perMetre is the value of a square metre: the class of SISMIOP.
func perMetre(value bot.Rupiah, area int64) bot.Rupiah {
	if area <= 0 {
		return 0
	}
	return value / bot.Rupiah(area)
}

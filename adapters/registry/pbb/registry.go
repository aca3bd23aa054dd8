// Package pbb keeps the tax office's extracts (pbb.csv) and answers the flow's
// questions about them.
package pbb

import (
	"context"
	"time"

	"tabe/adapters/database"
	"tabe/adapters/registry/staging"
	"tabe/bot"
	"tabe/bot/ident"
	"tabe/flows/pbb"
)

// Registry answers from the extracts that Import has loaded. It implements
// the flow's pbb.Registry.
type Registry struct{ db *database.DB }

var _ pbb.Registry = (*Registry)(nil)

// New returns the registry in a database.
func New(db *database.DB) *Registry { return &Registry{db: db} }

// Object returns all assessments of one object, or pbb.ErrNotFound.
func (r *Registry) Object(ctx context.Context, nop ident.NOP) (pbb.Object, error) {
	object := pbb.Object{NOP: nop}
	var y pbb.Year
	var due, paid string
	var finished int64
	err := r.db.Each(ctx, `select a.tahun, a.nama_wp, a.alamat_op, a.kecamatan, a.desa, a.luas_bumi, a.luas_bangunan,
		a.njop_bumi, a.njop_bangunan, a.njoptkp, a.pbb_terutang, a.jatuh_tempo, a.tanggal_bayar, a.jumlah_bayar, a.telepon, l.finished
		from pbb_assessments a join registry_loads l on l.id = a.load
		where a.nop = $1 and `+staging.Visible+` order by a.tahun desc, l.sequence desc`, []any{string(nop)},
		[]any{&y.Year, &y.Name, &y.Address, &y.Kecamatan, &y.Desa, &y.LandArea, &y.BuildingArea,
			&y.LandValue, &y.BuildingValue, &y.Allowance, &y.Due, &due, &paid, &y.Paid, &y.Phone, &finished},
		func() (err error) {
			if n := len(object.Years); n > 0 && object.Years[n-1].Year == y.Year {
				return nil // an older load said it, and was not swept yet
			}
			if y.DueDate, err = date(due); err != nil {
				return err
			}
			if y.PaidOn, err = date(paid); err != nil {
				return err
			}
			if at := database.Time(finished); at.After(object.AsOf) {
				object.AsOf = at
			}
			object.Years = append(object.Years, y)
			return nil
		})
	if err != nil {
		return object, err
	}
	if len(object.Years) == 0 {
		return object, pbb.ErrNotFound
	}
	return object, nil
}

func date(s string) (time.Time, error) {
	if s == "" {
		return time.Time{}, nil
	}
	return time.ParseInLocation(time.DateOnly, s, bot.WITA)
}

// Owned returns the objects whose newest assessment bears the number: who
// owned one before sees it no more.
func (r *Registry) Owned(ctx context.Context, phone ident.Phone, limit int) ([]ident.NOP, error) {
	if phone == "" {
		return nil, nil
	}
	rows, err := r.db.Query(ctx, `select distinct a.nop from pbb_assessments a join registry_loads l on l.id = a.load
		where a.telepon = $1 and a.telepon <> '' and `+staging.Visible+` and not exists (
			select 1 from pbb_assessments b join registry_loads m on m.id = b.load
			where b.nop = a.nop and m.sequence > 0 and (b.tahun > a.tahun or b.tahun = a.tahun and m.sequence > l.sequence))
		order by a.nop limit $2`, string(phone), limit)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var owned []ident.NOP
	for rows.Next() {
		var n ident.NOP
		if err := rows.Scan(&n); err != nil {
			return nil, err
		}
		owned = append(owned, n)
	}
	return owned, rows.Err()
}

// AsOf returns when the newest extract was loaded.
func (r *Registry) AsOf(ctx context.Context) (time.Time, error) {
	return staging.AsOf(ctx, r.db, registry)
}

// Package h2h answers the land tax flow over the host-to-host interface that
// banks use to ask a tax office for bills: a token, an inquiry for one year,
// and, in an older program, a list of all unpaid years.
//
// It stands in front of the extracts: what only they know (whose telephone it
// is, what was paid when, the values of earlier years) is taken from them, and
// when the interface is down they and the last answers are told, with their
// age.
package h2h

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"tabe/adapters/registry/remote"
	"tabe/bot"
	"tabe/bot/ident"
	"tabe/flows/pbb"
)

// Registry implements the flow's pbb.Registry. It is safe for concurrent use.
type Registry struct {
	client   *client
	copies   *remote.Copies
	extracts pbb.Registry
	clock    func() time.Time
	answered atomic.Int64 // when the interface answered last, Unix microseconds
}

var _ pbb.Registry = (*Registry)(nil)

// New returns the registry over the interface that c describes, in front of
// the extracts, which may be empty.
func New(c Config, copies *remote.Copies, extracts pbb.Registry, clock func() time.Time) (*Registry, error) {
	if err := c.validate(); err != nil {
		return nil, err
	}
	return &Registry{client: newClient(c), copies: copies, extracts: extracts, clock: clock}, nil
}

// Close drops idle connections.
func (r *Registry) Close() { r.client.service.Close() }

// Check tells whether the interface answers and lets us in.
func (r *Registry) Check(ctx context.Context) error { return r.client.check(ctx) }

// Object implements pbb.Registry. ErrNotFound always comes from the interface:
// while it is down nobody can say that there is no such object.
func (r *Registry) Object(ctx context.Context, nop ident.NOP) (pbb.Object, error) {
	extract, err := r.extracts.Object(ctx, nop)
	if err != nil && !errors.Is(err, pbb.ErrNotFound) {
		return pbb.Object{}, fmt.Errorf("h2h: extracts: %w", err)
	}
	s, at, err := remote.Latest(ctx, r.copies, string(nop), func(ctx context.Context) (standing, bool, error) {
		now := r.clock()
		s, known, err := r.client.look(ctx, nop, now.In(bot.WITA).Year())
		if err == nil {
			r.answered.Store(now.UnixMicro())
		}
		return s, known, err
	})
	switch {
	case err == nil && at.After(extract.AsOf):
		return merge(extract, nop, s, at), nil
	case len(extract.Years) > 0: // newer, or all that there is; also of years for which the interface has no bill
		return extract, nil
	case err != nil:
		return pbb.Object{}, err
	}
	return pbb.Object{}, pbb.ErrNotFound
}

// Owned implements pbb.Registry. Only the extracts know telephone numbers.
func (r *Registry) Owned(ctx context.Context, phone ident.Phone, limit int) ([]ident.NOP, error) {
	return r.extracts.Owned(ctx, phone, limit)
}

// AsOf implements pbb.Registry: when the interface answered last, or the age of
// the extracts if that is less.
func (r *Registry) AsOf(ctx context.Context) (time.Time, error) {
	asOf, err := r.extracts.AsOf(ctx)
	if answered := r.answered.Load(); answered > 0 && time.UnixMicro(answered).After(asOf) {
		asOf = time.UnixMicro(answered).UTC()
	}
	return asOf, err
}

// merge puts what the interface said at a time over what the extracts say.
func merge(extract pbb.Object, nop ident.NOP, s standing, at time.Time) pbb.Object {
	o := pbb.Object{NOP: nop, AsOf: at}
	for _, y := range extract.Years {
		told := slices.ContainsFunc(s.Years, func(l pbb.Year) bool { return l.Year == y.Year })
		if s.Whole && !told && y.Due > 0 {
			y = settled(y)
		}
		o.Years = append(o.Years, y)
	}
	for _, live := range s.Years {
		i := slices.IndexFunc(o.Years, func(y pbb.Year) bool { return y.Year == live.Year })
		if i < 0 {
			o.Years = append(o.Years, live)
			continue
		}
		o.Years[i] = over(o.Years[i], live)
	}
	slices.SortStableFunc(o.Years, func(a, b pbb.Year) int { return b.Year - a.Year })
	if len(extract.Years) > 0 {
		o.Years[0].Phone = owner(extract.Years[0], o.Years[0])
	}
	return o
}

// over puts what is newer of a year over what is known of it.
func over(known, live pbb.Year) pbb.Year {
	y := live
	first(&y.Name, known.Name)
	first(&y.Address, known.Address)
	first(&y.Kecamatan, known.Kecamatan)
	first(&y.Desa, known.Desa)
	first(&y.LandArea, known.LandArea)
	first(&y.BuildingArea, known.BuildingArea)
	first(&y.LandValue, known.LandValue)
	first(&y.BuildingValue, known.BuildingValue)
	first(&y.Allowance, known.Allowance)
	first(&y.DueDate, known.DueDate)
	y.Phone = known.Phone
	if live.Settled {
		first(&y.Due, known.Due)
		y.PaidOn, y.Paid = known.PaidOn, known.Paid
		y = settled(y)
	}
	return y
}

// settled is a year that is paid. On what day counts only if all was paid then.
func settled(y pbb.Year) pbb.Year {
	y.Settled = y.PaidOn.IsZero() || y.Paid > 0 && y.Paid < y.Due
	if y.Settled {
		y.PaidOn, y.Paid = time.Time{}, 0
	}
	return y
}

// first replaces an unknown value.
func first[T comparable](value *T, otherwise T) {
	if unknown := *new(T); *value == unknown {
		*value = otherwise
	}
}

// owner returns the telephone that proves who may see the newest year: that of
// the extract, as long as nobody else is named since.
func owner(extract, newest pbb.Year) ident.Phone {
	same := func(a, b string) bool {
		return strings.EqualFold(strings.Join(strings.Fields(a), " "), strings.Join(strings.Fields(b), " "))
	}
	if newest.Name != "" && !same(newest.Name, extract.Name) {
		return ""
	}
	return extract.Phone
}

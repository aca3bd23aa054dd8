// Package sicantik answers the permit flow from SiCantik, the application
// system that the ministry lends to regencies, by the tracker that it shows to
// the public.
//
// It stands in front of the extracts: those know who applied by which
// telephone, when, and what is missing; the tracker knows today's step. When it
// is down they and the last answers are told, with their age.
package sicantik

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"tabe/adapters/notices"
	"tabe/adapters/registry/remote"
	"tabe/bot/ident"
	"tabe/flows/perizinan"
)

// Registry implements the flow's perizinan.Registry. It is safe for concurrent use.
type Registry struct {
	client   *client
	copies   *remote.Copies
	extracts perizinan.Registry
	clock    func() time.Time
	answered atomic.Int64 // when the tracker answered last, Unix microseconds
}

var (
	_ perizinan.Registry = (*Registry)(nil)
	_ notices.Source     = (*Registry)(nil)
)

// New returns the registry over the templates that c names, in front of the
// extracts, which may be empty.
func New(c Config, copies *remote.Copies, extracts perizinan.Registry, clock func() time.Time) (*Registry, error) {
	if err := c.validate(); err != nil {
		return nil, err
	}
	q := &client{config: c, service: remote.NewService("perizinan", c.Limits, c.Log)}
	return &Registry{client: q, copies: copies, extracts: extracts, clock: clock}, nil
}

// Close drops idle connections.
func (r *Registry) Close() { r.client.service.Close() }

// Check tells whether the tracker answers.
func (r *Registry) Check(ctx context.Context) error {
	_, _, err := r.client.track(ctx, "0")
	return err
}

// Permit implements perizinan.Registry. ErrNotFound always comes from the
// tracker: while it is down nobody can say that there is no such permit.
func (r *Registry) Permit(ctx context.Context, number perizinan.Number) (perizinan.Permit, error) {
	extract, err := r.extracts.Permit(ctx, number)
	if err != nil && !errors.Is(err, perizinan.ErrNotFound) {
		return perizinan.Permit{}, fmt.Errorf("sicantik: extracts: %w", err)
	}
	if err == nil {
		number = extract.Number // as the office writes it
	}
	a, at, err := r.latest(ctx, number)
	switch {
	case err == nil && at.After(extract.AsOf):
		return merge(extract, a, at), nil
	case extract.Number != "": // newer, or all that there is
		return extract, nil
	case err != nil:
		return perizinan.Permit{}, err
	}
	return perizinan.Permit{}, perizinan.ErrNotFound
}

func (r *Registry) latest(ctx context.Context, number perizinan.Number) (application, time.Time, error) {
	return remote.Latest(ctx, r.copies, number.Key(), func(ctx context.Context) (application, bool, error) {
		now := r.clock()
		a, known, err := r.client.track(ctx, number)
		if err == nil {
			r.answered.Store(now.UnixMicro())
		}
		return a, known, err
	})
}

// maxTracked is how many permits of one answer are tracked; what lies behind is
// told as in the extract.
const maxTracked = 5

// Find implements perizinan.Registry. Without an extract it finds what was
// applied for on a day that is known, if there is a list of days.
func (r *Registry) Find(ctx context.Context, clue perizinan.Clue, limit int) ([]perizinan.Permit, error) {
	found, err := r.extracts.Find(ctx, clue, limit)
	if err != nil {
		return nil, fmt.Errorf("sicantik: extracts: %w", err)
	}
	if r.client.config.BulkURL != "" && !clue.Entered.IsZero() {
		numbers, err := r.client.entered(ctx, clue.Entered)
		if err != nil && len(found) == 0 {
			return nil, err
		}
		for _, n := range numbers {
			if len(found) < limit && n.Serial() == clue.Serial && !slices.ContainsFunc(found, func(p perizinan.Permit) bool { return p.Number.Key() == n.Key() }) {
				found = append(found, perizinan.Permit{Number: n, Entered: clue.Entered})
			}
		}
	}
	found = r.track(ctx, found)
	// What the list of days named and the tracker does not tell is of no use.
	return slices.DeleteFunc(found, func(p perizinan.Permit) bool { return p.AsOf.IsZero() }), nil
}

// Owned implements perizinan.Registry. Only the extracts know telephone numbers.
func (r *Registry) Owned(ctx context.Context, phone ident.Phone, limit int) ([]perizinan.Permit, error) {
	found, err := r.extracts.Owned(ctx, phone, limit)
	if err != nil {
		return nil, fmt.Errorf("sicantik: extracts: %w", err)
	}
	return r.track(ctx, found), nil
}

// track brings the first of some permits up to date, as far as the tracker answers.
func (r *Registry) track(ctx context.Context, permits []perizinan.Permit) []perizinan.Permit {
	var tracking sync.WaitGroup
	for i := range permits[:min(len(permits), maxTracked)] {
		tracking.Go(func() {
			if a, at, err := r.latest(ctx, permits[i].Number); err == nil && at.After(permits[i].AsOf) {
				permits[i] = merge(permits[i], a, at)
			}
		})
	}
	tracking.Wait()
	return permits
}

// AsOf implements perizinan.Registry: when the tracker answered last, or the
// age of the extracts if that is less.
func (r *Registry) AsOf(ctx context.Context) (time.Time, error) {
	asOf, err := r.extracts.AsOf(ctx)
	if answered := r.answered.Load(); answered > 0 && time.UnixMicro(answered).After(asOf) {
		asOf = time.UnixMicro(answered).UTC()
	}
	return asOf, err
}

// News implements notices.Source. A permit of which nothing can be learned now
// is looked at again the next time.
func (r *Registry) News(ctx context.Context, numbers []string, _ time.Time) (map[string]notices.News, error) {
	all := make(map[string]notices.News, len(numbers))
	for _, number := range numbers {
		p, err := r.Permit(ctx, perizinan.Number(number))
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		if err != nil {
			continue
		}
		kind, body := perizinan.NewsOf(p)
		all[number] = notices.News{Mark: p.Mark(), Kind: kind, Body: body}
	}
	return all, nil
}

// order is how far each step is. The tracker knows fewer of them than the office.
var order = []perizinan.Step{
	perizinan.Registered, perizinan.Papers, perizinan.Inspection, perizinan.Assessing, perizinan.Payment,
	perizinan.Paid, perizinan.Signing, perizinan.Issued, perizinan.Ready, perizinan.Collected,
}

// merge puts what the tracker said at a time over what the extract says.
func merge(extract perizinan.Permit, a application, at time.Time) perizinan.Permit {
	p := extract
	p.AsOf = at
	if p.Number == "" {
		p.Number = a.Number
	}
	if p.Type == "" {
		p.Type = a.Type
	}
	is, was := perizinan.StepOf(a.Status), perizinan.StepOf(extract.Status)
	if extract.Status != "" && is == was || slices.Index(order, was) > slices.Index(order, is) && slices.Index(order, is) >= 0 {
		return p // the office's own words say more, or are further on
	}
	p.Status, p.Since, p.Note = a.Status, time.Time{}, ""
	return p
}

package perizinan

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"
)

// kind is how saved numbers, attempts and subscriptions of this flow are called.
const kind = "permit"

const (
	maxKnown = 20  // permits of one person that are looked at for one answer
	maxFound = 500 // permits of one serial
	maxList  = 20  // permits to choose from
)

// owns tells whether the asker is the applicant, by the telephone number.
func (s *step) owns(p Permit) bool {
	phone := s.Phone()
	return phone != "" && p.Phone == phone
}

// saved tells whether the asker let us keep a number.
func (s *step) saved(n Number) bool {
	return slices.ContainsFunc(s.Resident.SavedOf(kind), func(v string) bool { return Number(v).Key() == n.Key() })
}

// known returns the asker's permits: those whose numbers are saved, then those
// on which his telephone number is registered.
func (s *step) known(ctx context.Context) ([]Permit, error) {
	var all []Permit
	add := func(p Permit) {
		if len(all) < maxKnown && !slices.ContainsFunc(all, func(o Permit) bool { return o.Number == p.Number }) {
			all = append(all, p)
		}
	}
	for _, value := range s.Resident.SavedOf(kind) {
		p, err := s.flow.registry.Permit(ctx, Number(value))
		if errors.Is(err, ErrNotFound) {
			continue // the office took it out
		}
		if err != nil {
			return nil, fmt.Errorf("perizinan: saved: %w", err)
		}
		add(p)
	}
	if phone := s.Phone(); phone != "" {
		owned, err := s.flow.registry.Owned(ctx, phone, maxKnown)
		if err != nil {
			return nil, fmt.Errorf("perizinan: owned: %w", err)
		}
		for _, p := range owned {
			add(p)
		}
	}
	return all, nil
}

// errLimited is returned instead of a permit while the asker has to wait.
var errLimited = errors.New("perizinan: too many numbers tried")

// lookup returns the permit of a whole number. Numbers that are not the
// asker's own count as attempts to guess one; errLimited then sets s.until,
// ErrNotFound s.asOf.
func (s *step) lookup(ctx context.Context, n Number) (Permit, error) {
	p, err := s.flow.registry.Permit(ctx, n)
	found := err == nil
	if err != nil && !errors.Is(err, ErrNotFound) {
		return Permit{}, fmt.Errorf("perizinan: permit: %w", err)
	}
	if !(s.saved(n) || found && s.owns(p)) {
		if err := s.attempt(n.Key(), found); err != nil {
			return Permit{}, err
		}
	}
	if found {
		return p, nil
	}
	return Permit{}, s.notFound(ctx)
}

// find returns the permits that fit a whole clue; it counts like lookup.
func (s *step) find(ctx context.Context, c Clue) ([]Permit, error) {
	found, err := s.flow.registry.Find(ctx, c, maxFound)
	if err != nil {
		return nil, fmt.Errorf("perizinan: find: %w", err)
	}
	if c.Kind != Other {
		found = slices.DeleteFunc(found, func(p Permit) bool { return KindOf(p.Type) != c.Kind })
	}
	if err := s.attempt(c.Serial+" "+string(c.Kind)+c.Entered.Format(time.DateOnly), len(found) > 0); err != nil {
		return nil, err
	}
	if len(found) == 0 {
		return nil, s.notFound(ctx)
	}
	return found[:min(len(found), maxList)], nil
}

// attempt counts a number that is not the asker's own, or refuses it.
func (s *step) attempt(number string, found bool) error {
	attempts := s.Attempts(kind)
	if until := attempts.Until(s.Now, number); !until.IsZero() {
		s.until = until
		return errLimited
	}
	attempts.Count(s.Now, number, found)
	return nil
}

func (s *step) notFound(ctx context.Context) error {
	if err := s.age(ctx); err != nil {
		return err
	}
	return ErrNotFound
}

// age finds out how old the data is.
func (s *step) age(ctx context.Context) (err error) {
	if s.asOf, err = s.flow.registry.AsOf(ctx); err != nil {
		return fmt.Errorf("perizinan: age of the data: %w", err)
	}
	if s.asOf.IsZero() {
		return errors.New("perizinan: no extract was ever loaded")
	}
	return nil
}

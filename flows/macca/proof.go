package macca

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"tabe/bot/ident"
)

const (
	// kind is how saved numbers and attempts of this flow are called.
	kind = "no_kk"

	// maxFamilies is how many families of one telephone are looked at.
	maxFamilies = 5

	// provenFor is how long a family stays at hand after it was shown. The
	// telephone may be a borrowed one.
	provenFor = 15 * time.Minute

	// savedFor is how long a saved number is believed to be the asker's own:
	// who has left a family shall not see it for ever.
	savedFor = 365 * 24 * time.Hour
)

// registered tells whether the asker's telephone is on the register for h.
func (s *step) registered(h Household) bool {
	phone := s.Phone()
	return phone != "" && slices.Contains(h.Phones, phone)
}

// saved returns the families that the asker proved to belong to and let us keep.
func (s *step) saved() []ident.KK {
	var list []ident.KK
	for _, v := range s.Resident.Saved {
		if v.Kind == kind && s.Now.Sub(v.At) < savedFor {
			list = append(list, ident.KK(v.Value))
		}
	}
	return list
}

// known returns the asker's families: those saved, then those for which his
// telephone number is registered.
func (s *step) known(ctx context.Context) ([]ident.KK, error) {
	list := s.saved()
	phone := s.Phone()
	if phone == "" {
		return list, nil
	}
	owned, err := s.flow.registry.Owned(ctx, phone, maxFamilies)
	if err != nil {
		return nil, fmt.Errorf("macca: owned: %w", err)
	}
	for _, kk := range owned {
		if !slices.Contains(list, kk) {
			list = append(list, kk)
		}
	}
	return list[:min(len(list), maxFamilies)], nil
}

// atHand tells whether the family of the memory was shown a moment ago.
func (s *step) atHand() bool {
	return s.memory.KK != "" && !s.memory.Proven.IsZero() && s.Now.Sub(s.memory.Proven) < provenFor
}

// belongs tells whether somebody born on one of the days is a member.
func (h Household) belongs(days []time.Time) bool {
	return slices.ContainsFunc(h.Members, func(m Member) bool {
		return !m.Born.IsZero() && slices.ContainsFunc(days, m.Born.Equal)
	})
}

// try takes a birth date for a family card as proof. Whatever is wrong (there
// is no such card, nobody was born on that day, nobody's birth date is known),
// the event and all that the resident can see of it are the same, so that
// nothing can be found out by guessing; each try counts.
func (f *Flow) try(ctx context.Context, s *step, kk ident.KK, born []time.Time) (string, error) {
	s.memory.KK, s.memory.Proven = kk, time.Time{}
	var err error
	if s.asOf, err = f.registry.AsOf(ctx); err != nil {
		return fail, fmt.Errorf("macca: age of the data: %w", err)
	}
	if s.asOf.IsZero() {
		return fail, errors.New("macca: no extract was ever loaded")
	}
	attempts := s.Attempts(kind)
	pair := string(kk) + "/" + born[0].Format(time.DateOnly)
	if until := attempts.Until(s.Now, pair); !until.IsZero() {
		s.until = until
		return limit, nil
	}
	h, err := f.registry.Household(ctx, kk)
	if err != nil && !errors.Is(err, ErrNotFound) {
		return fail, fmt.Errorf("macca: household: %w", err)
	}
	proven := err == nil && h.belongs(born)
	attempts.Count(s.Now, pair, proven)
	if !proven {
		return refuse, nil
	}
	return f.reveal(s, h), nil
}

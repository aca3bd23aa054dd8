package pbb

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"tabe/bot/ident"
)

// kind is how saved numbers and attempts of this flow are called.
const kind = "nop"

// maxObjects is how many objects of one person are looked at for one answer.
const maxObjects = 20

// owns tells whether the asker is the taxpayer of o, by the telephone number
// in its newest assessment.
func (s *step) owns(o Object) bool {
	phone := s.Phone()
	return phone != "" && len(o.Years) > 0 && o.Years[0].Phone == phone
}

// saved tells whether the asker let us keep a NOP.
func (s *step) saved(nop ident.NOP) bool {
	return slices.Contains(s.Resident.SavedOf(kind), string(nop))
}

// known returns the asker's numbers: those saved, then those on which his
// telephone number is registered.
func (s *step) known(ctx context.Context) ([]ident.NOP, error) {
	var nops []ident.NOP
	for _, value := range s.Resident.SavedOf(kind) {
		nops = append(nops, ident.NOP(value))
	}
	phone := s.Phone()
	if phone == "" {
		return nops, nil
	}
	owned, err := s.flow.registry.Owned(ctx, phone, maxObjects)
	if err != nil {
		return nil, fmt.Errorf("pbb: owned: %w", err)
	}
	for _, nop := range owned {
		if !slices.Contains(nops, nop) {
			nops = append(nops, nop)
		}
	}
	return nops[:min(len(nops), maxObjects)], nil
}

// errLimited is returned instead of an object while the asker has to wait.
var errLimited = errors.New("pbb: too many numbers tried")

// lookup returns an object. Numbers that are not the asker's own count as
// attempts to guess one; errLimited then sets s.until, ErrNotFound s.asOf.
func (s *step) lookup(ctx context.Context, nop ident.NOP) (Object, error) {
	o, err := s.flow.registry.Object(ctx, nop)
	found := err == nil
	if found && len(o.Years) == 0 {
		return Object{}, fmt.Errorf("pbb: an object without a year")
	}
	if err != nil && !errors.Is(err, ErrNotFound) {
		return Object{}, fmt.Errorf("pbb: object: %w", err)
	}
	if !(s.saved(nop) || found && s.owns(o)) {
		attempts := s.Attempts(kind)
		if until := attempts.Until(s.Now, string(nop)); !until.IsZero() {
			s.until = until
			return Object{}, errLimited
		}
		attempts.Count(s.Now, string(nop), found)
	}
	if found {
		return o, nil
	}
	if s.asOf, err = s.flow.registry.AsOf(ctx); err != nil {
		return Object{}, fmt.Errorf("pbb: age of the data: %w", err)
	}
	if s.asOf.IsZero() {
		return Object{}, errors.New("pbb: no extract was ever loaded")
	}
	return Object{}, ErrNotFound
}

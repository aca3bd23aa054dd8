package pbb

import (
	"context"
	"errors"
	"time"

	"tabe/bot"
	"tabe/bot/ident"
)

// ErrNotFound is returned by Registry.Object for a NOP that is in no extract.
var ErrNotFound = errors.New("pbb: no such object")

// Registry is what the flow has to know of the tax office's data. Any other
// error than ErrNotFound means that it cannot answer now.
type Registry interface {
	// Object returns everything known of one NOP.
	Object(ctx context.Context, nop ident.NOP) (Object, error)
	// Owned returns the objects whose newest assessment bears a telephone
	// number, at most limit, in the order of their NOP; none is no error.
	Owned(ctx context.Context, phone ident.Phone, limit int) ([]ident.NOP, error)
	// AsOf returns when the newest extract was loaded; the zero time if none ever was.
	AsOf(ctx context.Context) (time.Time, error)
}

// Object is one tax object and its assessments.
type Object struct {
	NOP   ident.NOP
	Years []Year    // newest first, one for each year, at least one
	AsOf  time.Time // when the extract that named the object last was loaded
}

// Year is the assessment (SPPT) of one object for one tax year: one row of
// pbb.csv. Zero values are unknown, except where said.
type Year struct {
	Year      int
	Name      string // of the taxpayer
	Address   string // of the object
	Kecamatan string
	Desa      string
	Phone     ident.Phone // of the taxpayer

	LandArea, BuildingArea   int64 // m2
	LandValue, BuildingValue bot.Rupiah
	Allowance                bot.Rupiah // NJOPTKP

	Due     bot.Rupiah // PBB terutang; 0 is a bill of nothing
	DueDate time.Time  // midnight WITA

	PaidOn  time.Time // zero: not paid, or Settled
	Paid    bot.Rupiah
	Settled bool // paid, all of it, on a day that is not known
}

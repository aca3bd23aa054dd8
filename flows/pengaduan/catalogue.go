package pengaduan

import (
	_ "embed"
	"fmt"
	"io"
	"slices"
	"strings"

	"tabe/bot/settings"
)

//go:embed catalogue.toml
var catalogueFile string

// Catalogue is what can be complained of, and to whom it goes.
type Catalogue struct {
	General   string   // code of the office that hands on what nobody else is named for
	Oversight string   // of the one for corruption
	Kinds     []Kind   `toml:"kind"`
	Offices   []Office `toml:"office"`
}

// Kind is something that residents complain of.
type Kind struct {
	Code         string
	Name         string   // Indonesian, for operators and other systems
	Offices      []string // codes; the likeliest first
	Place        bool     // is about a place, which has to be known
	Public       bool     // may be shown to everybody, without what tells who somebody is
	Confidential bool     // never leaves the regency
	Keywords     string   // comma between
}

// Office is a part of the administration.
type Office struct {
	Code   string
	Name   string   // short, as residents know it
	Called []string // in the slot "office"
}

// DefaultCatalogue returns the one that is built in.
func DefaultCatalogue() *Catalogue {
	c, err := ParseCatalogue(strings.NewReader(catalogueFile))
	if err != nil {
		panic(err) // the tests have read it
	}
	return c
}

// ParseCatalogue reads a catalogue in the form of catalogue.toml.
func ParseCatalogue(file io.Reader) (*Catalogue, error) {
	c := &Catalogue{}
	if err := settings.Decode(file, c); err != nil {
		return nil, fmt.Errorf("pengaduan: catalogue: %w", err)
	}
	for _, code := range []string{c.General, c.Oversight} {
		if !c.HasOffice(code) {
			return nil, fmt.Errorf("pengaduan: catalogue: there is no office %q", code)
		}
	}
	for i, k := range c.Kinds {
		if k.Code == "" || k.Name == "" || c.index(k.Code) != i {
			return nil, fmt.Errorf("pengaduan: catalogue: kind %q has no code or name of its own", k.Code)
		}
		for _, code := range k.Offices {
			if !c.HasOffice(code) {
				return nil, fmt.Errorf("pengaduan: catalogue: kind %s goes to %q, which is no office", k.Code, code)
			}
		}
	}
	return c, nil
}

func (c *Catalogue) index(code string) int {
	return slices.IndexFunc(c.Kinds, func(k Kind) bool { return k.Code == code })
}

// Kind returns the kind of a code. For an unknown one it is about a place, goes
// to the general office and stays in the house.
func (c *Catalogue) Kind(code string) Kind {
	if i := c.index(code); i >= 0 {
		return c.Kinds[i]
	}
	return Kind{Offices: []string{c.General}, Place: true}
}

// HasOffice tells whether code is an office.
func (c *Catalogue) HasOffice(code string) bool {
	return slices.ContainsFunc(c.Offices, func(o Office) bool { return o.Code == code })
}

// OfficeName returns what an office is called, the code itself if it is unknown.
func (c *Catalogue) OfficeName(code string) string {
	for _, o := range c.Offices {
		if o.Code == code {
			return o.Name
		}
	}
	return code
}

// officeCalled returns the code of what the slot "office" names, "" if it is
// no office here.
func (c *Catalogue) officeCalled(slot string) string {
	for _, o := range c.Offices {
		if strings.EqualFold(o.Name, slot) || slices.ContainsFunc(o.Called, func(name string) bool {
			return strings.EqualFold(name, slot) || name == "Puskesmas" && strings.HasPrefix(slot, "Puskesmas ")
		}) {
			return o.Code
		}
	}
	return ""
}

// officeOf returns the code of the office of a kecamatan, "" if there is none.
func (c *Catalogue) officeOf(kecamatan string) string {
	if kecamatan == "" {
		return ""
	}
	return c.officeCalled("Kecamatan " + kecamatan)
}

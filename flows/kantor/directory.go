package kantor

import (
	_ "embed"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"tabe/bot/settings"
)

// Office is one of the regency's, or something that residents take for one.
type Office struct {
	Code    string   `toml:"code"`
	Name    string   `toml:"name"`
	Short   string   `toml:"short"` // for the list of choices
	Topic   string   `toml:"topic"` // the list that it stands in
	For     string   `toml:"for"`
	Called  []string `toml:"called"` // as the slot office names it
	Address string   `toml:"address"`
	Phone   string   `toml:"phone"`
	Site    string   `toml:"site"` // host name
	Email   string   `toml:"email"`
	Checked string   `toml:"checked"` // day on which somebody confirmed address and number; empty: nobody
	Always  bool     `toml:"always"`  // open day and night
	Desa    []string `toml:"desa"`    // of a kecamatan
	Local   bool     `toml:"local"`   // ours, but there is more than one

	// OwnHours says that its hours are not those of the calendar, and unknown.
	OwnHours bool `toml:"own_hours"`

	elsewhere bool
}

// Data is what the regency sets: its offices and when they are open. It does
// not change once it is read.
type Data struct {
	Calendar
	offices    []*Office
	desk       Calendar
	checkEvery time.Duration
}

// dataFile is how a file says it.
type dataFile struct {
	Office    []Office      `toml:"office"`
	Elsewhere []Office      `toml:"elsewhere"`
	Hours     []hoursRow    `toml:"hours"`
	Holiday   []holidayRow  `toml:"holiday"`
	Desk      []hoursRow    `toml:"desk"`
	Sites     sitesSettings `toml:"sites"`
}

type sitesSettings struct {
	CheckMinutes int `toml:"check_minutes"`
}

//go:embed offices.toml
var officesFile string

//go:embed calendar.toml
var calendarFile string

// DefaultData returns what is built in.
func DefaultData() *Data {
	d, err := ParseData(strings.NewReader(""))
	if err != nil {
		panic(err) // part of the program; a test has read it
	}
	return d
}

// ParseData reads the changes to what is built in, see offices.toml and
// calendar.toml. The errors say which row is wrong.
func ParseData(file io.Reader) (*Data, error) {
	d := &Data{}
	for _, next := range []io.Reader{strings.NewReader(officesFile), strings.NewReader(calendarFile), file} {
		var f dataFile
		if err := settings.Decode(next, &f); err != nil {
			return nil, fmt.Errorf("kantor: %w", err)
		}
		if err := d.merge(f); err != nil {
			return nil, fmt.Errorf("kantor: %w", err)
		}
	}
	return d, nil
}

func (d *Data) merge(f dataFile) error {
	for i := range f.Elsewhere {
		f.Elsewhere[i].elsewhere = true
	}
	for _, o := range append(f.Office, f.Elsewhere...) {
		if have := d.office(o.Code); have != nil {
			have.merge(o)
		} else {
			d.offices = append(d.offices, &o)
		}
	}
	for _, o := range d.offices {
		if err := o.check(); err != nil {
			return fmt.Errorf("office %q: %w", o.Code, err)
		}
	}
	if f.Sites.CheckMinutes < 0 || f.Sites.CheckMinutes > 24*60 {
		return fmt.Errorf("sites: check_minutes is %d", f.Sites.CheckMinutes)
	}
	if f.Sites.CheckMinutes > 0 {
		d.checkEvery = time.Duration(f.Sites.CheckMinutes) * time.Minute
	}
	if err := d.desk.merge(f.Desk, nil); err != nil {
		return fmt.Errorf("desk: %w", err)
	}
	return d.Calendar.merge(f.Hours, f.Holiday)
}

// Desk says when operators answer residents: at the hours of the offices, unless
// rows of the table desk say otherwise, which hold on holidays too.
func (d *Data) Desk() *Calendar {
	if len(d.desk.rules) == 0 {
		return &d.Calendar
	}
	return &d.desk
}

// merge takes over what a row names.
func (o *Office) merge(row Office) {
	for _, v := range []struct {
		to   *string
		from string
	}{
		{&o.Name, row.Name}, {&o.Short, row.Short}, {&o.Topic, row.Topic}, {&o.For, row.For}, {&o.Address, row.Address},
		{&o.Phone, row.Phone}, {&o.Site, row.Site}, {&o.Email, row.Email}, {&o.Checked, row.Checked},
	} {
		if v.from != "" {
			*v.to = v.from
		}
	}
	if row.Called != nil {
		o.Called = row.Called
	}
	if row.Desa != nil {
		o.Desa = row.Desa
	}
	o.Always = o.Always || row.Always
}

// What a value may have, so that an answer fits two SMS.
const (
	maxName    = 60
	maxShort   = 20
	maxPurpose = 50
	maxAddress = 60
	maxPhone   = 20
	maxSite    = 40
)

func (o *Office) check() error {
	for _, v := range []struct {
		name, text string
		most       int
	}{
		{"code", o.Code, maxName}, {"name", o.Name, maxName}, {"short", o.Short, maxShort}, {"for", o.For, maxPurpose},
		{"address", o.Address, maxAddress}, {"phone", o.Phone, maxPhone}, {"site", o.Site, maxSite}, {"email", o.Email, maxSite},
	} {
		if len(v.text) > v.most {
			return fmt.Errorf("%s has more than %d letters", v.name, v.most)
		}
	}
	if o.Code == "" || o.Name == "" || o.For == "" {
		return fmt.Errorf("code, name or for is missing")
	}
	if strings.ContainsAny(o.Site, "/: ") {
		return fmt.Errorf("site %q is not only the name of a host", o.Site)
	}
	if o.Checked != "" {
		if _, err := time.Parse(time.DateOnly, o.Checked); err != nil {
			return fmt.Errorf("checked: %q is not like 2026-11-25", o.Checked)
		}
	}
	if !o.elsewhere && (o.Short == "" || !slices.Contains(groups, o.Topic)) {
		return fmt.Errorf("short is missing, or topic is none of %v", groups)
	}
	return nil
}

// office returns the office with a code, nil if there is none.
func (d *Data) office(code string) *Office {
	for _, o := range d.offices {
		if o.Code == code {
			return o
		}
	}
	return nil
}

// called returns the office that the slot office names, nil if there is none.
func (d *Data) called(name string) *Office {
	for _, o := range d.offices {
		if slices.Contains(o.Called, name) {
			return o
		}
	}
	// "Kantor Desa Tinco", "Kelurahan Botto", "Polsek Lilirilau": one of many.
	for _, o := range d.offices {
		if !o.elsewhere {
			continue
		}
		for _, c := range o.Called {
			if strings.HasPrefix(name, c+" ") {
				return o
			}
		}
	}
	return nil
}

// kecamatanOf returns the office of the kecamatan of a desa or of that name,
// nil if there is none.
func (d *Data) kecamatanOf(place string) *Office {
	for _, o := range d.offices {
		if len(o.Desa) > 0 && slices.Contains(o.Called, "Kecamatan "+place) {
			return o
		}
	}
	for _, o := range d.offices {
		if slices.Contains(o.Desa, place) {
			return o
		}
	}
	return nil
}

// in returns the offices of a topic, in the order of the file.
func (d *Data) in(topic string) []*Office {
	var list []*Office
	for _, o := range d.offices {
		if o.Topic == topic && !o.elsewhere {
			list = append(list, o)
		}
	}
	return list
}

// Sites returns the host names of the offices' sites.
func (d *Data) Sites() []string {
	var hosts []string
	for _, o := range d.offices {
		if o.Site != "" {
			hosts = append(hosts, o.Site)
		}
	}
	return hosts
}

// CheckEvery is how long to wait between two looks at the sites; 0: never look.
func (d *Data) CheckEvery() time.Duration { return d.checkEvery }

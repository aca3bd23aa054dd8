package pengaduan

import (
	"strconv"
	"strings"
	"unicode/utf8"

	"tabe/bot"
	"tabe/bot/understand"
)

// draft is a complaint that is not sent yet.
type draft struct {
	Text   string  `json:"t,omitempty"`
	Kind   string  `json:"k,omitempty"`
	Office string  `json:"o,omitempty"` // code; "": not known yet
	Place  Place   `json:"p,omitzero"`
	Media  []Media `json:"m,omitempty"`
	Name   string  `json:"n,omitempty"`

	Anonymous bool `json:"a,omitempty"`
	Mute      bool `json:"u,omitempty"`
	Nowhere   bool `json:"w,omitempty"` // the resident knows no place for it
	Oversight bool `json:"c,omitempty"` // he wants it to go to the oversight office
}

// Limits of what is kept of one complaint: in bytes, and pictures.
const (
	maxText     = 4000
	maxLandmark = 120
	maxName     = 60
	maxMedia    = 5
)

// describe takes what a message says of the complaint: all of it.
func (f *Flow) describe(s *step) {
	d := &s.memory.Draft
	d.Text = cut(s.Understood.Text, maxText)
	d.Kind = f.topics.Find(d.Text)
	if f.words.Find(d.Text) == anonymousTopic {
		d.Anonymous = true
	}
	f.locate(s)
	f.address(s)
}

// append adds to the description, and looks again what it is about if that was
// not clear before.
func (d *draft) append(f *Flow, text string) {
	d.Text = cut(strings.TrimRight(d.Text, ". ")+". "+text, maxText)
	if d.Kind == "" {
		d.Kind = f.topics.Find(text)
	}
}

// attach takes what came with a message.
func (s *step) attach() {
	if d := &s.memory.Draft; len(d.Media) < maxMedia {
		d.Media = append(d.Media, s.media()...)
	}
}

// media returns what came with a message and shows something of a complaint.
func (s *step) media() []Media {
	switch s.Media {
	case "", bot.MediaSticker, bot.MediaContact, bot.MediaLocation:
		return nil
	}
	return []Media{{Kind: s.Media, Ref: s.MediaRef}}
}

// locate takes the place that a message names, and reports whether it names
// one. Outside the regency is s.reason "outside".
func (f *Flow) locate(s *step) bool {
	p := placeOf(s.Understood.Slots)
	if at := s.position(); at != nil {
		desa, kecamatan, ok := f.places.Nearest(*at)
		if !ok {
			s.reason = "outside"
			return false
		}
		p.Location = at
		if p.Desa == "" {
			p.Desa, p.Kecamatan = desa, kecamatan
		}
	}
	if p == (Place{}) {
		return false
	}
	if p.Desa == "" && p.Kecamatan == "" {
		p.Desa, p.Kecamatan = f.places.Mentioned(p.Landmark)
	}
	if p.Desa != "" && p.Kecamatan == "" {
		p.Kecamatan = f.places.Kecamatan(p.Desa)
	}
	s.memory.Draft.Place = p
	return true
}

// position is where the resident points to, by his phone or in digits.
func (s *step) position() *bot.Location {
	if s.Location != nil {
		return s.Location
	}
	lat, okLat := number64(s.Understood.Slots, "lat")
	lng, okLng := number64(s.Understood.Slots, "lng")
	if !okLat || !okLng {
		return nil
	}
	return &bot.Location{Lat: lat, Lng: lng}
}

func number64(slots understand.Slots, slot string) (float64, bool) {
	value, _ := slots.Get(slot)
	n, err := strconv.ParseFloat(value, 64)
	return n, err == nil
}

func placeOf(slots understand.Slots) Place {
	var p Place
	p.Landmark, _ = slots.Get("landmark")
	p.Landmark = cut(p.Landmark, maxLandmark)
	p.Desa, _ = slots.Get("desa")
	if all := slots.All("kecamatan"); len(all) == 1 { // several: names that look alike
		p.Kecamatan = all[0]
	}
	return p
}

// address takes the office that a message names, and reports whether it does.
func (f *Flow) address(s *step) bool {
	slot, named := s.Understood.Slots.Get("office")
	if !named {
		return false
	}
	code := f.catalogue.officeCalled(slot)
	switch {
	case code != "":
	case strings.HasPrefix(slot, "Kecamatan"), strings.HasPrefix(slot, "Kelurahan"):
		code = f.catalogue.officeOf(s.memory.Draft.Place.Kecamatan)
	}
	// Where there is a pothole in front of the school, the school is a place.
	if k := f.catalogue.Kind(s.memory.Draft.Kind); code == "" || k.Code != "" && k.Public {
		return false
	}
	s.memory.Draft.Office = code
	return true
}

// next finds out what is still missing.
func (f *Flow) next(s *step) string {
	d := &s.memory.Draft
	k := f.catalogue.Kind(d.Kind)
	switch {
	case d.Kind == crimeTopic, d.Kind == corruptionTopic && !d.Oversight:
		return refer
	case d.Text == "":
		return what
	case k.Place && d.Place == (Place{}) && !d.Nowhere:
		return where
	case d.Office == "" && len(k.Offices) > 1:
		return office
	case d.Office == "":
		d.Office = f.catalogue.General
		if len(k.Offices) > 0 {
			d.Office = k.Offices[0]
		}
	}
	return check
}

// String is the place as it is read back: "depan pasar Cabenge, Lilirilau".
func (p Place) String() string {
	var parts []string
	for _, part := range []string{p.Landmark, p.Desa, p.Kecamatan} {
		if part != "" && !strings.Contains(squeeze(strings.Join(parts, " ")), squeeze(part)) {
			parts = append(parts, part)
		}
	}
	return strings.Join(parts, ", ")
}

// squeeze is text in small letters, doubled ones written once, for comparison.
func squeeze(text string) string {
	var b strings.Builder
	last := rune(0)
	for _, r := range strings.ToLower(text) {
		if r != last {
			b.WriteRune(r)
		}
		last = r
	}
	return b.String()
}

// cut returns at most n bytes of text, whole characters.
func cut(text string, n int) string {
	text = bot.CleanText(text)
	if len(text) <= n {
		return text
	}
	for n > 0 && !utf8.RuneStart(text[n]) {
		n--
	}
	return strings.TrimSpace(text[:n])
}

// shortened is text of at most n bytes, with two dots where it was cut.
func shortened(text string, n int) string {
	if short := cut(text, n); len(short) < len(text) {
		return strings.TrimRight(cut(short, n-2), ".,;:- ") + ".."
	}
	return text
}

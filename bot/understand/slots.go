package understand

import (
	"strings"

	"tabe/bot/ident"
)

var (
	familyCardWords = setOf("kk keluarga kartukeluarga")
	personWords     = setOf("nik ktp nikku ektp")
	yearWords       = setOf("tahun thn th taun taung tahung taungnge dr dari sejak mulai sampai sampe pbb pajak sppt dan")
	numberWords     = setOf("no nomor nmr nomer nomoro nomornya berkas permohonan register reg resi pendaftaran")
	ticketWords     = setOf("laporan laporanku tiket aduan pengaduan ticket laporang ku")
	cardWords       = setOf("kartu macca kartuku kartunya")
)

// slots collects the checked values of a text, in their order.
func (u *Understander) slots(s *utterance, intent Intent) Slots {
	var slots Slots
	n, p := 0, 0
	for n < len(s.numbers) || p < len(s.places) {
		if p < len(s.places) && (n == len(s.numbers) || s.places[p].from < s.numbers[n].from) {
			name := "desa"
			if s.places[p].place.district {
				name = "kecamatan"
			}
			slots = slots.add(name, s.places[p].place.name)
			p++
			continue
		}
		slots = s.numberSlot(slots, n, intent)
		n++
	}
	if intent == ChangeLanguage {
		slots = s.languageSlot(slots)
	}
	return slots
}

func (s Slots) add(name, value string) Slots {
	for _, have := range s {
		if have.Name == name && have.Value == value {
			return s
		}
	}
	return append(s, Slot{name, value})
}

// near tells whether one of words stands within reach tokens before the token at.
func (s *utterance) near(words map[string]bool, at, reach int) bool {
	for i := max(0, at-reach); i < at; i++ {
		if words[string(s.tokens[i].key)] {
			return true
		}
	}
	return false
}

func (s *utterance) anywhere(words map[string]bool) bool {
	return s.near(words, len(s.tokens), len(s.tokens))
}

func (s *utterance) numberSlot(slots Slots, at int, intent Intent) Slots {
	n := s.numbers[at]
	switch n.shape {
	case nop:
		return slots.add("nop", n.digits)
	case sixteen:
		if s.near(familyCardWords, n.from, 4) && !s.near(personWords, n.from, 2) || s.anywhere(familyCardWords) && !s.anywhere(personWords) {
			if _, err := ident.ParseKK(n.digits); err == nil {
				return slots.add("no_kk", n.digits)
			}
		}
		if _, err := ident.ParseNIK(n.digits); err == nil {
			return slots.add("nik", n.digits)
		}
		return slots.add("nik_partial", n.digits)
	case phone:
		return slots.add("phone", n.digits)
	case year:
		if (strings.HasPrefix(string(intent), "tax_") || strings.HasPrefix(string(intent), "macca_")) &&
			(s.near(yearWords, n.from, 1) || at > 0 && s.numbers[at-1].shape == nop || n.from > 0 && s.tokens[n.from].gap == '#') {
			return slots.add("tahun", n.digits)
		}
	case fragment:
		if s.anywhere(personWords) || s.anywhere(familyCardWords) {
			return slots.add("nik_partial", n.digits)
		}
		return slots.add("nop_partial", n.digits)
	case plain:
		switch {
		case s.near(personWords, n.from, 2) && len(n.digits) >= 4:
			return slots.add("nik_partial", n.digits)
		case s.near(numberWords, n.from, 2) && s.near(ticketWords, n.from, 3):
			return slots.add("ticket", n.digits)
		case strings.HasPrefix(string(intent), "permit_") && s.near(numberWords, n.from, 2):
			return slots.add("permit_no", n.digits)
		}
	}
	return slots
}

func (s *utterance) languageSlot(slots Slots) Slots {
	for i := range s.tokens {
		switch string(s.tokens[i].key) {
		case "bugis", "ugi", "ogi", "bgis":
			return slots.add("lang", Bugis)
		case "indonesia", "indo", "indonesa":
			return slots.add("lang", Indonesian)
		}
	}
	return slots
}

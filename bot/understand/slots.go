package understand

import (
	"bytes"
	_ "embed"
	"strconv"
	"strings"

	"tabe/bot/ident"
)

//go:embed data/offices.tsv
var officeTable string

//go:embed data/permits.tsv
var permitTable string

//go:embed data/landmarks.tsv
var landmarkTable string

var (
	familyCardWords = setOf("kk keluarga kartukeluarga")
	personWords     = setOf("nik ktp nikku ektp")
	numberWords     = setOf("no nomor nmr nomer nomoro nomornya register reg resi pendaftaran")
	ticketWords     = setOf("laporan laporanku tiket aduan pengaduan ticket laporang lapor lapormi lapornya aduanku tiketku")
	fileWords       = setOf("berkas berkasku nib izin ising permohonan status cek")
	nopWords        = setOf("nop nopnya nopku")
	cardWords       = setOf("kartu macca kartuku kartunya")
)

// slots collects the checked values of a text, in their order.
func (u *Understander) slots(s *utterance, intent Intent) Slots {
	var slots Slots
	if lat, lng, ok := coordinates(s.source); ok {
		return append(s.placeSlots(slots, intent, 0, 0), Slot{"lat", lat}, Slot{"lng", lng})
	}
	mark, from, to, marked := "", 0, 0, false
	if isEmergency(intent) || intent == Complaint || intent == TaxBill || intent == TaxHowToPay || intent == MaccaBenefits || intent == MaccaComplaint || intent == PermitStatus {
		mark, from, to, marked = u.landmark(s, intent)
	}
	slots = s.placeSlots(slots, intent, from, to)
	if marked {
		slots = slots.add("landmark", mark)
	}
	for n := range s.numbers {
		slots = s.numberSlot(slots, n, intent)
	}
	switch {
	case intent == ChangeLanguage:
		slots = s.languageSlot(slots)
	case intent == OfficeDirectory || intent == Complaint:
		slots = u.officeSlot(s, slots, intent)
	case isPermit(intent):
		if p, _, _, ok := u.permits.find(s, intent); ok {
			slots = slots.add("permit_type", p.value)
		} else if intent == PermitFee && s.anywhereMixed() {
			slots = slots.add("permit_type", "PBG")
		}
	}
	return slots
}

func isPermit(i Intent) bool { return i == PermitStatus || i == PermitRequirements || i == PermitFee }

// anywhereMixed finds measures: 7x10.
func (s *utterance) anywhereMixed() bool {
	for i := range s.tokens {
		if t := &s.tokens[i]; t.kind == mixed && bytes.IndexByte(t.low, 'x') > 0 {
			return true
		}
	}
	return false
}

// placeSlots adds the desa and kecamatan that are not part of the landmark at from..to.
func (s *utterance) placeSlots(slots Slots, intent Intent, from, to int) Slots {
	for _, m := range s.places {
		before := ""
		if m.from > 0 {
			before = string(s.tokens[m.from-1].key)
		}
		switch {
		case m.from >= from && m.to <= to:
			continue
		case m.place.district && intent == OfficeDirectory && kecamatanWords[before]:
			continue // it is the office of that kecamatan
		case m.place.district && !isEmergency(intent) && intent != Complaint && string(s.tokens[m.from].key) == "watansopeng":
			continue // the town, said for where the offices are
		}
		name := "desa"
		if m.place.district {
			name = "kecamatan"
		}
		slots = slots.add(name, m.place.name)
	}
	return slots
}

// officeSlot adds the office that somebody asks for or complains of.
func (u *Understander) officeSlot(s *utterance, slots Slots, intent Intent) Slots {
	for _, m := range s.places {
		if m.from == 0 {
			continue
		}
		switch string(s.tokens[m.from-1].key) {
		case "camat", "kecamatan", "kecamatang", "kacamatang":
			if intent == OfficeDirectory {
				return slots.add("office", "Kecamatan "+m.place.name)
			}
		case "lurah", "kelurahan":
			return slots.add("office", "Kelurahan "+m.place.name)
		}
	}
	p, _, _, ok := u.offices.find(s, intent)
	if ok {
		return slots.add("office", p.value)
	}
	if s.anywhere(campWords) && intent == Complaint {
		return slots.add("office", "Kecamatan")
	}
	return slots
}

var campWords = setOf("camat camatnya")

// coordinates finds a latitude and a longitude, as maps and telephones write them.
func coordinates(text string) (lat, lng string, ok bool) {
	if len(text) > maxText {
		text = text[:maxText]
	}
	previous, end := "", 0
	for i := 0; i < len(text); {
		start := i
		if text[i] == '-' {
			i++
		}
		digits, dot := i, -1
		for i < len(text) && (isDigit(rune(text[i])) || text[i] == '.' && dot < 0 && i > digits) {
			if text[i] == '.' {
				dot = i
			}
			i++
		}
		if dot > 0 && i-dot > 3 && i-start <= 14 {
			this := text[start:i]
			if previous != "" && start-end <= 4 {
				a, errA := strconv.ParseFloat(previous, 64)
				b, errB := strconv.ParseFloat(this, 64)
				if errA == nil && errB == nil && a >= -11 && a <= 6 && b >= 95 && b <= 141 {
					return strconv.FormatFloat(a, 'f', -1, 64), strconv.FormatFloat(b, 'f', -1, 64), true
				}
			}
			previous, end = this, i
		}
		if i == start || i == digits {
			i++
		}
	}
	return "", "", false
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
	case reference:
		return slots.add("permit_no", n.digits)
	case year:
		bill := strings.HasPrefix(string(intent), "tax_") || strings.HasPrefix(string(intent), "macca_")
		if bill && !s.near(numberWords, n.from, 1) {
			return slots.add("tahun", n.digits)
		}
		return s.plainSlot(slots, n, intent)
	case fragment:
		if s.anywhere(personWords) || s.anywhere(familyCardWords) {
			return slots.add("nik_partial", n.digits)
		}
		return slots.add("nop_partial", n.digits)
	case plain:
		return s.plainSlot(slots, n, intent)
	}
	return slots
}

// plainSlot is for numbers that only the words around them make something of.
func (s *utterance) plainSlot(slots Slots, n numeral, intent Intent) Slots {
	hash := n.from > 0 && s.tokens[n.from].gap == '#'
	named := s.near(numberWords, n.from, 2) || hash
	permit := isPermit(intent)
	switch {
	case s.near(personWords, n.from, 2) && len(n.digits) >= 4:
		return slots.add("nik_partial", n.digits)
	case s.near(nopWords, n.from, 2) && len(n.digits) >= 5 && intent == TaxBill:
		return slots.add("nop_partial", n.digits)
	case !permit && s.anywhere(ticketWords) && (named || s.near(ticketWords, n.from, 1)) && len(n.digits) <= 8:
		return slots.add("ticket", n.digits)
	case permit && len(n.digits) >= 3 && (named || s.near(fileWords, n.from, 2) || len(n.digits) == 13 || intent == PermitStatus && (n.digits[0] == '0' || len(s.tokens) == 1)):
		return slots.add("permit_no", n.digits)
	case s.near(cardWords, n.from, 2) && len(n.digits) >= 5 && n.shape == plain:
		return slots.add("card_no", n.digits)
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

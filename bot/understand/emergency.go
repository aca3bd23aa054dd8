package understand

// An emergency that is missed costs a life, a false one costs a question.
const (
	alarmAt  = 0.28 // probability of some emergency that wins over a likelier everyday reading
	believed = 0.5  // confidence of such an alarm: the least at which the engine acts at once
	doubted  = 0.49 // the most that a text has which only says where, or when somebody was born
)

// alarm lets the emergencies win over a likelier everyday reading.
func (u *Understander) alarm(s *utterance, r *Result) {
	sum, best := float32(0), firstEmergency
	for c := firstEmergency; c <= lastEmergency; c++ {
		sum += s.scores[c]
		if s.scores[c] > s.scores[best] {
			best = c
		}
	}
	if isEmergency(r.Intent) {
		if u.onlyPlaces(s) || s.onlyBirth() {
			r.Confidence = min(r.Confidence, doubted)
		}
		return
	}
	if sum < alarmAt || u.onlyPlaces(s) || s.onlyBirth() || !s.anyKnown() {
		return
	}
	r.Second = r.Guess
	r.Guess = Guess{intents[best], float64(max(sum, believed))}
	r.Second.Confidence = min(r.Second.Confidence, 1-r.Confidence)
}

// placeWords belong to a description of a place and to no alarm.
var placeWords = setOf("jalan jl jln laleng poros raya rumah bola bolana rumahnya rumahku bolaku kepala kapala rt rw no nomor blok pinggir tengah ujung kanan kiri kompleks")

// onlyPlaces tells whether a text says where and nothing else: the answer to a
// question of any service, and no alarm.
func (u *Understander) onlyPlaces(s *utterance) bool {
	words := 0
	for i := range s.tokens {
		t := &s.tokens[i]
		if t.kind == number {
			continue // 110 alone calls the police
		}
		words++
		_, relation := lookUp(relations, t.key)
		_, head := lookUp(heads, t.key)
		if !t.place && !relation && !head && !locatives[string(t.key)] && !desaWords[string(t.key)] && !placeWords[string(t.key)] && !u.proper(s, i) {
			return false
		}
	}
	return words > 0
}

// birthWords say when somebody was born, or whose birthday it is. A birth that
// is under way comes without a date.
var birthWords = setOf("lahir lahirnya lahirku kelahiran tanggal tgl tanggala tanggalna bulan bln uleng tahun thn taung jaji ajjajiang rijajiang rijajianna " +
	"saya sy aku iya ibu bapak ayah mama suami istri anak cucu nenek kakek indo indoku ambo ambokku anakku nene lato kk nik ktp nomor no nomoro di ri dan na " +
	"januari jan februari feb pebruari maret mar mare april apr mei juni jun juli jul agustus agu ags september sep sept oktober okt november nov nopember desember des")

// onlyBirth tells whether a text gives a whole date of birth and says nothing
// else: the answer to a question of any service, and no alarm.
func (s *utterance) onlyBirth() bool {
	numbers, words := 0, 0
	for i := range s.tokens {
		t := &s.tokens[i]
		switch {
		case t.kind == number:
			numbers++
		case t.place || birthWords[string(t.key)]:
			words++
		default:
			return false
		}
	}
	return words > 0 && numbers >= 2
}

// anyKnown tells whether a text has a word of either language. A name has none:
// what little the model sees in it is no reason for an alarm.
func (s *utterance) anyKnown() bool {
	for i := range s.tokens {
		if s.tokens[i].known {
			return true
		}
	}
	return false
}

func isEmergency(i Intent) bool {
	switch i {
	case EmergencyFire, EmergencyMedical, EmergencyCrime, EmergencyDisaster, EmergencyViolence:
		return true
	}
	return false
}

package understand

// An emergency that is missed costs a life, a false one costs a question.
const (
	alarmAt  = 0.28 // probability of some emergency that wins over a likelier everyday reading
	believed = 0.5  // confidence of such an alarm: the least at which the engine acts at once
	doubted  = 0.49 // the most that a text has which only says where
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
		if u.onlyPlaces(s) {
			r.Confidence = min(r.Confidence, doubted)
		}
		return
	}
	if sum < alarmAt || u.onlyPlaces(s) || !s.anyKnown() {
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
		k := string(t.key)
		_, relation := lookUp(relations, t.key)
		_, head := lookUp(heads, t.key)
		if !t.place && !relation && !head && !locatives[k] && !desaWords[k] && !placeWords[k] && !u.proper(s, i) {
			return false
		}
	}
	return words > 0
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

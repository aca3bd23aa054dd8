package understand

// An emergency that is missed costs a life, a false one costs a question.
const (
	alarmAt  = 0.28 // probability of some emergency that wins over a likelier everyday reading
	believed = 0.5  // confidence of such an alarm: the least at which the engine acts at once
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
	if sum < alarmAt || isEmergency(r.Intent) || s.onlyPlaces() {
		return
	}
	r.Second = r.Guess
	r.Guess = Guess{intents[best], float64(max(sum, believed))}
	r.Second.Confidence = min(r.Second.Confidence, 1-r.Confidence)
}

// onlyPlaces tells whether a text names places and nothing else: the answer to
// a question of any service, and no alarm.
func (s *utterance) onlyPlaces() bool {
	for i := range s.tokens {
		if t := &s.tokens[i]; !t.place && !locatives[string(t.key)] && !desaWords[string(t.key)] {
			return false
		}
	}
	return len(s.places) > 0
}

func isEmergency(i Intent) bool {
	switch i {
	case EmergencyFire, EmergencyMedical, EmergencyCrime, EmergencyDisaster, EmergencyViolence:
		return true
	}
	return false
}

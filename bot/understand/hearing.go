package understand

// Hearing decides a resident's language over a conversation. The zero value
// has heard nothing.
type Hearing struct {
	Sum float64 `json:"s,omitempty"` // decayed sum of Lean
}

const (
	loudest  = 6 // nats that one utterance can add
	switches = 4 // nats at which the language changes; one or two words never reach it at once
	clear    = 1 // nats without which a first message is taken for Indonesian
)

// Hear adds one utterance and returns the language to answer in.
func (h *Hearing) Hear(r Result, current string) string {
	h.Sum = h.Sum/2 + max(-loudest, min(loudest, r.Lean))
	switch {
	case current == "" && r.Lean >= clear:
		return Bugis
	case current == "":
		return Indonesian
	case h.Sum > switches:
		return Bugis
	case h.Sum < -switches:
		return Indonesian
	}
	return current
}

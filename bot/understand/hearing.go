package understand

// Hearing decides a resident's language over a conversation. The zero value
// has heard nothing.
type Hearing struct {
	Sum float64 `json:"s,omitempty"` // decayed sum of Lean
}

// Hear adds one utterance and returns the language to answer in.
func (h *Hearing) Hear(r Result, current string) string {
	h.Sum = h.Sum/2 + max(-6, min(6, r.Lean))
	if current == "" {
		if r.Language != "" {
			return r.Language
		}
		return Indonesian
	}
	switch {
	case h.Sum > 4:
		return Bugis
	case h.Sum < -4:
		return Indonesian
	}
	return current
}

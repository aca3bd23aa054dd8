package darurat

// The letters and digits of incident codes: none that look or sound like
// another, no vowels that could make a word. A code begins with a letter, so
// that nobody takes it for a number.
const (
	letters = "CDFHJKMNPRTWXY"
	symbols = letters + "34679"
	length  = 5
)

// Ids of incidents: twice the journal's number of the message that made them,
// so that a turn that is tried again makes the same one, and odd numbers for
// those that an operator writes down.
func idOf(seq int64) int64 { return 2 * seq }

// codes is how many codes there are. Two incidents share one if exactly so many
// ids lie between them.
const codes = int64(len(letters)) * 19 * 19 * 19 * 19

// Code is what people call an incident by.
func Code(id int64) string {
	// Multiplying by a number without common factors scatters neighbours.
	const scatter, start = 1_103_515_245, 777_777
	n := (id%codes*(scatter%codes) + start) % codes
	code := make([]byte, length)
	for i := length - 1; i > 0; i-- {
		code[i] = symbols[n%int64(len(symbols))]
		n /= int64(len(symbols))
	}
	code[0] = letters[n]
	return string(code)
}

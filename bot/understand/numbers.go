package understand

// numeral is a number as people write it: its digits, whatever parts them.
type numeral struct {
	digits   string
	from, to int // tokens
	shape    shape
}

type shape uint8

const (
	plain   shape = iota // any other number
	nop                  // 18 digits
	sixteen              // a NIK or the number of a family card
	phone
	year
	fragment  // a NOP or NIK that lacks digits
	reference // the number of a permit: 0099/SIPB/DPM-PTSP/XI/2025
)

// joins tells whether a mark can stand between two groups of one number.
func joins(gap byte) bool {
	switch gap {
	case ' ', '.', '-', '/', '_', ':', ',', 0:
		return true
	}
	return false
}

// digitWords are the numbers that people spell out, one word a digit.
var digitWords = map[string]byte{
	"nol": '0', "kosong": '0', "satu": '1', "dua": '2', "tiga": '3', "empat": '4', "lima": '5', "enam": '6', "tujuh": '7', "delapan": '8', "sembilan": '9',
	"nolo": '0', "sedi": '1', "sidi": '1', "telu": '3', "epa": '4', "eneng": '6', "pitu": '7', "arua": '8', "aruwa": '8', "asera": '9',
}

// readNumbers finds the numerals of u, in order.
func (u *utterance) readNumbers() {
	for i := 0; i < len(u.tokens); {
		if end := u.referenceEnd(i); end > i {
			u.numbers = append(u.numbers, numeral{digits: u.source[u.tokens[i].start:u.tokens[end-1].end], from: i, to: end, shape: reference})
			for ; i < end; i++ {
				u.tokens[i].part = true
			}
			continue
		}
		if u.tokens[i].kind == word {
			if end, ok := u.readYear(i); ok {
				i = end
				continue
			}
			i = u.readSpelled(i)
			continue
		}
		if u.tokens[i].kind != number {
			i++
			continue
		}
		end := i + 1
		for end < len(u.tokens) && u.tokens[end].kind == number && joins(u.tokens[end].gap) {
			end++
		}
		for i < end {
			i = u.readGroups(i, end)
		}
	}
}

// referenceEnd returns the end of the permit number that begins at token i, or
// i: groups joined by strokes or hyphens without spaces, letters among them.
func (u *utterance) referenceEnd(i int) int {
	end, strokes, hyphens, letters, digits := i+1, 0, 0, u.tokens[i].kind != number, 0
	if u.tokens[i].kind == number {
		digits = len(u.tokens[i].low)
	}
	for end < len(u.tokens) && u.tokens[end].start == u.tokens[end-1].end+1 && (u.tokens[end].gap == '/' || u.tokens[end].gap == '-') {
		if u.tokens[end].gap == '/' {
			strokes++
		} else {
			hyphens++
		}
		if u.tokens[end].kind == number {
			digits += len(u.tokens[end].low)
		} else {
			letters = true
		}
		end++
	}
	if letters && digits >= 5 && (strokes >= 2 && u.tokens[i].kind != word || u.tokens[i].kind == word && strokes == 0 && hyphens >= 2) {
		return end
	}
	return i
}

// tens are the words of which "dua ribu sembilan belas" is made.
var tens = map[string]int{"satu": 1, "dua": 2, "tiga": 3, "empat": 4, "lima": 5, "enam": 6, "tujuh": 7, "delapan": 8, "sembilan": 9, "sepuluh": 10, "sebelas": 11,
	"telu": 3, "epa": 4, "eneng": 6, "pitu": 7, "arua": 8, "asera": 9, "sepulo": 10, "duapulo": 20}

// readYear reads a year of this century in words.
func (u *utterance) readYear(i int) (end int, ok bool) {
	word := func(j int) string {
		if j < len(u.tokens) && u.tokens[j].kind == word {
			return string(u.tokens[j].key)
		}
		return ""
	}
	if word(i) != "dua" || word(i+1) != "ribu" && word(i+1) != "sebu" {
		return i, false
	}
	value, j := 0, i+2
	for ; j < i+6; j++ {
		w := word(j)
		if n, ok := tens[w]; ok {
			value += n
		} else if w == "belas" && value < 10 {
			value += 10
		} else if w == "puluh" && value < 10 {
			value *= 10
		} else {
			break
		}
	}
	if value == 0 || value > 49 {
		return i, false
	}
	u.classify(string([]byte{'2', '0', '0' + byte(value/10), '0' + byte(value%10)}), i, j)
	return j, true
}

// readSpelled reads three digit words or more in a row as one number.
func (u *utterance) readSpelled(i int) int {
	var digits []byte
	end := i
	for end < len(u.tokens) && u.tokens[end].kind == word && len(digits) < 24 {
		d, ok := digitWords[string(u.tokens[end].key)]
		if !ok {
			break
		}
		digits = append(digits, d)
		end++
	}
	if len(digits) < 4 {
		return max(end, i+1)
	}
	u.classify(string(digits), i, end)
	return end
}

// readGroups reads one number that begins with group i of a run of groups that
// ends before end, and returns where the next one may begin.
func (u *utterance) readGroups(i, end int) int {
	total := 0
	for j := i; j < end && j < i+24; j++ {
		total += len(u.tokens[j].low)
		if total > 22 {
			break
		}
		last := j == end-1
		starts := string(u.tokens[i].low[:min(2, len(u.tokens[i].low))])
		switch {
		case total == 18, total == 22 && j == i, total == 22 && last && isYear(u.tokens[j].low[max(0, len(u.tokens[j].low)-4):]):
		case total == 16 && (last || j == i || len(u.tokens[j+1].low) == 16 || len(u.tokens[j+1].low) == 18):
			if j == i+6 || !last && total+len(u.tokens[j+1].low) == 18 && j > i {
				continue
			}
		case total >= 10 && total <= 13 && (starts == "08" || starts == "62") && (last || len(u.tokens[j+1].low) > 4 || j > i+2):
			if !last && u.tokens[j+1].gap != ' ' && len(u.tokens[j+1].low)+total <= 13 {
				continue
			}
		default:
			continue
		}
		u.classify(u.join(i, j+1), i, j+1)
		return j + 1
	}
	// Not one of the known lengths. A run that looks like a torn NOP or NIK is one number.
	j, total := i, 0
	for ; j < end && j < i+24 && total+len(u.tokens[j].low) <= 22; j++ {
		total += len(u.tokens[j].low)
	}
	if j-i > 1 && total >= 9 && total <= 21 && string(u.join(i, j)[:2]) == "73" {
		u.classify(u.join(i, j), i, j)
		return j
	}
	u.classify(string(u.tokens[i].low), i, i+1)
	return i + 1
}

func (u *utterance) join(from, to int) string {
	if to == from+1 {
		return string(u.tokens[from].low)
	}
	var b [64]byte
	digits := b[:0]
	for i := from; i < to && len(digits)+len(u.tokens[i].low) <= len(b); i++ {
		digits = append(digits, u.tokens[i].low...)
	}
	return string(digits)
}

func (u *utterance) classify(digits string, from, to int) {
	n := numeral{digits: digits, from: from, to: to}
	switch {
	case len(digits) == 18:
		n.shape = nop
	case len(digits) == 22 && isYear([]byte(digits[18:])):
		u.numbers = append(u.numbers, numeral{digits: digits[:18], from: from, to: to, shape: nop})
		n.digits, n.shape = digits[18:], year
	case len(digits) == 16:
		n.shape = sixteen
	case len(digits) >= 10 && len(digits) <= 13 && digits[:2] == "08", len(digits) >= 11 && len(digits) <= 14 && digits[:3] == "628":
		n.shape = phone
	case len(digits) == 4 && isYear([]byte(digits)):
		n.shape = year
	case len(digits) >= 9 && len(digits) <= 21 && digits[:2] == "73":
		n.shape = fragment
	}
	for i := from; i < to; i++ {
		u.tokens[i].part = n.shape != plain
	}
	u.numbers = append(u.numbers, n)
}

// isYear accepts the years for which a tax bill can exist.
func isYear(d []byte) bool {
	return len(d) == 4 && (d[0] == '1' && d[1] == '9' && d[2] >= '8' || d[0] == '2' && d[1] == '0' && d[2] <= '4')
}

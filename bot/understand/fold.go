package understand

func isLetter(r rune) bool { return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' }
func isDigit(r rune) bool  { return r >= '0' && r <= '9' }

// ignore stands for characters that are dropped without ending a word.
const ignore rune = -1

// foldRune maps a non-ASCII rune to the ASCII one that people mean by it, to
// ignore, or to a space. Lontara is left as it is.
func foldRune(r rune) rune {
	switch {
	case r >= 0x1A00 && r <= 0x1A1F:
		return r
	case r >= 0x00C0 && r <= 0x024F:
		return foldLatin(r)
	case r == 0x0259 || r == 0x018F || r == 0x01DD: // schwa
		return 'e'
	case r == 0x2018 || r == 0x2019 || r == 0x02BC || r == 0x02BB || r == 0x2032 || r == 0x00B4 || r == 0x02C8 || r == 0x0294:
		return '\''
	case r >= 0x0300 && r <= 0x036F: // combining accents
		return ignore
	case r >= 0xFF01 && r <= 0xFF5E: // full width
		return r - 0xFF01 + '!'
	case r >= 0x0660 && r <= 0x0669: // Arabic digits
		return r - 0x0660 + '0'
	case r >= 0x06F0 && r <= 0x06F9:
		return r - 0x06F0 + '0'
	case r == 0x00AD, r == 0x061C, r >= 0x200B && r <= 0x200F, r >= 0x202A && r <= 0x202E,
		r >= 0x2060 && r <= 0x206F, r == 0xFEFF, r >= 0xFE00 && r <= 0xFE0F:
		return ignore
	case r == 0x2010 || r == 0x2011 || r == 0x2012 || r == 0x2013 || r == 0x2014 || r == 0x2212:
		return '-'
	}
	return ' '
}

// latin is the base letter of U+00C0 to U+017F, in order.
const latin = "aaaaaaaceeeeiiiidnooooo ouuuuypsaaaaaaaceeeeiiiidnooooo ouuuuypy" +
	"aaaaaaccccccccddddeeeeeeeeeegggggggghhhhiiiiiiiiiiiijjkkklllllllllnnnnnnnnnoooooooorrrrrrssssssssttttttuuuuuuuuuuuuwwyyyzzzzzzs"

func foldLatin(r rune) rune {
	if i := int(r - 0x00C0); i < len(latin) {
		return rune(latin[i])
	}
	return ' '
}

// lontara holds the consonants U+1A00 to U+1A16 without their vowel.
var lontara = [...]string{"k", "g", "ng", "ngk", "p", "b", "m", "mp", "t", "d", "n", "nr", "c", "j", "ny", "nyc", "y", "r", "l", "w", "s", "", "h"}

// appendLontara writes one letter of Bugis script in Latin letters. The script
// leaves out final -ng, the glottal stop and double consonants.
func appendLontara(low []byte, r rune, inside bool) []byte {
	switch {
	case int(r-0x1A00) < len(lontara):
		low = append(low, lontara[r-0x1A00]...)
		return append(low, 'a')
	case !inside:
		return low
	}
	vowel := byte('e')
	switch r {
	case 0x1A17:
		vowel = 'i'
	case 0x1A18:
		vowel = 'u'
	case 0x1A1A:
		vowel = 'o'
	}
	if n := len(low); n > 0 && low[n-1] == 'a' {
		low[n-1] = vowel
		return low
	}
	return append(low, vowel)
}

package ident

// NIK is a national identity number: PPKKCC DDMMYY SSSS, where women carry
// their day of birth plus 40. Its first six digits tell where it was first
// issued, not where its owner lives now.
type NIK string

// NIKLength is the number of digits of a NIK, and of a KK.
const NIKLength = 16

// ParseNIK reads a NIK however its digits are grouped. Besides ErrDigits and
// ErrLength it returns ErrDate when digits 7 to 12 are not a date of birth.
func ParseNIK(s string) (NIK, error) {
	d, err := sixteen(s)
	if err != nil {
		return "", err
	}
	day := twoDigits(d, 6)
	if day > 40 {
		day -= 40
	}
	if !plausibleDate(day, twoDigits(d, 8)) || d[12:] == "0000" || d[0] == '0' {
		return "", ErrDate
	}
	return NIK(d), nil
}

// Masked keeps the area digits: 7312************.
func (n NIK) Masked() string { return maskSixteen(string(n)) }

// KK is the number of a family card: PPKKCC DDMMYY (of issue) SSSS.
type KK string

// ParseKK reads a family card number; errors as for ParseNIK. A KK cannot be
// told from a man's NIK by its digits alone: the question asked decides.
func ParseKK(s string) (KK, error) {
	d, err := sixteen(s)
	if err != nil {
		return "", err
	}
	if !plausibleDate(twoDigits(d, 6), twoDigits(d, 8)) || d[0] == '0' {
		return "", ErrDate
	}
	return KK(d), nil
}

// Masked keeps the area digits: 7312************.
func (k KK) Masked() string { return maskSixteen(string(k)) }

func sixteen(s string) (string, error) {
	d, clean := Digits(s)
	if !clean {
		return "", ErrDigits
	}
	if len(d) != NIKLength {
		return "", ErrLength
	}
	return d, nil
}

// plausibleDate accepts 29 February always: the century of the two-digit year
// is unknown.
func plausibleDate(day, month int) bool {
	if month < 1 || month > 12 || day < 1 {
		return false
	}
	switch month {
	case 2:
		return day <= 29
	case 4, 6, 9, 11:
		return day <= 30
	}
	return day <= 31
}

func maskSixteen(s string) string {
	if len(s) != NIKLength {
		return "****************"
	}
	return s[:4] + "************"
}

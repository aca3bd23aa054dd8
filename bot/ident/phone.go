package ident

import "strings"

// Phone is a telephone number in E.164 form, +6281234567890. It is the
// identity of a resident on SMS, WhatsApp and USSD.
type Phone string

var phoneMarks = strings.NewReplacer("+", "", "(", "", ")", "")

// ParsePhone reads a number as Indonesians and providers write it: 0812…,
// 62812…, +62 812-…, 0062812…, 812…, "whatsapp:+62812…". Foreign numbers must
// carry their plus sign. Short codes (112, 119) are not phones: ErrLength.
func ParsePhone(s string) (Phone, error) {
	s = strings.TrimSpace(s)
	s = strings.TrimPrefix(s, "whatsapp:")
	s = strings.TrimPrefix(s, "tel:")
	plus := strings.HasPrefix(strings.TrimLeft(s, " ("), "+")
	d, clean := Digits(phoneMarks.Replace(s))
	if !clean || strings.Count(s, "+") > 1 {
		return "", ErrDigits
	}
	if !plus {
		switch {
		case strings.HasPrefix(d, "00"):
			d = d[2:]
		case strings.HasPrefix(d, "0"):
			d = "62" + d[1:]
		case strings.HasPrefix(d, "62"):
		case strings.HasPrefix(d, "8"):
			d = "62" + d
		default:
			return "", ErrLength
		}
	}
	if strings.HasPrefix(d, "620") { // +62 0812…, a common slip
		d = "62" + d[3:]
	}
	if strings.HasPrefix(d, "620") { // no subscriber number begins with 0
		return "", ErrLength
	}
	// E.164 allows 15 digits; Indonesian subscriber numbers have 8 to 13 after 62.
	if len(d) < 9 || len(d) > 15 || d[0] == '0' {
		return "", ErrLength
	}
	return Phone("+" + d), nil
}

// Masked keeps the last three digits: +62*******890.
func (p Phone) Masked() string {
	if len(p) < 7 {
		return "***"
	}
	return string(p[:3]) + strings.Repeat("*", len(p)-6) + string(p[len(p)-3:])
}

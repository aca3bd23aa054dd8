package understand

import "regexp"

var digits = regexp.MustCompile(`[0-9]{2,}`)

// Redact returns text without personal data.
func Redact(text string) string { return digits.ReplaceAllString(text, "#") }

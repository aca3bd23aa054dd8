package operators

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha1" // what RFC 6238 and every authenticator app mean by default
	"crypto/subtle"
	"encoding/base32"
	"encoding/binary"
	"fmt"
	"hash"
	"net/url"
	"strings"
	"time"
)

// The second factor: a code of 6 digits every 30 seconds. The clock of the
// telephone may be one step early or late.
const (
	totpDigits = 6
	totpStep   = 30 // seconds
	totpDrift  = 1  // steps
	totpSecret = 20 // bytes
)

// recoveryCodes is how many codes are written down on paper.
const recoveryCodes = 10

var (
	upperBase32 = base32.StdEncoding.WithPadding(base32.NoPadding)
	// Without letters that look like digits or like each other.
	recoveryBase32 = base32.NewEncoding("abcdefghjkmnpqrstuvwxyz234567890").WithPadding(base32.NoPadding)
)

// totpPlace is where the secret of an account is sealed for.
func totpPlace(name string) string { return "operators.totp|" + name }

// Enrolment is what an operator gets once: the secret for the app on his
// telephone, and codes on paper for the day on which the telephone is gone.
type Enrolment struct {
	URL      string   // otpauth://…, as a QR code
	Secret   string   // the same to type in
	Recovery []string // each good once

	secret []byte
}

func newEnrolment(name string) Enrolment {
	secret := make([]byte, totpSecret)
	_, _ = rand.Read(secret) // never fails
	e := Enrolment{secret: secret, Secret: upperBase32.EncodeToString(secret)}
	const issuer = "Soppeng Command Center"
	e.URL = "otpauth://totp/" + url.PathEscape(issuer+":"+name) + "?secret=" + e.Secret + "&issuer=" + url.PathEscape(issuer)
	for range recoveryCodes {
		random := make([]byte, 10) // 80 bits: not to be guessed at any rate
		_, _ = rand.Read(random)
		code := recoveryBase32.EncodeToString(random)
		e.Recovery = append(e.Recovery, code[:4]+"-"+code[4:8]+"-"+code[8:12]+"-"+code[12:])
	}
	return e
}

// Code returns the code of a secret at one moment.
func Code(secret string, at time.Time) (string, error) {
	key, err := upperBase32.DecodeString(secret)
	if err != nil {
		return "", err
	}
	return hotp(sha1.New, key, step(at), totpDigits), nil
}

func step(at time.Time) int64 { return at.Unix() / totpStep }

// stepOf returns the step for which code is the right one, near now.
func stepOf(secret []byte, code string, now time.Time) (int64, bool) {
	found, ok := int64(0), false
	for drift := int64(-totpDrift); drift <= totpDrift; drift++ {
		s := step(now) + drift
		if subtle.ConstantTimeCompare([]byte(hotp(sha1.New, secret, s, totpDigits)), []byte(code)) == 1 {
			found, ok = s, true
		}
	}
	return found, ok
}

// hotp is RFC 4226, section 5.3.
func hotp(h func() hash.Hash, secret []byte, counter int64, digits int) string {
	mac := hmac.New(h, secret)
	_, _ = mac.Write(binary.BigEndian.AppendUint64(nil, uint64(counter))) // a hash never fails
	sum := mac.Sum(nil)
	offset := sum[len(sum)-1] & 0x0f
	number := uint64(binary.BigEndian.Uint32(sum[offset:]) & 0x7fffffff)
	modulus := uint64(1)
	for range digits {
		modulus *= 10
	}
	return fmt.Sprintf("%0*d", digits, number%modulus)
}

// cleanCode removes from a code what people type between its groups.
func cleanCode(code string) string {
	return strings.NewReplacer(" ", "", "-", "").Replace(strings.ToLower(strings.TrimSpace(code)))
}

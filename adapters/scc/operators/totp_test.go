package operators

import (
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"hash"
	"net/url"
	"testing"
	"time"
)

// TestVectorsOfTheRFC are those of RFC 6238, appendix B (8 digits), and of RFC
// 4226, appendix D (6 digits).
func TestVectorsOfTheRFC(t *testing.T) {
	const digits = "1234567890"
	seed := func(n int) []byte {
		var b []byte
		for len(b) < n {
			b = append(b, digits...)
		}
		return b[:n]
	}
	for _, v := range []struct {
		unix int64
		hash func() hash.Hash
		seed []byte
		want string
	}{
		{59, sha1.New, seed(20), "94287082"},
		{59, sha256.New, seed(32), "46119246"},
		{59, sha512.New, seed(64), "90693936"},
		{1111111109, sha1.New, seed(20), "07081804"},
		{1111111109, sha256.New, seed(32), "68084774"},
		{1111111109, sha512.New, seed(64), "25091201"},
		{1111111111, sha1.New, seed(20), "14050471"},
		{1111111111, sha256.New, seed(32), "67062674"},
		{1111111111, sha512.New, seed(64), "99943326"},
		{1234567890, sha1.New, seed(20), "89005924"},
		{1234567890, sha256.New, seed(32), "91819424"},
		{1234567890, sha512.New, seed(64), "93441116"},
		{2000000000, sha1.New, seed(20), "69279037"},
		{2000000000, sha256.New, seed(32), "90698825"},
		{2000000000, sha512.New, seed(64), "38618901"},
		{20000000000, sha1.New, seed(20), "65353130"},
		{20000000000, sha256.New, seed(32), "77737706"},
		{20000000000, sha512.New, seed(64), "47863826"},
	} {
		if got := hotp(v.hash, v.seed, step(time.Unix(v.unix, 0)), 8); got != v.want {
			t.Errorf("at %d: %s instead of %s", v.unix, got, v.want)
		}
	}
	for counter, want := range []string{"755224", "287082", "359152", "969429", "338314", "254676", "287922", "162583", "399871", "520489"} {
		if got := hotp(sha1.New, seed(20), int64(counter), 6); got != want {
			t.Errorf("counter %d: %s instead of %s", counter, got, want)
		}
	}
}

func TestWhatTheAppReads(t *testing.T) {
	e := newEnrolment("andi.b")
	u, err := url.Parse(e.URL)
	if err != nil || u.Scheme != "otpauth" || u.Host != "totp" || u.Path != "/Soppeng Command Center:andi.b" ||
		u.Query().Get("secret") != e.Secret || u.Query().Get("issuer") != "Soppeng Command Center" {
		t.Errorf("%s: %v", e.URL, err)
	}
	seen := map[string]bool{}
	for _, code := range e.Recovery {
		if seen[code] || len(code) != 19 {
			t.Errorf("recovery code %q", code)
		}
		seen[code] = true
	}
	if len(seen) != 10 {
		t.Errorf("%d codes", len(seen))
	}
}

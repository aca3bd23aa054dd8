package seal_test

import (
	"bytes"
	"errors"
	"testing"

	"tabe/adapters/seal"
)

func sealer(t *testing.T, first byte) *seal.Sealer {
	t.Helper()
	secret := make([]byte, seal.KeyLength)
	secret[0] = first
	s, err := seal.New(secret)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestOpensOnlyWhereItWasSealed(t *testing.T) {
	s := sealer(t, 1)
	plain := []byte("siaga pajakku?")
	sealed := s.Seal(plain, "journal.body|1")
	if bytes.Contains(sealed, plain) {
		t.Error("the text can be read")
	}
	if got, err := s.Open(sealed, "journal.body|1"); err != nil || !bytes.Equal(got, plain) {
		t.Errorf("%q, %v", got, err)
	}
	if _, err := s.Open(sealed, "journal.body|2"); !errors.Is(err, seal.ErrDamaged) {
		t.Errorf("in another place: %v", err)
	}
	if _, err := sealer(t, 2).Open(sealed, "journal.body|1"); !errors.Is(err, seal.ErrKey) {
		t.Errorf("with another key: %v", err)
	}
	if bytes.Equal(sealed, s.Seal(plain, "journal.body|1")) {
		t.Error("the same text looks the same twice")
	}
}

func TestDamage(t *testing.T) {
	s := sealer(t, 1)
	sealed := s.Seal([]byte("x"), "p")
	for i := range sealed {
		broken := bytes.Clone(sealed)
		broken[i] ^= 1
		if _, err := s.Open(broken, "p"); err == nil {
			t.Errorf("byte %d can be changed", i)
		}
		if _, err := s.Open(sealed[:i], "p"); err == nil {
			t.Errorf("opens when cut at %d", i)
		}
	}
}

func TestHash(t *testing.T) {
	s := sealer(t, 1)
	h := s.Hash("tel:+6281100000001")
	if len(h) != 24 || h != s.Hash("tel:+6281100000001") {
		t.Errorf("%q is not one hash of 24 characters", h)
	}
	if h == s.Hash("tel:+6281100000002") || h == sealer(t, 2).Hash("tel:+6281100000001") {
		t.Error("another identity or key has the same hash")
	}
}

func TestKeyLength(t *testing.T) {
	if _, err := seal.New(make([]byte, 16)); err == nil {
		t.Error("a short key is taken")
	}
}

// Package seal encrypts what is kept of residents, and turns their identities
// into hashes. All keys come from the one secret of the installation.
package seal

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base32"
	"errors"
	"fmt"
)

// KeyLength is the length of the secret key in bytes.
const KeyLength = 32

var (
	// ErrKey is returned for what was sealed with another secret key.
	ErrKey = errors.New("seal: sealed with another secret key")
	// ErrDamaged is returned for what was changed, or moved to another place.
	ErrDamaged = errors.New("seal: the sealed value is damaged")
)

// Sealer is safe for concurrent use.
type Sealer struct {
	id       byte // of the key, in front of everything sealed with it
	aead     cipher.AEAD
	identity []byte
}

// Derive returns a key for one purpose, length bytes long.
func Derive(secret []byte, purpose string, length int) ([]byte, error) {
	return hkdf.Key(sha256.New, secret, nil, "tabe "+purpose, length)
}

// New returns a Sealer for a secret of KeyLength bytes.
func New(secret []byte) (*Sealer, error) {
	if len(secret) != KeyLength {
		return nil, fmt.Errorf("seal: the secret key must have %d bytes", KeyLength)
	}
	id, err := Derive(secret, "key id", 1)
	if err != nil {
		return nil, err
	}
	identity, err := Derive(secret, "resident", sha256.Size)
	if err != nil {
		return nil, err
	}
	key, err := Derive(secret, "seal", 32)
	if err != nil {
		return nil, err
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	aead, err := cipher.NewGCMWithRandomNonce(block)
	return &Sealer{id: id[0], aead: aead, identity: identity}, err
}

// Seal encrypts plain for one place, "table.column|row": anywhere else it does
// not open.
func (s *Sealer) Seal(plain []byte, place string) []byte {
	out := make([]byte, 1, 1+len(plain)+s.aead.Overhead())
	out[0] = s.id
	return s.aead.Seal(out, nil, plain, []byte(place))
}

// Open decrypts what Seal made for the same place.
func (s *Sealer) Open(sealed []byte, place string) ([]byte, error) {
	if len(sealed) == 0 {
		return nil, ErrDamaged
	}
	if sealed[0] != s.id {
		return nil, ErrKey
	}
	plain, err := s.aead.Open(nil, nil, sealed[1:], []byte(place))
	if err != nil {
		return nil, ErrDamaged
	}
	return plain, nil
}

var lowercase = base32.NewEncoding("abcdefghijklmnopqrstuvwxyz234567").WithPadding(base32.NoPadding)

// Hash returns 24 letters and digits that stand for an identity: 120 bits, too
// many to meet by chance, from which nothing leads back without the key.
func (s *Sealer) Hash(identity string) string {
	mac := hmac.New(sha256.New, s.identity)
	_, _ = mac.Write([]byte(identity)) // a hash never fails
	return lowercase.EncodeToString(mac.Sum(nil)[:15])
}

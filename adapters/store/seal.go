package store

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base32"
	"errors"
	"fmt"

	"tabe/bot"
)

// KeyLength is the length of the secret key in bytes.
const KeyLength = 32

// ErrKey is returned when the database was written with another secret key.
var ErrKey = errors.New("store: the database was written with another secret key")

var errSealed = errors.New("store: a sealed value is damaged")

// sealer encrypts what residents wrote and were told, and turns their
// identities into hashes. Both keys come from the one secret.
type sealer struct {
	id       byte // of the key, in front of everything sealed with it
	aead     cipher.AEAD
	identity []byte
}

func newSealer(secret []byte) (*sealer, error) {
	if len(secret) != KeyLength {
		return nil, fmt.Errorf("store: the secret key must have %d bytes", KeyLength)
	}
	derive := func(purpose string, length int) ([]byte, error) {
		return hkdf.Key(sha256.New, secret, nil, "tabe store "+purpose, length)
	}
	id, err := derive("key id", 1)
	if err != nil {
		return nil, err
	}
	identity, err := derive("resident", sha256.Size)
	if err != nil {
		return nil, err
	}
	key, err := derive("seal", 32)
	if err != nil {
		return nil, err
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	aead, err := cipher.NewGCMWithRandomNonce(block)
	return &sealer{id: id[0], aead: aead, identity: identity}, err
}

// seal encrypts plain for one place, "table.column|row": moved to another
// place it does not open.
func (s *sealer) seal(plain []byte, place string) []byte {
	out := make([]byte, 1, 1+len(plain)+s.aead.Overhead())
	out[0] = s.id
	return s.aead.Seal(out, nil, plain, []byte(place))
}

func (s *sealer) open(sealed []byte, place string) ([]byte, error) {
	if len(sealed) == 0 {
		return nil, errSealed
	}
	if sealed[0] != s.id {
		return nil, ErrKey
	}
	plain, err := s.aead.Open(nil, nil, sealed[1:], []byte(place))
	if err != nil {
		return nil, errSealed
	}
	return plain, nil
}

var lowercase = base32.NewEncoding("abcdefghijklmnopqrstuvwxyz234567").WithPadding(base32.NoPadding)

// resident hashes an identity to 120 bits: too many to meet by chance, and
// without the key nothing leads back.
func (s *sealer) resident(subject string) bot.ResidentID {
	mac := hmac.New(sha256.New, s.identity)
	_, _ = mac.Write([]byte(subject)) // a hash never fails
	return bot.ResidentID(lowercase.EncodeToString(mac.Sum(nil)[:15]))
}

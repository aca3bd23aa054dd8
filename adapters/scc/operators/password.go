package operators

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"golang.org/x/crypto/argon2"
)

// MinPassword is the least length of a password in characters, maxPassword the
// most in bytes.
const (
	MinPassword = 12
	maxPassword = 256
)

// ErrPassword is returned for a password that is too easy.
var ErrPassword = fmt.Errorf("a password has at least %d characters, of which at least 5 differ, and does not contain the name", MinPassword)

func checkPassword(name, password string) error {
	different := map[rune]bool{}
	for _, r := range password {
		different[r] = true
	}
	if utf8.RuneCountInString(password) < MinPassword || len(password) > maxPassword || !utf8.ValidString(password) ||
		len(different) < 5 || strings.Contains(strings.ToLower(password), name) {
		return ErrPassword
	}
	return nil
}

// hasher computes argon2id, which costs 64 MiB each time: few at once.
type hasher struct {
	slots  chan struct{}
	memory uint32 // KiB, of new hashes
	// decoy is a hash that no password has. An unknown name costs as much time
	// as a wrong password.
	decoy string
}

// Parameters of new hashes; old ones keep theirs. About 90 ms on a small server.
const (
	argonTime    = 3
	argonMemory  = 64 << 10 // KiB
	argonThreads = 2
	argonKey     = 32
	argonSalt    = 16
	argonSlots   = 2
)

const phc = "$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s"

var base64Text = base64.RawStdEncoding

func newHasher(memory uint32) hasher {
	h := hasher{slots: make(chan struct{}, argonSlots), memory: memory}
	zeros := make([]byte, argonKey) // the hash of a password with a probability of 2^-256
	h.decoy = fmt.Sprintf(phc, argon2.Version, memory, argonTime, argonThreads, base64Text.EncodeToString(zeros[:argonSalt]), base64Text.EncodeToString(zeros))
	return h
}

// of returns the hash of a password in the usual text form.
func (h hasher) of(ctx context.Context, password string) (string, error) {
	salt := make([]byte, argonSalt)
	_, _ = rand.Read(salt) // never fails
	key, err := h.key(ctx, password, salt, argonTime, h.memory, argonThreads, argonKey)
	return fmt.Sprintf(phc, argon2.Version, h.memory, argonTime, argonThreads, base64Text.EncodeToString(salt), base64Text.EncodeToString(key)), err
}

// matches tells whether a password has the hash.
func (h hasher) matches(ctx context.Context, password, encoded string) (bool, error) {
	var version, memory, time int
	var threads uint8
	parts := strings.Split(encoded, "$")
	if len(parts) != 6 || parts[1] != "argon2id" {
		return false, errors.New("not an argon2id hash")
	}
	if _, err := fmt.Sscanf(parts[2], "v=%d", &version); err != nil || version != argon2.Version {
		return false, errors.New("argon2 of an unknown version")
	}
	if _, err := fmt.Sscanf(parts[3], "m=%d,t=%d,p=%d", &memory, &time, &threads); err != nil || memory < 1 || time < 1 || threads < 1 {
		return false, errors.New("argon2 parameters cannot be read")
	}
	salt, err := base64Text.DecodeString(parts[4])
	if err != nil {
		return false, errors.New("argon2 salt cannot be read")
	}
	want, err := base64Text.DecodeString(parts[5])
	if err != nil || len(want) == 0 {
		return false, errors.New("argon2 hash cannot be read")
	}
	if len(password) > maxPassword {
		return false, nil
	}
	key, err := h.key(ctx, password, salt, uint32(time), uint32(memory), threads, uint32(len(want)))
	return err == nil && subtle.ConstantTimeCompare(key, want) == 1, err
}

func (h hasher) key(ctx context.Context, password string, salt []byte, time, memory uint32, threads uint8, length uint32) ([]byte, error) {
	select {
	case h.slots <- struct{}{}:
		defer func() { <-h.slots }()
		return argon2.IDKey([]byte(password), salt, time, memory, threads, length), nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

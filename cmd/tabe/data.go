package main

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// dataFlag is the folder of all that is kept on disk.
type dataFlag struct {
	Data string `help:"Folder of all that is kept on disk." type:"path" default:"data" placeholder:"DIR"`
}

// keyFor returns TABE_SECRET_KEY, or else the key kept in the folder, which is
// made at the first use. tabe serve never does this: a key beside the data
// that it protects is good enough for trials only.
func keyFor(getenv func(string) string, dataDir string) ([]byte, error) {
	e := &environment{getenv: getenv}
	if key := e.key("TABE_SECRET_KEY"); key != nil || len(e.problems) > 0 {
		return key, errors.Join(e.problems...)
	}
	path := filepath.Join(dataDir, "secret.key")
	key, err := readKey(path)
	if !errors.Is(err, fs.ErrNotExist) {
		return key, err
	}
	if err := os.MkdirAll(dataDir, 0o700); err != nil {
		return nil, err
	}
	key = make([]byte, secretKeyLength)
	_, _ = rand.Read(key) // never fails
	// Linking a finished file into place: of two that start at once, one wins
	// and both read its key.
	draft, err := os.CreateTemp(dataDir, "secret-*")
	if err != nil {
		return nil, err
	}
	defer os.Remove(draft.Name())
	_, err = draft.WriteString(hex.EncodeToString(key) + "\n")
	if err = errors.Join(err, draft.Close()); err != nil {
		return nil, err
	}
	if err := os.Link(draft.Name(), path); err != nil && !errors.Is(err, fs.ErrExist) {
		return nil, err
	}
	return readKey(path)
}

func readKey(path string) ([]byte, error) {
	raw, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	key, err := hex.DecodeString(strings.TrimSpace(string(raw)))
	if err != nil || len(key) != secretKeyLength {
		return nil, fmt.Errorf("%s holds no key of %d bytes", path, secretKeyLength)
	}
	return key, nil
}

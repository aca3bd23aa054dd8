// Package settings reads the TOML files by which the regency changes what the
// program does: tariffs, due dates, offices, who is told.
package settings

import (
	"fmt"
	"io"

	"github.com/BurntSushi/toml"
)

// longest is the size of a file, in bytes.
const longest = 1 << 20

// Decode reads a file into a pointer. It refuses a file that is too long, and
// one that says something for which there is no place: a word written wrongly
// would be passed over.
func Decode(file io.Reader, into any) error {
	text, err := io.ReadAll(io.LimitReader(file, longest+1))
	if err != nil {
		return err
	}
	if len(text) > longest {
		return fmt.Errorf("longer than %d bytes", longest)
	}
	meta, err := toml.Decode(string(text), into)
	if err != nil {
		return err
	}
	if extra := meta.Undecoded(); len(extra) > 0 {
		return fmt.Errorf("nothing is called %s", extra[0])
	}
	return nil
}

package extract

import (
	"bufio"
	"encoding/csv"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// RejectedPath is where the refused rows of a file are kept: pbb.csv ->
// pbb.rejected.csv.
func RejectedPath(path string) string {
	if ext := filepath.Ext(path); strings.EqualFold(ext, ".csv") {
		path = strings.TrimSuffix(path, ext)
	}
	return path + ".rejected.csv"
}

// Rejects writes the refused rows of one file beside it. They appear at once
// or not at all.
type Rejects struct {
	path   string
	reader *Reader
	file   *os.File // nil until the first refused row
	buffer *bufio.Writer
	out    *csv.Writer
}

// NewRejects keeps the refused rows of what r reads at path. Nothing happens
// on disk before the first of them.
func NewRejects(path string, r *Reader) *Rejects { return &Rejects{path: path, reader: r} }

// Add keeps a refused row: its cells as they came, its line, and why.
func (j *Rejects) Add(row *Row) error {
	if j.file == nil {
		if err := j.begin(); err != nil {
			return err
		}
	}
	cells := make([]string, 0, len(j.reader.keep)+2)
	for _, i := range j.reader.keep {
		cell := ""
		if i < len(row.original) {
			cell = row.original[i]
		}
		cells = append(cells, cell)
	}
	if surplus := len(row.original) - len(j.reader.header); surplus > 0 {
		cells[len(cells)-1] = strings.Join(append(cells[len(cells)-1:], row.original[len(j.reader.header):]...), ",")
	}
	return j.out.Write(append(cells, strconv.Itoa(row.Line), strings.Join(row.Problems, reasonBetween)))
}

func (j *Rejects) begin() (err error) {
	// Names and addresses of taxpayers: for the clerk alone (0600).
	if j.file, err = os.CreateTemp(filepath.Dir(j.path), "."+filepath.Base(j.path)+".*"); err != nil {
		return err
	}
	j.buffer = bufio.NewWriter(j.file)
	if j.reader.marked { // as the clerk's program likes it
		if _, err := j.buffer.WriteString(byteOrderMark); err != nil {
			return err
		}
	}
	j.out = csv.NewWriter(j.buffer)
	header := make([]string, 0, len(j.reader.keep)+2)
	for _, i := range j.reader.keep {
		header = append(header, j.reader.header[i])
	}
	return j.out.Write(append(header, lineColumn, reasonColumn))
}

// Publish puts the refused rows in place. Without any it takes away what an
// earlier load left there.
func (j *Rejects) Publish() error {
	if j.file == nil {
		if err := os.Remove(j.path); err != nil && !os.IsNotExist(err) {
			return err
		}
		return nil
	}
	j.out.Flush()
	for _, step := range []func() error{j.out.Error, j.buffer.Flush, j.file.Sync, j.file.Close} {
		if err := step(); err != nil {
			return err
		}
	}
	if err := os.Rename(j.file.Name(), j.path); err != nil {
		return err
	}
	j.file = nil
	return nil
}

// Discard forgets what was not published.
func (j *Rejects) Discard() {
	if j.file != nil {
		j.file.Close()
		os.Remove(j.file.Name())
		j.file = nil
	}
}

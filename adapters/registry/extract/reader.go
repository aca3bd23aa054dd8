// Package extract reads the extracts that offices export from their systems:
// CSV files that clerks have opened, changed and saved. It checks every cell
// against a Schema and keeps what it refuses, with the reason, for the clerk.
//
// Reasons are in Indonesian, because clerks read them (words.go).
package extract

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"hash/maphash"
	"io"
	"os"
	"strings"
)

// Limits of one file.
const (
	maxBytes = 512 << 20
	maxRows  = 2_000_000
)

const byteOrderMark = "\ufeff"

// Unusable is the error of a file that must not be loaded at all. Its text is
// for clerks.
type Unusable struct {
	Line   int // 0: the file as a whole
	Reason string
	Err    error // of the system; may be nil
}

func (u *Unusable) Error() string {
	if u.Line == 0 {
		return u.Reason
	}
	return fmt.Sprintf("baris %d: %s", u.Line, u.Reason)
}

// Unwrap returns the error of the system.
func (u *Unusable) Unwrap() error { return u.Err }

// Reader reads the rows of one file.
type Reader struct {
	schema  *Schema
	file    *os.File
	size    int64
	read    counter
	sum     hash.Hash
	records records

	marked bool     // begins with the byte order mark of UTF-8
	header []string // as it came
	at     []int    // where a column of the schema stands in the file, or -1
	keep   []int    // where the columns stand that are no lineColumn or reasonColumn
	row    Row
	rows   int
	seen   map[[2]uint64]int32 // line by key; hashed, so that memory stays small
	seeds  [2]maphash.Seed
}

// Open opens a file and reads its header. Its error is *Unusable.
func Open(path string, schema *Schema) (*Reader, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, &Unusable{Reason: cannotOpen, Err: err}
	}
	r, err := newReader(file, schema)
	if err != nil {
		file.Close()
		return nil, err
	}
	return r, nil
}

func newReader(file *os.File, schema *Schema) (*Reader, error) {
	info, err := file.Stat()
	switch {
	case err != nil:
		return nil, &Unusable{Reason: cannotOpen, Err: err}
	case !info.Mode().IsRegular():
		return nil, &Unusable{Reason: notAFile}
	case info.Size() > maxBytes:
		return nil, &Unusable{Reason: fmt.Sprintf(tooLarge, maxBytes>>20)}
	}
	r := &Reader{
		schema: schema,
		file:   file,
		size:   info.Size(),
		sum:    sha256.New(),
		seen:   make(map[[2]uint64]int32),
		seeds:  [2]maphash.Seed{maphash.MakeSeed(), maphash.MakeSeed()},
		row:    Row{cells: make([]string, len(schema.Columns)), numbers: make([]int64, len(schema.Columns))},
	}
	in := io.TeeReader(io.LimitReader(file, maxBytes), io.MultiWriter(r.sum, &r.read))
	r.records.in = bufio.NewReaderSize(in, maxLine)
	if err := r.sniff(); err != nil {
		return nil, err
	}
	return r, r.readHeader()
}

// counter counts what is written to it.
type counter int64

func (c *counter) Write(p []byte) (int, error) {
	*c += counter(len(p))
	return len(p), nil
}

// Close closes the file.
func (r *Reader) Close() error { return r.file.Close() }

// Progress returns how many bytes of how many are read.
func (r *Reader) Progress() (done, total int64) { return int64(r.read), r.size }

// Sum returns the SHA-256 of the file in hex; after io.EOF only.
func (r *Reader) Sum() string { return hex.EncodeToString(r.sum.Sum(nil)) }

// sniff recognises what clerks send instead of a CSV, and takes the byte order
// mark of UTF-8 away.
func (r *Reader) sniff() error {
	head, err := r.records.in.Peek(512)
	if err != nil && !errors.Is(err, io.EOF) {
		return &Unusable{Reason: cannotOpen, Err: err}
	}
	starts := func(s string) bool { return bytes.HasPrefix(head, []byte(s)) }
	reason := ""
	switch {
	case starts(byteOrderMark):
		r.marked = true
		_, _ = r.records.in.Discard(len(byteOrderMark)) // they were peeked
		return nil
	case len(head) == 0:
		reason = noBytes
	case starts("PK\x03\x04"), starts("\xd0\xcf\x11\xe0"):
		reason = isExcel
	case starts("\xff\xfe"), starts("\xfe\xff"), len(head) >= 4 && (head[0] == 0 || head[1] == 0):
		reason = isUTF16
	case bytes.HasPrefix(bytes.TrimLeft(head, " \t\r\n"), []byte("<")):
		reason = isMarkup
	case starts("%PDF"):
		reason = isPDF
	case starts("\x1f\x8b"):
		reason = isGzip
	default:
		return nil
	}
	return &Unusable{Reason: reason}
}

func (r *Reader) readHeader() error {
	rec, err := r.records.next(nil)
	for err == nil && rec.problem == "" && blank(rec.cells) {
		rec, err = r.records.next(rec.cells)
	}
	var unusable *Unusable
	switch {
	case errors.As(err, &unusable):
		return err
	case errors.Is(err, io.EOF):
		return &Unusable{Reason: noBytes}
	case err != nil:
		return &Unusable{Reason: cannotOpen, Err: err}
	case rec.problem != "":
		return &Unusable{Line: rec.line, Reason: fmt.Sprintf(badHeader, rec.problem)}
	case len(rec.cells) == 1 && strings.Contains(rec.cells[0], ";"):
		return &Unusable{Line: rec.line, Reason: isSemicolon}
	case len(rec.cells) == 1 && strings.Contains(rec.cells[0], "\t"):
		return &Unusable{Line: rec.line, Reason: isTab}
	}
	r.header = append([]string(nil), rec.cells...)
	if reason := r.place(); reason != "" {
		return &Unusable{Line: rec.line, Reason: reason}
	}
	return nil
}

// place finds the columns of the schema in the header, or tells in words what
// is wrong with the header.
func (r *Reader) place() string {
	column := make(map[string]int, len(r.schema.Columns))
	r.at = make([]int, len(r.schema.Columns))
	for i, c := range r.schema.Columns {
		column[c.Name] = i
		r.at[i] = -1
	}
	var strange, twice, absent []string
	for i, cell := range r.header {
		name, _ := clean(cell)
		name = strings.ToLower(name)
		if name == lineColumn || name == reasonColumn {
			continue
		}
		r.keep = append(r.keep, i)
		switch c, known := column[name]; {
		case !known:
			strange = append(strange, quoted(name))
		case r.at[c] >= 0:
			twice = append(twice, quoted(name))
		default:
			r.at[c] = i
		}
	}
	var names []string
	for i, c := range r.schema.Columns {
		names = append(names, c.Name)
		if r.at[i] < 0 && !c.Optional {
			absent = append(absent, quoted(c.Name))
		}
	}
	if len(strange) == len(r.keep) {
		return fmt.Sprintf(noHeader, strings.Join(names, ","))
	}
	var wrong []string
	for _, w := range []struct {
		format string
		names  []string
	}{{missing, absent}, {unknown, strange}, {doubled, twice}} {
		if len(w.names) > 0 {
			wrong = append(wrong, fmt.Sprintf(w.format, strings.Join(w.names, ", ")))
		}
	}
	if len(wrong) == 0 {
		return ""
	}
	return fmt.Sprintf(badColumns, strings.Join(wrong, reasonBetween))
}

// quoted puts a title of the file in quotes, cut so that a message stays short.
func quoted(name string) string {
	if runes := []rune(name); len(runes) > 40 {
		name = string(runes[:40]) + "…"
	}
	return `"` + name + `"`
}

func blank(cells []string) bool {
	for _, c := range cells {
		if strings.TrimSpace(c) != "" {
			return false
		}
	}
	return true
}

// Next returns the next row, good or refused (Row.Problems). Its errors are
// io.EOF, *Unusable and those of the disk.
func (r *Reader) Next() (*Row, error) {
	row := &r.row
	for {
		rec, err := r.records.next(row.original)
		if err != nil {
			return nil, r.end(err)
		}
		row.original = rec.cells
		row.Line, row.Warnings, row.Problems = rec.line, 0, row.Problems[:0]
		if rec.problem == "" && blank(rec.cells) {
			continue // spreadsheets leave empty rows behind
		}
		r.rows++
		if r.rows > maxRows {
			return nil, &Unusable{Reason: fmt.Sprintf(tooManyRows, maxRows)}
		}
		switch {
		case rec.problem != "":
			row.Problems = append(row.Problems, rec.problem)
		case len(rec.cells) != len(r.header):
			row.Problems = append(row.Problems, fmt.Sprintf(wrongCount, len(rec.cells), len(r.header)))
		default:
			row.read(r.schema, r.at)
			r.refuseRepeated(row)
		}
		return row, nil
	}
}

func (r *Reader) end(err error) error {
	switch {
	case !errors.Is(err, io.EOF):
		return err
	case int64(r.read) >= maxBytes: // it grew while it was read
		return &Unusable{Reason: fmt.Sprintf(tooLarge, maxBytes>>20)}
	case r.rows == 0:
		return &Unusable{Reason: noRows}
	}
	return io.EOF
}

// refuseRepeated refuses a good row that says again what a good row said.
func (r *Reader) refuseRepeated(row *Row) {
	if len(row.Problems) > 0 || len(r.schema.Key) == 0 {
		return
	}
	var key [2]uint64
	for i := range key {
		var h maphash.Hash
		h.SetSeed(r.seeds[i])
		for _, column := range r.schema.Key {
			_, _ = h.WriteString(row.cells[column]) // never fails
			_ = h.WriteByte(0)
		}
		key[i] = h.Sum64()
	}
	if before, ok := r.seen[key]; ok {
		var names []string
		for _, column := range r.schema.Key {
			names = append(names, r.schema.Columns[column].Name)
		}
		row.Problems = append(row.Problems, fmt.Sprintf(repeated, before, strings.Join(names, ", ")))
		return
	}
	r.seen[key] = int32(row.Line)
}

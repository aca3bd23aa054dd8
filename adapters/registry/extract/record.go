package extract

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"
)

// Limits of one record: what is longer is no row of an office's extract.
const (
	maxLine  = 16 << 10 // bytes, of all its lines together
	maxLines = 8        // lines, when quoted cells hold line breaks
)

// records cuts a text into the records of RFC 4180. It differs from
// encoding/csv in what it does with bad input: a record is bounded in length,
// and a quotation mark that is never closed costs the line it stands on and
// not the rest of the file.
type records struct {
	in     *bufio.Reader // with a buffer of maxLine
	number int           // of the last line taken, from 1
	ahead  []line        // read before their turn
}

type line struct {
	text string
	long bool // longer than maxLine: text is empty
}

// record is one record, or with a problem what could be read of it.
type record struct {
	line    int // on which it begins
	cells   []string
	problem string
}

// next reads a record, its cells into those given, to save their allocation.
// Its errors are io.EOF, *Unusable and those of the file.
func (r *records) next(cells []string) (record, error) {
	first, err := r.take()
	rec := record{line: r.number, cells: cells[:0]}
	if err != nil {
		return rec, err
	}
	if first.long {
		rec.problem = fmt.Sprintf(lineTooLong, maxLine)
		return rec, nil
	}
	text := first.text
	var more []line // that belong to the record if its quotes close
	for {
		var open bool
		rec.cells, open, rec.problem = split(text, rec.cells[:0])
		if !open {
			return rec, nil
		}
		following, err := r.take()
		if err != nil && !errors.Is(err, io.EOF) {
			return rec, err
		}
		if err == nil {
			more = append(more, following)
			text += "\n" + following.text
		}
		if err != nil || following.long || len(more) == maxLines || len(text) > maxLine {
			r.ahead = append(more, r.ahead...)
			r.number -= len(more)
			rec.cells, _, _ = split(first.text, rec.cells[:0])
			rec.problem = openQuote
			return rec, nil
		}
	}
}

// take returns the next line without its end.
func (r *records) take() (line, error) {
	if len(r.ahead) > 0 {
		next := r.ahead[0]
		r.ahead = r.ahead[1:]
		r.number++
		return next, nil
	}
	raw, err := r.in.ReadSlice('\n')
	long := errors.Is(err, bufio.ErrBufferFull)
	for errors.Is(err, bufio.ErrBufferFull) {
		_, err = r.in.ReadSlice('\n')
	}
	if err != nil && (!errors.Is(err, io.EOF) || len(raw) == 0) {
		return line{}, err
	}
	r.number++
	if long {
		return line{long: true}, nil
	}
	if !utf8.Valid(raw) {
		return line{}, &Unusable{Line: r.number, Reason: notUTF8}
	}
	return line{text: strings.TrimRight(string(raw), "\r\n")}, nil
}

// split cuts a record into cells. open tells that it ends inside quotes. A
// quotation mark inside a cell that does not begin with one is a letter like
// any other: JL. "BARU" NO. 3.
func split(text string, cells []string) (_ []string, open bool, problem string) {
	for {
		if !strings.HasPrefix(text, `"`) {
			end := strings.IndexByte(text, ',')
			if end < 0 {
				return append(cells, text), false, problem
			}
			cells, text = append(cells, text[:end]), text[end+1:]
			continue
		}
		cell, rest, closed := unquote(text[1:])
		if !closed {
			return append(cells, cell), true, problem
		}
		end := strings.IndexByte(rest, ',')
		after := rest
		if end >= 0 {
			after = rest[:end]
		}
		if strings.TrimSpace(after) != "" {
			problem = afterQuote
			cell += after
		}
		cells = append(cells, cell)
		if end < 0 {
			return cells, false, problem
		}
		text = rest[end+1:]
	}
}

// unquote reads a quoted cell from behind its opening mark.
func unquote(s string) (cell, rest string, closed bool) {
	var b strings.Builder
	for {
		end := strings.IndexByte(s, '"')
		switch {
		case end < 0:
			b.WriteString(s)
			return b.String(), "", false
		case strings.HasPrefix(s[end+1:], `"`):
			b.WriteString(s[:end+1])
			s = s[end+2:]
		case b.Len() == 0:
			return s[:end], s[end+1:], true
		default:
			b.WriteString(s[:end])
			return b.String(), s[end+1:], true
		}
	}
}

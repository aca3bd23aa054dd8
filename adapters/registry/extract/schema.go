package extract

import (
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// Schema is what an office's extract looks like.
type Schema struct {
	Columns []Column
	// Key are the columns whose values together name a row: of two rows with
	// the same values in one file the second is refused.
	Key []int
	// Check returns what is wrong with a row whose cells are good, each for
	// itself; "" for nothing. It may be nil.
	Check func(*Row) string
}

// Column is one column of a Schema. Columns of a file may stand in any order.
type Column struct {
	Name     string
	Kind     Kind
	Optional bool // the file need not have the column
	Required bool // no cell of the column may be empty
	Lenient  bool // a bad cell is read as empty and counted as a warning; its row stays

	// Min and Max bound a Whole or Rupiah. Max of a Text is its longest in
	// characters; 0 is DefaultText.
	Min, Max int64
	// Parse reads an Identifier. It returns the one way to write the value, or
	// in words for clerks what is wrong with it.
	Parse func(cell string) (value, problem string)
}

// Kind is what the cells of a column hold. An empty cell is unknown in all.
type Kind uint8

const (
	Text       Kind = iota // any words, on one line
	Whole                  // a whole number of anything, not negative
	Rupiah                 // whole rupiah, not negative
	Date                   // YYYY-MM-DD
	Identifier             // see Column.Parse
)

// DefaultText is how many characters a Text may have when nothing is said.
const DefaultText = 200

// The years that a Date may lie in.
const (
	firstYear = 1945
	lastYear  = 2100
)

// Row is one row of a file. It is valid until the next call of Reader.Next.
type Row struct {
	Line     int      // on which it begins in the file, from 1
	Problems []string // why it is refused, in words for clerks; none: it is good
	Warnings int      // cells that were read as empty

	cells    []string // by column of the schema, in the one way to write them
	numbers  []int64
	original []string // by column of the file, as they came
}

// Text returns the cell of a column of the schema; "" is unknown. Dates are
// YYYY-MM-DD.
func (r *Row) Text(column int) string { return r.cells[column] }

// Int returns the number in a column of Kind Whole or Rupiah; unknown is 0.
func (r *Row) Int(column int) int64 { return r.numbers[column] }

// read fills the row from its original cells; at tells for each column of the
// schema where it stands in the file, -1 for nowhere.
func (r *Row) read(s *Schema, at []int) {
	for i := range s.Columns {
		c := &s.Columns[i]
		r.cells[i], r.numbers[i] = "", 0
		if at[i] < 0 {
			continue
		}
		value, number, problem := c.read(r.original[at[i]])
		switch {
		case problem == "":
			r.cells[i], r.numbers[i] = value, number
		case c.Lenient:
			r.Warnings++
		default:
			r.Problems = append(r.Problems, problem)
		}
	}
	if len(r.Problems) == 0 && s.Check != nil {
		if problem := s.Check(r); problem != "" {
			r.Problems = append(r.Problems, problem)
		}
	}
}

func (c *Column) read(cell string) (value string, number int64, problem string) {
	value, printable := clean(cell)
	switch {
	case !printable:
		return "", 0, fmt.Sprintf(hiddenCell, c.Name)
	case value == "" && c.Required:
		return "", 0, fmt.Sprintf(emptyCell, c.Name)
	case value == "":
		return "", 0, ""
	}
	switch c.Kind {
	case Whole, Rupiah:
		number, problem = c.number(value)
	case Date:
		problem = c.date(value)
	case Identifier:
		if value, problem = c.Parse(value); problem != "" {
			problem = fmt.Sprintf(cellProblem, c.Name, problem)
		}
	default:
		limit := int(c.Max)
		if limit == 0 {
			limit = DefaultText
		}
		if len(value) > limit && utf8.RuneCountInString(value) > limit {
			problem = fmt.Sprintf(longCell, c.Name, limit)
		}
	}
	return value, number, problem
}

func (c *Column) number(s string) (int64, string) {
	if !digits(s) {
		switch {
		case s[0] == '-' && digits(s[1:]):
			return 0, fmt.Sprintf(negative, c.Name)
		case c.Kind == Rupiah:
			return 0, fmt.Sprintf(notRupiah, c.Name)
		}
		return 0, fmt.Sprintf(notWhole, c.Name)
	}
	n, err := strconv.ParseInt(s, 10, 64)
	switch {
	case err != nil || n > c.Max: // the only error left is "out of range"
		return 0, fmt.Sprintf(tooBig, c.Name, c.Max)
	case n < c.Min:
		return 0, fmt.Sprintf(tooSmall, c.Name, c.Min)
	}
	return n, ""
}

func (c *Column) date(s string) string {
	if len(s) != len(time.DateOnly) || s[4] != '-' || s[7] != '-' || !digits(s[:4]) || !digits(s[5:7]) || !digits(s[8:]) {
		return fmt.Sprintf(notDate, c.Name)
	}
	t, err := time.Parse(time.DateOnly, s)
	switch {
	case err != nil:
		return fmt.Sprintf(noSuchDate, c.Name)
	case t.Year() < firstYear || t.Year() > lastYear:
		return fmt.Sprintf(dateRange, c.Name, firstYear, lastYear)
	}
	return ""
}

func digits(s string) bool {
	for i := 0; i < len(s); i++ {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return s != ""
}

// clean puts a cell on one line without outer or doubled spaces, and takes out
// the marks that nobody sees (zero-width spaces, directions of writing). It
// reports false for control characters, which no office writes on purpose.
func clean(s string) (string, bool) {
	plain := true
	for i := 0; i < len(s) && plain; i++ {
		plain = s[i] > ' ' && s[i] < 0x7f || s[i] == ' ' && i > 0 && i < len(s)-1 && s[i-1] != ' '
	}
	if plain {
		return s, true
	}
	var b strings.Builder
	gap := false
	for _, r := range s {
		switch {
		case unicode.IsSpace(r):
			gap = true
			continue
		case unicode.Is(unicode.Cf, r):
			continue
		case unicode.IsControl(r):
			return "", false
		}
		if gap && b.Len() > 0 {
			b.WriteByte(' ')
		}
		gap = false
		b.WriteRune(r)
	}
	return b.String(), true
}

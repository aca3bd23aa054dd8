package phone

import (
	_ "embed"
	"encoding/csv"
	"fmt"
	"strings"

	"tabe/bot/ident"
)

//go:embed residents.csv
var residents string

// Residents returns people of the sample extracts, for the demo.
func Residents() ([]Resident, error) {
	rows, err := csv.NewReader(strings.NewReader(residents)).ReadAll()
	if err != nil {
		return nil, fmt.Errorf("phone: residents.csv: %w", err)
	}
	var all []Resident
	for _, row := range rows[1:] {
		number, err := ident.ParsePhone(row[1])
		if err != nil {
			return nil, fmt.Errorf("phone: residents.csv: %w", err)
		}
		all = append(all, Resident{Name: row[0], Phone: number, Hint: row[2], Try: strings.Split(row[3], "|")})
	}
	return all, nil
}

package h2h_test

import (
	"encoding/csv"
	"errors"
	"fmt"
	"net/http"
	"os"
	"strings"
	"testing"

	"tabe/adapters/registry/remote"
	"tabe/flows/pbb"
)

// codes are the result codes of real interfaces, collected beside this repository.
const codes = "../../../../shared/domain/pbb_h2h_codes.csv"

// Every code of the two programs means an object, no object, or a fault; those
// of other programs are faults. The HTTP status never matters.
func TestCodes(t *testing.T) {
	file, err := os.Open(codes)
	if err != nil {
		t.Skip("the collected codes are not at hand: ", err)
	}
	defer file.Close()
	rows, err := csv.NewReader(file).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	const found, none = "an object", "no object"
	want := map[string]string{ // all others are faults
		"FTF-Glo BNI H2H 00": found, "FTF-Glo BNI H2H 13": none, "FTF-Glo BNI H2H 88": found,
		"FTF-Glo kode lama 00": found, "FTF-Glo kode lama 08": none, "FTF-Glo kode lama 10": found, "FTF-Glo kode lama 99": found,
	}
	db := empty(t)
	for _, row := range rows[1:] {
		source, code, meaning := row[0], row[1], row[2]
		w, field := list, "code"
		if source == "FTF-Glo BNI H2H" {
			w, field = inquiry, "response_code"
		}
		for _, status := range []int{200, 401, 500} {
			o := newOffice(t, today()...)
			h := open(t, db, o, w, remote.Limits{})
			h.forget(t)
			o.down(func(w http.ResponseWriter, r *http.Request) {
				if strings.HasSuffix(r.URL.Path, "/getToken") {
					o.token(w, r)
					return
				}
				// The same for each year that is asked for.
				year := r.URL.Query().Get("tahun")
				if year == "" {
					year = "2026"
				}
				if field == "response_code" {
					year = yearOf(r)
				}
				w.WriteHeader(status)
				fmt.Fprintf(w, `{"%s":"%s","message":"%s","data":{"tax_year":"%s","bill_amount":"1","bills":[{"tahun_pajak":"%[4]s","nilai":"1"}]}}`, field, code, meaning, year)
			})
			o2, err := h.Object(t.Context(), farm)
			got := "a fault"
			switch {
			case err == nil && len(o2.Years) > 0:
				got = found
			case errors.Is(err, pbb.ErrNotFound):
				got = none
			}
			expected := want[source+" "+code]
			if expected == "" {
				expected = "a fault"
			}
			if got != expected {
				t.Errorf("%s %s (%s) with HTTP %d: %s, want %s (%v)", source, code, meaning, status, got, expected, err)
			}
			h.silent(t)
		}
	}
}

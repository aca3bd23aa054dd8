package sample_test

import (
	"bytes"
	"encoding/csv"
	"strings"
	"testing"

	"tabe/adapters/registry/macca/sample"
)

func TestWrite(t *testing.T) {
	var one, again, other bytes.Buffer
	for _, w := range []struct {
		out  *bytes.Buffer
		seed uint64
	}{{&one, 1}, {&again, 1}, {&other, 2}} {
		if err := sample.Write(w.out, sample.Households, w.seed); err != nil {
			t.Fatal(err)
		}
	}
	if !bytes.Equal(one.Bytes(), again.Bytes()) {
		t.Error("the same seed gives another file")
	}
	if bytes.Equal(one.Bytes(), other.Bytes()) {
		t.Error("another seed gives the same file")
	}
	families, persons := map[string]bool{}, map[string]bool{}
	for _, text := range []string{sample.Residents, one.String()} {
		before := len(families)
		rows, err := csv.NewReader(strings.NewReader(text)).ReadAll()
		if err != nil {
			t.Fatal(err)
		}
		for _, row := range rows[1:] {
			families[row[0]] = true
			if persons[row[1]] {
				t.Fatalf("%s is made twice", row[1])
			}
			persons[row[1]] = true
			if serial := row[1][12:]; serial < "9100" {
				t.Fatalf("%s could be in use", row[1])
			}
		}
		if text != sample.Residents && len(families)-before != sample.Households {
			t.Errorf("%d new families", len(families)-before)
		}
	}
}

package sample_test

import (
	"bytes"
	"encoding/csv"
	"strings"
	"testing"

	"tabe/adapters/registry/pbb/sample"
)

func TestWrite(t *testing.T) {
	var one, again, other bytes.Buffer
	for _, w := range []struct {
		out  *bytes.Buffer
		seed uint64
	}{{&one, 1}, {&again, 1}, {&other, 2}} {
		if err := sample.Write(w.out, 5000, 3, w.seed); err != nil {
			t.Fatal(err)
		}
	}
	if !bytes.Equal(one.Bytes(), again.Bytes()) {
		t.Error("the same seed gives another file")
	}
	if bytes.Equal(one.Bytes(), other.Bytes()) {
		t.Error("another seed gives the same file")
	}
	rows, err := csv.NewReader(&one).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	if len(rows) != 1+5000 {
		t.Errorf("%d rows", len(rows))
	}
	chosen, err := csv.NewReader(strings.NewReader(sample.Residents)).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	taken := make(map[string]bool)
	for _, row := range chosen {
		taken[row[0]] = true
	}
	villages := make(map[string]bool)
	for _, row := range rows[1:] {
		if taken[row[0]] {
			t.Fatal("an object of Residents is made again")
		}
		if row[0][13] != '9' {
			t.Fatalf("%s could be in use", row[0])
		}
		villages[row[5]] = true
	}
	if len(villages) != 70 {
		t.Errorf("objects in %d desa and kelurahan, want 70", len(villages))
	}
	if err := sample.Write(&other, 1, 0, 1); err == nil {
		t.Error("no tax years are accepted")
	}
}

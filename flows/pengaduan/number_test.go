package pengaduan

import (
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestNumbersAreUnique(t *testing.T) {
	seen := map[Number]int64{}
	for n := range int64(40_000) { // three characters, then four
		number := NumberOf(FromResident, n)
		if other, taken := seen[number]; taken {
			t.Fatalf("%d and %d are both %s", n, other, number)
		}
		seen[number] = n
	}
	if len(NumberOf(FromResident, 10)) != len("P-7K3M") {
		t.Errorf("the first numbers are not short: %s", NumberOf(FromResident, 10))
	}
}

func TestNumbers(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.Int64Range(0, 1<<50-1).Draw(t, "n")
		number := NumberOf(FromResident, n)
		text := string(number)
		for _, written := range []string{
			text, strings.ToLower(text), strings.ReplaceAll(text, "-", ""), strings.ReplaceAll(text, "-", " - "),
			"laporan " + text + " sudah sampai mana?", "no." + text, "#" + text,
		} {
			if got, ok := FindNumber(written); !ok || got != number {
				t.Fatalf("%q is read as %q, %t", written, got, ok)
			}
		}
		if got, ok := ParseNumber(" " + strings.ToLower(text[2:]) + "."); !ok || got != number {
			t.Fatalf("without its letter %s is read as %q", number, got)
		}
		i := rapid.IntRange(2, len(text)-1).Draw(t, "place")
		if c := rapid.SampledFrom([]byte(alphabet)).Draw(t, "character"); c != text[i] {
			if got, ok := FindNumber(text[:i] + string(c) + text[i+1:]); ok {
				t.Fatalf("a slip makes %s of %s", got, number)
			}
		}
		if i < len(text)-1 && text[i] != text[i+1] {
			if got, ok := FindNumber(text[:i] + string(text[i+1]) + string(text[i]) + text[i+2:]); ok {
				t.Fatalf("a swap makes %s of %s", got, number)
			}
		}
	})
}

func TestNoNumbers(t *testing.T) {
	for _, text := range []string{
		"", "P-", "p", "pasar cabbenge", "lampu jalan mati di depan pasar", "731203200200190010", "pkh", "P-73", "p 2 orang", "PBB",
		"P-" + strings.Repeat("2", 5000),
	} {
		if n, ok := FindNumber(text); ok {
			t.Errorf("%.40q has the number %s", text, n)
		}
	}
}

func FuzzFindNumber(f *testing.F) {
	f.Add("P-7K3M")
	f.Add("laporan p 7k3m")
	f.Fuzz(func(t *testing.T, text string) {
		if n, ok := FindNumber(text); ok {
			if again, ok := FindNumber(string(n)); !ok || again != n {
				t.Errorf("%q has the number %q, which is none", text, n)
			}
		}
		ParseNumber(text)
	})
}

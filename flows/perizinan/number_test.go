package perizinan

import (
	"slices"
	"testing"

	"pgregory.net/rapid"
)

func TestNumber(t *testing.T) {
	for _, c := range []struct{ written, key, serial, short string }{
		{"299/IP/DPM-PTSP/VII/2018", "299/IPDPMPTSPVII/2018", "299", "299"},
		{" 299 / ip / dpmptsp / vii / 2018 ", "299/IPDPMPTSPVII/2018", "299", "299"},
		{"8758/S.01/PTSP/2018", "8758/S/1/PTSP/2018", "8758", "8758"},
		{"503/0112/SIPD/DPM-PTSP/2024", "503/112/SIPDDPMPTSP/2024", "112", "0112"},
		{"640/055/IMB/2018", "640/55/IMB/2018", "55", "055"},
		{"0099/SIPB/DPM-PTSP/XI/2025", "99/SIPBDPMPTSPXI/2025", "99", "0099"},
		{"002/PERIK/2025", "2/PERIK/2025", "2", "002"},
		{"300/IP/REK-T.TEKNIS/BAP/VII/2018", "300/IPREKTTEKNISBAPVII/2018", "300", "300"},
		{"PBG-731204-12082025-01", "PBG/731204/12082025/1", "1", "12082025-01"},
		{"pbg 731204 12082025 01", "PBG/731204/12082025/1", "1", ""}, // a blank is no hyphen to the register
		{"9120000000017", "9120000000017", "17", "0017"},
		{"NIB 9120000000017", "9120000000017", "17", "0017"},
		{"0220001234567", "220001234567", "4567", "4567"},
		{"CO0002935", "CO/2935", "2935", "0002935"},
		{"0000412012082025", "412012082025", "2025", "2025"},
	} {
		n, ok := ParseNumber(c.written)
		if !ok {
			t.Errorf("%q is no number", c.written)
			continue
		}
		if c.short == "" {
			if found := numbersIn(c.written, 5); len(found) != 1 || found[0].Key() != c.key {
				t.Errorf("in %q: %q", c.written, found)
			}
			continue
		}
		if n.Key() != c.key || n.Serial() != c.serial || n.Short() != c.short {
			t.Errorf("%q: key %q, serial %q, short %q; want %q, %q, %q", c.written, n.Key(), n.Serial(), n.Short(), c.key, c.serial, c.short)
		}
	}
	for _, bad := range []string{"", "   ", "izin saya", "1234567890123456789012345678901234567890123456789012345678901"} {
		if n, ok := ParseNumber(bad); ok {
			t.Errorf("%q is the number %q", bad, n)
		}
	}
}

func TestClue(t *testing.T) {
	for written, want := range map[string]Clue{
		"0412":      {Serial: "0412"},
		"00871":     {Serial: "00871"},
		"0412/2025": {Serial: "0412"},
		"0112/SIPD": {Serial: "0112", Kind: Practice},
		"002/PERIK": {Serial: "002", Kind: Fishery},
	} {
		if got, short := Number(written).clue(); !short || got != want {
			t.Errorf("%s: %+v, %v", written, got, short)
		}
	}
	for _, whole := range []Number{"299/IP/DPM-PTSP/VII/2018", "PBG-731204-12082025-01", "9120000000017", "503/0112/SIPD/DPM-PTSP/2024"} {
		if got, short := whole.clue(); short {
			t.Errorf("%s is short: %+v", whole, got)
		}
	}
}

func TestNumbersInMessages(t *testing.T) {
	for text, want := range map[string][]Number{
		"cek 299/IP/DPM-PTSP/VII/2018 dong":                  {"299/IP/DPM-PTSP/VII/2018"},
		"berkas 299 / IP / DPM-PTSP / VII / 2018, jadi blm?": {"299/IP/DPM-PTSP/VII/2018"},
		"PBG-731207-30092025-02 & PBG-731207-30092025-03":    {"PBG-731207-30092025-02", "PBG-731207-30092025-03"},
		"731204-12082025-01":                                 {"PBG-731204-12082025-01"},
		"IZIN 503/0112/SIPD/DPM-PTSP/2024.":                  {"503/0112/SIPD/DPM-PTSP/2024"},
		"masuk 12/8/2025":                                    nil,
		"izin saya sudah jadi?":                              nil,
		"cek berkas 0412":                                    nil,
	} {
		if got := numbersIn(text, 5); !slices.Equal(got, want) {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}

// However somebody writes the separators of a number, it is the same number;
// and what is kept of it leads back to it.
func TestKeyIsTheSameForAllWritings(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		text := rapid.StringMatching(`[0-9]{1,6}/[A-Z]{1,6}/[A-Z]{2,4}-[A-Z]{2,4}/[IVX]{1,4}/20[0-9]{2}`).Draw(r, "number")
		n, _ := ParseNumber(text)
		again, ok := ParseNumber(n.Key())
		if !ok || again.Key() != n.Key() {
			r.Fatalf("%s becomes %s, then %s", n, n.Key(), again.Key())
		}
		found := numbersIn("tabe "+text+" sudah jadi", 5)
		if len(found) != 1 || found[0].Key() != n.Key() {
			r.Fatalf("in a message: %q", found)
		}
	})
}

func FuzzNumber(f *testing.F) {
	for _, seed := range []string{"299/IP/DPM-PTSP/VII/2018", "503/0112/SIPD", "PBG-731204-12082025-01", "NIB 0220001234567", "0412/2025", "////", "0", "PBG-", "PBG-1"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		numbersIn(text, 5)
		n, ok := ParseNumber(text)
		if !ok {
			return
		}
		_, _ = n.clue()
		key := Number(n.Key())
		if key.Key() != string(key) && key != "NIB" {
			if again := Number(key.Key()); again.Key() != string(again) {
				t.Errorf("%q has the key %q, which has %q", text, key, again)
			}
		}
		if n.Serial() == "" || n.Short() == "" {
			t.Errorf("%q has a digit but no serial: %q %q", text, n.Serial(), n.Short())
		}
	})
}

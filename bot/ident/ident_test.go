package ident

import (
	"errors"
	"testing"
)

func TestParseNOP(t *testing.T) {
	const want = NOP("731201000300200410")
	for _, s := range []string{
		"731201000300200410", "73.12.010.003.002-0041.0", "73.12.010.003.002.0041.0",
		"73 12 010 003 002 0041 0", "7312 0100 0300 2004 10", " 73-12-010-003-002-0041-0 ",
	} {
		if got, err := ParseNOP(s); err != nil || got != want {
			t.Errorf("ParseNOP(%q) = %q, %v", s, got, err)
		}
	}
	for s, want := range map[string]error{
		"": ErrLength, "7312": ErrLength, "73120100030020041": ErrLength,
		"7312010003002004100": ErrLength, "73120100030020041O": ErrDigits, "pajak": ErrDigits,
	} {
		if _, err := ParseNOP(s); !errors.Is(err, want) {
			t.Errorf("ParseNOP(%q): %v, want %v", s, err, want)
		}
	}
	if got := want.String(); got != "73.12.010.003.002-0041.0" {
		t.Error(got)
	}
	if got := want.Masked(); got != "***.002-0041.0" {
		t.Error(got)
	}
	if !want.InSoppeng() || NOP("730801000300200410").InSoppeng() {
		t.Error("InSoppeng")
	}
}

func TestParseNIK(t *testing.T) {
	for s, want := range map[string]error{
		"7312010101900001": nil, "7312014101900001": nil, "7312 0171 1290 0001": nil,
		"7312013201900001": ErrDate, "7312010113900001": ErrDate, "7312010101900000": ErrDate,
		"731201010190001": ErrLength, "73120101019OOO01": ErrDigits,
	} {
		if _, err := ParseNIK(s); !errors.Is(err, want) {
			t.Errorf("ParseNIK(%q): %v, want %v", s, err, want)
		}
	}
	if got := NIK("7312010101900001").Masked(); got != "7312************" {
		t.Error(got)
	}
}

func TestParsePhone(t *testing.T) {
	for _, s := range []string{
		"081100000456", "6281100000456", "+6281100000456", "+62 811-0000-0456", "006281100000456",
		"81100000456", "whatsapp:+6281100000456", "+62081100000456", "(0811) 0000 0456",
	} {
		if got, err := ParsePhone(s); err != nil || got != "+6281100000456" {
			t.Errorf("ParsePhone(%q) = %q, %v", s, got, err)
		}
	}
	for _, s := range []string{"", "112", "119", "+", "++628110000", "08x1100000456", "0000000000"} {
		if got, err := ParsePhone(s); err == nil {
			t.Errorf("ParsePhone(%q) = %q", s, got)
		}
	}
	if got := Phone("+6281100000456").Masked(); got != "+62********456" {
		t.Error(got)
	}
}

func FuzzParse(f *testing.F) {
	f.Add("73.12.010.003.002-0041.0")
	f.Add("+62 811-0000-0456")
	f.Fuzz(func(t *testing.T, s string) {
		if n, err := ParseNOP(s); err == nil {
			if again, err := ParseNOP(n.String()); err != nil || again != n {
				t.Errorf("%q does not read back", n)
			}
		}
		if p, err := ParsePhone(s); err == nil {
			if again, err := ParsePhone(string(p)); err != nil || again != p {
				t.Errorf("%q does not read back: %q %v", p, again, err)
			}
		}
		_, _ = ParseNIK(s)
		_, _ = ParseKK(s)
	})
}

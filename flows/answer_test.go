package flows

import "testing"

func TestYesOrNo(t *testing.T) {
	for text, want := range map[string]string{
		"ya": Yes, "Iye'": Yes, "iya puang": Yes, "IYAAA": Yes, "oke pak": Yes, "hapus": Yes,
		"tidak": No, "De'": No, "tdk mau": "", "nda": No, "jangan dulu": "", "aja'": No,
		"": "", "puang": "", "7312": "", "ya tidak": "", "berapa pbb saya": "",
	} {
		if got := YesOrNo(text); got != want {
			t.Errorf("%q is %q, want %q", text, got, want)
		}
	}
}

package understand

import "testing"

func TestTry(t *testing.T) {
	u, err := New()
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range []string{"pak brp pbb sy thn ini", "siaga pajak bolaku", "tolong ada api di pasar cabbenge", "7312 010 003 002 0041 0", "PBB#731201000300200410#2025",
		"nik sy 7312011203559902", "menu", "0", "basa ugi", "bahasa indonesia", "hapus data saya", "stop", "banjir di marioria", "tolong", "sertifikat saya 12", "api", "pajak membakar kantongku", "no kk 7312051709989907"} {
		r := u.Understand(s)
		t.Logf("%-40s %s %.1f %s %.2f | %s %.2f %v %v", s, r.Language, r.Lean, r.Intent, r.Confidence, r.Second.Intent, r.Second.Confidence, r.Command, r.Slots)
	}
}

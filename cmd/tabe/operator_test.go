package main

import (
	"strings"
	"testing"
)

func TestTheFirstAccountAndItsAudit(t *testing.T) {
	dir := t.TempDir()
	const password = "pohon lontar di Citta"
	out, errs, code := tabe(t, nil, password+"\n", "operator", "add", "andi", "--role", "operator,admin", "--full-name", "Andi Baso", "--data", dir)
	if code != 0 || !strings.Contains(out, "otpauth://totp/Soppeng%20Command%20Center:andi?secret=") || strings.Count(out, "█") < 500 {
		t.Fatalf("exit %d: %s%s", code, out, errs)
	}
	if strings.Contains(out+errs, password) {
		t.Error("the password is shown")
	}
	for _, c := range []struct {
		in   string
		args []string
		want string // in the error; empty: it works
	}{
		{password, []string{"add", "andi"}, "taken"},
		{"pendek", []string{"add", "budi"}, "12 characters"},
		{password, []string{"add", "budi", "--role", "raja"}, "no such role"},
		{password, []string{"add", "budi", "--role", "p2tp2a"}, ""},
		{"", []string{"disable", "andi"}, "last account"},
		{"", []string{"disable", "budi"}, ""},
		{"pohon lontar di Ganra", []string{"passwd", "andi"}, ""},
		{"", []string{"passwd", "andi", "--factor"}, ""},
		{password, []string{"passwd", "hantu"}, "no such account"},
	} {
		_, errs, code := tabe(t, nil, c.in+"\n", append(append([]string{"operator"}, c.args...), "--data", dir)...)
		if (code == 0) != (c.want == "") || !strings.Contains(errs, c.want) {
			t.Errorf("%v: exit %d: %s", c.args, code, errs)
		}
	}
	out, _, _ = tabe(t, nil, "", "operator", "list", "--data", dir)
	if lines := strings.Split(strings.TrimSpace(out), "\n"); len(lines) != 3 || !strings.Contains(lines[1], "operator,admin") || !strings.Contains(lines[2], "disabled") {
		t.Errorf("the list is\n%s", out)
	}

	out, _, code = tabe(t, nil, "", "audit", "verify", "--data", dir)
	anchor, ok := strings.CutPrefix(strings.TrimSpace(out), "ok ")
	if code != 0 || !ok || !strings.HasPrefix(anchor, "5:") {
		t.Fatalf("exit %d: %s", code, out)
	}
	if out, _, code = tabe(t, nil, "", "audit", "verify", "--data", dir, "--anchor", anchor); code != 0 {
		t.Errorf("exit %d: %s", code, out)
	}
	other := "2:" + strings.Repeat("0", 64)
	if out, _, code = tabe(t, nil, "", "audit", "verify", "--data", dir, "--anchor", other); code != 1 || !strings.HasPrefix(out, "BROKEN at event 2") {
		t.Errorf("exit %d: %s", code, out)
	}
	if _, errs, code = tabe(t, nil, "", "audit", "verify", "--data", dir, "--anchor", "nothing"); code != 1 || !strings.Contains(errs, "no anchor") {
		t.Errorf("exit %d: %s", code, errs)
	}
}

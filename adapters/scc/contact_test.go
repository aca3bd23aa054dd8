package scc_test

import (
	"strings"
	"testing"
	"time"

	"tabe/adapters/database"
	"tabe/adapters/scc"
	"tabe/adapters/testserver"
	"tabe/flows/darurat"
)

// empty removes the contacts of the tests.
func (h *house) empty() {
	h.t.Helper()
	h.do(func(tx *database.Tx) error { _, err := tx.Exec(`delete from contacts`); return err })
}

// On a new installation nobody has called the numbers of 2018: none of them is
// paged or told, the console is alone, and the country's number is told.
func TestUnverifiedNumbersAreNeitherPagedNorTold(t *testing.T) {
	databases(t, func(t *testing.T, h *house) {
		h.empty()
		h.watched()
		if err := h.center.SeedContacts(t.Context(), false); err != nil {
			t.Fatal(err)
		}
		open, err := h.center.Unverified(t.Context())
		if err != nil || len(open) != 8 { // six posts with a number, P2TP2A, 0484119
			t.Errorf("%d are not verified: %+v, %v", len(open), open, err)
		}
		h.send(resident, "kebakaran di desa kaca")
		h.expect(resident, "DITERIMA", "Telepon 113 sekarang")
		h.expect(resident, "Betul?")
		h.until("it is escalated", func() bool { return h.count(`select count(*) from incidents where step = 0`) == 1 })
		h.ahead(61 * time.Second)
		h.until("it goes on", func() bool { return h.only().Step == 3 })
		h.quiet()
		d, err := h.center.Get(t.Context(), h.only().ID)
		if err != nil || len(d.Pages) != 0 || len(d.Routes) != 0 || len(d.Unroutable) == 0 || d.Unroutable[0].Why != "unverified" {
			t.Errorf("%+v, %v", d, err)
		}
		h.ahead(121 * time.Second)
		findings, err := h.center.Audit(t.Context())
		if err != nil || len(findings) == 0 || findings[0].What != "unreachable" {
			t.Errorf("%+v, %v", findings, err)
		}
		// Somebody calls one of them.
		for _, k := range open {
			if k.Name == "Pos Damkar Marioriawa" {
				if err := h.center.VerifyContact(t.Context(), k.ID, true, "andi"); err != nil {
					t.Fatal(err)
				}
			}
		}
		h.ahead(121 * time.Second)
		h.expect("+6281287727753", "KEBAKARAN", "Kaca")
		h.quiet()
		if c, err := h.center.Contact(t.Context(), darurat.Fire, "73.12.05"); err != nil || c.Number != "0812-8772-7753" {
			t.Errorf("%+v, %v", c, err)
		}
	})
}

// Two posts have one number, two have none: nobody is told twice, and who has
// none is stood in for by the next, with the reason.
func TestRoutesOfTheDemo(t *testing.T) {
	databases(t, func(t *testing.T, h *house) {
		h.empty()
		if err := h.center.SeedContacts(t.Context(), true); err != nil {
			t.Fatal(err)
		}
		if err := h.center.SeedContacts(t.Context(), true); err != nil { // twice changes nothing
			t.Fatal(err)
		}
		id, err := h.center.Create(t.Context(), "andi", scc.Manual{Kind: darurat.Fire, Where: darurat.Where{Unit: "73.12.07.2002"}}) // Ganra
		if err != nil {
			t.Fatal(err)
		}
		d, err := h.center.Get(t.Context(), id)
		if err != nil {
			t.Fatal(err)
		}
		phones := map[string]bool{}
		for _, r := range d.Routes {
			if phones[r.Contact.Phone] {
				t.Errorf("%s is there twice", r.Contact.Phone)
			}
			phones[r.Contact.Phone] = true
		}
		if first := d.Routes[0]; first.Why != scc.Nearest || first.Metres == 0 || len(first.Skipped) == 0 || first.Skipped[0] != (scc.Skip{Name: "Pos Damkar Ganra", Why: "no_number"}) {
			t.Errorf("%+v", first)
		}
	})
}

func TestBadContactsAreRefused(t *testing.T) {
	h := newHouse(t, testserver.SQLiteURL(t))
	const head = "service,name,district,dial,phone,line,national,note\n"
	for _, file := range []string{
		"", "a,b\n", head, head + "nonsense,X,,1,,mobile,,\n", head + "fire,,,1,,mobile,,\n", head + "fire,X,73.99.01,1,,mobile,,\n",
		head + "fire,X,73.12.05.1002,1,,mobile,,\n", head + "fire,X,,1,0811,mobile,,\n", head + "fire,X,,1,,satellite,,\n", head + "fire,X\n",
		head + "fire,Good,,1,,none,,\nfire,,,1,,none,,\n",
	} {
		if n, err := h.center.ImportContacts(t.Context(), strings.NewReader(file), "", "test"); err == nil {
			t.Errorf("%q: %d rows are taken", file, n)
		}
	}
	if n := h.count(`select count(*) from contacts where name = 'Good'`); n != 0 {
		t.Error("half a file is taken")
	}
	// A number that has changed has to be verified anew; one that has not stays.
	for _, phone := range []string{"+6281100000911", "+6281100000977"} {
		if _, err := h.center.ImportContacts(t.Context(), strings.NewReader(head+"fire,Pos Marioriawa,73.12.05,081100000911,"+phone+",mobile,,\n"), "", "test"); err != nil {
			t.Fatal(err)
		}
		if n := h.count(`select count(*) from contacts where name = 'Pos Marioriawa' and verified_at is not null`); n == 0 && phone == "+6281100000911" {
			t.Error("an unchanged number has to be verified again")
		}
	}
	if n := h.count(`select count(*) from contacts where name = 'Pos Marioriawa' and verified_at is not null and phone = '+6281100000977'`); n != 0 {
		t.Error("a new number counts as verified")
	}
}

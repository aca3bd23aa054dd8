package main

import (
	"strings"
	"testing"

	"tabe/adapters/database"
	"tabe/adapters/scc"
	"tabe/flows/darurat"
)

// seedEmergencies adds what the stories of flows/siaga are about: a fire post
// whose number is verified, and two fires that it was paged for.
func seedEmergencies(t *testing.T, a *app) {
	t.Helper()
	const contacts = "service,name,district,dial,phone,line,national,note\n" +
		"fire,Pos Damkar Marioriawa,73.12.05,081100000911,+6281100000911,mobile,,\n"
	if _, err := a.center.ImportContacts(t.Context(), strings.NewReader(contacts), "test", "test"); err != nil {
		t.Fatal(err)
	}
	for _, desa := range []string{"73.12.05.1002", "73.12.05.2006"} { // Kaca, Bulue
		id, err := a.center.Create(t.Context(), "andi", scc.Manual{Kind: darurat.Fire, Where: darurat.Where{Unit: desa}})
		if err != nil {
			t.Fatal(err)
		}
		if err := a.db.Do(t.Context(), func(tx *database.Tx) error {
			_, err := tx.Exec(`insert into pages (id, incident, target, contact, phone, channel, rest, posted) values ($1, $2, 'post', 1, '+6281100000911', 'sms', '', 0)`,
				darurat.Code(id), id)
			return err
		}); err != nil {
			t.Fatal(err)
		}
	}
}

package unanswered_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"tabe/adapters/database"
	"tabe/adapters/testserver"
	"tabe/adapters/unanswered"
	"tabe/bot/understand"
	"tabe/flows/menu"
)

func save(t *testing.T, db *database.DB, text string) {
	t.Helper()
	u := menu.Unanswered{Text: text, Language: "id", Guess: understand.Guess{Intent: understand.Complaint}}
	err := db.Do(context.Background(), func(tx *database.Tx) error { return unanswered.Save(tx, time.Now(), u) })
	if err != nil {
		t.Fatal(err)
	}
}

func TestFromAnUtteranceToAnExample(t *testing.T) {
	testserver.Databases(t, func(t *testing.T, db *database.DB) {
		for _, text := range []string{"jarang", "sering\tsekali", "sering\tsekali", "bukan apa-apa", "", strings.Repeat("é", 400)} {
			save(t, db, text)
		}
		items, err := unanswered.Open(t.Context(), db, 10)
		if err != nil || len(items) != 4 || items[0].Times != 2 || items[0].Guess != understand.Complaint {
			t.Fatalf("%+v, %v", items, err)
		}
		for i, label := range []string{"tax_bill", "complaint", unanswered.None} {
			if err := unanswered.Label(t.Context(), db, items[i].ID, label); err != nil {
				t.Fatal(err)
			}
		}
		if err := unanswered.Label(t.Context(), db, items[3].ID, "nonsense"); !errors.Is(err, unanswered.ErrLabel) {
			t.Errorf("a label that does not exist: %v", err)
		}
		if err := unanswered.Label(t.Context(), db, 999, "thanks"); err == nil {
			t.Error("an utterance that does not exist was labelled")
		}
		var out strings.Builder
		n, err := unanswered.Export(t.Context(), db, &out)
		want := "text\tintent\tlanguage\tslots\njarang\tcomplaint\tid\t{}\nsering sekali\ttax_bill\tid\t{}\n"
		if err != nil || n != 2 || out.String() != want {
			t.Errorf("%d examples, %v:\n%s", n, err, out.String())
		}
	})
}

func TestAFloodIsNotKept(t *testing.T) {
	db := testserver.OpenDatabase(t, testserver.SQLiteURL(t))
	err := db.Do(t.Context(), func(tx *database.Tx) error {
		for i := range 5100 {
			if err := unanswered.Save(tx, time.Now(), menu.Unanswered{Text: fmt.Sprint("pesan ", i)}); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	items, err := unanswered.Open(t.Context(), db, 10_000)
	if err != nil || len(items) != 5000 {
		t.Errorf("%d are kept, %v", len(items), err)
	}
}

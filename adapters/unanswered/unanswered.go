// Package unanswered keeps what nobody understood, without personal data,
// until a person has said what was meant. What was labelled can be exported as
// examples for the understanding.
package unanswered

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"tabe/adapters/database"
	"tabe/bot/understand"
	"tabe/flows/menu"
)

// None is the label of an utterance that is no example of anything.
const None = "none"

// maxLength is how much of an utterance is kept, in bytes, and maxOpen how many
// wait for a label: whoever floods us must not fill the disk.
const (
	maxLength = 300
	maxOpen   = 5000
)

// Item is an utterance without a label.
type Item struct {
	ID        int64
	Text      string
	Language  string
	Guess     understand.Intent
	Times     int
	FirstSeen time.Time
}

// Save keeps an utterance in the transaction of the turn; one that is there
// already is counted.
func Save(tx *database.Tx, now time.Time, u menu.Unanswered) error {
	text := strings.ToValidUTF8(u.Text[:min(len(u.Text), maxLength)], "")
	if text == "" {
		return nil
	}
	var open int
	if err := tx.QueryRow(`select count(*) from (select 1 from unanswered where label = '' limit $1) as waiting`, []any{maxOpen}, &open); err != nil {
		return err
	}
	if open >= maxOpen {
		return nil
	}
	_, err := tx.Exec(`insert into unanswered (text, language, guess, times, first_seen) values ($1, $2, $3, 1, $4)
		on conflict (text, language) do update set times = unanswered.times + 1`,
		text, u.Language, string(u.Guess.Intent), database.Micros(now))
	return err
}

// Open returns utterances without a label, the most frequent first.
func Open(ctx context.Context, db *database.DB, limit int) ([]Item, error) {
	rows, err := db.Query(ctx, `select id, text, language, guess, times, first_seen from unanswered
		where label = '' order by times desc, id limit $1`, limit)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var items []Item
	for rows.Next() {
		var i Item
		var seen int64
		if err := rows.Scan(&i.ID, &i.Text, &i.Language, &i.Guess, &i.Times, &seen); err != nil {
			return nil, err
		}
		i.FirstSeen = database.Time(seen)
		items = append(items, i)
	}
	return items, rows.Err()
}

// ErrLabel is returned by Label for what is neither an intent nor None.
var ErrLabel = errors.New("unanswered: no such label")

// Label says what an utterance meant: an intent, or None.
func Label(ctx context.Context, db *database.DB, id int64, label string) error {
	if label != None && !slices.Contains(understand.Intents(), understand.Intent(label)) {
		return ErrLabel
	}
	return db.Do(ctx, func(tx *database.Tx) error {
		changed, err := tx.Exec(`update unanswered set label = $1 where id = $2`, label, id)
		if err == nil && changed == 0 {
			err = fmt.Errorf("unanswered: there is no utterance %d", id)
		}
		return err
	})
}

// Export writes the labelled utterances as examples, in the form of
// bot/understand/corpus: text, intent, language and slots, parted by tabs.
func Export(ctx context.Context, db *database.DB, w io.Writer) (n int, err error) {
	rows, err := db.Query(ctx, `select text, label, language from unanswered where label <> '' and label <> $1 order by id`, None)
	if err != nil {
		return 0, err
	}
	defer rows.Close()
	if _, err := io.WriteString(w, "text\tintent\tlanguage\tslots\n"); err != nil {
		return 0, err
	}
	for ; rows.Next(); n++ {
		var text, label, language string
		if err := rows.Scan(&text, &label, &language); err != nil {
			return n, err
		}
		if _, err := fmt.Fprintf(w, "%s\t%s\t%s\t{}\n", strings.ReplaceAll(text, "\t", " "), label, language); err != nil {
			return n, err
		}
	}
	return n, rows.Err()
}

// Package privacy keeps what the law on personal data (UU 27/2022) asks for
// beside the data itself: who of the offices looked at what of a resident, and
// for how long anything is kept at all. The flow privasi tells residents.
package privacy

import (
	"context"
	"errors"
	"fmt"
	"time"

	"tabe/adapters/database"
	"tabe/adapters/store"
	"tabe/bot"
	"tabe/flows/privasi"
)

// The roles and the data that flows/privasi has words for; any other is told
// in general words.
const (
	Operator   = "operator"
	Supervisor = "supervisor"
	Office     = "office"

	Conversation = "conversation"
	Complaint    = "complaint"
	Incident     = "incident"
)

// again is how long a second look by the same role at the same data is the
// same look: an open page asks every few seconds.
const again = 10 * time.Minute

// maxName is the longest role and kind of data, in bytes.
const maxName = 40

// Saw records, in the transaction by which it is shown, that somebody looked at
// a resident's data: who as a role, never as a name, and what kind of data.
func Saw(tx *database.Tx, at time.Time, resident bot.ResidentID, who, what string) error {
	if resident == "" || who == "" || what == "" || len(who) > maxName || len(what) > maxName {
		return errors.New("privacy: a look needs a resident, a role and what was seen")
	}
	_, err := tx.Exec(`insert into access_log (resident, at, who, what) select cast($1 as text), cast($2 as bigint), cast($3 as text), cast($4 as text) where not exists
		(select 1 from access_log where resident = $1 and at > $5 and at <= $2 and who = $3 and what = $4)`,
		string(resident), database.Micros(at), who, what, database.Micros(at.Add(-again)))
	return err
}

// seen returns the newest looks at a resident's data, newest first.
func seen(ctx context.Context, db *database.DB, resident bot.ResidentID, limit int) (list []privasi.Access, err error) {
	rows, err := db.Query(ctx, `select at, who, what from access_log where resident = $1 order by id desc limit $2`, resident, limit)
	if err != nil {
		return nil, fmt.Errorf("privacy: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var a privasi.Access
		var at int64
		if err := rows.Scan(&at, &a.Role, &a.What); err != nil {
			return nil, fmt.Errorf("privacy: %w", err)
		}
		a.At = database.Time(at)
		list = append(list, a)
	}
	return list, rows.Err()
}

// Effects are what the store has to know, to have the access log forgotten
// with everything else.
func Effects() []store.Effect {
	return []store.Effect{store.On(func(tx *database.Tx, e bot.Entry, _ bot.Erase) error {
		_, err := tx.Exec(`delete from access_log where resident = $1`, e.Resident)
		return err
	})}
}

// PruneAccesses removes looks before a point in time.
func PruneAccesses(ctx context.Context, db *database.DB, before time.Time) (removed int64, err error) {
	err = db.Do(ctx, func(tx *database.Tx) (err error) {
		removed, err = tx.Exec(`delete from access_log where at < $1`, database.Micros(before))
		return err
	})
	return removed, err
}

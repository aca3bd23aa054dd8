package desk

import (
	"errors"

	"tabe/adapters/database"
	"tabe/bot"
)

// Join gives the cases of a resident to the one that he is now (see bot.Link).
// If both have asked for a person, the older case is closed for the newer one's
// sake: whoever answers that has the whole conversation before him.
func (d *Desk) Join(tx *database.Tx, from, into bot.ResidentID) error {
	if _, err := tx.Exec(`update desk_cases set stage = 'closed', closed = $1, outcome = $2 where stage <> 'closed' and resident in ($3, $4)
		and id < (select max(id) from desk_cases where stage <> 'closed' and resident in ($3, $4))`,
		database.Micros(d.Clock()), HandedOver, from, into); err != nil {
		return err
	}
	bodies := map[int64][]byte{}
	rows, err := tx.Query(`select id, body from desk_cases where resident = $1`, from)
	if err != nil {
		return err
	}
	for rows.Next() {
		var id int64
		var body []byte
		if err = rows.Scan(&id, &body); err != nil {
			break
		}
		bodies[id] = body
	}
	if err := errors.Join(err, rows.Err(), rows.Close()); err != nil {
		return err
	}
	for id, body := range bodies {
		if len(body) > 0 {
			l, err := d.openLetter(from, body)
			if err != nil {
				return err
			}
			if body, err = d.sealLetter(into, l); err != nil {
				return err
			}
		}
		if _, err := tx.Exec(`update desk_cases set resident = $1, body = $2 where id = $3`, into, body, id); err != nil {
			return err
		}
	}
	return nil
}

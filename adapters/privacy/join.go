package privacy

import (
	"tabe/adapters/database"
	"tabe/bot"
)

// Join lets the looks at a resident's data be those at the data of the one that
// he is now (see bot.Link).
func Join(tx *database.Tx, from, into bot.ResidentID) error {
	_, err := tx.Exec(`update access_log set resident = $1 where resident = $2`, into, from)
	return err
}

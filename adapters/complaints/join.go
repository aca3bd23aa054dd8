package complaints

import (
	"tabe/adapters/database"
	"tabe/bot"
)

// Join gives the complaints of a resident to the one that he is now (see bot.Link).
func (r *Register) Join(tx *database.Tx, from, into bot.ResidentID) error {
	_, err := tx.Exec(`update complaints set resident = $1 where resident = $2`, into, from)
	return err
}

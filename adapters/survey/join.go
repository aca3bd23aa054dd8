package survey

import (
	"tabe/adapters/database"
	"tabe/bot"
)

// Join lets it count for a resident when the one that he was until now was
// asked (see bot.Link).
func Join(tx *database.Tx, from, into bot.ResidentID) error {
	if _, err := tx.Exec(`insert into survey_asked (resident, at) select $2, at from survey_asked where resident = $1
		on conflict (resident) do update set at = case when excluded.at > survey_asked.at then excluded.at else survey_asked.at end`, from, into); err != nil {
		return err
	}
	_, err := tx.Exec(`delete from survey_asked where resident = $1`, from)
	return err
}

package notices

import (
	"encoding/json"

	"tabe/adapters/database"
	"tabe/adapters/store"
	"tabe/bot"
)

// row is a subscription on its way to somebody else.
type row struct {
	id               int64
	purpose, keyHash string
	body             []byte
}

func (s *Subscriptions) rows(tx *database.Tx, where string, args ...any) (list []row, err error) {
	rows, err := tx.Query(`select id, purpose, key_hash, body from subscriptions where `+where, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var r row
		if err := rows.Scan(&r.id, &r.purpose, &r.keyHash, &r.body); err != nil {
			return nil, err
		}
		list = append(list, r)
	}
	return list, rows.Err()
}

// Join gives what a resident is told of to the one that he is now (see
// bot.Link). What both are told of goes on as it was. Who sent STOP by one of
// the two is not told anything that he did not ask for by the other.
func (s *Subscriptions) Join(tx *database.Tx, from, into bot.ResidentID) error {
	list, err := s.rows(tx, `resident = $1 and not exists (select 1 from subscriptions o where o.resident = $2
		and o.purpose = subscriptions.purpose and o.key_hash = subscriptions.key_hash)`, from, into)
	if err != nil {
		return err
	}
	for _, r := range list {
		a, err := s.open(r.body, from, r.purpose, r.keyHash)
		if err != nil {
			return err
		}
		plain, err := json.Marshal(a)
		if err != nil {
			return err
		}
		if _, err := tx.Exec(`update subscriptions set resident = $1, body = $2 where id = $3`, into, s.seal.Seal(plain, place(into, r.purpose, r.keyHash)), r.id); err != nil {
			return err
		}
	}
	if _, err := tx.Exec(`insert into silences (resident, since) select $2, since from silences where resident = $1 on conflict (resident) do nothing`, from, into); err != nil {
		return err
	}
	for _, query := range []string{`delete from subscriptions where resident = $1`, `delete from silences where resident = $1`} {
		if _, err := tx.Exec(query, from); err != nil {
			return err
		}
	}
	return nil
}

// Leave ends what a resident is told of by a channel, because the account there
// is his no longer, and holds back what is on its way.
func (s *Subscriptions) Leave(tx *database.Tx, resident bot.ResidentID, c bot.ChannelID) error {
	list, err := s.rows(tx, `resident = $1 and channel = $2`, resident, c)
	if err != nil {
		return err
	}
	for _, r := range list {
		if err := store.Withdraw(tx, resident, prefix+newsPrefix(r.id)); err != nil {
			return err
		}
	}
	_, err = tx.Exec(`delete from subscriptions where resident = $1 and channel = $2`, resident, c)
	return err
}

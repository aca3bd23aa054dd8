package store

import (
	"database/sql"
	"errors"
	"slices"

	"tabe/adapters/database"
	"tabe/bot"
)

// Join makes one resident of two: all that is of the resident of e becomes that
// of the one with the Subject owner, whose new state join makes of both. It
// returns his id. From then on the subject of e has to be known as owner
// (see OnAccept).
func (s *Store) Join(tx *database.Tx, e bot.Entry, owner string, join func(owner, account []byte) ([]byte, error)) (bot.ResidentID, error) {
	from, into := e.Resident, s.ID(owner)
	states, heads := [2]bot.State{}, [2]sql.NullInt64{}
	for i, id := range []bot.ResidentID{into, from} {
		var sealed []byte
		err := tx.QueryRow(`select version, state, last_seq from residents where id = $1`, []any{id}, &states[i].Version, &sealed, &heads[i])
		if errors.Is(err, sql.ErrNoRows) {
			continue
		}
		if err == nil {
			states[i].Blob, err = s.seal.Open(sealed, statePlace(id))
		}
		if err != nil {
			return into, err
		}
	}
	blob, err := join(states[0].Blob, states[1].Blob)
	if err != nil {
		return into, err
	}
	head, err := splice(tx, heads[0], heads[1], into)
	if err != nil {
		return into, err
	}
	sealed := s.seal.Seal(blob, statePlace(into))
	var changed int64
	if states[0].Version == 0 {
		changed, err = tx.Exec(`insert into residents (id, version, state, last_seq) values ($1, 1, $2, $3) on conflict do nothing`, into, sealed, head)
	} else {
		changed, err = tx.Exec(`update residents set version = version + 1, state = $1, last_seq = $2 where id = $3 and version = $4`, sealed, head, into, states[0].Version)
	}
	if err == nil && changed == 0 {
		err = bot.ErrStale // he was answered meanwhile
	}
	if err != nil {
		return into, err
	}
	if _, err := tx.Exec(`delete from residents where id = $1`, from); err != nil {
		return into, err
	}
	if err := s.readdress(tx, from, into, owner); err != nil {
		return into, err
	}
	return into, requeue(tx, from, into)
}

// link is one row of a resident's list through journal.previous.
type link struct {
	seq, previous int64
	account       bool // it was of the one who is joined
}

// splice makes one list of the answered messages of two residents, newest
// first, and returns its head.
func splice(tx *database.Tx, a, b sql.NullInt64, into bot.ResidentID) (head int64, err error) {
	var all []link
	for i, start := range []sql.NullInt64{a, b} {
		if !start.Valid {
			continue
		}
		rows, err := tx.Query(`with recursive chain (seq, previous) as (
			select seq, previous from journal where seq = $1
			union all select j.seq, j.previous from journal j join chain c on j.seq = c.previous)
			select seq, coalesce(previous, 0) from chain`, start.Int64)
		if err != nil {
			return 0, err
		}
		for rows.Next() {
			l := link{account: i == 1}
			if err := rows.Scan(&l.seq, &l.previous); err != nil {
				return 0, errors.Join(err, rows.Close())
			}
			all = append(all, l)
		}
		if err := errors.Join(rows.Err(), rows.Close()); err != nil {
			return 0, err
		}
	}
	slices.SortFunc(all, func(x, y link) int { return int(y.seq - x.seq) })
	for i, l := range all {
		var previous any
		next := int64(0)
		if i+1 < len(all) {
			next = all[i+1].seq
			previous = next
		}
		if l.previous == next && !l.account {
			continue
		}
		if _, err := tx.Exec(`update journal set previous = $1, resident = case when $2 then $3 else resident end where seq = $4`, previous, l.account, into, l.seq); err != nil {
			return 0, err
		}
	}
	if len(all) == 0 { // pruned, all of it
		return max(a.Int64, b.Int64), nil
	}
	return all[0].seq, nil
}

// readdress gives the messages that are not answered yet to the new resident,
// who is woken to answer them.
func (s *Store) readdress(tx *database.Tx, from, into bot.ResidentID, owner string) error {
	waiting, err := waitingOf(tx, from)
	if err != nil {
		return err
	}
	for _, w := range waiting {
		if err := s.openMessage(&w.entry.Message, w.body); err != nil {
			return err
		}
		w.entry.Subject = owner
		body, err := s.sealMessage(w.entry.Message)
		if err != nil {
			return err
		}
		if _, err := tx.Exec(`update journal set resident = $1, body = $2 where seq = $3`, into, body, w.entry.Seq); err != nil {
			return err
		}
	}
	if len(waiting) > 0 {
		tx.AfterCommit(func() { s.posted(into) })
	}
	return nil
}

type waitingMessage struct {
	entry bot.Entry
	body  []byte
}

func waitingOf(tx *database.Tx, id bot.ResidentID) (list []waitingMessage, err error) {
	rows, err := tx.Query(`select seq, channel, message_id, body from journal where resident = $1 and answered is null`, id)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var w waitingMessage
		if err := rows.Scan(&w.entry.Seq, &w.entry.Channel, &w.entry.ID, &w.body); err != nil {
			return nil, err
		}
		list = append(list, w)
	}
	return list, rows.Err()
}

// requeue puts what is on its way to a resident behind what is on its way to
// the one that he is now, channel by channel.
func requeue(tx *database.Tx, from, into bot.ResidentID) error {
	rows, err := tx.Query(`select channel, id from outbox where resident = $1 and status = 'queued' and ready`, from)
	if err != nil {
		return err
	}
	first := map[bot.ChannelID]int64{}
	for rows.Next() {
		var c bot.ChannelID
		var id int64
		if err := rows.Scan(&c, &id); err != nil {
			return errors.Join(err, rows.Close())
		}
		first[c] = id
	}
	if err := errors.Join(rows.Err(), rows.Close()); err != nil {
		return err
	}
	for c, id := range first {
		waits, _, err := attach(tx, into, c, id)
		if err != nil {
			return err
		}
		if waits {
			if _, err := tx.Exec(`update outbox set ready = false where id = $1`, id); err != nil {
				return err
			}
		}
		if _, err := tx.Exec(`update outbox set resident = $1 where resident = $2 and channel = $3 and status = 'queued'`, into, from, c); err != nil {
			return err
		}
	}
	return nil
}

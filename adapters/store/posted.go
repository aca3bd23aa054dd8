package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"tabe/adapters/database"
	"tabe/bot"
)

// Withdraw takes back what was posted to a resident and not told yet: the
// messages whose id begins with prefix.
func Withdraw(tx *database.Tx, resident bot.ResidentID, prefix string) error {
	_, err := tx.Exec(`delete from journal where resident = $1 and answered is null and substr(message_id, 1, $2) = $3`, resident, len(prefix), prefix)
	return err
}

// Postpone lets what was posted and not told yet wait until a point in time:
// the messages whose id begins with prefix.
func (s *Store) Postpone(ctx context.Context, prefix string, until time.Time) error {
	err := s.db.Do(ctx, func(tx *database.Tx) error {
		_, err := tx.Exec(`update journal set accepted = $1 where answered is null and accepted < $1 and substr(message_id, 1, $2) = $3`,
			database.Micros(until), len(prefix), prefix)
		return err
	})
	if err != nil {
		return fmt.Errorf("store: postpone: %w", err)
	}
	return nil
}

// Message returns a message of the journal. Of one that was erased, channel and
// id are all that is left; one that was pruned is the zero Entry.
func (s *Store) Message(ctx context.Context, seq int64) (bot.Entry, error) {
	e := bot.Entry{Seq: seq}
	var body []byte
	var due int64
	err := s.db.QueryRow(ctx, `select resident, channel, message_id, accepted, body from journal where seq = $1`, seq).
		Scan(&e.Resident, &e.Channel, &e.ID, &due, &body)
	e.Due = database.Time(due)
	if errors.Is(err, sql.ErrNoRows) {
		return bot.Entry{}, nil
	}
	if err == nil {
		err = s.openMessage(&e.Message, body)
	}
	if err != nil {
		return bot.Entry{}, fmt.Errorf("store: message %d: %w", seq, err)
	}
	return e, nil
}

package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"tabe/bot"
)

// Delivery is how far the first answer to a message has come.
type Delivery struct {
	Answered bool       // a turn was run; if it said nothing, Status is empty
	Status   bot.Status // of the answer
	Attempts int        // that failed
}

// Delivery follows a message that was posted: whether it was told, and whether
// that has arrived. It is the zero Delivery for a message that is not there.
func (s *Store) Delivery(ctx context.Context, c bot.ChannelID, messageID string) (d Delivery, err error) {
	var status sql.NullString
	var attempts sql.NullInt64
	err = s.db.QueryRow(ctx, `select j.answered is not null, o.status, o.attempt
		from journal j left join outbox o on o.id = j.seq * 64 where j.channel = $1 and j.message_id = $2`, c, messageID).
		Scan(&d.Answered, &status, &attempts)
	if errors.Is(err, sql.ErrNoRows) {
		return Delivery{}, nil
	}
	if err != nil {
		return d, fmt.Errorf("store: delivery: %w", err)
	}
	d.Status, d.Attempts = bot.Status(status.String), int(attempts.Int64)
	return d, nil
}

package notices

import (
	"context"
	"time"

	"tabe/adapters/database"
	"tabe/bot"
)

// Count is how often something came out with the notices of one purpose on one
// channel.
type Count struct {
	Purpose string
	Channel bot.ChannelID
	Outcome string // posted, unreachable
	N       int64
}

// Counts returns what became of the notices since the day of a point in time.
func Counts(ctx context.Context, db *database.DB, since time.Time) (list []Count, err error) {
	rows, err := db.Query(ctx, `select purpose, channel, outcome, sum(n) from notice_counts where day >= $1
		group by purpose, channel, outcome order by purpose, channel, outcome`, since.In(bot.WITA).Format(time.DateOnly))
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var c Count
		if err := rows.Scan(&c.Purpose, &c.Channel, &c.Outcome, &c.N); err != nil {
			return nil, err
		}
		list = append(list, c)
	}
	return list, rows.Err()
}

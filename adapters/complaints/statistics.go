package complaints

import (
	"context"
	"fmt"
	"time"

	"tabe/adapters/database"
)

// Count is how an office does with its complaints of a time.
type Count struct {
	Office   string // code
	Filed    int
	New      int // nobody has looked yet
	Open     int // taken, answered or handed over, but not closed
	Handed   int // of all, those that went to SP4N-LAPOR!
	Closed   int
	Answered int           // of all, those that were answered, closed or handed over
	Wait     time.Duration // mean time until that; 0 if none was
}

// Statistics returns the counts of complaints filed in [from, to), office by
// office, those with the most first.
func (d *Desk) Statistics(ctx context.Context, from, to time.Time) ([]Count, error) {
	rows, err := d.db.Query(ctx, `select office, count(*),
			sum(case when status = 'new' then 1 else 0 end),
			sum(case when status not in ('new', 'closed') then 1 else 0 end),
			sum(case when reference <> '' then 1 else 0 end),
			sum(case when status = 'closed' then 1 else 0 end),
			count(answered), coalesce(cast(avg(answered - filed) as bigint), 0)
		from complaints where filed >= $1 and filed < $2 group by office order by count(*) desc, office`,
		database.Micros(from), database.Micros(to))
	if err != nil {
		return nil, fmt.Errorf("complaints: statistics: %w", err)
	}
	defer rows.Close()
	var list []Count
	for rows.Next() {
		var c Count
		var wait int64
		if err := rows.Scan(&c.Office, &c.Filed, &c.New, &c.Open, &c.Handed, &c.Closed, &c.Answered, &wait); err != nil {
			return nil, fmt.Errorf("complaints: statistics: %w", err)
		}
		c.Wait = time.Duration(wait) * time.Microsecond
		list = append(list, c)
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("complaints: statistics: %w", err)
	}
	return list, nil
}

package scc

import (
	"context"
	"fmt"
	"time"

	"tabe/adapters/database"
)

// Arrivals returns when somebody of ours was first at the place of each
// incident that was opened in a span of time, by the id of the incident.
func (c *Center) Arrivals(ctx context.Context, from, to time.Time) (map[int64]time.Time, error) {
	rows, err := c.DB.Query(ctx, `select d.incident, min(d.on_scene) from dispatches d join incidents i on i.id = d.incident
		where d.on_scene is not null and i.opened >= $1 and i.opened < $2 group by d.incident`, database.Micros(from), database.Micros(to))
	if err != nil {
		return nil, fmt.Errorf("scc: arrivals: %w", err)
	}
	defer rows.Close()
	arrived := map[int64]time.Time{}
	for rows.Next() {
		var id, at int64
		if err := rows.Scan(&id, &at); err != nil {
			return nil, fmt.Errorf("scc: arrivals: %w", err)
		}
		arrived[id] = database.Time(at)
	}
	return arrived, rows.Err()
}

package scc

import (
	"context"
	"fmt"
	"time"

	"tabe/adapters/database"
	"tabe/bot"
)

// Reported returns of how many incidents it is kept that a resident reported them.
func (c *Center) Reported(ctx context.Context, resident bot.ResidentID) (n int, err error) {
	if err := c.DB.QueryRow(ctx, `select count(*) from incident_reporters where resident = $1 and length(body) > 0`, resident).Scan(&n); err != nil {
		return 0, fmt.Errorf("scc: reported: %w", err)
	}
	return n, nil
}

// keepBatch is how many incidents are looked at in one transaction.
const keepBatch = 200

// Prune erases the personal data of incidents that were closed before a point
// in time. What happened and when stays.
func (c *Center) Prune(ctx context.Context, before time.Time) (removed int64, err error) {
	for {
		var changed int64
		err := c.DB.Do(ctx, func(tx *database.Tx) error {
			var last *int64
			if err := tx.QueryRow(`select count(*), max(id) from (select id from incidents where status = 'closed' and closed < $1
				and (reporter <> '' or landmark is not null or lat is not null
				or exists (select 1 from incident_reporters r where r.incident = incidents.id)) order by id limit $2) as old`,
				[]any{database.Micros(before), keepBatch}, &changed, &last); err != nil || last == nil {
				return err
			}
			const old = `select id from incidents where status = 'closed' and closed < $1 and id <= $2`
			for _, query := range []string{
				`update incident_messages set body = substr(body, 1, 0) where author = 'reporter' and length(body) > 0 and incident in (` + old + `)`,
				`delete from incident_reporters where incident in (` + old + `)`,
				`update incidents set landmark = null, reporter = '', lat = null, lng = null where id in (` + old + `)`,
			} {
				if _, err := tx.Exec(query, database.Micros(before), *last); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return removed, fmt.Errorf("scc: prune: %w", err)
		}
		if removed += changed; changed < keepBatch {
			return removed, nil
		}
	}
}

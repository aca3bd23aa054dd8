package scc

import (
	"errors"
	"fmt"

	"tabe/adapters/database"
	"tabe/bot"
)

// Join gives what a resident reported to the one that he is now (see bot.Link).
func (c *Center) Join(tx *database.Tx, from, into bot.ResidentID) error {
	if _, err := tx.Exec(`update incidents set reporter = $1 where reporter = $2`, into, from); err != nil {
		return fmt.Errorf("scc: join: %w", err)
	}
	list, err := reports(tx, from)
	if err != nil {
		return fmt.Errorf("scc: join: %w", err)
	}
	for _, r := range list {
		place := func(id bot.ResidentID) string { return reporterCell(r.incident, id, r.channel) }
		var a address
		there, err := c.opened(r.body, place(from), &a)
		body := r.body // erased
		if err == nil && there {
			body, err = c.sealed(a, place(into))
		}
		if err != nil {
			return fmt.Errorf("scc: join: %w", err)
		}
		if _, err := tx.Exec(`update incident_reporters set resident = $1, body = $2 where incident = $3 and resident = $4 and channel = $5
			and not exists (select 1 from incident_reporters o where o.incident = $3 and o.resident = $1 and o.channel = $5)`,
			into, body, r.incident, from, r.channel); err != nil {
			return fmt.Errorf("scc: join: %w", err)
		}
	}
	return nil
}

type reporterRow struct {
	incident int64
	channel  bot.ChannelID
	body     []byte
}

func reports(tx *database.Tx, id bot.ResidentID) (list []reporterRow, err error) {
	rows, err := tx.Query(`select incident, channel, body from incident_reporters where resident = $1`, id)
	if err != nil {
		return nil, err
	}
	for rows.Next() {
		var r reporterRow
		if err = rows.Scan(&r.incident, &r.channel, &r.body); err != nil {
			break
		}
		list = append(list, r)
	}
	return list, errors.Join(err, rows.Err(), rows.Close())
}

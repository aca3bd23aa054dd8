package console

import (
	"fmt"
	"slices"
	"time"

	"tabe/adapters/database"
	"tabe/adapters/store"
	"tabe/bot"
	"tabe/flows/darurat"
)

// around is how much before and after a case of violence is kept from sight: a
// message can have waited, and its answer come later.
const around = 10 * time.Minute

// conceal takes out of a conversation what was said about a case of violence,
// for everybody but the one role. It reports whether anything was.
func (s *Console) conceal(r *request, resident bot.ResidentID, thread []store.Line) ([]store.Line, bool, error) {
	if mayRead(r.session.Operator, darurat.Violence) {
		return thread, false, nil
	}
	rows, err := s.DB.Query(r.Context(), `select i.opened, i.heard from incident_reporters p join incidents i on i.id = p.incident
		where p.resident = $1 and i.kind = $2`, string(resident), string(darurat.Violence))
	if err != nil {
		return nil, false, fmt.Errorf("conceal: %w", err)
	}
	defer rows.Close()
	before := len(thread)
	for rows.Next() {
		var opened, heard int64
		if err := rows.Scan(&opened, &heard); err != nil {
			return nil, false, fmt.Errorf("conceal: %w", err)
		}
		from, until := database.Time(opened).Add(-around), database.Time(heard).Add(around)
		thread = slices.DeleteFunc(thread, func(l store.Line) bool { return l.At.After(from) && l.At.Before(until) })
	}
	return thread, len(thread) < before, rows.Err()
}

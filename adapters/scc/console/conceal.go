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

// conceal takes out of a conversation what was said about cases of violence,
// for everybody but the one role. It reports whether anything was.
func (s *Console) conceal(r *request, resident bot.ResidentID, thread []store.Line) ([]store.Line, bool, error) {
	if mayRead(r.session.Operator, darurat.Violence) {
		return thread, false, nil
	}
	secret, err := s.violence(r, resident)
	if err != nil {
		return nil, false, fmt.Errorf("conceal: %w", err)
	}
	seqs := map[int64]bool{}
	for _, l := range thread {
		if l.Message != nil && secret.messages[string(l.Channel)+" "+l.Message.ID] {
			seqs[l.Seq] = true
			// By the clock of the journal, which need not be that of the database.
			secret.spans = append(secret.spans, span{l.At.Add(-around), l.At.Add(around)})
		}
	}
	before := len(thread)
	thread = slices.DeleteFunc(thread, func(l store.Line) bool {
		return seqs[l.Seq] || slices.ContainsFunc(secret.spans, func(p span) bool { return l.At.After(p.from) && l.At.Before(p.until) })
	})
	return thread, len(thread) < before, nil
}

type span struct{ from, until time.Time }

// secrets are what of a resident's messages is about violence.
type secrets struct {
	messages map[string]bool // channel and id
	spans    []span
}

func (s *Console) violence(r *request, resident bot.ResidentID) (found secrets, err error) {
	found.messages = map[string]bool{}
	rows, err := s.DB.Query(r.Context(), `select i.opened, i.heard, coalesce(m.source, '') from incident_reporters p
		join incidents i on i.id = p.incident left join incident_messages m on m.incident = i.id and m.author = 'reporter'
		where p.resident = $1 and i.kind = $2`, string(resident), string(darurat.Violence))
	if err != nil {
		return found, err
	}
	defer rows.Close()
	for rows.Next() {
		var opened, heard int64
		var source string
		if err := rows.Scan(&opened, &heard, &source); err != nil {
			return found, err
		}
		found.messages[source] = true
		found.spans = append(found.spans, span{database.Time(opened).Add(-around), database.Time(heard).Add(around)})
	}
	return found, rows.Err()
}

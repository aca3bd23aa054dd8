// Package survey measures how satisfied residents are (SKM, PermenPANRB
// 14/2017): it looks for conversations that ended well, has the flow survei ask
// a few of those residents about two of the nine elements, and counts what
// they say, without the resident.
package survey

import (
	"cmp"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"slices"
	"strconv"
	"time"

	"tabe/adapters/database"
	"tabe/adapters/notices"
	"tabe/adapters/store"
	"tabe/bot"
	"tabe/flows/survei"
)

// asked is the score under which it is counted how often an element was asked.
const asked = 0

// Effects are what the store has to know, to let the flow count.
func Effects(clock func() time.Time) []store.Effect {
	return []store.Effect{
		store.On(func(tx *database.Tx, _ bot.Entry, a survei.Answer) error {
			if a.Score < survei.Lowest || a.Score > survei.Highest || !slices.Contains(survei.Elements, a.Element) {
				return fmt.Errorf("survey: no score of the survey: %s %d", a.Element, a.Score)
			}
			return score(tx, clock(), a.Service, a.Element, a.Score)
		}),
		store.On(func(tx *database.Tx, e bot.Entry, _ bot.Erase) error {
			_, err := tx.Exec(`delete from survey_asked where resident = $1`, e.Resident)
			return err
		}),
	}
}

func score(tx *database.Tx, now time.Time, service string, element survei.Element, score int) error {
	_, err := tx.Exec(`insert into survey_scores (service, element, month, score, n) values ($1, $2, $3, $4, 1)
		on conflict (service, element, month, score) do update set n = survey_scores.n + 1`, service, element, month(now), score)
	return err
}

// Messages reads the journal; store.Store does.
type Messages interface {
	Message(ctx context.Context, seq int64) (bot.Entry, error)
}

// Positions tells where a resident stands; bot.Engine does.
type Positions interface {
	Position(ctx context.Context, subject string, c bot.ChannelID) (bot.Position, error)
}

// Inviter finds whom to ask. It implements notices.Round.
type Inviter struct {
	DB        *database.DB
	Messages  Messages
	Positions Positions
	Post      *notices.Post
	Rules     Rules
	Log       *slog.Logger
}

// scanBatch is how many messages of the journal are looked at in one go.
const scanBatch = 200

// Round looks at what was answered since the last time, once at each message,
// and asks those who have been silent since.
func (i *Inviter) Round(ctx context.Context) error {
	for ctx.Err() == nil {
		more, err := i.scan(ctx)
		if err != nil {
			return fmt.Errorf("survey: %w", err)
		}
		if !more {
			break
		}
	}
	return nil
}

// candidate is the last message of a resident.
type candidate struct {
	entry   bot.Entry
	service string
}

func (i *Inviter) scan(ctx context.Context) (more bool, err error) {
	now := i.Post.Clock()
	from, err := i.cursor(ctx)
	if err != nil {
		return false, err
	}
	last, seqs, full, err := i.silent(ctx, from, now)
	if err != nil || last == from {
		return false, err
	}
	var candidates []candidate
	for _, seq := range seqs {
		c, err := i.candidate(ctx, seq)
		if err != nil {
			return false, err
		}
		if c.service != "" {
			candidates = append(candidates, c)
		}
	}
	wait := false
	err = i.DB.Do(ctx, func(tx *database.Tx) error {
		wait = false
		to := last
		for _, c := range candidates {
			err := i.invite(tx, c, now)
			if errors.Is(err, notices.ErrLater) { // go on from here when there is room
				to, wait = c.entry.Seq-1, true
				break
			}
			if err != nil && !errors.Is(err, notices.ErrUnreachable) {
				return err
			}
		}
		changed, err := tx.Exec(`update survey_cursor set seq = $1 where seq = $2`, to, from)
		if err == nil && changed == 0 {
			err = errMoved
		}
		return err
	})
	if errors.Is(err, errMoved) {
		return false, nil // somebody else asked them
	}
	return full && !wait, err
}

var errMoved = errors.New("survey: the cursor has moved")

// cursor returns the last message that was looked at. The first time that is
// the newest one there is: nobody is asked about what is long over.
func (i *Inviter) cursor(ctx context.Context) (seq int64, err error) {
	err = i.DB.QueryRow(ctx, `select seq from survey_cursor where id = 1`).Scan(&seq)
	if !errors.Is(err, sql.ErrNoRows) {
		return seq, err
	}
	err = i.DB.Do(ctx, func(tx *database.Tx) error {
		if _, err := tx.Exec(`insert into survey_cursor (id, seq) select 1, coalesce(max(seq), 0) from journal where true on conflict (id) do nothing`); err != nil {
			return err
		}
		return tx.QueryRow(`select seq from survey_cursor where id = 1`, nil, &seq)
	})
	return seq, err
}

// silent returns the messages after from that are their resident's last, up to
// the first one that is too young to tell. What waits for its time is passed over.
func (i *Inviter) silent(ctx context.Context, from int64, now time.Time) (last int64, seqs []int64, full bool, err error) {
	rows, err := i.DB.Query(ctx, `select j.seq, j.accepted, case when r.last_seq = j.seq then 1 else 0 end from journal j
		left join residents r on r.id = j.resident where j.seq > $1 order by j.seq limit $2`, from, scanBatch)
	if err != nil {
		return from, nil, false, err
	}
	defer rows.Close()
	last = from
	n := 0
	for ; rows.Next(); n++ {
		var seq, accepted int64
		var newest int
		if err := rows.Scan(&seq, &accepted, &newest); err != nil {
			return from, nil, false, err
		}
		at := database.Time(accepted)
		if !at.After(now) && at.After(now.Add(-i.Rules.Quiet)) {
			break
		}
		last = seq
		if newest == 1 {
			seqs = append(seqs, seq)
		}
	}
	return last, seqs, n == scanBatch, rows.Err()
}

// candidate tells what a message was answered by; the service is empty if
// nothing is to be asked about it.
func (i *Inviter) candidate(ctx context.Context, seq int64) (c candidate, err error) {
	if c.entry, err = i.Messages.Message(ctx, seq); err != nil {
		i.Log.Error("a message cannot be read", "seq", seq, "err", err)
		return candidate{}, nil // it must not hold back the others
	}
	if c.entry.Subject == "" || c.entry.Notice != nil {
		return c, nil
	}
	p, err := i.Positions.Position(ctx, c.entry.Subject, c.entry.Channel)
	if err == nil && i.Rules.serves(p.Flow, p.State) {
		c.service = p.Flow
	}
	return c, err
}

// invite asks one resident, unless it is too soon or he wants to be left alone.
func (i *Inviter) invite(tx *database.Tx, c candidate, now time.Time) error {
	var no int
	err := tx.QueryRow(`select (select count(*) from survey_asked where resident = $1 and at > $2) +
		(select count(*) from silences where resident = $1)`, []any{c.entry.Resident, database.Micros(now.Add(-i.Rules.Every))}, &no)
	if err != nil || no > 0 {
		return err
	}
	elements, err := i.elements(tx, c.service, now)
	if err != nil || len(elements) == 0 {
		return err
	}
	body, err := json.Marshal(survei.Question{Service: c.service, Elements: elements})
	if err != nil {
		return err
	}
	to := notices.Recipient{Channel: c.entry.Channel, Peer: c.entry.Peer, Subject: c.entry.Subject}
	if err := i.Post.Send(tx, to, "survey/"+strconv.FormatInt(c.entry.Seq, 10), bot.Notice{Flow: survei.Name, Kind: survei.Ask, Body: body}); err != nil {
		return err
	}
	for _, e := range elements {
		if err := score(tx, now, c.service, e, asked); err != nil {
			return err
		}
	}
	_, err = tx.Exec(`insert into survey_asked (resident, at) values ($1, $2) on conflict (resident) do update set at = excluded.at`,
		c.entry.Resident, database.Micros(now))
	return err
}

// elements returns those that were asked least about a service, in any order,
// or none if the month has enough answers.
func (i *Inviter) elements(tx *database.Tx, service string, now time.Time) ([]survei.Element, error) {
	rows, err := tx.Query(`select element, sum(case when score = 0 then n else 0 end), sum(case when score > 0 and month = $1 then n else 0 end)
		from survey_scores where service = $2 group by element`, month(now), service)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	times := map[survei.Element]int64{}
	var answers int64
	for rows.Next() {
		var e survei.Element
		var asked, answered int64
		if err := rows.Scan(&e, &asked, &answered); err != nil {
			return nil, err
		}
		times[e] = asked
		answers += answered
	}
	if err := rows.Err(); err != nil || i.Rules.Enough > 0 && answers >= i.Rules.Enough {
		return nil, err
	}
	list := slices.Clone(survei.Elements)
	rand.Shuffle(len(list), func(a, b int) { list[a], list[b] = list[b], list[a] })
	slices.SortStableFunc(list, func(a, b survei.Element) int { return cmp.Compare(times[a], times[b]) })
	list = list[:survei.PerResident]
	rand.Shuffle(len(list), func(a, b int) { list[a], list[b] = list[b], list[a] })
	return list, nil
}

// Prune forgets who was asked before a point in time.
func Prune(ctx context.Context, db *database.DB, before time.Time) (removed int64, err error) {
	err = db.Do(ctx, func(tx *database.Tx) (err error) {
		removed, err = tx.Exec(`delete from survey_asked where at < $1`, database.Micros(before))
		return err
	})
	return removed, err
}

package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strconv"
	"time"

	"tabe/adapters/database"
	"tabe/bot"
)

// maxReplies is how many messages can answer one: the outbox id of a reply is
// maxReplies * seq + its position, so that it is known before it is written.
const maxReplies = 64

// Answered returns the position in the journal of the message that the outgoing
// message id answers.
func Answered(id int64) (seq int64) { return id / maxReplies }

// handedOut is how long the replies that Commit returns are claimed for.
const handedOut = 30 * time.Second

// parcel is what of a bot.Outbound is encrypted.
type parcel struct {
	Peer string   `json:"p"`
	Text bot.Text `json:"t"`
}

func parcelPlace(id int64) string { return "outbox.body|" + strconv.FormatInt(id, 10) }

// turn is a bot.Done with everything encrypted, so that the transaction does
// nothing but write.
type turn struct {
	bot.Done
	state  []byte
	answer []byte   // inline
	first  int64    // id of the first reply
	bodies [][]byte // of the replies that go through the outbox
}

func (s *Store) sealTurn(done bot.Done) (t turn, err error) {
	t = turn{Done: done, state: s.seal.Seal(done.State, statePlace(done.Entry.Resident)), first: done.Entry.Seq * maxReplies}
	if len(done.Replies) > maxReplies {
		return t, fmt.Errorf("%d replies to one message", len(done.Replies))
	}
	if done.Inline {
		plain, err := json.Marshal(done.Replies)
		if err != nil {
			return t, err
		}
		t.answer = s.seal.Seal(plain, answerPlace(done.Entry.Seq))
		return t, nil
	}
	for i, text := range done.Replies {
		plain, err := json.Marshal(parcel{Peer: done.Entry.Peer, Text: text})
		if err != nil {
			return t, err
		}
		t.bodies = append(t.bodies, s.seal.Seal(plain, parcelPlace(t.first+int64(i))))
	}
	return t, nil
}

// Commit implements bot.Store.
func (s *Store) Commit(ctx context.Context, done bot.Done) (send []bot.Outbound, err error) {
	for _, effect := range done.Effects {
		if _, known := s.effects[reflect.TypeOf(effect)]; !known {
			return nil, fmt.Errorf("store: nobody applies effects of type %T", effect)
		}
	}
	t, err := s.sealTurn(done)
	if err != nil {
		return nil, fmt.Errorf("store: commit: %w", err)
	}
	now := s.clock()
	var waits bool
	if s.db.Dialect == database.Postgres && len(t.Effects) == 0 && !t.Urgent {
		waits, _, err = moveAtOnce(t, now, func(query string, args []any, dest ...any) error { return s.db.Write(ctx, query, args, dest...) })
	} else {
		err = s.db.Do(ctx, func(tx *database.Tx) (err error) {
			waits, err = s.commit(tx, t, now)
			return err
		})
	}
	if errors.Is(err, bot.ErrStale) {
		return nil, bot.ErrStale
	}
	if err != nil {
		return nil, fmt.Errorf("store: commit: %w", err)
	}
	if waits {
		return nil, nil
	}
	for i := range t.bodies {
		send = append(send, bot.Outbound{
			ID: t.first + int64(i), Resident: done.Entry.Resident, Channel: done.Entry.Channel,
			Peer: done.Entry.Peer, Text: done.Replies[i], Urgent: done.Urgent,
		})
	}
	return send, nil
}

// commit reports whether the replies wait behind earlier ones.
func (s *Store) commit(tx *database.Tx, t turn, now time.Time) (waits bool, err error) {
	var hurried bool
	if s.db.Dialect == database.Postgres {
		waits, hurried, err = moveAtOnce(t, now, tx.QueryRow)
	} else {
		waits, hurried, err = move(tx, t, now)
	}
	if err != nil {
		return false, err
	}
	if waits && t.Urgent && !hurried {
		if err := hurry(tx, t.Entry.Resident, t.Entry.Channel, now); err != nil {
			return false, err
		}
	}
	// After the replies: an effect may give them, with all the resident has, to
	// somebody else (bot.Link).
	for _, effect := range t.Effects {
		for _, e := range s.effects[reflect.TypeOf(effect)] {
			if err := e.apply(tx, t.Entry, effect); err != nil {
				return false, err
			}
		}
	}
	return waits, nil
}

// move writes the answer, the state and the replies, statement by statement.
func move(tx *database.Tx, t turn, now time.Time) (waits, hurried bool, err error) {
	id := t.Entry.Resident
	var answer any // a nil []byte would be written as an empty value
	if t.Inline {
		answer = t.answer
	}
	// If it is somebody else's by now (see Join), he answers it.
	changed, err := tx.Exec(`update journal set answered = $1, answer = $2, previous = (select last_seq from residents where id = $3)
		where seq = $4 and answered is null and resident = $3`, database.Micros(now), answer, id, t.Entry.Seq)
	if err != nil {
		return false, false, err
	}
	if changed == 0 {
		return false, false, bot.ErrStale
	}
	if t.Before == 0 {
		changed, err = tx.Exec(`insert into residents (id, version, state, last_seq) values ($1, 1, $2, $3) on conflict do nothing`,
			id, t.state, t.Entry.Seq)
	} else {
		changed, err = tx.Exec(`update residents set version = version + 1, state = $1, last_seq = $2 where id = $3 and version = $4`,
			t.state, t.Entry.Seq, id, t.Before)
	}
	if err != nil {
		return false, false, err
	}
	if changed == 0 {
		return false, false, bot.ErrStale
	}
	return reply(tx, t, now)
}

// moveStatement is move in one statement, because on PostgreSQL each of them
// travels. The row of the journal is held first: whatever happened to it
// meanwhile, a statement does not see otherwise. Nothing moves unless the state does.
const (
	moveFirst = `with held as (select seq from journal where seq = $4 and answered is null and resident = $3 for update),
	moved as (insert into residents (id, version, state, last_seq) select $3, $6::bigint + 1, $5, $4 from held
		on conflict do nothing returning id),
	before as (select null::bigint as seq),` + moveRest
	moveNext = `with held as (select seq from journal where seq = $4 and answered is null and resident = $3 for update),
	before as (select last_seq as seq from residents where id = $3),
	moved as (update residents set version = version + 1, state = $5, last_seq = $4
		where id = $3 and version = $6 and exists (select from held) returning id),` + moveRest
	moveRest = `
	ended as (update journal set answered = $1, answer = $2, previous = (select seq from before)
		where seq = $4 and exists (select from moved)),
	behind as (update outbox set next = $8 where resident = $3 and channel = $7 and status = 'queued' and next is null
		and $8::bigint is not null and exists (select from moved) returning urgent),
	reply as (insert into outbox (id, resident, channel, body, status, ready, next, due, created, urgent)
		select $8 + r.n - 1, $3, $7, r.body, 'queued', r.n = 1 and not exists (select from behind),
			case when r.n < cardinality($9::bytea[]) then $8 + r.n end,
			case when exists (select from behind) then $1 else $10 end, $1, $11
		from unnest($9::bytea[]) with ordinality as r (body, n) where exists (select from moved))
	select exists (select from moved), exists (select from behind), coalesce((select urgent from behind), false)`
)

func moveAtOnce(t turn, now time.Time, query func(query string, args []any, dest ...any) error) (waits, hurried bool, err error) {
	var answer, first any // a nil []byte would be written as an empty value
	if t.Inline {
		answer = t.answer
	}
	if len(t.bodies) > 0 {
		first = t.first
	}
	statement := moveNext
	if t.Before == 0 {
		statement = moveFirst
	}
	var moved bool
	if err := query(statement, []any{
		database.Micros(now), answer, t.Entry.Resident, t.Entry.Seq, t.state, t.Before, t.Entry.Channel, first, t.bodies,
		database.Micros(now.Add(handedOut)), t.Urgent,
	}, &moved, &waits, &hurried); err != nil {
		return false, false, err
	}
	if !moved { // it was answered, or the state has moved, or it is somebody else's by now (see Join)
		return false, false, bot.ErrStale
	}
	return waits, hurried, nil
}

// reply writes the replies that go through the outbox.
func reply(tx *database.Tx, t turn, now time.Time) (waits, hurried bool, err error) {
	id := t.Entry.Resident
	if len(t.bodies) == 0 {
		return false, false, nil
	}
	if waits, hurried, err = attach(tx, id, t.Entry.Channel, t.first); err != nil {
		return false, false, err
	}
	due := now
	if !waits {
		due = now.Add(handedOut)
	}
	for i, body := range t.bodies {
		reply := t.first + int64(i)
		var next any
		if i < len(t.bodies)-1 {
			next = reply + 1
		}
		if _, err := tx.Exec(`insert into outbox (id, resident, channel, body, status, ready, next, due, created, urgent)
			values ($1, $2, $3, $4, 'queued', $5, $6, $7, $8, $9)`,
			reply, id, t.Entry.Channel, body, !waits && i == 0, next, database.Micros(due), database.Micros(now), t.Urgent); err != nil {
			return false, false, err
		}
	}
	return waits, hurried, nil
}

// attach puts a message that is about to be written at the end of a resident's
// list, and reports whether there is anything before it, and whether that is
// urgent: then everything before that is, too.
func attach(tx *database.Tx, id bot.ResidentID, c bot.ChannelID, message int64) (waits, urgent bool, err error) {
	err = tx.QueryRow(`update outbox set next = $1 where resident = $2 and channel = $3 and status = 'queued' and next is null returning urgent`,
		[]any{message, id, c}, &urgent)
	if errors.Is(err, sql.ErrNoRows) {
		return false, false, nil
	}
	return err == nil, urgent, err
}

// hurry makes everything urgent that stands in a resident's list, and has the
// first one tried now, unless somebody is sending it.
func hurry(tx *database.Tx, id bot.ResidentID, c bot.ChannelID, now time.Time) error {
	_, err := tx.Exec(`with recursive list (id, next) as (
			select id, next from outbox where channel = $1 and status = 'queued' and ready and resident = $2
			union all select o.id, o.next from outbox o join list on o.id = list.next)
		update outbox set urgent = true, due = case when due > $3 then $4 else due end where id in (select id from list)`,
		c, id, database.Micros(now.Add(handedOut)), database.Micros(now))
	return err
}

// erase removes what the resident wrote and was told before the message e.
// The rows stay, so that a late second delivery is still recognised. What is
// not sent yet is sent, and then erased.
func (s *Store) erase(tx *database.Tx, e bot.Entry, _ bot.Erase) error {
	seq := sql.NullInt64{Int64: e.Seq, Valid: true}
	if err := tx.QueryRow(`select previous from journal where seq = $1`, []any{e.Seq}, &seq); err != nil {
		return err
	}
	for seq.Valid {
		first, behind := seq.Int64*maxReplies, (seq.Int64+1)*maxReplies
		if _, err := tx.Exec(`update outbox set body = substr(body, 1, 0) where id >= $1 and id < $2 and status <> 'queued'`, first, behind); err != nil {
			return err
		}
		if _, err := tx.Exec(`update outbox set forget = true where id >= $1 and id < $2 and status = 'queued'`, first, behind); err != nil {
			return err
		}
		err := tx.QueryRow(`update journal set body = substr(body, 1, 0), answer = null where seq = $1 returning previous`, []any{seq.Int64}, &seq)
		if errors.Is(err, sql.ErrNoRows) {
			break // pruned, and everything before it too
		}
		if err != nil {
			return err
		}
	}
	_, err := tx.Exec(`update journal set previous = null where seq = $1`, e.Seq) // nothing is left to erase
	return err
}

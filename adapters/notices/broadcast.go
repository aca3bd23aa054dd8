package notices

import (
	"context"
	"crypto/rand"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"tabe/adapters/database"
	"tabe/bot"
	"tabe/bot/settings"
	"tabe/flows/kabar"
)

// Broadcast is a message of an office to all who want the news of a kecamatan,
// or of the whole regency.
type Broadcast struct {
	ID        int64
	Office    string
	Kecamatan string // empty: everywhere
	Text      string // Indonesian
	Bugis     string // empty: the Indonesian text
	Warning   bool   // of what is about to happen: it waits neither for money nor for the morning
	Plan      Plan
	Code      string // that confirms it
	Created   time.Time
	Confirmed time.Time // zero: not yet
	Stopped   time.Time // zero: not
	Finished  time.Time // zero: not yet
	Sent      int64
}

// Plan is what a broadcast takes, by the dry run.
type Plan struct {
	Channels []ChannelPlan
	People   int64
	Segments int64 // of SMS
	Cost     bot.Rupiah
	Lasts    time.Duration // from the first to the last message, the nights not counted
}

// ChannelPlan is the part of one channel.
type ChannelPlan struct {
	Channel  bot.ChannelID
	People   int64
	Segments int // of one message
	Cost     bot.Rupiah
}

// The limits of a broadcast's texts, in bytes. What counts are the segments.
const (
	maxOffice = 40
	maxBody   = 480
)

// ParseBroadcast reads a message file: TOML with kantor, id and, if somebody
// wrote it in Bugis, bug.
func ParseBroadcast(file io.Reader) (Broadcast, error) {
	var f struct{ Kantor, ID, Bug string }
	if err := settings.Decode(file, &f); err != nil {
		return Broadcast{}, fmt.Errorf("notices: message: %w", err)
	}
	return Broadcast{Office: bot.CleanText(f.Kantor), Text: bot.CleanText(f.ID), Bugis: bot.CleanText(f.Bug)}, nil
}

// Broadcasts keeps the messages of offices, and sends those that are
// confirmed.
type Broadcasts struct {
	Subscriptions *Subscriptions
	Post          *Post
	// Measure returns how many segments a message of an office takes by SMS in
	// a language, with all that stands around it.
	Measure func(language, office, text string) (segments int, err error)
	// Price returns the most that one message of so many segments costs.
	Price func(c bot.ChannelID, segments int) bot.Rupiah
}

var (
	// ErrText is returned by Plan for a message that nobody should be sent.
	ErrText = errors.New("notices: the message is empty or too long")
	// ErrKecamatan is returned by Plan for a kecamatan that is not ours.
	ErrKecamatan = errors.New("notices: there is no such kecamatan")
	// ErrNoBroadcast is returned for a code or a number that names none, or
	// one that is past what was asked for.
	ErrNoBroadcast = errors.New("notices: there is no such message")
	// ErrChanged is returned by Confirm when it has become more than was agreed to.
	ErrChanged = errors.New("notices: there are more people now than in the dry run")
)

// maxSegments is how long a message may be by SMS.
const maxSegments = 2

// Plan is the dry run: it counts people, segments and money, keeps the message
// under a code that confirms it, and sends nothing.
func (b *Broadcasts) Plan(ctx context.Context, message Broadcast) (Broadcast, error) {
	if message.Office == "" || message.Text == "" || len(message.Office) > maxOffice || max(len(message.Text), len(message.Bugis)) > maxBody {
		return message, ErrText
	}
	if message.Kecamatan != "" {
		known := ""
		for _, k := range kabar.Kecamatan {
			if strings.EqualFold(k, message.Kecamatan) {
				known = k
			}
		}
		if known == "" {
			return message, ErrKecamatan
		}
		message.Kecamatan = known
	}
	plan, err := b.plan(ctx, message)
	if err != nil {
		return message, err
	}
	message.Plan, message.Created, message.Code = plan, b.Post.Clock(), rand.Text()[:8]
	err = b.Subscriptions.db.Do(ctx, func(tx *database.Tx) error {
		return tx.QueryRow(`insert into broadcasts (code, office, kecamatan, text_id, text_bug, people, segments, cost, created, warning)
			values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) returning id`, []any{message.Code, message.Office, message.Kecamatan, message.Text, message.Bugis,
			plan.People, plan.Segments, int64(plan.Cost), database.Micros(message.Created), message.Warning}, &message.ID)
	})
	return message, err
}

// plan counts. Nobody's language is looked up: the longer text counts.
func (b *Broadcasts) plan(ctx context.Context, message Broadcast) (Plan, error) {
	segments := 0
	for language, text := range map[string]string{"id": message.Text, "bug": message.inBugis()} {
		n, err := b.Measure(language, message.Office, text)
		if err != nil {
			return Plan{}, err
		}
		segments = max(segments, n)
	}
	if segments > maxSegments {
		return Plan{}, ErrText
	}
	rows, err := b.Subscriptions.db.Query(ctx, `select channel, count(*) from (select resident, min(channel) as channel
		from subscriptions where `+wanted+` group by resident) as audience group by channel order by channel`, b.audience(message)...)
	if err != nil {
		return Plan{}, err
	}
	defer rows.Close()
	people := map[bot.ChannelID]int64{}
	for rows.Next() {
		var c bot.ChannelID
		var n int64
		if err := rows.Scan(&c, &n); err != nil {
			return Plan{}, err
		}
		if b.Post.bySMS(c, bot.Notice{Flow: kabar.Name, Kind: kabar.News}) {
			c = sms
		}
		people[c] += n
	}
	var plan Plan
	for _, c := range slices.Sorted(maps.Keys(people)) {
		n := people[c]
		part := ChannelPlan{Channel: c, People: n, Segments: segments, Cost: bot.Rupiah(n) * b.Price(c, segments)}
		plan.Channels = append(plan.Channels, part)
		plan.People += n
		plan.Cost += part.Cost
		if c == sms {
			plan.Segments += n * int64(segments)
		}
		plan.Lasts = max(plan.Lasts, time.Duration(n)*b.Post.Rules.of(c).interval(message.Warning))
	}
	return plan, rows.Err()
}

func (m Broadcast) inBugis() string {
	if m.Bugis != "" {
		return m.Bugis
	}
	return m.Text
}

// Confirm lets a planned message go. It is refused if it would reach more
// people than the dry run said.
func (b *Broadcasts) Confirm(ctx context.Context, code string) (Broadcast, error) {
	message, err := b.find(ctx, `code = $1 and confirmed is null and stopped is null`, strings.ToUpper(strings.TrimSpace(code)))
	if err != nil {
		return message, err
	}
	plan, err := b.plan(ctx, message)
	if err != nil {
		return message, err
	}
	if plan.Cost > message.Plan.Cost || plan.People > message.Plan.People {
		return message, ErrChanged
	}
	return message, b.change(ctx, `update broadcasts set confirmed = $1 where id = $2 and confirmed is null and stopped is null`, message.ID)
}

// Stop ends a message that is being sent, or was only planned. What was posted
// within the last minute still arrives.
func (b *Broadcasts) Stop(ctx context.Context, id int64) error {
	return b.change(ctx, `update broadcasts set stopped = $1 where id = $2 and stopped is null and finished is null`, id)
}

func (b *Broadcasts) change(ctx context.Context, statement string, id int64) error {
	return b.Subscriptions.db.Do(ctx, func(tx *database.Tx) error {
		changed, err := tx.Exec(statement, database.Micros(b.Post.Clock()), id)
		if err == nil && changed == 0 {
			err = ErrNoBroadcast
		}
		return err
	})
}

// List returns the newest messages, newest first.
func (b *Broadcasts) List(ctx context.Context, limit int) ([]Broadcast, error) {
	return b.query(ctx, `id > 0 order by id desc limit $1`, limit)
}

func (b *Broadcasts) find(ctx context.Context, where string, args ...any) (Broadcast, error) {
	list, err := b.query(ctx, where, args...)
	if err == nil && len(list) == 0 {
		err = ErrNoBroadcast
	}
	if err != nil {
		return Broadcast{}, err
	}
	return list[0], nil
}

// query reads messages; where is a constant of this file.
func (b *Broadcasts) query(ctx context.Context, where string, args ...any) (list []Broadcast, err error) {
	rows, err := b.Subscriptions.db.Query(ctx, `select id, code, office, kecamatan, text_id, text_bug, people, segments, cost,
		created, confirmed, stopped, finished, sent, warning from broadcasts where `+where, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var m Broadcast
		var cost, created int64
		var confirmed, stopped, finished sql.NullInt64
		if err := rows.Scan(&m.ID, &m.Code, &m.Office, &m.Kecamatan, &m.Text, &m.Bugis, &m.Plan.People, &m.Plan.Segments, &cost,
			&created, &confirmed, &stopped, &finished, &m.Sent, &m.Warning); err != nil {
			return nil, err
		}
		m.Plan.Cost, m.Created = bot.Rupiah(cost), database.Time(created)
		m.Confirmed, m.Stopped, m.Finished = moment(confirmed), moment(stopped), moment(finished)
		list = append(list, m)
	}
	return list, rows.Err()
}

func moment(t sql.NullInt64) time.Time {
	if !t.Valid {
		return time.Time{}
	}
	return database.Time(t.Int64)
}

// wanted are the subscriptions that a message goes to: whoever wants the news
// of everywhere gets those of each kecamatan, and a message to everywhere goes
// to all. Its parameters are what audience returns.
const wanted = `purpose = $1 and stopped is null and ($2 = '' or key_hash in ($3, $4))`

func (b *Broadcasts) audience(m Broadcast) []any {
	hash := b.Subscriptions.hash
	return []any{kabar.News, m.Kecamatan, hash(kabar.News, m.Kecamatan), hash(kabar.News, "")}
}

// sendBatch is how many are written to in one transaction. Everybody's writes
// wait for it on SQLite, those of who reports a fire as well.
const sendBatch = 20

// Round writes the next messages of every confirmed broadcast, as many as the
// channels have room for.
func (b *Broadcasts) Round(ctx context.Context) error {
	running, err := b.query(ctx, `confirmed is not null and stopped is null and finished is null order by id`)
	if err != nil {
		return fmt.Errorf("notices: broadcasts: %w", err)
	}
	for _, m := range running {
		for more := true; more && ctx.Err() == nil; {
			begun := time.Now()
			if more, err = b.send(ctx, m); err != nil {
				return fmt.Errorf("notices: broadcast %d: %w", m.ID, err)
			}
			time.Sleep(time.Since(begun)) // half of the time is the others'
		}
	}
	return nil
}

// send writes the next batch of one message. The place in the audience, which
// goes by resident so that nobody is written to twice, moves in the same
// transaction; more is false when the end is reached or a channel is full.
func (b *Broadcasts) send(ctx context.Context, m Broadcast) (more bool, err error) {
	body, err := json.Marshal(kabar.Message{Office: m.Office, Text: m.Text, Bugis: m.Bugis})
	if err != nil {
		return false, err
	}
	post := b.Post
	if m.Warning {
		post = post.forWarning()
	}
	now := post.Clock()
	err = b.Subscriptions.db.Do(ctx, func(tx *database.Tx) error {
		more = false
		var cursor string
		// Whoever has the row sends; the others wait and go on from there.
		err := tx.QueryRow(`update broadcasts set sent = sent where id = $1 and stopped is null and finished is null returning cursor`, []any{m.ID}, &cursor)
		if errors.Is(err, sql.ErrNoRows) {
			return nil // stopped, or somebody else finished it
		}
		if err != nil {
			return err
		}
		next, err := b.next(tx, m, cursor)
		if err != nil {
			return err
		}
		sent, full := 0, false
		for _, r := range next {
			if r.id == cursor {
				continue // on another channel too
			}
			outcome := posted
			err := ErrUnreachable // what cannot be read
			if r.to.Subject != "" {
				err = post.Send(tx, r.to, broadcastPrefix+strconv.FormatInt(m.ID, 10)+"/"+r.id, bot.Notice{Flow: kabar.Name, Kind: kabar.News, Body: body})
			}
			if full = errors.Is(err, ErrLater); full {
				break
			}
			if errors.Is(err, ErrUnreachable) {
				outcome = unreachable
			} else if err != nil {
				return err
			} else {
				sent++
			}
			if _, err := tx.Exec(`update subscriptions set touched = $1 where resident = $2 and purpose = $3`, database.Micros(now), r.id, kabar.News); err != nil {
				return err
			}
			if err := count(tx, now, kabar.News, r.to.Channel, outcome); err != nil {
				return err
			}
			cursor = r.id
		}
		more = !full && len(next) == sendBatch
		var finished any
		if !full && !more {
			finished = database.Micros(now)
		}
		_, err = tx.Exec(`update broadcasts set cursor = $1, sent = sent + $2, finished = $3 where id = $4`, cursor, sent, finished, m.ID)
		return err
	})
	return more, err
}

// reader is one resident of an audience.
type reader struct {
	id string
	to Recipient
}

// next returns those of the audience who come after one of them.
func (b *Broadcasts) next(tx *database.Tx, m Broadcast, cursor string) (next []reader, err error) {
	rows, err := tx.Query(`select resident, channel, key_hash, body from subscriptions where `+wanted+` and resident > $5
		order by resident, channel limit $6`, append(b.audience(m), cursor, sendBatch)...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var r reader
		var keyHash string
		var body []byte
		if err := rows.Scan(&r.id, &r.to.Channel, &keyHash, &body); err != nil {
			return nil, err
		}
		if a, err := b.Subscriptions.open(body, bot.ResidentID(r.id), kabar.News, keyHash); err == nil {
			r.to.Peer, r.to.Subject = a.Peer, a.Subject
		}
		next = append(next, r)
	}
	return next, rows.Err()
}

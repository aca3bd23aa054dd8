package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"tabe/adapters/database"
	"tabe/adapters/seal"
	"tabe/bot"
)

// Line is one message of a conversation, in either direction.
type Line struct {
	Seq     int64 // of the journal: the message, or the one that it answers
	At      time.Time
	Channel bot.ChannelID

	// From the resident: what he sent. A pressed button has a Choice.
	Message *bot.Message
	// To the resident: what he was told, and how far it came. Status is empty
	// for what went out in the same request.
	Text   *bot.Text
	Status bot.Status
}

// maxHistory is how many messages of one resident are read at once.
const maxHistory = 500

// History returns the newest messages of a resident with the answers to them,
// at most limit messages, in the order in which they were said. What was erased
// or pruned is left out. Whoever shows it to a person records that he looked.
func (s *Store) History(ctx context.Context, id bot.ResidentID, limit int) ([]Line, error) {
	lines, err := s.history(ctx, id, min(limit, maxHistory))
	if err != nil {
		return nil, fmt.Errorf("store: history: %w", err)
	}
	return lines, nil
}

func (s *Store) history(ctx context.Context, id bot.ResidentID, limit int) ([]Line, error) {
	var turns [][]Line // newest first
	pending, err := s.Pending(ctx, id, limit)
	if err != nil {
		return nil, err
	}
	for _, e := range slices.Backward(pending) {
		if e.Notice == nil {
			turns = append(turns, []Line{{Seq: e.Seq, At: e.At, Channel: e.Channel, Message: &e.Message}})
		}
	}
	var next sql.NullInt64
	err = s.db.QueryRow(ctx, `select last_seq from residents where id = $1`, id).Scan(&next)
	for err == nil && next.Valid && len(turns) < limit {
		var turn []Line
		if turn, next, err = s.turnLines(ctx, next.Int64); err == nil && len(turn) > 0 {
			turns = append(turns, turn)
		}
	}
	if err != nil && !errors.Is(err, sql.ErrNoRows) { // pruned, and everything before it
		return nil, err
	}
	slices.Reverse(turns)
	return slices.Concat(turns...), nil
}

// turnLines reads one answered message, and which was answered before it.
func (s *Store) turnLines(ctx context.Context, seq int64) (lines []Line, previous sql.NullInt64, err error) {
	var m bot.Message
	var body, answer []byte
	var answered int64
	if err := s.db.QueryRow(ctx, `select channel, message_id, body, answered, answer, previous from journal where seq = $1`, seq).
		Scan(&m.Channel, &m.ID, &body, &answered, &answer, &previous); err != nil {
		return nil, previous, err
	}
	if len(body) == 0 { // erased
		return nil, previous, nil
	}
	if err := s.openMessage(&m, body); err != nil {
		return nil, previous, fmt.Errorf("%w (journal %d)", err, seq)
	}
	if m.Notice == nil {
		lines = append(lines, Line{Seq: seq, At: m.At, Channel: m.Channel, Message: &m})
	}
	at := database.Time(answered)
	if len(answer) > 0 {
		var texts []bot.Text
		plain, err := s.seal.Open(answer, answerPlace(seq))
		if err == nil {
			err = json.Unmarshal(plain, &texts)
		}
		if err != nil {
			return nil, previous, fmt.Errorf("%w (answer %d)", seal.ErrDamaged, seq)
		}
		for _, text := range texts {
			lines = append(lines, Line{Seq: seq, At: at, Channel: m.Channel, Text: &text})
		}
	}
	sent, err := s.sentLines(ctx, seq)
	for _, l := range sent {
		l.At, l.Channel = at, m.Channel
		lines = append(lines, l)
	}
	return lines, previous, err
}

// sentLines reads what went out through the outbox in answer to a message.
func (s *Store) sentLines(ctx context.Context, seq int64) (lines []Line, err error) {
	rows, err := s.db.Query(ctx, `select id, body, status from outbox where id >= $1 and id < $2 and length(body) > 0 order by id`,
		seq*maxReplies, (seq+1)*maxReplies)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		l := Line{Seq: seq}
		var id int64
		var body []byte
		if err := rows.Scan(&id, &body, &l.Status); err != nil {
			return nil, err
		}
		var p parcel
		plain, err := s.seal.Open(body, parcelPlace(id))
		if err == nil {
			err = json.Unmarshal(plain, &p)
		}
		if err != nil {
			return nil, fmt.Errorf("%w (outbox %d)", seal.ErrDamaged, id)
		}
		l.Text = &p.Text
		lines = append(lines, l)
	}
	return lines, rows.Err()
}

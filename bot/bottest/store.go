// Package bottest helps to test what is built on package bot: a store in
// memory, transcripts of conversations, and the suites that every
// implementation of a port has to pass.
package bottest

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"sync"
	"time"

	"tabe/bot"
)

// Store is a bot.Store and bot.Outbox in memory. It forgets everything when
// the process ends; benchmarks use it to measure what is not the disk.
type Store struct {
	clock func() time.Time

	mu        sync.Mutex
	seq       int64
	journal   map[int64]*record
	ids       map[messageID]int64
	pending   map[bot.ResidentID][]int64
	residents map[bot.ResidentID]bot.State
	outbox    map[int64]*outgoing
	queue     map[queueID][]int64 // unsent, oldest first
	outSeq    int64
}

type messageID struct {
	channel bot.ChannelID
	id      string
}

type queueID struct {
	resident bot.ResidentID
	channel  bot.ChannelID
}

type record struct {
	entry    bot.Entry
	answered bool
	answer   []bot.Text
}

type outgoing struct {
	bot.Outbound
	status     bot.Status
	due        time.Time
	providerID string
}

// claimed is how long rows that Commit hands out are claimed for.
const claimed = 30 * time.Second

// NewStore returns an empty Store. A nil clock is time.Now.
func NewStore(clock func() time.Time) *Store {
	if clock == nil {
		clock = time.Now
	}
	return &Store{
		clock: clock, journal: map[int64]*record{}, ids: map[messageID]int64{},
		pending: map[bot.ResidentID][]int64{}, residents: map[bot.ResidentID]bot.State{},
		outbox: map[int64]*outgoing{}, queue: map[queueID][]int64{},
	}
}

// ID implements bot.Store.
func (s *Store) ID(subject string) bot.ResidentID {
	sum := sha256.Sum256([]byte(subject))
	return bot.ResidentID(hex.EncodeToString(sum[:12]))
}

// Accept implements bot.Store.
func (s *Store) Accept(_ context.Context, m bot.Message) (bot.Entry, bool, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	key := messageID{m.Channel, m.ID}
	if seq, seen := s.ids[key]; seen {
		return s.journal[seq].entry, false, nil
	}
	s.seq++
	e := bot.Entry{Message: m, Seq: s.seq, Resident: s.ID(m.Subject), Due: s.clock()}
	s.journal[s.seq] = &record{entry: e}
	s.ids[key] = s.seq
	if state := s.residents[e.Resident]; len(s.pending[e.Resident]) == 0 {
		e.Before = &state
	}
	s.pending[e.Resident] = append(s.pending[e.Resident], s.seq)
	return e, true, nil
}

// Pending implements bot.Store.
func (s *Store) Pending(_ context.Context, id bot.ResidentID, limit int) ([]bot.Entry, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var entries []bot.Entry
	for _, seq := range s.pending[id] {
		if len(entries) == limit {
			break
		}
		entries = append(entries, s.journal[seq].entry)
	}
	return entries, nil
}

// Unanswered implements bot.Store.
func (s *Store) Unanswered(_ context.Context, before time.Time, limit int) ([]bot.ResidentID, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var ids []bot.ResidentID
	for id, seqs := range s.pending {
		if len(seqs) > 0 && s.journal[seqs[0]].entry.Due.Before(before) && len(ids) < limit {
			ids = append(ids, id)
		}
	}
	return ids, nil
}

// Load implements bot.Store.
func (s *Store) Load(_ context.Context, id bot.ResidentID) (bot.State, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.residents[id], nil
}

// Commit implements bot.Store. Of the effects it knows bot.Erase.
func (s *Store) Commit(_ context.Context, done bot.Done) ([]bot.Outbound, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	r := s.journal[done.Entry.Seq]
	id := done.Entry.Resident
	if r == nil || r.answered || s.residents[id].Version != done.Before {
		return nil, bot.ErrStale
	}
	for _, effect := range done.Effects {
		if _, ok := effect.(bot.Erase); ok {
			s.erase(id)
		}
	}
	r.answered = true
	s.pending[id] = slices.DeleteFunc(s.pending[id], func(seq int64) bool { return seq == done.Entry.Seq })
	if len(s.pending[id]) == 0 {
		delete(s.pending, id)
	}
	s.residents[id] = bot.State{Version: done.Before + 1, Blob: done.State}
	if done.Inline {
		r.answer = done.Replies
		return nil, nil
	}
	key := queueID{id, done.Entry.Channel}
	first := len(s.queue[key]) == 0
	if done.Urgent && len(done.Replies) > 0 {
		for _, before := range s.queue[key] {
			o := s.outbox[before]
			o.Urgent = true
			if o.due.After(s.clock().Add(claimed)) { // not under way: it waits to be tried again
				o.due = s.clock()
			}
		}
	}
	var send []bot.Outbound
	for _, text := range done.Replies {
		s.outSeq++
		o := &outgoing{
			Outbound: bot.Outbound{ID: s.outSeq, Resident: id, Channel: done.Entry.Channel, Peer: done.Entry.Peer, Text: text, Urgent: done.Urgent},
			status:   bot.Queued, due: s.clock(),
		}
		s.outbox[o.ID] = o
		s.queue[key] = append(s.queue[key], o.ID)
		if first {
			o.due = s.clock().Add(claimed)
			send = append(send, o.Outbound)
		}
	}
	return send, nil
}

// erase forgets what the resident wrote and was answered; the ids stay, so
// that a late second delivery is still recognised.
func (s *Store) erase(id bot.ResidentID) {
	for _, r := range s.journal {
		if r.entry.Resident == id && r.answered {
			r.entry.Text, r.entry.Choice, r.answer = "", "", nil
		}
	}
	for _, o := range s.outbox {
		if o.Resident == id && o.status != bot.Queued {
			o.Text = bot.Text{}
		}
	}
}

// Answer implements bot.Store.
func (s *Store) Answer(_ context.Context, seq int64) ([]bot.Text, bool, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	r := s.journal[seq]
	if r == nil || !r.answered {
		return nil, false, nil
	}
	return r.answer, true, nil
}

// Claim implements bot.Outbox.
func (s *Store) Claim(_ context.Context, c bot.ChannelID, urgent bool, lease time.Duration, limit int) ([]bot.Outbound, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.clock()
	var rows []*outgoing
	for key, ids := range s.queue {
		if key.channel != c || len(ids) == 0 {
			continue
		}
		if o := s.outbox[ids[0]]; o.Urgent == urgent && !o.due.After(now) {
			rows = append(rows, o)
		}
	}
	slices.SortFunc(rows, func(a, b *outgoing) int { return cmp.Compare(a.ID, b.ID) })
	rows = rows[:min(limit, len(rows))]
	out := make([]bot.Outbound, len(rows))
	for i, o := range rows {
		o.due = now.Add(lease)
		out[i] = o.Outbound
	}
	return out, nil
}

// Sent implements bot.Outbox.
func (s *Store) Sent(_ context.Context, id int64, h bot.Handover) error {
	return s.leave(id, bot.Sent, h.ProviderID)
}

// Bury implements bot.Outbox.
func (s *Store) Bury(_ context.Context, id int64, _ string) error {
	return s.leave(id, bot.Dead, "")
}

func (s *Store) leave(id int64, status bot.Status, providerID string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	o := s.outbox[id]
	if o == nil || o.status != bot.Queued {
		return nil
	}
	o.status, o.providerID = status, providerID
	key := queueID{o.Resident, o.Channel}
	s.queue[key] = slices.DeleteFunc(s.queue[key], func(other int64) bool { return other == id })
	if len(s.queue[key]) == 0 {
		delete(s.queue, key)
	}
	return nil
}

// Retry implements bot.Outbox.
func (s *Store) Retry(_ context.Context, id int64, at time.Time, _ string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if o := s.outbox[id]; o != nil && o.status == bot.Queued {
		o.due = at
		o.Attempt++
	}
	return nil
}

// progress orders the statuses that a receipt can bring.
var progress = map[bot.Status]int{bot.Sent: 1, bot.Delivered: 2, bot.Read: 3, bot.Failed: 4}

// Receipt implements bot.Outbox.
func (s *Store) Receipt(_ context.Context, c bot.ChannelID, providerID string, status bot.Status, _ string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, o := range s.outbox {
		if o.Channel == c && o.providerID == providerID && providerID != "" && progress[status] > progress[o.status] && progress[o.status] > 0 {
			o.status = status
		}
	}
	return nil
}

// Status returns how far an outgoing message has come.
func (s *Store) Status(id int64) bot.Status {
	s.mu.Lock()
	defer s.mu.Unlock()
	if o := s.outbox[id]; o != nil {
		return o.status
	}
	return ""
}

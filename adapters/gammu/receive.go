package gammu

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"tabe/bot"
	"tabe/bot/ident"
)

// Receiver takes a message. When it returns nil the message is safe and will
// be answered; a message given twice counts once.
type Receiver interface {
	Receive(ctx context.Context, m bot.Message) error
}

// Receipts takes what becomes of a sent message.
type Receipts interface {
	Receipt(ctx context.Context, c bot.ChannelID, providerID string, status bot.Status, reason string) error
}

// Run looks for messages and receipts until ctx ends.
func (m *Modem) Run(ctx context.Context, messages Receiver, receipts Receipts) {
	tick := time.NewTicker(m.every)
	defer tick.Stop()
	down := false
	for {
		err := errors.Join(m.receive(ctx, messages), m.report(ctx, receipts))
		if ctx.Err() != nil {
			return
		}
		if err != nil && !down { // once, not every second
			m.log.Error("cannot read the tables of gammu-smsd", "channel", SMS, "err", err)
		}
		down = err != nil
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}

// row is one short message of the inbox.
type row struct {
	id                    int64
	at, sender, udh, text string
	reference             string // what the parts of one message have in common; empty: it is alone
	total, part           int
}

// maxRows is how many are looked at in one go, and patience how long the rest
// of a message is waited for.
const (
	maxRows  = 500
	patience = 10 * time.Minute
)

// receive takes what has come. A message is marked as processed when it is
// safe; after a crash between the two it comes again, with the same id.
func (m *Modem) receive(ctx context.Context, messages Receiver) error {
	rows, err := m.inbox(ctx)
	if err != nil {
		return err
	}
	for _, parts := range m.whole(rows, time.Now()) {
		first := parts[0]
		in := bot.Message{ID: fmt.Sprintf("gammu-%d-%s", first.id, strings.NewReplacer(" ", "T", ":", "").Replace(first.at)), Channel: SMS}
		for _, p := range parts {
			in.Text += p.text // all of it may stand in the first
		}
		in.Text = inUTF8(in.Text)
		phone, err := ident.ParsePhone(first.sender)
		if err != nil {
			// A short code or a company's name: nobody whom we could answer.
			m.log.Info("message ignored", "channel", SMS, "reason", err)
		} else {
			in.Peer, in.Subject = string(phone), "tel:"+string(phone)
			if err := messages.Receive(ctx, in); err != nil {
				return err // the next look finds it again
			}
		}
		for _, p := range parts {
			if _, err := m.db.ExecContext(ctx, `update inbox set Processed = 'true' where ID = $1`, p.id); err != nil {
				return fmt.Errorf("gammu: %w", err)
			}
		}
	}
	return nil
}

func (m *Modem) inbox(ctx context.Context) ([]row, error) {
	found, err := m.db.QueryContext(ctx, `select ID, cast(ReceivingDateTime as varchar(30)), SenderNumber, UDH, TextDecoded from inbox
		where Processed = 'false' order by ID limit $1`, maxRows)
	if err != nil {
		return nil, fmt.Errorf("gammu: %w", err)
	}
	defer found.Close()
	var rows []row
	for found.Next() {
		var r row
		if err := found.Scan(&r.id, &r.at, &r.sender, &r.udh, &r.text); err != nil {
			return nil, fmt.Errorf("gammu: %w", err)
		}
		r.reference, r.total, r.part = parseHeader(r.udh)
		rows = append(rows, r)
	}
	return rows, found.Err()
}

// parseHeader reads the place of a part from a user data header: 050003RRTTNN,
// or 060804RRRRTTNN with a longer reference.
func parseHeader(udh string) (reference string, total, part int) {
	var rest string
	switch {
	case len(udh) == 12 && strings.HasPrefix(udh, "050003"):
		reference, rest = udh[6:8], udh[8:]
	case len(udh) == 14 && strings.HasPrefix(udh, "060804"):
		reference, rest = udh[6:10], udh[10:]
	default:
		return "", 1, 1
	}
	t, errTotal := strconv.ParseUint(rest[:2], 16, 8)
	n, errPart := strconv.ParseUint(rest[2:], 16, 8)
	if errTotal != nil || errPart != nil || t == 0 || n == 0 || n > t {
		return "", 1, 1
	}
	return reference, int(t), int(n)
}

// whole puts parts together, each message in the order of its parts, the
// messages in the order in which they began. One of which a part does not come
// is given as it is after some time: half a cry for help is one.
func (m *Modem) whole(rows []row, now time.Time) [][]row {
	var order []string
	messages := map[string][]row{}
	for _, r := range rows {
		key := "id " + strconv.FormatInt(r.id, 10)
		if r.reference != "" {
			key = r.sender + " " + r.reference + " " + strconv.Itoa(r.total)
		}
		if messages[key] == nil {
			order = append(order, key)
		}
		messages[key] = append(messages[key], r)
	}
	var all [][]row
	waiting := map[string]time.Time{}
	for _, key := range order {
		parts := messages[key]
		slices.SortStableFunc(parts, func(a, b row) int { return cmp.Compare(a.part, b.part) })
		if distinct(parts) < parts[0].total {
			since, seen := m.waiting[key]
			if !seen {
				since = now
			}
			if now.Sub(since) < patience {
				waiting[key] = since
				continue
			}
		}
		all = append(all, parts)
	}
	m.waiting = waiting
	return all
}

func distinct(parts []row) (n int) {
	for i, p := range parts {
		if i == 0 || p.part != parts[i-1].part {
			n++
		}
	}
	return n
}

// window is how many of the newest sent messages are looked at for news.
const window = 2000

// report tells what became of sent messages.
func (m *Modem) report(ctx context.Context, receipts Receipts) error {
	rows, err := m.db.QueryContext(ctx, `select ID, Status, StatusCode from sentitems
		where CreatorID = $1 and ID > (select coalesce(max(ID), 0) from sentitems) - $2 order by ID, SequencePosition`, creator, window)
	if err != nil {
		return fmt.Errorf("gammu: %w", err)
	}
	defer rows.Close()
	type news struct {
		id     int64
		status bot.Status
		reason string
	}
	var all []news
	for rows.Next() {
		var id, code int64
		var said string
		if err := rows.Scan(&id, &said, &code); err != nil {
			return fmt.Errorf("gammu: %w", err)
		}
		n := news{id, statusOf(said), ""}
		if n.status == bot.Failed {
			n.reason = "gammu " + strconv.FormatInt(code, 10)
		}
		// A message in several parts is as far as the one that is least far.
		if last := len(all) - 1; last >= 0 && all[last].id == id {
			if rank[n.status] < rank[all[last].status] {
				all[last] = n
			}
			continue
		}
		all = append(all, n)
	}
	if err := rows.Err(); err != nil {
		return fmt.Errorf("gammu: %w", err)
	}
	for _, n := range all {
		if m.told[n.id] == n.status {
			continue
		}
		if err := receipts.Receipt(ctx, SMS, providerID(n.id), n.status, n.reason); err != nil {
			return err
		}
		m.told[n.id] = n.status
	}
	if len(m.told) > 2*window {
		clear(m.told) // they are said once more, which changes nothing
	}
	return nil
}

var rank = map[bot.Status]int{bot.Failed: 0, bot.Sent: 1, bot.Delivered: 2}

func statusOf(said string) bot.Status {
	switch said {
	case "DeliveryOK":
		return bot.Delivered
	case "SendingError", "Error", "DeliveryFailed":
		return bot.Failed
	}
	return bot.Sent
}

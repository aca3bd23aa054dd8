package telegram

import (
	"context"
	"encoding/json"
	"strconv"
	"time"

	tgbotapi "github.com/go-telegram-bot-api/telegram-bot-api/v5"
	"golang.org/x/sync/errgroup"

	"tabe/bot"
)

// poller asks Telegram for updates. An update is only confirmed, by asking for
// those from the next one on, when it and all before it were received.
type poller struct {
	*Bot
	messages Receiver
	offset   int          // the first update that is not confirmed
	done     map[int]bool // those from offset on that were received
}

const (
	batch = 100 // the most that Telegram gives at once
	// idle is the least time between two questions that bring nothing, should
	// the server not hold them.
	idle = 300 * time.Millisecond
)

// run polls until ctx ends.
func (p *poller) run(ctx context.Context) {
	failures := 0
	for ctx.Err() == nil {
		asked := time.Now()
		updates, err := p.ask(ctx)
		if ctx.Err() != nil {
			return
		}
		if err != nil {
			p.log.Warn("polling failed", "channel", Channel, "err", err)
			p.rest(ctx, failures, err)
			failures++
			continue
		}
		failures = 0
		if !p.take(ctx, updates) {
			p.rest(ctx, 0, nil) // always short: what failed concerns one resident, and others are writing
		} else if len(updates) == 0 && time.Since(asked) < idle {
			sleep(ctx, idle)
		}
	}
}

// ask returns the next updates, waiting for them for a while.
func (p *poller) ask(ctx context.Context) ([]json.RawMessage, error) {
	ctx, cancel := context.WithTimeout(ctx, p.longPoll+10*time.Second)
	defer cancel()
	params := tgbotapi.Params{
		"timeout":         strconv.Itoa(int(p.longPoll / time.Second)),
		"limit":           strconv.Itoa(batch),
		"allowed_updates": allowedUpdates,
	}
	params.AddNonZero("offset", p.offset)
	raw, err := p.call(ctx, "getUpdates", params)
	if err != nil {
		return nil, err
	}
	var updates []json.RawMessage
	if err := json.Unmarshal(raw, &updates); err != nil {
		return nil, &bot.SendError{Code: "answer", Err: err}
	}
	return updates, nil
}

// take receives updates and moves the offset. An update that cannot be
// received holds back the offset and the later messages of its resident, and
// nobody else's: those are received now and skipped when they come again. take
// reports whether Telegram may be asked at once for what follows.
func (p *poller) take(ctx context.Context, updates []json.RawMessage) bool {
	var (
		pressed errgroup.Group
		waiting = map[string]bool{} // residents of whom an earlier update failed
		stuck   []int
		fresh   int
		next    = p.offset
	)
	pressed.SetLimit(8)
	defer func() { _ = pressed.Wait() }()
	for _, raw := range updates {
		u, err := parseUpdate(raw)
		if err != nil {
			p.log.Error("update ignored", "channel", Channel, "err", err)
			continue // the next one confirms it
		}
		next = u.UpdateID + 1 // they come in order; after a quiet week the numbers begin elsewhere, also lower
		if p.done[u.UpdateID] {
			continue
		}
		m, ok := message(u)
		if ok {
			if waiting[m.Subject] {
				stuck = append(stuck, u.UpdateID)
				continue
			}
			if err := p.messages.Receive(ctx, m); err != nil {
				p.log.Error("cannot take a message", "channel", Channel, "update", u.UpdateID, "err", err)
				waiting[m.Subject] = true
				stuck = append(stuck, u.UpdateID)
				continue
			}
		}
		fresh++
		p.done[u.UpdateID] = true
		pressed.Go(func() error { p.after(ctx, u); return nil })
	}
	// When the whole batch is what we have or cannot take, those behind it
	// would never come. If most of it could be taken, the first that could not
	// is itself the fault.
	if len(stuck) > 0 && len(updates) == batch && fresh == 0 && 2*len(stuck) < batch {
		p.log.Error("update given up", "channel", Channel, "update", stuck[0])
		p.done[stuck[0]] = true
		stuck = stuck[1:]
	}
	if len(stuck) > 0 {
		next = stuck[0]
	}
	// Updates that did not move the offset will come again at once.
	ok := len(stuck) == 0 && (next != p.offset || len(updates) == 0)
	p.offset = next
	for id := range p.done {
		if id < next {
			delete(p.done, id)
		}
	}
	return ok
}

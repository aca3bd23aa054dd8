package console

import (
	"context"
	"errors"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"time"

	"tabe/adapters/costs"
	"tabe/adapters/store"
	"tabe/bot"
	"tabe/bot/ident"
)

// Deliveries are the messages on their way to residents; *store.Store has them.
type Deliveries interface {
	Letters(ctx context.Context, which store.Which, limit int) ([]store.Letter, error)
	Progress(ctx context.Context) (map[bot.ChannelID]map[bot.Status]int64, error)
	Queues(ctx context.Context) (store.Queues, error)
	Outages(ctx context.Context) ([]bot.Outage, error)
	Requeue(ctx context.Context, id int64) error
}

// Costs are those of the messages; *costs.Ledger has them.
type Costs interface {
	State(ctx context.Context) (costs.Budget, error)
}

// lettersShown is how many messages are on the page.
const lettersShown = 100

// slow is how old the oldest message of a channel may be before the page says
// that the channel is slow.
const slow = time.Minute

// letter is a message as the page shows it: to whom only so far that two of
// them can be told apart.
type letter struct {
	store.Letter
	To string
}

// channelState is a row of the table of channels.
type channelState struct {
	Channel bot.ChannelID
	Outage  *bot.Outage // nil: it works
	Waiting store.Queue
	Slow    bool
	Done    map[string]int64 // of the newest messages, by status
}

// statuses are what the page can be narrowed to.
var statuses = []bot.Status{bot.Queued, bot.Sent, bot.Delivered, bot.Read, bot.Failed, bot.Dead, bot.Moved}

func (s *Console) deliveryPage(w http.ResponseWriter, r *request) error {
	var page struct {
		Channels []channelState
		Letters  []letter
		Which    store.Which
		Statuses []bot.Status
	}
	ctx := r.Context()
	page.Statuses = statuses
	page.Which.Channel = bot.ChannelID(r.URL.Query().Get("saluran"))
	if status := bot.Status(r.URL.Query().Get("status")); slices.Contains(statuses, status) {
		page.Which.Status = status
	}
	progress, err := s.Deliveries.Progress(ctx)
	if err != nil {
		return err
	}
	queues, err := s.Deliveries.Queues(ctx)
	if err != nil {
		return err
	}
	outages, err := s.Deliveries.Outages(ctx)
	if err != nil {
		return err
	}
	known := map[bot.ChannelID]*channelState{}
	state := func(c bot.ChannelID) *channelState {
		if known[c] == nil {
			known[c] = &channelState{Channel: c, Done: map[string]int64{}}
		}
		return known[c]
	}
	for c, done := range progress {
		for status, n := range done {
			state(c).Done[string(status)] = n
		}
	}
	for c, q := range queues.Unsent {
		state(c).Waiting = q
		state(c).Slow = s.Clock().Sub(q.Oldest) > slow
	}
	for i, o := range outages {
		state(o.Channel).Outage = &outages[i]
	}
	for _, c := range slices.Sorted(maps.Keys(known)) {
		page.Channels = append(page.Channels, *known[c])
	}
	found, err := s.Deliveries.Letters(ctx, page.Which, lettersShown)
	if err != nil {
		return err
	}
	for _, l := range found {
		page.Letters = append(page.Letters, letter{l, addressee(l.Peer)})
	}
	return s.show(w, r, "delivery", page)
}

// addressee masks where a message goes.
func addressee(peer string) string {
	if phone, err := ident.ParsePhone(peer); err == nil {
		return phone.Masked()
	}
	if runes := []rune(peer); len(runes) > 3 {
		return "…" + string(runes[len(runes)-3:])
	}
	return "…"
}

// requeue sends a message after all that was given up.
func (s *Console) requeue(w http.ResponseWriter, r *request) error {
	id, err := strconv.ParseInt(r.PathValue("id"), 10, 64)
	if err != nil {
		return refusal{status: http.StatusNotFound, key: "no_page"}
	}
	if err := s.Deliveries.Requeue(r.Context(), id); errors.Is(err, store.ErrNotDead) {
		return refusal{status: http.StatusConflict, key: "not_dead"}
	} else if err != nil {
		return err
	}
	if err := s.record(r, "message.requeued", "", strconv.FormatInt(id, 10)); err != nil {
		return err
	}
	http.Redirect(w, r.Request, "/scc/pengiriman", http.StatusSeeOther)
	return nil
}

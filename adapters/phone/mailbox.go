package phone

import (
	"cmp"
	"slices"
	"sync"

	"tabe/bot"
	"tabe/bot/ident"
)

// What one mailbox keeps; the oldest go first.
const (
	maxEvents = 200
	maxShown  = 4 << 10 // bytes of what the resident wrote
)

// event is one message as a phone shows it.
type event struct {
	number   int64
	ID       string        `json:"id"` // of the message; one that is sent twice is shown once
	From     ident.Phone   `json:"from"`
	Channel  bot.ChannelID `json:"channel"`
	Mine     bool          `json:"mine,omitempty"` // the resident wrote it
	Text     string        `json:"text"`
	Options  []option      `json:"options,omitempty"`
	Segments int           `json:"segments,omitempty"` // of an SMS
	Time     string        `json:"time"`               // in WITA
}

type option struct {
	Value string `json:"value"`
	Label string `json:"label"`
}

// mailbox is what was sent from and to one phone.
type mailbox struct {
	sending sync.Mutex // see Phones.written
	events  []event    // guarded by Phones.mu
}

// has tells whether a message is there already.
func (b *mailbox) has(id string) bool {
	return slices.ContainsFunc(b.events, func(e event) bool { return e.ID == id })
}

// label returns the words of the button that was pressed.
func (b *mailbox) label(c bot.ChannelID, value string) string {
	for _, e := range slices.Backward(b.events) {
		for _, o := range e.Options {
			if e.Channel == c && o.Value == value {
				return o.Label
			}
		}
	}
	return value
}

// deliver puts an event into a mailbox and wakes the viewers.
func (p *Phones) deliver(box *mailbox, e event) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if box.has(e.ID) {
		return
	}
	p.last++
	e.number = p.last
	if len(box.events) == maxEvents {
		box.events = slices.Delete(box.events, 0, 1)
	}
	box.events = append(box.events, e)
	close(p.changed)
	p.changed = make(chan struct{})
}

// since returns the events of some phones after a number, oldest first, and a
// channel that is closed when there are more.
func (p *Phones) since(number int64, phones []ident.Phone) ([]event, <-chan struct{}) {
	p.mu.Lock()
	defer p.mu.Unlock()
	var events []event
	for _, phone := range phones {
		for _, e := range p.boxes[phone].events {
			if e.number > number {
				events = append(events, e)
			}
		}
	}
	slices.SortFunc(events, func(a, b event) int { return cmp.Compare(a.number, b.number) })
	return events, p.changed
}

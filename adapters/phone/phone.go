// Package phone is the demo's page of simulated phones. They reach the engine
// as real ones do: SMS, WhatsApp and Telegram are channels whose messages go
// through the journal, the outbox and the sender; USSD goes to the true front
// door, /channels/ussd. Only the radio network is missing: what is sent to a
// phone lands in a mailbox in memory, which the page watches.
//
// The page has no sign-in. It belongs on the loopback address.
package phone

import (
	"context"
	"crypto/rand"
	"sync"

	"tabe/bot"
	"tabe/bot/ident"
)

// Resident is somebody whose phone can be tried.
type Resident struct {
	Name  string
	Phone ident.Phone
	Hint  string   // who this is and what there is to see
	Try   []string // sentences to tap
}

// The channels that the phones stand in for.
const (
	sms      bot.ChannelID = "sms"
	whatsapp bot.ChannelID = "whatsapp"
	telegram bot.ChannelID = "telegram"
)

// Phones are the simulated phones. Give Channels to the sender, Handler the
// engine, and Close to the server's shutdown.
type Phones struct {
	residents []Resident
	run       string // tells the events of one process from those of the next
	closed    context.Context
	close     context.CancelFunc

	mu      sync.Mutex
	last    int64 // number of the newest event
	boxes   map[ident.Phone]*mailbox
	changed chan struct{} // closed and replaced with every event
	viewers int
}

// New returns the phones of the given residents.
func New(residents []Resident) *Phones {
	p := &Phones{residents: residents, run: rand.Text()[:8], boxes: make(map[ident.Phone]*mailbox), changed: make(chan struct{})}
	p.closed, p.close = context.WithCancel(context.Background())
	for _, r := range residents {
		p.boxes[r.Phone] = &mailbox{}
	}
	return p
}

// Close ends the streams of all open pages, which would keep a server from
// shutting down. Pages reconnect by themselves.
func (p *Phones) Close() { p.close() }

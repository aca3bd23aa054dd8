package phone

import (
	"context"
	"strconv"
	"strings"
	"time"

	"tabe/bot"
	"tabe/bot/ident"
	gsm "tabe/bot/sms"
)

// channel is the way to the phones over one network.
type channel struct {
	id     bot.ChannelID
	phones *Phones
}

// Channels returns the networks that end at the phones, for the sender.
func (p *Phones) Channels() []bot.Channel {
	return []bot.Channel{channel{sms, p}, channel{whatsapp, p}, channel{telegram, p}}
}

// ID implements bot.Channel.
func (c channel) ID() bot.ChannelID { return c.id }

// Send implements bot.Channel.
func (c channel) Send(_ context.Context, o bot.Outbound) (string, error) {
	phone := ident.Phone(o.Peer)
	if c.id == telegram {
		phone = "+" + phone
	}
	box := c.phones.boxes[phone]
	if box == nil {
		return "", &bot.SendError{Permanent: true, Code: "no_such_phone"}
	}
	e := event{ID: "out-" + strconv.FormatInt(o.ID, 10), From: phone, Channel: c.id, Text: o.Text.Body, Time: clock()}
	if c.id == sms {
		e.Text = gsm.Fold(o.Text.Numbered())
		_, e.Segments = gsm.Segments(e.Text)
	} else {
		for _, choice := range o.Text.Options {
			e.Options = append(e.Options, option{choice.Value, choice.Label})
		}
	}
	box.sending.Lock()
	defer box.sending.Unlock()
	c.phones.deliver(box, e)
	return e.ID, nil
}

// written hands what the page sent to the engine. The phone is kept from
// receiving until then, so that no answer stands before its question.
func (p *Phones) written(ctx context.Context, r Receiver, m message) error {
	box := p.boxes[m.From]
	box.sending.Lock()
	defer box.sending.Unlock()
	in := bot.Message{ID: m.ID, Channel: m.Channel, Peer: string(m.From), Subject: "tel:" + string(m.From), Text: m.Text, Choice: m.Choice}
	if m.Channel == telegram { // proves an account, not a number
		in.Peer = strings.TrimPrefix(in.Peer, "+")
		in.Subject = "telegram:" + in.Peer
		share(&in, m)
	}
	if err := r.Receive(ctx, in); err != nil {
		return err
	}
	e := event{ID: m.ID, From: m.From, Channel: m.Channel, Mine: true, Text: bot.CleanText(m.Text), Time: clock()}
	if m.Choice != "" {
		p.mu.Lock()
		e.Text = box.label(m.Channel, m.Choice)
		p.mu.Unlock()
	}
	if len(e.Text) > maxShown {
		e.Text = strings.ToValidUTF8(e.Text[:maxShown], "") + "…"
	}
	p.deliver(box, e)
	return nil
}

// here is where the simulated phones are, in Watansoppeng.
var here = bot.Location{Lat: -4.3508, Lng: 119.8872, Accuracy: 20}

// share does what Telegram does when a button that shares something is pressed.
func share(in *bot.Message, m message) {
	switch bot.Asks(m.Choice) {
	case bot.AskContact:
		in.Choice, in.Media, in.Contact = "", bot.MediaContact, &bot.Contact{Phone: string(m.From), Own: true}
	case bot.AskLocation:
		at := here
		in.Choice, in.Media, in.Location = "", bot.MediaLocation, &at
	}
}

func clock() string { return time.Now().In(bot.WITA).Format("15.04") }

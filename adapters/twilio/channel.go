package twilio

import (
	"context"
	"errors"

	api "github.com/twilio/twilio-go/rest/api/v2010"

	"tabe/adapters/pieces"
	"tabe/bot"
	"tabe/bot/sms"
)

// maxText is the most characters that Twilio takes in one message.
const maxText = 1600

// channel is a bot.Channel. Both number their options below the text.
type channel struct {
	account *Account
	id      bot.ChannelID
	prefix  string // before both numbers
	from    string // our number
}

// Channels returns those that have a number of ours.
func (a *Account) Channels() []bot.Channel {
	var channels []bot.Channel
	if a.config.SMSFrom != "" {
		channels = append(channels, channel{a, SMS, "", a.config.SMSFrom})
	}
	if a.config.WhatsAppFrom != "" {
		channels = append(channels, channel{a, WhatsApp, whatsAppPrefix, a.config.WhatsAppFrom})
	}
	if a.config.VoiceFrom != "" {
		channels = append(channels, voice{a})
	}
	return channels
}

// ID implements bot.Channel.
func (c channel) ID() bot.ChannelID { return c.id }

// Send implements bot.Channel. Of a text in several pieces the id of the last
// one counts. What WhatsApp takes only as an approved text is sent as that, or
// fails for good with the code "no_template". Errors are *bot.SendError.
func (c channel) Send(ctx context.Context, o bot.Outbound) (string, error) {
	if c.id == WhatsApp && o.Text.Template != nil {
		params := c.params(o)
		if err := applyTemplate(c.account.config.Templates, o.Text.Template, params); err != nil {
			return "", err
		}
		return c.create(ctx, params)
	}
	text := o.Text.Numbered()
	if c.id == SMS {
		text = sms.Fold(text)
	}
	return pieces.Send(ctx, text, maxText, func(piece string, _ bool) (string, error) {
		params := c.params(o)
		params.SetBody(piece)
		return c.create(ctx, params)
	})
}

// params are those of every message.
func (c channel) params(o bot.Outbound) *api.CreateMessageParams {
	params := &api.CreateMessageParams{}
	params.SetTo(c.prefix + o.Peer)
	params.SetFrom(c.prefix + c.from)
	params.SetStatusCallback(c.account.config.PublicURL + StatusPath)
	return params
}

// create hands a message to Twilio and returns its SID.
func (c channel) create(ctx context.Context, params *api.CreateMessageParams) (string, error) {
	message, err := c.account.service(ctx).CreateMessage(params)
	if err != nil {
		return "", sendError(err)
	}
	if message.Sid == nil || *message.Sid == "" {
		return "", &bot.SendError{Code: "answer", Err: errors.New("twilio: no sid in the answer")}
	}
	return *message.Sid, nil
}

// Check tells whether Twilio answers and knows our account.
func (a *Account) Check(ctx context.Context) error {
	if _, err := a.service(ctx).FetchAccount(a.config.AccountSID); err != nil {
		return sendError(err)
	}
	return nil
}

// sendError makes sure that an error is a *bot.SendError. What is none yet is
// an answer that says yes in a form that nobody understands.
func sendError(err error) *bot.SendError {
	if failed := (*bot.SendError)(nil); errors.As(err, &failed) {
		return failed
	}
	return &bot.SendError{Code: "answer", Err: err}
}

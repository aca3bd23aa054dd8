package telegram

import (
	"context"
	"encoding/json"
	"strconv"
	"strings"

	tgbotapi "github.com/go-telegram-bot-api/telegram-bot-api/v5"

	"tabe/adapters/pieces"
	"tabe/bot"
)

const (
	maxText     = 4096 // UTF-16 units of a message
	maxCallback = 64   // bytes that a button can carry
	// keyMark is before the key of an option whose value does not fit a
	// button: pressing it is then the same as typing the key.
	keyMark = "#"
)

// ID implements bot.Channel.
func (b *Bot) ID() bot.ChannelID { return Channel }

// Send implements bot.Channel. Options become buttons below the text, one a
// row. Errors are *bot.SendError.
func (b *Bot) Send(ctx context.Context, o bot.Outbound) (string, error) {
	keyboard, err := keyboard(o.Text.Options)
	if err != nil {
		return "", &bot.SendError{Permanent: true, Code: "keyboard", Err: err}
	}
	return pieces.Send(ctx, o.Text.Body, maxText, func(piece string, last bool) (string, error) {
		params := tgbotapi.Params{"chat_id": o.Peer, "text": piece}
		if last {
			params.AddNonEmpty("reply_markup", keyboard)
		}
		raw, err := b.call(ctx, "sendMessage", params)
		if err != nil {
			return "", err
		}
		var sent struct {
			MessageID int `json:"message_id"`
		}
		if err := json.Unmarshal(raw, &sent); err != nil || sent.MessageID == 0 {
			return "", &bot.SendError{Code: "answer", Err: err}
		}
		return strconv.Itoa(sent.MessageID), nil
	})
}

// keyboard returns the JSON of an inline keyboard, empty without options.
func keyboard(options []bot.Option) (string, error) {
	if len(options) == 0 {
		return "", nil
	}
	rows := make([][]tgbotapi.InlineKeyboardButton, len(options))
	for i, o := range options {
		data := o.Value
		if data == "" || len(data) > maxCallback || strings.HasPrefix(data, keyMark) {
			data = keyMark + o.Key
		}
		rows[i] = tgbotapi.NewInlineKeyboardRow(tgbotapi.NewInlineKeyboardButtonData(o.Label, data))
	}
	markup, err := json.Marshal(tgbotapi.NewInlineKeyboardMarkup(rows...))
	return string(markup), err
}

package telegram

import (
	"context"
	"encoding/json"
	"slices"
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
// row. It keeps to Telegram's pace. Errors are *bot.SendError.
func (b *Bot) Send(ctx context.Context, o bot.Outbound) (string, error) {
	keyboard, err := keyboard(o.Text.Options)
	if err != nil {
		return "", &bot.SendError{Permanent: true, Code: "keyboard", Err: err}
	}
	id, err := pieces.Send(ctx, o.Text.Body, maxText, func(piece string, last bool) (string, error) {
		params := tgbotapi.Params{"chat_id": o.Peer, "text": piece}
		if last {
			params.AddNonEmpty("reply_markup", keyboard)
		}
		if err := b.pace.wait(ctx, o.Peer); err != nil {
			return "", err
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
	if err == nil {
		b.speak(ctx, o.Peer, o.Text.Language)
	}
	return id, err
}

// keyboard returns the JSON of the keyboard for options, empty without any.
// Only keyboards in the place of the letters have buttons that share something;
// others are part of the message.
func keyboard(options []bot.Option) (string, error) {
	if len(options) == 0 {
		return "", nil
	}
	if slices.ContainsFunc(options, func(o bot.Option) bool { return o.Asks != "" }) {
		return sharing(options)
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

// sharing returns the JSON of a keyboard that hides once it was used. A choice
// on it is sent as its words.
func sharing(options []bot.Option) (string, error) {
	rows := make([][]tgbotapi.KeyboardButton, len(options))
	for i, o := range options {
		button := tgbotapi.NewKeyboardButton(o.Label)
		button.RequestContact, button.RequestLocation = o.Asks == bot.AskContact, o.Asks == bot.AskLocation
		rows[i] = tgbotapi.NewKeyboardButtonRow(button)
	}
	markup, err := json.Marshal(tgbotapi.NewOneTimeReplyKeyboard(rows...))
	return string(markup), err
}

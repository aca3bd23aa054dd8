package telegram

import (
	"encoding/json"
	"errors"
	"strconv"
	"strings"
	"time"

	tgbotapi "github.com/go-telegram-bot-api/telegram-bot-api/v5"

	"tabe/bot"
)

// allowedUpdates are the kinds that message reads; Telegram keeps the others.
const allowedUpdates = `["message","callback_query"]`

// parseUpdate reads an update. Telegram adds and changes fields that we do not
// need and the library does not know: a field of an unexpected type is left
// out, and the rest still counts.
func parseUpdate(raw []byte) (tgbotapi.Update, error) {
	var u tgbotapi.Update
	err := json.Unmarshal(raw, &u)
	if mistyped := (*json.UnmarshalTypeError)(nil); errors.As(err, &mistyped) {
		err = nil
	}
	if err == nil && u.UpdateID == 0 {
		err = errors.New("telegram: update without an id")
	}
	return u, err
}

// message returns what a resident said with an update. ok is false for all
// that is to be left without an answer: groups and channels, other bots,
// edits, service messages.
func message(u tgbotapi.Update) (m bot.Message, ok bool) {
	m = bot.Message{ID: "u" + strconv.Itoa(u.UpdateID), Channel: Channel}
	switch {
	case u.Message != nil:
		ok = private(u.Message.Chat, u.Message.From)
		if !ok {
			return m, false
		}
		m.Text, m.Media = u.Message.Text, media(u.Message)
		if m.Text == "" {
			m.Text = u.Message.Caption
		}
		if m.Text == "" && m.Media == "" {
			return m, false
		}
		if command, _, _ := strings.Cut(m.Text, " "); command == "/start" {
			m.Opens, m.Text = true, ""
		}
		if u.Message.Date > 0 {
			m.At = time.Unix(int64(u.Message.Date), 0).UTC()
		}
		return to(m, u.Message.Chat, u.Message.From), true
	case u.CallbackQuery != nil && u.CallbackQuery.Message != nil:
		q := u.CallbackQuery
		if !private(q.Message.Chat, q.From) {
			return m, false
		}
		if key, isKey := strings.CutPrefix(q.Data, keyMark); isKey {
			m.Text = key
		} else {
			m.Choice = bot.CleanText(q.Data)
		}
		return to(m, q.Message.Chat, q.From), true
	}
	return m, false
}

func private(c *tgbotapi.Chat, from *tgbotapi.User) bool {
	return c != nil && c.IsPrivate() && from != nil && from.ID != 0 && !from.IsBot
}

func to(m bot.Message, c *tgbotapi.Chat, from *tgbotapi.User) bot.Message {
	m.Peer = strconv.FormatInt(c.ID, 10)
	m.Subject = string(Channel) + ":" + strconv.FormatInt(from.ID, 10)
	return m
}

// media names what came besides the text. Polls and dice are as little to us
// as stickers.
func media(m *tgbotapi.Message) string {
	switch {
	case len(m.Photo) > 0:
		return "photo"
	case m.Voice != nil, m.Audio != nil:
		return "voice"
	case m.Video != nil, m.VideoNote != nil, m.Animation != nil:
		return "video"
	case m.Document != nil:
		return "document"
	case m.Location != nil:
		return "location"
	case m.Contact != nil:
		return "contact"
	case m.Sticker != nil, m.Poll != nil, m.Dice != nil:
		return "sticker"
	}
	return ""
}

package telegram

import (
	"encoding/json"
	"errors"
	"regexp"
	"strconv"
	"strings"
	"time"

	tgbotapi "github.com/go-telegram-bot-api/telegram-bot-api/v5"

	"tabe/bot"
	"tabe/bot/ident"
)

// allowedUpdates are the kinds that message reads; Telegram keeps the others.
const allowedUpdates = `["message","edited_message","callback_query"]`

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
// service messages. Words that were corrected afterwards are new words; of
// other things that are edited, as a position that goes on moving, only the
// first counts.
func message(u tgbotapi.Update) (m bot.Message, ok bool) {
	m = bot.Message{ID: "u" + strconv.Itoa(u.UpdateID), Channel: Channel}
	switch {
	case u.Message != nil:
		ok = private(u.Message.Chat, u.Message.From)
		if !ok {
			return m, false
		}
		m.Text = u.Message.Text
		m.Media, m.MediaRef, m.Location = attached(u.Message)
		m.Contact = contact(u.Message)
		if m.Text == "" {
			m.Text = u.Message.Caption
		}
		if m.Text == "" && m.Media == "" {
			return m, false
		}
		m.Text, m.Opens = spoken(m.Text)
		if u.Message.Date > 0 {
			m.At = time.Unix(int64(u.Message.Date), 0).UTC()
		}
		return to(m, u.Message.Chat, u.Message.From), true
	case u.EditedMessage != nil:
		e := u.EditedMessage
		if e.Text == "" || !private(e.Chat, e.From) {
			return m, false
		}
		m.Text, _ = spoken(e.Text)
		if e.EditDate > 0 {
			m.At = time.Unix(int64(e.EditDate), 0).UTC()
		}
		return to(m, e.Chat, e.From), m.Text != ""
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

// deepLink is what can follow ?start= in a link to the bot.
var deepLink = regexp.MustCompile(`^[A-Za-z0-9_-]{1,64}$`)

// spoken turns a command into what a resident would have said: /pajak is
// "pajak", and a link with ?start=izin_usaha says "izin usaha". A bare /start
// opens the dialogue.
func spoken(text string) (words string, opens bool) {
	command, isCommand := strings.CutPrefix(text, "/")
	if !isCommand {
		return text, false
	}
	name, rest, _ := strings.Cut(command, " ")
	name, _, _ = strings.Cut(name, "@")
	rest = strings.TrimSpace(rest)
	if name == "start" {
		if deepLink.MatchString(rest) {
			return strings.NewReplacer("_", " ", "-", " ").Replace(rest), false
		}
		return "", true
	}
	return strings.TrimSpace(strings.ReplaceAll(name, "_", " ") + " " + rest), false
}

// contact is a shared telephone number, nil if there is none. It is the sender's
// own if Telegram says that it belongs to his account, and he shared it himself.
func contact(m *tgbotapi.Message) *bot.Contact {
	c := m.Contact
	if c == nil {
		return nil
	}
	phone, err := ident.ParsePhone("+" + strings.TrimLeft(c.PhoneNumber, "+"))
	if err != nil {
		return nil
	}
	return &bot.Contact{
		Phone: string(phone),
		Own:   c.UserID != 0 && c.UserID == m.From.ID && m.ForwardDate == 0 && m.ViaBot == nil,
	}
}

func private(c *tgbotapi.Chat, from *tgbotapi.User) bool {
	return c != nil && c.IsPrivate() && from != nil && from.ID != 0 && !from.IsBot
}

func to(m bot.Message, c *tgbotapi.Chat, from *tgbotapi.User) bot.Message {
	m.Peer = strconv.FormatInt(c.ID, 10)
	m.Subject = string(Channel) + ":" + strconv.FormatInt(from.ID, 10)
	return m
}

// attached tells what came besides the text: its kind, the id of its file if it
// has one, and the position if it is one. Of a position that goes on moving
// only the first counts: later ones are edits, which are not asked for.
func attached(m *tgbotapi.Message) (kind, file string, at *bot.Location) {
	switch {
	case len(m.Photo) > 0:
		return bot.MediaPhoto, largest(m.Photo), nil
	case m.Voice != nil:
		return bot.MediaVoice, m.Voice.FileID, nil
	case m.Audio != nil:
		return bot.MediaVoice, m.Audio.FileID, nil
	case m.Video != nil:
		return bot.MediaVideo, m.Video.FileID, nil
	case m.VideoNote != nil:
		return bot.MediaVideo, m.VideoNote.FileID, nil
	case m.Animation != nil: // before Document, which repeats it
		return bot.MediaVideo, m.Animation.FileID, nil
	case m.Document != nil:
		return bot.MediaDocument, m.Document.FileID, nil
	case m.Venue != nil: // before Location, which repeats it
		return bot.MediaLocation, "", location(&m.Venue.Location)
	case m.Location != nil:
		return bot.MediaLocation, "", location(m.Location)
	case m.Contact != nil:
		return bot.MediaContact, "", nil
	case m.Sticker != nil:
		return bot.MediaSticker, m.Sticker.FileID, nil
	case m.Poll != nil, m.Dice != nil:
		return bot.MediaSticker, "", nil
	}
	return "", "", nil
}

// largest returns the file of the largest size of a photo that can be fetched.
func largest(sizes []tgbotapi.PhotoSize) string {
	best := sizes[0]
	for _, s := range sizes {
		if s.FileSize <= maxFile && s.Width*s.Height > best.Width*best.Height {
			best = s
		}
	}
	return best.FileID
}

// location is a position, nil if it cannot be read. A coordinate of exactly 0
// is one that was left out: no resident lives there.
func location(l *tgbotapi.Location) *bot.Location {
	at := bot.Location{Lat: l.Latitude, Lng: l.Longitude, Accuracy: l.HorizontalAccuracy}
	if !at.Valid() || at.Lat == 0 || at.Lng == 0 {
		return nil
	}
	return &at
}

package telegram

import (
	"context"
	"strconv"
	"sync"
	"time"
	"unicode/utf16"

	tgbotapi "github.com/go-telegram-bot-api/telegram-bot-api/v5"
)

// afterTimeout is how long the calls that an update asks for may take.
const afterTimeout = 5 * time.Second

// after does what an update asks for besides an answer, once it is safe. Failing
// is harmless.
func (b *Bot) after(ctx context.Context, u tgbotapi.Update) {
	ctx, cancel := context.WithTimeout(ctx, afterTimeout)
	defer cancel()
	var err error
	switch {
	case u.CallbackQuery != nil:
		err = b.release(ctx, u.CallbackQuery)
	case u.Message != nil && u.Message.Chat != nil && (u.Message.Chat.IsGroup() || u.Message.Chat.IsSuperGroup()):
		err = b.leave(ctx, u.Message)
	}
	if err != nil {
		b.log.Debug("cannot follow an update", "channel", Channel, "update", u.UpdateID, "err", err)
	}
}

// chosenMark stands before the words of a pressed button, below the question.
const chosenMark = "\n\n\u2713 "

// release ends the waiting of a pressed button. The message that it is part of
// then shows the choice in the place of its buttons, which are no longer open.
func (b *Bot) release(ctx context.Context, q *tgbotapi.CallbackQuery) error {
	if _, err := b.call(ctx, "answerCallbackQuery", tgbotapi.Params{"callback_query_id": q.ID}); err != nil {
		return err
	}
	m := q.Message
	if m == nil || m.Chat == nil || !m.Chat.IsPrivate() {
		return nil
	}
	params := tgbotapi.Params{"chat_id": strconv.FormatInt(m.Chat.ID, 10), "message_id": strconv.Itoa(m.MessageID)}
	method := "editMessageReplyMarkup"
	text := m.Text + chosenMark + label(m.ReplyMarkup, q.Data)
	if m.Text != "" && label(m.ReplyMarkup, q.Data) != "" && len(utf16.Encode([]rune(text))) <= maxText {
		method = "editMessageText"
		params["text"] = text
	}
	_, err := b.call(ctx, method, params)
	return err
}

// label is what stood on the button with some data, "" if it is not there.
func label(k *tgbotapi.InlineKeyboardMarkup, data string) string {
	if k == nil {
		return ""
	}
	for _, row := range k.InlineKeyboard {
		for _, button := range row {
			if button.CallbackData != nil && *button.CallbackData == data {
				return button.Text
			}
		}
	}
	return ""
}

// groups remembers where it was said that we do not talk in groups.
type groups struct {
	mu   sync.Mutex
	seen map[int64]bool
}

// maxGroups is how many groups are remembered.
const maxGroups = 1024

// first reports whether a group was not seen before.
func (g *groups) first(id int64) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.seen[id] {
		return false
	}
	if len(g.seen) >= maxGroups {
		clear(g.seen)
	}
	g.seen[id] = true
	return true
}

// leave says once that what residents ask is nobody else's business, and leaves
// the group, so that none of its talk comes to us.
func (b *Bot) leave(ctx context.Context, m *tgbotapi.Message) error {
	if m.LeftChatMember != nil || !b.groups.first(m.Chat.ID) {
		return nil
	}
	chat := strconv.FormatInt(m.Chat.ID, 10)
	if b.config.Words != nil {
		text := b.config.Words("id", "telegram.group") + "\n\n" + b.config.Words("bug", "telegram.group")
		if _, err := b.call(ctx, "sendMessage", tgbotapi.Params{"chat_id": chat, "text": text}); err != nil {
			b.log.Debug("cannot speak in a group", "channel", Channel, "err", err)
		}
	}
	_, err := b.call(ctx, "leaveChat", tgbotapi.Params{"chat_id": chat})
	return err
}

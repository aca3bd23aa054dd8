package telegram

import (
	"context"
	"encoding/json"
	"strconv"
	"sync"
	"time"

	tgbotapi "github.com/go-telegram-bot-api/telegram-bot-api/v5"
)

// Words gives the message key in a language ("id", "bug"), "" if there is none.
type Words func(language, key string) string

// ordinary is the language of the command menu of those who did not choose one.
// Telegram picks menus by languages of two letters, which Bugis does not have:
// whoever speaks it gets a menu of his own.
const ordinary = "id"

// menus remembers which chats have a menu of their own.
type menus struct {
	mu    sync.Mutex
	chats map[string]string // language
}

// maxMenus is how many chats are remembered. One that was forgotten is given
// its menu once more.
const maxMenus = 1 << 16

// is reports whether the menu of a chat is in language, as far as is known.
func (m *menus) is(chat, language string) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	known := m.chats[chat]
	return known == language || known == "" && language == ordinary
}

func (m *menus) set(chat, language string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(m.chats) >= maxMenus {
		clear(m.chats)
	}
	m.chats[chat] = language
}

// offer gives those who did not choose a language their command menu.
func (b *Bot) offer(ctx context.Context) {
	if b.config.Words == nil || len(b.config.Commands) == 0 {
		return
	}
	if _, err := b.call(ctx, "setMyCommands", b.menu(ordinary)); err != nil {
		b.log.Warn("cannot set the command menu", "channel", Channel, "err", err)
	}
}

// menu is the command menu in a language, as parameters.
func (b *Bot) menu(language string) tgbotapi.Params {
	commands := make([]tgbotapi.BotCommand, 0, len(b.config.Commands))
	for _, name := range b.config.Commands {
		if text := b.config.Words(language, "telegram.command_"+name); text != "" {
			commands = append(commands, tgbotapi.BotCommand{Command: name, Description: text})
		}
	}
	list, _ := json.Marshal(commands) // strings
	return tgbotapi.Params{"commands": string(list)}
}

// menuTimeout is how long the menu of a chat may take.
const menuTimeout = 3 * time.Second

// speak gives a chat the command menu in the language that is spoken there.
// Failing is harmless: the next message tries again.
func (b *Bot) speak(ctx context.Context, chat, language string) {
	id, err := strconv.ParseInt(chat, 10, 64)
	if language == "" || err != nil || b.config.Words == nil || len(b.config.Commands) == 0 || b.menus.is(chat, language) {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, menuTimeout)
	defer cancel()
	scope, _ := json.Marshal(tgbotapi.NewBotCommandScopeChat(id))
	params := b.menu(language)
	params["scope"] = string(scope)
	if _, err := b.call(ctx, "setMyCommands", params); err != nil {
		b.log.Debug("cannot set the command menu of a chat", "channel", Channel, "err", err)
		return
	}
	b.menus.set(chat, language)
}

package telegram

import (
	"context"
	"crypto/subtle"
	"net/http"

	"tabe/adapters/bounded"
	"tabe/bot"
)

// Path is where Telegram calls, below the public URL.
const Path = "/channels/telegram"

// Receiver takes a message. When it returns nil the message is safe and will
// be answered; a message given twice counts once.
type Receiver interface {
	Receive(ctx context.Context, m bot.Message) error
}

// maxUpdate is many times the longest update of Telegram's.
const maxUpdate = 1 << 20

// Webhook serves POST Path. It answers 503 to what could not be written down,
// and Telegram tries again.
func (b *Bot) Webhook(messages Receiver) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST "+Path, func(w http.ResponseWriter, r *http.Request) {
		refuse := func(status int, reason string) {
			b.log.Warn("webhook refused", "channel", Channel, "status", status, "reason", reason)
			http.Error(w, reason, status)
		}
		secret := r.Header.Get("X-Telegram-Bot-Api-Secret-Token")
		if b.config.Secret == "" || subtle.ConstantTimeCompare([]byte(secret), []byte(b.config.Secret)) != 1 {
			refuse(http.StatusForbidden, "wrong secret")
			return
		}
		raw, ok := bounded.Body(w, r, maxUpdate, refuse)
		if !ok {
			return
		}
		u, err := parseUpdate(raw)
		if err != nil {
			refuse(http.StatusBadRequest, "not an update")
			return
		}
		if m, ok := message(u); ok {
			if err := messages.Receive(r.Context(), m); err != nil {
				b.log.Error("cannot take a message", "channel", Channel, "update", u.UpdateID, "err", err)
				http.Error(w, "try again later", http.StatusServiceUnavailable)
				return
			}
		}
		// Telegram need not wait while its own button is taken care of.
		w.Header().Set("Content-Length", "0")
		w.WriteHeader(http.StatusOK)
		_ = http.NewResponseController(w).Flush()
		b.after(context.WithoutCancel(r.Context()), u)
	})
	return mux
}

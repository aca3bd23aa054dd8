package twilio

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"tabe/bot"
	"tabe/bot/ident"
	"tabe/flows/kabar"
)

// Where Twilio calls, below the public URL.
const (
	MessagePath = "/channels/twilio"
	StatusPath  = "/channels/twilio/status"
)

// Receiver takes a message. When it returns nil the message is safe and will
// be answered; a message given twice counts once.
type Receiver interface {
	Receive(ctx context.Context, m bot.Message) error
}

// Receipts takes what Twilio says later of a sent message.
type Receipts interface {
	Receipt(ctx context.Context, c bot.ChannelID, providerID string, status bot.Status, reason string) error
}

// Handler serves MessagePath and StatusPath. Both answer 503 to what could not
// be written down, so that Twilio tries again or goes to its fallback URL.
func (a *Account) Handler(messages Receiver, receipts Receipts) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("POST "+MessagePath, a.signed(func(w http.ResponseWriter, r *http.Request, form url.Values) {
		m, err := a.parseMessage(form)
		if form.Get("OptOutType") == "STOP" {
			// Advanced Opt-Out has answered, and refuses what we would say. START
			// and HELP are answered by us too: HELP may be a cry for help.
			m = kabar.OptOut(m.ID, m.Channel, m.Peer, m.Subject)
		}
		if errors.Is(err, errNoID) {
			http.Error(w, "no MessageSid", http.StatusBadRequest)
			return
		}
		if err != nil {
			// A short code or a company's name: nobody whom we could answer.
			a.log.Info("message ignored", "channel", m.Channel, "reason", err)
		} else if err := messages.Receive(r.Context(), m); err != nil {
			a.log.Error("cannot take a message", "channel", m.Channel, "err", err)
			http.Error(w, "try again later", http.StatusServiceUnavailable)
			return
		}
		// Answers go out by the REST API; this says that none is in here.
		w.Header().Set("Content-Type", "text/xml; charset=utf-8")
		_, _ = io.WriteString(w, `<?xml version="1.0" encoding="UTF-8"?><Response/>`)
	}))
	mux.Handle("POST "+StatusPath, a.signed(func(w http.ResponseWriter, r *http.Request, form url.Values) {
		if status, known := statuses[form.Get("MessageStatus")]; known {
			channel := channelOf(form.Get("From"))
			if err := receipts.Receipt(r.Context(), channel, form.Get("MessageSid"), status, reason(form)); err != nil {
				a.log.Error("cannot take a receipt", "channel", channel, "err", err)
				http.Error(w, "try again later", http.StatusServiceUnavailable)
				return
			}
			if err := a.stopped(r.Context(), channel, form, messages); err != nil {
				a.log.Error("cannot take a message", "channel", channel, "err", err)
				http.Error(w, "try again later", http.StatusServiceUnavailable)
				return
			}
		}
		w.WriteHeader(http.StatusNoContent)
	}))
	return mux
}

// stopped takes a receipt that says that the resident wants no more of us.
func (a *Account) stopped(ctx context.Context, channel bot.ChannelID, form url.Values, messages Receiver) error {
	code, _ := strconv.Atoi(form.Get("ErrorCode"))
	phone, err := ident.ParsePhone(form.Get("To"))
	if !optedOut[code] || err != nil {
		return nil
	}
	return messages.Receive(ctx, kabar.OptOut(form.Get("MessageSid"), channel, string(phone), "tel:"+string(phone)))
}

// statuses leaves out those on the way to "sent" (accepted, queued, sending …).
var statuses = map[string]bot.Status{
	"sent": bot.Sent, "delivered": bot.Delivered, "read": bot.Read, "failed": bot.Failed, "undelivered": bot.Failed,
}

// reason returns Twilio's error code, which is a number or not taken over.
func reason(form url.Values) string {
	code, err := strconv.Atoi(form.Get("ErrorCode"))
	if err != nil {
		return ""
	}
	return errorCode(code)
}

const whatsAppPrefix = "whatsapp:"

func channelOf(address string) bot.ChannelID {
	if strings.HasPrefix(address, whatsAppPrefix) {
		return WhatsApp
	}
	return SMS
}

var errNoID = errors.New("twilio: message without an id")

// parseMessage reads the form of an incoming message.
func (a *Account) parseMessage(form url.Values) (bot.Message, error) {
	m := bot.Message{
		ID:      form.Get("MessageSid"),
		Channel: channelOf(form.Get("From")),
		Text:    form.Get("Body"),
		Choice:  bot.CleanText(form.Get("ButtonPayload")),
	}
	m.Media, m.MediaRef, m.Location = a.attached(form)
	if m.ID == "" {
		return m, errNoID
	}
	phone, err := ident.ParsePhone(form.Get("From"))
	if err != nil {
		return m, err
	}
	m.Peer, m.Subject = string(phone), "tel:"+string(phone)
	return m, nil
}

// attached tells what came besides the text: the kind and the address of the
// first of several media, and the position if it is one.
func (a *Account) attached(form url.Values) (kind, ref string, at *bot.Location) {
	if n, _ := strconv.Atoi(form.Get("NumMedia")); n < 1 {
		if form.Has("Latitude") && form.Has("Longitude") {
			return bot.MediaLocation, "", location(form)
		}
		return "", "", nil
	}
	ref = a.mediaRef(form)
	major, minor, _ := strings.Cut(form.Get("MediaContentType0"), "/")
	switch {
	case major == "image" && minor == "webp": // WhatsApp's stickers; its pictures are JPEG
		return bot.MediaSticker, ref, nil
	case major == "image":
		return bot.MediaPhoto, ref, nil
	case major == "audio":
		return bot.MediaVoice, ref, nil
	case major == "video":
		return bot.MediaVideo, ref, nil
	case strings.Contains(minor, "vcard"):
		return bot.MediaContact, ref, nil
	}
	return bot.MediaDocument, ref, nil
}

// location reads a position; nil if there is none.
func location(form url.Values) *bot.Location {
	lat, err1 := strconv.ParseFloat(form.Get("Latitude"), 64)
	lng, err2 := strconv.ParseFloat(form.Get("Longitude"), 64)
	at := bot.Location{Lat: lat, Lng: lng}
	if err1 != nil || err2 != nil || !at.Valid() {
		return nil
	}
	return &at
}

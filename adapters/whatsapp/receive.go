package whatsapp

import (
	"context"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strconv"
	"time"

	"tabe/adapters/bounded"
	"tabe/bot"
	"tabe/bot/ident"
	"tabe/flows/kabar"
)

// Receiver takes a message. When it returns nil the message is safe and will
// be answered; a message given twice counts once.
type Receiver interface {
	Receive(ctx context.Context, m bot.Message) error
}

// Receipts takes what Meta says later of a sent message.
type Receipts interface {
	Receipt(ctx context.Context, c bot.ChannelID, providerID string, status bot.Status, reason string) error
}

// maxBody bounds a request: Meta sends up to 1,000 events in at most 3 MB.
const maxBody = 4 << 20

// Handler serves Path: the handshake by GET, events by POST. It answers 503
// unless everything in a request was written down; Meta then sends it all
// again, for days, and what was written counts once.
func (a *Account) Handler(messages Receiver, receipts Receipts) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET "+Path, a.handshake)
	mux.HandleFunc("POST "+Path, func(w http.ResponseWriter, r *http.Request) {
		refuse := func(status int, reason string) { http.Error(w, reason, status) }
		raw, ok := bounded.Body(w, r, maxBody, refuse)
		if !ok {
			return
		}
		if !signed(a.config.AppSecret, r.Header.Get("X-Hub-Signature-256"), raw) {
			a.log.Warn("a request with a wrong signature", "channel", Channel)
			refuse(http.StatusForbidden, "wrong signature")
			return
		}
		var e envelope
		if err := json.Unmarshal(raw, &e); err != nil {
			refuse(http.StatusBadRequest, "no JSON of a known form")
			return
		}
		if err := a.take(r.Context(), e, messages, receipts); err != nil {
			a.log.Error("cannot take a request", "channel", Channel, "err", err)
			refuse(http.StatusServiceUnavailable, "try again later")
			return
		}
		w.WriteHeader(http.StatusOK)
	})
	return mux
}

// handshake proves to Meta that this address is ours.
func (a *Account) handshake(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	challenge := q.Get("hub.challenge")
	known := subtle.ConstantTimeCompare([]byte(q.Get("hub.verify_token")), []byte(a.config.VerifyToken)) == 1
	if q.Get("hub.mode") != "subscribe" || !known || len(challenge) > 256 {
		http.Error(w, "not known", http.StatusForbidden)
		return
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	_, _ = io.WriteString(w, challenge)
}

// The events, as much of them as we read. A message or status that has another
// form than ours is left alone, and the others in the request are taken.
type (
	envelope struct {
		Entry []struct {
			Changes []struct {
				Field string `json:"field"`
				Value value  `json:"value"`
			} `json:"changes"`
		} `json:"entry"`
	}
	value struct {
		Metadata struct {
			PhoneID string `json:"phone_number_id"`
		} `json:"metadata"`
		Messages []json.RawMessage `json:"messages"`
		Statuses []json.RawMessage `json:"statuses"`
	}
	incoming struct {
		ID        string `json:"id"`
		From      string `json:"from"`
		Timestamp string `json:"timestamp"`
		Type      string `json:"type"`
		GroupID   string `json:"group_id"`
		Text      struct {
			Body string `json:"body"`
		} `json:"text"`
		Button struct {
			Payload string `json:"payload"`
			Text    string `json:"text"`
		} `json:"button"`
		Interactive struct {
			Button reply `json:"button_reply"`
			List   reply `json:"list_reply"`
		} `json:"interactive"`
		Location struct {
			Lat float64 `json:"latitude"`
			Lng float64 `json:"longitude"`
		} `json:"location"`
		Image, Audio, Video, Document, Sticker file
	}
	file struct {
		ID      string `json:"id"`
		Caption string `json:"caption"`
	}
	status struct {
		ID     string `json:"id"`
		Status string `json:"status"`
		To     string `json:"recipient_id"`
		Errors []struct {
			Code int `json:"code"`
		} `json:"errors"`
	}
)

// take writes down everything in a request that is for our number.
func (a *Account) take(ctx context.Context, e envelope, messages Receiver, receipts Receipts) error {
	var failed error
	for _, entry := range e.Entry {
		for _, change := range entry.Changes {
			if change.Field != "messages" || change.Value.Metadata.PhoneID != a.config.PhoneID {
				continue
			}
			for _, raw := range change.Value.Messages {
				m, err := parseMessage(raw)
				if err != nil {
					a.log.Info("message ignored", "channel", Channel, "reason", err)
					continue
				}
				failed = errors.Join(failed, messages.Receive(ctx, m))
			}
			for _, raw := range change.Value.Statuses {
				failed = errors.Join(failed, a.receipt(ctx, raw, messages, receipts))
			}
		}
	}
	return failed
}

var statuses = map[string]bot.Status{"sent": bot.Sent, "delivered": bot.Delivered, "read": bot.Read, "failed": bot.Failed}

// receipt takes what became of a message. Meta mostly finds out only then that
// somebody wants no more of us.
func (a *Account) receipt(ctx context.Context, raw json.RawMessage, messages Receiver, receipts Receipts) error {
	var s status
	known := false
	var to bot.Status
	if json.Unmarshal(raw, &s) == nil {
		to, known = statuses[s.Status]
	}
	if !known || s.ID == "" {
		a.log.Info("receipt ignored", "channel", Channel)
		return nil
	}
	reason := ""
	if len(s.Errors) > 0 {
		reason = errorCode(s.Errors[0].Code)
	}
	err := receipts.Receipt(ctx, Channel, s.ID, to, reason)
	if phone, e := ident.ParsePhone("+" + s.To); e == nil && reason == errorCode(optedOut) {
		err = errors.Join(err, messages.Receive(ctx, kabar.OptOut(s.ID, Channel, string(phone), "tel:"+string(phone))))
	}
	return err
}

var (
	errForm  = errors.New("of an unknown form")
	errGroup = errors.New("of a group")
	errQuiet = errors.New("of a kind that says nothing")
)

// parseMessage reads one incoming message.
func parseMessage(raw json.RawMessage) (bot.Message, error) {
	var in incoming
	if err := json.Unmarshal(raw, &in); err != nil || in.ID == "" {
		return bot.Message{}, errForm
	}
	if in.GroupID != "" {
		return bot.Message{}, errGroup
	}
	phone, err := ident.ParsePhone("+" + in.From)
	if err != nil {
		return bot.Message{}, errForm
	}
	m := bot.Message{ID: in.ID, Channel: Channel, Peer: string(phone), Subject: "tel:" + string(phone)}
	if seconds, err := strconv.ParseInt(in.Timestamp, 10, 64); err == nil {
		m.At = time.Unix(seconds, 0).UTC()
	}
	switch in.Type {
	case "text":
		m.Text = in.Text.Body
	case "button": // of a template
		m.Choice, m.Text = bot.CleanText(in.Button.Payload), in.Button.Text
	case "interactive":
		m.Choice, m.Text = bot.CleanText(in.Interactive.Button.ID+in.Interactive.List.ID), in.Interactive.Button.Title+in.Interactive.List.Title
	case "location":
		m.Media = bot.MediaLocation
		if at := (bot.Location{Lat: in.Location.Lat, Lng: in.Location.Lng}); at.Valid() && (at.Lat != 0 || at.Lng != 0) {
			m.Location = &at
		}
	case "image":
		m.Media, m.MediaRef, m.Text = bot.MediaPhoto, in.Image.ID, in.Image.Caption
	case "audio":
		m.Media, m.MediaRef = bot.MediaVoice, in.Audio.ID
	case "video":
		m.Media, m.MediaRef, m.Text = bot.MediaVideo, in.Video.ID, in.Video.Caption
	case "document":
		m.Media, m.MediaRef, m.Text = bot.MediaDocument, in.Document.ID, in.Document.Caption
	case "sticker":
		m.Media, m.MediaRef = bot.MediaSticker, in.Sticker.ID
	case "contacts":
		m.Media = bot.MediaContact
	case "reaction", "system":
		return m, errQuiet
	default: // an order, a poll, whatever comes next: the resident is told what works
		m.Media = bot.MediaDocument
	}
	return m, nil
}

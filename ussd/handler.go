package ussd

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"time"

	"tabe/bot"
	"tabe/bot/ident"
)

// Limits of a request. A dialogue lasts three minutes: nobody types more.
const (
	maxBody    = 16 << 10
	maxSession = 128
	maxTyped   = 4 << 10
)

// patience leaves a margin: gateways give up after 15 seconds.
const patience = 10 * time.Second

// Conversation answers messages in the same call; *bot.Engine does.
type Conversation interface {
	Converse(ctx context.Context, m bot.Message) ([]bot.Text, error)
}

// Config is what a Handler is made of.
type Config struct {
	Conversation Conversation
	// Secret is what the gateway has to show, as the query parameter key or the
	// header X-Tabe-Secret. Without one, only this machine is answered.
	Secret string
	// Busy returns the words for a dialogue that cannot go on.
	Busy func() string
	// Dialect is AfricasTalking if nil.
	Dialect Dialect
	// Limit is the length of a screen in septets, as given to Format; MaxScreen if 0.
	Limit int
	// Patience is how long an answer may take; 10 seconds if 0.
	Patience time.Duration
	Log      *slog.Logger
}

// Handler is the front door of the gateway.
type Handler struct {
	Config
	secret [sha256.Size]byte
}

// NewHandler returns a Handler; Conversation and Busy are needed.
func NewHandler(c Config) *Handler {
	if c.Dialect == nil {
		c.Dialect = AfricasTalking{}
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if c.Limit == 0 {
		c.Limit = MaxScreen
	}
	if c.Patience == 0 {
		c.Patience = patience
	}
	return &Handler{Config: c, secret: sha256.Sum256([]byte(c.Secret))}
}

// ServeHTTP answers one step of a dialogue: 200 with a screen, 403 to a
// stranger, 400 to what is no request of the gateway's. A dialogue that cannot
// be answered in time is ended in words; the resident finds it where it was
// when dialling again.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Cache-Control", "no-store")
	if r.Method != http.MethodPost {
		w.Header().Set("Allow", http.MethodPost)
		h.refuse(w, http.StatusMethodNotAllowed, "method")
		return
	}
	if !h.trusts(r) {
		h.refuse(w, http.StatusForbidden, "secret")
		return
	}
	r.Body = http.MaxBytesReader(w, r.Body, maxBody)
	request, err := h.Dialect.Read(r)
	if err != nil {
		h.refuse(w, http.StatusBadRequest, err.Error())
		return
	}
	m, err := message(request)
	if err != nil {
		h.refuse(w, http.StatusBadRequest, err.Error())
		return
	}
	if request.Over {
		h.Dialect.Write(w, Answer{End: true})
		return
	}
	h.Dialect.Write(w, h.answer(r.Context(), m))
}

func (h *Handler) refuse(w http.ResponseWriter, status int, reason string) {
	h.Log.Warn("ussd request refused", "status", status, "reason", reason)
	http.Error(w, http.StatusText(status), status)
}

// trusts compares digests, so that the time tells nothing of the secret.
func (h *Handler) trusts(r *http.Request) bool {
	if h.Secret == "" {
		return local(r)
	}
	shown := r.Header.Get("X-Tabe-Secret")
	if shown == "" {
		shown = r.URL.Query().Get("key")
	}
	sum := sha256.Sum256([]byte(shown))
	return subtle.ConstantTimeCompare(sum[:], h.secret[:]) == 1
}

// local tells whether a program on this machine is calling: no proxy that
// speaks for somebody else, and no foreign page in this machine's browser.
func local(r *http.Request) bool {
	if r.Header.Get("X-Forwarded-For") != "" || r.Header.Get("Forwarded") != "" {
		return false
	}
	if http.NewCrossOriginProtection().Check(r) != nil {
		return false
	}
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	ip := net.ParseIP(host)
	return err == nil && ip != nil && ip.IsLoopback()
}

var (
	errSession = errors.New("session id")
	errTyped   = errors.New("text too long")
	errPhone   = errors.New("phone number")
)

// message checks a request and turns it into a message. Its id names the step
// of the dialogue, so that a repeated request is recognised.
func message(q Request) (bot.Message, error) {
	if !isToken(q.Session) {
		return bot.Message{}, errSession
	}
	if len(q.Text) > maxTyped || len(q.Step) > maxSession {
		return bot.Message{}, errTyped
	}
	phone, err := ident.ParsePhone(q.Phone)
	if err != nil {
		return bot.Message{}, errPhone
	}
	m := bot.Message{Channel: Channel, Peer: string(phone), Subject: "tel:" + string(phone), Text: q.Text}
	step := q.Step
	if q.Chain {
		m.Dialogue, step = q.Session, q.Text
	} else {
		m.Opens = q.Opens
	}
	// The phone belongs in it: a gateway that counts its sessions from 1 again
	// must not hand one resident the answer of another.
	sum := sha256.Sum256([]byte(string(phone) + "\x00" + step))
	m.ID = q.Session + "/" + base64.RawURLEncoding.EncodeToString(sum[:12])
	return m, nil
}

func isToken(s string) bool {
	if s == "" || len(s) > maxSession {
		return false
	}
	return strings.IndexFunc(s, func(r rune) bool {
		return (r < '0' || r > '9') && (r < 'A' || r > 'Z') && (r < 'a' || r > 'z') && !strings.ContainsRune("_-.:", r)
	}) < 0
}

func (h *Handler) answer(ctx context.Context, m bot.Message) Answer {
	ctx, cancel := context.WithTimeout(ctx, h.Patience)
	defer cancel()
	texts, err := h.Conversation.Converse(ctx, m)
	if err != nil || len(texts) == 0 {
		h.Log.Error("ussd dialogue ended without an answer", "err", err)
		return Answer{Screen: Pager{h.Limit}.Pages(h.Busy(), nil, "", "")[0], End: true}
	}
	last := texts[len(texts)-1]
	return Answer{Screen: last.Body, End: last.End}
}

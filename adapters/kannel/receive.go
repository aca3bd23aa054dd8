package kannel

import (
	"context"
	"errors"
	"net/http"
	"net/netip"
	"strconv"
	"strings"
	"time"
	"unicode/utf16"

	"tabe/bot"
	"tabe/bot/ident"
)

// Receiver takes a message. When it returns nil the message is safe and will
// be answered; a message given twice counts once.
type Receiver interface {
	Receive(ctx context.Context, m bot.Message) error
}

// Receipts takes what Kannel says later of a sent message.
type Receipts interface {
	Receipt(ctx context.Context, c bot.ChannelID, providerID string, status bot.Status, reason string) error
}

// maxURL bounds a request: a message of 8 parts, each character escaped.
const maxURL = 16 << 10

// Handler serves MessagePath and ReceiptPath. Both answer 503 to what could
// not be written down: Kannel then asks again, with the same id.
func (g *Gateway) Handler(messages Receiver, receipts Receipts) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET "+MessagePath, func(w http.ResponseWriter, r *http.Request) {
		m, err := parseMessage(r)
		switch {
		case errors.Is(err, errNoID):
			http.Error(w, "no id", http.StatusBadRequest)
			return
		case err != nil:
			// A short code or a company's name: nobody whom we could answer.
			g.log.Info("message ignored", "channel", SMS, "reason", err)
		default:
			if err := messages.Receive(r.Context(), m); err != nil {
				g.log.Error("cannot take a message", "channel", SMS, "err", err)
				http.Error(w, "try again later", http.StatusServiceUnavailable)
				return
			}
		}
		w.WriteHeader(http.StatusOK) // an empty answer sends nothing; answers go out by sendsms
	})
	mux.HandleFunc("GET "+ReceiptPath, func(w http.ResponseWriter, r *http.Request) {
		mask, err := strconv.Atoi(r.FormValue("status"))
		if status, known := statusOf(mask); err == nil && known {
			if err := receipts.Receipt(r.Context(), SMS, r.FormValue("id"), status, reason(mask, r.FormValue("answer"))); err != nil {
				g.log.Error("cannot take a receipt", "channel", SMS, "err", err)
				http.Error(w, "try again later", http.StatusServiceUnavailable)
				return
			}
		}
		w.WriteHeader(http.StatusNoContent)
	})
	return g.guarded(mux)
}

// guarded lets in who calls from where Kannel may be. What a proxy says about
// the caller is not believed.
func (g *Gateway) guarded(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		from, err := netip.ParseAddrPort(r.RemoteAddr)
		if err != nil || !g.allows(from.Addr().Unmap()) {
			g.log.Warn("a stranger plays Kannel")
			http.Error(w, "not from here", http.StatusForbidden)
			return
		}
		if len(r.URL.RawQuery) > maxURL {
			http.Error(w, "too long", http.StatusRequestURITooLong)
			return
		}
		next.ServeHTTP(w, r)
	})
}

func (g *Gateway) allows(a netip.Addr) bool {
	for _, p := range g.allow {
		if p.Contains(a) {
			return true
		}
	}
	return false
}

// The bits of a receipt's type. Several may be set: 34 is undelivered and
// expired.
const (
	delivered   = 1
	undelivered = 2
	accepted    = 8
	rejected    = 16
)

func statusOf(mask int) (bot.Status, bool) {
	switch {
	case mask&delivered != 0:
		return bot.Delivered, true
	case mask&(undelivered|rejected) != 0:
		return bot.Failed, true
	case mask&accepted != 0:
		return bot.Sent, true
	}
	return "", false
}

// reason is what the operator said of a failure, as far as it is a code: the
// words may hold the number.
func reason(mask int, answer string) string {
	if mask&(undelivered|rejected) == 0 {
		return ""
	}
	if _, code, ok := strings.Cut(answer, "NACK/"); ok {
		code, _, _ = strings.Cut(code, "/")
		if n, err := strconv.ParseUint(code, 0, 32); err == nil {
			return "smpp " + strconv.FormatUint(n, 10)
		}
	}
	return "dlr " + strconv.Itoa(mask)
}

var errNoID = errors.New("kannel: message without an id")

// parseMessage reads an incoming message.
func parseMessage(r *http.Request) (bot.Message, error) {
	q := r.URL.Query()
	m := bot.Message{ID: q.Get("id"), Channel: SMS, Text: inUTF8(q.Get("text"), q.Get("charset"))}
	if m.ID == "" || len(m.ID) > 128 {
		return m, errNoID
	}
	phone, err := ident.ParsePhone(q.Get("from"))
	if err != nil {
		return m, err
	}
	m.Peer, m.Subject = string(phone), "tel:"+string(phone)
	if seconds, err := strconv.ParseInt(q.Get("time"), 10, 64); err == nil {
		m.At = time.Unix(seconds, 0).UTC()
	}
	return m, nil
}

// inUTF8 reads a text of a Kannel that was not told to recode (mo-recode).
func inUTF8(text, charset string) string {
	switch strings.ToUpper(charset) {
	case "UTF-16BE", "UCS-2", "UTF-16":
		units := make([]uint16, 0, len(text)/2)
		for i := 0; i+1 < len(text); i += 2 {
			units = append(units, uint16(text[i])<<8|uint16(text[i+1]))
		}
		return string(utf16.Decode(units))
	case "ISO-8859-1", "LATIN1", "WINDOWS-1252", "CP1252":
		runes := make([]rune, len(text))
		for i := range len(text) {
			runes[i] = rune(text[i])
		}
		return string(runes)
	}
	return text
}

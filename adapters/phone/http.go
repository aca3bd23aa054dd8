package phone

import (
	"bytes"
	"context"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"html/template"
	"mime"
	"net/http"
	"strconv"
	"strings"
	"time"

	"tabe/bot"
	"tabe/bot/ident"
)

// Receiver takes messages from the phones; *bot.Engine does. When Receive
// returns nil the message is on disk.
type Receiver interface {
	Receive(ctx context.Context, m bot.Message) error
}

// Limits of the page's requests.
const (
	maxBody    = 128 << 10
	maxChoice  = 64
	maxPhones  = 8
	maxViewers = 64
	patience   = 10 * time.Second
	heartbeat  = 15 * time.Second
)

//go:embed page
var files embed.FS

// Handler serves the page at /, and what it needs below /demo/.
func (p *Phones) Handler(r Receiver) (http.Handler, error) {
	page, assets, err := p.render()
	if err != nil {
		return nil, err
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		w.Header().Set("Cache-Control", "no-store")
		_, _ = w.Write(page)
	})
	for _, a := range assets {
		mux.HandleFunc("GET /demo/"+a.name, a.serve)
	}
	mux.HandleFunc("POST /demo/messages", func(w http.ResponseWriter, q *http.Request) { p.receive(w, q, r) })
	mux.HandleFunc("GET /demo/events", p.events)
	return http.NewCrossOriginProtection().Handler(guarded(mux)), nil
}

// guarded lets the page load nothing but what is ours.
func guarded(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'")
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "no-referrer")
		next.ServeHTTP(w, r)
	})
}

// asset is a file of the page. Its address changes with its content.
type asset struct {
	name, kind string
	body       []byte
}

func (a asset) serve(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", a.kind)
	w.Header().Set("Cache-Control", "public, max-age=31536000, immutable")
	_, _ = w.Write(a.body)
}

// render makes the page, which is the same for everybody.
func (p *Phones) render() (page []byte, assets []asset, err error) {
	version := sha256.New()
	for _, f := range []struct{ name, kind string }{
		{"phone.css", "text/css; charset=utf-8"}, {"phone.js", "text/javascript; charset=utf-8"}, {"icon.svg", "image/svg+xml"},
	} {
		body, err := files.ReadFile("page/" + f.name)
		if err != nil {
			return nil, nil, err
		}
		version.Write(body)
		assets = append(assets, asset{f.name, f.kind, body})
	}
	words := template.FuncMap{"join": strings.Join, "local": local, "who": func(v view, c bot.ChannelID, first int) owner {
		return owner{c, v.Residents, first % max(1, len(v.Residents))}
	}}
	t, err := template.New("page.html").Funcs(words).ParseFS(files, "page/page.html")
	if err != nil {
		return nil, nil, err
	}
	var b bytes.Buffer
	err = t.Execute(&b, view{
		Version:   hex.EncodeToString(version.Sum(nil)[:6]),
		Residents: p.residents,
		Apps:      []app{{whatsapp, "WhatsApp", 1}, {telegram, "Telegram", 3}},
	})
	return b.Bytes(), assets, err
}

// view is what the page shows.
type view struct {
	Version   string // of the files beside the page
	Residents []Resident
	Apps      []app
}

// app is a messenger on the smartphone, at first that of one resident.
type app struct {
	Channel  bot.ChannelID
	Name     string
	Resident int
}

// owner is the choice of the resident whose phone it is.
type owner struct {
	Channel   bot.ChannelID
	Residents []Resident
	First     int
}

// local writes a number as people in Indonesia do: 0811-0000-0401.
func local(p ident.Phone) string {
	digits, indonesian := strings.CutPrefix(string(p), "+62")
	if !indonesian || len(digits) < 9 {
		return string(p)
	}
	digits = "0" + digits
	return digits[:4] + "-" + digits[4:8] + "-" + digits[8:]
}

// message is what the page sends: a text, or the value of a pressed button.
type message struct {
	ID      string        `json:"id"` // chosen by the page: sent again after an error, it counts once
	Channel bot.ChannelID `json:"channel"`
	From    ident.Phone   `json:"from"`
	Text    string        `json:"text"`
	Choice  string        `json:"choice"`
}

func (p *Phones) receive(w http.ResponseWriter, q *http.Request, r Receiver) {
	if kind, _, err := mime.ParseMediaType(q.Header.Get("Content-Type")); err != nil || kind != "application/json" {
		http.Error(w, "JSON is expected", http.StatusUnsupportedMediaType)
		return
	}
	var m message
	d := json.NewDecoder(http.MaxBytesReader(w, q.Body, maxBody))
	d.DisallowUnknownFields()
	if err := d.Decode(&m); err != nil || d.More() {
		status := http.StatusBadRequest
		if tooLarge := (*http.MaxBytesError)(nil); errors.As(err, &tooLarge) {
			status = http.StatusRequestEntityTooLarge
		}
		http.Error(w, "not a message", status)
		return
	}
	if problem := p.check(m); problem != "" {
		http.Error(w, problem, http.StatusBadRequest)
		return
	}
	ctx, cancel := context.WithTimeout(q.Context(), patience)
	defer cancel()
	if err := p.written(ctx, r, m); err != nil {
		http.Error(w, "not received, try again", http.StatusServiceUnavailable)
		return
	}
	w.WriteHeader(http.StatusAccepted)
}

func (p *Phones) check(m message) (problem string) {
	switch {
	case len(m.ID) < 8 || len(m.ID) > 64 || strings.Trim(m.ID, "0123456789abcdef-") != "":
		return "id: 8 to 64 hexadecimal digits"
	case m.Channel != sms && m.Channel != whatsapp && m.Channel != telegram:
		return "channel: sms, whatsapp or telegram"
	case p.boxes[m.From] == nil:
		return "from: no such phone"
	case len(m.Choice) > maxChoice || m.Choice != "" && (m.Text != "" || m.Channel == sms):
		return "choice: the value of a button, without a text, where there are buttons"
	}
	return ""
}

// events streams what happens on some phones (?from=+62…, repeated). A page
// that reconnects names the last event it saw and misses none.
func (p *Phones) events(w http.ResponseWriter, r *http.Request) {
	var phones []ident.Phone
	asked := map[ident.Phone]bool{}
	for _, from := range r.URL.Query()["from"] {
		phone := ident.Phone(from)
		if p.boxes[phone] == nil {
			http.Error(w, "no such phone", http.StatusNotFound)
			return
		}
		if !asked[phone] {
			asked[phone] = true
			phones = append(phones, phone)
		}
	}
	if len(phones) == 0 || len(phones) > maxPhones {
		http.Error(w, fmt.Sprintf("from: 1 to %d phones", maxPhones), http.StatusBadRequest)
		return
	}
	if !p.enter() {
		http.Error(w, "too many open pages", http.StatusServiceUnavailable)
		return
	}
	defer p.leave()

	stream := http.NewResponseController(w)
	_ = stream.SetWriteDeadline(time.Time{}) // the stream has no end
	w.Header().Set("Content-Type", "text/event-stream")
	w.Header().Set("Cache-Control", "no-store")
	if _, err := w.Write([]byte("retry: 1000\n\n")); err != nil {
		return
	}
	last := p.seen(r.Header.Get("Last-Event-ID"))
	beat := time.NewTicker(heartbeat)
	defer beat.Stop()
	for {
		events, changed := p.since(last, phones)
		for _, e := range events {
			data, err := json.Marshal(e)
			if err != nil {
				return
			}
			if _, err := fmt.Fprintf(w, "id: %s-%d\ndata: %s\n\n", p.run, e.number, data); err != nil {
				return
			}
			last = e.number
		}
		if err := stream.Flush(); err != nil {
			return
		}
		select {
		case <-changed:
		case <-beat.C:
			if _, err := w.Write([]byte(": still here\n\n")); err != nil {
				return
			}
		case <-r.Context().Done():
			return
		case <-p.closed.Done():
			return
		}
	}
}

// seen reads the number out of a Last-Event-ID; 0 for one of another process,
// whose numbers mean nothing here.
func (p *Phones) seen(id string) int64 {
	number, ours := strings.CutPrefix(id, p.run+"-")
	n, err := strconv.ParseInt(number, 10, 64)
	if !ours || err != nil {
		return 0
	}
	return n
}

func (p *Phones) enter() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.viewers == maxViewers {
		return false
	}
	p.viewers++
	return true
}

func (p *Phones) leave() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.viewers--
}

package webchat

import (
	"context"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"encoding/json"
	"errors"
	"hash/fnv"
	"mime"
	"net/http"
	"net/netip"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"tabe/adapters/bounded"
	"tabe/bot"
)

// Path is where the chat is: the page itself, and everything of it below.
const Path = "/chat"

//go:embed page
var pageFiles embed.FS

type file struct {
	kind string
	body []byte
	tag  string
}

func readFiles() (map[string]file, error) {
	entries, err := pageFiles.ReadDir("page")
	if err != nil {
		return nil, err
	}
	files := map[string]file{}
	for _, e := range entries {
		body, err := pageFiles.ReadFile("page/" + e.Name())
		if err != nil {
			return nil, err
		}
		sum := sha256.Sum256(body)
		files[e.Name()] = file{mime.TypeByExtension(path.Ext(e.Name())), body, `"` + hex.EncodeToString(sum[:8]) + `"`}
	}
	return files, nil
}

// Receiver takes a message; *bot.Engine does.
type Receiver interface {
	Receive(ctx context.Context, m bot.Message) error
}

// Handler serves Path and everything below it.
func (c *Chat) Handler(messages Receiver) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET "+Path, func(w http.ResponseWriter, r *http.Request) { c.file(w, r, "page.html") })
	mux.HandleFunc("GET "+Path+"/{name}", func(w http.ResponseWriter, r *http.Request) { c.file(w, r, r.PathValue("name")) })
	mux.HandleFunc("POST "+Path+"/visits", c.visit)
	mux.HandleFunc("POST "+Path+"/messages", func(w http.ResponseWriter, r *http.Request) { c.receive(w, r, messages) })
	mux.HandleFunc("GET "+Path+"/messages", c.poll)
	return c.guarded(http.NewCrossOriginProtection().Handler(mux))
}

// guarded lets only the named sites show the page, and the page load nothing
// but what is ours.
func (c *Chat) guarded(next http.Handler) http.Handler {
	frame := "frame-ancestors 'self' " + strings.Join(c.Origins, " ")
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", "default-src 'self'; base-uri 'none'; object-src 'none'; form-action 'none'; "+frame)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Permissions-Policy", "camera=(), microphone=(), geolocation=(self)")
		h.Set("Cache-Control", "no-store")
		next.ServeHTTP(w, r)
	})
}

func (c *Chat) file(w http.ResponseWriter, r *http.Request, name string) {
	f, ok := c.files[name]
	if !ok {
		http.NotFound(w, r)
		return
	}
	w.Header().Set("Content-Type", f.kind)
	w.Header().Set("Cache-Control", "public, max-age=300")
	w.Header().Set("ETag", f.tag)
	if r.Header.Get("If-None-Match") == f.tag {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	_, _ = w.Write(f.body) // the browser has left if it fails
}

// visit gives a new visitor his secret.
func (c *Chat) visit(w http.ResponseWriter, r *http.Request) {
	if !c.admits(w, r) {
		return
	}
	answer(w, map[string]string{"secret": NewSecret()})
}

// admits slows a network down that sends too much.
func (c *Chat) admits(w http.ResponseWriter, r *http.Request) bool {
	if from, err := netip.ParseAddrPort(r.RemoteAddr); err == nil && c.limit.allows(from.Addr()) {
		return true
	}
	w.Header().Set("Retry-After", "5")
	http.Error(w, "too many messages", http.StatusTooManyRequests)
	return false
}

// visitor returns the session of a request; it has answered if there is none.
func (c *Chat) visitor(w http.ResponseWriter, r *http.Request) (string, bool) {
	secret, _ := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	session, ok := c.session(secret)
	if !ok {
		http.Error(w, errSecret.Error(), http.StatusUnauthorized)
	}
	return session, ok
}

// maxBody bounds a message.
const maxBody = 16 << 10

var messageID = regexp.MustCompile(`^[A-Za-z0-9-]{8,64}$`)

// receive takes a message of a visitor. The page gives it an id and sends it
// again, with the same id, until it is told that it was taken.
func (c *Chat) receive(w http.ResponseWriter, r *http.Request, messages Receiver) {
	session, ok := c.visitor(w, r)
	if !ok || !c.admits(w, r) {
		return
	}
	body, ok := bounded.Body(w, r, maxBody, func(status int, reason string) { http.Error(w, reason, status) })
	if !ok {
		return
	}
	var in struct {
		ID, Text, Choice, Label string
		Opens                   bool // a new visitor: greet him
		Location                *bot.Location
	}
	if err := json.Unmarshal(body, &in); err != nil || !messageID.MatchString(in.ID) {
		http.Error(w, "no message", http.StatusBadRequest)
		return
	}
	m := bot.Message{
		ID: session[:16] + "-" + in.ID, Channel: Channel, Peer: session, Subject: subject(session),
		Text: in.Text, Choice: bot.CleanText(in.Choice), Location: in.Location, Opens: in.Opens,
	}
	if m.Location != nil {
		m.Media = bot.MediaLocation
	}
	// What he wrote is shown again after a reload, above its answer.
	mine := shown{Mine: true, Text: bot.CleanText(in.Text)}
	if m.Choice != "" {
		mine.Text = bot.CleanText(in.Label)
	}
	if mine.Text != "" {
		if err := c.keep(r.Context(), session, own(m.ID), mine); err != nil {
			c.Log.Error("cannot keep a visitor's own text", "channel", Channel, "err", err)
		}
	}
	if err := messages.Receive(r.Context(), m); err != nil {
		c.Log.Error("cannot take a message", "channel", Channel, "err", err)
		http.Error(w, "try again", http.StatusServiceUnavailable)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

// own numbers a visitor's own texts, apart from those of the outbox: below zero.
func own(id string) int64 {
	h := fnv.New64a()
	_, _ = h.Write([]byte(id))
	return -int64(h.Sum64()>>1) - 1
}

// How long a page waits for something new, and how often the database is asked
// for what another machine has written.
const (
	waitTime  = 25 * time.Second
	lookEvery = time.Second
)

// poll answers when there is something after the last text that the page has.
func (c *Chat) poll(w http.ResponseWriter, r *http.Request) {
	session, ok := c.visitor(w, r)
	if !ok {
		return
	}
	after, err := strconv.ParseInt(r.URL.Query().Get("after"), 10, 64)
	if err != nil && r.URL.Query().Get("after") != "" {
		http.Error(w, "after is no number", http.StatusBadRequest)
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), waitTime)
	defer cancel()
	look := time.NewTicker(lookEvery)
	defer look.Stop()
	for {
		news := c.news(session)
		texts, err := c.since(ctx, session, after)
		switch {
		case errors.Is(err, context.DeadlineExceeded):
			answer(w, []shown{})
			return
		case ctx.Err() != nil && err != nil:
			return // the browser has left
		case err != nil:
			c.Log.Error("cannot read texts", "channel", Channel, "err", err)
			http.Error(w, "try again", http.StatusServiceUnavailable)
			return
		case len(texts) > 0:
			answer(w, texts)
			return
		}
		select {
		case <-news:
		case <-look.C:
		case <-ctx.Done():
			if r.Context().Err() == nil {
				answer(w, []shown{})
			}
			return
		}
	}
}

func answer(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(v) // the browser has left if it fails
}

// ParseOrigins reads the sites that may show the chat, with blanks or commas
// between: https://soppengkab.go.id.
func ParseOrigins(s string) ([]string, error) {
	all := strings.FieldsFunc(s, func(r rune) bool { return r == ',' || r == ' ' })
	if slices.ContainsFunc(all, func(o string) bool { return !origin.MatchString(o) }) {
		return nil, errors.New("is not a list of https://HOST with commas between")
	}
	return all, nil
}

var origin = regexp.MustCompile(`^https?://[a-zA-Z0-9.-]+(:[0-9]{1,5})?$`)

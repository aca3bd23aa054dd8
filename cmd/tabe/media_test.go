package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"tabe/adapters/scc/operators"
	"tabe/adapters/testserver"
	"tabe/bot"
)

var aPicture = append([]byte("\x89PNG\r\n\x1a\n"), bytes.Repeat([]byte("x"), 2000)...)

// providers stands for Twilio, Telegram and Meta, each of which has some media
// by their names.
type providers struct {
	*httptest.Server
	t    *testing.T
	sent atomic.Int64 // bytes of what is too large
}

func newProviders(t *testing.T) *providers {
	p := &providers{t: t}
	p.Server = httptest.NewServer(http.HandlerFunc(p.answer))
	t.Cleanup(p.Close)
	return p
}

const mediaAccount = "AC00000000000000000000000000000000"

// metaIDs are the names as Meta's numbers.
var metaIDs = map[string]string{"picture": "1", "page": "2", "huge": "3", "gone": "4", "down": "5"}

func (p *providers) answer(w http.ResponseWriter, r *http.Request) {
	path := r.URL.Path
	switch {
	case path == "/bottoken/getFile":
		name := r.PostFormValue("file_id")
		if name == "gone" {
			w.WriteHeader(http.StatusBadRequest)
			fmt.Fprint(w, `{"ok": false, "error_code": 400, "description": "Bad Request: wrong file_id or the file is temporarily unavailable"}`)
			return
		}
		fmt.Fprintf(w, `{"ok": true, "result": {"file_id": %q, "file_unique_id": "u", "file_path": %q}}`, name, name)
	case strings.HasPrefix(path, "/file/bottoken/"):
		p.give(w, strings.TrimPrefix(path, "/file/bottoken/"))
	case strings.HasPrefix(path, "/v23.0/"):
		if r.Header.Get("Authorization") != "Bearer token" {
			p.t.Error("without Meta's token")
		}
		for name, id := range metaIDs {
			switch {
			case path != "/v23.0/"+id:
			case name == "gone":
				w.WriteHeader(http.StatusBadRequest)
				fmt.Fprint(w, `{"error": {"message": "Unsupported get request. Object with ID '4' does not exist", "type": "GraphMethodException", "code": 100, "error_subcode": 33}}`)
			default:
				_ = json.NewEncoder(w).Encode(map[string]any{"url": p.URL + "/meta/" + name, "mime_type": "image/png", "id": id, "messaging_product": "whatsapp"})
			}
		}
	case strings.HasPrefix(path, "/meta/"):
		p.give(w, strings.TrimPrefix(path, "/meta/"))
	case strings.HasPrefix(path, "/2010-04-01/Accounts/"+mediaAccount+"/Messages/MM1/Media/ME"):
		if user, password, _ := r.BasicAuth(); user != mediaAccount || password != "token" {
			p.t.Error("without Twilio's token")
		}
		_, name, _ := strings.Cut(path, "/Media/ME")
		p.give(w, name)
	default:
		p.t.Errorf("asked for %s", path)
	}
}

func (p *providers) give(w http.ResponseWriter, name string) {
	w.Header().Set("Content-Type", "image/png") // whatever it is
	switch name {
	case "picture":
		_, _ = w.Write(aPicture)
	case "page":
		fmt.Fprint(w, "<html><script>alert(document.cookie)</script></html>")
	case "huge": // 100 MB, without saying so
		for range 100 << 20 / len(aPicture) {
			n, err := w.Write(aPicture)
			if p.sent.Add(int64(n)); err != nil {
				return
			}
		}
	case "down":
		w.WriteHeader(http.StatusServiceUnavailable)
	default:
		w.WriteHeader(http.StatusNotFound)
	}
}

// An operator opens what residents sent by each provider that keeps it.
func TestOperatorsOpenWhatResidentsSent(t *testing.T) {
	p := newProviders(t)
	env := settings{
		"TABE_SECRET_KEY": goodKey, "TABE_PUBLIC_URL": "https://tabe.example",
		"TABE_TWILIO_ACCOUNT_SID": mediaAccount, "TABE_TWILIO_AUTH_TOKEN": "token", "TABE_TWILIO_SMS_FROM": "+6281100000400", "TABE_TWILIO_API_URL": p.URL,
		"TABE_TELEGRAM_TOKEN": "token", "TABE_TELEGRAM_SECRET": "secret", "TABE_TELEGRAM_API_URL": p.URL,
		"TABE_WHATSAPP_TOKEN": "token", "TABE_WHATSAPP_PHONE_ID": "106540352242922", "TABE_WHATSAPP_APP_SECRET": "secret", "TABE_WHATSAPP_VERIFY_TOKEN": "word", "TABE_WHATSAPP_API_URL": p.URL,
	}
	config, err := readConfig(env.getenv, t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	log := &lockedBuffer{}
	logger := slog.New(slog.NewTextHandler(log, nil))
	ways, err := newWays(config, logger)
	if err != nil {
		t.Fatal(err)
	}
	defer ways.close()
	clock := func() time.Time { return time.Date(2026, 11, 25, 10, 0, 0, 0, bot.WITA) }
	o := options{databaseURL: testserver.SQLiteURL(t), secretKey: config.secretKey, dataDir: t.TempDir(), channels: ways.out(), media: ways.media(), clock: clock, log: logger}
	a, err := open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	defer a.close()
	mux := http.NewServeMux()
	accounts, err := a.mountConsole(mux, o, false)
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(mux)
	defer server.Close()

	for _, c := range []struct {
		channel       bot.ChannelID
		peer, subject string
		ref           func(name string) string
		at            string // what the provider is called
	}{
		{smsChannel, "+6281100000401", "tel:+6281100000401", func(name string) string {
			return "https://api.twilio.com/2010-04-01/Accounts/" + mediaAccount + "/Messages/MM1/Media/ME" + name
		}, "penyedia SMS"},
		{telegramChannel, "4711", "telegram:4711", func(name string) string { return name }, "Telegram"},
		{whatsappChannel, "+6281100000402", "tel:+6281100000402", func(name string) string { return metaIDs[name] }, "WhatsApp"},
	} {
		t.Run(string(c.channel), func(t *testing.T) {
			sends := func(m bot.Message) {
				t.Helper()
				m.Channel, m.Peer, m.Subject, m.At = c.channel, c.peer, c.subject, clock()
				if err := a.engine.Receive(t.Context(), m); err != nil {
					t.Fatal(err)
				}
			}
			sends(bot.Message{ID: "first", Text: "mau bicara dengan orang"})
			for name := range metaIDs {
				sends(bot.Message{ID: name, Media: bot.MediaPhoto, MediaRef: c.ref(name)})
			}
			id := a.store.ID(c.subject)
			seqs := map[string]int64{}
			lines, err := a.store.History(t.Context(), id, 100)
			if err != nil {
				t.Fatal(err)
			}
			for _, l := range lines {
				if l.Message != nil {
					seqs[l.Message.ID] = l.Seq
				}
			}
			number := int64(0)
			for limit := time.Now().Add(20 * time.Second); number == 0; time.Sleep(5 * time.Millisecond) {
				cases, err := a.desk.Open(t.Context(), 10)
				if err != nil || time.Now().After(limit) {
					t.Fatal("nobody asked for a person", err)
				}
				for _, open := range cases {
					if open.Resident == id {
						number = open.ID
					}
				}
			}
			operator := signedIn(t, accounts, server.URL, "andi-"+string(c.channel), operators.Dispatcher)
			get := func(name string) (status int, head http.Header, body string) {
				t.Helper()
				answer, err := operator.Get(fmt.Sprintf("%s/scc/percakapan/%d/media/%d", server.URL, number, seqs[name]))
				if err != nil {
					t.Fatal(err)
				}
				defer answer.Body.Close()
				all, err := io.ReadAll(answer.Body)
				if err != nil {
					t.Fatal(err)
				}
				return answer.StatusCode, answer.Header, string(all)
			}
			if status, head, body := get("picture"); status != http.StatusOK || head.Get("Content-Type") != "image/png" || body != string(aPicture) || head.Get("Content-Disposition") != "" {
				t.Errorf("the picture: %d %v", status, head)
			}
			if status, head, _ := get("page"); status != http.StatusOK || head.Get("Content-Type") != "application/octet-stream" || !strings.HasPrefix(head.Get("Content-Disposition"), "attachment") {
				t.Errorf("a page: %d %v", status, head)
			}
			before := p.sent.Load()
			if status, _, body := get("huge"); status != http.StatusRequestEntityTooLarge || !strings.Contains(body, "Foto ini terlalu besar") {
				t.Errorf("100 MB: %d %s", status, body)
			}
			if n := p.sent.Load() - before; n < 16<<20 || n > 48<<20 {
				t.Errorf("of 100 MB %d were read", n)
			}
			if status, _, body := get("gone"); status != http.StatusGone || !strings.Contains(body, "Foto ini sudah tidak ada di "+c.at) {
				t.Errorf("gone: %d %s", status, body)
			}
			if status, _, body := get("down"); status != http.StatusBadGateway || !strings.Contains(body, c.at+" tidak menjawab") {
				t.Errorf("down: %d %s", status, body)
			}
			auditor := signedIn(t, accounts, server.URL, "sari-"+string(c.channel), operators.Auditor)
			answer, err := auditor.Get(fmt.Sprintf("%s/scc/percakapan/%d/media/%d", server.URL, number, seqs["picture"]))
			if err != nil {
				t.Fatal(err)
			}
			if _ = answer.Body.Close(); answer.StatusCode != http.StatusForbidden {
				t.Errorf("an auditor opens it: %d", answer.StatusCode)
			}
		})
	}
	if text := log.String(); strings.Contains(text, "token") || strings.Contains(text, "62811") {
		t.Errorf("the log tells what it must not:\n%s", text)
	}
	if err := a.engine.Close(t.Context()); err != nil {
		t.Error(err)
	}
}

package kannel_test

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"tabe/adapters/channeltest"
	"tabe/adapters/kannel"
	"tabe/adapters/testserver"
	"tabe/bot"
)

// receipts keeps what came of each message.
type receipts struct {
	mu   sync.Mutex
	got  map[string][]bot.Status
	news chan struct{}
}

func (r *receipts) Receipt(_ context.Context, c bot.ChannelID, id string, s bot.Status, _ string) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if c != kannel.SMS {
		return errors.New("of another channel")
	}
	r.got[id] = append(r.got[id], s)
	r.news <- struct{}{}
	return nil
}

func (r *receipts) await(t *testing.T, id string, want bot.Status) {
	t.Helper()
	late := time.After(30 * time.Second)
	for {
		r.mu.Lock()
		all := r.got[id]
		r.mu.Unlock()
		for _, s := range all {
			if s == want {
				return
			}
		}
		select {
		case <-r.news:
		case <-late:
			t.Fatalf("message %s: %v, %s was expected", id, all, want)
		}
	}
}

// lab is our channel with a real Kannel and an operator behind it.
type lab struct {
	*operator
	gateway  *kannel.Gateway
	inbox    *channeltest.Inbox
	receipts *receipts
	setInbox func(func(bot.Message) error)
}

func startLab(t *testing.T) *lab {
	l := &lab{operator: startOperator(t), receipts: &receipts{got: map[string][]bot.Status{}, news: make(chan struct{}, 1000)}}
	var mu sync.Mutex
	var fail func(bot.Message) error
	l.setInbox = func(f func(bot.Message) error) { mu.Lock(); fail = f; mu.Unlock() }
	l.inbox = channeltest.NewInbox(func(m bot.Message) error {
		mu.Lock()
		defer mu.Unlock()
		if fail != nil {
			return fail(m)
		}
		return nil
	})
	var door http.Handler
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { door.ServeHTTP(w, r) }))
	t.Cleanup(server.Close)
	k := testserver.StartKannel(t, l.port(), server.URL+kannel.MessagePath)
	var err error
	if l.gateway, err = kannel.New(kannel.Config{
		URL: k.SendURL, Username: k.Username, Password: k.Password, From: "1708", Callback: server.URL, Log: slog.New(slog.NewTextHandler(t.Output(), nil)),
	}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(l.gateway.Close)
	door = l.gateway.Handler(l.inbox, l.receipts)
	return l
}

func (l *lab) send(t *testing.T, n int64, to, text string) string {
	t.Helper()
	id, err := l.gateway.Send(t.Context(), bot.Outbound{ID: n, Channel: kannel.SMS, Peer: to, Text: bot.Text{Body: text}})
	if err != nil {
		t.Fatalf("%v: %v", err, errors.Unwrap(err))
	}
	return id
}

func (l *lab) await(t *testing.T) delivery {
	t.Helper()
	select {
	case d := <-l.arrived:
		return d
	case <-time.After(30 * time.Second):
		t.Fatal("nothing reached the telephone")
		return delivery{}
	}
}

func TestThroughKannel(t *testing.T) {
	l := startLab(t)
	if err := l.gateway.Check(t.Context()); err != nil {
		t.Error("check:", err)
	}

	t.Run("out", func(t *testing.T) {
		for n, c := range []struct {
			name, text string
			coding     byte
			parts      int
		}{
			{"short", "Tabe', PBB 2026: Rp 52.500. Bayar @ loket [BPKPD] & bank_100% é", 0, 1},
			{"of three parts", strings.Repeat("Bayar sebelum 30 Sep 2026. ", 15), 0, 3},
			{"in Lontara", "ᨒᨚᨈᨑ ᨕᨘᨁᨗ", 8, 1},
			{"long in Lontara", strings.Repeat("ᨒᨚᨈᨑ ", 30), 8, 3},
		} {
			id := l.send(t, int64(n+1), "+6281100000401", c.text)
			got := l.await(t)
			if got.text != c.text || got.coding != c.coding || got.parts != c.parts || strings.TrimPrefix(got.to, "+") != "6281100000401" {
				t.Errorf("%s: %+v", c.name, got)
			}
			l.receipts.await(t, id, bot.Delivered)
		}
	})

	t.Run("longer than Kannel takes", func(t *testing.T) {
		text := strings.Repeat("Rp 52.500 per tahun, ", 90)
		l.send(t, 50, "+6281100000401", text)
		if got := l.await(t).text + l.await(t).text; got != strings.TrimSpace(text) && got != text {
			t.Errorf("%d characters of %d", len(got), len(text))
		}
	})

	t.Run("a phone that is off", func(t *testing.T) {
		id := l.send(t, 60, "+6281100000409", "Tabe'")
		l.await(t)
		l.receipts.await(t, id, bot.Failed)
	})

	t.Run("the operator is busy", func(t *testing.T) {
		l.mu.Lock()
		l.throttle = 2
		l.mu.Unlock()
		id := l.send(t, 70, "+6281100000401", "pelan-pelan")
		if got := l.await(t); got.text != "pelan-pelan" {
			t.Errorf("%+v", got)
		}
		l.receipts.await(t, id, bot.Delivered)
	})

	t.Run("in", func(t *testing.T) {
		l.writes("6281100000402", "berapa PBB & denda?", false)
		l.writes("6281100000403", "ᨔᨗᨕᨁ ᨄᨍ", true)
		got := l.inbox.Wait(t, 2)
		byPeer := map[string]bot.Message{got[0].Peer: got[0], got[1].Peer: got[1]}
		a, b := byPeer["+6281100000402"], byPeer["+6281100000403"]
		if a.Text != "berapa PBB & denda?" || a.Subject != "tel:+6281100000402" || a.ID == "" || a.Channel != "sms" {
			t.Errorf("%+v", a)
		}
		if b.Text != "ᨔᨗᨕᨁ ᨄᨍ" {
			t.Errorf("%+v", b)
		}
		if age := time.Since(a.At); age < -time.Minute || age > time.Hour {
			t.Error("sent at", a.At)
		}
	})

	t.Run("in while our disk is full", func(t *testing.T) {
		var ids []string
		l.setInbox(func(m bot.Message) error {
			if ids = append(ids, m.ID); len(ids) == 1 {
				return errors.New("no space")
			}
			return nil
		})
		before := len(l.inbox.Messages())
		l.writes("6281100000404", "tolong", false)
		got := l.inbox.Wait(t, before+1)[before]
		if got.Text != "tolong" || len(ids) != 2 || ids[0] != ids[1] {
			t.Errorf("%+v after %v", got, ids)
		}
	})
}

func gateway(t *testing.T, c kannel.Config) *kannel.Gateway {
	t.Helper()
	c.Username, c.Password, c.Callback = "u", "p", "http://127.0.0.1:1"
	if c.URL == "" {
		c.URL = "http://127.0.0.1:1/cgi-bin/sendsms"
	}
	g, err := kannel.New(c)
	if err != nil {
		t.Fatal(err)
	}
	return g
}

func TestStrangersAreNotKannel(t *testing.T) {
	inbox := channeltest.NewInbox(nil)
	for _, c := range []struct {
		allow, from string
		want        int
	}{
		{"", "127.0.0.1:5", 200}, {"", "[::1]:5", 200}, {"", "10.0.0.1:5", 403}, {"", "[::ffff:127.0.0.1]:5", 200},
		{"10.1.0.0/16, 10.2.0.4", "10.1.200.3:5", 200}, {"10.1.0.0/16, 10.2.0.4", "10.2.0.4:5", 200},
		{"10.1.0.0/16, 10.2.0.4", "10.2.0.5:5", 403}, {"10.1.0.0/16", "127.0.0.1:5", 403}, {"", "nonsense", 403},
	} {
		allow, err := kannel.ParseAllow(c.allow)
		if err != nil {
			t.Fatal(err)
		}
		h := gateway(t, kannel.Config{Allow: allow}).Handler(inbox, &receipts{})
		r := httptest.NewRequest(http.MethodGet, kannel.MessagePath+"?from=62811&id=1", nil)
		r.RemoteAddr = c.from
		r.Header.Set("X-Forwarded-For", "127.0.0.1")
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		if w.Code != c.want {
			t.Errorf("%q from %s: %d", c.allow, c.from, w.Code)
		}
	}
	if _, err := kannel.ParseAllow("10.0.0.0/99"); err == nil {
		t.Error("a network that is none")
	}
}

func TestBadRequests(t *testing.T) {
	inbox := channeltest.NewInbox(func(m bot.Message) error {
		if m.Text == "full" {
			return errors.New("no space")
		}
		return nil
	})
	h := gateway(t, kannel.Config{}).Handler(inbox, &receipts{got: map[string][]bot.Status{}, news: make(chan struct{}, 9)})
	for query, want := range map[string]int{
		"?from=%2B6281100000401&text=hai&id=1":                            200,
		"?from=BANK&text=promo&id=2":                                      200, // ignored: nobody to answer
		"?from=%2B6281100000401&text=hai":                                 400,
		"?from=%2B6281100000401&text=full&id=3":                           503,
		"?from=%2B6281100000401&id=4&text=" + strings.Repeat("%41", 6000): 414,
		"?from=%2B6281100000401&id=5&text=%00%6c&charset=UTF-16BE":        200,
		"?from=%2B6281100000401&id=6&text=%e9&charset=ISO-8859-1":         200,
		"/dlr?id=x&status=1":                                              204,
		"/dlr?id=x&status=999999999999999999999":                          204,
		"/dlr?status=garbage":                                             204,
	} {
		r := httptest.NewRequest(http.MethodGet, kannel.MessagePath+query, nil)
		r.RemoteAddr = "127.0.0.1:5"
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		if w.Code != want {
			t.Errorf("%.60s: %d, want %d", query, w.Code, want)
		}
	}
	texts := map[string]bool{}
	for _, m := range inbox.Messages() {
		texts[m.Text] = true
	}
	if !texts["l"] || !texts["é"] || len(texts) != 3 {
		t.Error(texts)
	}
}

func TestReceiptsAreBits(t *testing.T) {
	for mask, want := range map[string]bot.Status{"1": bot.Delivered, "2": bot.Failed, "34": bot.Failed, "16": bot.Failed, "8": bot.Sent, "4": "", "0": ""} {
		rc := &receipts{got: map[string][]bot.Status{}, news: make(chan struct{}, 9)}
		r := httptest.NewRequest(http.MethodGet, kannel.ReceiptPath+"?id=x&status="+mask+"&answer=NACK%2F0x0000000b%2FInvalid", nil)
		r.RemoteAddr = "127.0.0.1:5"
		gateway(t, kannel.Config{}).Handler(channeltest.NewInbox(nil), rc).ServeHTTP(httptest.NewRecorder(), r)
		var got bot.Status
		if len(rc.got["x"]) > 0 {
			got = rc.got["x"][0]
		}
		if got != want {
			t.Errorf("%s: %q, want %q", mask, got, want)
		}
	}
}

func TestWhatKannelRefuses(t *testing.T) {
	for _, c := range []struct {
		status    int
		body      string
		permanent bool
	}{
		{400, "Number(s) has/have been denied by white- and/or black-lists.", true},
		{403, "Authorization failed for sendsms", false}, // ours to repair: the message must not be lost
		{500, "", false},
		{202, "<html>busy</html>", false},
	} {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if strings.Contains(r.URL.RawQuery, "p") || r.Header.Get("X-Kannel-Password") != "p" {
				t.Error("the password is in the address, or nowhere")
			}
			w.WriteHeader(c.status)
			_, _ = w.Write([]byte(c.body))
		}))
		_, err := gateway(t, kannel.Config{URL: server.URL}).Send(t.Context(), bot.Outbound{Peer: "+6281100000401", Text: bot.Text{Body: "x"}})
		var failed *bot.SendError
		if !errors.As(err, &failed) || failed.Permanent != c.permanent || strings.Contains(failed.Code, "denied") {
			t.Errorf("%d: %v", c.status, err)
		}
		server.Close()
	}
}

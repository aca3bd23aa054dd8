package twilio

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"tabe/adapters/channeltest"
	"tabe/bot"
)

// open returns the channels of an account whose API is p.
func open(t *testing.T, p *provider) (sms, whatsApp bot.Channel) {
	t.Helper()
	channels := newAccount(t, func(c *Config) { c.APIURL = p.URL }).Channels()
	if len(channels) != 2 || channels[0].ID() != SMS || channels[1].ID() != WhatsApp {
		t.Fatalf("channels: %v", channels)
	}
	return channels[0], channels[1]
}

func outbound(body string, options ...bot.Option) bot.Outbound {
	return bot.Outbound{ID: 1, Peer: resident, Text: bot.Text{Body: body, Options: options}}
}

// From a signed form to a call of the REST API, over both channels.
func TestThereAndBack(t *testing.T) {
	p := newProvider(t)
	account := newAccount(t, func(c *Config) { c.APIURL = p.URL })
	system := channeltest.Start(t, account.Channels()...)
	h := account.Handler(system, system.Store)

	first := incoming(url.Values{"Body": {"siaga\npajakku’?"}})
	for range 3 { // replayed: the same answer, once
		if got := deliver(h, MessagePath, first); got.Code != http.StatusOK {
			t.Fatalf("%d %s", got.Code, got.Body)
		}
	}
	p.wait(1)
	whatsApp := url.Values{"MessageSid": {"SM0002"}, "From": {"whatsapp:" + resident}, "Body": {"tabe’"}}
	if got := deliver(h, MessagePath, incoming(whatsApp)); got.Code != http.StatusOK {
		t.Fatalf("%d %s", got.Code, got.Body)
	}
	forms := p.wait(2)
	for i, want := range []url.Values{
		{"To": {resident}, "From": {ourSMS}, "Body": {"1 heard: siaga pajakku'?\n1 say it again\n2 the long one"}},
		// The same person, with a conversation of its own on the other channel.
		{"To": {"whatsapp:" + resident}, "From": {"whatsapp:" + ourWhatsApp}, "Body": {"1 heard: tabe’\n1 say it again\n2 the long one"}},
	} {
		want["StatusCallback"] = []string{publicURL + StatusPath}
		if forms[i].Encode() != want.Encode() {
			t.Errorf("sent\n%v, want\n%v", forms[i], want)
		}
	}
	for _, c := range []bot.ChannelID{SMS, WhatsApp} {
		if at, err := system.Position(t.Context(), "tel:"+resident, c); err != nil || at.Flow == "" {
			t.Errorf("one number is two residents: %s is not at %+v (%v)", c, at, err)
		}
	}

	// "1" chooses the first option; its receipt comes back.
	if got := deliver(h, MessagePath, incoming(url.Values{"MessageSid": {"SM0003"}, "Body": {"1"}})); got.Code != http.StatusOK {
		t.Fatal(got.Code)
	}
	if body := p.wait(3)[2].Get("Body"); !strings.HasPrefix(body, "2 heard: again: 1\n") {
		t.Errorf("sent %q", body)
	}
	status := url.Values{"AccountSid": {accountSID}, "MessageSid": {sid(3)}, "From": {ourSMS}, "MessageStatus": {"delivered"}}
	until(t, "the answer is written down as delivered", func() bool {
		if got := deliver(h, StatusPath, status); got.Code != http.StatusNoContent {
			t.Fatalf("%d", got.Code)
		}
		return system.Store.Status(3) == bot.Delivered
	})
	if got := len(p.wait(3)); got != 3 {
		t.Errorf("%d calls", got)
	}
}

func until(t *testing.T, what string, ok func() bool) {
	t.Helper()
	late := time.After(20 * time.Second)
	for !ok() {
		select {
		case <-late:
			t.Fatalf("never: %s", what)
		case <-time.After(5 * time.Millisecond):
		}
	}
}

func TestLongText(t *testing.T) {
	p := newProvider(t)
	_, whatsApp := open(t, p)
	text := strings.Repeat("Rp 52.500 untuk NOP 73.12.010.003.002-0041.0\n", 80)
	p.respond(func(w http.ResponseWriter, n int) bool {
		if n != 2 {
			return false
		}
		w.WriteHeader(http.StatusServiceUnavailable) // for a moment, on the second piece
		return true
	})
	id, err := whatsApp.Send(t.Context(), outbound(text))
	if err != nil {
		t.Fatal(err)
	}
	forms := p.wait(4)
	if id != sid(4) || forms[1].Get("Body") != forms[2].Get("Body") {
		t.Errorf("id %s; the second piece was not repeated", id)
	}
	if joined := forms[0].Get("Body") + forms[2].Get("Body") + forms[3].Get("Body"); joined != text {
		t.Errorf("%d characters arrived of %d", len(joined), len(text))
	}
}

func TestOnlyChannelsWithANumber(t *testing.T) {
	a := newAccount(t, func(c *Config) { c.SMSFrom, c.WhatsAppFrom = "", "whatsapp:"+ourWhatsApp })
	channels := a.Channels()
	if len(channels) != 1 || channels[0].(channel).from != ourWhatsApp {
		t.Errorf("%+v", channels)
	}
}

func TestWhatFailuresMean(t *testing.T) {
	said := func(code int) string {
		return fmt.Sprintf(`{"code": %d, "message": "The 'To' number %s is …", "more_info": "", "status": 400}`, code, resident)
	}
	html := "<html><body>Bad gateway</body></html>"
	p := newProvider(t)
	sms, _ := open(t, p)
	for _, c := range []struct {
		name, body, retryAfter string
		status                 int
		want                   bot.SendError
	}{
		{"bad number", said(21211), "", 400, bot.SendError{Permanent: true, Code: "twilio 21211"}},
		{"no mobile", said(21614), "", 400, bot.SendError{Permanent: true, Code: "twilio 21614"}},
		{"stopped", said(21610), "", 400, bot.SendError{Permanent: true, OptedOut: true, Code: "twilio 21610"}},
		{"stopped, as Twilio writes it", `{"code": 21610, "message": "Attempt to send to unsubscribed recipient", "more_info": "https://www.twilio.com/docs/errors/21610", "status": 400}`, "", 400,
			bot.SendError{Permanent: true, OptedOut: true, Code: "twilio 21610"}},
		{"stopped on WhatsApp", said(63033), "", 400, bot.SendError{Permanent: true, OptedOut: true, Code: "twilio 63033"}},
		{"stopped, says a broken server", said(21610), "", 500, bot.SendError{Code: "twilio 21610"}},
		{"outside the window", said(63016), "", 400, bot.SendError{Permanent: true, Code: "twilio 63016"}},
		{"our number is wrong", said(21606), "", 400, bot.SendError{Code: "twilio 21606"}},
		{"queue full", said(21611), "", 400, bot.SendError{Code: "twilio 21611"}},
		{"wrong token", said(20003), "", 401, bot.SendError{Code: "twilio 20003"}},
		{"too many", said(20429), "7", 429, bot.SendError{Code: "twilio 20429", RetryAfter: 7 * time.Second}},
		{"too many, for ever", said(20429), "999999999", 429, bot.SendError{Code: "twilio 20429", RetryAfter: time.Hour}},
		{"too many, nonsense", "", "-3", 429, bot.SendError{Code: "http 429"}},
		{"down", said(20500), "", 500, bot.SendError{Code: "twilio 20500"}},
		{"a proxy is down", html, "", 502, bot.SendError{Code: "http 502"}},
		{"a proxy refuses", html, "", 400, bot.SendError{Code: "http 400"}},
		{"a hotel asks for a room number", html, "", 200, bot.SendError{Code: "answer"}},
		{"moved", "", "", 302, bot.SendError{Code: "http 302"}},
		{"nothing", "", "", 201, bot.SendError{Code: "answer"}},
		{"no sid", "{}", "", 201, bot.SendError{Code: "answer"}},
		{"not ours", "[1,2]", "", 201, bot.SendError{Code: "answer"}},
	} {
		p.respond(func(w http.ResponseWriter, _ int) bool {
			if c.retryAfter != "" {
				w.Header().Set("Retry-After", c.retryAfter)
			}
			if c.status == 302 {
				w.Header().Set("Location", "/elsewhere")
			}
			w.WriteHeader(c.status)
			fmt.Fprint(w, c.body)
			return true
		})
		_, err := sms.Send(t.Context(), outbound("rahasia"))
		assertFailure(t, c.name, err, c.want)
	}
}

func assertFailure(t *testing.T, name string, err error, want bot.SendError) {
	t.Helper()
	got := (*bot.SendError)(nil)
	if !errors.As(err, &got) {
		t.Errorf("%s: %v is no SendError", name, err)
		return
	}
	if got.Permanent != want.Permanent || got.OptedOut != want.OptedOut || got.Code != want.Code || got.RetryAfter != want.RetryAfter {
		t.Errorf("%s: %+v, want %+v", name, got, want)
	}
	told := fmt.Sprint(got, got.Err)
	for _, secret := range []string{resident, strings.TrimPrefix(resident, "+"), "rahasia", token} {
		if strings.Contains(told, secret) {
			t.Errorf("%s: the error tells %q", name, told)
		}
	}
}

func TestNobodyThere(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := "http://" + listener.Addr().String()
	_ = listener.Close()
	a := newAccount(t, func(c *Config) { c.APIURL = address })
	_, err = a.Channels()[0].Send(t.Context(), outbound("rahasia"))
	assertFailure(t, "refused", err, bot.SendError{Code: "network"})
	assertFailure(t, "check", a.Check(t.Context()), bot.SendError{Code: "network"})

	p := newProvider(t)
	sms, _ := open(t, p)
	p.respond(func(w http.ResponseWriter, _ int) bool {
		conn, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			t.Error(err)
			return true
		}
		_ = conn.Close()
		return true
	})
	_, err = sms.Send(t.Context(), outbound("rahasia"))
	assertFailure(t, "hung up", err, bot.SendError{Code: "network"})

	release := make(chan struct{})
	p.respond(func(http.ResponseWriter, int) bool { <-release; return true })
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	_, err = sms.Send(ctx, outbound("rahasia"))
	assertFailure(t, "silent", err, bot.SendError{Code: "timeout"})
	close(release)
}

func TestCheck(t *testing.T) {
	p := newProvider(t)
	a := newAccount(t, func(c *Config) { c.APIURL = p.URL })
	p.router = nil // the description is only of the Messages resource
	if err := a.Check(t.Context()); err != nil {
		t.Error(err)
	}
	p.respond(func(w http.ResponseWriter, _ int) bool { w.WriteHeader(401); return true })
	assertFailure(t, "wrong token", a.Check(t.Context()), bot.SendError{Code: "http 401"})
}

// An answer that says no must not cost a connection.
func TestConnectionsAreReused(t *testing.T) {
	var opened atomic.Int32
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusTooManyRequests)
		fmt.Fprint(w, `{"code": 20429}`)
		_ = http.NewResponseController(w).Flush() // chunked
	}))
	server.Config.ConnState = func(_ net.Conn, s http.ConnState) {
		if s == http.StateNew {
			opened.Add(1)
		}
	}
	server.Start()
	t.Cleanup(server.Close)
	a := newAccount(t, func(c *Config) { c.APIURL = server.URL })
	for range 30 {
		_, err := a.Channels()[0].Send(t.Context(), outbound("x"))
		assertFailure(t, "too many", err, bot.SendError{Code: "twilio 20429"})
	}
	if n := opened.Load(); n > 3 {
		t.Errorf("30 calls opened %d connections", n)
	}
}

func TestSettings(t *testing.T) {
	good := Config{AccountSID: accountSID, AuthTokens: []string{token}, PublicURL: publicURL}
	if _, err := New(good); err != nil {
		t.Fatal(err)
	}
	for name, spoil := range map[string]func(*Config){
		"no SID":           func(c *Config) { c.AccountSID = "" },
		"a SID with a dot": func(c *Config) { c.AccountSID = "../x" },
		"no token":         func(c *Config) { c.AuthTokens = nil },
		"an empty token":   func(c *Config) { c.AuthTokens = []string{token, ""} },
		"an odd token":     func(c *Config) { c.AuthTokens = []string{"tok-en"} },
		"no public URL":    func(c *Config) { c.PublicURL = "" },
		"half a URL":       func(c *Config) { c.PublicURL = "tabe.example" },
		"an odd API URL":   func(c *Config) { c.APIURL = "ftp://x" },
	} {
		c := good
		spoil(&c)
		if _, err := New(c); err == nil {
			t.Errorf("%s is accepted", name)
		} else if strings.Contains(err.Error(), "tok-en") {
			t.Errorf("%s: the error tells the token", name)
		}
	}
}

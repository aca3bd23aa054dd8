package ussd_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"tabe/bot"
	"tabe/bot/bottest"
	"tabe/bot/understand"
	"tabe/ussd"
)

// words are the messages of the flow below.
type words map[string]string

func (w words) Text(_, key, _ string, data map[string]any) (string, error) {
	text, ok := w[key]
	if !ok {
		return "", errors.New("no message " + key)
	}
	for name, value := range data {
		text = strings.ReplaceAll(text, "{"+name+"}", fmt.Sprint(value))
	}
	return text, nil
}

var indonesian = words{
	"home": "Layanan Soppeng", "ask": "Berapa NOP-nya?", "bill": "NOP {nop}: Rp 34.700. {history}", "bye": "Terima kasih.", "forgotten": "Sudah dihapus.",
	"option.tax": "Pajak", "option.out": "Keluar", "option.menu": "Menu", "option.more": "Lanjut", "option.back": "Kembali",
	"system_busy": "Sistem sibuk.",
}

// desk is a small service: a menu, a question, a long answer.
type desk struct {
	slow  chan struct{}
	heard chan string
}

func (desk) Name() string            { return "desk" }
func (desk) Revision() int           { return 1 }
func (desk) Topics() []bot.Topic     { return nil }
func (desk) Knows(state string) bool { return state == "" || state == "ask" || state == "told" }
func (desk) Expects(t *bot.Turn) bool {
	return t.Conversation.State == "ask"
}

func (d desk) Handle(_ context.Context, t *bot.Turn) error {
	if d.slow != nil {
		<-d.slow
	}
	if d.heard != nil {
		d.heard <- t.Text
	}
	switch {
	case t.Choice == "tax":
		t.Conversation.State = "ask"
		t.Say(bot.Reply{Key: "ask", Options: []bot.Option{bot.Choice(bot.MenuValue)}})
	case t.Text == "forget":
		t.Resident.Forget()
		t.Say(bot.Reply{Key: "forgotten"})
	case t.Choice == "out":
		t.Say(bot.Reply{Key: "bye", End: true})
	case t.Conversation.State == "ask" && t.Choice == "":
		t.Conversation.State = "told"
		t.Say(bot.Reply{Key: "bill", Data: bot.Data{"nop": t.Text, "history": strings.Repeat("Lunas 2025. ", 20)},
			Options: []bot.Option{bot.Choice("out"), bot.Choice(bot.MenuValue)}})
	default:
		t.Conversation.State = ""
		t.Say(bot.Reply{Key: "home", Options: []bot.Option{bot.Choice("tax"), bot.Choice("out")}})
	}
	return nil
}

func listen(text string) understand.Result {
	return understand.Result{Text: text, Language: understand.Indonesian, Guess: understand.Guess{Intent: understand.OutOfScope, Confidence: 0.9}}
}

func busy() string { return "Sistem sibuk. Hubungi lagi nanti." }

func serve(t *testing.T, clock func() time.Time, d desk, c ussd.Config) *httptest.Server {
	t.Helper()
	e, err := bot.New(bot.Config{
		Store: bottest.NewStore(clock), Words: indonesian, Understand: listen, Flows: []bot.Flow{d}, Home: d, Clock: clock,
		Formats: map[bot.ChannelID]bot.ChannelFormat{ussd.Channel: ussd.Format(ussd.MaxScreen)},
	})
	if err != nil {
		t.Fatal(err)
	}
	c.Conversation, c.Busy = e, busy
	s := httptest.NewServer(ussd.NewHandler(c))
	t.Cleanup(func() {
		s.Close()
		_ = e.Close(context.Background())
	})
	return s
}

func post(t *testing.T, address, session, phone, text string) (status int, body string) {
	t.Helper()
	resp, err := http.PostForm(address, url.Values{"sessionId": {session}, "serviceCode": {"*384*7#"}, "phoneNumber": {phone}, "networkCode": {"99999"}, "text": {text}})
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	raw, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	if resp.StatusCode == http.StatusOK && resp.Header.Get("Content-Type") != "text/plain; charset=utf-8" {
		t.Errorf("content type %q", resp.Header.Get("Content-Type"))
	}
	return resp.StatusCode, string(raw)
}

const phone = "+6281100000401"

func TestASessionFromDiallingToTheEnd(t *testing.T) {
	clock := bottest.NewClock(time.Date(2026, 11, 25, 9, 0, 0, 0, bot.WITA))
	s := serve(t, clock.Now, desk{}, ussd.Config{})
	const home = "CON Layanan Soppeng\n1 Pajak\n2 Keluar"
	const ask = "CON Berapa NOP-nya?\n0 Menu"
	first := "CON NOP 7312: Rp 34.700. " + strings.TrimSpace(strings.Repeat("Lunas 2025. ", 12)) + "\n9 Lanjut\n0 Menu"
	second := "CON " + strings.TrimSpace(strings.Repeat("Lunas 2025. ", 8)) + "\n1 Keluar\n8 Kembali\n0 Menu"
	for _, step := range []struct {
		session, text string
		after         time.Duration
		want          string
	}{
		{"a", "", 0, home},
		{"a", "1", time.Second, ask},
		{"a", "1", time.Second, ask}, // the gateway repeats
		{"a", "1*7312", time.Second, first},
		{"a", "1*7312*9", time.Second, second},
		{"a", "1*7312*9", time.Second, second},
		{"a", "1*7312*9*8", time.Second, first},
		{"a", "1*7312*9*8*9", time.Second, second},
		{"b", "", 9 * time.Minute, second}, // dropped, dialled again
		{"b", "0", time.Second, home},
		{"b", "0*1", time.Second, ask},
		{"c", "", 11 * time.Minute, home}, // too late
		{"c", "2", time.Second, "END Terima kasih."},
		{"d", "", time.Second, home}, // a closed dialogue is not taken up
		{"d", "1", time.Second, ask},
		{"e", "1*7312", time.Minute, first}, // *384*7*1*7312#: from the menu, not from the question
	} {
		clock.Advance(step.after)
		if status, got := post(t, s.URL, step.session, phone, step.text); status != 200 || got != step.want {
			t.Errorf("%s %q: %d\n%s\nwant\n%s", step.session, step.text, status, got, step.want)
		}
	}
}

// The dialogue goes on when the resident has everything forgotten in its middle:
// what was typed before must not be taken for a dialled code and done again.
func TestForgettingDoesNotRepeatTheDialogue(t *testing.T) {
	steps := make(chan string, 10)
	s := serve(t, nil, desk{heard: steps}, ussd.Config{})
	post(t, s.URL, "a", phone, "")
	post(t, s.URL, "a", phone, "forget")
	post(t, s.URL, "a", phone, "forget*1")
	close(steps)
	var got []string
	for step := range steps {
		got = append(got, step)
	}
	if want := []string{"", "forget", "1"}; !slices.Equal(got, want) {
		t.Errorf("the service heard %q, want %q", got, want)
	}
}

func TestOneResidentOnAnyNotation(t *testing.T) {
	s := serve(t, nil, desk{}, ussd.Config{})
	post(t, s.URL, "a", "+6281100000401", "")
	post(t, s.URL, "a", "+6281100000401", "1")
	if _, got := post(t, s.URL, "b", "081100000401", ""); got != "CON Berapa NOP-nya?\n0 Menu" {
		t.Errorf("got %q", got)
	}
}

func TestWhoIsAnswered(t *testing.T) {
	s := serve(t, nil, desk{}, ussd.Config{Secret: "hush"})
	for query, want := range map[string]int{"": 403, "?key=": 403, "?key=hush": 200, "?key=hushh": 403, "?secret=hush": 403} {
		if status, body := post(t, s.URL+query, "a", phone, ""); status != want {
			t.Errorf("%q: %d %s", query, status, body)
		}
	}
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.URL, strings.NewReader("sessionId=a&phoneNumber=%2B6281100000401&text="))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("X-Tabe-Secret", "hush")
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	if resp.StatusCode != 200 {
		t.Errorf("secret in the header: %d", resp.StatusCode)
	}
}

func TestWithoutASecretOnlyThisMachineIsAnswered(t *testing.T) {
	h := ussd.NewHandler(ussd.Config{Conversation: silent{}, Busy: busy})
	for _, c := range []struct {
		from, header, value string
		want                int
	}{
		{"127.0.0.1:1", "", "", 200},
		{"[::1]:1", "", "", 200},
		{"10.0.0.1:1", "", "", 403},
		{"nobody", "", "", 403},
		{"127.0.0.1:1", "X-Forwarded-For", "10.0.0.1", 403},
		{"127.0.0.1:1", "Forwarded", "for=10.0.0.1", 403},
		{"127.0.0.1:1", "Sec-Fetch-Site", "cross-site", 403},
		{"127.0.0.1:1", "Sec-Fetch-Site", "same-origin", 200},
	} {
		r := form("sessionId=a&phoneNumber=081100000401&text=")
		r.RemoteAddr = c.from
		if c.header != "" {
			r.Header.Set(c.header, c.value)
		}
		w := httptest.NewRecorder()
		if h.ServeHTTP(w, r); w.Code != c.want {
			t.Errorf("%s %s: %d", c.from, c.header, w.Code)
		}
	}
}

// silent never answers.
type silent struct{}

func (silent) Converse(context.Context, bot.Message) ([]bot.Text, error) { return nil, bot.ErrClosed }

func form(body string) *http.Request {
	r := httptest.NewRequest(http.MethodPost, "/channels/ussd", strings.NewReader(body))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.RemoteAddr = "127.0.0.1:1"
	return r
}

func TestRequestsThatAreNone(t *testing.T) {
	var log bytes.Buffer
	h := ussd.NewHandler(ussd.Config{Conversation: silent{}, Busy: busy, Log: slog.New(slog.NewTextHandler(&log, nil))})
	for body, want := range map[string]int{
		"sessionId=a&phoneNumber=081100000401&text=1": 200,
		"":                                     400,
		"sessionId=a&phoneNumber=081100000401": 400,
		"phoneNumber=081100000401&text=":       400,
		"sessionId=" + strings.Repeat("a", 129) + "&phoneNumber=08110401&text=":   400,
		"sessionId=a%00b&phoneNumber=081100000401&text=":                          400,
		"sessionId=a&phoneNumber=112&text=":                                       400,
		"sessionId=a&phoneNumber=&text=":                                          400,
		"sessionId=a&phoneNumber=081100000401&text=" + strings.Repeat("1", 5000):  400,
		"sessionId=a&phoneNumber=081100000401&text=" + strings.Repeat("1", 20000): 400,
		"text=%zz": 400,
	} {
		w := httptest.NewRecorder()
		if h.ServeHTTP(w, form(body)); w.Code != want {
			t.Errorf("%.60q: %d", body, w.Code)
		}
	}
	for _, change := range []func(*http.Request){
		func(r *http.Request) { r.Header.Set("Content-Type", "application/json") },
		func(r *http.Request) { r.Header.Del("Content-Type") },
	} {
		w, r := httptest.NewRecorder(), form("sessionId=a&phoneNumber=081100000401&text=")
		change(r)
		if h.ServeHTTP(w, r); w.Code != 400 {
			t.Errorf("%v: %d", r.Header, w.Code)
		}
	}
	w, r := httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, "/channels/ussd?text=", nil)
	if h.ServeHTTP(w, r); w.Code != 405 {
		t.Errorf("GET: %d", w.Code)
	}
	if strings.Contains(log.String(), "8110000") {
		t.Error("a phone number is in the log")
	}
}

func TestADialogueThatCannotGoOnEndsInWords(t *testing.T) {
	for name, c := range map[string]ussd.Conversation{"closed": silent{}, "nothing to say": mute{}} {
		w := httptest.NewRecorder()
		ussd.NewHandler(ussd.Config{Conversation: c, Busy: busy}).ServeHTTP(w, form("sessionId=a&phoneNumber=081100000401&text="))
		if got := w.Body.String(); w.Code != 200 || got != "END "+busy() {
			t.Errorf("%s: %d %q", name, w.Code, got)
		}
	}
}

type mute struct{}

func (mute) Converse(context.Context, bot.Message) ([]bot.Text, error) { return nil, nil }

func TestAnAnswerThatComesTooLateIsThereAtTheNextCall(t *testing.T) {
	d := desk{slow: make(chan struct{})}
	s := serve(t, nil, d, ussd.Config{Patience: 50 * time.Millisecond})
	if status, got := post(t, s.URL, "a", phone, ""); status != 200 || got != "END "+busy() {
		t.Errorf("%d %q", status, got)
	}
	close(d.slow)
	if status, got := post(t, s.URL, "b", phone, ""); status != 200 || got != "CON Layanan Soppeng\n1 Pajak\n2 Keluar" {
		t.Errorf("%d %q", status, got)
	}
}

// The gateway of the laboratory is not of this package's making: it finds
// faults in what it is answered.
func TestAgainstAnIndependentGateway(t *testing.T) {
	source, err := filepath.Abs("../../shared/peers/ussd")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(source, "main.go")); err != nil {
		t.Skip("no gateway simulator in ../shared/peers/ussd")
	}
	gateway := filepath.Join(t.TempDir(), "gateway")
	build := exec.CommandContext(t.Context(), "go", "build", "-o", gateway, ".")
	build.Dir = source
	if out, err := build.CombinedOutput(); err != nil {
		t.Skipf("the gateway simulator cannot be built: %v\n%s", err, out)
	}
	s := serve(t, nil, desk{}, ussd.Config{})
	for name, args := range map[string][]string{
		"to the end":     {"1", "7312", "9", "1"},
		"hangs up":       {"-abort", "1", "7312"},
		"many residents": {"-load", "200", "-c", "8", "1", "7312", "9", "8", "9", "1"},
	} {
		out, err := exec.CommandContext(t.Context(), gateway, append([]string{"-url", s.URL}, args...)...).CombinedOutput()
		if err != nil || strings.Contains(string(out), "FAULT") || !strings.Contains(string(out), "bad sessions 0") && args[0] == "-load" {
			t.Errorf("%s: %v\n%s", name, err, out)
		}
	}
}

func FuzzRequest(f *testing.F) {
	f.Add("sessionId=a&phoneNumber=081100000401&text=1*2")
	f.Add("sessionId=%00&phoneNumber=%2B62&text=%ff")
	h := ussd.NewHandler(ussd.Config{Conversation: echo{}, Busy: busy})
	f.Fuzz(func(t *testing.T, body string) {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, form(body))
		if got := w.Body.String(); w.Code == 200 && !strings.HasPrefix(got, "CON ") && !strings.HasPrefix(got, "END ") {
			t.Errorf("%q", got)
		}
	})
}

// echo answers with what it was told.
type echo struct{}

func (echo) Converse(_ context.Context, m bot.Message) ([]bot.Text, error) {
	return []bot.Text{{Body: m.Text}}, nil
}

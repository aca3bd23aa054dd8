package phone_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"tabe/adapters/phone"
	"tabe/bot"
	"tabe/bot/bottest"
	"tabe/bot/understand"
	"tabe/ussd"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m)
}

// words of the service below.
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
	"home":       "Layanan Pemkab Soppeng. Apa yang ditanyakan?",
	"bill":       "PBB 2026 La Mappa, Citta\nNOP 73.12.020.002.001-9001.0\nTagihan Rp 34.700\nDenda Rp 694\nTunggakan 2022-2025 Rp 156.870\nJumlah Rp 192.264\nJatuh tempo 30 Sep 2026\nData per 25 Nov 08.00 WITA",
	"where":      "Bayar di bank, kantor pos atau kantor BPKPD. Minta tanda terima (STTS). Layanan ini gratis.",
	"echo":       "{text}",
	"option.tax": "Pajak PBB", "option.where": "Cara bayar", "option.menu": "Menu", "option.more": "Lanjut", "option.back": "Kembali",
	"system_busy": "Sistem sibuk.",
}

// desk answers questions of tax, and repeats everything else.
type desk struct{}

func (desk) Name() string           { return "desk" }
func (desk) Revision() int          { return 1 }
func (desk) Topics() []bot.Topic    { return nil }
func (desk) Knows(string) bool      { return true }
func (desk) Expects(*bot.Turn) bool { return true }

func (desk) Handle(_ context.Context, t *bot.Turn) error {
	menu := bot.Choice(bot.MenuValue)
	switch {
	case t.Choice == "tax", strings.Contains(strings.ToLower(t.Text), "p"):
		t.Say(bot.Reply{Key: "bill", Options: []bot.Option{bot.Choice("where"), menu}})
	case t.Choice == "where":
		t.Say(bot.Reply{Key: "where", Options: []bot.Option{menu}})
	case t.Choice == bot.MenuValue, t.Opens:
		t.Say(bot.Reply{Key: "home", Options: []bot.Option{bot.Choice("tax"), bot.Choice("where")}})
	default:
		t.Say(bot.Reply{Key: "echo", Data: bot.Data{"text": t.Text}})
	}
	return nil
}

func listen(text string) understand.Result {
	return understand.Result{Text: text, Language: understand.Indonesian, Guess: understand.Guess{Intent: understand.OutOfScope, Confidence: 0.9}}
}

// demo is the system around the phones.
type demo struct {
	*httptest.Server
	phones *phone.Phones
	store  *bottest.Store
	engine *bot.Engine
	// before, if set, sees each request before the phones do.
	before func(w http.ResponseWriter, r *http.Request) (answered bool)
}

func open(t testing.TB) *demo {
	t.Helper()
	residents, err := phone.Residents()
	if err != nil {
		t.Fatal(err)
	}
	d := &demo{phones: phone.New(residents), store: bottest.NewStore(nil)}
	log := slog.New(slog.DiscardHandler)
	sender := bot.NewSender(d.store, time.Now, log, d.phones.Channels()...)
	d.engine, err = bot.New(bot.Config{
		Store: d.store, Words: indonesian, Understand: listen, Flows: []bot.Flow{desk{}}, Home: desk{}, Deliver: sender.Push,
		Formats: map[bot.ChannelID]bot.ChannelFormat{"whatsapp": {Buttons: true}, "telegram": {Buttons: true}, ussd.Channel: ussd.Format(ussd.MaxScreen)},
	})
	if err != nil {
		t.Fatal(err)
	}
	handler, err := d.phones.Handler(d.engine)
	if err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.Handle("/", handler)
	mux.Handle("/channels/ussd", ussd.NewHandler(ussd.Config{Conversation: d.engine, Busy: func() string { return indonesian["system_busy"] }}))
	d.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if d.before == nil || !d.before(w, r) {
			mux.ServeHTTP(w, r)
		}
	}))
	ctx, stop := context.WithCancel(context.Background())
	sent := make(chan struct{})
	go func() { sender.Run(ctx); close(sent) }()
	t.Cleanup(func() {
		d.phones.Close()
		d.Close()
		_ = d.engine.Close(context.Background())
		stop()
		<-sent
		http.DefaultClient.CloseIdleConnections()
	})
	return d
}

// event is one message as the stream tells it.
type event struct {
	stream                  string // its id there
	ID, From, Channel, Text string
	Mine                    bool
	Options                 []struct{ Value, Label string }
	Segments                int
}

func (e event) String() string {
	arrow := "<"
	if e.Mine {
		arrow = ">"
	}
	line, _, _ := strings.Cut(e.Text, "\n")
	return e.Channel + " " + arrow + " " + line
}

// watch opens the stream of some phones; next waits for an event.
func (d *demo) watch(t testing.TB, last string, phones ...string) (next func() event) {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	t.Cleanup(stop)
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, d.URL+"/demo/events?from="+strings.Join(phones, "&from="), nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Last-Event-ID", last)
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = resp.Body.Close() })
	if resp.StatusCode != 200 || resp.Header.Get("Content-Type") != "text/event-stream" {
		t.Fatalf("stream: %d %s", resp.StatusCode, resp.Header.Get("Content-Type"))
	}
	lines := bufio.NewScanner(resp.Body)
	return func() (e event) {
		t.Helper()
		for lines.Scan() {
			name, value, _ := strings.Cut(lines.Text(), ": ")
			switch name {
			case "id":
				e.stream = value
			case "data":
				if err := json.Unmarshal([]byte(value), &e); err != nil {
					t.Fatal(err)
				}
				return e
			}
		}
		t.Fatalf("the stream ended: %v", lines.Err())
		return e
	}
}

func (d *demo) post(t testing.TB, m map[string]any) int {
	t.Helper()
	body, err := json.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.Post(d.URL+"/demo/messages", "application/json", bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	_, _ = io.Copy(io.Discard, resp.Body)
	return resp.StatusCode
}

const farmer, shop = "%2B6281100000401", "%2B6281100000402"

func text(id, channel, from, text string) map[string]any {
	from = strings.Replace(from, "%2B", "+", 1)
	return map[string]any{"id": "00000000-" + id, "channel": channel, "from": from, "text": text}
}

func TestAConversationOnEachPhone(t *testing.T) {
	for _, channel := range []string{"sms", "whatsapp", "telegram"} {
		t.Run(channel, func(t *testing.T) {
			d := open(t)
			next := d.watch(t, "", farmer)
			if status := d.post(t, text("1", channel, farmer, "halo")); status != http.StatusAccepted {
				t.Fatalf("status %d", status)
			}
			if got := next(); got.String() != channel+" > halo" || !got.Mine {
				t.Errorf("got %v", got)
			}
			if got := next(); got.String() != channel+" < halo" {
				t.Errorf("got %v", got)
			}
			d.post(t, text("2", channel, farmer, "berapa pajak"))
			next()
			bill := next()
			if channel == "sms" {
				if len(bill.Options) > 0 || !strings.HasSuffix(bill.Text, "\n1 Cara bayar\n0 Menu") || bill.Segments != 2 {
					t.Errorf("got %+v", bill)
				}
				return
			}
			if len(bill.Options) != 2 || bill.Options[0].Label != "Cara bayar" || bill.Segments != 0 {
				t.Fatalf("got %+v", bill)
			}
			press := text("3", channel, farmer, "")
			press["choice"] = bill.Options[0].Value
			d.post(t, press)
			if got := next(); got.String() != channel+" > Cara bayar" {
				t.Errorf("got %v", got)
			}
			if got := next(); got.Text != indonesian["where"] {
				t.Errorf("got %v", got)
			}
		})
	}
}

func TestTheSameMessageAgainCountsOnce(t *testing.T) {
	d := open(t)
	next := d.watch(t, "", farmer)
	for range 3 {
		if status := d.post(t, text("1", "sms", farmer, "a")); status != http.StatusAccepted {
			t.Fatal(status)
		}
	}
	expect := func(want string) {
		t.Helper()
		if got := next(); got.String() != want {
			t.Errorf("got %v, want %s", got, want)
		}
	}
	expect("sms > a")
	expect("sms < a") // before the next one: a slow answer may come after the next question
	d.post(t, text("2", "sms", farmer, "b"))
	expect("sms > b")
	expect("sms < b")
}

func TestAQuestionStandsBeforeItsAnswer(t *testing.T) {
	d := open(t)
	next := d.watch(t, "", farmer)
	const n = 100
	for i := range n {
		d.post(t, text(fmt.Sprint("10", i), "sms", farmer, fmt.Sprint("k", i)))
	}
	asked := 0
	for answered := 0; answered < n; {
		if e := next(); e.Mine {
			if e.String() != fmt.Sprint("sms > k", asked) {
				t.Fatalf("question %d is %v", asked, e)
			}
			asked++
		} else {
			if e.String() != fmt.Sprint("sms < k", answered) || answered >= asked {
				t.Fatalf("answer %d is %v after %d questions", answered, e, asked)
			}
			answered++
		}
	}
}

func TestAStreamThatBreaksGoesOnWhereItWas(t *testing.T) {
	d := open(t)
	next := d.watch(t, "", farmer, shop)
	d.post(t, text("1", "sms", farmer, "a"))
	d.post(t, text("2", "whatsapp", shop, "b"))
	var last string
	for range 2 {
		last = next().stream
	}
	resumed, again, other := d.watch(t, last, farmer, shop), d.watch(t, "gone-9999", farmer, shop), d.watch(t, "", shop)
	for name, stream := range map[string]func() event{"resumed": resumed, "after a restart": again, "of one phone": other} {
		var got []string
		for range map[string]int{"resumed": 2, "after a restart": 4, "of one phone": 2}[name] {
			got = append(got, stream().Text[:1])
		}
		all := strings.Join(got, "")
		if name == "of one phone" && all != "bb" || name == "after a restart" && (strings.Count(all, "a") != 2 || strings.Count(all, "b") != 2) {
			t.Errorf("%s: %v", name, got)
		}
	}
}

func TestWhatCannotBeDelivered(t *testing.T) {
	channels := phone.New(nil).Channels()
	_, err := channels[0].Send(t.Context(), bot.Outbound{ID: 1, Peer: "+6281199999999", Text: bot.Text{Body: "x"}})
	if failed := (*bot.SendError)(nil); !errors.As(err, &failed) || !failed.Permanent {
		t.Errorf("got %v", err)
	}
}

func TestBadRequests(t *testing.T) {
	d := open(t)
	for _, c := range []struct {
		change map[string]any
		want   int
	}{
		{nil, 202},
		{map[string]any{"text": ""}, 202},
		{map[string]any{"text": strings.Repeat("x", 10_000)}, 202},
		{map[string]any{"text": "a\x00b\u202e🔥"}, 202},
		{map[string]any{"text": strings.Repeat("x", 200_000)}, 413},
		{map[string]any{"id": "short"}, 400},
		{map[string]any{"id": strings.Repeat("a", 65)}, 400},
		{map[string]any{"id": "<script>alert(1)"}, 400},
		{map[string]any{"channel": "ussd"}, 400},
		{map[string]any{"from": "+6281199999999"}, 400},
		{map[string]any{"choice": "menu"}, 400},
		{map[string]any{"text": "", "choice": strings.Repeat("x", 65), "channel": "telegram"}, 400},
		{map[string]any{"extra": 1}, 400},
		{map[string]any{"text": 1}, 400},
	} {
		m := text("1", "sms", farmer, "x")
		for name, value := range c.change {
			m[name] = value
		}
		if status := d.post(t, m); status != c.want {
			t.Errorf("%.60v: %d, want %d", c.change, status, c.want)
		}
	}
	for _, c := range []struct {
		method, path, kind, site, body string
		want                           int
	}{
		{"POST", "/demo/messages", "text/plain", "", "{}", 415},
		{"POST", "/demo/messages", "application/json", "cross-site", "{}", 403},
		{"POST", "/demo/messages", "application/json", "", "", 400},
		{"POST", "/demo/messages", "application/json", "", `{} {}`, 400},
		{"GET", "/demo/messages", "", "", "", 405},
		{"GET", "/demo/events", "", "", "", 400},
		{"GET", "/demo/events?from=%2B6281199999999", "", "", "", 404},
		{"GET", "/nothing", "", "", "", 404},
		{"GET", "/", "", "", "", 200},
		{"GET", "/demo/phone.css", "", "", "", 200},
	} {
		r, err := http.NewRequestWithContext(t.Context(), c.method, d.URL+c.path, strings.NewReader(c.body))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Content-Type", c.kind)
		r.Header.Set("Sec-Fetch-Site", c.site)
		resp, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
		if resp.StatusCode != c.want {
			t.Errorf("%s %s: %d, want %d", c.method, c.path, resp.StatusCode, c.want)
		}
		if !strings.Contains(resp.Header.Get("Content-Security-Policy"), "default-src 'none'") && c.want != 403 {
			t.Errorf("%s %s may load anything", c.method, c.path)
		}
	}
}

func TestAStoppedEngineIsSaid(t *testing.T) {
	d := open(t)
	if err := d.engine.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	if status := d.post(t, text("1", "sms", farmer, "x")); status != http.StatusServiceUnavailable {
		t.Errorf("status %d", status)
	}
}

func TestResidentsOfTheDemo(t *testing.T) {
	residents, err := phone.Residents()
	if err != nil || len(residents) < 4 {
		t.Fatalf("%d residents, %v", len(residents), err)
	}
	for _, r := range residents {
		if r.Name == "" || r.Hint == "" || len(r.Try) == 0 {
			t.Errorf("%+v", r)
		}
	}
}

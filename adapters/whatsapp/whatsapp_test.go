package whatsapp_test

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"tabe/adapters/channeltest"
	"tabe/adapters/media"
	"tabe/adapters/whatsapp"
	"tabe/bot"
	"tabe/flows/kabar"
)

const (
	token  = "EAAG-token"
	secret = "It's a Secret to Everybody"
	phone  = "106540352242922"
)

// graph stands for Meta's API. Every message is held against Meta's own
// description of it, where that is at hand.
type graph struct {
	*httptest.Server
	t      *testing.T
	schema *jsonschema.Schema // nil without the description

	mu      sync.Mutex
	answer  func(w http.ResponseWriter, n int) bool
	sent    []map[string]any
	arrived chan struct{}
}

func newGraph(t *testing.T) *graph {
	g := &graph{t: t, arrived: make(chan struct{}, 1000)}
	g.Server = httptest.NewServer(http.HandlerFunc(g.serve))
	t.Cleanup(g.Close)
	file, err := os.Open(filepath.Join("..", "..", "..", "shared", "peers", "whatsapp", "meta_messages.json"))
	if err != nil {
		t.Logf("messages are NOT checked against Meta's description: %v", err)
		return g
	}
	defer file.Close()
	doc, err := jsonschema.UnmarshalJSON(file)
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	c.DefaultDraft(jsonschema.Draft2020)
	if err := c.AddResource("meta.json", doc); err != nil {
		t.Fatal(err)
	}
	if g.schema, err = c.Compile("meta.json#/components/schemas/Message"); err != nil {
		t.Fatal(err)
	}
	return g
}

func (g *graph) serve(w http.ResponseWriter, r *http.Request) {
	if r.Header.Get("Authorization") != "Bearer "+token {
		g.t.Error("the call does not carry our token")
	}
	if strings.Contains(r.URL.String(), token) {
		g.t.Error("the token is in the address")
	}
	if r.URL.Path != "/v23.0/"+phone+"/messages" {
		g.t.Errorf("a call of %s", r.URL.Path)
	}
	raw, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(raw))
	if err != nil {
		g.t.Errorf("%v in %s", err, raw)
		return
	}
	if g.schema != nil {
		if err := g.schema.Validate(doc); err != nil {
			g.t.Errorf("%v\n%s", err, raw)
		}
	}
	g.mu.Lock()
	g.sent = append(g.sent, doc.(map[string]any))
	n, answer := len(g.sent), g.answer
	g.mu.Unlock()
	defer func() { g.arrived <- struct{}{} }()
	if answer != nil && answer(w, n) {
		return
	}
	fmt.Fprintf(w, `{"messaging_product":"whatsapp","contacts":[{"input":"6281100000401","wa_id":"6281100000401"}],"messages":[{"id":"wamid.%d"}]}`, n)
}

func (g *graph) respond(answer func(w http.ResponseWriter, n int) bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.answer = answer
}

func account(t *testing.T, api string) *whatsapp.Account {
	t.Helper()
	templates, err := whatsapp.ParseTemplates(strings.NewReader("[[template]]\nmessage = \"perizinan.ready\"\nlanguage = \"id\"\n" +
		"content = \"permit_ready\"\ncode = \"id\"\nvariables = [\"number\", \"place\"]\n"))
	if err != nil {
		t.Fatal(err)
	}
	a, err := whatsapp.New(whatsapp.Config{
		Token: token, PhoneID: phone, AppSecret: secret, VerifyToken: "our word", APIURL: api,
		Choose: func(string) string { return "Pilih" }, Log: slog.New(slog.NewTextHandler(t.Output(), nil)),
		Templates: templates,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(a.Close)
	return a
}

func options(labels ...string) []bot.Option {
	var list []bot.Option
	for i, l := range labels {
		list = append(list, bot.Option{Key: fmt.Sprint(i + 1), Value: fmt.Sprint("value", i), Label: l})
	}
	return list
}

func TestFormsOfAMessage(t *testing.T) {
	g := newGraph(t)
	a := account(t, g.URL)
	many := options("a", "b", "c", "d", "e", "f", "g", "h", "i", "j")
	for name, c := range map[string]struct {
		text bot.Text
		form string // text, button, list
	}{
		"words alone":          {bot.Text{Body: "PBB 2026: Rp 52.500"}, "text"},
		"three choices":        {bot.Text{Body: "Pilih", Options: options("Cara bayar", "Rincian", "Menu")}, "button"},
		"a title of 20":        {bot.Text{Body: "Pilih", Options: options(strings.Repeat("x", 20))}, "button"},
		"a title of 21":        {bot.Text{Body: "Pilih", Options: options(strings.Repeat("x", 21))}, "list"},
		"ten choices":          {bot.Text{Body: "Pilih", Options: many}, "list"},
		"eleven choices":       {bot.Text{Body: "Pilih", Options: append(many, options("k")[0])}, "text"},
		"a title of 25":        {bot.Text{Body: "Pilih", Options: options(strings.Repeat("x", 25))}, "text"},
		"two alike":            {bot.Text{Body: "Pilih", Options: options("sama", "sama")}, "text"},
		"a long text above":    {bot.Text{Body: strings.Repeat("y", 1025), Options: options("Menu")}, "text"},
		"a value that is long": {bot.Text{Body: "Pilih", Options: []bot.Option{{Key: "1", Value: strings.Repeat("v", 300), Label: "Menu"}}}, "text"},
		"Lontara":              {bot.Text{Body: "ᨄᨗᨒᨙᨀᨗ", Options: options("ᨕᨗᨐᨙ", "ᨉᨙ")}, "button"},
	} {
		if _, err := a.Send(t.Context(), bot.Outbound{Peer: "+6281100000401", Text: c.text}); err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		m := g.sent[len(g.sent)-1]
		form := m["type"].(string)
		if form == "interactive" {
			form = m["interactive"].(map[string]any)["type"].(string)
		} else if body := m["text"].(map[string]any)["body"].(string); body != c.text.Numbered() {
			t.Errorf("%s: %q", name, body)
		}
		if form != c.form || m["to"] != "6281100000401" {
			t.Errorf("%s: %v", name, m)
		}
	}
}

func TestLongTextInOrder(t *testing.T) {
	g := newGraph(t)
	text := strings.Repeat("Rp 52.500 per tahun, ", 500)
	id, err := account(t, g.URL).Send(t.Context(), bot.Outbound{Peer: "+6281100000401", Text: bot.Text{Body: text}})
	if err != nil || id != "wamid.3" {
		t.Fatal(id, err)
	}
	var got string
	for _, m := range g.sent {
		got += m["text"].(map[string]any)["body"].(string)
	}
	if got != text {
		t.Error("the pieces are not the text")
	}
}

func TestTemplates(t *testing.T) {
	g := newGraph(t)
	a := account(t, g.URL)
	out := bot.Outbound{Peer: "+6281100000401", Text: bot.Text{Body: "Izin 0412 siap", Template: &bot.Template{
		Key: "perizinan.ready", Language: "id", Values: map[string]string{"number": "0412", "place": "DPMPTSP", "unused": "x"},
	}}}
	if _, err := a.Send(t.Context(), out); err != nil {
		t.Fatal(err)
	}
	if got := fmt.Sprint(g.sent[0]["template"]); !strings.Contains(got, "permit_ready") || !strings.Contains(got, "0412") || strings.Contains(got, "unused") {
		t.Error(got)
	}
	out.Text.Template.Language = "bug"
	var failed *bot.SendError
	if _, err := a.Send(t.Context(), out); !errors.As(err, &failed) || !failed.Permanent || failed.Code != "no_template" {
		t.Error(err)
	}
}

func TestWhatMetaRefuses(t *testing.T) {
	for _, c := range []struct {
		name, answer string
		status       int
		header       string
		permanent    bool
		code         string
		wait         time.Duration
	}{
		{"outside the window", `{"error":{"message":"to 6281100000401","code":131047}}`, 400, "", true, "meta 131047", 0},
		{"stopped our templates", `{"error":{"message":"(#131050) Unable to deliver the message","type":"OAuthException","code":131050,"error_data":{"messaging_product":"whatsapp","details":"Unable to deliver the message. This recipient has chosen to stop receiving marketing messages on WhatsApp from your business."},"fbtrace_id":"A"}}`, 400, "", true, "meta 131050", 0},
		{"not on WhatsApp", `{"error":{"code":131026}}`, 400, "", true, "meta 131026", 0},
		{"too many", `{"error":{"code":130429}}`, 429, "7", false, "meta 130429", 7 * time.Second},
		{"a token that has ended", `{"error":{"code":190}}`, 401, "", false, "meta 190", 0},
		{"a page of a proxy", `<html>502</html>`, 502, "", false, "http 502", 0},
		{"nothing", ``, 200, "", false, "answer", 0},
		{"no id", `{"messages":[]}`, 200, "", false, "answer", 0},
	} {
		g := newGraph(t)
		g.respond(func(w http.ResponseWriter, _ int) bool {
			w.Header().Set("Retry-After", c.header)
			w.WriteHeader(c.status)
			_, _ = io.WriteString(w, c.answer)
			return true
		})
		_, err := account(t, g.URL).Send(t.Context(), bot.Outbound{Peer: "+6281100000401", Text: bot.Text{Body: "x"}})
		var failed *bot.SendError
		if !errors.As(err, &failed) || failed.Permanent != c.permanent || failed.Code != c.code || failed.RetryAfter != c.wait || failed.OptedOut != (c.code == "meta 131050") || strings.Contains(err.Error(), "6281") {
			t.Errorf("%s: %+v", c.name, failed)
		}
	}
}

type receipts struct {
	mu  sync.Mutex
	got []string
}

func (r *receipts) Receipt(_ context.Context, _ bot.ChannelID, id string, s bot.Status, reason string) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.got = append(r.got, id+" "+string(s)+" "+reason)
	return nil
}

// post signs a body by the algorithm as it is described, not by our code.
func post(t *testing.T, h http.Handler, body, key string) int {
	t.Helper()
	mac := hmac.New(sha256.New, []byte(key))
	mac.Write([]byte(body))
	r := httptest.NewRequest(http.MethodPost, whatsapp.Path, strings.NewReader(body))
	r.Header.Set("X-Hub-Signature-256", "sha256="+hex.EncodeToString(mac.Sum(nil)))
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w.Code
}

// The vector of the one who invented the signature, for the same algorithm.
func TestSignatureVector(t *testing.T) {
	h := account(t, "http://127.0.0.1:1").Handler(channeltest.NewInbox(nil), &receipts{})
	for signature, want := range map[string]int{
		"sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17": http.StatusBadRequest, // signed well, and no JSON
		"sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e16": http.StatusForbidden,
		"757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17":        http.StatusForbidden,
		"sha256=": http.StatusForbidden,
		"":        http.StatusForbidden,
	} {
		r := httptest.NewRequest(http.MethodPost, whatsapp.Path, strings.NewReader("Hello, World!"))
		r.Header.Set("X-Hub-Signature-256", signature)
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		if w.Code != want {
			t.Errorf("%q: %d", signature, w.Code)
		}
	}
}

func TestHandshake(t *testing.T) {
	h := account(t, "http://127.0.0.1:1").Handler(channeltest.NewInbox(nil), &receipts{})
	for query, want := range map[string]int{
		"hub.mode=subscribe&hub.verify_token=our+word&hub.challenge=1158201444": 200,
		"hub.mode=subscribe&hub.verify_token=wrong&hub.challenge=1":             403,
		"hub.verify_token=our+word&hub.challenge=1":                             403,
	} {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, whatsapp.Path+"?"+query, nil))
		if w.Code != want || want == 200 && w.Body.String() != "1158201444" {
			t.Errorf("%s: %d %s", query, w.Code, w.Body)
		}
	}
}

// event wraps messages or statuses as Meta does.
func event(kind, items string) string {
	return `{"object":"whatsapp_business_account","entry":[{"id":"1","changes":[{"value":{"messaging_product":"whatsapp","metadata":{"display_phone_number":"1","phone_number_id":"` +
		phone + `"},"` + kind + `":[` + items + `]},"field":"messages"}]}]}`
}

// Mostly Meta tells only later that somebody wants no more of us.
func TestAReceiptThatSaysStop(t *testing.T) {
	inbox, rec := channeltest.NewInbox(nil), &receipts{}
	h := account(t, "http://127.0.0.1:1").Handler(inbox, rec)
	said := `{"id":"wamid.7","status":"failed","timestamp":"1795478400","recipient_id":"6281100000401","errors":[{"code":131050,"title":"Unable to deliver the message",
		"error_data":{"details":"Unable to deliver the message. This recipient has chosen to stop receiving marketing messages on WhatsApp from your business."}}]}`
	if got := post(t, h, event("statuses", said+`,{"id":"wamid.8","status":"failed","recipient_id":"6281100000402","errors":[{"code":131026}]}`), secret); got != 200 {
		t.Fatal(got)
	}
	want := []bot.Message{kabar.OptOut("wamid.7", whatsapp.Channel, "+6281100000401", "tel:+6281100000401")}
	if got := inbox.Messages(); !reflect.DeepEqual(got, want) || len(rec.got) != 2 {
		t.Errorf("%+v, want %+v; %q", got, want, rec.got)
	}
}

func TestEvents(t *testing.T) {
	inbox := channeltest.NewInbox(func(m bot.Message) error {
		if m.Text == "full" {
			return errors.New("no space")
		}
		return nil
	})
	rc := &receipts{}
	h := account(t, "http://127.0.0.1:1").Handler(inbox, rc)
	for name, c := range map[string]struct {
		body string
		want int
	}{
		"a text":         {event("messages", `{"from":"6281100000401","id":"w1","timestamp":"1795478400","type":"text","text":{"body":"berapa PBB"}}`), 200},
		"another number": {strings.Replace(event("messages", `{"from":"6281100000401","id":"wx","type":"text","text":{"body":"x"}}`), phone, "1", 1), 200},
		"of a group":     {event("messages", `{"from":"6281100000401","id":"wg","group_id":"g","type":"text","text":{"body":"x"}}`), 200},
		"a broken one":   {event("messages", `7,{"from":"6281100000401","id":"w2","type":"text","text":{"body":"after it"}}`), 200},
		"a poll":         {event("messages", `{"from":"6281100000401","id":"w3","type":"poll"}`), 200},
		"the disk full":  {event("messages", `{"from":"6281100000401","id":"w4","type":"text","text":{"body":"full"}}`), 503},
		"in the ocean":   {event("messages", `{"from":"6281100000401","id":"w5","type":"location","location":{"latitude":-4.35,"longitude":119.88}}`), 200},
		"off the earth":  {event("messages", `{"from":"6281100000401","id":"w6","type":"location","location":{"latitude":-400,"longitude":1000}}`), 200},
		"receipts": {event("statuses", `{"id":"wamid.1","status":"read"},{"id":"wamid.1","status":"delivered"},{"id":"wamid.2","status":"failed","errors":[{"code":131047}]},
			{"id":"wamid.3","status":"deleted"},"x"`), 200},
		"no JSON": {"status=read", 400},
		"4 MB":    {strings.Repeat(" ", 5<<20), 413},
	} {
		if got := post(t, h, c.body, secret); got != c.want {
			t.Errorf("%s: %d, want %d", name, got, c.want)
		}
	}
	if got := post(t, h, event("messages", ""), "another secret"); got != http.StatusForbidden {
		t.Error(got)
	}
	byID := map[string]bot.Message{}
	for _, m := range inbox.Messages() {
		byID[m.ID] = m
	}
	if m := byID["w1"]; m.Text != "berapa PBB" || m.Peer != "+6281100000401" || m.Subject != "tel:+6281100000401" || m.At.Unix() != 1795478400 {
		t.Errorf("%+v", m)
	}
	if byID["w5"].Location == nil || byID["w6"].Location != nil || byID["w3"].Media == "" || byID["w2"].Text != "after it" || len(byID) != 5 {
		t.Errorf("%+v", byID)
	}
	if want := []string{"wamid.1 read ", "wamid.1 delivered ", "wamid.2 failed meta 131047"}; fmt.Sprint(rc.got) != fmt.Sprint(want) {
		t.Error(rc.got)
	}
}

// Meta's own examples of what it sends.
func TestMetasExamples(t *testing.T) {
	dir := filepath.Join("..", "..", "..", "shared", "peers", "whatsapp", "webhook-examples")
	files, err := filepath.Glob(filepath.Join(dir, "*.json"))
	if err != nil || len(files) == 0 {
		t.Skip("NOT TRIED with Meta's examples: ../shared/peers/whatsapp/webhook-examples is missing")
	}
	want := map[string]func(m bot.Message) bool{
		"text-message":   func(m bot.Message) bool { return m.Text == "Does it come in another color?" },
		"button-message": func(m bot.Message) bool { return m.Choice == "Unsubscribe" },
		"image-message": func(m bot.Message) bool {
			return m.Media == bot.MediaPhoto && m.MediaRef == "1003383421387256" && m.Text == "Taj Mahal"
		},
		"interactive-list-reply-message":   func(m bot.Message) bool { return m.Choice == "priority_express" },
		"interactive-button-reply-message": func(m bot.Message) bool { return m.Choice != "" },
		"location-message":                 func(m bot.Message) bool { return m.Location != nil && m.Location.Lat > 37 },
		"contact-sharing-message":          func(m bot.Message) bool { return m.Media == bot.MediaContact },
		"unsupported-message":              func(m bot.Message) bool { return m.Media != "" },
		"order-message":                    func(m bot.Message) bool { return m.Media != "" },
	}
	silent := map[string]bool{"reaction-message": true, "system-message": true, "group-create-message": true, "group-remove-participants": true, "group-settings-update": true}
	for _, file := range files {
		body, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		name := strings.TrimSuffix(filepath.Base(file), ".json")
		var head struct {
			Entry []struct {
				Changes []struct {
					Value struct {
						Metadata struct {
							ID string `json:"phone_number_id"`
						} `json:"metadata"`
					} `json:"value"`
				} `json:"changes"`
			} `json:"entry"`
		}
		if err := json.Unmarshal(body, &head); err != nil {
			t.Fatal(err)
		}
		inbox := channeltest.NewInbox(nil)
		a, err := whatsapp.New(whatsapp.Config{Token: token, PhoneID: head.Entry[0].Changes[0].Value.Metadata.ID, AppSecret: secret, VerifyToken: "x"})
		if err != nil {
			t.Fatal(err)
		}
		if code := post(t, a.Handler(inbox, &receipts{}), string(body), secret); code != 200 {
			t.Errorf("%s: %d", name, code)
		}
		got := inbox.Messages()
		switch {
		case silent[name]:
			if len(got) != 0 {
				t.Errorf("%s: %+v", name, got)
			}
		case len(got) != 1 || want[name] != nil && !want[name](got[0]):
			t.Errorf("%s: %+v", name, got)
		}
	}
}

func TestConversation(t *testing.T) {
	g := newGraph(t)
	a := account(t, g.URL)
	system := channeltest.Start(t, a)
	h := a.Handler(system, system.Store)
	if code := post(t, h, event("messages", `{"from":"6281100000401","id":"w1","type":"text","text":{"body":"halo"}}`), secret); code != 200 {
		t.Fatal(code)
	}
	<-g.arrived
	if got := fmt.Sprint(g.sent[0]["interactive"]); !strings.Contains(got, "1 heard: halo") {
		t.Error(got)
	}
	if code := post(t, h, event("messages", `{"from":"6281100000401","id":"w2","type":"interactive","interactive":{"type":"button_reply","button_reply":{"id":"again","title":"say it again"}}}`), secret); code != 200 {
		t.Fatal(code)
	}
	<-g.arrived
	if got := fmt.Sprint(g.sent[1]["interactive"]); !strings.Contains(got, "2 heard: again") {
		t.Error(got)
	}
}

func TestFetch(t *testing.T) {
	png := "\x89PNG\r\n\x1a\n" + strings.Repeat("x", 1000)
	var server *httptest.Server
	elsewhere := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("the token went elsewhere") }))
	defer elsewhere.Close()
	server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/v23.0/1":
			fmt.Fprintf(w, `{"url":"%s/file","mime_type":"image/png","file_size":1008,"id":"1"}`, server.URL)
		case "/v23.0/2":
			fmt.Fprintf(w, `{"url":"%s/file","file_size":104857600}`, server.URL)
		case "/v23.0/3":
			fmt.Fprintf(w, `{"url":"%s/steal"}`, elsewhere.URL)
		case "/v23.0/5":
			fmt.Fprintf(w, `{"url":"%s/redirect"}`, server.URL)
		case "/v23.0/6":
			fmt.Fprintf(w, `{"url":"%s/file","file_size":10}`, server.URL)
		case "/v23.0/7":
			fmt.Fprintf(w, `{"url":"%s/broken"}`, server.URL)
		case "/broken":
			w.WriteHeader(http.StatusBadGateway)
		case "/redirect":
			http.Redirect(w, r, elsewhere.URL, http.StatusFound)
		case "/file":
			if r.Header.Get("Authorization") != "Bearer "+token {
				t.Error("without the token")
			}
			_, _ = io.WriteString(w, png)
		default:
			http.NotFound(w, r)
		}
	}))
	defer server.Close()
	a := account(t, server.URL)
	if f, err := a.Fetch(t.Context(), "1", 2000); err != nil || f.Type != "image/png" || string(f.Content) != png {
		t.Error(f.Type, err)
	}
	for ref, want := range map[string]error{"2": media.ErrTooLarge, "4": media.ErrGone, "../1": media.ErrGone, "": media.ErrGone} {
		if _, err := a.Fetch(t.Context(), ref, 2000); !errors.Is(err, want) {
			t.Errorf("%q: %v", ref, err)
		}
	}
	if _, err := a.Fetch(t.Context(), "6", 500); !errors.Is(err, media.ErrTooLarge) {
		t.Error("more than it said:", err)
	}
	for ref, code := range map[string]string{"3": "address", "5": "http 302", "7": "http 502"} {
		var failed *bot.SendError
		if _, err := a.Fetch(t.Context(), ref, 2000); !errors.As(err, &failed) || failed.Code != code {
			t.Errorf("%s: %v", ref, err)
		}
	}
}

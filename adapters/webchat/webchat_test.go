package webchat_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp/kb"

	"tabe/adapters/channeltest"
	"tabe/adapters/database"
	"tabe/adapters/seal"
	"tabe/adapters/testbrowser"
	"tabe/adapters/testserver"
	"tabe/adapters/webchat"
	"tabe/bot"
)

// site is the chat with an engine behind it that repeats what it hears.
type site struct {
	*httptest.Server
	t    *testing.T
	chat *webchat.Chat
	db   *database.DB
}

func start(t *testing.T, db *database.DB, origins ...string) *site {
	t.Helper()
	chat, err := webchat.New(webchat.Config{
		DB: db, Secret: make([]byte, seal.KeyLength), Origins: origins, Clock: time.Now, Log: slog.New(slog.NewTextHandler(t.Output(), nil)),
	})
	if err != nil {
		t.Fatal(err)
	}
	system := channeltest.Start(t, chat)
	s := &site{httptest.NewServer(chat.Handler(system)), t, chat, db}
	t.Cleanup(func() { s.CloseClientConnections(); s.Close() })
	return s
}

// call returns the status and what was answered.
func (s *site) call(method, path, secret, body string) (int, []byte) {
	s.t.Helper()
	r, err := http.NewRequestWithContext(s.t.Context(), method, s.URL+path, strings.NewReader(body))
	if err != nil {
		s.t.Fatal(err)
	}
	if secret != "" {
		r.Header.Set("Authorization", "Bearer "+secret)
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		s.t.Fatal(err)
	}
	defer answer.Body.Close()
	got, err := io.ReadAll(answer.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	return answer.StatusCode, got
}

func (s *site) visit() string {
	s.t.Helper()
	var v struct{ Secret string }
	code, body := s.call(http.MethodPost, "/chat/visits", "", "")
	if err := json.Unmarshal(body, &v); code != 200 || err != nil || v.Secret == "" {
		s.t.Fatal(code, err)
	}
	return v.Secret
}

type entry struct {
	ID      int64
	Text    string
	Mine    bool
	Options []struct{ Value, Label string }
}

// reads waits until n texts are there.
func (s *site) reads(secret string, n int) (all []entry) {
	s.t.Helper()
	after := int64(0)
	for len(all) < n {
		code, body := s.call(http.MethodGet, fmt.Sprint("/chat/messages?after=", after), secret, "")
		var got []entry
		if err := json.Unmarshal(body, &got); code != 200 || err != nil {
			s.t.Fatal(code, err)
		}
		for _, e := range got {
			after = e.ID
			all = append(all, e)
		}
	}
	return all
}

func TestConversation(t *testing.T) {
	testserver.Databases(t, func(t *testing.T, db *database.DB) {
		s := start(t, db)
		a, b := s.visit(), s.visit()
		send := func(secret, id, text string) int {
			code, _ := s.call(http.MethodPost, "/chat/messages", secret, fmt.Sprintf(`{"id":%q,"text":%q}`, id, text))
			return code
		}
		if code := send(a, "message-1", "berapa PBB saya"); code != 204 {
			t.Fatal(code)
		}
		send(a, "message-1", "berapa PBB saya") // the answer was lost on the way
		send(b, "message-1", "yang lain")       // the same id of another visitor
		got := s.reads(a, 2)
		if !got[0].Mine || got[0].Text != "berapa PBB saya" || got[1].Mine || got[1].Text != "1 heard: berapa PBB saya" || len(got[1].Options) != 2 {
			t.Errorf("%+v", got)
		}
		if code, _ := s.call(http.MethodPost, "/chat/messages", a, `{"id":"message-2","choice":"again","label":"say it again"}`); code != 204 {
			t.Fatal(code)
		}
		if got = s.reads(a, 4); got[2].Text != "say it again" || got[3].Text != "2 heard: again" {
			t.Errorf("%+v", got)
		}
		if got = s.reads(b, 2); got[1].Text != "1 heard: yang lain" {
			t.Errorf("%+v", got)
		}
		var stored bytes.Buffer
		rows, err := db.Query(t.Context(), `select session, body from webchat_texts`)
		if err != nil {
			t.Fatal(err)
		}
		defer rows.Close()
		for rows.Next() {
			var session string
			var body []byte
			if err := rows.Scan(&session, &body); err != nil {
				t.Fatal(err)
			}
			stored.WriteString(session)
			stored.Write(body)
		}
		if strings.Contains(stored.String(), "PBB") || strings.Contains(stored.String(), a) {
			t.Error("the words or the secret can be read in the database")
		}
	})
}

func TestBadRequests(t *testing.T) {
	s := start(t, testserver.OpenDatabase(t, testserver.SQLiteURL(t)))
	secret := s.visit()
	for _, c := range []struct {
		name, method, path, secret, body string
		want                             int
	}{
		{"no secret", "POST", "/chat/messages", "", `{"id":"message-1","text":"x"}`, 401},
		{"a short secret", "GET", "/chat/messages", "abcd", "", 401},
		{"not hex", "GET", "/chat/messages", strings.Repeat("z", 48), "", 401},
		{"no JSON", "POST", "/chat/messages", secret, `text=x`, 400},
		{"no id", "POST", "/chat/messages", secret, `{"text":"x"}`, 400},
		{"an odd id", "POST", "/chat/messages", secret, `{"id":"../../../etc","text":"x"}`, 400},
		{"17 kB", "POST", "/chat/messages", secret, `{"id":"message-1","text":"` + strings.Repeat("x", 17<<10) + `"}`, 413},
		{"after what", "GET", "/chat/messages?after=x", secret, "", 400},
		{"a file outside", "GET", "/chat/..%2fwebchat.go", "", "", 404},
		{"off the earth", "POST", "/chat/messages", secret, `{"id":"message-9","location":{"lat":900,"lng":0}}`, 204},
	} {
		if got, _ := s.call(c.method, c.path, c.secret, c.body); got != c.want {
			t.Errorf("%s: %d, want %d", c.name, got, c.want)
		}
	}
	// A page of another site cannot use the visitor's browser.
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.URL+"/chat/visits", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Origin", "https://elsewhere.example")
	r.Header.Set("Sec-Fetch-Site", "cross-site")
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusForbidden {
		t.Error("a foreign page:", answer.StatusCode)
	}
}

func TestFlood(t *testing.T) {
	s := start(t, testserver.OpenDatabase(t, testserver.SQLiteURL(t)))
	refused := 0
	for range 80 {
		if code, _ := s.call(http.MethodPost, "/chat/visits", "", ""); code == http.StatusTooManyRequests {
			refused++
		}
	}
	if refused < 10 || refused > 25 {
		t.Errorf("%d of 80 were refused", refused)
	}
}

func TestOnlyNamedSitesShowIt(t *testing.T) {
	origins, err := webchat.ParseOrigins("https://soppengkab.go.id, https://ppid.soppengkab.go.id")
	if err != nil || len(origins) != 2 {
		t.Fatal(origins, err)
	}
	for _, bad := range []string{"soppengkab.go.id", "https://a.b/path", "https://a.b; script-src *", "javascript:alert(1)"} {
		if _, err := webchat.ParseOrigins(bad); err == nil {
			t.Errorf("%q is a site", bad)
		}
	}
	s := start(t, testserver.OpenDatabase(t, testserver.SQLiteURL(t)), origins...)
	answer, err := http.Get(s.URL + "/chat")
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	if policy := answer.Header.Get("Content-Security-Policy"); !strings.Contains(policy, "frame-ancestors 'self' https://soppengkab.go.id https://ppid.soppengkab.go.id") {
		t.Error(policy)
	}
	if answer.Header.Get("Set-Cookie") != "" {
		t.Error("a cookie")
	}
}

func TestPruneAndErase(t *testing.T) {
	db := testserver.OpenDatabase(t, testserver.SQLiteURL(t))
	s := start(t, db)
	secret := s.visit()
	s.call(http.MethodPost, "/chat/messages", secret, `{"id":"message-1","text":"halo"}`)
	s.reads(secret, 2)
	count := func() (n int) {
		t.Helper()
		if err := db.QueryRow(t.Context(), `select count(*) from webchat_texts`).Scan(&n); err != nil {
			t.Fatal(err)
		}
		return n
	}
	var session string
	if err := db.QueryRow(t.Context(), `select session from webchat_texts limit 1`).Scan(&session); err != nil {
		t.Fatal(err)
	}
	if err := s.chat.Prune(t.Context()); err != nil || count() != 2 {
		t.Error(err, count())
	}
	for _, e := range []bot.Entry{{Message: bot.Message{Channel: "sms", Peer: session}}, {Message: bot.Message{Channel: webchat.Channel, Peer: session}}} {
		if err := db.Do(t.Context(), func(tx *database.Tx) error { return s.chat.Erase(tx, e, bot.Erase{}) }); err != nil {
			t.Fatal(err)
		}
	}
	if count() != 0 {
		t.Error(count())
	}
}

func TestInABrowser(t *testing.T) {
	s := start(t, testserver.OpenDatabase(t, testserver.SQLiteURL(t)))
	for _, width := range []int64{390, 1366} {
		p := testbrowser.Open(t, s.URL+"/chat", width, "#log")
		p.Shows("#log li", "1 opened")
		p.Type("#text", "berapa <b>PBB</b> saya")
		p.Key(kb.Enter)
		p.Shows("#log li.mine", "berapa <b>PBB</b> saya")
		p.Shows("#log li:not(.mine)", "2 heard: berapa <b>PBB</b> saya")
		p.Click("#choices button")
		p.Shows("#log li:not(.mine)", "3 heard: again")
		if cookies := testbrowser.Evaluate[string](p, `document.cookie`); cookies != "" {
			t.Error("a cookie:", cookies)
		}
		testbrowser.Evaluate[bool](p, `location.reload(), true`)
		p.Shows("#log li:not(.mine)", "3 heard: again") // it is still there
		for _, f := range p.Faults() {
			t.Errorf("%d px: %s %s: %s %v", width, f.Impact, f.ID, f.Help, f.Nodes)
		}
	}
}

func TestWidgetInAnotherPage(t *testing.T) {
	s := start(t, testserver.OpenDatabase(t, testserver.SQLiteURL(t)))
	host := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprintf(w, `<!doctype html><html lang="id"><title>Kabupaten</title><body><h1>Kabupaten Soppeng</h1><script src="%s/chat/widget.js"></script></body></html>`, s.URL)
	}))
	defer host.Close()
	p := testbrowser.Open(t, host.URL, 1366, "body > button")
	p.Click("body > button")
	if got := testbrowser.Evaluate[string](p, `document.querySelector("iframe").src + " " + document.querySelector("button").getAttribute("aria-expanded")`); got != s.URL+"/chat true" {
		t.Error(got)
	}
}

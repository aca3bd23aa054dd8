package console_test

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"html"
	"io"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"tabe/adapters/database"
	"tabe/adapters/scc/audit"
	"tabe/adapters/scc/console"
	"tabe/adapters/scc/operators"
	"tabe/adapters/testserver"
)

var secret = bytes.Repeat([]byte{7}, 32)

const password = "pohon lontar di Citta"

// center is a console on a server, with accounts and a clock that the test moves.
type center struct {
	*httptest.Server
	t        *testing.T
	db       *database.DB
	accounts *operators.Store
	stream   *audit.Log
	log      *strings.Builder
	recovery map[string][]string

	mu  sync.Mutex
	now time.Time
}

func (c *center) clock() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *center) later(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// open starts a console on SQLite; more adds to what it is made of.
func open(t *testing.T, more ...func(*center, *console.Config)) *center {
	t.Helper()
	return openOn(t, testserver.SQLiteURL(t), more...)
}

func openOn(t *testing.T, url string, more ...func(*center, *console.Config)) *center {
	t.Helper()
	c := &center{t: t, recovery: map[string][]string{}, log: &strings.Builder{}, now: time.Date(2026, 11, 25, 4, 0, 0, 0, time.UTC)}
	c.db = testserver.OpenDatabase(t, url)
	c.stream = audit.New(c.db)
	var err error
	if c.accounts, err = operators.New(c.db, secret, c.clock, operators.Memory(64)); err != nil {
		t.Fatal(err)
	}
	config := console.Config{DB: c.db, Accounts: c.accounts, Stream: c.stream, Clock: c.clock, Log: slog.New(slog.NewTextHandler(c.log, nil))}
	for _, m := range more {
		m(c, &config)
	}
	s, err := console.New(config)
	if err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.Handle("/scc", s.Handler())
	mux.Handle("/scc/", s.Handler())
	c.Server = httptest.NewServer(mux)
	t.Cleanup(func() {
		c.Server.CloseClientConnections() // streams have no end
		c.Server.Close()
		if c.log.Len() > 0 {
			t.Errorf("the log has\n%s", c.log)
		}
	})
	return c
}

func (c *center) add(name string, roles ...operators.Role) {
	c.t.Helper()
	e, err := c.accounts.Add(c.t.Context(), "terminal", operators.Draft{Name: name, FullName: "Ibu " + name, Roles: roles, Password: password})
	if err != nil {
		c.t.Fatal(err)
	}
	c.recovery[name] = e.Recovery
}

// code returns a recovery code, each once.
func (c *center) code(name string) string {
	code := c.recovery[name][0]
	c.recovery[name] = c.recovery[name][1:]
	return code
}

// browser is what somebody looks at the console with, without a script.
type browser struct {
	*http.Client
	c    *center
	body string // of the last page
	at   string // its path
	head http.Header
}

func (c *center) browser() *browser {
	jar, err := cookiejar.New(nil)
	if err != nil {
		c.t.Fatal(err)
	}
	return &browser{Client: &http.Client{Jar: jar}, c: c}
}

func (b *browser) do(q *http.Request) int {
	b.c.t.Helper()
	res, err := b.Do(q)
	if err != nil {
		b.c.t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		b.c.t.Fatal(err)
	}
	b.body, b.at, b.head = html.UnescapeString(string(body)), res.Request.URL.Path, res.Header
	return res.StatusCode
}

func (b *browser) get(path string) int {
	b.c.t.Helper()
	q, err := http.NewRequestWithContext(b.c.t.Context(), http.MethodGet, b.c.URL+path, nil)
	if err != nil {
		b.c.t.Fatal(err)
	}
	return b.do(q)
}

// post sends a form as the page that was last shown would.
func (b *browser) post(path string, fields ...string) int {
	b.c.t.Helper()
	form := url.Values{}
	if token := regexp.MustCompile(`name="csrf" value="([^"]+)"`).FindStringSubmatch(b.body); token != nil {
		form.Set("csrf", token[1])
	}
	for i := 0; i < len(fields); i += 2 {
		form.Set(fields[i], fields[i+1])
	}
	q, err := http.NewRequestWithContext(b.c.t.Context(), http.MethodPost, b.c.URL+path, strings.NewReader(form.Encode()))
	if err != nil {
		b.c.t.Fatal(err)
	}
	q.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	q.Header.Set("Origin", b.c.URL)
	q.Header.Set("Sec-Fetch-Site", "same-origin")
	return b.do(q)
}

// signIn returns a browser in which somebody is signed in.
func (c *center) signIn(name string) *browser {
	c.t.Helper()
	b := c.browser()
	b.get("/scc/masuk")
	if status := b.post("/scc/masuk", "name", name, "password", password, "code", c.code(name)); status != http.StatusOK || strings.Contains(b.body, "/scc/masuk") {
		c.t.Fatalf("%d %s: %s", status, b.at, b.body)
	}
	return b
}

func (b *browser) shows(texts ...string) {
	b.c.t.Helper()
	for _, text := range texts {
		if !strings.Contains(b.body, text) {
			b.c.t.Errorf("%s does not show %q:\n%s", b.at, text, b.body)
		}
	}
}

func (b *browser) hides(texts ...string) {
	b.c.t.Helper()
	for _, text := range texts {
		if strings.Contains(b.body, text) {
			b.c.t.Errorf("%s shows %q:\n%s", b.at, text, b.body)
		}
	}
}

func TestSigningIn(t *testing.T) {
	c := open(t)
	c.add("andi", operators.Dispatcher)
	b := c.browser()
	if status := b.get("/scc/akun"); status != http.StatusOK || b.at != "/scc/masuk" {
		t.Fatalf("%d %s", status, b.at)
	}
	b.shows("Kata sandi", `name="ke" value="/scc/akun"`)
	code := c.code("andi")
	if status := b.post("/scc/masuk", "name", "andi", "password", "salah", "code", code); status != http.StatusUnauthorized {
		t.Errorf("%d", status)
	}
	b.shows("tidak cocok", `value="andi"`)
	b.hides("salah")
	if status := b.post("/scc/masuk", "ke", "/scc/akun", "name", " Andi ", "password", password, "code", code); status != http.StatusOK || b.at != "/scc/akun" {
		t.Fatalf("%d %s", status, b.at)
	}
	b.shows("Ibu andi", "perangkat ini")
	if status := b.post("/scc/keluar"); status != http.StatusOK || b.at != "/scc/masuk" {
		t.Errorf("%d %s", status, b.at)
	}
	b.get("/scc/akun")
	if b.at != "/scc/masuk" {
		t.Errorf("still at %s", b.at)
	}
}

func TestTheCookie(t *testing.T) {
	for _, https := range []bool{false, true} {
		c := open(t, func(_ *center, config *console.Config) { config.HTTPS = https })
		c.add("andi", operators.Dispatcher)
		b := c.browser()
		b.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
		form := url.Values{"name": {"andi"}, "password": {password}, "code": {c.code("andi")}}
		res, err := b.PostForm(c.URL+"/scc/masuk", form)
		if err != nil {
			t.Fatal(err)
		}
		res.Body.Close()
		cookies := res.Cookies()
		if len(cookies) != 1 {
			t.Fatalf("%d: %v", res.StatusCode, cookies)
		}
		k := cookies[0]
		if !k.HttpOnly || k.Secure != https || k.SameSite != http.SameSiteLaxMode || k.Path != "/" || k.Domain != "" || strings.HasPrefix(k.Name, "__Host-") != https {
			t.Errorf("https %v: %+v", https, k)
		}
		for name, want := range map[string]string{
			"Content-Security-Policy": "default-src 'self'", "X-Content-Type-Options": "nosniff", "X-Frame-Options": "DENY",
			"Referrer-Policy": "no-referrer", "Cache-Control": "no-store",
		} {
			if !strings.HasPrefix(res.Header.Get(name), want) {
				t.Errorf("%s: %q", name, res.Header.Get(name))
			}
		}
		if (res.Header.Get("Strict-Transport-Security") != "") != https {
			t.Error("Strict-Transport-Security")
		}
	}
}

func TestNobodyWithoutASession(t *testing.T) {
	c := open(t)
	b := c.browser()
	for _, path := range []string{"/scc", "/scc/akun", "/scc/audit"} {
		if b.get(path); b.at != "/scc/masuk" {
			t.Errorf("%s leads to %s", path, b.at)
		}
	}
	if status := b.get("/scc/events"); status != http.StatusUnauthorized {
		t.Errorf("events: %d", status)
	}
	for _, path := range []string{"/scc/keluar", "/scc/akun/sesi", "/scc/konfirmasi"} {
		if status := b.post(path); status != http.StatusUnauthorized {
			t.Errorf("%s: %d", path, status)
		}
	}
	if status := b.get("/scc/tidak-ada"); status != http.StatusNotFound {
		t.Errorf("%d", status)
	}
}

func TestForgedForms(t *testing.T) {
	c := open(t)
	c.add("andi", operators.Dispatcher)
	b := c.signIn("andi")
	b.get("/scc/akun")
	page := b.body
	if status := b.post("/scc/akun/sesi", "csrf", "x", "id", "1"); status != http.StatusForbidden {
		t.Errorf("a wrong token: %d", status)
	}
	b.shows("Muat ulang")
	b.body = page
	q, err := http.NewRequestWithContext(t.Context(), http.MethodPost, c.URL+"/scc/keluar", strings.NewReader(""))
	if err != nil {
		t.Fatal(err)
	}
	q.Header.Set("Sec-Fetch-Site", "cross-site")
	q.Header.Set("Origin", "https://jahat.example")
	if status := b.do(q); status != http.StatusForbidden {
		t.Errorf("another site: %d", status)
	}
	// The token of one session is not good in another.
	other := c.signIn("andi")
	other.body = page
	if status := other.post("/scc/akun/sesi", "id", "1"); status != http.StatusForbidden {
		t.Errorf("the token of another session: %d", status)
	}
}

func TestNoWayOutOfTheConsole(t *testing.T) {
	c := open(t)
	c.add("andi", operators.Dispatcher)
	for _, to := range []string{"https://jahat.example/scc/", "//jahat.example/scc/", "/scc/../x", "javascript:alert(1)", `/scc/\..\x`, "/scc/masuk?ke=x"} {
		b := c.browser()
		b.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
		res, err := b.PostForm(c.URL+"/scc/masuk", url.Values{"name": {"andi"}, "password": {password}, "code": {c.code("andi")}, "ke": {to}})
		if err != nil {
			t.Fatal(err)
		}
		res.Body.Close()
		if got := res.Header.Get("Location"); got != "/scc" {
			t.Errorf("%q leads to %q", to, got)
		}
	}
}

func TestRoles(t *testing.T) {
	c := open(t)
	c.add("andi", operators.Dispatcher)
	c.add("rahma", operators.Auditor)
	b := c.signIn("andi")
	b.get("/scc/akun")
	b.hides(`href="/scc/audit"`)
	if status := b.get("/scc/audit"); status != http.StatusForbidden {
		t.Errorf("%d", status)
	}
	b.shows("tidak berwenang")
	b = c.signIn("rahma")
	if status := b.get("/scc/audit"); status != http.StatusOK {
		t.Errorf("%d", status)
	}
	b.shows("operator.signed_in", "rahma", `href="/scc/audit" aria-current="page"`)
}

func TestAnAdminLooksAfterTheAccounts(t *testing.T) {
	c := open(t)
	c.add("kepala", operators.Admin)
	c.add("andi", operators.Dispatcher)
	kepala, andi := c.signIn("kepala"), c.signIn("andi")
	if status := andi.get("/scc/operator"); status != http.StatusForbidden {
		t.Errorf("%d", status)
	}
	kepala.get("/scc")
	if kepala.at != "/scc/operator" {
		t.Errorf("begins at %s", kepala.at)
	}
	kepala.shows("Ibu andi", "operator")
	_, row, _ := strings.Cut(kepala.body, `/scc/operator/andi/keluarkan`)
	id := regexp.MustCompile(`name="id" value="([^"]+)"`).FindStringSubmatch(row)[1]
	if status := kepala.post("/scc/operator/andi/keluarkan", "id", id); status != http.StatusOK {
		t.Errorf("%d", status)
	}
	if andi.get("/scc/akun"); andi.at != "/scc/masuk" {
		t.Error("the session goes on")
	}
	kepala.post("/scc/operator/andi/tutup")
	kepala.shows("ditutup", "Buka")
	kepala.post("/scc/operator/andi/buka")
	kepala.hides("ditutup")
	if status := kepala.post("/scc/operator/kepala/tutup"); status != http.StatusConflict {
		t.Errorf("%d", status)
	}
	kepala.shows("admin terakhir")
}

func TestASessionInTheMiddleOfAnIncident(t *testing.T) {
	c := open(t)
	c.add("andi", operators.Dispatcher)
	c.add("budi", operators.Dispatcher)
	b, elsewhere := c.signIn("andi"), c.signIn("andi")
	b.get("/scc/akun")
	b.hides("Konfirmasi")
	c.later(11*time.Hour + time.Minute)
	b.get("/scc/akun")
	b.shows("Sesi berlaku sampai", "Konfirmasi")
	c.later(time.Hour)
	if status := b.get("/scc/akun"); status != http.StatusOK {
		t.Errorf("nothing is seen any more: %d", status)
	}
	b.shows("Sesi perlu dikonfirmasi")
	// The form that was sent is kept, and goes through with the code.
	id := regexp.MustCompile(`name="id" value="([^"]+)"`).FindStringSubmatch(b.body)[1]
	if status := b.post("/scc/akun/sesi", "id", id); status != http.StatusForbidden {
		t.Errorf("it was done: %d", status)
	}
	b.shows("Masukkan kode", `action="/scc/akun/sesi"`, id)
	if elsewhere.get("/scc/akun"); elsewhere.at != "/scc/akun" {
		t.Error("the other session has ended")
	}
	if status := b.post("/scc/akun/sesi", "id", id, "confirm", c.code("budi")); status != http.StatusForbidden {
		t.Errorf("%d", status)
	}
	b.shows("Kode tidak cocok", id)
	if status := b.post("/scc/akun/sesi", "id", id, "confirm", c.code("andi")); status != http.StatusOK || b.at != "/scc/akun" {
		t.Errorf("%d %s", status, b.at)
	}
	b.hides("Sesi perlu dikonfirmasi", "Keluarkan")
	if elsewhere.get("/scc/akun"); elsewhere.at != "/scc/masuk" {
		t.Error("the other session goes on")
	}
	c.later(13 * time.Hour)
	b.get("/scc/akun")
	if status := b.post("/scc/konfirmasi", "code", "0"); status != http.StatusForbidden {
		t.Errorf("%d", status)
	}
	b.get("/scc/akun")
	if status := b.post("/scc/konfirmasi", "code", c.code("andi"), "ke", "/scc/akun"); status != http.StatusOK || b.at != "/scc/akun" {
		t.Errorf("%d %s", status, b.at)
	}
	b.hides("Sesi perlu dikonfirmasi")
}

func TestTooManyTries(t *testing.T) {
	c := open(t)
	c.add("andi", operators.Dispatcher)
	c.add("kepala", operators.Admin)
	b := c.browser()
	var status int
	for range 8 {
		status = b.post("/scc/masuk", "name", "andi", "password", "salah", "code", "000000")
	}
	if status != http.StatusTooManyRequests {
		t.Errorf("%d", status)
	}
	b.shows("Terlalu sering", "detik")
}

// add writes an event.
func (c *center) event(kind, incident string) {
	c.t.Helper()
	if err := c.db.Do(c.t.Context(), func(tx *database.Tx) error {
		_, err := audit.Append(tx, c.clock(), "engine", kind, incident, "{}")
		return err
	}); err != nil {
		c.t.Error(err)
	}
	c.stream.Wake()
}

// TestRow10AConsoleThatWasAsleep is row 10 of the table of failures: sockets
// that are cut at random; every event arrives once, in its order.
func TestRow10AConsoleThatWasAsleep(t *testing.T) {
	c := open(t)
	c.add("andi", operators.Dispatcher)
	b := c.signIn("andi")
	const events = 600
	before, err := c.stream.Head(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	go func() {
		for i := range events {
			c.event(fmt.Sprint("test.", i), "A7K3")
		}
	}()
	last, got, connections := before, 0, 0
	for got < events {
		connections++
		ctx, cut := context.WithTimeout(t.Context(), 30*time.Second)
		q, err := http.NewRequestWithContext(ctx, http.MethodGet, fmt.Sprint(c.URL, "/scc/events?after=", before), nil)
		if err != nil {
			t.Fatal(err)
		}
		if connections > 1 {
			q.Header.Set("Last-Event-ID", fmt.Sprint(last))
		}
		res, err := b.Do(q)
		if err != nil {
			t.Fatal(err)
		}
		lines := bufio.NewScanner(res.Body)
		for budget := 1 + connections*connections%97; budget > 0 && got < events && lines.Scan(); {
			id, ok := strings.CutPrefix(lines.Text(), "id: ")
			if !ok {
				continue
			}
			if id != fmt.Sprint(last+1) {
				t.Fatalf("after %d comes %s", last, id)
			}
			last++
			got++
			budget--
			if !lines.Scan() {
				t.Fatal("an event without data")
			}
			if want := fmt.Sprintf(`data: {"kind":"test.%d","incident":"A7K3"}`, got-1); lines.Text() != want {
				t.Fatalf("%s instead of %s", lines.Text(), want)
			}
		}
		cut()
		res.Body.Close()
	}
	if connections < 10 {
		t.Errorf("only %d connections", connections)
	}
}

func TestTheStreamEndsWithTheSession(t *testing.T) {
	c := open(t)
	c.add("kepala", operators.Admin)
	b := c.signIn("kepala")
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	q, err := http.NewRequestWithContext(ctx, http.MethodGet, c.URL+"/scc/events", nil)
	if err != nil {
		t.Fatal(err)
	}
	res, err := b.Do(q)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if kind := res.Header.Get("Content-Type"); kind != "text/event-stream" {
		t.Fatal(kind)
	}
	// An admin hears of accounts, and not of incidents.
	c.event("incident.opened", "A7K3")
	c.event("operator.test", "")
	lines := bufio.NewScanner(res.Body)
	for lines.Scan() {
		if strings.Contains(lines.Text(), "A7K3") {
			t.Error("an admin hears of an incident")
		}
		if strings.Contains(lines.Text(), "operator.test") {
			return
		}
	}
	t.Errorf("the stream ended before: %v", lines.Err())
}

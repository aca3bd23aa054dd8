package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"tabe/adapters/phone"
	"tabe/adapters/scc/exchange"
	"tabe/adapters/scc/operators"
	"tabe/adapters/testserver"
	"tabe/bot"
	"tabe/flows/darurat"
)

// lockedBuffer is a log that several write into.
type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// A case of violence is for the one role that is there for it. This looks for
// its words everywhere else: other roles' pages, feeds, other systems, metrics,
// the log, the stream of events, and what was sent to every phone but one.
func TestAViolenceCaseIsSeenByOneRoleAlone(t *testing.T) {
	secrets := []string{"suamiku", "memukul", "nurul", "+6281100000401", "081100000401"}
	log := &lockedBuffer{}
	began := time.Now()
	clock := func() time.Time { return time.Date(2026, 11, 25, 10, 0, 0, 0, bot.WITA).Add(time.Since(began)) }
	residents, err := phone.Residents()
	if err != nil {
		t.Fatal(err)
	}
	phones := phone.New(residents)
	o := options{
		databaseURL: testserver.SQLiteURL(t), secretKey: make([]byte, secretKeyLength), dataDir: t.TempDir(), channels: phones.Channels(), clock: clock,
		log: slog.New(slog.NewTextHandler(log, &slog.HandlerOptions{Level: slog.LevelDebug})),
	}
	a, err := open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	defer a.close()
	if err := a.center.SeedContacts(t.Context(), true); err != nil {
		t.Fatal(err)
	}

	// Another system that wants to hear of everything.
	told := &lockedBuffer{}
	agency := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { _, _ = io.Copy(told, r.Body) }))
	defer agency.Close()
	peer := exchange.Peer{Name: "bpbd", URL: agency.URL, Secret: "a secret of twenty-four characters", Kinds: darurat.Kinds(), Tests: true}

	mux := http.NewServeMux()
	const key = "the key of an agency, long enough"
	accounts, err := a.mountConsole(mux, o, false)
	if err != nil {
		t.Fatal(err)
	}
	a.health(mux, "")
	if err := a.mountOpen311(mux, o, "", nil); err != nil {
		t.Fatal(err)
	}
	peers := a.mountAgencies(mux, o, "http://localhost", agencies{feedKeys: []string{key}, peers: []exchange.Peer{peer}})
	server := httptest.NewServer(mux)
	defer server.Close()
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- together(ctx, a.run, peers) }()
	defer func() {
		phones.Close()
		server.CloseClientConnections()
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	}()

	says := func(from, id, text string) {
		t.Helper()
		if err := a.engine.Receive(t.Context(), bot.Message{ID: id, Channel: smsChannel, Peer: from, Subject: "tel:" + from, Text: text}); err != nil {
			t.Fatal(err)
		}
	}
	says("+6281100000401", "m1", "suamiku memukul saya, tolong, di citta dekat masjid nurul")
	says("+6281100000444", "m2", "kebakaran di citta") // the other system hears that at the same time
	awaitIncidents(t, a, 2)

	browse := func(name string, roles ...operators.Role) func(path string) (int, string) {
		t.Helper()
		client := signedIn(t, accounts, server.URL, name, roles...)
		return func(path string) (int, string) {
			t.Helper()
			answer, err := client.Get(server.URL + path)
			if err != nil {
				t.Fatal(err)
			}
			defer answer.Body.Close()
			page, err := io.ReadAll(answer.Body)
			if err != nil {
				t.Fatal(err)
			}
			return answer.StatusCode, string(page)
		}
	}
	looksFor := func(where, text string, words ...string) {
		t.Helper()
		for _, w := range words {
			if i := strings.Index(strings.ToLower(text), w); i >= 0 {
				t.Errorf("%s has %q: …%s…", where, w, text[max(0, i-60):min(len(text), i+60)])
			}
		}
	}
	var violent string
	all, err := a.center.List(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, i := range all {
		if i.Kind == darurat.Violence {
			violent = i.Code
		}
	}
	if violent == "" {
		t.Fatal("there is no case of violence")
	}
	case_ := "/scc/insiden/" + violent
	resident := string(a.store.ID("tel:+6281100000401"))
	paths := []string{
		"/scc/insiden", case_, case_ + "/laporan", case_ + "/laporan?berkas=1", "/scc/cari?q=" + violent, "/scc/percakapan", "/scc/percakapan/1", "/scc/pengaduan",
		"/scc/tak-terjawab", "/scc/petugas", "/scc/kontak", "/scc/bulan", "/scc/bulan.csv", "/scc/peringatan", "/scc/audit", "/scc/operator", "/scc/akun", "/scc/pos",
	}
	for _, role := range []operators.Role{operators.Dispatcher, operators.Supervisor, operators.Agency, operators.Auditor, operators.Admin} {
		get := browse("r-"+string(role), role)
		for _, path := range paths {
			_, page := get(path)
			looksFor(string(role)+" at "+path, page, secrets...)
			looksFor(string(role)+" at "+path, page, resident)
		}
	}
	get := browse("sari", operators.P2TP2A)
	if code, page := get(case_); code != http.StatusOK || !strings.Contains(page, "memukul") {
		t.Errorf("the one role does not see it: %d", code)
	}

	ask := func(path, key string) string {
		t.Helper()
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, server.URL+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		if key != "" {
			r.Header.Set("Authorization", "Bearer "+key)
		}
		answer, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer answer.Body.Close()
		body, err := io.ReadAll(answer.Body)
		if err != nil || answer.StatusCode != http.StatusOK {
			t.Fatal(path, answer.StatusCode, err)
		}
		return string(body)
	}
	everywhere := append(slices.Clone(secrets), "violence", strings.ToLower(violent))
	looksFor("the feed", ask("/scc/cap.atom", key), everywhere...)
	looksFor("Open311", ask("/open311/v2/requests.json", ""), everywhere...)
	looksFor("the metrics", ask("/metrics", ""), everywhere...)
	for limit := time.Now().Add(20 * time.Second); !strings.Contains(told.String(), "fire") && time.Now().Before(limit); {
		time.Sleep(10 * time.Millisecond) // the fire has to arrive, or the silence about the other proves nothing
	}
	if !strings.Contains(told.String(), "fire") {
		t.Error("the other system heard of nothing")
	}
	looksFor("the other system", told.String(), everywhere...)
	events, err := a.stream.Since(t.Context(), 0, 1000)
	if err != nil {
		t.Fatal(err)
	}
	looksFor("the stream of events", fmt.Sprint(events), secrets...)
	looksFor("the log", log.String(), secrets...)

	// What went to her own phone says nothing to whoever looks at it.
	thread, err := a.store.History(t.Context(), a.store.ID("tel:+6281100000401"), 20)
	if err != nil {
		t.Fatal(err)
	}
	answered := 0
	caseWords := regexp.MustCompile(`(?i)keras|violence|pukul|kdrt|p2tp2a|ppa|suami`)
	for _, l := range thread {
		if l.Text != nil {
			answered++
			if caseWords.MatchString(l.Text.Body) {
				t.Errorf("her phone shows %q", l.Text.Body)
			}
		}
	}
	if answered == 0 {
		t.Error("she was not answered")
	}
}

// signedIn returns a browser in which a new account of the console is signed in.
func signedIn(t *testing.T, accounts *operators.Store, base, name string, roles ...operators.Role) *http.Client {
	t.Helper()
	enrolment, err := accounts.Add(t.Context(), byTerminal, operators.Draft{Name: name, FullName: "Ibu " + name, Password: consolePassword, Roles: roles})
	if err != nil {
		t.Fatal(err)
	}
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	client := &http.Client{Jar: jar}
	answer, err := client.PostForm(base+"/scc/masuk", url.Values{"name": {name}, "password": {consolePassword}, "code": {enrolment.Recovery[0]}})
	if err != nil {
		t.Fatal(err)
	}
	_ = answer.Body.Close()
	return client
}

// awaitIncidents waits until n incidents are there.
func awaitIncidents(t *testing.T, a *app, n int) {
	t.Helper()
	limit := time.Now().Add(20 * time.Second)
	for {
		all, err := a.center.List(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if len(all) >= n {
			return
		}
		if time.Now().After(limit) {
			t.Fatalf("%d incidents of %d", len(all), n)
		}
		time.Sleep(10 * time.Millisecond)
	}
}

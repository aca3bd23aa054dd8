package main

import (
	"encoding/xml"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"tabe/adapters/scc"
	"tabe/adapters/scc/audit"
	"tabe/adapters/scc/geo"
	"tabe/adapters/seal"
	"tabe/adapters/testserver"
)

// call is what Twilio was asked to do, and how it is answered.
type call struct {
	XMLName xml.Name `xml:"Response"`
	Gather  struct {
		Action string `xml:"action,attr"`
		Say    string
	}
	Say string
}

// TestServeCallsALandline plays an incident whose post has only a landline
// against a stand-in for Twilio: the call is placed, a key accepts, and Twilio
// may deliver everything twice.
func TestServeCallsALandline(t *testing.T) {
	const (
		public, account, token = "https://tabe.example", "AC00000000000000000000000000000000", "token"
		ours, post119, citizen = "+6281100000400", "+6248423501", "+6281100000498"
		sid                    = "CA00000000000000000000000000000001"
	)
	calls, texts := make(chan url.Values, 10), make(chan url.Values, 100)
	provider := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := r.ParseForm(); err != nil {
			t.Error(err)
		}
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusCreated)
		if strings.HasSuffix(r.URL.Path, "/Calls.json") {
			calls <- r.PostForm
			fmt.Fprintf(w, `{"sid":%q,"status":"queued"}`, sid)
			return
		}
		texts <- r.PostForm
		fmt.Fprint(w, `{"sid":"SM00000000000000000000000000000001","status":"queued"}`)
	}))
	defer provider.Close()

	dir := t.TempDir()
	database := (&url.URL{Scheme: "sqlite", Path: dir + "/tabe.db"}).String()
	db := testserver.OpenDatabase(t, database)
	center, err := scc.New(scc.Config{DB: db, Secret: make([]byte, seal.KeyLength), Map: geo.New(), Mail: func() scc.Mail { return nil }, Event: audit.Append})
	if err != nil {
		t.Fatal(err)
	}
	const contacts = "service,name,district,dial,phone,line,national,note\nfire,Pos Citta,73.12.08,048423501," + post119 + ",landline,,\n"
	if _, err := center.ImportContacts(t.Context(), strings.NewReader(contacts), "test", "test"); err != nil {
		t.Fatal(err)
	}
	base, stop := startServe(t, settings{
		"TABE_SECRET_KEY": goodKey, "TABE_ADDR": "127.0.0.1:0", "TABE_PUBLIC_URL": public, "TABE_DATABASE_URL": database,
		"TABE_TWILIO_ACCOUNT_SID": account, "TABE_TWILIO_AUTH_TOKEN": token, "TABE_TWILIO_API_URL": provider.URL,
		"TABE_TWILIO_SMS_FROM": ours, "TABE_TWILIO_VOICE_FROM": ours,
	}, dir)
	defer stop()

	signed := func(path string, form url.Values) string {
		t.Helper()
		form.Set("AccountSid", account)
		var said [2]string
		for n := range said { // Twilio repeats what it thinks was lost
			request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, base+path, strings.NewReader(form.Encode()))
			if err != nil {
				t.Fatal(err)
			}
			request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			request.Header.Set("X-Twilio-Signature", sign(public+path, form, token))
			response, err := http.DefaultClient.Do(request)
			if err != nil {
				t.Fatal(err)
			}
			body, err := io.ReadAll(response.Body)
			_ = response.Body.Close()
			if said[n] = string(body); err != nil || response.StatusCode > 299 {
				t.Fatalf("%s: %s %s %v", path, response.Status, body, err)
			}
		}
		if said[0] != said[1] {
			t.Errorf("%s and then %s", said[0], said[1])
		}
		return said[0]
	}
	signed("/channels/twilio", url.Values{
		"MessageSid": {"SM00000000000000000000000000000099"}, "From": {citizen}, "To": {ours}, "Body": {`kebakaran di desa tinco, dekat "Toko A & B" </Say>`}, "NumMedia": {"0"},
	})

	placed := <-calls
	var alarm call
	if err := xml.Unmarshal([]byte(placed.Get("Twiml")), &alarm); err != nil {
		t.Fatal(err)
	}
	if placed.Get("To") != post119 || placed.Get("From") != ours || placed.Has("Url") || !strings.Contains(alarm.Gather.Say, "Ada kebakaran. Tinco, Citta") || !strings.Contains(alarm.Gather.Say, "Tekan 1") {
		t.Errorf("%v", placed)
	}
	path, ok := strings.CutPrefix(alarm.Gather.Action, public)
	if !ok {
		t.Fatalf("keys go to %s", alarm.Gather.Action)
	}
	key := url.Values{"CallSid": {sid}, "From": {ours}, "To": {post119}, "Direction": {"outbound-api"}, "CallStatus": {"in-progress"}, "Digits": {"1"}}
	var answer call
	if err := xml.Unmarshal([]byte(signed(path, key)), &answer); err != nil || answer.Gather.Action != "" || !strings.Contains(answer.Say, "diterima") {
		t.Errorf("%+v, %v", answer, err)
	}
	for text := range texts {
		if strings.Contains(text.Get("Body"), "Pos Citta berangkat") {
			break
		}
	}
	signed("/channels/twilio/voice/status", url.Values{"CallSid": {sid}, "CallStatus": {"completed"}, "To": {post119}, "From": {ours}})
	if log := stop(); strings.Contains(log, post119[3:]) || strings.Contains(log, citizen[3:]) {
		t.Errorf("the log tells a number:\n%s", log)
	}

	for query, want := range map[string]int{
		`select count(*) from incidents where status = 'dispatched' and acked_by = 'Pos Citta'`: 1,
		`select count(*) from audit where kind = 'unit.accept'`:                                 1,
		`select count(*) from outbox where channel = 'voice' and status = 'delivered'`:          1,
	} {
		var n int
		if err := db.QueryRow(t.Context(), query).Scan(&n); err != nil || n != want {
			t.Errorf("%d, %v: %s", n, err, query)
		}
	}
	if len(calls) != 0 {
		t.Errorf("called again: %v", <-calls)
	}
}

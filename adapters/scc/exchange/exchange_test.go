package exchange_test

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"tabe/adapters/database"
	"tabe/adapters/scc"
	"tabe/adapters/scc/audit"
	"tabe/adapters/scc/exchange"
	"tabe/adapters/scc/geo"
	"tabe/adapters/testserver"
	"tabe/bot"
	"tabe/flows/darurat"
)

const secret = "a secret of twenty-four characters or more"

// incidents are what the center knows.
type incidents struct {
	mu     sync.Mutex
	byCode map[string]scc.Incident
}

func (i *incidents) ByCode(_ context.Context, code string) (scc.Incident, error) {
	i.mu.Lock()
	defer i.mu.Unlock()
	found, ok := i.byCode[code]
	if !ok {
		return found, scc.ErrUnknown
	}
	return found, nil
}

func (i *incidents) put(n scc.Incident) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.byCode[n.Code] = n
}

// agency is the system of somebody else. It checks the signature by the
// description in docs, not by our code, and the shape by the schema.
type agency struct {
	t       *testing.T
	schemas map[string]*jsonschema.Schema
	mu      sync.Mutex
	status  int // of the next answers
	got     []map[string]any
	arrived chan struct{}
}

func newAgency(t *testing.T) (*agency, *httptest.Server) {
	a := &agency{t: t, schemas: map[string]*jsonschema.Schema{}, status: http.StatusOK, arrived: make(chan struct{}, 100)}
	for _, name := range []string{"incident", "acknowledgement", "completion"} {
		file, err := os.Open(filepath.Join("schema", name+".schema.json"))
		if err != nil {
			t.Fatal(err)
		}
		doc, err := jsonschema.UnmarshalJSON(file)
		if err != nil {
			t.Fatal(err)
		}
		c := jsonschema.NewCompiler()
		c.AssertFormat()
		if err := c.AddResource(name, doc); err != nil {
			t.Fatal(err)
		}
		if a.schemas[name], err = c.Compile(name); err != nil {
			t.Fatal(err)
		}
		_ = file.Close()
	}
	server := httptest.NewServer(a)
	t.Cleanup(server.Close)
	return a, server
}

func (a *agency) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		a.t.Error(err)
	}
	h := hmac.New(sha256.New, []byte(secret))
	h.Write([]byte(r.Header.Get("Tabe-Timestamp") + "." + string(body)))
	if want := "v1=" + hex.EncodeToString(h.Sum(nil)); r.Header.Get("Tabe-Signature") != want {
		a.t.Errorf("signature %q, want %q", r.Header.Get("Tabe-Signature"), want)
	}
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(body))
	if err != nil {
		a.t.Errorf("%v in %s", err, body)
		return
	}
	m := doc.(map[string]any)
	if schema := a.schemas[m["message"].(string)]; schema == nil {
		a.t.Errorf("unknown message %s", body)
	} else if err := schema.Validate(doc); err != nil {
		a.t.Errorf("%v in %s", err, body)
	}
	a.mu.Lock()
	status := a.status
	if status == http.StatusOK {
		a.got = append(a.got, m)
	}
	a.mu.Unlock()
	w.WriteHeader(status)
	a.arrived <- struct{}{}
}

func (a *agency) answers(status int) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.status = status
}

func (a *agency) await() {
	a.t.Helper()
	select {
	case <-a.arrived:
	case <-time.After(20 * time.Second):
		a.t.Fatal("nothing arrived")
	}
}

func fire(code string, id int64) scc.Incident {
	return scc.Incident{
		ID: id, Code: code, Kind: darurat.Fire, Status: scc.Unanswered, District: "73.12.04", Village: "73.12.04.1001", Landmark: "rumah Pak Sadda",
		Position: &bot.Location{Lat: -4.35, Lng: 119.88, Accuracy: 12}, Danger: darurat.Yes, Opened: time.Now(), Version: 1,
	}
}

// setup runs an exchange with one peer on each kind of database.
func setup(t *testing.T, run func(t *testing.T, x *exchange.Exchange, known *incidents, a *agency, happens func(kind, code string))) {
	testserver.Databases(t, func(t *testing.T, db *database.DB) {
		a, server := newAgency(t)
		known := &incidents{byCode: map[string]scc.Incident{}}
		events := audit.New(db)
		x := &exchange.Exchange{
			DB: db, Events: events, Incidents: known, Map: geo.New(), HTTP: server.Client(), Clock: time.Now, Log: slog.New(slog.NewTextHandler(t.Output(), nil)),
			Peers: []exchange.Peer{{Name: "bpbd", URL: server.URL, Secret: secret, Kinds: []darurat.Kind{darurat.Fire, darurat.Disaster}}},
		}
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan struct{})
		go func() { x.Run(ctx); close(ended) }()
		defer func() { stop(); <-ended }()
		for place, err := x.Places(t.Context()); len(place) == 0; place, err = x.Places(t.Context()) { // until it follows
			if err != nil {
				t.Fatal(err)
			}
		}
		run(t, x, known, a, func(kind, code string) {
			t.Helper()
			if err := db.Do(t.Context(), func(tx *database.Tx) error {
				_, err := audit.Append(tx, time.Now(), "engine", kind, code, "{}")
				return err
			}); err != nil {
				t.Fatal(err)
			}
			events.Wake()
		})
	})
}

func TestPeerHearsOfAnIncidentUntilItsEnd(t *testing.T) {
	setup(t, func(t *testing.T, _ *exchange.Exchange, known *incidents, a *agency, happens func(kind, code string)) {
		i := fire("A7K3", 8)
		known.put(i)
		happens("incident.opened", "A7K3")
		a.await()
		violence := fire("V1V1", 10)
		violence.Kind = darurat.Violence
		known.put(violence)
		happens("incident.opened", "V1V1")
		crime := fire("C1C1", 12)
		crime.Kind = darurat.Crime
		known.put(crime)
		happens("incident.opened", "C1C1")
		drill := fire("D1D1", 14)
		drill.Test = true
		known.put(drill)
		happens("incident.opened", "D1D1")
		happens("incident.chat", "A7K3")
		i.Status, i.Closed, i.Outcome = scc.Closed, time.Now(), scc.Handled
		known.put(i)
		happens("incident.closed", "A7K3")
		a.await()
		if len(a.got) != 2 || a.got[0]["message"] != "incident" || a.got[1]["message"] != "completion" ||
			a.got[0]["sharedIncidentId"] != a.got[1]["sharedIncidentId"] {
			t.Errorf("%v", a.got)
		}
		if text, err := json.Marshal(a.got); err != nil || strings.Contains(string(text), "Sadda") {
			t.Error("the reporter's words are handed over", err)
		}
	})
}

func TestPeerThatIsDownMissesNothing(t *testing.T) {
	setup(t, func(t *testing.T, x *exchange.Exchange, known *incidents, a *agency, happens func(kind, code string)) {
		a.answers(http.StatusServiceUnavailable)
		known.put(fire("A7K3", 8))
		known.put(fire("B1Q8", 10))
		happens("incident.opened", "A7K3")
		happens("incident.opened", "B1Q8")
		a.await()
		a.answers(http.StatusOK)
		a.await()
		a.await()
		if len(a.got) != 2 || a.got[0]["code"] != "A7K3" || a.got[1]["code"] != "B1Q8" {
			t.Errorf("%v", a.got)
		}
	})
}

func TestPeerThatRefusesDoesNotHoldUpTheNext(t *testing.T) {
	setup(t, func(t *testing.T, x *exchange.Exchange, known *incidents, a *agency, happens func(kind, code string)) {
		a.answers(http.StatusUnprocessableEntity)
		known.put(fire("A7K3", 8))
		happens("incident.opened", "A7K3")
		a.await()
		a.answers(http.StatusOK)
		known.put(fire("B1Q8", 10))
		happens("incident.opened", "B1Q8")
		a.await()
		if len(a.got) != 1 || a.got[0]["code"] != "B1Q8" {
			t.Errorf("%v", a.got)
		}
		events, err := x.Events.Of(t.Context(), "A7K3", 10)
		if err != nil || events[len(events)-1].Kind != "exchange.refused" {
			t.Error(events, err)
		}
	})
}

func TestAnswers(t *testing.T) {
	setup(t, func(t *testing.T, x *exchange.Exchange, known *incidents, a *agency, happens func(kind, code string)) {
		known.put(fire("A7K3", 8))
		happens("incident.opened", "A7K3")
		a.await()
		shared := a.got[0]["sharedIncidentId"].(string)
		server := httptest.NewServer(x.Handler())
		defer server.Close()
		send := func(peer, key, body string, at time.Time) int {
			t.Helper()
			r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, server.URL+exchange.Path+peer, strings.NewReader(body))
			if err != nil {
				t.Fatal(err)
			}
			stamp := strconv.FormatInt(at.Unix(), 10)
			h := hmac.New(sha256.New, []byte(key))
			h.Write([]byte(stamp + "." + body))
			r.Header.Set("Tabe-Timestamp", stamp)
			r.Header.Set("Tabe-Signature", "v1="+hex.EncodeToString(h.Sum(nil)))
			answer, err := http.DefaultClient.Do(r)
			if err != nil {
				t.Fatal(err)
			}
			defer answer.Body.Close()
			return answer.StatusCode
		}
		accepted := `{"message":"acknowledgement","sharedIncidentId":"` + shared + `","acknowledgedAt":"2026-11-25T21:05:00+08:00","status":"accepted"}`
		for _, c := range []struct {
			name, peer, key, body string
			at                    time.Time
			want                  int
		}{
			{"accepted", "bpbd", secret, accepted, time.Now(), 204},
			{"the same again", "bpbd", secret, accepted, time.Now(), 204},
			{"completed", "bpbd", secret, `{"message":"completion","sharedIncidentId":"` + shared + `","completedAt":"2026-11-25T21:05:00Z","outcome":"handled"}`, time.Now(), 204},
			{"wrong key", "bpbd", "another secret of twenty-four", accepted, time.Now(), 401},
			{"unknown peer", "nobody", secret, accepted, time.Now(), 401},
			{"replayed", "bpbd", secret, accepted, time.Now().Add(-time.Hour), 401},
			{"no JSON", "bpbd", secret, `status=accepted`, time.Now(), 422},
			{"another message", "bpbd", secret, `{"message":"incident"}`, time.Now(), 422},
			{"another field", "bpbd", secret, strings.Replace(accepted, `"status"`, `"x":1,"status"`, 1), time.Now(), 422},
			{"another status", "bpbd", secret, strings.Replace(accepted, `"accepted"`, `"maybe"`, 1), time.Now(), 422},
			{"a long cause", "bpbd", secret, strings.Replace(accepted, `"accepted"`, `"rejected","cause":"`+strings.Repeat("x", 201)+`"`, 1), time.Now(), 422},
			{"too long", "bpbd", secret, strings.Repeat(" ", 20<<10), time.Now(), 413},
			{"unknown incident", "bpbd", secret, strings.Replace(accepted, shared, "00000000-0000-8000-8000-000000000000", 1), time.Now(), 404},
		} {
			if got := send(c.peer, c.key, c.body, c.at); got != c.want {
				t.Errorf("%s: %d, want %d", c.name, got, c.want)
			}
		}
		answers, err := x.Answers(t.Context(), "A7K3")
		if err != nil || len(answers) != 2 {
			t.Error(answers, err)
		}
	})
}

func TestParsePeers(t *testing.T) {
	good := "[[peer]]\nname = \"bpbd\"\nurl = \"https://bpbd.example/in\"\nsecret = \"" + secret + "\"\nkinds = [\"fire\"]\n"
	if peers, err := exchange.ParsePeers(strings.NewReader(good)); err != nil || len(peers) != 1 {
		t.Fatal(peers, err)
	}
	for name, file := range map[string]string{
		"violence":       strings.Replace(good, `"fire"`, `"violence"`, 1),
		"a short secret": strings.Replace(good, secret, "short", 1),
		"no address":     strings.Replace(good, "https://bpbd.example/in", "bpbd", 1),
		"twice":          good + good,
		"unknown":        good + "colour = 1\n",
		"a bad name":     strings.Replace(good, `"bpbd"`, `"BPBD!"`, 1),
	} {
		if _, err := exchange.ParsePeers(strings.NewReader(file)); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

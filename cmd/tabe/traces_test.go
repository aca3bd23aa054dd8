package main

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"

	collect "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	otlp "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"
)

// collector is an OpenTelemetry collector that keeps what it is given.
type collector struct {
	*httptest.Server
	mu    sync.Mutex
	raw   bytes.Buffer
	spans []*otlp.Span
	auth  string
}

func startCollector(t *testing.T) *collector {
	t.Helper()
	c := &collector{}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /v1/traces", func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		var in collect.ExportTraceServiceRequest
		if err := proto.Unmarshal(body, &in); err != nil {
			t.Error(err)
		}
		c.mu.Lock()
		defer c.mu.Unlock()
		c.raw.Write(body)
		c.auth = r.Header.Get("Authorization")
		for _, resource := range in.ResourceSpans {
			for _, scope := range resource.ScopeSpans {
				c.spans = append(c.spans, scope.Spans...)
			}
		}
		w.Header().Set("Content-Type", "application/x-protobuf")
	})
	c.Server = httptest.NewServer(mux)
	t.Cleanup(c.Close)
	return c
}

// telemetry sets OpenTelemetry's environment, which its SDK reads by itself.
func telemetry(t *testing.T, env settings, set settings) {
	t.Helper()
	for name, value := range set {
		t.Setenv(name, value)
		env[name] = value
	}
}

// talk serves one resident by Twilio: his message, the answer, its receipt.
// refused is how often Twilio does not take the answer.
func talk(t *testing.T, set settings, refused int) (log string) {
	t.Helper()
	sent := make(chan url.Values, 10)
	twilio := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := r.ParseForm(); err != nil {
			t.Error(err)
		}
		w.Header().Set("Content-Type", "application/json")
		if refused > 0 {
			refused--
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		w.WriteHeader(http.StatusCreated)
		fmt.Fprint(w, `{"sid":"SM00000000000000000000000000000001","status":"queued"}`)
		sent <- r.PostForm
	}))
	defer twilio.Close()
	dir := t.TempDir()
	if _, errs, code := tabe(t, nil, "", "import", "pbb", writeFile(t, "pbb.csv", unseen), "--data", dir); code != 0 {
		t.Fatalf("exit %d: %s", code, errs)
	}
	const public = "https://tabe.example"
	env := settings{
		"TABE_SECRET_KEY": goodKey, "TABE_ADDR": "127.0.0.1:0", "TABE_PUBLIC_URL": public,
		"TABE_TWILIO_ACCOUNT_SID": "AC00000000000000000000000000000000", "TABE_TWILIO_AUTH_TOKEN": "token", "TABE_TWILIO_SMS_FROM": "+6281100000400",
		"TABE_TWILIO_API_URL": twilio.URL,
	}
	telemetry(t, env, set)
	base, stop := startServe(t, env, dir)
	defer stop()
	call := func(path string, form url.Values) {
		t.Helper()
		form.Set("AccountSid", env["TABE_TWILIO_ACCOUNT_SID"])
		if code := post(t, base+path, form, sign(public+path, form, "token")); code >= 300 {
			t.Fatalf("%s answers %d", path, code)
		}
	}
	call("/channels/twilio", url.Values{
		"MessageSid": {"SM00000000000000000000000000000099"}, "From": {tracedNumber}, "To": {"+6281100000400"},
		"Body": {tracedText}, "NumMedia": {"0"}, "ProfileName": {"Andi Tenri"},
	})
	if answer := <-sent; answer.Get("To") != tracedNumber || !strings.Contains(answer.Get("Body"), "2 Mei 2026") {
		t.Errorf("sent %v", answer)
	}
	// The receipt may overtake our own note that it was sent.
	call("/channels/twilio/status", url.Values{
		"MessageSid": {"SM00000000000000000000000000000001"}, "MessageStatus": {"delivered"}, "From": {"+6281100000400"}, "To": {tracedNumber},
	})
	return stop()
}

const (
	tracedNumber = "+6281100000497"
	tracedNOP    = "731207100200490780"
	tracedText   = "berapa pbb " + tracedNOP
)

// TestServeTracesAMessage sends a message through the production system and
// looks at what a collector was given, and at every byte of it.
func TestServeTracesAMessage(t *testing.T) {
	c := startCollector(t)
	log := talk(t, settings{
		"OTEL_EXPORTER_OTLP_ENDPOINT": c.URL, "OTEL_EXPORTER_OTLP_HEADERS": "Authorization=Bearer%20collectors-key", "OTEL_SERVICE_NAME": "tabe-soppeng",
		"OTEL_BSP_SCHEDULE_DELAY": "50",
	}, 1)
	c.mu.Lock()
	defer c.mu.Unlock()
	attribute := func(s *otlp.Span, key string) string {
		for _, a := range s.Attributes {
			if a.Key == key {
				return a.Value.GetStringValue()
			}
		}
		return ""
	}
	byID := map[string]*otlp.Span{}
	for _, s := range c.spans {
		byID[string(s.SpanId)] = s
	}
	got := map[string]int{}
	var root *otlp.Span
	for _, s := range c.spans {
		parent := "nothing"
		if len(s.ParentSpanId) == 0 {
			root = s
		} else if p := byID[string(s.ParentSpanId)]; p != nil {
			parent = p.Name
		}
		got[parent+" > "+s.Name+" "+attribute(s, "tabe.result")+attribute(s, "tabe.status")+attribute(s, "tabe.topic")+attribute(s, "tabe.flow")]++
		if !bytes.Equal(s.TraceId, c.spans[0].TraceId) {
			t.Errorf("%s is in another trace", s.Name)
		}
	}
	const door = "POST /channels/twilio"
	for _, want := range []string{
		"nothing > " + door + " ", door + " > accept ", door + " > wait ", door + " > turn ",
		"turn > understand tax_bill", "turn > flow pbb", "turn > commit ",
		door + " > send deferred", door + " > send sent", door + " > receipt delivered",
	} {
		if got[want] != 1 {
			t.Errorf("%q: %d in %v", want, got[want], got)
		}
	}
	if len(c.spans) != 10 {
		t.Errorf("%d spans: %v", len(c.spans), got)
	}
	if c.auth != "Bearer collectors-key" || !bytes.Contains(c.raw.Bytes(), []byte("tabe-soppeng")) {
		t.Errorf("OpenTelemetry's environment is not heeded: %q", c.auth)
	}
	for _, personal := range []string{tracedNumber[3:], tracedNOP, "berapa", "Andi", "SM000", "AC000", "token", "127.0.0.1"} {
		if bytes.Contains(c.raw.Bytes(), []byte(personal)) {
			t.Errorf("%q was exported", personal)
		}
	}
	named := false
	for _, raw := range strings.Split(strings.TrimSpace(log), "\n") {
		var line map[string]any
		if err := json.Unmarshal([]byte(raw), &line); err != nil {
			t.Errorf("no JSON in the log: %s", raw)
		}
		if line["msg"] == "message will be tried again" && root != nil {
			named = line["trace_id"] == hex.EncodeToString(root.TraceId)
		}
	}
	if !named {
		t.Errorf("the log does not name the trace:\n%s", log)
	}
}

// TestServeWithoutItsCollector has nobody listen, and then somebody who never
// answers: the resident notices nothing, and the log tells of it at most once.
func TestServeWithoutItsCollector(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	gone, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_ = gone.Close()
	for name, address := range map[string]string{"nobody": gone.Addr().String(), "silence": listener.Addr().String()} {
		t.Run(name, func(t *testing.T) {
			log := talk(t, settings{"OTEL_EXPORTER_OTLP_ENDPOINT": "http://" + address, "OTEL_BSP_SCHEDULE_DELAY": "1", "OTEL_BSP_MAX_EXPORT_BATCH_SIZE": "1"}, 0)
			if n := strings.Count(log, "collector"); n > 1 {
				t.Errorf("%d times in the log:\n%s", n, log)
			}
			for _, raw := range strings.Split(strings.TrimSpace(log), "\n") {
				if !json.Valid([]byte(raw)) {
					t.Errorf("no JSON in the log: %s", raw)
				}
			}
		})
	}
}

func TestTracesAreOffUnlessACollectorIsNamed(t *testing.T) {
	const address = "http://127.0.0.1:4318"
	for name, c := range map[string]struct {
		env  settings
		want bool
	}{
		"nothing":        {settings{}, false},
		"a sampler":      {settings{"OTEL_TRACES_SAMPLER": "always_on"}, false},
		"a collector":    {settings{"OTEL_EXPORTER_OTLP_ENDPOINT": address}, true},
		"of traces":      {settings{"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": address + "/v1/traces", "OTEL_TRACES_EXPORTER": "otlp"}, true},
		"no exporter":    {settings{"OTEL_EXPORTER_OTLP_ENDPOINT": address, "OTEL_TRACES_EXPORTER": "none"}, false},
		"a disabled SDK": {settings{"OTEL_EXPORTER_OTLP_ENDPOINT": address, "OTEL_SDK_DISABLED": "true"}, false},
	} {
		c.env["TABE_SECRET_KEY"] = goodKey
		config, err := readConfig(c.env.getenv, "data")
		if err != nil || config.traces != c.want {
			t.Errorf("%s: %v %v", name, config.traces, err)
		}
	}
}

func TestCheckAsksTheCollector(t *testing.T) {
	c := startCollector(t)
	env := settings{"TABE_SECRET_KEY": goodKey, "TABE_USSD_SECRET": "0123456789abcdef"}
	telemetry(t, env, settings{"OTEL_EXPORTER_OTLP_ENDPOINT": c.URL})
	dir := t.TempDir()
	if out, _, _ := tabe(t, env, "", "check", "--data", dir); !strings.Contains(out, "ok    traces ") {
		t.Error(out)
	}
	c.Server.Close()
	if out, _, _ := tabe(t, env, "", "check", "--data", dir); !strings.Contains(out, "DOWN  traces ") {
		t.Error(out)
	}
}

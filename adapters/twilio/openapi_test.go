package twilio

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"regexp"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
	"github.com/getkin/kin-openapi/routers/legacy"
)

// description is Twilio's own OpenAPI description of its Messages resource,
// which is not part of this repository.
const description = "../../../shared/peers/specs/twilio_messages_only.json"

// provider stands for Twilio's API. Each call is held against Twilio's
// description of it, where that is at hand, and against what Twilio says only
// in prose; what is given to respond may answer in its place.
type provider struct {
	*httptest.Server
	t      *testing.T
	router routers.Router // nil without the description

	mu      sync.Mutex
	answer  func(w http.ResponseWriter, n int) bool
	forms   []url.Values
	arrived chan struct{}
}

func newProvider(t *testing.T) *provider {
	t.Helper()
	p := &provider{t: t, arrived: make(chan struct{}, 1000)}
	p.Server = httptest.NewServer(http.HandlerFunc(p.serve))
	t.Cleanup(p.Close)
	raw, err := os.ReadFile(description)
	if err != nil {
		t.Logf("calls are NOT checked against Twilio's description: %v", err)
		return p
	}
	doc, err := openapi3.NewLoader().LoadFromData(raw)
	if err != nil {
		t.Fatal(err)
	}
	doc.Servers = nil // any host
	for _, path := range doc.Paths.Map() {
		path.Servers = nil
	}
	if p.router, err = legacy.NewRouter(doc, openapi3.DisableExamplesValidation()); err != nil {
		t.Fatal(err)
	}
	return p
}

func (p *provider) serve(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	form, err := url.ParseQuery(string(body))
	if err != nil {
		p.t.Errorf("the body is no form: %v", err)
	}
	p.check(r, form)
	p.mu.Lock()
	p.forms = append(p.forms, form)
	n, answer := len(p.forms), p.answer
	p.mu.Unlock()
	defer func() { p.arrived <- struct{}{} }()
	if answer != nil && answer(w, n) {
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(http.StatusCreated)
	fmt.Fprintf(w, `{"sid": "%s", "status": "queued", "error_code": null, "num_segments": "1", "date_created": "Wed, 25 Nov 2026 01:00:00 +0000"}`, sid(n))
}

// respond lets answer see each call, with its number, before it is answered
// well; it returns true if it has answered.
func (p *provider) respond(answer func(w http.ResponseWriter, n int) bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.answer = answer
}

var e164 = regexp.MustCompile(`^(whatsapp:)?\+[1-9][0-9]{7,14}$`)

func (p *provider) check(r *http.Request, form url.Values) {
	if user, password, _ := r.BasicAuth(); user != accountSID || password != token {
		p.t.Error("the call does not carry our credentials")
	}
	if r.Method != http.MethodPost {
		return
	}
	if !e164.MatchString(form.Get("To")) || !e164.MatchString(form.Get("From")) {
		p.t.Errorf("to %q from %q", form.Get("To"), form.Get("From"))
	}
	if n := len([]rune(form.Get("Body"))); (n == 0) != form.Has("ContentSid") || n > 1600 {
		p.t.Errorf("a body of %d characters", n)
	}
	if variables := map[string]string{}; form.Has("ContentVariables") && json.Unmarshal([]byte(form.Get("ContentVariables")), &variables) != nil {
		p.t.Errorf("variables %s", form.Get("ContentVariables"))
	}
	if u, err := url.Parse(form.Get("StatusCallback")); err != nil || u.Host == "" {
		p.t.Errorf("status callback %q", form.Get("StatusCallback"))
	}
	if p.router == nil {
		return
	}
	route, params, err := p.router.FindRoute(r)
	if err != nil {
		p.t.Errorf("Twilio knows no %s %s: %v", r.Method, r.URL.Path, err)
		return
	}
	err = openapi3filter.ValidateRequest(context.Background(), &openapi3filter.RequestValidationInput{
		Request: r, PathParams: params, Route: route,
		Options: &openapi3filter.Options{AuthenticationFunc: openapi3filter.NoopAuthenticationFunc},
	})
	if err != nil {
		p.t.Errorf("Twilio's description refuses the call: %v", err)
	}
	for name := range form {
		if known := route.Operation.RequestBody.Value.Content["application/x-www-form-urlencoded"].Schema.Value.Properties; known[name] == nil {
			p.t.Errorf("Twilio knows no parameter %s", name)
		}
	}
}

// sid is the id of the nth message.
func sid(n int) string { return fmt.Sprintf("SM%032d", n) }

// wait returns the first n forms once they are there.
func (p *provider) wait(n int) []url.Values {
	p.t.Helper()
	late := time.After(20 * time.Second)
	for {
		p.mu.Lock()
		forms := slices.Clone(p.forms)
		p.mu.Unlock()
		if len(forms) >= n {
			return forms[:n]
		}
		select {
		case <-p.arrived:
		case <-late:
			p.t.Fatalf("%d calls came, %d were expected", len(forms), n)
		}
	}
}

// The check itself must be able to fail.
func TestTheDescriptionRefuses(t *testing.T) {
	p := newProvider(t)
	if p.router == nil {
		t.Skip("Twilio's description is not at hand: " + description)
	}
	path := "/2010-04-01/Accounts/" + accountSID + "/Messages.json"
	for _, form := range []url.Values{
		{"From": {ourSMS}, "Body": {"no To"}},
		{"To": {resident}, "From": {ourSMS}, "Body": {"x"}, "ContentSid": {"HX1"}},
	} {
		r := httptest.NewRequest(http.MethodPost, path, bytes.NewReader([]byte(form.Encode())))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		route, params, err := p.router.FindRoute(r)
		if err != nil {
			t.Fatal(err)
		}
		if openapi3filter.ValidateRequest(t.Context(), &openapi3filter.RequestValidationInput{
			Request: r, PathParams: params, Route: route,
			Options: &openapi3filter.Options{AuthenticationFunc: openapi3filter.NoopAuthenticationFunc},
		}) == nil {
			t.Errorf("%v is accepted", form)
		}
	}
}

package open311_test

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"tabe/adapters/complaints"
	"tabe/adapters/database"
	"tabe/adapters/open311"
	"tabe/adapters/scc/geo"
	"tabe/adapters/seal"
	"tabe/adapters/testserver"
	"tabe/bot"
	"tabe/bot/bottest"
	"tabe/flows/pengaduan"
)

// standards are other people's files, which are read where they lie.
var standards = filepath.Join("..", "..", "..", "shared", "standards")

var noon = time.Date(2026, 11, 25, 12, 0, 0, 0, bot.WITA)

const key = "0123456789abcdef"

// gateway is a server with real complaints behind it.
type gateway struct {
	*open311.Server
	t     testing.TB
	db    *database.DB
	gate  *complaints.Gate
	desk  *complaints.Desk
	clock *bottest.Clock
}

type noPost struct{}

func (noPost) Post(*database.Tx, bot.Message, time.Time) (bool, error) {
	return false, errors.New("nobody was to be told")
}

func newGateway(t testing.TB) *gateway {
	t.Helper()
	db := testserver.OpenDatabase(t, testserver.SQLiteURL(t))
	register, err := complaints.NewRegister(db, make([]byte, seal.KeyLength), func(s string) string { return s })
	if err != nil {
		t.Fatal(err)
	}
	g := &gateway{t: t, db: db, clock: bottest.NewClock(noon)}
	catalogue, places := pengaduan.DefaultCatalogue(), complaints.Places{Map: geo.New()}
	g.gate = complaints.NewGate(register, catalogue, places, g.clock.Now)
	g.desk = complaints.NewDesk(register, catalogue, noPost{}, nil, g.clock.Now)
	g.Server = open311.New(open311.Config{
		Complaints: g.gate, Places: places, Catalogue: catalogue, Keys: []open311.Key{{System: "lontara", Secret: key}},
		PublicURL: "https://tabe.example", Clock: g.clock.Now, Log: slog.New(slog.DiscardHandler),
	})
	return g
}

func (g *gateway) do(r *http.Request) *httptest.ResponseRecorder {
	g.clock.Advance(2 * time.Second) // the limits are another test's
	w := httptest.NewRecorder()
	g.ServeHTTP(w, r)
	return w
}

func (g *gateway) get(path string) *httptest.ResponseRecorder {
	return g.do(httptest.NewRequest(http.MethodGet, "/open311"+path, nil))
}

func (g *gateway) post(path string, form url.Values) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodPost, "/open311"+path, strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded; charset=utf-8")
	return g.do(r)
}

// file posts a complaint and returns its number.
func (g *gateway) file(change url.Values) string {
	g.t.Helper()
	form := url.Values{
		"api_key": {key}, "service_code": {"street_light"}, "lat": {"-4.4"}, "long": {"120.0"}, "description": {"Lampu mati di depan rumah Ambo Dalle"},
		"first_name": {"Ambo"}, "last_name": {"Dalle"}, "phone": {"081255500201"}, "email": {"ambo@example.org"}, "media_url": {"https://example.org/ambo.jpg"},
	}
	for name, values := range change {
		form[name] = values
	}
	w := g.post("/v2/requests.json", form)
	var got []struct {
		ID    string `json:"service_request_id"`
		Token *string
	}
	if err := json.Unmarshal(w.Body.Bytes(), &got); err != nil || w.Code != http.StatusOK || len(got) != 1 || got[0].ID == "" || got[0].Token != nil {
		g.t.Fatalf("%d %s (%v)", w.Code, w.Body, err)
	}
	return got[0].ID
}

// schema compiles one of the published schemas.
func schema(t *testing.T, name string) *jsonschema.Schema {
	t.Helper()
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	for _, part := range []string{"request", "requests", "service", "services", "service-definition"} {
		raw, err := os.ReadFile(filepath.Join(standards, "open311-"+part+".json"))
		if err != nil {
			t.Skip("SKIPPED: the schemas of Open311 are not here: ", err)
		}
		doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(raw))
		if err != nil {
			t.Fatal(err)
		}
		if err := c.AddResource("https://open311.example/"+part+".json", doc); err != nil {
			t.Fatal(err)
		}
	}
	s, err := c.Compile("https://open311.example/" + name + ".json")
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func valid(t *testing.T, name string, w *httptest.ResponseRecorder) {
	t.Helper()
	if w.Code != http.StatusOK || w.Header().Get("Content-Type") != "application/json; charset=utf-8" {
		t.Fatalf("%d %s %s", w.Code, w.Header().Get("Content-Type"), w.Body)
	}
	doc, err := jsonschema.UnmarshalJSON(w.Body)
	if err != nil {
		t.Fatal(err)
	}
	if err := schema(t, name).Validate(doc); err != nil {
		t.Errorf("%s: %v", name, err)
	}
}

func TestValidAgainstThePublishedSchemas(t *testing.T) {
	g := newGateway(t)
	first := g.file(nil)
	g.file(url.Values{"service_code": {"road"}, "lat": nil, "long": nil, "address_string": {"jalan poros"}})
	valid(t, "services", g.get("/v2/services.json"))
	valid(t, "service-definition", g.get("/v2/services/road.json"))
	valid(t, "requests", g.get("/v2/requests.json"))
	valid(t, "requests", g.get("/v2/requests/"+first+".json"))
	valid(t, "requests", g.get("/v2/request/"+first+".json"))
	if err := g.desk.Publish(t.Context(), pengaduan.Number(first), "Rina", "Lampu mati."); err != nil {
		t.Fatal(err)
	}
	valid(t, "requests", g.get("/v2/requests.json?status=open"))
	if err := schema(t, "requests").Validate([]any{map[string]any{"service_request_id": json.Number("1")}}); err == nil {
		t.Error("the schema accepts anything")
	}
}

// wellFormed reads all of an XML document and returns its root.
func wellFormed(t *testing.T, w *httptest.ResponseRecorder) string {
	t.Helper()
	if kind := w.Header().Get("Content-Type"); kind != "text/xml; charset=utf-8" || !strings.HasPrefix(w.Body.String(), "<?xml ") {
		t.Errorf("%s: %.60s", kind, w.Body)
	}
	d := xml.NewDecoder(w.Body)
	root := ""
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			return root
		}
		if err != nil {
			t.Fatal(err)
		}
		if start, ok := token.(xml.StartElement); ok {
			if start.Name.Space != "" {
				t.Errorf("%s has a namespace", start.Name.Local)
			}
			if root == "" {
				root = start.Name.Local
			}
		}
	}
}

func TestXML(t *testing.T) {
	g := newGateway(t)
	n := g.file(url.Values{"description": {"a < b & \"c\" ]]> \x01 \ufffe"}})
	if err := g.desk.Publish(t.Context(), pengaduan.Number(n), "Rina", "a < b & \"c\" ]]> \ufffe end"); err != nil {
		t.Fatal(err)
	}
	for path, root := range map[string]string{
		"/discovery.xml": "discovery", "/v2/discovery.xml": "discovery", "/v2/services.xml": "services", "/v2/services/road.xml": "service_definition",
		"/v2/requests.xml": "service_requests", "/v2/requests/" + n + ".xml": "service_requests", "/v2/request/" + n + ".xml": "service_requests",
		"/v2/requests/P-NONE.xml": "errors", "/v2/tokens/1.xml": "errors", "/v2/nothing.xml": "errors", "/v2/requests": "errors", "/v3/a/b": "errors",
		"/v2/services/corruption.xml": "errors", "/v2/services/internet.xml": "errors", "/v2/requests.xml?status=lost": "errors",
	} {
		if got := wellFormed(t, g.get(path)); got != root {
			t.Errorf("%s is a %s, not a %s", path, got, root)
		}
	}
	w := g.post("/v2/requests.xml", url.Values{"api_key": {key}, "service_code": {"road"}, "address_id": {"73.12.01.1001"}})
	if body := w.Body.String(); w.Code != http.StatusOK || wellFormed(t, w) != "service_requests" || !strings.Contains(body, "<service_request_id>W-") || strings.Contains(body, "token") {
		t.Errorf("%d %s", w.Code, body)
	}
}

func TestDiscovery(t *testing.T) {
	g := newGateway(t)
	var d struct {
		Changeset, Contact string
		KeyService         string `json:"key_service"`
		Endpoints          []struct {
			Specification, URL, Changeset, Type string
			Formats                             []string
		}
	}
	w := g.get("/discovery.json")
	if err := json.Unmarshal(w.Body.Bytes(), &d); err != nil {
		t.Fatal(err)
	}
	if len(d.Endpoints) != 1 || d.Endpoints[0].URL != "https://tabe.example/open311/v2" || d.Endpoints[0].Specification != "http://wiki.open311.org/GeoReport_v2" || len(d.Endpoints[0].Formats) != 2 || d.KeyService == "" || d.Changeset == "" || d.Contact == "" {
		t.Errorf("%+v", d)
	}
}

// TestNothingPersonalIsShown looks for everything that a person told in
// everything that is shown.
func TestNothingPersonalIsShown(t *testing.T) {
	g := newGateway(t)
	n := g.file(nil)
	for _, path := range []string{"/v2/requests.json", "/v2/requests.xml", "/v2/requests/" + n + ".json", "/v2/request/" + n + ".xml"} {
		shown := g.get(path).Body.String()
		if !strings.Contains(shown, n) {
			t.Errorf("%s does not show %s: %s", path, n, shown)
		}
		for _, personal := range []string{"Ambo", "Dalle", "rumah", "81255500201", "ambo@", "ambo.jpg", "-4.4,", ">-4.4<", "lontara"} {
			if strings.Contains(shown, personal) {
				t.Errorf("%s shows %q: %s", path, personal, shown)
			}
		}
	}
	if err := g.desk.Publish(t.Context(), pengaduan.Number(n), "Rina", "Lampu mati."); err != nil {
		t.Fatal(err)
	}
	if shown := g.get("/v2/requests.json").Body.String(); !strings.Contains(shown, "Lampu mati.") {
		t.Errorf("what was published is not shown: %s", shown)
	}
	if c, err := g.desk.Get(t.Context(), pengaduan.Number(n), "Rina"); err != nil || c.Name != "Ambo Dalle" || !strings.Contains(c.Text, "Ambo") || c.Place.Location == nil {
		t.Errorf("the operator lacks something: %+v, %v", c, err)
	}
}

// failure is one element of an error document.
type failure struct {
	Code        int
	Description string
}

func failures(t *testing.T, w *httptest.ResponseRecorder) []failure {
	t.Helper()
	var list []failure
	if err := json.Unmarshal(w.Body.Bytes(), &list); err != nil || len(list) == 0 || list[0].Code != w.Code || list[0].Description == "" {
		t.Errorf("no array of errors: %d %s (%v)", w.Code, w.Body, err)
	}
	return list
}

func TestWhatIsRefused(t *testing.T) {
	g := newGateway(t)
	good := url.Values{"api_key": {key}, "service_code": {"road"}, "address_string": {"jalan poros"}}
	for what, c := range map[string]struct {
		change url.Values
		code   int
	}{
		"no key":             {url.Values{"api_key": nil}, 400},
		"a bad key":          {url.Values{"api_key": {key + "x"}}, 403},
		"no service":         {url.Values{"service_code": nil}, 400},
		"an unknown service": {url.Values{"service_code": {"rocket"}}, 404},
		"a secret service":   {url.Values{"service_code": {"corruption"}}, 404},
		"no place":           {url.Values{"address_string": nil}, 400},
		"half a place":       {url.Values{"lat": {"-4.4"}}, 400},
		"no numbers":         {url.Values{"lat": {"x"}, "long": {"y"}}, 400},
		"nowhere":            {url.Values{"lat": {"NaN"}, "long": {"Inf"}}, 400},
		"Makassar":           {url.Values{"lat": {"-5.14"}, "long": {"119.43"}}, 400},
		"no such desa":       {url.Values{"address_id": {"73.71.01"}}, 400},
		"a long description": {url.Values{"description": {strings.Repeat("é", 4001)}}, 400},
		"a long name":        {url.Values{"first_name": {strings.Repeat("a", 101)}}, 400},
		"a bad phone":        {url.Values{"phone": {"112"}}, 400},
		"a bad mail":         {url.Values{"email": {"Ambo <a@b.c>"}}, 400},
		"a script":           {url.Values{"media_url": {"javascript:alert(1)"}}, 400},
		"a file":             {url.Values{"media_url": {"file:///etc/passwd"}}, 400},
		"another regency":    {url.Values{"jurisdiction_id": {"makassar"}}, 404},
	} {
		form := url.Values{}
		for name, values := range good {
			form[name] = values
		}
		for name, values := range c.change {
			form[name] = values
		}
		if w := g.post("/v2/requests.json", form); w.Code != c.code {
			t.Errorf("%s: %d %s", what, w.Code, w.Body)
		} else {
			failures(t, w)
		}
	}
	for what, r := range map[string]*http.Request{
		"JSON":   httptest.NewRequest(http.MethodPost, "/open311/v2/requests.json", strings.NewReader(`{"service_code":"road"}`)),
		"a lot":  httptest.NewRequest(http.MethodPost, "/open311/v2/requests.json", strings.NewReader("description="+strings.Repeat("a", 70<<10))),
		"broken": httptest.NewRequest(http.MethodPost, "/open311/v2/requests.json", strings.NewReader("a=%zz")),
	} {
		if what != "JSON" {
			r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		}
		if w := g.do(r); w.Code != http.StatusBadRequest {
			t.Errorf("%s: %d %s", what, w.Code, w.Body)
		}
	}
	for path, code := range map[string]int{
		"/v2/requests.json?start_date=yesterday":                                                 400,
		"/v2/requests.json?end_date=2026-13-01T00:00:00Z":                                        400,
		"/v2/requests.json?start_date=2026-01-01T00:00:00Z&end_date=2026-06-01T00:00:00Z":        400,
		"/v2/requests.json?start_date=2026-06-01T00:00:00Z&end_date=2026-05-01T00:00:00Z":        400,
		"/v2/requests.json?service_code=rocket":                                                  404,
		"/v2/requests.json?service_request_id=1,2":                                               404,
		"/v2/requests.json?service_request_id=" + strings.Repeat("1,", 100):                      400,
		"/v2/requests.json?status=gone":                                                          400,
		"/v2/requests.json?jurisdiction_id=elsewhere":                                            404,
		"/v2/requests/..%2f..%2fetc%2fpasswd.json":                                               404,
		"/v2/requests/" + strings.Repeat("P", 3000) + ".json":                                    404,
		"/v2/requests.json?service_code=road%27%20or%201=1":                                      404,
		"/v2/requests.json?start_date=2026-11-01T00:00:00Z&end_date=2026-11-30T00:00:00%2B08:00": 200,
		"/v2/requests.json?service_code=road,street_light&status=open,closed":                    200,
		"/v2/requests.json?start_date=2026-11-01T00:00:00Z":                                      200,
		"/v2/requests.json?end_date=2026-11-01T00:00:00Z":                                        200,
	} {
		if w := g.get(path); w.Code != code {
			t.Errorf("%s: %d %.200s", path, w.Code, w.Body)
		}
	}
	r := httptest.NewRequest(http.MethodDelete, "/open311/v2/requests.json", nil)
	if w := g.do(r); w.Code != http.StatusMethodNotAllowed {
		t.Errorf("DELETE: %d", w.Code)
	}
}

func TestFilters(t *testing.T) {
	g := newGateway(t)
	a := g.file(nil)
	b := g.file(url.Values{"service_code": {"road"}})
	g.clock.Advance(100 * 24 * time.Hour)
	c := g.file(url.Values{"service_code": {"road"}})
	if err := g.desk.Close(t.Context(), pengaduan.Number(c), "Rina", ""); err != nil {
		t.Fatal(err)
	}
	past := "start_date=" + url.QueryEscape(noon.Add(-time.Hour).Format(time.RFC3339)) + "&end_date=" + url.QueryEscape(noon.Add(time.Hour).Format(time.RFC3339))
	for query, want := range map[string][]string{
		"": {c}, "status=closed": {c}, "status=open": nil, "status=open,closed": {c},
		past: {a, b}, past + "&service_code=road": {b}, past + "&status=closed": nil,
		"service_request_id=" + a + "," + c: {a, c}, "service_request_id=" + strings.ToLower(a) + "&status=closed": {a},
	} {
		w := g.get("/v2/requests.json?" + query)
		var got []struct {
			ID     string `json:"service_request_id"`
			Status string
		}
		if err := json.Unmarshal(w.Body.Bytes(), &got); err != nil {
			t.Fatal(err, w.Body)
		}
		found := map[string]bool{}
		for _, r := range got {
			found[r.ID] = true
			if r.Status != map[bool]string{true: "closed", false: "open"}[r.ID == c] {
				t.Errorf("%s is %s", r.ID, r.Status)
			}
		}
		for _, id := range want {
			if !found[id] || len(found) != len(want) {
				t.Errorf("%q: %v, not %v", query, found, want)
			}
		}
		if len(want) == 0 && len(got) > 0 {
			t.Errorf("%q: %v", query, got)
		}
	}
}

func TestLimits(t *testing.T) {
	g := newGateway(t)
	refused := 0
	for range 100 {
		w := httptest.NewRecorder() // the clock stands still
		g.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/open311/v2/services.json", nil))
		if w.Code == http.StatusTooManyRequests {
			refused++
			if w.Header().Get("Retry-After") == "" {
				t.Fatal("not said when to come back")
			}
		}
	}
	if refused != 60 {
		t.Errorf("%d of 100 requests at once are refused", refused)
	}
	other := httptest.NewRequest(http.MethodGet, "/open311/v2/services.json", nil)
	other.RemoteAddr = "198.51.100.7:1"
	w := httptest.NewRecorder()
	if g.ServeHTTP(w, other); w.Code != http.StatusOK {
		t.Errorf("somebody else is refused too: %d", w.Code)
	}
	g.clock.Advance(10 * time.Second)
	if w := g.get("/v2/services.json"); w.Code != http.StatusOK {
		t.Errorf("for ever: %d", w.Code)
	}
	filed := 0
	form := url.Values{"api_key": {key}, "service_code": {"road"}, "address_string": {"jalan poros"}}
	for range 50 {
		r := httptest.NewRequest(http.MethodPost, "/open311/v2/requests.json", strings.NewReader(form.Encode()))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		w := httptest.NewRecorder()
		if g.ServeHTTP(w, r); w.Code == http.StatusOK {
			filed++
		}
	}
	if filed != 30 {
		t.Errorf("%d of 50 complaints at once are taken", filed)
	}
}

func TestLimitsBehindAProxy(t *testing.T) {
	g := newGateway(t)
	count := func(remote, forwarded string) (served int) {
		for range 50 {
			r := httptest.NewRequest(http.MethodGet, "/open311/v2/services.json", nil)
			r.RemoteAddr = remote
			r.Header.Set("X-Forwarded-For", forwarded)
			w := httptest.NewRecorder()
			if g.ServeHTTP(w, r); w.Code == http.StatusOK {
				served++
			}
		}
		return served
	}
	for _, c := range []struct {
		remote, forwarded string
		served            int
	}{
		{"127.0.0.1:5", "203.0.113.1", 40}, {"127.0.0.1:5", "203.0.113.2", 40},
		{"127.0.0.1:5", "203.0.113.9, 203.0.113.2", 0}, // the last one is what our proxy saw
		{"127.0.0.1:5", "nonsense", 40}, {"[::1]:5", "203.0.113.3", 40},
		{"198.51.100.7:5", "203.0.113.4", 40}, {"198.51.100.7:5", "203.0.113.5", 0}, // anybody can write a header
	} {
		if got := count(c.remote, c.forwarded); got != c.served {
			t.Errorf("%s for %q: %d of 50 are served, not %d", c.remote, c.forwarded, got, c.served)
		}
	}
}

func TestADatabaseThatIsDown(t *testing.T) {
	g := newGateway(t)
	if err := g.db.Do(t.Context(), func(tx *database.Tx) error {
		_, err := tx.Exec(`alter table complaints rename to complaints_away`)
		return err
	}); err != nil {
		t.Fatal(err)
	}
	w := g.get("/v2/requests.json")
	if w.Code != http.StatusServiceUnavailable || strings.Contains(w.Body.String(), "complaints") {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	failures(t, w)
}

func TestNobodyFilesWithoutKeys(t *testing.T) {
	g := newGateway(t)
	g.Keys = nil
	if w := g.post("/v2/requests.json", url.Values{"api_key": {key}, "service_code": {"road"}, "address_string": {"x"}}); w.Code != http.StatusForbidden {
		t.Errorf("%d", w.Code)
	}
}

func TestParseKeys(t *testing.T) {
	keys, err := open311.ParseKeys(" lontara:0123456789abcdef , lapor:fedcba9876543210,")
	if err != nil || len(keys) != 2 || keys[1] != (open311.Key{System: "lapor", Secret: "fedcba9876543210"}) {
		t.Errorf("%+v, %v", keys, err)
	}
	for _, bad := range []string{"lontara", "lontara:short", ":0123456789abcdef"} {
		if _, err := open311.ParseKeys(bad); err == nil || strings.Contains(fmt.Sprint(err), "0123456789abcdef") {
			t.Errorf("%q: %v", bad, err)
		}
	}
	if keys, err := open311.ParseKeys(""); err != nil || keys != nil {
		t.Errorf("%v, %v", keys, err)
	}
}

func FuzzForm(f *testing.F) {
	f.Add("service_code=road&lat=-4.4&long=120")
	f.Add("service_code=road&address_string=%ff%00&attribute[desa]=x")
	g := newGateway(f)
	f.Fuzz(func(t *testing.T, body string) {
		r := httptest.NewRequest(http.MethodPost, "/open311/v2/requests.xml?api_key="+key, strings.NewReader(body))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		w := g.do(r)
		if w.Code >= 500 {
			t.Errorf("%d %s", w.Code, w.Body)
		}
	})
}

package telegram

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
	"unicode/utf16"
)

// description is a machine-readable copy of the Bot API's documentation, which
// is not part of this repository.
const description = "../../../shared/peers/specs/telegram_bot_api.json"

// botAPI describes the Bot API: which methods there are, and which fields of
// which types they take.
type botAPI struct {
	Methods map[string]struct{ Fields []field }
	Types   map[string]struct {
		Fields   []field
		Subtypes []string
	}
}

type field struct {
	Name     string
	Types    []string
	Required bool
}

func readDescription() (*botAPI, error) {
	raw, err := os.ReadFile(description)
	if err != nil {
		return nil, err
	}
	var api botAPI
	return &api, json.Unmarshal(raw, &api)
}

// faults returns what is wrong with a call whose parameters came as a form.
func (a *botAPI) faults(method string, form url.Values) []string {
	m, known := a.Methods[method]
	if !known {
		return []string{"there is no method " + method}
	}
	object := map[string]any{}
	for name, values := range form {
		object[name] = values[0]
		for _, f := range m.Fields {
			if f.Name == name && !slices.Contains(f.Types, "String") {
				// All but strings travel as JSON.
				var v any
				if json.Unmarshal([]byte(values[0]), &v) == nil {
					object[name] = v
				}
			}
		}
	}
	faults := a.object(method, m.Fields, object)
	if text, _ := object["text"].(string); len(utf16.Encode([]rune(text))) > 4096 {
		faults = append(faults, method+".text is too long")
	}
	return faults
}

func (a *botAPI) object(path string, fields []field, object map[string]any) []string {
	var faults []string
	known := map[string]bool{}
	for _, f := range fields {
		known[f.Name] = true
		value, there := object[f.Name]
		if !there {
			if f.Required {
				faults = append(faults, path+"."+f.Name+" is missing")
			}
			continue
		}
		faults = append(faults, a.any(path+"."+f.Name, f.Types, value)...)
		if data, isText := value.(string); f.Name == "callback_data" && isText && (len(data) < 1 || len(data) > 64) {
			faults = append(faults, fmt.Sprintf("%s.%s has %d bytes", path, f.Name, len(data)))
		}
	}
	for name := range object {
		if !known[name] {
			faults = append(faults, path+"."+name+" is unknown")
		}
	}
	return faults
}

// any returns nothing if value is of one of the types.
func (a *botAPI) any(path string, types []string, value any) []string {
	var faults []string
	for _, name := range types {
		found := a.one(path, name, value)
		if len(found) == 0 {
			return nil
		}
		faults = append(faults, found...)
	}
	return faults
}

func (a *botAPI) one(path, name string, value any) []string {
	ok := false
	switch element, isArray := strings.CutPrefix(name, "Array of "); {
	case isArray:
		var faults []string
		list, isList := value.([]any)
		for i, v := range list {
			faults = append(faults, a.one(fmt.Sprint(path, "[", i, "]"), element, v)...)
		}
		if isList {
			return faults
		}
	case name == "String":
		_, ok = value.(string)
	case name == "Boolean":
		_, ok = value.(bool)
	case name == "Integer":
		n, isNumber := value.(float64)
		ok = isNumber && n == float64(int64(n))
	case name == "Float":
		_, ok = value.(float64)
	default:
		t, known := a.Types[name]
		if known && len(t.Subtypes) > 0 {
			return a.any(path, t.Subtypes, value)
		}
		if object, isObject := value.(map[string]any); known && isObject {
			return a.object(path, t.Fields, object)
		}
	}
	if ok {
		return nil
	}
	return []string{fmt.Sprintf("%s is no %s: %v", path, name, value)}
}

// provider stands for api.telegram.org. It hands out updates as Telegram does,
// again and again until they are confirmed, and holds each call against the
// description of the Bot API, where that is at hand.
type provider struct {
	*httptest.Server
	t   *testing.T
	api *botAPI // nil without the description

	mu      sync.Mutex
	respond func(w http.ResponseWriter, c call) bool
	calls   []call
	files   map[string]http.HandlerFunc // what answers for a path of getFile
	updates []json.RawMessage           // not yet confirmed
	news    chan struct{}               // closed and replaced when something changes
}

type call struct {
	method string
	form   url.Values
}

func newProvider(t *testing.T) *provider {
	t.Helper()
	p := &provider{t: t, news: make(chan struct{})}
	var err error
	if p.api, err = readDescription(); err != nil {
		p.api = nil
		t.Logf("calls are NOT checked against the description of the Bot API: %v", err)
	}
	p.Server = httptest.NewServer(http.HandlerFunc(p.serve))
	t.Cleanup(p.Close)
	return p
}

func (p *provider) serve(w http.ResponseWriter, r *http.Request) {
	if path, isFile := strings.CutPrefix(r.URL.Path, "/file/bot"+token+"/"); isFile {
		p.mu.Lock()
		file := p.files[path]
		p.mu.Unlock()
		if file == nil {
			file = http.NotFound
		}
		file(w, r)
		return
	}
	raw, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	form, err := url.ParseQuery(string(raw))
	if err != nil {
		p.t.Errorf("no form: %v", err)
	}
	method, ours := strings.CutPrefix(r.URL.Path, "/bot"+token+"/")
	if !ours {
		p.t.Errorf("called %s", r.URL.Path)
	}
	if p.api != nil {
		for _, fault := range p.api.faults(method, form) {
			p.t.Error(fault)
		}
	}
	c := call{method, form}
	p.mu.Lock()
	p.calls = append(p.calls, c)
	respond := p.respond
	n := len(p.calls)
	p.changed()
	p.mu.Unlock()
	w.Header().Set("Content-Type", "application/json")
	switch {
	case respond != nil && respond(w, c):
	case method == "getUpdates":
		_ = json.NewEncoder(w).Encode(map[string]any{"ok": true, "result": p.wait(r, form)})
	case method == "sendMessage":
		// With fields that came after the library, and of types it does not expect.
		fmt.Fprintf(w, `{"ok": true, "result": {"message_id": %d, "date": "soon", "chat": {"id": %s, "type": "private"}}}`, n, form.Get("chat_id"))
	case method == "getFile":
		id := form.Get("file_id")
		fmt.Fprintf(w, `{"ok": true, "result": {"file_id": %q, "file_unique_id": "u", "file_path": %q}}`, id, id)
	case method == "getMe":
		fmt.Fprint(w, `{"ok": true, "result": {"id": 123456, "is_bot": true, "first_name": "Tabe'"}}`)
	default:
		fmt.Fprint(w, `{"ok": true, "result": true}`)
	}
}

// wait returns the updates from an offset on, as soon as there is one.
func (p *provider) wait(r *http.Request, form url.Values) []json.RawMessage {
	offset, _ := strconv.Atoi(form.Get("offset"))
	limit, _ := strconv.Atoi(form.Get("limit"))
	seconds, _ := strconv.Atoi(form.Get("timeout"))
	over := time.After(time.Duration(seconds) * time.Second)
	for {
		p.mu.Lock()
		for i := len(p.updates) - 1; i >= 0; i-- {
			if u, _ := parseUpdate(p.updates[i]); u.UpdateID != 0 && u.UpdateID < offset {
				p.updates = p.updates[i+1:] // confirmed, and all before it
				break
			}
		}
		list := slices.Clone(p.updates[:min(limit, len(p.updates))])
		news := p.news
		p.mu.Unlock()
		if len(list) > 0 {
			return list
		}
		select {
		case <-news:
		case <-over:
			return []json.RawMessage{}
		case <-r.Context().Done():
			return nil
		}
	}
}

// changed wakes everybody who waits; p.mu is held.
func (p *provider) changed() {
	close(p.news)
	p.news = make(chan struct{})
}

// push adds updates for polling.
func (p *provider) push(updates ...string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, u := range updates {
		p.updates = append(p.updates, json.RawMessage(u))
	}
	p.changed()
}

// answer lets f see each call before it is answered well; f returns true if it
// has answered.
func (p *provider) answer(f func(w http.ResponseWriter, c call) bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.respond = f
}

// until waits for ok to hold, which it tries whenever a call came.
func (p *provider) until(what string, ok func(calls []call, unconfirmed int) bool) {
	p.t.Helper()
	late := time.After(20 * time.Second)
	for {
		p.mu.Lock()
		calls, unconfirmed, news := slices.Clone(p.calls), len(p.updates), p.news
		p.mu.Unlock()
		if ok(calls, unconfirmed) {
			return
		}
		select {
		case <-news:
		case <-time.After(20 * time.Millisecond): // what is waited for may follow the call
		case <-late:
			p.t.Fatalf("never: %s", what)
		}
	}
}

// of returns the forms of the first n calls of a method once they are there.
func (p *provider) of(method string, n int) []url.Values {
	p.t.Helper()
	var forms []url.Values
	p.until(fmt.Sprint(n, " calls of ", method), func(calls []call, _ int) bool {
		forms = forms[:0]
		for _, c := range calls {
			if c.method == method {
				forms = append(forms, c.form)
			}
		}
		return len(forms) >= n
	})
	return forms[:n]
}

// The check itself must be able to fail.
func TestTheDescriptionRefuses(t *testing.T) {
	api, err := readDescription()
	if err != nil {
		t.Skip("the description of the Bot API is not at hand: ", err)
	}
	for _, c := range []struct {
		method string
		form   url.Values
		fault  string
	}{
		{"sendMessag", nil, "no method"},
		{"sendMessage", url.Values{"chat_id": {"1"}}, "text is missing"},
		{"sendMessage", url.Values{"chat_id": {"1"}, "text": {"x"}, "parse": {"HTML"}}, "parse is unknown"},
		{"sendMessage", url.Values{"chat_id": {"1"}, "text": {strings.Repeat("x", 4097)}}, "too long"},
		{"sendMessage", url.Values{"chat_id": {"1"}, "text": {"x"}, "reply_markup": {`{"inline_keyboard":[[{"text":5}]]}`}}, "is no String"},
		{"sendMessage", url.Values{"chat_id": {"1"}, "text": {"x"}, "reply_markup": {`{"inline_keyboard":[[{"text":"x","callback_data":""}]]}`}}, "0 bytes"},
		{"getUpdates", url.Values{"timeout": {"soon"}}, "is no Integer"},
	} {
		if faults := api.faults(c.method, c.form); !strings.Contains(strings.Join(faults, "; "), c.fault) {
			t.Errorf("%s %v: %q", c.method, c.form, faults)
		}
	}
	if faults := api.faults("sendMessage", url.Values{"chat_id": {"1"}, "text": {"x"}}); len(faults) > 0 {
		t.Error(faults)
	}
}

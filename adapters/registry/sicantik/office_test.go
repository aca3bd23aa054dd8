package sicantik_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
)

const key = "kunci-rahasia"

// entry is an application at the office: its number, day, kind and steps, each
// "name=status".
type entry struct {
	number, day, kind string
	steps             []string
}

// office is SiCantik: it tells everybody the birthday of every applicant.
type office struct {
	*httptest.Server
	t *testing.T

	mu      sync.Mutex
	entries []entry
	faults  map[string]bool
	asked   []string
	respond http.HandlerFunc
}

func newOffice(t *testing.T, entries ...entry) *office {
	t.Helper()
	o := &office{t: t, entries: entries, faults: map[string]bool{}}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /api/TemplateData/keluaran/10916.json", o.track)
	mux.HandleFunc("GET /api/TemplateData/keluaran/27646.json", o.list)
	o.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		o.mu.Lock()
		respond := o.respond
		o.mu.Unlock()
		if r.Header.Get("Authorization") != "Bearer "+key {
			t.Error("asked without the key of the gateway")
		}
		if respond != nil {
			respond(w, r)
			return
		}
		mux.ServeHTTP(w, r)
	}))
	t.Cleanup(o.Close)
	return o
}

// fault switches faults on:
//
//	string    the JSON is a string of JSON
//	inner     the list is a string of JSON
//	null      an empty list is null
//	nothing   where there is nothing, "data" is an empty list
//	reversed  the newest step comes first
//	warning   a warning of PHP stands before the JSON
//	500       the status is 500
//	anonymous the steps bear no number
//	numbers   what can be a number is one
func (o *office) fault(names ...string) {
	for _, name := range names {
		o.faults[name] = true
	}
}

func (o *office) down(respond http.HandlerFunc) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.respond = respond
}

func (o *office) change(f func(entries []entry)) {
	o.mu.Lock()
	defer o.mu.Unlock()
	f(o.entries)
}

func (o *office) questions() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	asked := o.asked
	o.asked = nil
	slices.Sort(asked)
	return strings.Join(asked, ", ")
}

func (o *office) track(w http.ResponseWriter, r *http.Request) {
	o.mu.Lock()
	defer o.mu.Unlock()
	number := r.URL.Query().Get("no_permohonan")
	o.asked = append(o.asked, number)
	rows := []map[string]any{}
	for _, e := range o.entries {
		if e.number != number {
			continue
		}
		for i, s := range e.steps {
			name, status, _ := strings.Cut(s, "=")
			row := map[string]any{
				"no_permohonan": e.number, "nama": "CONTOH RAHASIA", "tempat_lahir": "TAKALALA", "tanggal_lahir": "1990-01-02T00:00:00.000Z",
				"jenis_izin": e.kind, "nama_proses": name, "status": status,
			}
			if o.faults["anonymous"] {
				delete(row, "no_permohonan")
			}
			if o.faults["numbers"] {
				row["urutan"], row["jenis_kelamin"] = i, nil
			}
			rows = append(rows, row)
		}
	}
	if o.faults["reversed"] {
		slices.Reverse(rows)
	}
	o.say(w, "berkas", rows)
}

func (o *office) list(w http.ResponseWriter, r *http.Request) {
	o.mu.Lock()
	defer o.mu.Unlock()
	from, to := r.URL.Query().Get("key1"), r.URL.Query().Get("key2")
	o.asked = append(o.asked, from)
	if from != to || len(from) != 12 || from[0] != '\'' {
		o.t.Errorf("asked from %s to %s", from, to)
	}
	rows := []map[string]any{}
	for _, e := range o.entries {
		if e.day == strings.Trim(from, "'") {
			rows = append(rows, map[string]any{
				"no_permohonan": e.number, "jenis_izin": e.kind, "tgl_pengajuan": e.day + "T00:00:00", "nama": "CONTOH RAHASIA", "no_hp": "0811-0000-0499",
			})
		}
	}
	o.say(w, "data", rows)
}

func (o *office) say(w http.ResponseWriter, name string, rows []map[string]any) {
	var list any = rows
	if len(rows) == 0 && o.faults["null"] {
		list = nil
	}
	if o.faults["inner"] {
		list = string(o.json(list))
	}
	body := o.json(map[string]any{"data": map[string]any{name: list, "count": []map[string]any{{"data": len(rows)}}}})
	if len(rows) == 0 && o.faults["nothing"] {
		body = []byte(`{"data":[]}`)
	}
	if o.faults["string"] {
		body = o.json(string(body))
	}
	if o.faults["500"] {
		w.WriteHeader(http.StatusInternalServerError)
	}
	if o.faults["warning"] && !o.faults["string"] {
		fmt.Fprint(w, "<br />\n<b>Warning</b>: array_merge() in {closure} <br />\n")
	}
	_, _ = w.Write(body)
}

func (o *office) json(v any) []byte {
	raw, err := json.Marshal(v)
	if err != nil {
		o.t.Error(err)
	}
	return raw
}

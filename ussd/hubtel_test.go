package ussd_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"tabe/ussd"
)

// hubtel is a phone behind a gateway of that dialect.
type hubtel struct {
	t       *testing.T
	url     string
	session string
	step    int
}

func (h *hubtel) send(kind, text string) (int, string, string) {
	h.t.Helper()
	h.step++
	return h.post(fmt.Sprintf(`{"Type":%q,"Mobile":"6281100000401","SessionId":%q,"ServiceCode":"384","Message":%q,"Operator":"tsel","Sequence":%d,"ClientState":""}`,
		kind, h.session, text, h.step))
}

func (h *hubtel) post(body string) (int, string, string) {
	h.t.Helper()
	r, err := http.NewRequestWithContext(h.t.Context(), http.MethodPost, h.url, strings.NewReader(body))
	if err != nil {
		h.t.Fatal(err)
	}
	r.Header.Set("X-Tabe-Secret", "s")
	got, err := http.DefaultClient.Do(r)
	if err != nil {
		h.t.Fatal(err)
	}
	defer got.Body.Close()
	var answer struct{ Type, Message string }
	if got.StatusCode == http.StatusOK {
		if err := json.NewDecoder(got.Body).Decode(&answer); err != nil {
			h.t.Fatal(err)
		}
	}
	return got.StatusCode, answer.Type, answer.Message
}

func TestHubtel(t *testing.T) {
	heard := make(chan string, 100)
	h := &hubtel{t: t, session: "s1", url: serve(t, time.Now, desk{heard: heard}, ussd.Config{Dialect: ussd.Hubtel{}, Secret: "s"}).URL}
	expect := func(kind, text, wantKind, want string) {
		t.Helper()
		if code, gotKind, got := h.send(kind, text); code != 200 || gotKind != wantKind || !strings.HasPrefix(got, want) {
			t.Errorf("%s %q: %d %s %q", kind, text, code, gotKind, got)
		}
	}
	expect("Initiation", "*384#", "response", "Layanan Soppeng")
	expect("Response", "1", "response", "Berapa NOP-nya?")
	expect("Response", "731203200200190010", "response", "NOP 731203200200190010")
	h.step-- // the gateway asks again: the same screen, and nothing is done twice
	before := len(heard)
	expect("Response", "731203200200190010", "response", "NOP 731203200200190010")
	if len(heard) != before {
		t.Error("a repeated request was handled twice")
	}
	expect("Release", "", "release", "")
	h.session, h.step = "s2", 0
	expect("initiation", "*384#", "response", "NOP 731203200200190010") // where the line dropped
	for name, body := range map[string]string{
		"no JSON":     `sessionId=1`,
		"no type":     `{"Mobile":"6281100000401","SessionId":"s","Message":"1","Sequence":1}`,
		"no number":   `{"Type":"Response","Mobile":"6281100000401","SessionId":"s","Message":"1","Sequence":"x"}`,
		"no phone":    `{"Type":"Response","Mobile":"abc","SessionId":"s","Message":"1","Sequence":1}`,
		"no session":  `{"Type":"Response","Mobile":"6281100000401","Message":"1","Sequence":1}`,
		"a long text": `{"Type":"Response","Mobile":"6281100000401","SessionId":"s","Message":"` + strings.Repeat("1", 5000) + `","Sequence":1}`,
		"17 kB":       `{"Type":"Response","Mobile":"6281100000401","SessionId":"s","Message":"` + strings.Repeat("1", 17<<10) + `","Sequence":1}`,
	} {
		if code, _, _ := h.post(body); code != http.StatusBadRequest {
			t.Errorf("%s: %d", name, code)
		}
	}
}

package twilio

import (
	"context"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"tabe/bot"
)

const post119 = "+6248423501" // a landline

// talk answers keys as the engine does.
type talk struct {
	got   []bot.Message
	texts []bot.Text
	err   error
}

func (c *talk) Converse(_ context.Context, m bot.Message) ([]bot.Text, error) {
	c.got = append(c.got, m)
	return c.texts, c.err
}

// response is what Twilio reads of an answer of ours.
type response struct {
	Gather *struct {
		Digits string `xml:"numDigits,attr"`
		Action string `xml:"action,attr"`
		Say    string
	}
	Say string
}

func TestACall(t *testing.T) {
	forms := make(chan url.Values, 1)
	provider := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/2010-04-01/Accounts/"+accountSID+"/Calls.json" || r.ParseForm() != nil {
			t.Errorf("%s %s", r.Method, r.URL.Path)
		}
		forms <- r.PostForm
		w.WriteHeader(http.StatusCreated)
		fmt.Fprint(w, `{"sid":"CA00000000000000000000000000000001","status":"queued"}`)
	}))
	defer provider.Close()
	a := newAccount(t, func(c *Config) { c.APIURL, c.VoiceFrom, c.SMSFrom, c.WhatsAppFrom = provider.URL, ourSMS, "", "" })
	channels := a.Channels()
	if len(channels) != 1 || channels[0].ID() != Voice {
		t.Fatalf("%v", channels)
	}
	id, err := channels[0].Send(t.Context(), bot.Outbound{Peer: post119, Text: bot.Text{Body: `Ada kebakaran di "Kaca" & <Bulue>. Tekan 1.`, Options: []bot.Option{{Key: "1", Value: "accept", Label: "Terima"}}}})
	if err != nil || id != "CA00000000000000000000000000000001" {
		t.Fatal(id, err)
	}
	form := <-forms
	var said response
	if err := xml.Unmarshal([]byte(form.Get("Twiml")), &said); err != nil {
		t.Fatal(err)
	}
	if said.Gather == nil || said.Gather.Digits != "1" || said.Gather.Say != `Ada kebakaran di "Kaca" & <Bulue>. Tekan 1.` || said.Gather.Action != publicURL+KeyPath+"?n=0" {
		t.Errorf("%s", form.Get("Twiml"))
	}
	if form.Get("To") != post119 || form.Get("From") != ourSMS || form.Get("StatusCallback") != publicURL+CallStatusPath || !strings.Contains(form.Get("Twiml"), `language="id-ID"`) {
		t.Errorf("%v", form)
	}
}

const again = "Tekan sekali lagi."

func key(digit string, change url.Values) url.Values {
	form := url.Values{"AccountSid": {accountSID}, "CallSid": {"CA1"}, "From": {ourSMS}, "To": {post119}, "Direction": {"outbound-api"}, "Digits": {digit}, "CallStatus": {"in-progress"}}
	for name, values := range change {
		form[name] = values
	}
	return form
}

// read returns what is said to a key.
func read(t *testing.T, w *httptest.ResponseRecorder) (said response) {
	t.Helper()
	if err := xml.Unmarshal(w.Body.Bytes(), &said); err != nil || w.Code != http.StatusOK {
		t.Errorf("%d %s (%v)", w.Code, w.Body, err)
	}
	return said
}

func TestKeys(t *testing.T) {
	c := &talk{texts: []bot.Text{{Body: "Laporan X diterima.", Options: []bot.Option{{Key: "0", Value: bot.MenuValue, Label: "Menu"}}}}}
	r := &receipts{}
	h := newAccount(t).VoiceHandler(c, r, again)
	if said := read(t, deliver(h, KeyPath+"?n=0", key("1", nil))); said.Gather != nil || said.Say != "Laporan X diterima." {
		t.Errorf("%+v", said)
	}
	if m := c.got[0]; m.ID != "CA1-0" || m.Dialogue != "CA1" || m.Channel != Keys || m.Peer != post119 || m.Subject != "tel:"+post119 || m.Text != "1" {
		t.Errorf("%+v", m)
	}
	if len(r.got) != 1 || r.got[0] != "voice CA1 delivered" {
		t.Errorf("%v", r.got)
	}
	c.texts = []bot.Text{{Body: "Laporan yang mana?", Options: []bot.Option{{Key: "1", Value: "a", Label: "Kaca <&>"}, {Key: "2", Value: "b", Label: "Bulue"}}}}
	if said := read(t, deliver(h, KeyPath+"?n=0", key("1", nil))); said.Gather == nil || said.Gather.Say != "Laporan yang mana? 1. Kaca <&>. 2. Bulue." || said.Gather.Action != publicURL+KeyPath+"?n=1" {
		t.Errorf("%+v", said)
	}
	if said := read(t, deliver(h, KeyPath+"?n=9", key("1", nil))); said.Gather != nil {
		t.Error("a call without an end")
	}
}

// Whoever could not be answered is asked once more, for the same message.
func TestKeysAreAskedForAgain(t *testing.T) {
	c := &talk{err: errors.New("down")}
	h := newAccount(t).VoiceHandler(c, &receipts{fail: errors.New("down")}, again)
	for range 2 {
		if said := read(t, deliver(h, KeyPath+"?n=3", key("1", nil))); said.Gather == nil || said.Gather.Say != again || said.Gather.Action != publicURL+KeyPath+"?n=3" {
			t.Errorf("%+v", said)
		}
	}
	if c.got[0].ID != c.got[1].ID {
		t.Errorf("%v", c.got)
	}
}

func TestForgedAndForeignKeys(t *testing.T) {
	c, r := &talk{}, &receipts{}
	h := newAccount(t).VoiceHandler(c, r, again)
	for _, bad := range []url.Values{
		{"CallSid": {""}}, {"To": {"110"}}, {"To": {""}}, {"Digits": {"12"}}, {"Digits": {"a"}}, {"Digits": {strings.Repeat("1", 9000)}},
		{"Direction": {"inbound"}}, {"Direction": {""}}, // whoever calls us proves no number
	} {
		if w := deliver(h, KeyPath+"?n=0", key("1", bad)); w.Code != http.StatusBadRequest {
			t.Errorf("%v: %d", bad, w.Code)
		}
	}
	for _, n := range []string{"", "?n=x", "?n=10", "?n=-1"} {
		if w := deliver(h, KeyPath+n, key("1", nil)); w.Code != http.StatusBadRequest {
			t.Errorf("%q: %d", n, w.Code)
		}
	}
	if w := deliver(h, KeyPath+"?n=0", key("1", url.Values{"AccountSid": {"ACother"}})); w.Code != http.StatusForbidden {
		t.Errorf("another account: %d", w.Code)
	}
	for _, path := range []string{KeyPath + "?n=0", CallStatusPath} {
		for _, signature := range []string{"", "forged", sign(token, publicURL+KeyPath+"?n=1", key("1", nil))} {
			if w := post(h, path, formType, key("1", url.Values{"CallStatus": {"busy"}}).Encode(), signature); w.Code != http.StatusForbidden {
				t.Errorf("%s signed %q: %d", path, signature, w.Code)
			}
		}
	}
	if len(c.got)+len(r.got) != 0 {
		t.Errorf("taken: %v %v", c.got, r.got)
	}
}

func TestHowCallsEnd(t *testing.T) {
	r := &receipts{}
	h := newAccount(t).VoiceHandler(&talk{}, r, again)
	for status, want := range map[string]string{
		"busy": "voice CA1 failed busy", "no-answer": "voice CA1 failed no-answer", "failed": "voice CA1 failed failed", "canceled": "voice CA1 failed canceled",
		"completed": "", "ringing": "", "in-progress": "", "": "", "<x>": "", // that it was taken up is no answer
	} {
		r.got = nil
		for range 2 {
			if w := deliver(h, CallStatusPath, url.Values{"AccountSid": {accountSID}, "CallSid": {"CA1"}, "CallStatus": {status}}); w.Code != http.StatusNoContent {
				t.Errorf("%s: %d", status, w.Code)
			}
		}
		if want == "" && len(r.got) != 0 || want != "" && (len(r.got) != 2 || r.got[0] != want) {
			t.Errorf("%s: %v", status, r.got)
		}
	}
	r.fail = errors.New("down")
	if w := deliver(h, CallStatusPath, url.Values{"AccountSid": {accountSID}, "CallSid": {"CA1"}, "CallStatus": {"busy"}}); w.Code != http.StatusServiceUnavailable {
		t.Errorf("down: %d", w.Code)
	}
}

// What a resident wrote about a place is said, and never more than that.
func FuzzScript(f *testing.F) {
	f.Add(`</Say><Dial>+62811</Dial><Say x="`)
	f.Add("]]>\x00\xff\u202e&amp;")
	f.Add(strings.Repeat(`"`, 5000))
	a, err := New(Config{AccountSID: accountSID, AuthTokens: []string{token}, VoiceFrom: ourSMS, PublicURL: publicURL})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, text string) {
		said, err := a.ask(text, 0)
		if err != nil || len([]rune(said)) > 4000 {
			t.Fatalf("%d characters, %v", len(said), err)
		}
		var names []string
		d := xml.NewDecoder(strings.NewReader(said))
		for {
			token, err := d.Token()
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
			if element, ok := token.(xml.StartElement); ok {
				names = append(names, element.Name.Local)
			}
		}
		if strings.Join(names, " ") != "Response Gather Say" {
			t.Errorf("%v in %s", names, said)
		}
	})
}

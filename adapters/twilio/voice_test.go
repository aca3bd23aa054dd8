package twilio

import (
	"context"
	"encoding/xml"
	"errors"
	"fmt"
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

func key(digit string, change url.Values) url.Values {
	form := url.Values{"AccountSid": {accountSID}, "CallSid": {"CA1"}, "From": {ourSMS}, "To": {post119}, "Direction": {"outbound-api"}, "Digits": {digit}}
	for name, values := range change {
		form[name] = values
	}
	return form
}

func TestKeys(t *testing.T) {
	c := &talk{texts: []bot.Text{{Body: "X9WK6 diterima.", Options: []bot.Option{{Key: "0", Value: bot.MenuValue, Label: "Menu"}}}}}
	h := newAccount(t).VoiceHandler(c, &receipts{})
	w := deliver(h, KeyPath+"?n=0", key("1", nil))
	var said response
	if err := xml.Unmarshal(w.Body.Bytes(), &said); err != nil || w.Code != http.StatusOK || said.Gather != nil || said.Say != "X9WK6 diterima." {
		t.Errorf("%d %s (%v)", w.Code, w.Body, err)
	}
	if m := c.got[0]; m.ID != "CA1-0" || m.Channel != Keys || m.Subject != "tel:"+post119 || m.Text != "1" {
		t.Errorf("%+v", m)
	}
	c.texts = []bot.Text{{Body: "Laporan yang mana?", Options: []bot.Option{{Key: "1", Value: "a", Label: "X9WK6 Kaca"}, {Key: "2", Value: "b", Label: "HXFPN Bulue"}}}}
	w = deliver(h, KeyPath+"?n=0", key("1", nil))
	said = response{}
	if err := xml.Unmarshal(w.Body.Bytes(), &said); err != nil || said.Gather == nil || said.Gather.Say != "Laporan yang mana?. 1. X9WK6 Kaca. 2. HXFPN Bulue" || said.Gather.Action != publicURL+KeyPath+"?n=1" {
		t.Errorf("%s (%v)", w.Body, err)
	}
	for _, bad := range []url.Values{{"CallSid": {""}}, {"To": {"110"}}, {"Direction": {"inbound"}}} { // whoever calls us proves no number
		if w := deliver(h, KeyPath+"?n=0", key("1", bad)); w.Code != http.StatusBadRequest {
			t.Errorf("%v: %d", bad, w.Code)
		}
	}
	for _, n := range []string{"", "?n=x", "?n=10", "?n=-1"} {
		if w := deliver(h, KeyPath+n, key("1", nil)); w.Code != http.StatusBadRequest {
			t.Errorf("%q: %d", n, w.Code)
		}
	}
	if w := post(h, KeyPath+"?n=0", "application/x-www-form-urlencoded", key("1", nil).Encode(), "forged"); w.Code != http.StatusForbidden {
		t.Errorf("forged: %d", w.Code)
	}
	c.err = errors.New("down")
	if w := deliver(h, KeyPath+"?n=0", key("1", nil)); w.Code != http.StatusServiceUnavailable {
		t.Errorf("down: %d", w.Code)
	}
}

func TestHowCallsEnd(t *testing.T) {
	r := &receipts{}
	h := newAccount(t).VoiceHandler(&talk{}, r)
	for status, want := range map[string]bot.Status{"completed": bot.Delivered, "busy": bot.Failed, "no-answer": bot.Failed, "failed": bot.Failed, "ringing": ""} {
		r.got = nil
		if w := deliver(h, CallStatusPath, url.Values{"AccountSid": {accountSID}, "CallSid": {"CA1"}, "CallStatus": {status}}); w.Code != http.StatusNoContent {
			t.Errorf("%s: %d", status, w.Code)
		}
		if want == "" && len(r.got) != 0 || want != "" && (len(r.got) != 1 || !strings.Contains(r.got[0], "voice CA1 "+string(want))) {
			t.Errorf("%s: %v", status, r.got)
		}
	}
}

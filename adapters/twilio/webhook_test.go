package twilio

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha1"
	"encoding/base64"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"reflect"
	"slices"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"tabe/adapters/channeltest"
	"tabe/bot"
	"tabe/bot/ident"
	"tabe/flows/kabar"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	accountSID  = "ACaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
	token       = "12345"
	publicURL   = "https://tabe.soppengkab.example"
	ourSMS      = "+14155552345"
	ourWhatsApp = "+14155238886"
	resident    = "+6281100000456"
)

func newAccount(t *testing.T, change ...func(*Config)) *Account {
	t.Helper()
	c := Config{AccountSID: accountSID, AuthTokens: []string{token}, SMSFrom: ourSMS, WhatsAppFrom: ourWhatsApp, PublicURL: publicURL}
	for _, f := range change {
		f(&c)
	}
	a, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(a.Close)
	return a
}

// sign is Twilio's published formula, written down once more: HMAC-SHA1 over
// the URL and, in byte order, each name with each of its distinct values.
func sign(token, address string, form url.Values) string {
	mac := hmac.New(sha1.New, []byte(token))
	_, _ = io.WriteString(mac, address)
	names := make([]string, 0, len(form))
	for name := range form {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		values := slices.Clone(form[name])
		slices.Sort(values)
		for _, value := range slices.Compact(values) {
			_, _ = io.WriteString(mac, name+value)
		}
	}
	return base64.StdEncoding.EncodeToString(mac.Sum(nil))
}

// post returns what h answers to a request as Twilio sends it.
func post(h http.Handler, target, contentType, body, signature string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodPost, target, strings.NewReader(body))
	r.Header.Set("Content-Type", contentType)
	if signature != "" {
		r.Header.Set("X-Twilio-Signature", signature)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

const formType = "application/x-www-form-urlencoded"

// deliver posts a form that is signed as Twilio would.
func deliver(h http.Handler, path string, form url.Values) *httptest.ResponseRecorder {
	return post(h, path, formType, form.Encode(), sign(token, publicURL+path, form))
}

// incoming is the form of an SMS, with changes.
func incoming(change url.Values) url.Values {
	form := url.Values{
		"ToCountry": {"US"}, "MessageSid": {"SM0001"}, "SmsSid": {"SM0001"}, "AccountSid": {accountSID},
		"From": {resident}, "To": {ourSMS}, "Body": {"berapa PBB saya"}, "NumMedia": {"0"}, "NumSegments": {"1"},
		"SmsStatus": {"received"}, "ApiVersion": {"2010-04-01"},
	}
	for name, values := range change {
		form[name] = values
	}
	return form
}

type receipts struct {
	got  []string
	fail error
}

func (r *receipts) Receipt(_ context.Context, c bot.ChannelID, id string, status bot.Status, reason string) error {
	r.got = append(r.got, strings.TrimSpace(strings.Join([]string{string(c), id, string(status), reason}, " ")))
	return r.fail
}

// The vectors are those of Twilio's own helper libraries; see the tests of
// twilio-python, twilio-php, twilio-csharp and twilio-go.
func TestSignatureVectors(t *testing.T) {
	const (
		form = "CallSid=CA1234567890ABCDE&Caller=%2B14158675309&Digits=1234&From=%2B14158675309&To=%2B18005551212"
		many = "Sid=CA123&SidAccount=AC123&Digits=5678&Digits=1234&Digits=1234"
		json = `{"property": "value", "boolean": true}`
		hash = "bodySHA256=0a1ff7634d9ab3b95db5c9a2dfe9416e41502b283a80c7cf19632632f96e6620"
	)
	for _, c := range []struct{ name, base, target, body, signature string }{
		{"V1 form", "https://mycompany.com", "/myapp.php?foo=1&bar=2", form, "RSOYDt4T1cUTdK1PDd93/VVr8B8="},
		{"V2 hash and a query", "https://mycompany.com", "/myapp.php?foo=1&bar=2&" + hash, json, "a9nBmqA0ju/hNViExpshrM61xv4="},
		{"V3 hash", "https://mycompany.com", "/myapp.php?" + hash, json, "y77kIzt2vzLz71DgmJGsen2scGs="},
		{"V4 signed with port 443", "https://mycompany.com", "/myapp.php?foo=1&bar=2", form, "kvajT1Ptam85bY51eRf/AJRuM3w="},
		{"V5 signed with port 80", "http://mycompany.com", "/myapp.php?foo=1&bar=2", form, "0ZXoZLH/DfblKGATFgpif+LLRf4="},
		{"V6 another port", "http://mycompany.com:1234", "/myapp.php?foo=1&bar=2", form, "Zmvh+3yNM1Phv2jhDCwEM3q5ebU="},
		{"V7 with a user", "https://user:pass@mycompany.com", "/myapp.php?foo=1&bar=2", form, "CukzLTc1tT5dXEDIHm/tKBanW10="},
		{"V8 a repeated field", "https://mycompany.com", "/myapp.php?foo=1&bar=2", many, "IK+Dwps556ElfBT0I3Rgjkr1wJU="},
	} {
		a := newAccount(t, func(config *Config) { config.PublicURL = c.base })
		h := a.signed(func(http.ResponseWriter, *http.Request, url.Values) {
			t.Errorf("%s: a foreign account came through", c.name)
		})
		contentType, passed := formType, "another account"
		if c.body == json {
			contentType, passed = "application/json", "not a form"
		}
		for _, try := range []struct{ what, target, body, signature, answer string }{
			{"as it is", c.target, c.body, c.signature, passed},
			{"another body", c.target, c.body + "&", c.signature, "wrong signature"},
			{"a field more", c.target, c.body + "&X=1", c.signature, "wrong signature"},
			{"another query", c.target + "&x=1", c.body, c.signature, "wrong signature"},
			{"a flipped letter", c.target, c.body, "A" + c.signature[1:], "wrong signature"},
			{"an empty signature", c.target, c.body, "", "no signature"},
		} {
			if try.what == "another body" && contentType == formType {
				continue // a form with an "&" more is the same form
			}
			if got := post(h, try.target, contentType, try.body, try.signature); strings.TrimSpace(got.Body.String()) != try.answer {
				t.Errorf("%s, %s: %d %s", c.name, try.what, got.Code, got.Body)
			}
		}
	}
}

func TestRefused(t *testing.T) {
	var log bytes.Buffer
	inbox := channeltest.NewInbox(nil)
	rec := &receipts{}
	a := newAccount(t, func(c *Config) { c.Log = slog.New(slog.NewTextHandler(&log, nil)) })
	h := a.Handler(inbox, rec)
	form := incoming(nil)
	good := sign(token, publicURL+MessagePath, form)
	tampered := incoming(url.Values{"Body": {"hapus data saya"}})
	foreign := incoming(url.Values{"AccountSid": {"ACbbbb"}})
	huge := incoming(url.Values{"Body": {strings.Repeat("7", maxBody)}})
	for _, c := range []struct {
		name, path, contentType, body, signature string
		status                                   int
	}{
		{"unsigned", MessagePath, formType, form.Encode(), "", 403},
		{"wrongly signed", MessagePath, formType, form.Encode(), sign("54321", publicURL+MessagePath, form), 403},
		{"tampered", MessagePath, formType, tampered.Encode(), good, 403},
		{"signed for the other path", StatusPath, formType, form.Encode(), good, 403},
		{"signed for another host", MessagePath, formType, form.Encode(), sign(token, "https://example.org"+MessagePath, form), 403},
		{"another account", MessagePath, formType, foreign.Encode(), sign(token, publicURL+MessagePath, foreign), 403},
		{"huge", MessagePath, formType, huge.Encode(), sign(token, publicURL+MessagePath, huge), 413},
		{"JSON", MessagePath, "application/json", `{"Body":"x"}`, good, 403},
		{"a form that says it is JSON", MessagePath, "application/json", form.Encode(), good, 415},
		{"a broken form", MessagePath, formType, "Body=%zz", good, 403},
		{"a hash that is not the body's", MessagePath + "?bodySHA256=00", formType, form.Encode(), sign(token, publicURL+MessagePath+"?bodySHA256=00", nil), 403},
		{"unsigned receipt", StatusPath, formType, form.Encode(), "", 403},
	} {
		if got := post(h, c.path, c.contentType, c.body, c.signature); got.Code != c.status {
			t.Errorf("%s: %d %s", c.name, got.Code, got.Body)
		}
	}
	get := httptest.NewRecorder()
	h.ServeHTTP(get, httptest.NewRequest(http.MethodGet, MessagePath, nil))
	if get.Code != http.StatusMethodNotAllowed {
		t.Errorf("GET: %d", get.Code)
	}
	if len(inbox.Messages()) > 0 || len(rec.got) > 0 {
		t.Errorf("came through: %d messages, receipts %v", len(inbox.Messages()), rec.got)
	}
	for _, secret := range []string{"81100000456", "PBB", "hapus", token, good} {
		if strings.Contains(log.String(), secret) {
			t.Errorf("the log tells %q", secret)
		}
	}
	if n := strings.Count(log.String(), "webhook refused"); n != 12 {
		t.Errorf("%d refusals are logged", n)
	}
}

// While a token is being changed Twilio signs with the old or the new one.
func TestTwoTokens(t *testing.T) {
	inbox := channeltest.NewInbox(nil)
	h := newAccount(t, func(c *Config) { c.AuthTokens = []string{"new1", "old2"} }).Handler(inbox, &receipts{})
	form := incoming(nil)
	for token, status := range map[string]int{"new1": 200, "old2": 200, "older": 403} {
		if got := post(h, MessagePath, formType, form.Encode(), sign(token, publicURL+MessagePath, form)); got.Code != status {
			t.Errorf("%s: %d", token, got.Code)
		}
	}
}

func TestMessages(t *testing.T) {
	phone := func(c bot.ChannelID, m bot.Message) bot.Message {
		m.ID, m.Channel, m.Peer, m.Subject = "SM0001", c, resident, "tel:"+resident
		return m
	}
	for _, c := range []struct {
		name   string
		change url.Values
		want   bot.Message // without an id: ignored
	}{
		{"SMS", nil, phone(SMS, bot.Message{Text: "berapa PBB saya"})},
		{"WhatsApp", url.Values{"From": {"whatsapp:" + resident}}, phone(WhatsApp, bot.Message{Text: "berapa PBB saya"})},
		{"button", url.Values{"From": {"whatsapp:" + resident}, "Body": {"Ya"}, "ButtonText": {"Ya"}, "ButtonPayload": {"\u0000yes"}}, phone(WhatsApp, bot.Message{Text: "Ya", Choice: "yes"})},
		{"picture", url.Values{"Body": {""}, "NumMedia": {"2"}, "MediaContentType0": {"image/jpeg"}, "MediaUrl0": {picture}, "MediaUrl1": {"x"}}, phone(SMS, bot.Message{Media: "photo", MediaRef: picture})},
		{"voice", url.Values{"Body": {""}, "NumMedia": {"1"}, "MediaContentType0": {"audio/ogg"}}, phone(SMS, bot.Message{Media: "voice"})},
		{"video with words", url.Values{"NumMedia": {"1"}, "MediaContentType0": {"video/mp4"}}, phone(SMS, bot.Message{Text: "berapa PBB saya", Media: "video"})},
		{"contact", url.Values{"Body": {""}, "NumMedia": {"1"}, "MediaContentType0": {"text/x-vcard"}}, phone(SMS, bot.Message{Media: "contact"})},
		{"document", url.Values{"Body": {""}, "NumMedia": {"1"}, "MediaContentType0": {"application/pdf"}}, phone(SMS, bot.Message{Media: "document"})},
		{"media of no type", url.Values{"Body": {""}, "NumMedia": {"1"}}, phone(SMS, bot.Message{Media: "document"})},
		{"location", url.Values{"Body": {""}, "Latitude": {"-4.35"}, "Longitude": {"119.88"}}, phone(SMS, bot.Message{Media: "location", Location: &bot.Location{Lat: -4.35, Lng: 119.88}})},
		{"location without an east", url.Values{"Body": {""}, "Latitude": {"-4.35"}, "Longitude": {""}}, phone(SMS, bot.Message{Media: "location"})},
		{"location nowhere", url.Values{"Body": {""}, "Latitude": {"nan"}, "Longitude": {"500"}}, phone(SMS, bot.Message{Media: "location"})},
		{"sticker", url.Values{"Body": {""}, "NumMedia": {"1"}, "MediaContentType0": {"image/webp"}}, phone(SMS, bot.Message{Media: "sticker"})},
		{"picture of another account", url.Values{"Body": {""}, "NumMedia": {"1"}, "MediaContentType0": {"image/png"}, "MediaUrl0": {strings.Replace(picture, accountSID, "ACbbbb", 1)}}, phone(SMS, bot.Message{Media: "photo"})},
		{"picture elsewhere", url.Values{"Body": {""}, "NumMedia": {"1"}, "MediaContentType0": {"image/png"}, "MediaUrl0": {"http://169.254.169.254/latest"}}, phone(SMS, bot.Message{Media: "photo"})},
		{"empty", url.Values{"Body": {""}}, phone(SMS, bot.Message{})},
		{"NUL bytes", url.Values{"Body": {"PBB\x00\x00"}}, phone(SMS, bot.Message{Text: "PBB\x00\x00"})}, // the engine cleans texts
		{"Lontara", url.Values{"Body": {"ᨒᨚᨈᨑ"}}, phone(SMS, bot.Message{Text: "ᨒᨚᨈᨑ"})},
		{"a plus that became a blank", url.Values{"From": {" 6281100000456"}}, phone(SMS, bot.Message{Text: "berapa PBB saya"})},
		{"Advanced Opt-Out", url.Values{"Body": {"Cancel"}, "OptOutType": {"STOP"}}, kabar.OptOut("SM0001", SMS, resident, "tel:"+resident)},
		{"START there", url.Values{"Body": {"START"}, "OptOutType": {"START"}}, phone(SMS, bot.Message{Text: "START"})},
		{"HELP there", url.Values{"Body": {"help"}, "OptOutType": {"HELP"}}, phone(SMS, bot.Message{Text: "help"})},
		{"STOP of nobody", url.Values{"From": {"3636"}, "OptOutType": {"STOP"}}, bot.Message{}},
		{"a short code", url.Values{"From": {"3636"}}, bot.Message{}},
		{"a company", url.Values{"From": {"TELKOMSEL"}}, bot.Message{}},
		{"nobody", url.Values{"From": {""}}, bot.Message{}},
	} {
		inbox := channeltest.NewInbox(nil)
		got := deliver(newAccount(t).Handler(inbox, &receipts{}), MessagePath, incoming(c.change))
		if got.Code != 200 || !strings.Contains(got.Body.String(), "<Response/>") {
			t.Errorf("%s: %d %s", c.name, got.Code, got.Body)
		}
		messages := inbox.Messages()
		if c.want.ID == "" {
			if len(messages) > 0 {
				t.Errorf("%s: %+v", c.name, messages)
			}
		} else if len(messages) != 1 || !reflect.DeepEqual(messages[0], c.want) {
			t.Errorf("%s: %+v, want %+v", c.name, messages, c.want)
		}
	}
}

func TestNotReceivedMeansTryAgain(t *testing.T) {
	full := errors.New("disk full")
	h := newAccount(t).Handler(channeltest.NewInbox(func(bot.Message) error { return full }), &receipts{fail: full})
	if got := deliver(h, MessagePath, incoming(nil)); got.Code != 503 || strings.Contains(got.Body.String(), "disk") {
		t.Errorf("message: %d %s", got.Code, got.Body)
	}
	if got := deliver(h, StatusPath, incoming(url.Values{"MessageStatus": {"delivered"}})); got.Code != 503 {
		t.Errorf("receipt: %d", got.Code)
	}
	if got := deliver(h, MessagePath, incoming(url.Values{"MessageSid": nil})); got.Code != 400 {
		t.Errorf("without an id: %d", got.Code)
	}
}

func TestReceipts(t *testing.T) {
	rec := &receipts{}
	h := newAccount(t).Handler(channeltest.NewInbox(nil), rec)
	for _, form := range []url.Values{
		{"MessageStatus": {"queued"}},
		{"MessageStatus": {"sent"}},
		{"MessageStatus": {"delivered"}, "From": {"whatsapp:" + ourWhatsApp}},
		{"MessageStatus": {"read"}, "From": {"whatsapp:" + ourWhatsApp}},
		{"MessageStatus": {"undelivered"}, "ErrorCode": {"30005"}},
		{"MessageStatus": {"failed"}, "ErrorCode": {"<script>"}},
		{"MessageStatus": {"exploded"}},
		{},
	} {
		form.Set("AccountSid", accountSID)
		form.Set("MessageSid", "SM7")
		if form.Get("From") == "" {
			form.Set("From", ourSMS)
		}
		if got := deliver(h, StatusPath, form); got.Code != http.StatusNoContent {
			t.Errorf("%v: %d", form, got.Code)
		}
	}
	want := []string{"sms SM7 sent", "whatsapp SM7 delivered", "whatsapp SM7 read", "sms SM7 failed twilio 30005", "sms SM7 failed"}
	if !slices.Equal(rec.got, want) {
		t.Errorf("got  %q\nwant %q", rec.got, want)
	}
}

// WhatsApp tells only later that somebody wants no more of us.
func TestAReceiptThatSaysStop(t *testing.T) {
	inbox, rec := channeltest.NewInbox(nil), &receipts{}
	h := newAccount(t).Handler(inbox, rec)
	for _, form := range []url.Values{
		{"MessageStatus": {"undelivered"}, "ErrorCode": {"63033"}, "MessageSid": {"SM8"}, "To": {"whatsapp:" + resident}, "From": {"whatsapp:" + ourWhatsApp}},
		{"MessageStatus": {"failed"}, "ErrorCode": {"21610"}, "MessageSid": {"SM9"}, "To": {resident}, "From": {ourSMS}},
		{"MessageStatus": {"failed"}, "ErrorCode": {"30005"}, "MessageSid": {"SM10"}, "To": {resident}, "From": {ourSMS}},
		{"MessageStatus": {"failed"}, "ErrorCode": {"21610"}, "MessageSid": {"SM11"}, "From": {ourSMS}},
	} {
		form.Set("AccountSid", accountSID)
		if got := deliver(h, StatusPath, form); got.Code != http.StatusNoContent {
			t.Errorf("%v: %d", form, got.Code)
		}
	}
	want := []bot.Message{kabar.OptOut("SM8", WhatsApp, resident, "tel:"+resident), kabar.OptOut("SM9", SMS, resident, "tel:"+resident)}
	if got := inbox.Messages(); !reflect.DeepEqual(got, want) || len(rec.got) != 4 {
		t.Errorf("%+v, want %+v; %d receipts", got, want, len(rec.got))
	}
	full := newAccount(t).Handler(channeltest.NewInbox(func(bot.Message) error { return errors.New("disk full") }), rec)
	if got := deliver(full, StatusPath, url.Values{"AccountSid": {accountSID}, "MessageStatus": {"failed"}, "ErrorCode": {"21610"}, "MessageSid": {"SM9"}, "To": {resident}, "From": {ourSMS}}); got.Code != 503 {
		t.Errorf("not written down, and %d", got.Code)
	}
}

// A client that goes away in the middle of its request leaves nothing behind.
func TestBodyCutOff(t *testing.T) {
	inbox := channeltest.NewInbox(nil)
	h := newAccount(t).Handler(inbox, &receipts{})
	r := httptest.NewRequest(http.MethodPost, MessagePath, io.MultiReader(strings.NewReader("Body=x"), broken{}))
	r.Header.Set("X-Twilio-Signature", "x")
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	if w.Code != http.StatusBadRequest || len(inbox.Messages()) > 0 {
		t.Errorf("%d", w.Code)
	}
}

type broken struct{}

func (broken) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

func FuzzWebhook(f *testing.F) {
	f.Add(incoming(nil).Encode())
	f.Add("From=whatsapp:%2B62811&MessageSid=SM1&NumMedia=99999999999999999999&MediaContentType0=/")
	f.Add("MessageSid=%00&From=%F0%9F%98%80&ButtonPayload=%FF")
	f.Add("From=%2B6281100000456&MessageSid=SM1&Latitude=-4.35&Longitude=nan")
	a, err := New(Config{AccountSID: accountSID, AuthTokens: []string{token}, PublicURL: publicURL})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, body string) {
		form, err := url.ParseQuery(body)
		if err != nil {
			return
		}
		m, err := a.parseMessage(form)
		if err != nil {
			return
		}
		if phone, err := ident.ParsePhone(m.Peer); err != nil || string(phone) != m.Peer || m.Subject != "tel:"+m.Peer || m.ID == "" {
			t.Errorf("%+v", m)
		}
		if m.Location != nil && !m.Location.Valid() {
			t.Errorf("location %+v", m.Location)
		}
		if m.Choice != bot.CleanText(m.Choice) {
			t.Errorf("choice %q", m.Choice)
		}
		reason(form)
	})
}

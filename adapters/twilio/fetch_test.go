package twilio

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"tabe/adapters/media"
	"tabe/bot"
)

// picture is where Twilio keeps a picture that somebody sent.
const picture = "https://api.twilio.com/2010-04-01/Accounts/" + accountSID + "/Messages/MM0000000000000000000000000000abcd/Media/ME0000000000000000000000000000abcd"

var png = append([]byte("\x89PNG\r\n\x1a\n"), bytes.Repeat([]byte("x"), 1000)...)

func TestFetch(t *testing.T) {
	store := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "" {
			t.Error("the store was told our credentials")
		}
		switch r.URL.Path {
		case "/again":
			http.Redirect(w, r, "/picture", http.StatusFound)
		case "/round":
			http.Redirect(w, r, "/round", http.StatusFound)
		case "/endless":
			for r.Context().Err() == nil {
				if _, err := w.Write(png); err != nil {
					return
				}
			}
		case "/silent":
			<-r.Context().Done()
		default:
			_, _ = w.Write(png)
		}
	}))
	t.Cleanup(store.Close)
	var answer http.HandlerFunc
	twilio := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if user, password, _ := r.BasicAuth(); user != accountSID || password != token || "https://api.twilio.com"+r.URL.Path != picture {
			t.Errorf("asked for %s by %s", r.URL.Path, user)
		}
		answer(w, r)
	}))
	t.Cleanup(twilio.Close)
	a := newAccount(t, func(c *Config) { c.APIURL = twilio.URL })
	a.storage = func(u *url.URL) bool { return "http://"+u.Host == store.URL }
	leads := func(to string) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, to, http.StatusTemporaryRedirect) }
	}
	status := func(code int) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(code) }
	}
	for name, c := range map[string]struct {
		answer http.HandlerFunc
		want   string // MIME type or error
	}{
		"at once":              {func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(png) }, "image/png"},
		"in the store":         {leads(store.URL + "/picture"), "image/png"},
		"further in the store": {leads(store.URL + "/again"), "image/png"},
		"in a circle":          {leads(store.URL + "/round"), "send: redirected elsewhere"},
		"elsewhere":            {leads("http://127.0.0.1:1/latest/meta-data"), "send: redirected elsewhere"},
		"nowhere":              {status(302), "send: redirected elsewhere"},
		"gone":                 {status(404), media.ErrGone.Error()},
		"down":                 {status(502), "send: http 502"},
		"endless":              {leads(store.URL + "/endless"), media.ErrTooLarge.Error()},
		"silent":               {leads(store.URL + "/silent"), "send: timeout"},
	} {
		answer = c.answer
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		if name == "silent" {
			cancel()
			ctx, cancel = context.WithTimeout(t.Context(), 200*time.Millisecond)
		}
		file, err := a.Fetch(ctx, picture, 4096)
		cancel()
		got := file.Type
		if err != nil {
			got = err.Error()
		}
		if got != c.want || err == nil && !bytes.Equal(file.Content, png) {
			t.Errorf("%s: %s (%d bytes), want %s", name, got, len(file.Content), c.want)
		}
	}
	answer = leads(store.URL + "/picture")
	if _, err := a.Fetch(t.Context(), picture, int64(len(png))-1); !errors.Is(err, media.ErrTooLarge) {
		t.Error(err)
	}
	for _, ref := range []string{"", "x", store.URL + "/picture", picture + "/../../x", picture + "?x", strings.Replace(picture, "https", "http", 1),
		strings.Replace(picture, "api.twilio.com", "api.twilio.com.example.org", 1), strings.Replace(picture, accountSID, "ACbbbb", 1), "https://x@" + picture[8:]} {
		if _, err := a.Fetch(t.Context(), ref, 4096); err == nil || err.Error() != "send: address" {
			t.Errorf("%s: %v", ref, err)
		}
	}
}

func TestStorage(t *testing.T) {
	for address, want := range map[string]bool{
		"https://mms.twiliocdn.com/AC1/x?Signature=1":                   true,
		"https://media.twiliocdn.com/AC1/x":                             true,
		"https://s3-external-1.amazonaws.com/media.twiliocdn.com/AC1/x": true,
		"https://s3.eu-west-1.amazonaws.com/media.twiliocdn.com/AC1/x":  true,
		"https://s3-external-1.amazonaws.com/somebody/x":                false,
		"https://ec2.amazonaws.com/media.twiliocdn.com/x":               false,
		"http://media.twiliocdn.com/AC1/x":                              false,
		"https://media.twiliocdn.com:8080/AC1/x":                        false,
		"https://user@media.twiliocdn.com/x":                            false,
		"https://twiliocdn.com.example.org/x":                           false,
		"https://nottwiliocdn.com/x":                                    false,
		"https://127.0.0.1/media.twiliocdn.com/x":                       false,
		"https://s3.example.org/media.twiliocdn.com/?x=.amazonaws.com":  false,
	} {
		u, err := url.Parse(address)
		if err != nil || storage(u) != want {
			t.Errorf("%s: %t %v", address, !want, err)
		}
	}
}

const approvedFile = `
[[template]]
message = "kabar.tax_due"
language = "id"
content = "HX0123456789abcdef0123456789ABCDEF"
variables = ["name", "amount"]

[[template]]
message = "kabar.ready"
language = "bug"
content = "HX0123456789abcdef0123456789abcdee"
`

func TestTemplates(t *testing.T) {
	templates, err := ParseTemplates(strings.NewReader(approvedFile))
	if err != nil {
		t.Fatal(err)
	}
	p := newProvider(t)
	channels := newAccount(t, func(c *Config) { c.APIURL, c.Templates = p.URL, templates }).Channels()
	sms, whatsApp := channels[0], channels[1]
	o := outbound("Tabe', PBB-ta' …")
	o.Text.Template = &bot.Template{Key: "kabar.tax_due", Language: "id", Values: map[string]string{"amount": "Rp 52.500", "name": "LA\n  UPE", "unused": "x"}}
	if id, err := whatsApp.Send(t.Context(), o); err != nil || id != sid(1) {
		t.Fatal(id, err)
	}
	want := url.Values{
		"To": {"whatsapp:" + resident}, "From": {"whatsapp:" + ourWhatsApp}, "StatusCallback": {publicURL + StatusPath},
		"ContentSid": {"HX0123456789abcdef0123456789ABCDEF"}, "ContentVariables": {`{"1":"LA UPE","2":"Rp 52.500"}`},
	}
	if got := p.wait(1)[0]; got.Encode() != want.Encode() {
		t.Errorf("sent\n%v, want\n%v", got, want)
	}
	o.Text.Template = &bot.Template{Key: "kabar.ready", Language: "bug"}
	if _, err := whatsApp.Send(t.Context(), o); err != nil || p.wait(2)[1].Has("ContentVariables") {
		t.Error(err)
	}
	// Nothing is approvedFile: it never will be by trying again.
	for code, text := range map[string]*bot.Template{
		"no_template":       {Key: "kabar.ready", Language: "id"},
		"no_template_value": {Key: "kabar.tax_due", Language: "id", Values: map[string]string{"amount": "Rp 52.500", "name": " "}},
	} {
		o.Text.Template = text
		_, err := whatsApp.Send(t.Context(), o)
		assertFailure(t, code, err, bot.SendError{Permanent: true, Code: code})
	}
	// An SMS needs no leave.
	if _, err := sms.Send(t.Context(), o); err != nil || p.wait(3)[2].Get("Body") == "" {
		t.Error(err)
	}
	if n := len(p.wait(3)); n != 3 {
		t.Errorf("%d calls", n)
	}
}

func TestTemplatesThatAreWrong(t *testing.T) {
	for change, want := range map[string]string{
		`language = "id"=>language = "en"`:                                                      "a language",
		`content = "HX0=>content = "H0`:                                                         "HX and 32",
		`message = "kabar.ready"=>messsage = "kabar.ready"`:                                     "nobody knows template.messsage",
		`"name", "amount"=>"name", ""`:                                                          "without a name",
		`"kabar.ready"` + "\n" + `language = "bug"=>"kabar.tax_due"` + "\n" + `language = "id"`: "twice",
		`[[template]]=>[[`:                                                                      "toml",
	} {
		from, to, _ := strings.Cut(change, "=>")
		text := strings.Replace(approvedFile, from, to, 1)
		if _, err := ParseTemplates(strings.NewReader(text)); text == approvedFile || err == nil || !strings.Contains(fmt.Sprint(err), want) {
			t.Errorf("%s: %v", change, err)
		}
	}
}

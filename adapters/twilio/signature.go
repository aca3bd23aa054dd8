package twilio

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"tabe/adapters/bounded"
)

// maxBody is more than any message of Twilio's: 4096 characters of four bytes,
// each byte percent-encoded, and the other fields.
const maxBody = 64 << 10

// signed lets a form through to next when Twilio signed it for our account.
// Everything else is refused, and logged without a word of its contents.
func (a *Account) signed(next func(w http.ResponseWriter, r *http.Request, form url.Values)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		refuse := func(status int, reason string) {
			a.log.Warn("webhook refused", "channel", "twilio", "status", status, "reason", reason)
			http.Error(w, reason, status)
		}
		signature := r.Header.Get("X-Twilio-Signature")
		if signature == "" {
			refuse(http.StatusForbidden, "no signature")
			return
		}
		body, ok := bounded.Body(w, r, maxBody, refuse)
		if !ok {
			return
		}
		form, notForm := url.ParseQuery(string(body))
		if !a.genuine(r.URL, body, form, notForm == nil, signature) {
			refuse(http.StatusForbidden, "wrong signature")
			return
		}
		if kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || kind != "application/x-www-form-urlencoded" || notForm != nil {
			refuse(http.StatusUnsupportedMediaType, "not a form")
			return
		}
		if form.Get("AccountSid") != a.config.AccountSID {
			refuse(http.StatusForbidden, "another account")
			return
		}
		next(w, r, form)
	})
}

// genuine checks a signature. It is over the URL as Twilio knows it and either
// the fields of the form or, if the URL carries its hash, the body.
func (a *Account) genuine(u *url.URL, body []byte, form url.Values, isForm bool, signature string) bool {
	address := a.config.PublicURL + u.EscapedPath()
	if u.RawQuery != "" {
		address += "?" + u.RawQuery
	}
	params := map[string]string{}
	ok := true
	if want := u.Query().Get("bodySHA256"); want != "" {
		sum := sha256.Sum256(body)
		ok = subtle.ConstantTimeCompare([]byte(hex.EncodeToString(sum[:])), []byte(want)) == 1
	} else {
		ok = isForm
		// Each distinct value of a repeated field is signed behind its name. The
		// validator knows one value per field: give it the others with theirs.
		for name, values := range form {
			values = slices.Clone(values)
			slices.Sort(values)
			params[name] = strings.Join(slices.Compact(values), name)
		}
	}
	match := false
	for _, v := range a.validators {
		match = v.Validate(address, params, signature) || match
	}
	return ok && match
}

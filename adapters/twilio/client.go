package twilio

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/twilio/twilio-go/client"
	api "github.com/twilio/twilio-go/rest/api/v2010"

	"tabe/bot"
)

// request is the client of one API call. twilio-go's own knows no context,
// leaves bodies of failures open and drops Retry-After.
type request struct {
	account *Account
	ctx     context.Context
}

func (a *Account) service(ctx context.Context) *api.ApiService {
	return api.NewApiServiceWithClient(request{a, ctx})
}

// AccountSid implements client.BaseClient.
func (q request) AccountSid() string { return q.account.config.AccountSID }

// SetTimeout implements client.BaseClient; the context bounds the call.
func (request) SetTimeout(time.Duration) {}

// SetOauth implements client.BaseClient; calls carry the auth token.
func (request) SetOauth(client.OAuth) {}

// OAuth implements client.BaseClient.
func (request) OAuth() client.OAuth { return nil }

// maxAnswer is the most that is read of an answer.
const maxAnswer = 256 << 10

// SendRequest implements client.BaseClient for the calls that the adapter
// makes: a form, no JSON. Errors are *bot.SendError and name no number.
func (q request) SendRequest(method, rawURL string, data url.Values, _ map[string]any, _ ...byte) (*http.Response, error) {
	u, err := url.Parse(rawURL)
	if err != nil {
		return nil, &bot.SendError{Code: "address", Err: err}
	}
	if base := q.account.api; base != nil {
		u.Scheme, u.User, u.Host = base.Scheme, base.User, base.Host
		u.Path = strings.TrimRight(base.Path, "/") + u.Path
	}
	req, err := http.NewRequestWithContext(q.ctx, method, u.String(), strings.NewReader(data.Encode()))
	if err != nil {
		return nil, &bot.SendError{Code: "address", Err: err}
	}
	req.SetBasicAuth(q.account.config.AccountSID, q.account.config.AuthTokens[0])
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("Accept", "application/json")
	res, err := q.account.http.Do(req)
	if err != nil {
		return nil, unreachable(err)
	}
	if res.StatusCode < 200 || res.StatusCode > 299 {
		defer res.Body.Close()
		return nil, refused(res)
	}
	res.Body = struct {
		io.Reader
		io.Closer
	}{io.LimitReader(res.Body, maxAnswer), res.Body}
	return res, nil
}

// unreachable is a request without an answer.
func unreachable(err error) *bot.SendError {
	failed := &bot.SendError{Code: "network", Err: err}
	if outer := (*url.Error)(nil); errors.As(err, &outer) {
		failed.Err = outer.Err // the outer one prints the URL
	}
	if timeout := net.Error(nil); errors.Is(err, context.DeadlineExceeded) || errors.As(err, &timeout) && timeout.Timeout() {
		failed.Code = "timeout"
	}
	return failed
}

// maxRetryAfter is the longest wish of the provider that is granted.
const maxRetryAfter = time.Hour

// refused is an answer other than 2xx.
func refused(res *http.Response) *bot.SendError {
	var body struct {
		Code int `json:"code"`
	}
	raw, _ := io.ReadAll(io.LimitReader(res.Body, maxAnswer))
	failed := &bot.SendError{Code: "http " + strconv.Itoa(res.StatusCode)}
	if json.Unmarshal(raw, &body) == nil && body.Code > 0 {
		failed.Code = errorCode(body.Code)
		failed.Permanent = res.StatusCode == http.StatusBadRequest && !passing[body.Code]
		failed.OptedOut = failed.Permanent && optedOut[body.Code]
	}
	if s, err := strconv.Atoi(res.Header.Get("Retry-After")); err == nil && s > 0 {
		failed.RetryAfter = min(time.Duration(s)*time.Second, maxRetryAfter)
	}
	return failed
}

// errorCode is how an error of Twilio's stands in logs and dead letters.
func errorCode(code int) string { return "twilio " + strconv.Itoa(code) }

// passing are the errors that come with 400 and yet are not about this one
// message: crowding, and faults of our settings, which somebody will correct.
// All others say the same tomorrow: no such number (21211, 21614), WhatsApp's
// window is closed (63016) …
var passing = map[int]bool{
	14107: true, 20429: true, 21611: true, 30001: true, 63018: true, // too many at once
	21408: true, 21603: true, 21606: true, 21659: true, 21660: true, 63007: true, // our number, or the region is not switched on
}

// optedOut are the errors for somebody who wants no more of us.
var optedOut = map[int]bool{
	21610: true, // wrote STOP, which Twilio keeps to
	63014: true, // blocked our WhatsApp number
	63033: true, // stopped our templates in WhatsApp
}

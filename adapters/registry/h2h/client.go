package h2h

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"tabe/adapters/registry/remote"
	"tabe/bot/ident"
)

// Config is what the tax office says of its interface. One of InquiryURL and
// BillsURL is enough.
type Config struct {
	// TokenURL gives the bearer token that InquiryURL wants, InquiryURL one
	// year of one object, paid or not.
	TokenURL, InquiryURL string
	// BillsURL lists every unpaid year of one object.
	BillsURL string
	// User and Password are for TokenURL (in the body) and BillsURL (basic
	// authentication).
	User, Password string
	Limits         remote.Limits
	Log            *slog.Logger
}

func (c Config) validate() error {
	if c.InquiryURL == "" && c.BillsURL == "" {
		return errors.New("h2h: an address for the inquiry or for the bills is needed")
	}
	if c.InquiryURL != "" && c.TokenURL == "" {
		return errors.New("h2h: the inquiry needs an address that gives tokens")
	}
	for _, address := range []string{c.TokenURL, c.InquiryURL, c.BillsURL} {
		if u, err := url.Parse(address); address != "" && (err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https") {
			return errors.New("h2h: an address is not http(s)://host…")
		}
	}
	if c.User == "" || c.Password == "" {
		return errors.New("h2h: user and password are needed")
	}
	return nil
}

// client asks the interface.
type client struct {
	config  Config
	service *remote.Service
	token   chan token // holds one: who has taken it may renew it
}

type token struct {
	value string
	until time.Time
}

func newClient(c Config) *client {
	q := &client{config: c, service: remote.NewService("pbb", c.Limits, c.Log), token: make(chan token, 1)}
	q.token <- token{}
	return q
}

// The result codes of the inquiry and of the list of bills, which are two
// programs. What is missing here tells of a fault, ours or theirs.
const (
	codeSuccess    = "00" // both
	codeBadToken   = "05" // inquiry; of the list: no password
	codeNotFound   = "13" // inquiry; also for a payment of a wrong amount
	codePaid       = "88" // inquiry
	codeList       = "10" // list: unpaid years
	codeNoBill     = "08" // list: nothing unpaid, or no such object
	codeEmpty      = "09" // list: no NOP was sent
	codeListPaid   = "99" // list
	codeMaintained = "MT" // list
)

// answer is what both programs say around their data.
type answer struct {
	ResponseCode remote.Text     `json:"response_code"`
	Code         remote.Text     `json:"code"`
	Kode         remote.Text     `json:"kode"` // of a token that is bad
	Message      remote.Text     `json:"message"`
	Data         json.RawMessage `json:"data"`
	Token        remote.Text     `json:"token"`
}

func (a answer) code() string {
	for _, code := range []remote.Text{a.ResponseCode, a.Code, a.Kode} {
		if code != "" {
			return strings.ToUpper(string(code))
		}
	}
	return ""
}

// ask sends a request and reads what is around the data of the answer.
func (q *client) ask(ctx context.Context, newRequest func(context.Context) (*http.Request, error)) (answer, error) {
	var a answer
	object, err := q.service.Ask(ctx, newRequest, "response_code", "code", "kode")
	if err != nil {
		return a, err
	}
	return a, remote.Unmarshal(object, &a)
}

// refused is an answer whose code means a fault. Codes are shown if they look
// like one.
func (q *client) refused(a answer) error {
	switch code := a.code(); {
	case code == codeMaintained:
		return q.service.Fail("maintenance")
	case len(code) <= 3 && strings.Trim(code, "0123456789") == "":
		return q.service.Fail("code " + code)
	default:
		return q.service.Fail("unknown code")
	}
}

// post returns requests that send v as JSON.
func post(address, bearer string, v any) func(context.Context) (*http.Request, error) {
	return func(ctx context.Context) (*http.Request, error) {
		body, err := json.Marshal(v)
		if err != nil {
			return nil, err
		}
		request, err := http.NewRequestWithContext(ctx, http.MethodPost, address, bytes.NewReader(body))
		if err != nil {
			return nil, err
		}
		request.Header.Set("Content-Type", "application/json")
		request.Header.Set("Accept", "application/json")
		if bearer != "" {
			request.Header.Set("Authorization", "Bearer "+bearer)
		}
		return request, nil
	}
}

// tokenAge is how long a token is used: they last five minutes.
const tokenAge = 4 * time.Minute

// bearer returns a token other than spoiled, a new one if need be. Who finds
// somebody else fetching one waits for that.
func (q *client) bearer(ctx context.Context, spoiled string) (string, error) {
	var t token
	select {
	case t = <-q.token:
	case <-ctx.Done():
		return "", q.service.Fail("busy")
	}
	defer func() { q.token <- t }()
	if t.value != "" && t.value != spoiled && time.Now().Before(t.until) {
		return t.value, nil
	}
	t = token{}
	a, err := q.ask(ctx, post(q.config.TokenURL, "", map[string]string{"username": q.config.User, "password": q.config.Password}))
	if err != nil {
		return "", err
	}
	var data struct {
		Token remote.Text `json:"current_token"`
	}
	if err := remote.Unmarshal(a.Data, &data); err == nil && data.Token == "" {
		data.Token = a.Token
	}
	if a.code() != codeSuccess || data.Token == "" {
		return "", q.service.Fail("login refused")
	}
	t = token{string(data.Token), time.Now().Add(tokenAge)}
	return t.value, nil
}

// inquire asks for one year of one object. A token that expired meanwhile is
// renewed once.
func (q *client) inquire(ctx context.Context, nop ident.NOP, year int) (answer, error) {
	spoiled := ""
	for range 2 {
		bearer, err := q.bearer(ctx, spoiled)
		if err != nil {
			return answer{}, err
		}
		a, err := q.ask(ctx, post(q.config.InquiryURL, bearer, map[string]string{"tax_year": strconv.Itoa(year), "tax_type": "0002", "nop": string(nop)}))
		if err != nil || a.code() != codeBadToken {
			return a, err
		}
		spoiled = bearer
	}
	return answer{}, q.service.Fail("token refused")
}

// list asks for the bills of one object: of one year, or all unpaid ones.
func (q *client) list(ctx context.Context, nop ident.NOP, year int) (answer, error) {
	return q.ask(ctx, func(ctx context.Context) (*http.Request, error) {
		u, err := url.Parse(q.config.BillsURL)
		if err != nil {
			return nil, err
		}
		query := u.Query()
		query.Set("nop", string(nop))
		if year > 0 {
			query.Set("tahun", strconv.Itoa(year))
		}
		u.RawQuery = query.Encode()
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), nil)
		if err != nil {
			return nil, err
		}
		request.SetBasicAuth(q.config.User, q.config.Password)
		request.Header.Set("Accept", "application/json")
		return request, nil
	})
}

// check asks for no object at all, which each program refuses in its own way
// once it has let us in.
func (q *client) check(ctx context.Context) error {
	if q.config.BillsURL != "" {
		a, err := q.list(ctx, "", 0)
		if err != nil {
			return err
		}
		if code := a.code(); code != codeEmpty && code != codeNoBill {
			return q.refused(a)
		}
	}
	if q.config.InquiryURL != "" {
		a, err := q.inquire(ctx, "", time.Now().Year())
		if err != nil {
			return err
		}
		if a.code() != codeNotFound {
			return q.refused(a)
		}
	}
	return nil
}

package whatsapp

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"tabe/adapters/bounded"
	"tabe/adapters/pieces"
	"tabe/bot"
)

var _ bot.Channel = (*Account)(nil)

// ID implements bot.Channel.
func (a *Account) ID() bot.ChannelID { return Channel }

// Send implements bot.Channel. Of a text in several pieces the id of the last
// one counts. Errors are *bot.SendError.
func (a *Account) Send(ctx context.Context, o bot.Outbound) (string, error) {
	peer := strings.TrimPrefix(o.Peer, "+")
	if t := o.Text.Template; t != nil {
		known, values, err := a.config.Templates.Fill(t)
		if err != nil {
			return "", err
		}
		return a.post(ctx, fromTemplate(peer, known, values))
	}
	m := compose(peer, o.Text, a.config.Choose(o.Text.Language))
	if m.Type != "text" {
		return a.post(ctx, m)
	}
	return pieces.Send(ctx, m.Text.Body, maxText, func(piece string, _ bool) (string, error) {
		return a.post(ctx, plain(peer, piece))
	})
}

// maxAnswer bounds what is read of an answer.
const maxAnswer = 64 << 10

// post sends one message and returns Meta's id of it.
func (a *Account) post(ctx context.Context, m message) (string, error) {
	sent, err := json.Marshal(m)
	if err != nil {
		return "", &bot.SendError{Code: "request", Permanent: true, Err: err}
	}
	var answer struct {
		Messages []struct {
			ID string `json:"id"`
		} `json:"messages"`
	}
	if err := a.call(ctx, http.MethodPost, "/messages", sent, &answer); err != nil {
		return "", err
	}
	if len(answer.Messages) == 0 || answer.Messages[0].ID == "" {
		return "", &bot.SendError{Code: "answer", Err: errors.New("whatsapp: no id in the answer")}
	}
	return answer.Messages[0].ID, nil
}

// call does one request below our number. The token never becomes part of an error.
func (a *Account) call(ctx context.Context, method, path string, sent []byte, answer any) error {
	r, err := http.NewRequestWithContext(ctx, method, a.config.APIURL+"/"+version+"/"+a.config.PhoneID+path, bytes.NewReader(sent))
	if err != nil {
		return &bot.SendError{Code: "request", Err: err}
	}
	r.Header.Set("Authorization", "Bearer "+a.config.Token)
	r.Header.Set("Content-Type", "application/json")
	response, err := a.http.Do(r)
	if err != nil {
		return &bot.SendError{Code: "unreachable", Err: err}
	}
	defer response.Body.Close()
	got, err := bounded.Read(response.Body, maxAnswer)
	if err != nil {
		return &bot.SendError{Code: "answer", Err: err}
	}
	if response.StatusCode/100 == 2 {
		if err := json.Unmarshal(got, answer); err != nil {
			return &bot.SendError{Code: "answer", Err: err}
		}
		return nil
	}
	return refusal(response, got)
}

// optedOut is Meta's error for somebody who has stopped our templates. That he
// blocked us it tells nobody.
const optedOut = 131050

// Codes of Meta's errors for which another attempt is useless: the message
// cannot be delivered to that person, or not in that form.
var hopeless = []int{
	100,    // a parameter that it does not like
	131008, // a parameter is missing
	131009, // a parameter has a wrong value
	131021, // to ourselves
	131026, // not on WhatsApp, or too old a version
	131030, // not on the list of a test account
	131047, // more than 24 hours after his last message
	optedOut,
	131051, // type of message
	132000, // template: number of values
	132001, // template: unknown
	132005, // template: too long
	132007, // template: against the rules
	132012, // template: form of a value
	132015, // template: paused
	132016, // template: disabled
}

// refusal reads an error. Its words may hold the number of the resident, so
// only its code is kept.
func refusal(response *http.Response, got []byte) *bot.SendError {
	var e struct {
		Error struct {
			Code int `json:"code"`
		} `json:"error"`
	}
	failed := &bot.SendError{Code: "http " + strconv.Itoa(response.StatusCode), RetryAfter: retryAfter(response)}
	if json.Unmarshal(got, &e) != nil || e.Error.Code == 0 {
		return failed // a page of some proxy
	}
	failed.Code = errorCode(e.Error.Code)
	failed.Permanent = slices.Contains(hopeless, e.Error.Code)
	failed.OptedOut = e.Error.Code == optedOut
	return failed
}

func errorCode(code int) string { return "meta " + strconv.Itoa(code) }

func retryAfter(response *http.Response) time.Duration {
	seconds, err := strconv.Atoi(response.Header.Get("Retry-After"))
	if err != nil || seconds < 0 || seconds > 3600 {
		return 0
	}
	return time.Duration(seconds) * time.Second
}

// Check tells whether Meta answers and knows our number and token.
func (a *Account) Check(ctx context.Context) error {
	var number struct {
		ID string `json:"id"`
	}
	return a.call(ctx, http.MethodGet, "?fields=id", nil, &number)
}

package telegram

import (
	"bytes"
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

	tgbotapi "github.com/go-telegram-bot-api/telegram-bot-api/v5"

	"tabe/bot"
)

// call calls a method of the Bot API. Errors are *bot.SendError and tell
// neither the token, which stands in every URL, nor a chat.
func (b *Bot) call(ctx context.Context, method string, params tgbotapi.Params) (json.RawMessage, error) {
	api := tgbotapi.BotAPI{Token: b.config.Token, Client: doer{ctx, b.http}}
	api.SetAPIEndpoint(b.endpoint)
	res, err := api.MakeRequest(method, params)
	if err != nil {
		return nil, failure(err)
	}
	return res.Result, nil
}

// doer gives requests a context, which the library does not know.
type doer struct {
	ctx  context.Context
	http *http.Client
}

// maxAnswer is the most that is read of an answer: a hundred updates fit.
const maxAnswer = 8 << 20

// Do implements tgbotapi.HTTPClient. An answer that is not JSON, which a proxy
// may give in Telegram's place, becomes an error that keeps the status.
func (d doer) Do(req *http.Request) (*http.Response, error) {
	res, err := d.http.Do(req.WithContext(d.ctx))
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	body, err := io.ReadAll(io.LimitReader(res.Body, maxAnswer))
	if err != nil {
		return nil, err
	}
	if !json.Valid(body) {
		return nil, &bot.SendError{Code: "http " + strconv.Itoa(res.StatusCode), RetryAfter: seconds(res.Header.Get("Retry-After"))}
	}
	res.Body = io.NopCloser(bytes.NewReader(body))
	return res, nil
}

// failure tells what an error means for the message.
func failure(err error) *bot.SendError {
	if failed := (*bot.SendError)(nil); errors.As(err, &failed) {
		return failed
	}
	if said := (*tgbotapi.Error)(nil); errors.As(err, &said) {
		return &bot.SendError{
			Code: "telegram " + strconv.Itoa(said.Code),
			// 400: chat not found, text refused; 403: the resident blocked us.
			// Our own faults (401, 404: the token) somebody will correct.
			Permanent:  said.Code == http.StatusBadRequest || said.Code == http.StatusForbidden,
			OptedOut:   said.Code == http.StatusForbidden && (strings.Contains(said.Message, "blocked by the user") || strings.Contains(said.Message, "user is deactivated")),
			RetryAfter: seconds(strconv.Itoa(said.RetryAfter)),
			Err:        err,
		}
	}
	failed := &bot.SendError{Code: "network", Err: err}
	if outer := (*url.Error)(nil); errors.As(err, &outer) {
		failed.Err = outer.Err // the outer one prints the URL
	}
	if timeout := net.Error(nil); errors.Is(err, context.DeadlineExceeded) || errors.As(err, &timeout) && timeout.Timeout() {
		failed.Code = "timeout"
	}
	return failed
}

// seconds reads a Retry-After; an hour is the longest that is granted.
func seconds(s string) time.Duration {
	n, err := strconv.Atoi(s)
	if err != nil || n < 0 {
		return 0
	}
	return time.Duration(min(n, 3600)) * time.Second
}

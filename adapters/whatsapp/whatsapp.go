// Package whatsapp carries WhatsApp through Meta's Cloud API.
package whatsapp

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"time"

	"tabe/adapters/approved"
	"tabe/bot"
)

// Channel is the channel.
const Channel bot.ChannelID = "whatsapp"

// Path is where Meta calls, below the public URL.
const Path = "/channels/whatsapp"

// version of the API that requests are written for.
const version = "v23.0"

// DefaultAPI is Meta's own address.
const DefaultAPI = "https://graph.facebook.com"

// Config tells how to reach the API and how to know its calls.
type Config struct {
	Token       string // of the system user
	PhoneID     string // of our number, 15 digits or so
	AppSecret   string // signs what Meta sends
	VerifyToken string // chosen by us, told to Meta for the handshake
	APIURL      string // empty: DefaultAPI
	Templates   approved.Texts
	Choose      func(language string) string // the word that opens a list, at most 20 characters
	Log         *slog.Logger
}

// Account is our number. It is safe for concurrent use.
type Account struct {
	config Config
	http   *http.Client
	log    *slog.Logger
}

// answerTime is how long Meta may take for one call.
const answerTime = 15 * time.Second

// New returns the account, or what is wrong with c.
func New(c Config) (*Account, error) {
	if c.Token == "" || c.PhoneID == "" || c.AppSecret == "" || c.VerifyToken == "" {
		return nil, errors.New("whatsapp: token, phone id, app secret and verify token are needed")
	}
	if strings.Trim(c.PhoneID, "0123456789") != "" {
		return nil, errors.New("whatsapp: the phone id is made of digits; it is not the telephone number")
	}
	if c.APIURL == "" {
		c.APIURL = DefaultAPI
	}
	if u, err := url.Parse(c.APIURL); err != nil || u.Host == "" {
		return nil, errors.New("whatsapp: the API's address is none")
	}
	c.APIURL = strings.TrimSuffix(c.APIURL, "/")
	if c.Choose == nil {
		c.Choose = func(string) string { return "" } // no lists then
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	return &Account{config: c, http: &http.Client{Timeout: answerTime, CheckRedirect: stay}, log: c.Log}, nil
}

// stay follows no redirection: the API has none, and the token would go along.
func stay(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }

// Close ends idle connections.
func (a *Account) Close() { a.http.CloseIdleConnections() }

// signed tells whether a body was signed by Meta: X-Hub-Signature-256 over its
// exact bytes.
func signed(secret string, header string, body []byte) bool {
	given, err := hex.DecodeString(strings.TrimPrefix(header, "sha256="))
	if err != nil || !strings.HasPrefix(header, "sha256=") {
		return false
	}
	h := hmac.New(sha256.New, []byte(secret))
	h.Write(body)
	return hmac.Equal(given, h.Sum(nil))
}

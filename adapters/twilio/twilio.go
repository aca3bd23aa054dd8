// Package twilio carries SMS and WhatsApp over Twilio: webhooks in, the REST
// API out.
package twilio

import (
	"errors"
	"log/slog"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"time"

	"github.com/twilio/twilio-go/client"

	"tabe/adapters/approved"
	"tabe/bot"
)

// The channels of an account.
const (
	SMS      bot.ChannelID = "sms"
	WhatsApp bot.ChannelID = "whatsapp"
)

// Config is what Twilio's console says of an account.
type Config struct {
	AccountSID string
	// AuthTokens are the valid tokens. The first one signs our requests;
	// Twilio may sign with any, so that a token can be changed without a gap.
	AuthTokens []string
	// SMSFrom and WhatsAppFrom are our numbers, +1415…; a channel without one
	// is off.
	SMSFrom, WhatsAppFrom string
	VoiceFrom             string // number that calls come from
	// PublicURL is where Twilio reaches us, without the path of the channel.
	// Signatures are over it, so it must read as configured at Twilio; a proxy
	// takes off the path that it has, if any.
	PublicURL string
	Templates approved.Texts // for WhatsApp
	APIURL    string         // replaces Twilio's address; empty: Twilio's
	Log       *slog.Logger
}

// Account is an account at Twilio. Make one with New; it is safe for concurrent use.
type Account struct {
	config     Config
	api        *url.URL // nil: Twilio's
	validators []client.RequestValidator
	http       *http.Client
	storage    func(*url.URL) bool // where media may be fetched from; a test has its own
	log        *slog.Logger
}

// requestTimeout bounds one request to Twilio; the Sender's own bound comes later.
const requestTimeout = 15 * time.Second

// twilio-go sends nothing with other credentials than these.
var alphanumeric = regexp.MustCompile(`^[a-zA-Z0-9]+$`)

// New checks c. It needs no network.
func New(c Config) (*Account, error) {
	if !alphanumeric.MatchString(c.AccountSID) {
		return nil, errors.New("twilio: the account SID must be letters and digits")
	}
	if len(c.AuthTokens) == 0 {
		return nil, errors.New("twilio: an auth token is needed")
	}
	a := &Account{config: c, storage: storage, log: c.Log}
	for _, token := range c.AuthTokens {
		if !alphanumeric.MatchString(token) {
			return nil, errors.New("twilio: an auth token must be letters and digits")
		}
		a.validators = append(a.validators, client.NewRequestValidator(token))
	}
	if _, err := absolute(c.PublicURL); err != nil {
		return nil, errors.New("twilio: the public URL must be http(s)://host…")
	}
	a.config.PublicURL = strings.TrimRight(c.PublicURL, "/")
	a.config.WhatsAppFrom = strings.TrimPrefix(c.WhatsAppFrom, whatsAppPrefix)
	if c.APIURL != "" {
		var err error
		if a.api, err = absolute(c.APIURL); err != nil {
			return nil, errors.New("twilio: the API URL must be http(s)://host…")
		}
	}
	if a.log == nil {
		a.log = slog.New(slog.DiscardHandler)
	}
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.MaxIdleConnsPerHost = 128 // as many as can send at once on both channels
	a.http = &http.Client{
		Transport:     transport,
		Timeout:       requestTimeout,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	return a, nil
}

func absolute(s string) (*url.URL, error) {
	u, err := url.Parse(s)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return nil, errors.New("not an absolute URL")
	}
	return u, nil
}

// Close drops idle connections.
func (a *Account) Close() { a.http.CloseIdleConnections() }

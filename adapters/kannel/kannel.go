// Package kannel carries SMS through a Kannel gateway, which speaks SMPP to an
// operator or AT commands to a modem.
//
// Kannel has no signatures: it is told apart by where it calls from, so it
// belongs on this machine or on a network of its own.
package kannel

import (
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"time"

	"tabe/bot"
)

// SMS is the channel.
const SMS bot.ChannelID = "sms"

// Where Kannel calls, below the public URL. Its configuration has
//
//	get-url = "http://HOST/channels/kannel?from=%p&to=%P&text=%a&id=%I&smsc=%i&charset=%C&time=%T"
//	max-messages = 0
//	mo-recode = true
const (
	MessagePath = "/channels/kannel"
	ReceiptPath = "/channels/kannel/dlr"
)

// Config tells where Kannel is.
type Config struct {
	URL      string // of sendsms: http://127.0.0.1:13013/cgi-bin/sendsms
	Username string // of its sendsms-user
	Password string
	From     string         // our number or short code
	Callback string         // where Kannel reaches this program: http://127.0.0.1:8080
	Allow    []netip.Prefix // from where it calls; none: this machine only
	Log      *slog.Logger
}

// Gateway is a Kannel. It is safe for concurrent use.
type Gateway struct {
	config Config
	http   *http.Client
	allow  []netip.Prefix
	log    *slog.Logger
}

// answerTime is how long Kannel may take. It answers once it has the message
// itself, not when the message is sent.
const answerTime = 10 * time.Second

// New returns the gateway, or what is wrong with c.
func New(c Config) (*Gateway, error) {
	for name, raw := range map[string]string{"sendsms URL": c.URL, "callback URL": c.Callback} {
		if u, err := url.Parse(raw); err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" || u.RawQuery != "" || u.User != nil {
			return nil, fmt.Errorf("kannel: the %s is no web address", name)
		}
	}
	if c.Username == "" || c.Password == "" {
		return nil, errors.New("kannel: user name and password are needed")
	}
	g := &Gateway{config: c, http: &http.Client{Timeout: answerTime}, allow: c.Allow, log: c.Log}
	g.config.Callback = strings.TrimSuffix(c.Callback, "/")
	if len(g.allow) == 0 {
		g.allow = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("::1/128")}
	}
	if g.log == nil {
		g.log = slog.New(slog.DiscardHandler)
	}
	return g, nil
}

// ParseAllow reads addresses and networks with commas between:
// "10.1.0.4,10.2.0.0/16".
func ParseAllow(s string) (allow []netip.Prefix, err error) {
	for _, part := range strings.FieldsFunc(s, func(r rune) bool { return r == ',' || r == ' ' }) {
		p, err := netip.ParsePrefix(part)
		if err != nil {
			a, err := netip.ParseAddr(part)
			if err != nil {
				return nil, fmt.Errorf("kannel: %q is neither an address nor a network", part)
			}
			p = netip.PrefixFrom(a, a.BitLen())
		}
		allow = append(allow, p.Masked())
	}
	return allow, nil
}

// Close ends idle connections.
func (g *Gateway) Close() { g.http.CloseIdleConnections() }

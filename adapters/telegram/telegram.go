// Package telegram carries messages over the Telegram Bot API: a webhook where
// there is a public URL, long polling elsewhere.
package telegram

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"time"

	"tabe/bot"
)

// Channel is the id of the channel.
const Channel bot.ChannelID = "telegram"

// Config is what BotFather and our own address say.
type Config struct {
	Token string
	// Secret comes back with every webhook: 1-256 of A-Z a-z 0-9 _ -. Needed
	// with a PublicURL.
	Secret    string
	PublicURL string // where Telegram reaches us, without Path; empty: long polling
	APIURL    string // replaces Telegram's address; empty: Telegram's
	// Commands are the names of the command menu: what residents would say,
	// with _ for a blank. Each has a message telegram.command_NAME.
	Commands []string
	Words    Words // nil: no menu, and not a word in groups
	Log      *slog.Logger
}

// Bot is a bot at Telegram. Make one with New; it is safe for concurrent use.
type Bot struct {
	config   Config
	endpoint string // with two %s, for token and method
	http     *http.Client
	log      *slog.Logger
	pace     *pace
	menus    menus
	groups   groups

	longPoll time.Duration // how long Telegram holds a request without updates
	pause    time.Duration // after a failure; doubles
}

var (
	tokenForm  = regexp.MustCompile(`^[A-Za-z0-9:_-]+$`)
	secretForm = regexp.MustCompile(`^[A-Za-z0-9_-]{1,256}$`)
)

// New checks c. It needs no network.
func New(c Config) (*Bot, error) {
	if !tokenForm.MatchString(c.Token) {
		return nil, errors.New("telegram: the token must be of the form 123456:ABC")
	}
	if c.PublicURL != "" && !secretForm.MatchString(c.Secret) {
		return nil, errors.New("telegram: with a public URL a secret of 1-256 letters, digits, _ and - is needed")
	}
	if c.APIURL == "" {
		c.APIURL = "https://api.telegram.org"
	}
	for _, address := range []string{c.PublicURL, c.APIURL} {
		if u, err := url.Parse(address); address != "" && (err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https") {
			return nil, errors.New("telegram: public and API URL must be http(s)://host…")
		}
	}
	c.PublicURL, c.APIURL = strings.TrimRight(c.PublicURL, "/"), strings.TrimRight(c.APIURL, "/")
	base := strings.ReplaceAll(c.APIURL, "%", "%%")
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.MaxIdleConnsPerHost = 64
	b := &Bot{
		config: c, endpoint: base + "/bot%s/%s", log: c.Log,
		// No redirection is followed: the token would go with it.
		http:     &http.Client{Transport: transport, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }},
		longPoll: 50 * time.Second, pause: time.Second, pace: newPace(),
		menus: menus{chats: map[string]string{}}, groups: groups{seen: map[int64]bool{}},
	}
	if b.log == nil {
		b.log = slog.New(slog.DiscardHandler)
	}
	return b, nil
}

// Close drops idle connections.
func (b *Bot) Close() { b.http.CloseIdleConnections() }

// Check tells whether Telegram answers and knows our token.
func (b *Bot) Check(ctx context.Context) error {
	_, err := b.call(ctx, "getMe", nil)
	return err
}

// Run opens the way in. With a public URL it has Telegram call our webhook,
// and returns when Telegram agreed; without one it asks for updates until ctx
// ends. Failures are logged and tried again.
func (b *Bot) Run(ctx context.Context, messages Receiver) {
	method := "deleteWebhook" // Telegram refuses polling while there is one
	params := map[string]string{}
	if b.config.PublicURL != "" {
		method = "setWebhook"
		params["url"] = b.config.PublicURL + Path
		params["secret_token"] = b.config.Secret
		params["allowed_updates"] = allowedUpdates
	}
	for failures := 0; ; failures++ {
		_, err := b.call(ctx, method, params)
		if err == nil {
			break
		}
		if ctx.Err() != nil {
			return
		}
		b.log.Error("cannot open the way in", "channel", Channel, "method", method, "err", err)
		if !b.rest(ctx, failures, err) {
			return
		}
	}
	b.offer(ctx)
	if b.config.PublicURL == "" {
		(&poller{Bot: b, messages: messages, done: map[int]bool{}}).run(ctx)
	}
}

// maxPause is the longest that failures keep us away.
const maxPause = 30 * time.Second

// rest waits after a failure, longer after each further one, and as long as
// Telegram wishes. It reports false if ctx ended.
func (b *Bot) rest(ctx context.Context, failures int, err error) bool {
	wait := min(maxPause, b.pause<<min(failures, 16))
	if failed := (*bot.SendError)(nil); errors.As(err, &failed) {
		wait = max(wait, failed.RetryAfter)
	}
	return sleep(ctx, wait)
}

func sleep(ctx context.Context, d time.Duration) bool {
	select {
	case <-time.After(d):
		return true
	case <-ctx.Done():
		return false
	}
}

package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"strings"

	"tabe/adapters/approved"
	"tabe/adapters/gammu"
	"tabe/adapters/kannel"
	"tabe/adapters/media"
	"tabe/adapters/spool"
	"tabe/adapters/telegram"
	"tabe/adapters/twilio"
	"tabe/adapters/whatsapp"
	"tabe/bot"
	"tabe/locales"
	"tabe/ussd"
)

// way is one configured provider. What it has no need of is nil.
type way struct {
	name     string
	channels []bot.Channel                     // what the sender sends with
	mount    func(mux *http.ServeMux, a *app)  // its front doors
	run      func(ctx context.Context, a *app) // beside the web server, until ctx ends
	check    func(ctx context.Context) error   // does it answer, and know us?
	media    media.Channels                    // what residents sent, for who looks at it
	close    func()
}

// ways are the ways to residents.
type ways []way

// newWays opens what is configured.
func newWays(c config, log *slog.Logger) (all ways, err error) {
	defer func() {
		if err != nil {
			all.close()
		}
	}()
	for _, open := range []func(config, *slog.Logger) (way, error){twilioWay, telegramWay, whatsappWay, kannelWay, gammuWay, ussdWay} {
		w, err := open(c, log)
		if err != nil {
			return all, err
		}
		if w.name != "" {
			all = append(all, w)
		}
	}
	carriers := map[bot.ChannelID]string{}
	for _, w := range all {
		for _, channel := range w.channels {
			if other, taken := carriers[channel.ID()]; taken {
				return all, fmt.Errorf("%s and %s are both configured to carry %s: choose one", other, w.name, channel.ID())
			}
			carriers[channel.ID()] = w.name
		}
	}
	return all, nil
}

func twilioWay(c config, log *slog.Logger) (way, error) {
	t := c.twilio
	if t.accountSID == "" {
		return way{}, nil
	}
	templates, err := readTemplates("TABE_TWILIO_TEMPLATES", t.templates, twilio.ParseTemplates)
	if err != nil {
		return way{}, err
	}
	account, err := twilio.New(twilio.Config{
		AccountSID: t.accountSID, AuthTokens: strings.Split(t.authToken, ","), SMSFrom: t.smsFrom, WhatsAppFrom: t.whatsappFrom, VoiceFrom: t.voiceFrom,
		PublicURL: c.publicURL, Templates: templates, APIURL: t.apiURL, Log: log,
	})
	if err != nil {
		return way{}, err
	}
	// Twilio comes again for a few seconds at most, and only if the address at
	// the number says so.
	kept, err := openShelter(c, log)
	if err != nil {
		account.Close()
		return way{}, err
	}
	return way{
		name: "twilio", channels: account.Channels(), check: account.Check, close: account.Close, run: kept.run,
		media: media.Channels{twilio.SMS: account.Fetch, twilio.WhatsApp: account.Fetch},
		mount: func(mux *http.ServeMux, a *app) {
			doors := account.Handler(kept.receiver(a), a.store)
			mux.Handle("POST "+twilio.MessagePath, doors)
			mux.Handle("POST "+twilio.StatusPath, doors)
			if t.voiceFrom != "" {
				again, err := a.words.Text("id", "siaga.press_again", "voice", nil)
				if err != nil { // the build checks that it is there
					log.Error("no words", "err", err)
				}
				calls := account.VoiceHandler(a.engine, a.store, again)
				mux.Handle("POST "+twilio.KeyPath, calls)
				mux.Handle("POST "+twilio.CallStatusPath, calls)
			}
		},
	}, nil
}

// shelter keeps the messages of a provider that does not come again while the
// database is away, if there is a disk for that.
type shelter struct{ spool *spool.Spool }

func openShelter(c config, log *slog.Logger) (s shelter, err error) {
	if c.spool != noSpool {
		if s.spool, err = spool.Open(c.spool, c.secretKey, log); err != nil {
			err = fmt.Errorf("TABE_SPOOL: %w", err)
		}
	}
	return s, err
}

// receiver is who takes the messages.
func (s shelter) receiver(a *app) spool.Receiver {
	if s.spool == nil {
		return a.engine
	}
	s.spool.Connect(a.engine)
	return s.spool
}

func (s shelter) run(ctx context.Context, _ *app) {
	if s.spool != nil {
		s.spool.Run(ctx)
	}
}

// readTemplates reads the file of WhatsApp's approved texts that a setting
// names, if there is one.
func readTemplates(setting, path string, parse func(io.Reader) (approved.Texts, error)) (approved.Texts, error) {
	if path == "" {
		return nil, nil
	}
	file, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", setting, err)
	}
	defer file.Close()
	templates, err := parse(file)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", setting, err)
	}
	return templates, nil
}

// telegramCommands is the command menu. An emergency is not in it: a slip of the
// thumb would send somebody.
var telegramCommands = []string{"menu", "pajak", "izin", "macca", "lapor", "kantor", "petugas", "bahasa", "data", "tautan"}

func telegramWay(c config, log *slog.Logger) (way, error) {
	t := c.telegram
	if t.token == "" {
		return way{}, nil
	}
	words, err := locales.New()
	if err != nil {
		return way{}, err
	}
	b, err := telegram.New(telegram.Config{
		Token: t.token, Secret: t.secret, PublicURL: c.publicURL, APIURL: t.apiURL, Log: log, Commands: telegramCommands,
		Words: func(language, key string) string {
			text, err := words.Text(language, key, "", nil)
			if err != nil { // the build checks that it is there
				log.Error("no words", "err", err)
			}
			return text
		},
	})
	if err != nil {
		return way{}, err
	}
	return way{
		name: "telegram", channels: []bot.Channel{b}, check: b.Check, close: b.Close, media: media.Channels{telegram.Channel: b.Fetch},
		mount: func(mux *http.ServeMux, a *app) {
			if c.publicURL != "" { // otherwise we ask for messages ourselves
				mux.Handle("POST "+telegram.Path, b.Webhook(a.engine))
			}
		},
		run: func(ctx context.Context, a *app) { b.Run(ctx, a.engine) },
	}, nil
}

func whatsappWay(c config, log *slog.Logger) (way, error) {
	w := c.whatsapp
	if w.token == "" {
		return way{}, nil
	}
	words, err := locales.New()
	if err != nil {
		return way{}, err
	}
	templates, err := readTemplates("TABE_WHATSAPP_TEMPLATES", w.templates, whatsapp.ParseTemplates)
	if err != nil {
		return way{}, err
	}
	account, err := whatsapp.New(whatsapp.Config{
		Token: w.token, PhoneID: w.phoneID, AppSecret: w.appSecret, VerifyToken: w.verifyToken, APIURL: w.apiURL, Templates: templates, Log: log,
		Choose: func(language string) string {
			word, err := words.Text(language, "option.choose", "", nil)
			if err != nil { // the build checks that it is there
				log.Error("no words", "err", err)
			}
			return word
		},
	})
	if err != nil {
		return way{}, err
	}
	return way{
		name: "whatsapp", channels: []bot.Channel{account}, check: account.Check, close: account.Close, media: media.Channels{whatsapp.Channel: account.Fetch},
		mount: func(mux *http.ServeMux, a *app) {
			doors := account.Handler(a.engine, a.store)
			mux.Handle("GET "+whatsapp.Path, doors)
			mux.Handle("POST "+whatsapp.Path, doors)
		},
	}, nil
}

func kannelWay(c config, log *slog.Logger) (way, error) {
	k := c.kannel
	if k.url == "" {
		return way{}, nil
	}
	allow, err := kannel.ParseAllow(k.allow)
	if err != nil {
		return way{}, err
	}
	gateway, err := kannel.New(kannel.Config{
		URL: k.url, Username: k.username, Password: k.password, From: k.from, Callback: k.callback, Allow: allow, Log: log,
	})
	if err != nil {
		return way{}, err
	}
	// Kannel asks once, unless it is told otherwise (http-request-retry).
	kept, err := openShelter(c, log)
	if err != nil {
		gateway.Close()
		return way{}, err
	}
	return way{
		name: "kannel", channels: []bot.Channel{gateway}, check: gateway.Check, close: gateway.Close, run: kept.run,
		mount: func(mux *http.ServeMux, a *app) {
			doors := gateway.Handler(kept.receiver(a), a.store)
			mux.Handle("GET "+kannel.MessagePath, doors)
			mux.Handle("GET "+kannel.ReceiptPath, doors)
		},
	}, nil
}

func gammuWay(c config, log *slog.Logger) (way, error) {
	if c.gammuURL == "" {
		return way{}, nil
	}
	modem, err := gammu.Open(context.Background(), gammu.Config{DatabaseURL: c.gammuURL, Log: log})
	if err != nil {
		return way{}, err
	}
	return way{
		name: "gammu", channels: []bot.Channel{modem}, check: modem.Check, close: modem.Close,
		run: func(ctx context.Context, a *app) { modem.Run(ctx, a.engine, a.store) },
	}, nil
}

func ussdWay(c config, log *slog.Logger) (way, error) {
	if c.ussdSecret == "" {
		return way{}, nil
	}
	return way{
		name: "ussd",
		mount: func(mux *http.ServeMux, a *app) {
			mux.Handle("POST /channels/ussd", a.ussd(ussd.Dialects[c.ussdDialect], c.ussdSecret, log))
		},
	}, nil
}

// out returns what the sender sends with.
func (w ways) out() (all []bot.Channel) {
	for _, one := range w {
		all = append(all, one.channels...)
	}
	return all
}

// media returns by which way what residents sent is fetched. Of a channel that
// two of them know, only one has a number for it.
func (w ways) media() media.Channels {
	all := media.Channels{}
	for _, one := range w {
		for _, channel := range one.channels {
			if fetch, ok := one.media[channel.ID()]; ok {
				all[channel.ID()] = fetch
			}
		}
	}
	return all
}

// mount opens the front doors.
func (w ways) mount(mux *http.ServeMux, a *app) {
	for _, one := range w {
		if one.mount != nil {
			one.mount(mux, a)
		}
	}
}

// runners are what has to run besides the web server.
func (w ways) runners(a *app) (all []func(context.Context) error) {
	for _, one := range w {
		if one.run != nil {
			all = append(all, func(ctx context.Context) error {
				one.run(ctx, a)
				<-ctx.Done() // it may have nothing left to do
				return nil
			})
		}
	}
	return all
}

// check looks at every provider.
func (w ways) check(ctx context.Context, look func(ctx context.Context, what string, f func(context.Context) (string, error))) {
	for _, one := range w {
		look(ctx, one.name, func(ctx context.Context) (string, error) {
			if one.check == nil {
				return "waits for the gateway", nil
			}
			return "knows us", one.check(ctx)
		})
	}
}

func (w ways) close() {
	for _, one := range w {
		if one.close != nil {
			one.close()
		}
	}
}

package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"time"

	"tabe/adapters/telegram"
	"tabe/adapters/twilio"
	"tabe/bot"
	"tabe/ussd"
)

// serveCommand runs the production system.
type serveCommand struct {
	dataFlag
}

func (c *serveCommand) Run(ctx context.Context, std streams) error {
	config, err := readConfig(std.getenv, c.Data)
	if err != nil {
		return fmt.Errorf("the configuration is not complete:\n%w", err)
	}
	if !config.channels() {
		return errors.New("no channel is configured: set TABE_TWILIO_ACCOUNT_SID, TABE_TELEGRAM_TOKEN or TABE_USSD_SECRET")
	}
	log := slog.New(slog.NewJSONHandler(std.err, nil))
	ways, err := newChannels(config, log)
	if err != nil {
		return err
	}
	defer ways.close()
	o := options{
		databaseURL: config.databaseURL, redisURL: config.redisURL, secretKey: config.secretKey, dataDir: c.Data, boundaries: config.boundaries,
		channels: ways.out(), clock: time.Now, log: log,
	}
	a, err := open(ctx, o)
	if err != nil {
		return err
	}
	defer a.close()
	if err := a.center.SeedContacts(ctx, false); err != nil {
		return err
	}
	listener, err := net.Listen("tcp", config.addr)
	if err != nil {
		return err
	}
	mux := http.NewServeMux()
	a.health(mux)
	ways.mount(mux, a, config)
	mux.Handle("/open311/", a.open311(o, config.publicURL, config.open311Keys))
	if _, err := a.mountConsole(mux, o, strings.HasPrefix(config.publicURL, "https:")); err != nil {
		return err
	}
	log.Info("serving", "addr", listener.Addr().String())
	return together(ctx, append(ways.runners(a),
		a.run,
		func(ctx context.Context) error { return serveHTTP(ctx, listener, mux, log) },
	)...)
}

// ways are the configured ways to residents; nil ones are off.
type ways struct {
	twilio   *twilio.Account
	telegram *telegram.Bot
	log      *slog.Logger
}

func newChannels(c config, log *slog.Logger) (*ways, error) {
	w := &ways{log: log}
	var err error
	if t := c.twilio; t.accountSID != "" {
		w.twilio, err = twilio.New(twilio.Config{
			AccountSID: t.accountSID, AuthTokens: strings.Split(t.authToken, ","), SMSFrom: t.smsFrom, WhatsAppFrom: t.whatsappFrom,
			PublicURL: c.publicURL, APIURL: t.apiURL, Log: log,
		})
		if err != nil {
			return nil, err
		}
	}
	if t := c.telegram; t.token != "" {
		w.telegram, err = telegram.New(telegram.Config{Token: t.token, Secret: t.secret, PublicURL: c.publicURL, APIURL: t.apiURL, Log: log})
		if err != nil {
			return nil, err
		}
	}
	return w, nil
}

// out returns what the sender sends with.
func (w *ways) out() []bot.Channel {
	var all []bot.Channel
	if w.twilio != nil {
		all = w.twilio.Channels()
	}
	if w.telegram != nil {
		all = append(all, w.telegram)
	}
	return all
}

// mount opens the front doors.
func (w *ways) mount(mux *http.ServeMux, a *app, c config) {
	if w.twilio != nil {
		doors := w.twilio.Handler(a.engine, a.store)
		mux.Handle("POST /channels/twilio", doors)
		mux.Handle("POST /channels/twilio/status", doors)
	}
	if w.telegram != nil && c.publicURL != "" {
		mux.Handle("POST "+telegram.Path, w.telegram.Webhook(a.engine))
	}
	if c.ussdSecret != "" {
		mux.Handle("POST /channels/ussd", a.ussd(c.ussdSecret, w.log))
	}
}

// runners are what has to run besides the web server.
func (w *ways) runners(a *app) []func(context.Context) error {
	if w.telegram == nil {
		return nil
	}
	return []func(context.Context) error{func(ctx context.Context) error {
		w.telegram.Run(ctx, a.engine)
		<-ctx.Done() // with a webhook there is nothing left to do
		return nil
	}}
}

func (w *ways) close() {
	if w.twilio != nil {
		w.twilio.Close()
	}
	if w.telegram != nil {
		w.telegram.Close()
	}
}

// ussd is the front door of dialled codes.
func (a *app) ussd(secret string, log *slog.Logger) http.Handler {
	return ussd.NewHandler(ussd.Config{
		Dialect: ussd.AfricasTalking{}, Conversation: a.engine, Secret: secret, Log: log,
		Busy: func() string {
			text, err := a.words.Text("id", "system_busy", "ussd", nil)
			if err != nil { // the build checks that it is there
				log.Error("no words", "err", err)
			}
			return text
		},
	})
}

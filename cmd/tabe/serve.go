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

	"tabe/adapters/traces"
	"tabe/adapters/webchat"
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
	collectLess(std.getenv)
	log := slog.New(slog.NewJSONHandler(std.err, nil))
	ways, err := newWays(config, log)
	if err != nil {
		return err
	}
	defer ways.close()
	if len(ways) == 0 {
		return errors.New("no channel is configured: set TABE_TWILIO_ACCOUNT_SID, TABE_TELEGRAM_TOKEN, TABE_WHATSAPP_TOKEN, TABE_KANNEL_URL, TABE_GAMMU_DATABASE_URL or TABE_USSD_SECRET")
	}
	taken, err := config.openTraces(ctx, log)
	if err != nil {
		return err
	}
	defer taken.Close()
	o := options{
		databaseURL: config.databaseURL, redisURL: config.redisURL, secretKey: config.secretKey, dataDir: c.Data, boundaries: config.boundaries, interfaces: config.interfaces,
		channels: ways.out(), limits: config.limits, media: ways.media(), traces: taken, clock: time.Now, log: log,
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
	a.health(mux, config.metricsKey)
	doors := http.NewServeMux()
	ways.mount(doors, a)
	mux.Handle("/channels/", taken.Doors(doors))
	a.mountWebChat(mux, taken)
	if err := a.mountOpen311(mux, o, config.publicURL, config.open311Keys); err != nil {
		return err
	}
	if _, err := a.mountConsole(mux, o, strings.HasPrefix(config.publicURL, "https:")); err != nil {
		return err
	}
	agencies := a.mountAgencies(mux, o, config.publicURL, config.agencies)
	log.Info("serving", "addr", listener.Addr().String())
	return together(ctx, append(ways.runners(a),
		a.run, agencies,
		func(ctx context.Context) error { return serveHTTP(ctx, listener, mux, log) },
	)...)
}

// mountWebChat opens the chat of the regency's site, if there is one.
func (a *app) mountWebChat(mux *http.ServeMux, taken *traces.Traces) {
	if a.webChat != nil {
		chat := taken.Doors(a.webChat.Handler(a.engine))
		mux.Handle(webchat.Path, chat)
		mux.Handle(webchat.Path+"/", chat)
	}
}

// ussd is the front door of dialled codes.
func (a *app) ussd(dialect ussd.Dialect, secret string, log *slog.Logger) http.Handler {
	return ussd.NewHandler(ussd.Config{
		Dialect: dialect, Conversation: a.engine, Secret: secret, Log: log,
		Busy: func() string {
			text, err := a.words.Text("id", "system_busy", "ussd", nil)
			if err != nil { // the build checks that it is there
				log.Error("no words", "err", err)
			}
			return text
		},
	})
}

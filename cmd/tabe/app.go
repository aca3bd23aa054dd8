package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"slices"
	"sync"
	"time"

	"tabe/adapters/complaints"
	"tabe/adapters/costs"
	"tabe/adapters/database"
	"tabe/adapters/desk"
	"tabe/adapters/links"
	"tabe/adapters/media"
	"tabe/adapters/metrics"
	"tabe/adapters/notices"
	"tabe/adapters/redis"
	"tabe/adapters/registry/macca"
	"tabe/adapters/scc"
	"tabe/adapters/scc/alerts"
	"tabe/adapters/scc/audit"
	"tabe/adapters/scc/geo"
	"tabe/adapters/store"
	"tabe/adapters/traces"
	"tabe/adapters/twilio"
	"tabe/adapters/webchat"
	"tabe/bot"
	"tabe/bot/understand"
	"tabe/locales"
	"tabe/ussd"
)

// options is what the commands decide differently about the same house.
type options struct {
	databaseURL string
	redisURL    string
	secretKey   []byte
	boundaries  string // file of the outlines of the desa; empty: their points are enough
	interfaces  interfaces
	dataDir     string // holds pbb.toml, if the rules differ from the built-in ones
	channels    []bot.Channel
	limits      map[bot.ChannelID]float64 // messages a second, urgent ones excepted; of what is not there, none
	media       media.Channels            // of them, what residents sent
	webChat     *webchat.Config           // what the site's chat is allowed; nil: there is none
	traces      *traces.Traces            // nil: none are taken
	inline      bool                      // every channel carries its answers back in the request
	clock       func() time.Time
	log         *slog.Logger
}

// app is everything wired together.
type app struct {
	db            *database.DB
	store         *store.Store
	desk          *desk.Desk
	links         *links.Links
	complaints    *complaints.Register
	told          told
	tariffs       *costs.Tariffs
	ledger        *costs.Ledger // of what messages cost
	subscriptions *notices.Subscriptions
	telling       *notices.Job
	rice          *macca.Schedule
	registries    registries
	center        *scc.Center
	alerts        *alerts.Book
	stream        *audit.Log      // what happens at the command center
	sessions      *redis.Sessions // nil without TABE_REDIS_URL
	engine        *bot.Engine
	sender        *bot.Sender
	metrics       *metrics.Metrics
	webChat       *webchat.Chat // nil: there is none
	words         *locales.Catalog
	jobs          []func(ctx context.Context) // run beside the conversations, until ctx ends
}

// The channels that reach residents.
const (
	smsChannel      bot.ChannelID = "sms"
	whatsappChannel bot.ChannelID = "whatsapp"
	telegramChannel bot.ChannelID = "telegram"
)

// open builds the house on its database. Close it in any case.
func open(ctx context.Context, o options) (*app, error) {
	if o.clock == nil {
		o.clock = time.Now
	}
	a := &app{}
	err := a.build(ctx, o)
	if err != nil {
		err = errors.Join(err, a.close())
	}
	return a, err
}

func (a *app) build(ctx context.Context, o options) (err error) {
	if a.words, err = locales.New(); err != nil {
		return err
	}
	ears, err := understand.New()
	if err != nil {
		return err
	}
	if a.db, err = database.Open(ctx, o.databaseURL); err != nil {
		return err
	}
	a.stream = audit.New(a.db)
	if a.rice, err = macca.OpenSchedule(o.dataDir, o.log); err != nil {
		return err
	}
	if a.registries, err = a.openRegistries(o); err != nil {
		return err
	}
	if a.complaints, err = complaints.NewRegister(a.db, o.secretKey, ears.Redact); err != nil {
		return err
	}
	if a.center, err = newCenter(a, o); err != nil {
		return err
	}
	a.alerts = newAlerts(a, o)
	if a.told, err = toldRules(o.dataDir); err != nil {
		return err
	}
	a.told.approved, a.told.carried = anytime(o.channels), carried(o)
	if a.tariffs, err = readTariffs(o.dataDir); err != nil {
		return err
	}
	a.ledger = costs.New(a.db, a.tariffs.Limits, o.clock, o.log)
	if a.subscriptions, err = notices.New(a.db, o.secretKey, a.words, o.clock); err != nil {
		return err
	}
	if a.desk, err = newDesk(a, o); err != nil {
		return err
	}
	if o.webChat != nil {
		if a.webChat, err = webchat.New(webchat.Config{DB: a.db, Secret: o.secretKey, Origins: o.webChat.Origins, Clock: o.clock, Log: o.log}); err != nil {
			return err
		}
	}
	if a.links, err = newLinks(a, o); err != nil {
		return err
	}
	if a.store, err = store.New(a.db, o.secretKey, o.clock, a.effects(o.clock)...); err != nil {
		return err
	}
	a.store.OnAccept(a.links.Owner)
	a.desk.Connect(a.store)
	a.links.Connect(a.store)
	list, home, err := a.services(o, ears).flows()
	if err != nil {
		return err
	}
	a.metrics = metrics.New(a.store, a.center, a.ledger, o.log)
	channels := o.channels
	if a.webChat != nil {
		channels = append(slices.Clip(channels), a.webChat)
		a.jobs = append(a.jobs, a.webChat.Run)
	}
	a.sender = a.newSender(o, channels)
	config := bot.Config{
		Store: o.traces.Journal(a.store), Words: a.words, Understand: ears.Understand,
		Flows: list, Home: home, Formats: formats(o.inline), Allowance: allowance(a.tariffs),
		Deliver: a.sender.Push, Observe: func(told bot.Turned) { a.metrics.Turned(told); o.traces.Turned(told) },
		Clock: o.clock, Log: o.traces.Log(o.log),
	}
	if o.redisURL != "" {
		if a.sessions, err = redis.Open(o.redisURL, o.secretKey); err != nil {
			return fmt.Errorf("TABE_REDIS_URL: %w", err)
		}
		config.Sessions = a.sessions
	}
	if a.engine, err = bot.New(config); err != nil {
		return err
	}
	a.store.OnPost(a.engine.Wake)
	a.jobs = append(a.jobs, a.center.Run)
	return a.tell(o)
}

// newSender makes the sender, and tells what it does to all who count it.
func (a *app) newSender(o options, channels []bot.Channel) *bot.Sender {
	a.store.OnReceipt(o.traces.Receipted)
	s := bot.NewSender(a.store, o.clock, o.traces.Log(o.log), channels...)
	s.Price(a.tariffs.Price)
	s.Observe(func(told bot.Attempted) {
		a.metrics.Attempted(told)
		a.ledger.Add(told)
		o.traces.Attempted(told)
	})
	for c, perSecond := range o.limits {
		s.Limit(c, perSecond)
	}
	s.OnOptOut(a.optOut(o.log))
	a.metrics.Outages(s.Outages)
	a.jobs = append(a.jobs, a.ledger.Run, a.outages(o, s.Outages).Run)
	return s
}

// outages tells the consoles which channels this process cannot send by.
func (a *app) outages(o options, look func() []bot.Outage) *store.Outages {
	return &store.Outages{
		Store: a.store, Node: rand.Text(), Look: look, Log: o.log,
		Event: func(tx *database.Tx, at time.Time, kind string, c bot.ChannelID) error {
			_, err := a.stream.Append(tx, at, "sender", kind, "", string(c))
			return err
		},
	}
}

// newCenter makes the command center.
func newCenter(a *app, o options) (*scc.Center, error) {
	regency := geo.New()
	if o.boundaries != "" {
		file, err := os.Open(o.boundaries)
		if err != nil {
			return nil, fmt.Errorf("TABE_BOUNDARIES: %w", err)
		}
		defer file.Close()
		if regency, err = regency.WithOutlines(file); err != nil {
			return nil, fmt.Errorf("TABE_BOUNDARIES: %w", err)
		}
	}
	var out []bot.ChannelID
	for _, c := range o.channels {
		out = append(out, c.ID())
	}
	return scc.New(scc.Config{
		DB: a.db, Secret: o.secretKey, Map: regency, Mail: func() scc.Mail { return a.store }, Event: a.stream.Append,
		Channels: out, Clock: o.clock, Log: o.log,
	})
}

// formats tells how each channel shows a text.
func formats(inline bool) map[bot.ChannelID]bot.ChannelFormat {
	dialogues := ussd.Format(ussd.MaxScreen)
	all := map[bot.ChannelID]bot.ChannelFormat{
		smsChannel:      {},
		whatsappChannel: {Window: 24 * time.Hour}, // after that only approved templates
		telegramChannel: {Buttons: true, Asks: true},
		twilio.Voice:    {Variant: "voice"},               // read out
		twilio.Keys:     {Variant: "voice", Inline: true}, // pressed and answered in the same call
		webchat.Channel: {Buttons: true},
		ussd.Channel:    dialogues,
	}
	if inline {
		for id, f := range all {
			f.Inline = true
			// A terminal sends one input at a time and opens dialogues itself.
			f.Interpret = nil
			all[id] = f
		}
	}
	return all
}

// run answers and sends until ctx ends, then finishes what has begun.
func (a *app) run(ctx context.Context) error {
	const drain, count = 8 * time.Second, time.Second
	sending, stopSending := context.WithCancel(context.WithoutCancel(ctx))
	sent := make(chan struct{})
	go func() { a.sender.Run(sending); close(sent) }()
	a.telling.Rest(ctx) // before anything that was left behind is told
	var working sync.WaitGroup
	for _, job := range a.jobs {
		working.Go(func() { job(ctx) })
	}
	a.engine.Recover(ctx)
	working.Wait()
	draining, cancel := context.WithTimeout(context.WithoutCancel(ctx), drain)
	defer cancel()
	err := a.engine.Close(draining)
	stopSending()
	select {
	case <-sent:
	case <-draining.Done(): // the leases end by themselves
	}
	counting, cancel := context.WithTimeout(context.WithoutCancel(ctx), count)
	defer cancel()
	return errors.Join(err, a.ledger.Flush(counting)) // what the last messages cost
}

func (a *app) close() error {
	for _, end := range a.registries.close {
		end()
	}
	var problems []error
	if a.sessions != nil {
		problems = append(problems, a.sessions.Close())
	}
	if a.db != nil {
		problems = append(problems, a.db.Close())
	}
	return errors.Join(problems...)
}

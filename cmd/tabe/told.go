package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strconv"
	"time"

	"tabe/adapters/database"
	"tabe/adapters/notices"
	"tabe/adapters/privacy"
	pbbregistry "tabe/adapters/registry/pbb"
	"tabe/adapters/survey"
	"tabe/bot"
	"tabe/bot/sms"
	"tabe/flows/kabar"
	"tabe/flows/macca"
	"tabe/flows/pbb"
	"tabe/flows/perizinan"
	"tabe/flows/privasi"
)

// told are the rules of what residents are told by themselves, and of how long
// anything is kept of them.
type told struct {
	pace      notices.Rules
	survey    survey.Rules
	retention privacy.Retention
	approved  func(c bot.ChannelID, n bot.Notice) bool
	carried   func(c bot.ChannelID) bool
}

// toldRules reads them from the data folder, or takes the built-in ones.
func toldRules(dataDir string) (t told, err error) {
	if t.pace, err = rules(dataDir, "notices.toml", notices.DefaultRules, notices.ParseRules); err != nil {
		return t, err
	}
	if t.survey, err = rules(dataDir, "survey.toml", survey.DefaultRules, survey.ParseRules); err != nil {
		return t, err
	}
	t.retention, err = rules(dataDir, "retention.toml", privacy.DefaultRetention, privacy.ParseRetention)
	return t, err
}

// records is what a resident can see of what is kept of him.
func (a *app) records() privasi.Records {
	return privacy.Records{DB: a.db, Words: a.words, Told: a.subscriptions, Retention: a.told.retention,
		Complaints: a.complaints.Count, Incidents: a.center.Reported}
}

// post is the way by which residents are told.
func (a *app) post(clock func() time.Time) *notices.Post {
	return &notices.Post{Journal: a.store, Rules: a.told.pace, Approved: a.told.approved, Carries: a.told.carried, Spent: a.ledger.Spent, Clock: clock}
}

// broadcasts are the messages of offices.
func (a *app) broadcasts(clock func() time.Time) *notices.Broadcasts {
	return &notices.Broadcasts{Subscriptions: a.subscriptions, Post: a.post(clock), Measure: a.measureNews, Price: a.priceNews}
}

// announcement is the message by which residents are told the news of an office.
const announcement = "kabar.news"

// priceNews returns the most that one message of an office costs.
func (a *app) priceNews(c bot.ChannelID, segments int) bot.Rupiah {
	return a.tariffs.AtMost(c, announcement, segments)
}

// optOut ends what a resident is told by himself once his provider says that he
// wants no more of us. If it cannot be written down, the provider says it again
// of the next message.
func (a *app) optOut(log *slog.Logger) func(context.Context, bot.Outbound) {
	return func(ctx context.Context, o bot.Outbound) {
		subject := "tel:" + o.Peer
		if o.Channel == telegramChannel {
			subject = "telegram:" + o.Peer // a chat of two has the number of the account
		}
		err := a.db.Do(ctx, func(tx *database.Tx) error {
			_, err := a.store.Post(tx, kabar.OptOut(strconv.FormatInt(o.ID, 10), o.Channel, o.Peer, subject), time.Time{})
			return err
		})
		if err != nil {
			log.Error("cannot end what a resident is told", "channel", o.Channel, "id", o.ID, "err", err)
		}
	}
}

// measureNews returns how many segments a message of an office takes by SMS.
func (a *app) measureNews(language, office, text string) (int, error) {
	data := bot.Data{"sender": office, "announcement": text}
	body, err := a.words.Text(language, announcement, "", data)
	if err != nil {
		return 0, err
	}
	menu, err := a.words.Text(language, "option."+bot.MenuValue, "", nil)
	_, segments := sms.Segments(sms.Fold(body + "\n0 " + menu))
	return segments, err
}

// purposes are what residents can be told of, the most urgent first.
func (a *app) purposes(dataDir string) ([]notices.Purpose, error) {
	taxRules, err := rules(dataDir, "pbb.toml", pbb.DefaultRules, pbb.ParseRules)
	if err != nil {
		return nil, err
	}
	return []notices.Purpose{
		{Name: perizinan.Purpose, Flow: perizinan.Name, Source: a.registries.permits, Every: 10 * time.Minute},
		{Name: macca.Purpose, Flow: macca.Name, Source: a.rice, Every: time.Hour},
		{Name: pbb.Due, Flow: "pbb", Source: pbbregistry.Due{Registry: pbbregistry.New(a.db), Rules: taxRules}, Every: 6 * time.Hour},
	}, nil
}

// tell sets up the jobs that tell residents what there is to tell, and erase
// what is too old.
func (a *app) tell(o options) error {
	purposes, err := a.purposes(o.dataDir)
	if err != nil {
		return err
	}
	post := a.post(o.clock)
	broadcasts := a.broadcasts(o.clock)
	a.telling = &notices.Job{
		Rounds: []notices.Round{
			&notices.Reconciler{Subscriptions: a.subscriptions, Post: post, Purposes: purposes, Log: o.log},
			broadcasts,
			&survey.Inviter{DB: a.db, Messages: a.store, Positions: a.engine, Post: post, Rules: a.told.survey, Log: o.log},
		},
		Nights: []notices.Round{broadcasts}, // whose warnings do not wait
		Store:  a.store, Clock: o.clock, Log: o.log,
	}
	a.jobs = append(a.jobs, a.telling.Run, a.keep(o).Run)
	if a.told.carried(smsChannel) {
		reserve := &notices.Reserve{Subscriptions: a.subscriptions, Store: a.store, Clock: o.clock, Log: o.log}
		a.jobs = append(a.jobs, reserve.Run)
	}
	return nil
}

// keep is the job that erases what is too old.
func (a *app) keep(o options) *privacy.Keeper {
	return &privacy.Keeper{
		DB: a.db, Retention: a.told.retention, Clock: o.clock, Log: o.log,
		Prunes: map[privacy.Kind]privacy.Prune{
			privacy.Messages:      a.pruneMessages,
			privacy.Subscriptions: a.subscriptions.Prune,
			privacy.Stopped:       a.subscriptions.PruneStopped,
			privacy.Incidents:     a.center.Prune,
			privacy.Complaints:    a.complaints.Prune,
			privacy.Survey: func(ctx context.Context, before time.Time) (int64, error) {
				return survey.Prune(ctx, a.db, before)
			},
		},
	}
}

// pruneMessages removes old messages, what operators made of them, and the links
// of accounts to residents of whom nothing is left.
func (a *app) pruneMessages(ctx context.Context, before time.Time) (int64, error) {
	messages, err := a.store.Prune(ctx, before)
	cases, other := a.desk.Prune(ctx, before)
	accounts, third := a.links.Prune(ctx, before)
	return messages + cases + accounts, errors.Join(err, other, third)
}

// noticed tells how many notices left in the last week, and how many could not.
func noticed(ctx context.Context, db *database.DB) (string, error) {
	const week = 7 * 24 * time.Hour
	counts, err := notices.Counts(ctx, db, time.Now().Add(-week))
	outcomes := map[string]int64{}
	for _, c := range counts {
		outcomes[c.Outcome] += c.N
	}
	text := "none in the last 7 days"
	for i, outcome := range slices.Sorted(maps.Keys(outcomes)) {
		if i == 0 {
			text = "in the last 7 days:"
		}
		text += fmt.Sprintf(" %d %s", outcomes[outcome], outcome)
	}
	return text, err
}

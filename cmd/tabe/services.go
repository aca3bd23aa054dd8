package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	"tabe/adapters/complaints"
	"tabe/adapters/database"
	"tabe/adapters/desk"
	"tabe/adapters/offices"
	"tabe/adapters/privacy"
	maccaregistry "tabe/adapters/registry/macca"
	"tabe/adapters/scc"
	"tabe/adapters/scc/geo"
	"tabe/adapters/store"
	"tabe/adapters/survey"
	"tabe/adapters/twilio"
	"tabe/adapters/unanswered"
	"tabe/bot"
	"tabe/bot/understand"
	"tabe/flows/bahasa"
	"tabe/flows/darurat"
	"tabe/flows/kabar"
	"tabe/flows/kantor"
	"tabe/flows/macca"
	"tabe/flows/menu"
	"tabe/flows/pbb"
	"tabe/flows/pengaduan"
	"tabe/flows/perizinan"
	"tabe/flows/petugas"
	"tabe/flows/privasi"
	"tabe/flows/siaga"
	"tabe/flows/survei"
	"tabe/flows/tautan"
	"tabe/ussd"
)

// services are what the flows need of the outside. The flows of the zero value
// have all their states, but nobody to ask.
type services struct {
	dataDir string // holds the rules that differ from the built-in ones
	redact  func(string) string
	taxes   pbb.Registry
	aid     macca.Registry
	rice    macca.Schedule
	permits perizinan.Registry
	tickets pengaduan.Register
	told    kabar.Subscriptions
	bySMS   bool // somebody sends SMS
	records privasi.Records
	center  *scc.Center
	desk    *desk.Desk
	codes   tautan.Codes
	watch   func(*kantor.Data) kantor.Sites // looks at the offices' sites
}

// services connects the flows to this house.
func (a *app) services(o options, ears *understand.Understander) services {
	return services{
		dataDir: o.dataDir, redact: ears.Redact,
		aid: maccaregistry.New(a.db), rice: a.rice,
		taxes: a.registries.taxes, permits: a.registries.permits, tickets: a.complaints, center: a.center,
		told: a.subscriptions, bySMS: a.told.carried(smsChannel), records: a.records(), desk: a.desk, codes: a.links,
		watch: func(d *kantor.Data) kantor.Sites {
			w := offices.New(offices.Config{Hosts: d.Sites(), Every: d.CheckEvery(), Clock: o.clock, Log: o.log})
			a.jobs = append(a.jobs, w.Run)
			return w
		},
	}
}

// flows returns every service, and the one that greets. Those that claim
// messages are asked in this order: emergencies come first.
func (s services) flows() (all []bot.Flow, home bot.Flow, err error) {
	taxRules, err := rules(s.dataDir, "pbb.toml", pbb.DefaultRules, pbb.ParseRules)
	if err != nil {
		return nil, nil, err
	}
	permitRules, err := rules(s.dataDir, "perizinan.toml", perizinan.DefaultRules, perizinan.ParseRules)
	if err != nil {
		return nil, nil, err
	}
	directory, err := rules(s.dataDir, "kantor.toml", kantor.DefaultData, kantor.ParseData)
	if err != nil {
		return nil, nil, err
	}
	var sites kantor.Sites
	if s.watch != nil {
		sites = s.watch(directory)
	}
	catalogue, err := complaintKinds(s.dataDir)
	if err != nil {
		return nil, nil, err
	}
	home = menu.New(s.redact)
	regency := geo.New()
	if s.center != nil {
		regency = s.center.Map // with outlines, if there are any
	}
	return []bot.Flow{
		// A duty phone's digit before more words about a report that it made itself.
		siaga.New(scc.Duty{Center: s.center}, func(c bot.ChannelID) bool { return c == twilio.Keys }),
		darurat.New(s.center, regency),
		kabar.New(s.told, s.bySMS),
		tautan.New(s.codes),
		home,
		pbb.New(s.taxes, taxRules),
		perizinan.New(s.permits, permitRules),
		macca.New(s.aid, s.rice),
		kantor.New(directory, sites),
		petugas.New(petugas.Config{
			Desk: s.desk, Hours: directory.Desk(), Dialled: func(c bot.ChannelID) bool { return c == ussd.Channel }, Undisturbed: []string{"darurat"},
		}),
		pengaduan.New(s.tickets, complaints.Places{Map: regency}, catalogue),
		bahasa.New(),
		privasi.New(s.records),
		survei.New(),
	}, home, nil
}

// effects tells who writes what a turn changes besides the conversation.
func (a *app) effects(clock func() time.Time) []store.Effect {
	all := append(slices.Concat(a.complaints.Effects(), a.subscriptions.Effects(), survey.Effects(clock), privacy.Effects(), a.desk.Effects(), a.links.Effects(), a.complaintEvents()),
		store.On(a.center.Report), store.On(a.center.Answer), store.On(a.center.Erase),
		store.On(func(tx *database.Tx, e bot.Entry, u menu.Unanswered) error { return unanswered.Save(tx, e.At, u) }),
	)
	if a.webChat != nil {
		all = append(all, store.On(a.webChat.Erase))
	}
	return all
}

// rules reads a file of the data folder, or the rules that are built in.
func rules[R any](dataDir, name string, builtIn func() R, parse func(io.Reader) (R, error)) (R, error) {
	path := filepath.Join(dataDir, name)
	file, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return builtIn(), nil
	}
	if err != nil {
		var none R
		return none, err
	}
	defer file.Close()
	r, err := parse(file)
	if err != nil {
		return r, fmt.Errorf("%s: %w", path, err)
	}
	return r, nil
}

package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"tabe/adapters/database"
	"tabe/adapters/offices"
	pbbregistry "tabe/adapters/registry/pbb"
	"tabe/adapters/store"
	"tabe/adapters/unanswered"
	"tabe/bot"
	"tabe/bot/understand"
	"tabe/flows/bahasa"
	"tabe/flows/kantor"
	"tabe/flows/menu"
	"tabe/flows/pbb"
	"tabe/flows/privasi"
)

// services are what the flows need of the outside. The flows of the zero value
// have all their states, but nobody to ask.
type services struct {
	dataDir string // holds the rules that differ from the built-in ones
	redact  func(string) string
	taxes   pbb.Registry
	watch   func(*kantor.Data) kantor.Sites // looks at the offices' sites
}

// services connects the flows to this house.
func (a *app) services(o options, ears *understand.Understander) services {
	return services{
		dataDir: o.dataDir, redact: ears.Redact,
		taxes: pbbregistry.New(a.db),
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
	directory, err := rules(s.dataDir, "kantor.toml", kantor.DefaultData, kantor.ParseData)
	if err != nil {
		return nil, nil, err
	}
	var sites kantor.Sites
	if s.watch != nil {
		sites = s.watch(directory)
	}
	home = menu.New(s.redact)
	return []bot.Flow{
		home,
		pbb.New(s.taxes, taxRules),
		kantor.New(directory, sites),
		bahasa.New(),
		privasi.New(),
	}, home, nil
}

// effects tells who writes what a turn changes besides the conversation.
func (a *app) effects() []store.Effect {
	return []store.Effect{
		store.On(func(tx *database.Tx, e bot.Entry, u menu.Unanswered) error { return unanswered.Save(tx, e.At, u) }),
	}
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

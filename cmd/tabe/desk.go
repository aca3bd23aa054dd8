package main

import (
	"tabe/adapters/desk"
	"tabe/bot"
	"tabe/flows/kantor"
	"tabe/ussd"
)

// newDesk opens the queue of those who want a person. It is there when the
// offices are.
func newDesk(a *app, o options) (*desk.Desk, error) {
	directory, err := rules(o.dataDir, "kantor.toml", kantor.DefaultData, kantor.ParseData)
	if err != nil {
		return nil, err
	}
	d, err := desk.New(desk.Config{
		DB: a.db, Secret: o.secretKey, Hours: directory.Desk(), Clock: o.clock, Log: o.log, Event: a.stream.Append,
		Via: map[bot.ChannelID]bot.ChannelID{ussd.Channel: smsChannel},
	})
	a.jobs = append(a.jobs, d.Run)
	return d, err
}

package main

import (
	"slices"

	"tabe/adapters/database"
	"tabe/adapters/links"
	"tabe/adapters/privacy"
	"tabe/adapters/survey"
	"tabe/bot"
)

// newLinks tells which accounts belong to whose telephone number. A phone is
// told that it was linked by SMS, or by what else there is.
func newLinks(a *app, o options) (*links.Links, error) {
	phones := slices.DeleteFunc([]bot.ChannelID{smsChannel, whatsappChannel}, func(c bot.ChannelID) bool { return !a.told.carried(c) })
	return links.New(links.Config{
		DB: a.db, Secret: o.secretKey, Clock: o.clock, Phones: phones, Leave: a.subscriptions.Leave,
		Joins: []func(tx *database.Tx, from, into bot.ResidentID) error{
			a.subscriptions.Join, a.complaints.Join, a.center.Join, a.desk.Join, privacy.Join, survey.Join,
		},
	})
}

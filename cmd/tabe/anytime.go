package main

import (
	"slices"

	"tabe/bot"
	"tabe/flows/kabar"
	"tabe/flows/macca"
	"tabe/flows/perizinan"
	"tabe/flows/survei"
)

// approver is a channel that takes some messages only with an approved text.
type approver interface {
	bot.Channel
	Approves(message string) bool
}

// anytime tells, for the channels of this house, whether a notice can be sent
// at any time.
func anytime(channels []bot.Channel) func(c bot.ChannelID, n bot.Notice) bool {
	return func(c bot.ChannelID, n bot.Notice) bool {
		message := saidBy(n)
		for _, channel := range channels {
			if a, ok := channel.(approver); ok && a.ID() == c {
				return message != "" && a.Approves(message)
			}
		}
		return false
	}
}

// carried tells by which channels this house sends; by all where the answers go
// back in the requests.
func carried(o options) func(c bot.ChannelID) bool {
	return func(c bot.ChannelID) bool {
		return o.inline || slices.ContainsFunc(o.channels, func(channel bot.Channel) bool { return channel.ID() == c })
	}
}

// saidBy is the message by which a notice is told, "" if it can be one of
// several.
func saidBy(n bot.Notice) string {
	switch {
	case n.Flow == kabar.Name && n.Kind == kabar.News:
		return "kabar.news"
	case n.Flow == survei.Name && n.Kind == survei.Ask:
		return "survei.ask_first"
	case n.Flow == "pbb": // whose kinds are named like its messages
		return "pbb." + n.Kind
	case n.Flow == macca.Name && n.Kind == macca.RiceNews:
		return "macca.rice_told"
	case n.Flow == perizinan.Name && n.Kind == perizinan.NoticeReady:
		return "perizinan.told_ready"
	}
	return ""
}

// Package ussd answers residents who dial a code such as *384*7#: a dialogue of
// screens that a gateway carries, one request and one answer at a time.
//
// Pager cuts an answer into screens. Handler is the HTTP front door; how a
// request is written and answered is the gateway's Dialect. Format tells the
// engine how the channel shows and reads messages.
package ussd

import (
	"time"

	"tabe/bot"
)

// Channel is how the engine knows USSD.
const Channel bot.ChannelID = "ussd"

// Limits of one screen, in GSM-7 septets. The standard has room for 182
// (160 octets); some gateways cut at 160.
const (
	MaxScreen      = 182
	PortableScreen = 160
)

// resume is how long a dialogue that dropped can be taken up again.
const resume = 10 * time.Minute

// Format describes the channel to the engine. limit is the length of a screen
// in septets, from PortableScreen to MaxScreen.
func Format(limit int) bot.ChannelFormat {
	return bot.ChannelFormat{
		Variant:   "ussd",
		Pager:     Pager{Limit: limit},
		Interpret: Interpret,
		Inline:    true,
		Resume:    resume,
	}
}

package kabar

import "tabe/bot"

// Name is what the flow is called.
const Name = "kabar"

// News is the purpose of the messages of offices, and the kind of their
// notices. Its key is the name of a kecamatan; "" stands for all of them.
const News = "news"

// OptedOut is the kind of the notice that a resident told the provider of his
// channel, and not us, to send him nothing more. He is told nothing.
const OptedOut = "opted_out"

// OptOut returns the message by which that is posted; id tells it apart from
// others of its channel.
func OptOut(id string, c bot.ChannelID, peer, subject string) bot.Message {
	return bot.Message{ID: "optout/" + id, Channel: c, Peer: peer, Subject: subject, Notice: &bot.Notice{Flow: Name, Kind: OptedOut}}
}

// Kecamatan are the names of those of the regency, as the slot of that name
// has them, the largest first.
var Kecamatan = []string{"Lalabata", "Marioriwawo", "Lilirilau", "Liliriaja", "Marioriawa", "Donri-Donri", "Ganra", "Citta"}

// Message is the body of a notice of kind News.
type Message struct {
	Office string `json:"o"`
	Text   string `json:"t"`           // Indonesian
	Bugis  string `json:"b,omitempty"` // empty: nobody wrote it in Bugis
}

package kabar

// Name is what the flow is called.
const Name = "kabar"

// News is the purpose of the messages of offices, and the kind of their
// notices. Its key is the name of a kecamatan; "" stands for all of them.
const News = "news"

// Kecamatan are the names of those of the regency, as the slot of that name
// has them, the largest first.
var Kecamatan = []string{"Lalabata", "Marioriwawo", "Lilirilau", "Liliriaja", "Marioriawa", "Donri-Donri", "Ganra", "Citta"}

// Message is the body of a notice of kind News.
type Message struct {
	Office string `json:"o"`
	Text   string `json:"t"`           // Indonesian
	Bugis  string `json:"b,omitempty"` // empty: nobody wrote it in Bugis
}

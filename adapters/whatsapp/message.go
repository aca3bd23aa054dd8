package whatsapp

import (
	"unicode/utf16"

	"tabe/bot"
)

// Limits of the API, in characters.
const (
	maxText        = 4096
	maxInteractive = 1024 // of the text above buttons or a list
	maxButtons     = 3
	maxButtonTitle = 20
	maxRows        = 10
	maxRowTitle    = 24
	maxID          = 200
)

// The messages of the API, as much of them as we send.
type (
	message struct {
		Product     string       `json:"messaging_product"`
		Recipient   string       `json:"recipient_type"`
		To          string       `json:"to"`
		Type        string       `json:"type"`
		Text        *text        `json:"text,omitempty"`
		Interactive *interactive `json:"interactive,omitempty"`
		Template    *template    `json:"template,omitempty"`
	}
	text struct {
		Body    string `json:"body"`
		Preview bool   `json:"preview_url"`
	}
	interactive struct {
		Type   string `json:"type"` // button, list
		Body   body   `json:"body"`
		Action action `json:"action"`
	}
	body struct {
		Text string `json:"text"`
	}
	action struct {
		Button   string    `json:"button,omitempty"` // opens a list
		Buttons  []button  `json:"buttons,omitempty"`
		Sections []section `json:"sections,omitempty"`
	}
	button struct {
		Type  string `json:"type"`
		Reply reply  `json:"reply"`
	}
	reply struct {
		ID    string `json:"id"`
		Title string `json:"title"`
	}
	section struct {
		Title string  `json:"title,omitempty"`
		Rows  []reply `json:"rows"`
	}
	template struct {
		Name       string      `json:"name"`
		Language   language    `json:"language"`
		Components []component `json:"components,omitempty"`
	}
	language struct {
		Code string `json:"code"`
	}
	component struct {
		Type       string      `json:"type"`
		Parameters []parameter `json:"parameters"`
	}
	parameter struct {
		Type string `json:"type"`
		Text string `json:"text"`
	}
)

func to(peer string) message {
	return message{Product: "whatsapp", Recipient: "individual", To: peer}
}

// plain is a text without anything to press.
func plain(peer, words string) message {
	m := to(peer)
	m.Type, m.Text = "text", &text{Body: words}
	return m
}

// compose writes a text in the richest form in which nothing of it is lost:
// buttons, a list, or choices with numbers, which always work when typed.
func compose(peer string, t bot.Text, listButton string) message {
	m := to(peer)
	m.Type = "interactive"
	switch {
	case len(t.Options) == 0 || length(t.Body) > maxInteractive || t.Body == "":
	case fit(t.Options, maxButtons, maxButtonTitle):
		m.Interactive = &interactive{Type: "button", Body: body{t.Body}}
		for _, o := range t.Options {
			m.Interactive.Action.Buttons = append(m.Interactive.Action.Buttons, button{"reply", reply{o.Value, o.Label}})
		}
		return m
	case fit(t.Options, maxRows, maxRowTitle) && listButton != "" && length(listButton) <= maxButtonTitle:
		m.Interactive = &interactive{Type: "list", Body: body{t.Body}, Action: action{Button: listButton}}
		var rows []reply
		for _, o := range t.Options {
			rows = append(rows, reply{o.Value, o.Label})
		}
		m.Interactive.Action.Sections = []section{{Rows: rows}}
		return m
	}
	return plain(peer, t.Numbered())
}

// fit tells whether options can be shown with so many titles of that length:
// none too long, none empty, no two alike.
func fit(options []bot.Option, most, title int) bool {
	if len(options) > most {
		return false
	}
	titles, ids := map[string]bool{}, map[string]bool{}
	for _, o := range options {
		if o.Label == "" || length(o.Label) > title || titles[o.Label] || o.Value == "" || length(o.Value) > maxID || ids[o.Value] {
			return false
		}
		titles[o.Label], ids[o.Value] = true, true
	}
	return true
}

// length counts as the API does, in UTF-16 units.
func length(s string) int {
	n := 0
	for _, r := range s {
		n += max(1, utf16.RuneLen(r))
	}
	return n
}

// approved is a message by a template.
func approved(peer string, t Approved, values map[string]string) message {
	m := to(peer)
	m.Type, m.Template = "template", &template{Name: t.Name, Language: language{t.Language}}
	if len(t.Values) > 0 {
		c := component{Type: "body"}
		for _, name := range t.Values {
			c.Parameters = append(c.Parameters, parameter{"text", values[name]})
		}
		m.Template.Components = []component{c}
	}
	return m
}

package whatsapp

import (
	"errors"
	"io"
	"regexp"
	"unicode/utf16"

	"tabe/adapters/approved"
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

// fromTemplate is a message by an approved text.
func fromTemplate(peer string, t approved.Text, values []string) message {
	m := to(peer)
	m.Type, m.Template = "template", &template{Name: t.Content, Language: language{t.Code}}
	if len(values) > 0 {
		c := component{Type: "body"}
		for _, value := range values {
			c.Parameters = append(c.Parameters, parameter{"text", value})
		}
		m.Template.Components = []component{c}
	}
	return m
}

var (
	templateName = regexp.MustCompile(`^[a-z0-9_]{1,512}$`)
	languageCode = regexp.MustCompile(`^[a-z]{2,3}(_[A-Z]{2})?$`)
)

// ParseTemplates reads a list of
//
//	[[template]]
//	message = "kabar.tax_due"       # the key of the message
//	language = "bug"                # or "id"
//	content = "tax_due_bugis"       # the template's name at Meta
//	code = "id"                     # Meta's code of the language that it was submitted in
//	variables = ["name", "amount"]  # what stands for {{1}}, {{2}} …
func ParseTemplates(r io.Reader) (approved.Texts, error) {
	return approved.Parse(r, func(t approved.Text) error {
		if !templateName.MatchString(t.Content) || !languageCode.MatchString(t.Code) {
			return errors.New("needs a content of small letters, digits and _, and a code such as id or en_US")
		}
		return nil
	})
}

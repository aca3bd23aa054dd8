package twilio

import (
	"encoding/json"
	"errors"
	"io"
	"regexp"
	"strconv"

	api "github.com/twilio/twilio-go/rest/api/v2010"

	"tabe/adapters/approved"
	"tabe/bot"
)

var contentSID = regexp.MustCompile(`^HX[0-9a-fA-F]{32}$`)

// ParseTemplates reads a list of
//
//	[[template]]
//	message = "kabar.tax_due"       # the key of the message
//	language = "id"                 # or "bug"
//	content = "HX0123456789abcdef0123456789abcdef"
//	variables = ["name", "amount"]  # what stands for {{1}}, {{2}} …
func ParseTemplates(r io.Reader) (approved.Texts, error) {
	return approved.Parse(r, func(t approved.Text) error {
		if !contentSID.MatchString(t.Content) {
			return errors.New("needs a content of HX and 32 hexadecimal digits")
		}
		return nil
	})
}

// applyTemplate puts the approved text for t into params.
func applyTemplate(texts approved.Texts, t *bot.Template, params *api.CreateMessageParams) error {
	text, values, err := texts.Fill(t)
	if err != nil {
		return err
	}
	params.SetContentSid(text.Content)
	if len(values) == 0 {
		return nil
	}
	numbered := make(map[string]string, len(values))
	for i, value := range values {
		numbered[strconv.Itoa(i+1)] = value
	}
	variables, err := json.Marshal(numbered)
	if err != nil {
		return &bot.SendError{Permanent: true, Code: "no_template_value", Err: err}
	}
	params.SetContentVariables(string(variables))
	return nil
}

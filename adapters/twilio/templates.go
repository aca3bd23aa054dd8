package twilio

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/BurntSushi/toml"
	api "github.com/twilio/twilio-go/rest/api/v2010"

	"tabe/bot"
)

// Templates are the texts that WhatsApp has approved, for messages to people
// who have not written for a day.
type Templates map[templateKey]template

type templateKey struct{ message, language string }

type template struct {
	content   string   // its SID at Twilio
	variables []string // the names of the values for {{1}}, {{2}} …
}

// maxTemplates is the longest file of templates, in bytes.
const maxTemplates = 1 << 20

var contentSID = regexp.MustCompile(`^HX[0-9a-fA-F]{32}$`)

// ParseTemplates reads a list of
//
//	[[template]]
//	message = "kabar.tax_due"       # the key of the message
//	language = "id"                 # or "bug"
//	content = "HX0123456789abcdef0123456789abcdef"
//	variables = ["name", "amount"]  # what stands for {{1}}, {{2}} …
func ParseTemplates(r io.Reader) (Templates, error) {
	var file struct {
		Template []struct {
			Message, Language, Content string
			Variables                  []string
		}
	}
	meta, err := toml.NewDecoder(io.LimitReader(r, maxTemplates)).Decode(&file)
	if err != nil {
		return nil, fmt.Errorf("twilio: templates: %w", err)
	}
	if unknown := meta.Undecoded(); len(unknown) > 0 {
		return nil, fmt.Errorf("twilio: templates: nobody knows %s", unknown[0])
	}
	all := Templates{}
	for _, t := range file.Template {
		key := templateKey{t.Message, t.Language}
		_, twice := all[key]
		switch {
		case t.Message == "" || t.Language != "id" && t.Language != "bug":
			err = errors.New(`needs a message and a language, "id" or "bug"`)
		case !contentSID.MatchString(t.Content):
			err = errors.New("needs a content of HX and 32 hexadecimal digits")
		case slices.Contains(t.Variables, ""):
			err = errors.New("has a variable without a name")
		case twice:
			err = errors.New("is there twice")
		}
		if err != nil {
			return nil, fmt.Errorf("twilio: templates: %s in %s %w", t.Message, t.Language, err)
		}
		all[key] = template{t.Content, t.Variables}
	}
	return all, nil
}

// apply puts the approved text for t into params.
func (all Templates) apply(t *bot.Template, params *api.CreateMessageParams) error {
	approved, there := all[templateKey{t.Key, t.Language}]
	if !there {
		return &bot.SendError{Permanent: true, Code: "no_template"}
	}
	params.SetContentSid(approved.content)
	if len(approved.variables) == 0 {
		return nil
	}
	values := make(map[string]string, len(approved.variables))
	for i, name := range approved.variables {
		// WhatsApp refuses empty values and line breaks.
		value := strings.Join(strings.Fields(t.Values[name]), " ")
		if value == "" {
			return &bot.SendError{Permanent: true, Code: "no_template_value"}
		}
		values[strconv.Itoa(i+1)] = value
	}
	variables, err := json.Marshal(values)
	if err != nil {
		return &bot.SendError{Permanent: true, Code: "no_template_value", Err: err}
	}
	params.SetContentVariables(string(variables))
	return nil
}

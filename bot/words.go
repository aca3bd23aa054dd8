package bot

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Words puts messages into words; package locales does.
type Words interface {
	// Text returns the message key in a language ("id", "bug"), in the
	// variant if it has one. An unknown key is an error; a message that is
	// missing in one language comes back in Indonesian.
	Text(language, key, variant string, data map[string]any) (string, error)
}

// speaker renders replies for one language and channel.
type speaker struct {
	words    Words
	language string
	format   ChannelFormat
}

// say renders r and numbers its options.
func (s speaker) say(r Reply) (Text, error) {
	body, err := s.text(r.Key, r.Data)
	if err != nil {
		return Text{}, err
	}
	text := Text{Body: body, End: r.End, Language: s.language}
	if len(r.Options) > MaxOptions+2 {
		return Text{}, fmt.Errorf("bot: message %s has %d options", r.Key, len(r.Options))
	}
	number := 0
	for _, o := range r.Options {
		o.Message = o.Label
		if o, err = s.label(o); err != nil {
			return Text{}, err
		}
		switch o.Value {
		case MenuValue:
			o.Key = "0"
		case BackValue:
			o.Key = "8"
		case MoreValue:
			o.Key = "9"
		default:
			number++
			o.Key = strconv.Itoa(number)
		}
		text.Options = append(text.Options, o)
	}
	return text, nil
}

// label puts an option into words.
func (s speaker) label(o Option) (Option, error) {
	if o.Message == "" { // of an older version: as it was
		return o, nil
	}
	data, err := s.values(o.Data)
	if err != nil {
		return o, err
	}
	o.Data = data
	o.Label, err = s.words.Text(s.language, o.Message, s.format.Variant, data)
	return o, err
}

// template says r for a channel that allows only approved texts.
func (s speaker) template(r Reply) (*Template, error) {
	data, err := s.values(r.Data)
	if err != nil {
		return nil, err
	}
	t := &Template{Key: r.Key, Language: s.language, Values: make(map[string]string, len(data))}
	for name, value := range data {
		t.Values[name] = fmt.Sprint(value)
	}
	return t, nil
}

func (s speaker) text(key string, data Data) (string, error) {
	words, err := s.values(data)
	if err != nil {
		return "", err
	}
	return s.words.Text(s.language, key, s.format.Variant, words)
}

// values puts data into words; nil if there is none.
func (s speaker) values(data Data) (Data, error) {
	if len(data) == 0 {
		return nil, nil
	}
	words := make(Data, len(data))
	for name, value := range data {
		word, err := s.word(value)
		if err != nil {
			return nil, err
		}
		words[name] = word
	}
	return words, nil
}

func (s speaker) word(value any) (any, error) {
	switch v := value.(type) {
	case Word:
		return s.text(string(v), nil)
	case []Phrase:
		return s.sentences(v)
	case Date:
		return s.day(time.Time(v), true)
	case Moment:
		t := time.Time(v).In(WITA)
		day, err := s.day(t, false)
		return day + t.Format(" 15.04 WITA"), err
	case fmt.Stringer:
		return v.String(), nil
	case string:
		return CleanText(v), nil
	default:
		return v, nil
	}
}

func (s speaker) sentences(phrases []Phrase) (string, error) {
	texts := make([]string, len(phrases))
	for i, p := range phrases {
		var err error
		if texts[i], err = s.text(p.Key, p.Data); err != nil {
			return "", err
		}
	}
	return strings.Join(texts, " "), nil
}

func (s speaker) day(t time.Time, year bool) (string, error) {
	month, err := s.text("month."+strconv.Itoa(int(t.Month())), nil)
	text := strconv.Itoa(t.Day()) + " " + month
	if year {
		text += " " + strconv.Itoa(t.Year())
	}
	return text, err
}

package remote

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
)

var (
	// ErrCut is returned for JSON that ends in its middle.
	ErrCut  = errors.New("remote: the JSON is cut off")
	errNone = errors.New("remote: no JSON of that kind")
)

const (
	// tooMany places at which JSON may begin are too many to try.
	tooMany = 64
	// wrappings of JSON in a string of JSON that are taken off.
	wrappings = 3
)

// Find returns the first JSON object in an answer that has one of keys (any
// object if there are none). Before and behind it may be whatever a program
// printed by mistake: SQL, warnings, a byte order mark. An answer that is a
// string of JSON is read as what the string says.
func Find(body []byte, keys ...string) (json.RawMessage, error) {
	body = unwrap(body)
	at, places := 0, 0
	for places < tooMany {
		next := bytes.IndexByte(body[at:], '{')
		if next < 0 {
			return nil, errNone
		}
		at += next
		if !opens(body[at:]) {
			at++
			continue
		}
		places++
		decoder := json.NewDecoder(bytes.NewReader(body[at:]))
		var object json.RawMessage
		switch err := decoder.Decode(&object); {
		case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
			return nil, ErrCut // not to take a part of it for the whole
		case err != nil:
			at++
		case has(object, keys):
			return object, nil
		default:
			at += int(decoder.InputOffset())
		}
	}
	return nil, errNone
}

// unwrap takes JSON out of strings of JSON.
func unwrap(body []byte) []byte {
	for range wrappings {
		body = bytes.TrimSpace(bytes.TrimPrefix(bytes.TrimSpace(body), []byte("\ufeff")))
		var inner string
		if len(body) == 0 || body[0] != '"' || json.Unmarshal(body, &inner) != nil {
			break
		}
		body = []byte(inner)
	}
	return body
}

// opens tells whether an object can begin here: {" or {}.
func opens(text []byte) bool {
	text = bytes.TrimLeft(text[1:], " \t\r\n")
	return len(text) > 0 && (text[0] == '"' || text[0] == '}')
}

func has(object json.RawMessage, keys []string) bool {
	if len(keys) == 0 {
		return true
	}
	var fields map[string]json.RawMessage
	if json.Unmarshal(object, &fields) != nil {
		return false
	}
	for _, key := range keys {
		if _, there := fields[key]; there {
			return true
		}
	}
	return false
}

// Unmarshal reads raw into v, taking off strings around it. What is of another
// type than v expects is left out, as is all of raw if it is no JSON of v's
// kind: a list where an object was expected means "nothing".
func Unmarshal(raw json.RawMessage, v any) error {
	err := json.Unmarshal(unwrap(raw), v)
	if mistyped := (*json.UnmarshalTypeError)(nil); errors.As(err, &mistyped) {
		return nil
	}
	return err
}

package ussd

import (
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
	"strings"
)

// Hubtel is the dialect of Hubtel and of the gateways that imitate it: JSON
// with the last input, a type (initiation, response, release, timeout) and a
// number that counts the steps of the dialogue.
type Hubtel struct{}

var errJSON = errors.New("not a request of Hubtel's form")

// Read implements Dialect.
func (Hubtel) Read(r *http.Request) (Request, error) {
	var in struct {
		Type      string
		Mobile    string
		SessionID string `json:"SessionId"`
		Message   string
		Sequence  json.Number
	}
	if err := json.NewDecoder(r.Body).Decode(&in); err != nil {
		return Request{}, errJSON
	}
	q := Request{Session: in.SessionID, Phone: in.Mobile, Text: in.Message, Step: in.Sequence.String()}
	switch strings.ToLower(in.Type) {
	case "initiation":
		q.Opens, q.Text = true, "" // the code that was dialled
	case "response":
	case "release", "timeout":
		q.Over = true
	default:
		return Request{}, errJSON
	}
	if _, err := strconv.ParseUint(q.Step, 10, 31); err != nil {
		return Request{}, errJSON
	}
	return q, nil
}

// Write implements Dialect.
func (Hubtel) Write(w http.ResponseWriter, a Answer) {
	kind := "response"
	if a.End {
		kind = "release"
	}
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	_ = json.NewEncoder(w).Encode(map[string]string{"Type": kind, "Message": a.Screen}) // the gateway is gone if it fails
}

// Dialects are the dialects by the names that a configuration uses.
var Dialects = map[string]Dialect{"africastalking": AfricasTalking{}, "hubtel": Hubtel{}}

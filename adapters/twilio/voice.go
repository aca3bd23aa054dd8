package twilio

import (
	"context"
	"encoding/xml"
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	api "github.com/twilio/twilio-go/rest/api/v2010"

	"tabe/bot"
	"tabe/bot/ident"
)

// The channels of spoken calls: what we read out, and the keys that are pressed
// while we are on the line, which are answered in the same call.
const (
	Voice bot.ChannelID = "voice"
	Keys  bot.ChannelID = "keys"
)

// Where Twilio calls about a call, below the public URL.
const (
	KeyPath        = "/channels/twilio/voice"
	CallStatusPath = "/channels/twilio/voice/status"
)

// Conversation answers messages in the same request; *bot.Engine does.
type Conversation interface {
	Converse(ctx context.Context, m bot.Message) ([]bot.Text, error)
}

// rings is for how many seconds a telephone rings.
const rings = 30

// maxKeys is how many questions one call can have.
const maxKeys = 9

// voice calls a telephone and reads a text out, twice, and waits for a key. It
// reaches landlines, which no message does.
type voice struct{ account *Account }

// ID implements bot.Channel.
func (voice) ID() bot.ChannelID { return Voice }

// Send implements bot.Channel. The options are not read out: a text for the
// telephone says itself what to press.
func (v voice) Send(ctx context.Context, o bot.Outbound) (string, error) {
	script, err := v.account.ask(o.Text.Body, 0)
	if err != nil {
		return "", &bot.SendError{Code: "text", Permanent: true, Err: err}
	}
	params := &api.CreateCallParams{}
	params.SetTo(o.Peer)
	params.SetFrom(v.account.config.VoiceFrom)
	params.SetTwiml(script)
	params.SetTimeout(rings)
	params.SetStatusCallback(v.account.config.PublicURL + CallStatusPath)
	params.SetStatusCallbackEvent([]string{"completed"})
	call, err := v.account.service(ctx).CreateCall(params)
	if err != nil {
		return "", sendError(err)
	}
	if call.Sid == nil || *call.Sid == "" {
		return "", &bot.SendError{Code: "answer", Err: errors.New("twilio: no sid in the answer")}
	}
	return *call.Sid, nil
}

// spoken is what Twilio does during a call.
type spoken struct {
	XMLName xml.Name `xml:"Response"`
	Gather  *gather  `xml:"Gather,omitempty"`
	Say     *say     `xml:"Say,omitempty"`
}

type gather struct {
	Digits  int    `xml:"numDigits,attr"`
	Timeout int    `xml:"timeout,attr"`
	Action  string `xml:"action,attr"`
	Say     say
}

type say struct {
	XMLName  xml.Name `xml:"Say"`
	Language string   `xml:"language,attr"`
	Loop     int      `xml:"loop,attr"`
	Text     string   `xml:",chardata"`
}

// indonesian is the only voice of Twilio's that people here understand.
const indonesian = "id-ID"

// ask says a text twice and waits for a key, the n-th question of the call.
func (a *Account) ask(text string, n int) (string, error) {
	return script(spoken{Gather: &gather{
		Digits: 1, Timeout: 10, Action: a.config.PublicURL + KeyPath + "?n=" + strconv.Itoa(n), Say: say{Language: indonesian, Loop: 2, Text: text},
	}})
}

func script(s spoken) (string, error) {
	raw, err := xml.Marshal(s)
	return xml.Header + string(raw), err
}

// VoiceHandler serves KeyPath and CallStatusPath.
func (a *Account) VoiceHandler(talk Conversation, receipts Receipts) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("POST "+KeyPath, a.signed(func(w http.ResponseWriter, r *http.Request, form url.Values) {
		n, err := strconv.Atoi(r.URL.Query().Get("n"))
		phone, bad := ident.ParsePhone(form.Get("To")) // we called
		if err != nil || bad != nil || n < 0 || n > maxKeys || form.Get("CallSid") == "" || form.Get("Direction") == "inbound" {
			http.Error(w, "no key of a call of ours", http.StatusBadRequest)
			return
		}
		texts, err := talk.Converse(r.Context(), bot.Message{
			ID: form.Get("CallSid") + "-" + strconv.Itoa(n), Channel: Keys, Peer: string(phone), Subject: "tel:" + string(phone), Text: form.Get("Digits"),
		})
		if err != nil {
			a.log.Error("cannot take a key", "channel", Keys, "err", err)
			http.Error(w, "try again later", http.StatusServiceUnavailable)
			return
		}
		answer, err := a.answer(texts, n+1)
		if err != nil {
			a.log.Error("cannot say an answer", "channel", Keys, "err", err)
			http.Error(w, "no answer", http.StatusInternalServerError)
			return
		}
		w.Header().Set("Content-Type", "text/xml; charset=utf-8")
		_, _ = w.Write([]byte(answer))
	}))
	mux.Handle("POST "+CallStatusPath, a.signed(func(w http.ResponseWriter, r *http.Request, form url.Values) {
		if status, known := callStatuses[form.Get("CallStatus")]; known {
			if err := receipts.Receipt(r.Context(), Voice, form.Get("CallSid"), status, form.Get("CallStatus")); err != nil {
				a.log.Error("cannot take a receipt", "channel", Voice, "err", err)
				http.Error(w, "try again later", http.StatusServiceUnavailable)
				return
			}
		}
		w.WriteHeader(http.StatusNoContent)
	}))
	return mux
}

// callStatuses are how calls end. That somebody took it says no more than that
// it rang; who does not press a key has not answered, and is called again.
var callStatuses = map[string]bot.Status{
	"completed": bot.Delivered, "busy": bot.Failed, "no-answer": bot.Failed, "failed": bot.Failed, "canceled": bot.Failed,
}

// answer reads the answers out. Where there is something to choose, that is
// read too, and another key is waited for.
func (a *Account) answer(texts []bot.Text, n int) (string, error) {
	var parts []string
	choose := false
	for _, t := range texts {
		parts = append(parts, t.Body)
		for _, o := range t.Options {
			if o.Value != bot.MenuValue { // nobody browses services on this telephone
				parts = append(parts, o.Key+". "+o.Label)
				choose = true
			}
		}
	}
	text := strings.Join(parts, ". ")
	if choose && n <= maxKeys {
		return a.ask(text, n)
	}
	return script(spoken{Say: &say{Language: indonesian, Loop: 1, Text: text}})
}

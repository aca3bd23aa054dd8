package twilio

import (
	"context"
	"encoding/xml"
	"errors"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

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

// Limits of a call.
const (
	rings     = 30              // seconds until we give up
	waits     = 10              // seconds for a key, after the text
	maxKeys   = 9               // questions
	maxSpoken = 600             // characters of a text: a minute; escaped, and in its script, below Twilio's 4000
	maxAsked  = 8 * time.Second // for the answer to a key: Twilio waits for 15
)

// voice calls a telephone and reads a text out, twice, and waits for a key. It
// reaches landlines, which no message does. What to say goes along with the
// request for the call: were it fetched when somebody answers, an alarm would
// depend on our being there at that second, and its incident would stand in a URL.
type voice struct{ account *Account }

// ID implements bot.Channel.
func (voice) ID() bot.ChannelID { return Voice }

// Send implements bot.Channel; it returns the SID of the call. The options are
// not read out: a text for the telephone says itself what to press.
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
	Digits      int    `xml:"numDigits,attr"`
	FinishOnKey string `xml:"finishOnKey,attr"` // none: # and * are keys like any other
	Timeout     int    `xml:"timeout,attr"`
	Action      string `xml:"action,attr"`
	Method      string `xml:"method,attr"`
	Say         say
}

type say struct {
	XMLName  xml.Name `xml:"Say"`
	Language string   `xml:"language,attr"`
	Loop     int      `xml:"loop,attr"`
	Text     string   `xml:",chardata"`
}

// indonesian is the only voice of Twilio's that people here understand; it reads
// Bugis, whose spelling is the same, as well as it can.
const indonesian = "id-ID"

// ask says a text twice and waits for a key, the n-th question of the call.
func (a *Account) ask(text string, n int) (string, error) {
	return script(spoken{Gather: &gather{
		Digits: 1, Timeout: waits, Action: a.config.PublicURL + KeyPath + "?n=" + strconv.Itoa(n), Method: http.MethodPost,
		Say: say{Language: indonesian, Loop: 2, Text: short(text)},
	}})
}

func script(s spoken) (string, error) {
	raw, err := xml.Marshal(s)
	return xml.Header + string(raw), err
}

// short cuts what would take too long to listen to.
func short(text string) string {
	if utf8.RuneCountInString(text) <= maxSpoken {
		return text
	}
	return string([]rune(text)[:maxSpoken])
}

// VoiceHandler serves KeyPath and CallStatusPath. again asks for the key once
// more, where it could not be taken or answered in time.
func (a *Account) VoiceHandler(talk Conversation, receipts Receipts, again string) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("POST "+KeyPath, a.signed(func(w http.ResponseWriter, r *http.Request, form url.Values) {
		m, n, err := parseKey(r.URL.Query(), form)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		// Somebody is there: whatever he pressed, the call has arrived.
		if err := receipts.Receipt(r.Context(), Voice, m.Dialogue, bot.Delivered, ""); err != nil {
			a.log.Error("cannot take a receipt", "channel", Voice, "err", err)
		}
		said, err := a.converse(r.Context(), talk, m, n, again)
		if err != nil {
			a.log.Error("cannot say an answer", "channel", Keys, "err", err)
			http.Error(w, "no answer", http.StatusInternalServerError)
			return
		}
		w.Header().Set("Content-Type", "text/xml; charset=utf-8")
		_, _ = w.Write([]byte(said))
	}))
	mux.Handle("POST "+CallStatusPath, a.signed(func(w http.ResponseWriter, r *http.Request, form url.Values) {
		if status := form.Get("CallStatus"); unanswered[status] {
			if err := receipts.Receipt(r.Context(), Voice, form.Get("CallSid"), bot.Failed, status); err != nil {
				a.log.Error("cannot take a receipt", "channel", Voice, "err", err)
				http.Error(w, "try again later", http.StatusServiceUnavailable)
				return
			}
		}
		w.WriteHeader(http.StatusNoContent)
	}))
	return mux
}

// unanswered are the ends of calls that nobody took. "completed" says nothing:
// it may have been an answering machine, and who hangs up without a key has not
// answered. Only a key has.
var unanswered = map[string]bool{"busy": true, "no-answer": true, "failed": true, "canceled": true}

var (
	errNoKey = errors.New("no key of a call of ours")
	keys     = regexp.MustCompile(`^[0-9*#]?$`)
)

// parseKey reads the form of a key as the answer to the n-th question of a call.
// It counts as written by the number that we called; whoever calls us proves none.
func parseKey(query, form url.Values) (m bot.Message, n int, err error) {
	call, key := form.Get("CallSid"), form.Get("Digits")
	phone, bad := ident.ParsePhone(form.Get("To"))
	if n, err = strconv.Atoi(query.Get("n")); err != nil || bad != nil || n < 0 || n > maxKeys || call == "" ||
		form.Get("Direction") != "outbound-api" || !keys.MatchString(key) {
		return m, 0, errNoKey
	}
	return bot.Message{
		ID: call + "-" + strconv.Itoa(n), Channel: Keys, Peer: string(phone), Subject: "tel:" + string(phone), Dialogue: call, Text: key,
	}, n, nil
}

// converse returns what is said to a key. If it is asked for once more it is
// still the same message, so that one which was taken after all counts once.
func (a *Account) converse(ctx context.Context, talk Conversation, m bot.Message, n int, again string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, maxAsked)
	defer cancel()
	texts, err := talk.Converse(ctx, m)
	if err != nil {
		a.log.Error("cannot take a key", "channel", Keys, "err", err)
		return a.ask(again, n)
	}
	return a.answer(texts, n+1)
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
				parts = append(parts, o.Key+". "+o.Label+".")
				choose = true
			}
		}
	}
	text := strings.Join(parts, " ")
	if choose && n <= maxKeys {
		return a.ask(text, n)
	}
	return script(spoken{Say: &say{Language: indonesian, Loop: 1, Text: short(text)}})
}

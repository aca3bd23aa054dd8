package ussd

import (
	"errors"
	"net/http"
)

// Dialect is how one gateway writes its requests and wants its answers.
type Dialect interface {
	// Read takes a request apart. The body is limited already. An error means
	// that the request is none of the gateway's; its text goes to the log and
	// must not repeat what the request says.
	Read(r *http.Request) (Request, error)
	// Write answers a request that Read accepted.
	Write(w http.ResponseWriter, a Answer)
}

// Request is one step of a dialogue. The Handler checks its fields.
type Request struct {
	Session string // the gateway's id of the dialogue
	Phone   string // of the resident, as the gateway writes it
	Text    string // all that was typed (Chain), or the last input
	Chain   bool   // the gateway repeats all that was typed since the dialogue began
	Opens   bool   // without Chain: the first request of the dialogue
	Step    string // without Chain: tells the requests of a dialogue apart
	Over    bool   // the resident or the network has ended the dialogue: nothing to answer
}

// Answer is the screen to show.
type Answer struct {
	Screen string
	End    bool // the dialogue is over
}

// AfricasTalking is the dialect of Africa's Talking and of the gateways that
// imitate it: a form with the whole chain, answered by CON or END in plain text.
type AfricasTalking struct{}

var errForm = errors.New("not a form of Africa's Talking")

// Read implements Dialect.
func (AfricasTalking) Read(r *http.Request) (Request, error) {
	if err := r.ParseForm(); err != nil {
		return Request{}, errForm
	}
	if !r.PostForm.Has("text") {
		return Request{}, errForm
	}
	return Request{
		Session: r.PostForm.Get("sessionId"),
		Phone:   r.PostForm.Get("phoneNumber"),
		Text:    r.PostForm.Get("text"),
		Chain:   true,
	}, nil
}

// Write implements Dialect.
func (AfricasTalking) Write(w http.ResponseWriter, a Answer) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	head := "CON "
	if a.End {
		head = "END "
	}
	_, _ = w.Write([]byte(head + a.Screen))
}

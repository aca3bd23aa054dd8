package kannel

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"tabe/adapters/pieces"
	"tabe/bot"
	"tabe/bot/sms"
)

// The longest piece, in characters. Kannel cuts off without a word what is
// longer than the max-messages of its sendsms-user, which is 8 here at least.
const (
	maxGSM7 = 7 * 153
	maxUCS2 = 7 * 67
)

var _ bot.Channel = (*Gateway)(nil)

// ID implements bot.Channel.
func (g *Gateway) ID() bot.ChannelID { return SMS }

// Send implements bot.Channel. The id is our own, because Kannel has none
// before the receipt: it travels in the address of the receipt. Errors are
// *bot.SendError.
func (g *Gateway) Send(ctx context.Context, o bot.Outbound) (string, error) {
	text := sms.Fold(o.Text.Numbered())
	encoding, _ := sms.Measure(text)
	limit := maxGSM7
	if encoding == sms.UCS2 {
		limit = maxUCS2
	}
	n := 0
	return pieces.Send(ctx, text, limit, func(piece string, last bool) (string, error) {
		n++
		id := fmt.Sprintf("tabe-%d-%d-%d", o.ID, o.Attempt, n)
		return id, g.submit(ctx, o.Peer, piece, id, last)
	})
}

// The kinds of receipts that are asked for: delivered, not delivered, accepted
// by the operator, refused by him. "Buffered" says nothing that helps.
const wanted = delivered | undelivered | accepted | rejected

// submit hands one text to Kannel. Number, text and password travel in the
// body and the headers: addresses are written into logs.
func (g *Gateway) submit(ctx context.Context, to, text, id string, receipt bool) error {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, g.config.URL, strings.NewReader(text))
	if err != nil {
		return &bot.SendError{Code: "request", Err: err}
	}
	r.Header.Set("Content-Type", "text/plain; charset=UTF-8")
	encoding, _ := sms.Measure(text)
	coding := "0"
	if encoding == sms.UCS2 {
		coding = "2" // otherwise Kannel sends "????"
	}
	headers := map[string]string{
		"Username": g.config.Username, "Password": g.config.Password, "To": to, "From": g.config.From, "Coding": coding,
	}
	if receipt {
		headers["DLR-Mask"] = strconv.Itoa(wanted)
		headers["DLR-Url"] = g.config.Callback + ReceiptPath + "?id=" + url.QueryEscape(id) + "&status=%d&answer=%A&foreign=%F"
	}
	for name, value := range headers {
		if value != "" {
			r.Header.Set("X-Kannel-"+name, value)
		}
	}
	answer, err := g.http.Do(r)
	if err != nil {
		return &bot.SendError{Code: "unreachable", Err: err}
	}
	defer answer.Body.Close()
	body, _ := io.ReadAll(io.LimitReader(answer.Body, 512)) // only its first character matters
	switch {
	case answer.StatusCode == http.StatusAccepted && (strings.HasPrefix(string(body), "0") || strings.HasPrefix(string(body), "3")):
		return nil // it has the message, with or without a line to the operator now
	case answer.StatusCode == http.StatusBadRequest:
		return &bot.SendError{Code: "refused", Permanent: true, Err: errors.New("kannel: " + string(body))}
	}
	return &bot.SendError{Code: "status " + strconv.Itoa(answer.StatusCode), Err: errors.New("kannel: " + string(body))}
}

// Check tells whether Kannel answers and knows our user: a message to nobody
// is refused for having no receiver, and for nothing else.
func (g *Gateway) Check(ctx context.Context) error {
	err := g.submit(ctx, "", "", "check", false)
	var failed *bot.SendError
	if errors.As(err, &failed) && failed.Permanent {
		return nil
	}
	if err == nil {
		return errors.New("kannel: takes a message without a receiver")
	}
	return err
}

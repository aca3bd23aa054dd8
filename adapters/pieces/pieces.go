// Package pieces sends a text that is longer than a provider takes as several
// messages, in order.
package pieces

import (
	"context"
	"errors"
	"time"
	"unicode/utf16"

	"tabe/bot"
	"tabe/bot/sms"
)

// firstWait is how long to wait before a later piece is tried again, if the
// provider has no wish of its own.
const firstWait = time.Second

// Send cuts text into pieces of at most limit UTF-16 units (limit must be at
// least 160) and gives them to send one after the other; last marks the final
// one. It returns the provider's id of the final piece.
//
// When the first piece fails, so does Send. Once it is out, giving up would
// mean that everything is sent again, so a later piece that fails for the
// moment is tried again until ctx has no time left for it.
func Send(ctx context.Context, text string, limit int, send func(piece string, last bool) (id string, err error)) (string, error) {
	all := Cut(text, limit)
	var id string
	for i, piece := range all {
		var err error
		for {
			id, err = send(piece, i == len(all)-1)
			if err == nil || i == 0 || !wait(ctx, err) {
				break
			}
		}
		if err != nil {
			return "", err
		}
	}
	return id, nil
}

// wait reports whether another attempt makes sense, after the time for it.
func wait(ctx context.Context, err error) bool {
	pause := firstWait
	if failed := (*bot.SendError)(nil); errors.As(err, &failed) {
		if failed.Permanent {
			return false
		}
		pause = max(pause, failed.RetryAfter)
	}
	if deadline, ok := ctx.Deadline(); ok && time.Until(deadline) <= pause {
		return false
	}
	select {
	case <-time.After(pause):
		return true
	case <-ctx.Done():
		return false
	}
}

// Cut cuts text into pieces of at most limit UTF-16 units, at the places where
// sms.Split would: never inside a number, seldom inside a word. The pieces
// joined give the text.
func Cut(text string, limit int) []string {
	pieces := []string{""}
	size := 0
	for _, part := range sms.Split(text) {
		n := units(part)
		if size+n > limit && size > 0 {
			pieces, size = append(pieces, ""), 0
		}
		pieces[len(pieces)-1] += part
		size += n
	}
	return pieces
}

func units(s string) int {
	n := 0
	for _, r := range s {
		n += max(1, utf16.RuneLen(r))
	}
	return n
}

package telegram

import (
	"context"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"tabe/bot"
)

// What Telegram takes of one bot. A chat bears a short burst, as of an answer
// in two parts, if it stays below one message a second on the whole.
const (
	perSecond = 30
	chatBurst = 3
	// maxChats is how many chats are watched; a chat that has been quiet long
	// enough to have its whole burst again need not be.
	maxChats = 4096
	// longestWait is how long a message waits here. What has to wait longer
	// goes back to the outbox, so that others are not kept behind it.
	longestWait = 5 * time.Second
)

// pace keeps below Telegram's limits, as far as this process alone can: with
// several of them, a 429 says what is left to do. Nothing here knows what is
// urgent: notices leave at a pace far below this one, so that there is room.
type pace struct {
	all *rate.Limiter

	mu    sync.Mutex
	chats map[string]*rate.Limiter
}

func newPace() *pace {
	return &pace{all: rate.NewLimiter(perSecond, perSecond), chats: map[string]*rate.Limiter{}}
}

// wait waits until a message may go to a chat. Errors are *bot.SendError.
func (p *pace) wait(ctx context.Context, chat string) error {
	now := time.Now()
	own := p.chat(chat, now).ReserveN(now, 1)
	delay := own.DelayFrom(now)
	if delay > longestWait {
		own.CancelAt(now)
		return &bot.SendError{Code: "chat pace", RetryAfter: delay}
	}
	// From its turn in the chat on, it takes one place among all.
	all := p.all.ReserveN(now.Add(delay), 1)
	if delay += all.DelayFrom(now.Add(delay)); delay > longestWait {
		all.CancelAt(now)
		own.CancelAt(now)
		return &bot.SendError{Code: "pace", RetryAfter: delay}
	}
	if delay > 0 && !sleep(ctx, delay) {
		return failure(ctx.Err())
	}
	return nil
}

func (p *pace) chat(id string, now time.Time) *rate.Limiter {
	p.mu.Lock()
	defer p.mu.Unlock()
	limiter := p.chats[id]
	if limiter == nil {
		if len(p.chats) >= maxChats {
			for other, l := range p.chats {
				if l.TokensAt(now) >= chatBurst {
					delete(p.chats, other)
				}
			}
		}
		limiter = rate.NewLimiter(1, chatBurst)
		p.chats[id] = limiter
	}
	return limiter
}

package notices

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"tabe/adapters/database"
	"tabe/bot"
)

// Journal takes what is to be told; store.Store does.
type Journal interface {
	Post(tx *database.Tx, m bot.Message, due time.Time) (fresh bool, err error)
}

// Recipient is where a resident is told.
type Recipient struct {
	Channel bot.ChannelID
	Peer    string
	Subject string
}

// The channels by which somebody is told who cannot be told by his own.
const (
	sms      bot.ChannelID = "sms"
	whatsapp bot.ChannelID = "whatsapp"
	ussd     bot.ChannelID = "ussd"
)

// overSMS returns the same resident's SMS, ok is false for those who have
// proved no telephone number.
func (r Recipient) overSMS() (_ Recipient, ok bool) {
	number, ok := strings.CutPrefix(r.Subject, "tel:")
	return Recipient{Channel: sms, Peer: number, Subject: r.Subject}, ok
}

// Post writes notices into the journal, each channel at its pace, never at
// night. Its methods are safe for concurrent use, on any number of machines.
type Post struct {
	Journal Journal
	Rules   Rules
	// Approved tells whether a channel takes a notice at any time, because the
	// texts by which it is told were approved. Nil: WhatsApp takes none.
	Approved func(c bot.ChannelID, n bot.Notice) bool
	// Carries tells whether anybody sends by a channel. Nil: by all.
	Carries func(c bot.ChannelID) bool
	// Spent tells whether the day's money for messages is gone: then notices
	// wait until tomorrow. Nil: it never is.
	Spent func(tx *database.Tx) (bool, error)
	Clock func() time.Time

	warns bool // of what is about to happen; see forWarning
}

// ErrLater is returned by Post.Send when the channel has no room now, or the
// day's money is gone. The transaction can be committed all the same.
var ErrLater = errors.New("notices: not now")

// ErrUnreachable is returned by Post.Send when the resident's channel does not
// carry such a notice, or nobody sends by it any more, and there is no other.
var ErrUnreachable = errors.New("notices: no channel takes this notice")

// ahead is how far ahead of its time a notice may be posted. It bounds what
// leaves at once after the machine stood still, and how long a STOP can come
// too late.
const ahead = time.Minute

// wrongClock is farther ahead than any slot can be that was given by a clock
// that goes right.
const wrongClock = 5 * time.Minute

// Send posts n for the next free moment of the recipient's channel; id names
// the notice for ever, so that it is told once however often it is posted.
func (p *Post) Send(tx *database.Tx, to Recipient, id string, n bot.Notice) error {
	now := p.Clock()
	if night(now) && !p.warns {
		return ErrLater
	}
	switch spent, err := p.spent(tx); {
	case err != nil:
		return err
	case spent:
		return ErrLater
	}
	if p.bySMS(to.Channel, n) {
		var ok bool
		if to, ok = to.overSMS(); !ok {
			return ErrUnreachable
		}
	}
	if p.Carries != nil && !p.Carries(to.Channel) {
		return ErrUnreachable
	}
	due, err := p.slot(tx, to.Channel, now)
	if err != nil {
		return err
	}
	before := prefix
	if p.warns {
		before = warningPrefix
	}
	_, err = p.Journal.Post(tx, bot.Message{ID: before + id, Channel: to.Channel, Peer: to.Peer, Subject: to.Subject, At: due, Notice: &n}, due)
	return err
}

// spent tells whether there is no money left for notices today.
func (p *Post) spent(tx *database.Tx) (bool, error) {
	if p.Spent == nil {
		return false, nil
	}
	return p.Spent(tx)
}

// forWarning returns a Post that waits neither for money nor for the morning,
// and goes at the pace of warnings.
func (p *Post) forWarning() *Post {
	warning := *p
	warning.Spent, warning.warns = nil, true
	return &warning
}

// bySMS tells whether a notice cannot go by the channel that the resident used:
// a dialogue (USSD) is over, and WhatsApp takes approved texts only.
func (p *Post) bySMS(c bot.ChannelID, n bot.Notice) bool {
	return c == ussd || c == whatsapp && (p.Approved == nil || !p.Approved(c, n))
}

// prefix is in front of the ids of our messages in the journal, where no
// provider's id can be like it.
const prefix = "notice/"

// warningPrefix takes its place for warnings, which nothing holds back.
const warningPrefix = "warning/"

// Behind prefix stand, for the news of a subscription, its id, and, for a
// message of an office, this.
const broadcastPrefix = "broadcast/"

func newsPrefix(subscription int64) string { return strconv.FormatInt(subscription, 10) + "/" }

// slot takes the next free moment of a channel. Until the transaction ends the
// channel is ours.
func (p *Post) slot(tx *database.Tx, c bot.ChannelID, now time.Time) (due time.Time, err error) {
	interval := p.Rules.of(c).interval(p.warns).Microseconds()
	var next int64
	if err := tx.QueryRow(`insert into notice_pace (channel, next) values ($1, $2) on conflict (channel) do update
		set next = case when notice_pace.next > $3 and notice_pace.next < $4 then notice_pace.next else $3 end + $5 returning next`,
		[]any{c, database.Micros(now) + interval, database.Micros(now), database.Micros(now.Add(wrongClock)), interval}, &next); err != nil {
		return time.Time{}, fmt.Errorf("notices: pace: %w", err)
	}
	due = database.Time(next - interval)
	if due.Sub(now) <= ahead && (p.warns || !night(due.Add(ahead))) {
		return due, nil
	}
	if _, err := tx.Exec(`update notice_pace set next = $1 where channel = $2`, database.Micros(due), c); err != nil {
		return time.Time{}, fmt.Errorf("notices: pace: %w", err)
	}
	return time.Time{}, ErrLater
}

// The outcomes that are counted.
const (
	posted      = "posted"
	unreachable = "unreachable" // see ErrUnreachable
)

// count adds to the statistics of the day.
func count(tx *database.Tx, now time.Time, purpose string, c bot.ChannelID, outcome string) error {
	_, err := tx.Exec(`insert into notice_counts (day, purpose, channel, outcome, n) values ($1, $2, $3, $4, 1)
		on conflict (day, purpose, channel, outcome) do update set n = notice_counts.n + 1`,
		now.In(bot.WITA).Format(time.DateOnly), purpose, c, outcome)
	return err
}

package bot

import (
	"fmt"
	"maps"
	"slices"
	"time"
)

// Link is the effect of a resident's proof that he is somebody who is known by
// another Subject, as a rule by his telephone number. From then on what he
// sends as he did until now is a message of that resident: numbers, language,
// subscriptions and complaints are one, in one order, and conversations stay
// apart by channel. See Join.
type Link struct {
	Owner   string // Subject of whom he proved to be
	Consent string // key of the message that asked him
}

// Unlink is the effect of taking a Link back: the account on that channel is
// somebody of its own again, of whom nothing is known.
type Unlink struct{ Channel ChannelID }

// Linked is an account that a Link joined to a resident.
type Linked struct {
	Channel ChannelID `json:"n"`
	At      time.Time `json:"t"`
	Consent string    `json:"c"` // key of the message by which consent was asked
}

// Unlink forgets the account on a channel; the effect Unlink has to go with it.
// It reports false if there is none.
func (r *Resident) Unlink(c ChannelID) bool {
	i := slices.IndexFunc(r.Links, func(l Linked) bool { return l.Channel == c })
	if i < 0 {
		return false
	}
	r.Links = slices.Delete(r.Links, i, i+1)
	return true
}

// Join returns the state of a resident who was known as two: owner's with what
// the account has added. Language and the conversations on the account's
// channel are the account's. Numbers are those of both, and so are failed
// guesses and the answers of the day: linking does not wash them off.
func Join(owner, account []byte, l Linked) ([]byte, error) {
	into, err := decode(owner)
	if err != nil {
		return nil, fmt.Errorf("join: %w", err)
	}
	from, err := decode(account)
	if err != nil {
		return nil, fmt.Errorf("join: %w", err)
	}
	if from.Language != "" {
		into.Language, into.Pinned, into.Hearing = from.Language, from.Pinned || into.Pinned && into.Language == from.Language, from.Hearing
	}
	all := append(slices.Clone(into.Saved), from.Saved...)
	slices.SortStableFunc(all, func(a, b Saved) int { return a.At.Compare(b.At) })
	into.Saved = nil
	for _, s := range all {
		into.Keep(s)
	}
	for kind, theirs := range from.Attempts {
		if ours := into.Attempts[kind]; ours == nil || ours.Points < theirs.Points {
			if into.Attempts == nil {
				into.Attempts = make(map[string]*Attempts, 1)
			}
			into.Attempts[kind] = theirs
		}
	}
	into.Answered = into.Answered.plus(from.Answered)
	for _, flow := range slices.Backward(from.Used) {
		into.uses(flow)
	}
	if into.Conversations == nil {
		into.Conversations = make(map[ChannelID]*Conversation, 1)
	}
	maps.Copy(into.Conversations, from.Conversations)
	into.Unlink(l.Channel)
	into.Links = append(into.Links, l)
	return into.encode()
}

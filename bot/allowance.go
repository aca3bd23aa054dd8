package bot

import "time"

// Allowance bounds how many answers one resident gets in a day (WITA) where
// each of them costs money, so that no single telephone can run up the bill.
// Beyond it his messages are still read, and what he wants is done, a STOP for
// example; he is only told once that he gets no more answers today. Notices
// are not counted: they are ours. An Urgent flow always answers. The zero value
// is no bound.
type Allowance struct {
	PerDay int
	Paid   func(c ChannelID) bool
}

// Answered counts the answers of a day that cost money.
type Answered struct {
	Day  string `json:"d"` // of WITA, YYYY-MM-DD
	N    int    `json:"n"`
	Told bool   `json:"t,omitempty"` // that there are no more today
}

// plus is what two residents got who turned out to be one.
func (a Answered) plus(b Answered) Answered {
	switch {
	case a.Day > b.Day:
		return a
	case a.Day < b.Day:
		return b
	}
	return Answered{Day: a.Day, N: a.N + b.N, Told: a.Told || b.Told}
}

// enough tells the resident that he gets no more answers today.
var enough = Reply{Key: "answers_enough"}

// allow returns what of the answers the resident gets.
func (e *Engine) allow(t *Turn, texts []Text) []Text {
	limit := e.Allowance
	if limit.PerDay <= 0 || len(texts) == 0 || t.urgent || e.Formats[t.Channel].Inline || !limit.Paid(t.Channel) {
		return texts
	}
	got, today := &t.Resident.Answered, t.Now.In(WITA).Format(time.DateOnly)
	if got.Day != today {
		*got = Answered{Day: today}
	}
	if got.N+len(texts) <= limit.PerDay {
		got.N += len(texts)
		return texts
	}
	got.N = limit.PerDay // also if a shorter answer would still fit
	if got.Told {
		return nil
	}
	got.Told = true
	e.Log.Warn("a resident has had his answers of the day", "resident", t.Entry.Resident, "channel", t.Channel)
	text, err := speaker{words: e.Words, language: t.Resident.Language, format: e.Formats[t.Channel]}.say(enough)
	if err != nil {
		e.Log.Error("cannot put a reply into words", "err", err)
		return nil
	}
	return []Text{text}
}

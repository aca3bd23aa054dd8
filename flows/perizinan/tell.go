package perizinan

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"tabe/bot"
)

// The kinds of notices about a permit.
const (
	NoticeReady   = "ready"   // to collect
	NoticeChanged = "changed" // any other step
)

// News is the body of a notice: what a resident who asked for it is told of a
// permit.
type News struct {
	Number Number    `json:"number"`
	Type   string    `json:"type"`
	Status string    `json:"status"`
	Since  time.Time `json:"since,omitzero"`
	AsOf   time.Time `json:"as_of"`
}

// NewsOf returns what there is to tell about a permit, and as what kind of notice.
func NewsOf(p Permit) (kind string, news News) {
	kind = NoticeChanged
	if StepOf(p.Status) == Ready {
		kind = NoticeReady
	}
	return kind, News{Number: p.Number, Type: p.Type, Status: p.Status, Since: p.Since, AsOf: p.AsOf}
}

var _ bot.Teller = (*Flow)(nil)

// Tell implements bot.Teller: the status of a permit has changed. The resident
// stays where he was.
func (f *Flow) Tell(_ context.Context, t *bot.Turn) error {
	var news News
	if err := json.Unmarshal(t.Notice.Body, &news); err != nil {
		return fmt.Errorf("perizinan: notice: %w", err)
	}
	p := Permit{Number: news.Number, Type: news.Type, Status: news.Status, Since: news.Since, AsOf: news.AsOf}
	s := &step{Turn: t, flow: f}
	data := p.about()
	r := bot.Reply{Key: "perizinan.told_ready", Data: data, Keep: true}
	if t.Notice.Kind != NoticeReady {
		r.Key = p.statusKey()
		data["rest"] = append(s.todo(p), s.ageOf(p.AsOf), bot.Phrase{Key: "perizinan.stop"})
	}
	t.Say(r)
	if p.over() {
		t.Effect(bot.Unsubscribe{Purpose: kind, Key: string(p.Number)}) // there will be nothing more
	}
	return nil
}

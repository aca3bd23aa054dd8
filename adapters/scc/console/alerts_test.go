package console_test

import (
	"context"
	"net/http"
	"testing"
	"time"

	"tabe/adapters/notices"
	"tabe/adapters/scc/alerts"
	"tabe/adapters/scc/console"
	"tabe/adapters/scc/geo"
	"tabe/adapters/scc/operators"
)

// flood is a book with one warning in it.
type flood struct{ console.Alerts }

func (flood) Waiting(context.Context) ([]alerts.Entry, error) { return nil, nil }

func (flood) Published(context.Context, time.Time, bool) ([]alerts.Entry, error) { return nil, nil }

func (flood) Find(context.Context, string, bool) (alerts.Entry, error) {
	return alerts.Entry{ID: 1, Identifier: "x", Alert: alerts.Alert{Info: []alerts.Info{{SenderName: "BPBD", Headline: "Awas banjir", Instruction: "Menjauh dari sungai."}}}}, nil
}

// planner keeps what is planned.
type planner struct {
	console.Broadcasts
	planned []notices.Broadcast
}

func (p *planner) Plan(_ context.Context, b notices.Broadcast) (notices.Broadcast, error) {
	p.planned = append(p.planned, b)
	return b, nil
}

// A warning that is told to residents does not wait for money.
func TestAWarningIsPlannedAsOne(t *testing.T) {
	p := &planner{}
	c := open(t, func(_ *center, config *console.Config) {
		config.Alerts, config.Broadcasts, config.Map = flood{}, p, geo.New()
	})
	c.add("andi", operators.Supervisor)
	b := c.signIn("andi")
	if status := b.post("/scc/peringatan/1/rencana", "identifier", "x"); status != http.StatusOK {
		t.Fatalf("%d: %s", status, b.body)
	}
	b.shows("Kirim ke warga?", "Awas banjir. Menjauh dari sungai.")
	if len(p.planned) != 1 || !p.planned[0].Warning || p.planned[0].Office != "BPBD" {
		t.Errorf("%+v", p.planned)
	}
}

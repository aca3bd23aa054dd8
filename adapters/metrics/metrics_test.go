package metrics_test

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil/promlint"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"

	"tabe/adapters/costs"
	"tabe/adapters/metrics"
	"tabe/adapters/scc"
	"tabe/adapters/store"
	"tabe/bot"
	"tabe/bot/understand"
)

type house struct{ down error }

func (h house) Queues(context.Context) (store.Queues, error) {
	return store.Queues{
		Unanswered: store.Queue{Count: 3, Oldest: time.Now().Add(-time.Minute)},
		Unsent:     map[bot.ChannelID]store.Queue{"sms": {Count: 2, Oldest: time.Now().Add(-time.Second)}}, Dead: 1,
	}, h.down
}

func (h house) Standing(context.Context) (scc.Standing, error) {
	return scc.Standing{Unanswered: 1, Oldest: 40 * time.Second, Open: 4}, h.down
}

func (h house) Today(context.Context) ([]costs.Sum, error) {
	return []costs.Sum{{Channel: "sms", Kind: costs.Emergency, Rupiah: 500}, {Channel: "sms", Kind: costs.Ordinary, Rupiah: 1000}}, h.down
}

func (h house) State(context.Context) (costs.Budget, error) {
	return costs.Budget{Daily: 10_000, Warning: 8_000, Spent: 1500}, h.down
}

func (h house) Health() error { return h.down }

func scrape(t *testing.T, m *metrics.Metrics) string {
	t.Helper()
	r := httptest.NewRequest(http.MethodGet, "/metrics", nil)
	r.RemoteAddr = "127.0.0.1:5"
	w := httptest.NewRecorder()
	m.Handler("").ServeHTTP(w, r)
	if w.Code != 200 {
		t.Fatal(w.Code, w.Body)
	}
	return w.Body.String()
}

func TestScrape(t *testing.T) {
	m := metrics.New(house{}, house{}, house{}, slog.New(slog.DiscardHandler))
	m.Turned(bot.Turned{Channel: "sms", Flow: "darurat", Intent: understand.EmergencyViolence, Language: "bug", Replies: 1, Waited: time.Millisecond})
	m.Turned(bot.Turned{Channel: "sms", Flow: "pbb", Intent: understand.TaxBill, Language: "id", Failed: true})
	m.Outages(func() []bot.Outage { return []bot.Outage{{Channel: "whatsapp"}} })
	m.Attempted(bot.Attempted{Channel: "sms", Result: bot.Deferred, Took: time.Second, Segments: 7, Cost: 3500})
	m.Attempted(bot.Attempted{Channel: "sms", Result: bot.Went, Segments: 2, Cost: 1000})
	page := scrape(t, m)
	for _, want := range []string{
		`tabe_turns_total{channel="sms",flow="darurat",intent="emergency",language="bug",result="answered"} 1`,
		`tabe_turns_total{channel="sms",flow="pbb",intent="tax_bill",language="id",result="busy"} 1`,
		`tabe_send_attempts_total{channel="sms",result="deferred"} 1`,
		`tabe_unanswered_messages 3`, `tabe_unsent_texts{channel="sms"} 2`, `tabe_dead_letters 1`, `tabe_channel_outage{channel="whatsapp"} 1`,
		`tabe_messages_segments_total{channel="sms"} 2`, `tabe_messages_cost_rupiah_total{channel="sms"} 1000`,
		`tabe_spent_rupiah_today{channel="sms"} 1500`, `tabe_budget_rupiah 10000`, `tabe_budget_warning_rupiah 8000`,
		`tabe_incidents{state="unanswered"} 1`, `tabe_incident_unanswered_age_seconds 40`, `tabe_escalation_up 1`, `tabe_database_up 1`,
	} {
		if !strings.Contains(page, want+"\n") {
			t.Errorf("no %s", want)
		}
	}
	if strings.Contains(page, "violence") {
		t.Error("violence is counted apart")
	}
	parser := expfmt.NewTextParser(model.UTF8Validation)
	if _, err := parser.TextToMetricFamilies(strings.NewReader(page)); err != nil {
		t.Error(err)
	}
	problems, err := promlint.New(strings.NewReader(page)).Lint()
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range problems {
		if strings.HasPrefix(p.Metric, "tabe_") {
			t.Error(p.Metric, p.Text)
		}
	}
}

func TestTheDatabaseIsDown(t *testing.T) {
	page := scrape(t, metrics.New(house{errors.New("down")}, house{errors.New("down")}, house{}, slog.New(slog.NewTextHandler(io.Discard, nil))))
	if !strings.Contains(page, "tabe_database_up 0\n") || !strings.Contains(page, "tabe_escalation_up 0\n") {
		t.Error(page)
	}
}

func TestTheSpendingIsUnknown(t *testing.T) {
	page := scrape(t, metrics.New(house{}, house{}, house{errors.New("down")}, slog.New(slog.DiscardHandler)))
	if !strings.Contains(page, "tabe_database_up 0\n") || !strings.Contains(page, "tabe_unanswered_messages 3\n") || strings.Contains(page, "tabe_budget") {
		t.Error(page)
	}
}

func TestWhoMaySee(t *testing.T) {
	m := metrics.New(house{}, house{}, house{}, slog.New(slog.DiscardHandler))
	for _, c := range []struct {
		name, key, from, token, forwarded string
		want                              int
	}{
		{"this machine", "", "127.0.0.1:5", "", "", 200},
		{"a private network", "", "10.4.0.9:5", "", "", 200},
		{"the world", "", "203.0.113.9:5", "", "", 403},
		{"the world through a proxy here", "", "127.0.0.1:5", "", "203.0.113.9", 403},
		{"with the key", "k", "203.0.113.9:5", "Bearer k", "", 200},
		{"with another key", "k", "127.0.0.1:5", "Bearer x", "", 403},
		{"without the key", "k", "127.0.0.1:5", "", "", 403},
	} {
		r := httptest.NewRequest(http.MethodGet, "/metrics", nil)
		r.RemoteAddr = c.from
		r.Header.Set("Authorization", c.token)
		if c.forwarded != "" {
			r.Header.Set("X-Forwarded-For", c.forwarded)
		}
		w := httptest.NewRecorder()
		m.Handler(c.key).ServeHTTP(w, r)
		if w.Code != c.want {
			t.Errorf("%s: %d", c.name, w.Code)
		}
	}
}

// What the alert rules and the dashboard ask for is there.
func TestRulesAndDashboardAskForWhatThereIs(t *testing.T) {
	m := metrics.New(house{}, house{}, house{}, slog.New(slog.DiscardHandler))
	m.Turned(bot.Turned{Channel: "sms"})
	m.Attempted(bot.Attempted{Channel: "sms", Result: bot.Went})
	m.Outages(func() []bot.Outage { return []bot.Outage{{Channel: "sms"}} })
	page := scrape(t, m)
	asked := regexp.MustCompile(`tabe_[a-z_]+`)
	for _, file := range []string{"prometheus/alerts.yml", "grafana/tabe.json"} {
		raw, err := os.ReadFile(filepath.Join("..", "..", "deploy", file))
		if err != nil {
			t.Fatal(err)
		}
		names := asked.FindAllString(string(raw), -1)
		if len(names) < 10 {
			t.Errorf("%s asks for %d metrics", file, len(names))
		}
		for _, name := range names {
			if !strings.Contains(page, "\n"+name+"{") && !strings.Contains(page, "\n"+name+" ") {
				t.Errorf("%s asks for %s", file, name)
			}
		}
	}
}

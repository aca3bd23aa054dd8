// Package metrics counts what happens and shows it to Prometheus. Nothing in it
// tells of a resident: labels are channels, flows, intents, languages and
// results, and cases of violence are not counted apart.
package metrics

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"log/slog"
	"net/http"
	"net/netip"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"tabe/adapters/costs"
	"tabe/adapters/scc"
	"tabe/adapters/store"
	"tabe/bot"
)

// Queues is where messages wait; *store.Store.
type Queues interface {
	Queues(ctx context.Context) (store.Queues, error)
}

// Center is where incidents are; *scc.Center.
type Center interface {
	Standing(ctx context.Context) (scc.Standing, error)
	Health() error
}

// Spending is what messages cost; *costs.Ledger.
type Spending interface {
	Today(ctx context.Context) ([]costs.Sum, error)
	State(ctx context.Context) (costs.Budget, error)
}

// Metrics is safe for concurrent use.
type Metrics struct {
	registry *prometheus.Registry
	turns    *prometheus.CounterVec
	stages   *prometheus.HistogramVec
	replies  *prometheus.CounterVec
	attempts *prometheus.CounterVec
	sending  *prometheus.HistogramVec
	segments *prometheus.CounterVec
	cost     *prometheus.CounterVec
}

// buckets fit what takes from a tenth of a millisecond to half a minute.
var buckets = []float64{.0001, .0003, .001, .003, .01, .03, .1, .3, 1, 3, 10, 30}

// New returns the metrics of a process.
func New(queues Queues, center Center, spending Spending, log *slog.Logger) *Metrics {
	m := &Metrics{
		registry: prometheus.NewRegistry(),
		turns: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "tabe_turns_total", Help: "Messages that were answered, and notices that were told.",
		}, []string{"channel", "flow", "intent", "language", "result"}),
		stages: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "tabe_turn_seconds", Help: "Where the time of a turn goes: wait, think, write.", Buckets: buckets,
		}, []string{"stage"}),
		replies: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "tabe_replies_total", Help: "Texts that residents were given.",
		}, []string{"channel"}),
		attempts: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "tabe_send_attempts_total", Help: "Attempts to hand a text to a provider.",
		}, []string{"channel", "result"}),
		sending: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "tabe_send_seconds", Help: "How long a provider takes.", Buckets: buckets,
		}, []string{"channel"}),
		segments: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "tabe_messages_segments_total", Help: "What was charged for of the texts that went: segments of SMS, messages, started minutes of calls.",
		}, []string{"channel"}),
		cost: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "tabe_messages_cost_rupiah_total", Help: "What they cost, by costs.toml.",
		}, []string{"channel"}),
	}
	m.registry.MustRegister(m.turns, m.stages, m.replies, m.attempts, m.sending, m.segments, m.cost,
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}), collectors.NewBuildInfoCollector(),
		standing{queues, center, spending, log})
	return m
}

// Turned is for bot.Config.Observe.
func (m *Metrics) Turned(t bot.Turned) {
	result := "answered"
	switch {
	case t.Failed:
		result = "busy"
	case t.Notice:
		result = "told"
	}
	m.turns.WithLabelValues(string(t.Channel), flowOf(t.Flow), t.Topic(), t.Language, result).Inc()
	m.replies.WithLabelValues(string(t.Channel)).Add(float64(t.Replies))
	if !t.Notice { // nobody waits for those
		m.stages.WithLabelValues("wait").Observe(t.Waited.Seconds())
	}
	m.stages.WithLabelValues("think").Observe(t.Thought.Seconds())
	m.stages.WithLabelValues("write").Observe(t.Written.Seconds())
}

func flowOf(name string) string {
	if name == "" {
		return "none"
	}
	return name
}

// Outages has look asked, at each scrape, which channels fail for everybody in
// this process; bot.Sender.Outages.
func (m *Metrics) Outages(look func() []bot.Outage) { m.registry.MustRegister(outages{look}) }

type outages struct{ look func() []bot.Outage }

var outageDesc = prometheus.NewDesc("tabe_channel_outage", "1: the channel fails for everybody, and only emergencies and probes are tried.", []string{"channel"}, nil)

// Describe implements prometheus.Collector.
func (outages) Describe(to chan<- *prometheus.Desc) { to <- outageDesc }

// Collect implements prometheus.Collector.
func (o outages) Collect(to chan<- prometheus.Metric) {
	for _, out := range o.look() {
		to <- prometheus.MustNewConstMetric(outageDesc, prometheus.GaugeValue, 1, string(out.Channel))
	}
}

// Attempted is for bot.Sender.Observe.
func (m *Metrics) Attempted(a bot.Attempted) {
	m.attempts.WithLabelValues(string(a.Channel), string(a.Result)).Inc()
	m.sending.WithLabelValues(string(a.Channel)).Observe(a.Took.Seconds())
	if a.Result == bot.Went {
		m.segments.WithLabelValues(string(a.Channel)).Add(float64(a.Segments))
		m.cost.WithLabelValues(string(a.Channel)).Add(float64(a.Cost))
	}
}

// standing asks for what waits at the moment of the question.
type standing struct {
	queues   Queues
	center   Center
	spending Spending
	log      *slog.Logger
}

var (
	unansweredDesc = prometheus.NewDesc("tabe_unanswered_messages", "Messages of residents without an answer.", nil, nil)
	answerAgeDesc  = prometheus.NewDesc("tabe_unanswered_age_seconds", "Age of the oldest of them.", nil, nil)
	unsentDesc     = prometheus.NewDesc("tabe_unsent_texts", "Texts on their way.", []string{"channel"}, nil)
	unsentAgeDesc  = prometheus.NewDesc("tabe_unsent_age_seconds", "Age of the oldest of them.", []string{"channel"}, nil)
	deadDesc       = prometheus.NewDesc("tabe_dead_letters", "Texts that were given up.", nil, nil)
	incidentsDesc  = prometheus.NewDesc("tabe_incidents", "Incidents that are not closed: unanswered, overdue (their clock stands still), open.", []string{"state"}, nil)
	incidentAge    = prometheus.NewDesc("tabe_incident_unanswered_age_seconds", "Age of the oldest incident that no human being has answered.", nil, nil)
	escalationDesc = prometheus.NewDesc("tabe_escalation_up", "1: a cycle of the escalation was completed in the last seconds.", nil, nil)
	spentDesc      = prometheus.NewDesc("tabe_spent_rupiah_today", "What messages have cost today (WITA), of all nodes.", []string{"channel"}, nil)
	budgetDesc     = prometheus.NewDesc("tabe_budget_rupiah", "How much may be spent in a day; 0: no budget.", nil, nil)
	warningDesc    = prometheus.NewDesc("tabe_budget_warning_rupiah", "At how much of it there is a warning.", nil, nil)
	scrapeDesc     = prometheus.NewDesc("tabe_database_up", "1: the database answered these questions.", nil, nil)
)

// Describe implements prometheus.Collector.
func (s standing) Describe(to chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{unansweredDesc, answerAgeDesc, unsentDesc, unsentAgeDesc, deadDesc, incidentsDesc, incidentAge, escalationDesc, spentDesc, budgetDesc, warningDesc, scrapeDesc} {
		to <- d
	}
}

// askTime is how long the database may take for a scrape.
const askTime = 3 * time.Second

// Collect implements prometheus.Collector.
func (s standing) Collect(to chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), askTime)
	defer cancel()
	gauge := func(d *prometheus.Desc, v float64, labels ...string) {
		to <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v, labels...)
	}
	gauge(escalationDesc, one(s.center.Health() == nil))
	q, err := s.queues.Queues(ctx)
	if err == nil {
		gauge(unansweredDesc, float64(q.Unanswered.Count))
		gauge(answerAgeDesc, age(q.Unanswered.Oldest))
		for channel, queue := range q.Unsent {
			gauge(unsentDesc, float64(queue.Count), string(channel))
			gauge(unsentAgeDesc, age(queue.Oldest), string(channel))
		}
		gauge(deadDesc, float64(q.Dead))
		var i scc.Standing
		if i, err = s.center.Standing(ctx); err == nil {
			gauge(incidentsDesc, float64(i.Unanswered), "unanswered")
			gauge(incidentsDesc, float64(i.Open), "open")
			gauge(incidentsDesc, float64(i.Overdue), "overdue")
			gauge(incidentAge, i.Oldest.Seconds())
		}
	}
	if err == nil {
		err = s.money(ctx, gauge)
	}
	if err != nil {
		s.log.Error("cannot measure what waits", "err", err)
	}
	gauge(scrapeDesc, one(err == nil))
}

// money tells what was spent today, and what may be.
func (s standing) money(ctx context.Context, gauge func(*prometheus.Desc, float64, ...string)) error {
	sums, err := s.spending.Today(ctx)
	if err != nil {
		return err
	}
	spent := map[bot.ChannelID]bot.Rupiah{}
	for _, sum := range sums {
		spent[sum.Channel] += sum.Rupiah
	}
	for channel, rupiah := range spent {
		gauge(spentDesc, float64(rupiah), string(channel))
	}
	budget, err := s.spending.State(ctx)
	if err != nil {
		return err
	}
	gauge(budgetDesc, float64(budget.Daily))
	gauge(warningDesc, float64(budget.Warning))
	return nil
}

func one(b bool) float64 {
	if b {
		return 1
	}
	return 0
}

func age(oldest time.Time) float64 {
	if oldest.IsZero() {
		return 0
	}
	return max(0, time.Since(oldest).Seconds())
}

// Handler shows the metrics to who has the key (as a bearer token). Without a
// key they are for this machine and private networks, but not for what a proxy
// passes on.
func (m *Metrics) Handler(key string) http.Handler {
	show := promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{MaxRequestsInFlight: 4, Timeout: 2 * askTime})
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !allowed(r, key) {
			http.Error(w, "not from here", http.StatusForbidden)
			return
		}
		show.ServeHTTP(w, r)
	})
}

func allowed(r *http.Request, key string) bool {
	if key != "" {
		given := sha256.Sum256([]byte(strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")))
		known := sha256.Sum256([]byte(key))
		return subtle.ConstantTimeCompare(given[:], known[:]) == 1
	}
	from, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil || r.Header.Get("X-Forwarded-For") != "" || r.Header.Get("Forwarded") != "" {
		return false
	}
	a := from.Addr().Unmap()
	return a.IsLoopback() || a.IsPrivate()
}

package traces_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.opentelemetry.io/otel/codes"
	sdk "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"
	"go.uber.org/goleak"

	"tabe/adapters/seal"
	"tabe/adapters/store"
	"tabe/adapters/testserver"
	"tabe/adapters/traces"
	"tabe/bot"
	"tabe/bot/understand"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var (
	secret  = make([]byte, seal.KeyLength)
	discard = slog.New(slog.DiscardHandler)
)

// collector keeps what it was given, also after the end.
type collector struct{ *tracetest.InMemoryExporter }

func (collector) Shutdown(context.Context) error { return nil }

// node is one process with traces. taken ends it and returns them.
func node(t *testing.T, secret []byte) (on *traces.Traces, taken func() tracetest.SpanStubs) {
	t.Helper()
	kept := collector{tracetest.NewInMemoryExporter()}
	on, err := traces.New(t.Context(), secret, kept, discard)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = on.Close() })
	return on, func() tracetest.SpanStubs {
		t.Helper()
		if err := on.Close(); err != nil {
			t.Error(err)
		}
		return kept.GetSpans()
	}
}

// tree writes each span below its parent: "parent > span kind attributes".
func tree(spans tracetest.SpanStubs) (lines []string) {
	names := map[trace.SpanID]string{}
	for _, s := range spans {
		names[s.SpanContext.SpanID()] = s.Name
	}
	for _, s := range spans {
		var line strings.Builder
		if s.Parent.IsValid() {
			fmt.Fprintf(&line, "%s > ", names[s.Parent.SpanID()])
		}
		fmt.Fprintf(&line, "%s (%s)", s.Name, s.SpanKind)
		for _, a := range s.Attributes {
			fmt.Fprintf(&line, " %s=%s", strings.TrimPrefix(string(a.Key), "tabe."), a.Value.String())
		}
		if s.Status.Code == codes.Error {
			fmt.Fprintf(&line, " !%s", s.Status.Description)
		}
		lines = append(lines, line.String())
	}
	slices.Sort(lines)
	return lines
}

func equal(t *testing.T, got, want []string) {
	t.Helper()
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("got\n\t%s\nwant\n\t%s", strings.Join(got, "\n\t"), strings.Join(want, "\n\t"))
	}
}

// echo is a house with one flow.
type echo struct{}

func (echo) Name() string            { return "echo" }
func (echo) Revision() int           { return 1 }
func (echo) Topics() []bot.Topic     { return []bot.Topic{{Intent: understand.TaxBill}} }
func (echo) Knows(state string) bool { return true }
func (echo) Expects(*bot.Turn) bool  { return false }
func (echo) Handle(_ context.Context, t *bot.Turn) error {
	t.Conversation.State = "heard"
	t.Say(bot.Reply{Key: "heard", End: true})
	return nil
}

func (echo) Text(_, key, _ string, _ map[string]any) (string, error) { return key, nil }

func understood(text string) understand.Result {
	return understand.Result{Text: text, Language: understand.Indonesian, Guess: understand.Guess{Intent: understand.TaxBill, Confidence: 0.75}}
}

const number, text, name = "+6281100000477", "siaga pajakku", "Andi"

// message is what somebody writes.
func message(id string) bot.Message {
	return bot.Message{ID: id, Channel: "sms", Peer: number, Subject: "tel:" + number, Text: text + " " + name}
}

// house is a node with a journal.
type house struct {
	*store.Store
	engine *bot.Engine
	turned chan bot.Turned
}

func open(t *testing.T, url string, on *traces.Traces, clock func() time.Time) *house {
	t.Helper()
	db := testserver.OpenDatabase(t, url)
	h := &house{turned: make(chan bot.Turned, 9)}
	var err error
	if h.Store, err = store.New(db, secret, clock); err != nil {
		t.Fatal(err)
	}
	h.OnReceipt(on.Receipted)
	if h.engine, err = bot.New(bot.Config{
		Store: on.Journal(h.Store), Words: echo{}, Understand: understood, Flows: []bot.Flow{echo{}}, Home: echo{}, Clock: clock,
		Observe: func(told bot.Turned) { on.Turned(told); h.turned <- told },
	}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = h.engine.Close(context.Background()) })
	return h
}

// knock sends a request to a door and returns the status.
func knock(door http.Handler, path string) int {
	r := httptest.NewRequest(http.MethodPost, path, nil)
	// A stranger says that he is part of another trace.
	r.Header.Set("traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")
	w := httptest.NewRecorder()
	door.ServeHTTP(w, r)
	return w.Code
}

// line is a channel that fails the first time.
type line struct{ tried atomic.Int64 }

func (*line) ID() bot.ChannelID { return "sms" }
func (l *line) Send(context.Context, bot.Outbound) (string, error) {
	if l.tried.Add(1) == 1 {
		return "", &bot.SendError{Code: "http 503", Err: errors.New("to " + number)}
	}
	return "SM1", nil
}

// A message comes twice, is answered by one machine that then dies, and what
// was answered is sent by another.
func TestOneTraceOnTwoMachines(t *testing.T) {
	url := testserver.SQLiteURL(t)
	one, takenByOne := node(t, secret)
	first := open(t, url, one, time.Now)
	mux := http.NewServeMux()
	mux.HandleFunc("POST /channels/{name}", func(w http.ResponseWriter, r *http.Request) {
		if err := first.engine.Receive(r.Context(), message("m1")); err != nil {
			t.Error(err)
		}
		w.WriteHeader(http.StatusNoContent)
	})
	doors := one.Doors(mux)
	if code := knock(doors, "/channels/andi?from="+number); code != http.StatusNoContent {
		t.Fatal(code)
	}
	<-first.turned
	knock(doors, "/channels/andi")
	if err := first.engine.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	spans := takenByOne()

	two, takenByTwo := node(t, secret)
	var later atomic.Int64
	later.Store(int64(time.Minute)) // the claim of the dead machine has ended
	clock := func() time.Time { return time.Now().Add(time.Duration(later.Load())) }
	second := open(t, url, two, clock)
	sender := bot.NewSender(second.Store, clock, discard, &line{})
	attempted := make(chan bot.Attempted, 9)
	sender.Observe(func(told bot.Attempted) { two.Attempted(told); attempted <- told })
	ctx, stop := context.WithCancel(t.Context())
	var running sync.WaitGroup
	running.Go(func() { sender.Run(ctx) })
	<-attempted
	later.Store(int64(time.Hour))
	<-attempted
	stop()
	running.Wait()
	for _, status := range []bot.Status{bot.Delivered, bot.Delivered, bot.Failed} {
		if err := second.Receipt(t.Context(), "sms", "SM1", status, "dlr 2"); err != nil {
			t.Fatal(err)
		}
	}
	spans = append(spans, takenByTwo()...)

	const door = "POST /channels/{name}"
	const http = " http.request.method=POST http.route=/channels/{name} http.response.status_code=204"
	equal(t, tree(spans), []string{
		door + " (server)" + http,
		door + " > accept (internal) channel=sms duplicate=false",
		door + " > wait (internal)",
		door + " > turn (internal) channel=sms language=id replies=1",
		"turn > understand (internal) topic=tax_bill confidence=0.75",
		"turn > flow (internal) flow=echo state=heard",
		"turn > commit (internal)",
		door + " > " + door + " (server)" + http + " duplicate=true",
		door + " > accept (internal) channel=sms duplicate=true",
		door + " > send (client) channel=sms attempt=1 result=deferred code=http 503 !http 503",
		door + " > send (client) channel=sms attempt=2 result=sent",
		door + " > receipt (internal) channel=sms status=delivered",
		door + " > receipt (internal) channel=sms status=failed code=dlr 2 !dlr 2",
	})
	begun, ended := map[string]time.Time{}, map[string]time.Time{}
	for _, s := range spans {
		if s.SpanContext.TraceID() != spans[0].SpanContext.TraceID() {
			t.Errorf("%s is in another trace", s.Name)
		}
		if s.EndTime.Before(s.StartTime) {
			t.Errorf("%s ends before it begins", s.Name)
		}
		if _, seen := begun[s.Name]; !seen {
			begun[s.Name], ended[s.Name] = s.StartTime, s.EndTime
		}
	}
	// The journal keeps microseconds.
	if waited := begun["wait"]; waited.Before(begun["accept"].Add(-time.Microsecond)) || waited.After(ended["accept"]) {
		t.Errorf("the wait begins at %v, accepted from %v to %v", waited, begun["accept"], ended["accept"])
	}
	for _, next := range [][2]string{{"wait", "turn"}, {"turn", "understand"}} {
		if next[0] == "wait" && !ended["wait"].Equal(begun["turn"]) || next[0] == "turn" && !begun["turn"].Equal(begun["understand"]) {
			t.Errorf("%s does not follow %s", next[1], next[0])
		}
	}
	if !ended["understand"].Equal(begun["flow"]) || !ended["flow"].Equal(begun["commit"]) || !ended["commit"].Equal(ended["turn"]) {
		t.Error("the stages of a turn have gaps")
	}
	all, err := json.Marshal(spans)
	if err != nil {
		t.Fatal(err)
	}
	for _, personal := range []string{number[1:], text, name, "andi", "m1", string(first.ID("tel:" + number))} {
		if bytes.Contains(all, []byte(personal)) {
			t.Errorf("%s is in the traces", personal)
		}
	}
}

// What comes by another way than a request has a root, too.
func TestRoots(t *testing.T) {
	on, taken := node(t, secret)
	h := open(t, testserver.SQLiteURL(t), on, time.Now)
	receive := func(ctx context.Context, ids ...string) {
		for _, id := range ids {
			if err := h.engine.Receive(ctx, message(id)); err != nil {
				t.Error(err)
			}
		}
	}
	mux := http.NewServeMux()
	mux.HandleFunc("/two", func(_ http.ResponseWriter, r *http.Request) { receive(r.Context(), "a", "b") })
	mux.HandleFunc("POST /down", func(w http.ResponseWriter, _ *http.Request) {
		http.Error(w, "try again", http.StatusServiceUnavailable)
	})
	mux.HandleFunc("POST /forged", func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "no", http.StatusForbidden) })
	doors := on.Doors(mux)
	for path, want := range map[string]int{"/two": 200, "/down": 503, "/forged": 403, "/nowhere": 404} {
		if got := knock(doors, path); got != want {
			t.Errorf("%s: %d", path, got)
		}
	}
	<-h.turned
	<-h.turned
	receive(t.Context(), "asked for", "asked for")
	<-h.turned
	on.Turned(bot.Turned{Seq: 99, Channel: "sms", Notice: true, Flow: "darurat", Intent: understand.EmergencyViolence, Failed: true, Replies: 1, Begun: time.Now()})
	spans := taken()
	perTrace := map[trace.TraceID]tracetest.SpanStubs{}
	for _, s := range spans {
		perTrace[s.SpanContext.TraceID()] = append(perTrace[s.SpanContext.TraceID()], s)
	}
	var roots []string
	for _, own := range perTrace {
		n := 0
		for _, s := range own {
			if !s.Parent.IsValid() {
				n++
				roots = append(roots, tree(tracetest.SpanStubs{s})...)
			}
		}
		if n != 1 {
			t.Errorf("a trace has %d roots:\n%s", n, strings.Join(tree(own), "\n"))
		}
		if strings.Contains(strings.Join(tree(own), "\n"), "violence") {
			t.Error("violence is seen apart")
		}
	}
	slices.Sort(roots)
	equal(t, roots, []string{
		"/two (server) http.request.method=POST http.route=/two http.response.status_code=200",
		"/two (server) http.request.method=POST http.route=/two http.response.status_code=200",
		"POST /down (server) http.request.method=POST http.route=/down http.response.status_code=503 !Service Unavailable",
		"accept (consumer) channel=sms",
		"notice (internal) channel=sms",
	})
	for _, want := range []string{"turn > flow (internal) flow=darurat !the flow failed", "turn > understand (internal) topic=emergency confidence=0", "accept > accept (internal) channel=sms duplicate=true"} {
		if !slices.Contains(tree(spans), want) {
			t.Errorf("no %s in\n%s", want, strings.Join(tree(spans), "\n"))
		}
	}
}

// Each machine decides for itself which messages are traced, and all alike.
func TestSampling(t *testing.T) {
	const messages = 400
	for _, sampler := range []string{"traceidratio", "parentbased_traceidratio"} {
		t.Run(sampler, func(t *testing.T) {
			t.Setenv("OTEL_TRACES_SAMPLER", sampler)
			t.Setenv("OTEL_TRACES_SAMPLER_ARG", "0.25")
			one, takenByOne := node(t, secret)
			two, takenByTwo := node(t, secret)
			other, takenByOther := node(t, bytes.Repeat([]byte{7}, seal.KeyLength))
			for seq := range int64(messages) {
				one.Turned(bot.Turned{Seq: seq, Begun: time.Now()})
				two.Attempted(bot.Attempted{ID: 64*seq + seq%64, Result: bot.Went, Begun: time.Now()})
				other.Turned(bot.Turned{Seq: seq, Begun: time.Now()})
			}
			ids := func(spans tracetest.SpanStubs) (all []string) {
				for _, s := range spans {
					all = append(all, s.SpanContext.TraceID().String())
				}
				slices.Sort(all)
				return slices.Compact(all)
			}
			turned, sent := ids(takenByOne()), ids(takenByTwo())
			if !slices.Equal(turned, sent) {
				t.Errorf("%d messages have a turn, %d an attempt, not the same", len(turned), len(sent))
			}
			if len(turned) < messages/8 || len(turned) > messages/2 { // the key is fixed, so this never changes
				t.Errorf("%d of %d are traced", len(turned), messages)
			}
			for _, id := range ids(takenByOther()) {
				if slices.Contains(turned, id) {
					t.Error("two installations share a trace")
				}
			}
		})
	}
}

// deaf is a collector that answers nothing until it is given up.
type deaf struct {
	asked  chan struct{}
	ended  chan struct{}
	ending sync.Once
}

func (d *deaf) ExportSpans(ctx context.Context, _ []sdk.ReadOnlySpan) error {
	select {
	case d.asked <- struct{}{}:
	default:
	}
	<-d.ended
	return errors.New("gone")
}

func (d *deaf) Shutdown(context.Context) error {
	d.ending.Do(func() { close(d.ended) })
	return nil
}

func TestADeafCollectorHoldsNobody(t *testing.T) {
	t.Setenv("OTEL_BSP_MAX_QUEUE_SIZE", "8")
	t.Setenv("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "4")
	d := &deaf{asked: make(chan struct{}, 1), ended: make(chan struct{})}
	on, err := traces.New(t.Context(), secret, d, discard)
	if err != nil {
		t.Fatal(err)
	}
	for seq := range int64(1000) { // returns, or the test never ends
		on.Turned(bot.Turned{Seq: seq, Begun: time.Now()})
	}
	<-d.asked
	if err := on.Close(); err == nil { // it has waited in vain, and says so
		t.Error("what is lost is not told")
	}
}

// refusing takes traces only while up.
type refusing struct {
	up   atomic.Bool
	done chan struct{}
}

func (r *refusing) ExportSpans(context.Context, []sdk.ReadOnlySpan) error {
	defer func() { r.done <- struct{}{} }()
	if r.up.Load() {
		return nil
	}
	return errors.New("401 Unauthorized " + strings.Repeat("x", 5000))
}
func (r *refusing) Shutdown(context.Context) error { return nil }

func TestALostCollectorIsToldOnce(t *testing.T) {
	t.Setenv("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "1")
	var log bytes.Buffer
	r := &refusing{done: make(chan struct{})}
	on, err := traces.New(t.Context(), secret, r, slog.New(slog.NewTextHandler(&log, nil)))
	if err != nil {
		t.Fatal(err)
	}
	receipts := func() {
		for range 3 {
			on.Receipted(bot.Receipted{ID: 64})
			<-r.done
		}
	}
	receipts()
	r.up.Store(true)
	receipts()
	if err := on.Close(); err != nil {
		t.Error(err)
	}
	if strings.Count(log.String(), "traces are lost") != 1 || strings.Count(log.String(), "takes traces again") != 1 || log.Len() > 1000 {
		t.Error(log.String())
	}
}

func TestLog(t *testing.T) {
	on, taken := node(t, secret)
	on.Receipted(bot.Receipted{ID: 7*64 + 3})
	var out bytes.Buffer
	log := on.Log(slog.New(slog.NewJSONHandler(&out, nil))).With("node", 1)
	log.Info("a turn", "seq", int64(7))
	log.Info("an answer", "id", int64(7*64+5))
	log.Info("something else", "id", "7", "seq", "7")
	spans := taken()
	want := []string{spans[0].SpanContext.TraceID().String(), spans[0].SpanContext.TraceID().String(), ""}
	for i, raw := range strings.Split(strings.TrimSpace(out.String()), "\n") {
		var line struct {
			TraceID string `json:"trace_id"`
			Node    int
		}
		if err := json.Unmarshal([]byte(raw), &line); err != nil || line.TraceID != want[i] || line.Node != 1 {
			t.Errorf("%s: want %q %v", raw, want[i], err)
		}
	}
}

func TestOffCostsNothing(t *testing.T) {
	var off *traces.Traces
	db := testserver.OpenDatabase(t, testserver.SQLiteURL(t))
	s, err := store.New(db, secret, time.Now)
	if err != nil {
		t.Fatal(err)
	}
	if off.Journal(s) != bot.Store(s) || off.Log(discard) != discard || off.Close() != nil {
		t.Error("something stands between")
	}
	mux := http.NewServeMux()
	if off.Doors(mux) != http.Handler(mux) {
		t.Error("something stands in the door")
	}
	if n := testing.AllocsPerRun(100, func() {
		off.Turned(bot.Turned{})
		off.Attempted(bot.Attempted{})
		off.Receipted(bot.Receipted{})
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

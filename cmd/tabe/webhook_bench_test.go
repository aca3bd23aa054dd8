package main

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"os"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"tabe/adapters/database"
	pbbregistry "tabe/adapters/registry/pbb"
	"tabe/adapters/testserver"
	"tabe/adapters/twilio"
	"tabe/bot"
)

// BenchmarkWebhook is the whole way of a message: a signed form of Twilio's
// comes in over a kept connection, the turn is run, its reply is in the outbox
// on disk and, in the second half, has been handed to Twilio. In between, in the same run, goes the
// limit: a handler behind the same web server and the same check of the
// signature that writes the message down as one row, with the same grouping
// of commits, and answers 200.
//
// One operation is one message to each of them; turns/s and bare/s are their
// rates, ratio is the first over the second.
func BenchmarkWebhook(b *testing.B) {
	houses(b, func(b *testing.B, empty func() options) {
		for _, sends := range []bool{false, true} {
			name := map[bool]string{false: "outbox", true: "sent"}[sends]
			b.Run(name, func(b *testing.B) {
				t := serveTwilio(b, empty(), sends)
				for _, connections := range []int{4, 16, 64} {
					b.Run(fmt.Sprint(connections), func(b *testing.B) { t.compare(b, connections, 100_000) })
				}
			})
		}
	})
}

// houses runs a benchmark on each of the two ways to keep things.
func houses(b *testing.B, bench func(b *testing.B, empty func() options)) {
	b.Run("sqlite", func(b *testing.B) {
		bench(b, func() options { return options{databaseURL: testserver.SQLiteURL(b)} })
	})
	b.Run("postgres", func(b *testing.B) {
		postgres, redis := testserver.StartPostgres(b), testserver.StartRedis(b)
		bench(b, func() options { return options{databaseURL: postgres.Database(b), redisURL: redis.URL()} })
	})
}

// served is tabe serve in this process with Twilio on both sides of it.
type served struct {
	*app
	sends          bool
	addr, bareAddr string
	provider       *twilioDouble
	messages       atomic.Int64 // that were made so far
	turned, went   atomic.Int64 // that are on disk: turns, and that their replies have left
}

// serveTwilio wires what tabe serve does, with the options that are given. If
// it does not send, the replies stay in the outbox.
func serveTwilio(b testing.TB, o options, sends bool) *served {
	b.Helper()
	provider := newTwilioDouble(b)
	s := serveHouse(b, o, sends, func(c *config, _ string) {
		c.publicURL = childPublic
		c.twilio.accountSID, c.twilio.authToken, c.twilio.smsFrom, c.twilio.apiURL = childSID, childToken, "+6281100000400", provider.url
	})
	s.provider = provider
	return s
}

// serveHouse is serveTwilio for any provider; configure is told where the
// house will listen.
func serveHouse(b testing.TB, o options, sends bool, configure func(c *config, addr string)) *served {
	b.Helper()
	collectLess(os.Getenv)
	s := &served{sends: sends}
	s.messages.Store(time.Now().UnixMilli()) // others may have been in this database
	listener, bareListener := listenHere(b), listenHere(b)
	s.addr, s.bareAddr = listener.Addr().String(), bareListener.Addr().String()
	c := config{dataDir: b.TempDir(), spool: b.TempDir(), secretKey: make([]byte, secretKeyLength)}
	configure(&c, s.addr)
	log := slog.New(slog.DiscardHandler)
	all, err := newWays(c, log)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(all.close)
	o.secretKey, o.log, o.dataDir = make([]byte, secretKeyLength), log, cmp.Or(o.dataDir, b.TempDir())
	if sends {
		o.channels = all.out()
	}
	if s.app, err = open(b.Context(), o); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = s.close() })
	if _, err := pbbregistry.Import(b.Context(), s.db, samples, nil); err != nil {
		b.Fatal(err)
	}
	count := s.engine.Observe
	s.engine.Observe = func(t bot.Turned) { count(t); s.turned.Add(1) }
	s.sender.Observe(func(a bot.Attempted) {
		s.metrics.Attempted(a)
		if a.Result == bot.Went {
			s.went.Add(1)
		}
	})
	mux := http.NewServeMux()
	s.health(mux, "")
	all.mount(mux, s.app)
	bare := http.NewServeMux()
	bare.Handle("POST "+twilio.MessagePath, bareHandler(b, s.db, log))
	ctx, stop := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() { _ = serveHTTP(ctx, listener, mux, log) })
	running.Go(func() { _ = serveHTTP(ctx, bareListener, bare, log) })
	running.Go(func() { _ = together(ctx, append(all.runners(s.app), s.run)...) })
	b.Cleanup(func() { stop(); running.Wait() })
	return s
}

func listenHere(b testing.TB) net.Listener {
	b.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	return l
}

// bareHandler is the least that a handler can do that keeps what it was told.
func bareHandler(b testing.TB, db *database.DB, log *slog.Logger) http.Handler {
	b.Helper()
	if err := db.Do(b.Context(), func(tx *database.Tx) error {
		_, err := tx.Exec("create table if not exists bare (id text primary key, body text not null)")
		return err
	}); err != nil {
		b.Fatal(err)
	}
	account, err := twilio.New(twilio.Config{AccountSID: childSID, AuthTokens: []string{childToken}, PublicURL: childPublic, Log: log})
	if err != nil {
		b.Fatal(err)
	}
	return account.Handler(bareReceiver{db}, nil)
}

type bareReceiver struct{ db *database.DB }

func (r bareReceiver) Receive(ctx context.Context, m bot.Message) error {
	body, err := json.Marshal(m)
	if err != nil {
		return err
	}
	return r.db.Write(ctx, "insert into bare (id, body) values ($1, $2) returning 1", []any{m.ID, string(body)}, new(int))
}

// compare gives the same messages to the house and to the bare handler, in
// turns, so that both meet the same machine.
func (s *served) compare(b *testing.B, connections, residents int) {
	const portion = 4000
	var ours, bare, ourCPU, bareCPU time.Duration
	s.round(b, s.forms(min(b.N, 200), residents), connections) // statements are prepared, connections opened
	b.ResetTimer()
	for left := b.N; left > 0; left -= portion {
		n := min(left, portion)
		forms, other := s.forms(n, residents), s.forms(n, residents)
		begun := cpuTime()
		ours += s.round(b, forms, connections)
		between := cpuTime()
		bare += drive(b, s.bareAddr, other, connections)
		ourCPU, bareCPU = ourCPU+between-begun, bareCPU+cpuTime()-between
	}
	b.ReportMetric(float64(b.N)/ours.Seconds(), "turns/s")
	b.ReportMetric(float64(b.N)/bare.Seconds(), "bare/s")
	b.ReportMetric(bare.Seconds()/ours.Seconds(), "ratio")
	b.ReportMetric(float64(ourCPU.Microseconds())/float64(b.N), "cpu-µs/turn")
	b.ReportMetric(float64(bareCPU.Microseconds())/float64(b.N), "cpu-µs/bare")
	b.ReportMetric(0, "ns/op") // the two together: says nothing
}

// cpuTime is what this process has used: on a busy machine it tells more than
// the clock.
func cpuTime() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		panic(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// round has messages answered and returns how long that took, until the last
// reply was on disk and had left.
func (s *served) round(b testing.TB, forms [][]byte, connections int) time.Duration {
	n := len(forms)
	turned, went := s.turned.Load(), s.went.Load()
	begun := time.Now()
	drive(b, s.addr, forms, connections)
	for s.turned.Load() < turned+int64(n) || s.sends && s.went.Load() < went+int64(n) {
		time.Sleep(200 * time.Microsecond)
	}
	took := time.Since(begun)
	var unsent int
	if err := s.db.QueryRow(b.Context(), "select count(*) from outbox where status = 'queued' and ready").Scan(&unsent); err != nil || s.sends && unsent > 0 {
		b.Fatalf("%d replies were not sent, %v", unsent, err)
	}
	return took
}

// forms makes n requests, each of another resident than the one before.
func (s *served) forms(n, residents int) [][]byte {
	all := make([][]byte, n)
	for i := range all {
		m := s.messages.Add(1)
		all[i] = form(phoneOf(m*7919%int64(residents)), fmt.Sprintf("SM%032x", uint64(m)*2654435761), question)
	}
	return all
}

func phoneOf(resident int64) string { return fmt.Sprintf("+62811%08d", resident) }

// form is a signed request of Twilio's, as it travels.
func form(from, id, text string) []byte {
	f := url.Values{"AccountSid": {childSID}, "ApiVersion": {"2010-04-01"}, "Body": {text}, "From": {from}, "MessageSid": {id},
		"NumMedia": {"0"}, "NumSegments": {"1"}, "SmsMessageSid": {id}, "SmsSid": {id}, "SmsStatus": {"received"}, "To": {"+6281100000400"}}
	body := f.Encode()
	return fmt.Appendf(nil, "POST %s HTTP/1.1\r\nHost: tabe.example\r\nContent-Type: application/x-www-form-urlencoded\r\nX-Twilio-Signature: %s\r\nContent-Length: %d\r\n\r\n%s",
		twilio.MessagePath, sign(childPublic+twilio.MessagePath, f, childToken), len(body), body)
}

// drive sends requests over as many kept connections and returns how long it
// took until the last was answered. It does without a web client, which would
// cost as much as what is measured.
func drive(b testing.TB, addr string, requests [][]byte, connections int) time.Duration {
	var next atomic.Int64
	var running sync.WaitGroup
	lines := make([]net.Conn, connections)
	for i := range lines {
		var err error
		if lines[i], err = net.Dial("tcp", addr); err != nil {
			b.Fatal(err)
		}
		defer lines[i].Close()
	}
	begun := time.Now()
	for _, line := range lines {
		running.Go(func() {
			answers := bufio.NewReader(line)
			for i := next.Add(1) - 1; i < int64(len(requests)); i = next.Add(1) - 1 {
				if _, err := line.Write(requests[i]); err != nil {
					b.Error(err)
					return
				}
				answer, err := http.ReadResponse(answers, nil)
				if err != nil {
					b.Error(err)
					return
				}
				_, _ = io.Copy(io.Discard, answer.Body)
				if answer.StatusCode != http.StatusOK {
					b.Error(answer.Status)
				}
			}
		})
	}
	running.Wait()
	return time.Since(begun)
}

// twilioDouble takes what is sent, as Twilio does.
type twilioDouble struct {
	url  string
	took atomic.Int64
	told atomic.Pointer[func(to, body string)] // called for each message, if there is one
}

func newTwilioDouble(b testing.TB) *twilioDouble {
	b.Helper()
	l := listenHere(b)
	b.Cleanup(func() { _ = l.Close() })
	d := &twilioDouble{url: "http://" + l.Addr().String()}
	go func() {
		for {
			line, err := l.Accept()
			if err != nil {
				return
			}
			go d.take(line)
		}
	}()
	return d
}

func (d *twilioDouble) take(line net.Conn) {
	defer line.Close()
	requests := bufio.NewReader(line)
	for {
		r, err := http.ReadRequest(requests)
		if err != nil {
			return
		}
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return
		}
		if told := d.told.Load(); told != nil {
			sent, err := url.ParseQuery(string(body))
			if err != nil {
				return
			}
			(*told)(sent.Get("To"), sent.Get("Body"))
		} else if !bytes.Contains(body, []byte("PBB+2026")) { // not the answer
			fmt.Fprint(line, "HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")
			continue
		}
		answer := fmt.Sprintf(`{"account_sid":%q,"status":"queued","sid":"SM%032x"}`, childSID, d.took.Add(1))
		fmt.Fprintf(line, "HTTP/1.1 201 Created\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s", len(answer), answer)
	}
}

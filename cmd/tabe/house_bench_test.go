package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"tabe/adapters/database"
	"tabe/adapters/notices"
	"tabe/adapters/seal"
	"tabe/adapters/testserver"
	"tabe/bot"
	"tabe/flows/kabar"
)

// BenchmarkWebhookResidents is BenchmarkWebhook among many residents who have
// been there before: what a turn costs must not grow with their number.
func BenchmarkWebhookResidents(b *testing.B) {
	houses(b, func(b *testing.B, empty func() options) {
		for _, residents := range []int{1_000, 100_000, 1_000_000} {
			b.Run(fmt.Sprint(residents), func(b *testing.B) {
				if residents > 100_000 && testing.Short() {
					b.Skip("takes minutes and two gigabytes")
				}
				s := serveTwilio(b, empty(), true)
				s.inhabit(b, residents)
				b.Run("16", func(b *testing.B) { s.compare(b, 16, residents) })
			})
		}
	})
}

// inhabit gives each resident the state that a turn leaves, an answered message
// and a reply that was sent, without running the turns.
func (s *served) inhabit(b *testing.B, residents int) {
	b.Helper()
	s.round(b, [][]byte{form("+6281299999999", fmt.Sprint("SM", s.messages.Add(1)), question)}, 1)
	state, err := s.store.Load(b.Context(), s.store.ID("tel:+6281299999999"))
	if err != nil {
		b.Fatal(err)
	}
	sealer, err := seal.New(make([]byte, seal.KeyLength))
	if err != nil {
		b.Fatal(err)
	}
	var first int64
	if err := s.db.QueryRow(b.Context(), "select max(seq) + 1 from journal").Scan(&first); err != nil {
		b.Fatal(err)
	}
	const portion = 5000
	for from := 0; from < residents; from += portion {
		var rows []map[string]any
		for n := from; n < min(from+portion, residents); n++ {
			id := s.store.ID("tel:" + phoneOf(int64(n)))
			rows = append(rows, map[string]any{"seq": first + int64(n), "id": id, "message": fmt.Sprintf("SM%032x", uint64(n)*2654435761),
				"state": fmt.Sprintf("%x", sealer.Seal(state.Blob, "residents.state|"+string(id))), "body": strings.Repeat("ab", 300)})
		}
		list, err := json.Marshal(rows)
		if err != nil {
			b.Fatal(err)
		}
		if err := s.db.Do(b.Context(), func(tx *database.Tx) error {
			for _, statement := range filling[s.db.Dialect] {
				if _, err := tx.Exec(statement, string(list)); err != nil {
					return err
				}
			}
			return nil
		}); err != nil {
			b.Fatal(err)
		}
	}
	if s.db.Dialect == database.Postgres {
		var last int64
		if err := s.db.QueryRow(b.Context(), "select setval(pg_get_serial_sequence('journal', 'seq'), (select max(seq) from journal))").Scan(&last); err != nil {
			b.Fatal(err)
		}
	}
}

// filling are the statements of inhabit; $1 is a list in JSON.
var filling = map[database.Dialect][]string{
	database.SQLite: {
		`insert into journal (seq, channel, message_id, resident, accepted, body, answered) select e.value->>'seq', 'sms', e.value->>'message', e.value->>'id', 0, unhex(e.value->>'body'), 0 from json_each($1) e`,
		`insert into residents (id, version, state, last_seq) select e.value->>'id', 1, unhex(e.value->>'state'), e.value->>'seq' from json_each($1) e`,
		`insert into outbox (id, resident, channel, body, status, ready, due, created, provider_id)
			select 64 * (e.value->>'seq'), e.value->>'id', 'sms', unhex(e.value->>'body'), 'sent', true, 0, 0, e.value->>'message' from json_each($1) e`,
	},
	database.Postgres: {
		`insert into journal (seq, channel, message_id, resident, accepted, body, answered) overriding system value
			select (e->>'seq')::bigint, 'sms', e->>'message', e->>'id', 0, decode(e->>'body', 'hex'), 0 from json_array_elements($1::json) e`,
		`insert into residents (id, version, state, last_seq) select e->>'id', 1, decode(e->>'state', 'hex'), (e->>'seq')::bigint from json_array_elements($1::json) e`,
		`insert into outbox (id, resident, channel, body, status, ready, due, created, provider_id)
			select 64 * (e->>'seq')::bigint, e->>'id', 'sms', decode(e->>'body', 'hex'), 'sent', true, 0, 0, e->>'message' from json_array_elements($1::json) e`,
	},
}

// BenchmarkIdle is the memory that is left in use for each resident who was
// served and is silent now. One operation is one resident.
func BenchmarkIdle(b *testing.B) {
	s := serveTwilio(b, options{databaseURL: testserver.SQLiteURL(b)}, true)
	s.round(b, s.forms(2000, 1<<30), 16) // pools are full, statements prepared
	before := inUse()
	s.round(b, s.forms(b.N, 1<<30), 16)
	after := inUse()
	b.ReportMetric((float64(after)-float64(before))/float64(b.N), "B/resident")
}

// inUse is the memory of what is reachable, in bytes.
func inUse() uint64 {
	for range 3 { // pools are emptied in two steps
		runtime.GC()
	}
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc + m.StackInuse
}

// BenchmarkColdStart is the time from the start of the binary to the moment at
// which it says that it takes messages, with its database there already.
func BenchmarkColdStart(b *testing.B) {
	binary := filepath.Join(b.TempDir(), "tabe")
	if out, err := exec.Command("go", "build", "-o", binary, ".").CombinedOutput(); err != nil {
		b.Fatalf("%v: %s", err, out)
	}
	houses(b, func(b *testing.B, empty func() options) {
		o := empty()
		s := serveTwilio(b, o, false)
		s.inhabit(b, 100_000)
		for b.Loop() {
			addr := freeAddr(b)
			serve := exec.Command(binary, "serve", "--data", b.TempDir())
			serve.Env = append(os.Environ(), "TABE_DATABASE_URL="+o.databaseURL, "TABE_REDIS_URL="+o.redisURL, "TABE_SECRET_KEY="+strings.Repeat("00", secretKeyLength), "TABE_ADDR="+addr,
				"TABE_PUBLIC_URL="+childPublic, "TABE_TWILIO_ACCOUNT_SID="+childSID, "TABE_TWILIO_AUTH_TOKEN="+childToken, "TABE_TWILIO_SMS_FROM=+6281100000400")
			if err := serve.Start(); err != nil {
				b.Fatal(err)
			}
			for ready, deadline := false, time.Now().Add(time.Minute); !ready; {
				if time.Now().After(deadline) {
					b.Fatal("it does not become ready")
				}
				if answer, err := http.Get("http://" + addr + "/readyz"); err == nil {
					ready = answer.StatusCode == http.StatusOK
					_ = answer.Body.Close()
				}
				time.Sleep(time.Millisecond)
			}
			b.StopTimer()
			_ = serve.Process.Kill()
			_ = serve.Wait()
			b.StartTimer()
		}
	})
}

// BenchmarkEmergencyUnderBroadcast reports fires one after the other and waits
// until each reporter was answered, first when nothing else is going on and then
// while a message of an office goes to 100,000 residents over the same channel,
// a hundred a second.
// One operation is one fire in either of them.
func BenchmarkEmergencyUnderBroadcast(b *testing.B) {
	const audience = 100_000
	dir := b.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "notices.toml"), []byte("[channel.sms]\nper_second = 100\n"), 0o600); err != nil {
		b.Fatal(err)
	}
	noon := time.Date(2026, 11, 25, 12, 0, 0, 0, bot.WITA)
	shift := time.Until(noon)
	clock := func() time.Time { return time.Now().Add(shift) } // offices sleep at night
	s := serveTwilio(b, options{databaseURL: testserver.SQLiteURL(b), dataDir: dir, clock: clock}, true)
	dutyContacts(b, s.db)
	s.subscribe(b, audience)
	reported := make(map[string]chan struct{})
	var mu sync.Mutex
	told := 0
	took := func(to, body string) {
		mu.Lock()
		defer mu.Unlock()
		if strings.Contains(body, "Pupuk") {
			told++
		}
		if c := reported[to]; c != nil {
			close(c)
			delete(reported, to)
		}
	}
	s.provider.told.Store(&took)
	report := func() time.Duration {
		n := s.messages.Add(1)
		from := fmt.Sprintf("+62813%08d", n%100_000_000)
		answered := make(chan struct{})
		mu.Lock()
		reported[from] = answered
		mu.Unlock()
		begun := time.Now()
		drive(b, s.addr, [][]byte{form(from, fmt.Sprint("SM", n), "kebakaran di desa kaca")}, 1)
		<-answered
		return time.Since(begun)
	}
	many := func() []time.Duration {
		all := make([]time.Duration, b.N)
		for i := range all {
			all[i] = report()
		}
		slices.Sort(all)
		return all
	}
	report()
	b.ResetTimer()
	quiet := many()
	broadcasts := s.broadcasts(clock)
	plan, err := broadcasts.Plan(b.Context(), notices.Broadcast{Office: "Dinas Pertanian", Text: "Pupuk bersubsidi bisa diambil mulai Senin."})
	if err == nil {
		_, err = broadcasts.Confirm(b.Context(), plan.Code)
	}
	if err != nil || plan.Plan.People != audience {
		b.Fatalf("%d people, %v", plan.Plan.People, err)
	}
	for begun := false; !begun; time.Sleep(time.Millisecond) {
		mu.Lock()
		begun = told > 0
		mu.Unlock()
	}
	loud := many()
	mu.Lock()
	defer mu.Unlock()
	p := func(all []time.Duration, percent int) float64 {
		return float64(all[len(all)*percent/100].Microseconds()) / 1000
	}
	b.ReportMetric(p(quiet, 50), "p50-quiet-ms")
	b.ReportMetric(p(quiet, 99), "p99-quiet-ms")
	b.ReportMetric(p(loud, 50), "p50-broadcast-ms")
	b.ReportMetric(p(loud, 99), "p99-broadcast-ms")
	b.ReportMetric(p(loud, 99)/p(quiet, 99), "p99-ratio")
	b.ReportMetric(float64(told), "told-meanwhile")
}

// subscribe has residents agree to the news of everywhere.
func (s *served) subscribe(b *testing.B, residents int) {
	b.Helper()
	var working sync.WaitGroup
	for worker := range 64 {
		working.Go(func() {
			for n := worker; n < residents; n += 64 {
				phone := phoneOf(int64(n))
				e, _, err := s.store.Accept(context.Background(), bot.Message{ID: fmt.Sprint("news", n), Channel: smsChannel, Peer: phone, Subject: "tel:" + phone, Text: "mau berita"})
				if err == nil {
					_, err = s.store.Commit(context.Background(), bot.Done{Entry: e, State: []byte("1{}"), Inline: true,
						Effects: []bot.Effect{bot.Subscribe{Purpose: kabar.News, Consent: "kabar.ask_news"}}})
				}
				if err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	working.Wait()
}

// BenchmarkLatency sends at half the rate that was measured just before, and
// reports how long it took from the moment at which a message was due to be
// sent until its answer reached Twilio. Then each of fifty residents sends three
// messages at once: the answers have to come in their order.
func BenchmarkLatency(b *testing.B) {
	houses(b, func(b *testing.B, empty func() options) {
		s := serveTwilio(b, empty(), true)
		const calibration, connections = 8000, 64
		s.round(b, s.forms(calibration/4, 1<<30), connections)
		rate := calibration / s.round(b, s.forms(calibration, 1<<30), connections).Seconds() / 2

		var mu sync.Mutex
		told := map[string][]time.Time{}
		said := map[string][]string{}
		took := func(to, body string) {
			mu.Lock()
			defer mu.Unlock()
			told[to] = append(told[to], time.Now())
			said[to] = append(said[to], body)
		}
		s.provider.told.Store(&took)
		await := func(n int) {
			for done := 0; done < n; time.Sleep(time.Millisecond) {
				done = 0
				mu.Lock()
				for _, times := range told {
					done += len(times)
				}
				mu.Unlock()
			}
		}

		b.ResetTimer()
		begun := time.Now()
		due := func(i int) time.Time {
			return begun.Add(time.Duration(float64(i) / rate * float64(time.Second)))
		}
		phone := func(i int) string { return fmt.Sprintf("+62814%08d", 50_000_000+i) }
		var sending sync.WaitGroup
		for worker := range connections {
			sending.Go(func() {
				for i := worker; i < b.N; i += connections {
					request := form(phone(i), fmt.Sprint("SM", s.messages.Add(1)), question)
					time.Sleep(time.Until(due(i)))
					drive(b, s.addr, [][]byte{request}, 1)
				}
			})
		}
		sending.Wait()
		await(b.N)
		b.StopTimer()
		all := make([]time.Duration, b.N)
		for i := range all {
			all[i] = told[phone(i)][0].Sub(due(i))
		}
		slices.Sort(all)
		b.ReportMetric(rate, "messages/s")
		b.ReportMetric(float64(all[b.N/2].Microseconds())/1000, "p50-ms")
		b.ReportMetric(float64(all[b.N*99/100].Microseconds())/1000, "p99-ms")

		const chatty = 50
		clear(told)
		clear(said)
		begun = time.Now()
		for i := range chatty {
			sending.Go(func() {
				var requests [][]byte
				for _, text := range []string{"menu", question, "kantor camat citta"} {
					requests = append(requests, form(phone(-i-1), fmt.Sprint("SM", s.messages.Add(1)), text))
				}
				drive(b, s.addr, requests, 1)
			})
		}
		sending.Wait()
		await(3 * chatty)
		slowest := time.Duration(0)
		for who, times := range told {
			slowest = max(slowest, times[2].Sub(begun))
			if !strings.HasPrefix(said[who][1], "PBB 2026") || said[who][0] == said[who][2] || said[who][0] != said[phone(-1)][0] {
				b.Errorf("the answers come in another order: %q", said[who])
			}
		}
		b.ReportMetric(float64(slowest.Microseconds())/1000, "third-reply-ms")
	})
}

package main

import (
	"flag"
	"fmt"
	"math"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	pbbregistry "tabe/adapters/registry/pbb"
	"tabe/adapters/testserver"
)

// soakFor is how long everything goes wrong: some seconds as a rule, half an
// hour with make soak.
var soakFor = flag.Duration("soak", 10*time.Second, "how long TestSoak goes on")

// TestSoak has several nodes on one PostgreSQL and one Redis take messages and
// emergencies, some of them twice, while nodes, PostgreSQL and Redis are killed
// and the provider fails in all its ways. In the end it accounts for every
// message that was acknowledged: it is in the journal, it moved the state once,
// its answer has left, and each emergency is one incident whose first page has left.
func TestSoak(t *testing.T) {
	if testing.Short() {
		t.Skip("takes a minute: what a dead process had claimed is free again after 30 seconds")
	}
	const nodes, residents, reporters = 3, 200, 2
	postgres, redis := testserver.StartPostgres(t), testserver.StartRedis(t)
	url := postgres.Database(t)
	db := testserver.OpenDatabase(t, url)
	if _, err := pbbregistry.Import(t.Context(), db, samples, nil); err != nil {
		t.Fatal(err)
	}
	dutyContacts(t, db)
	provider := newProvider(t)
	var healthy atomic.Bool
	provider.trouble = func(w http.ResponseWriter) bool { return !healthy.Load() && inTrouble(w) }

	var serve []*child
	var addrs []string
	for range nodes {
		c := &child{t: t, dir: t.TempDir(), addr: freeAddr(t), provider: provider.URL, env: []string{"TABE_DATABASE_URL=" + url, "TABE_REDIS_URL=" + redis.URL()}}
		writeTariffs(t, c.dir, strings.Replace(tariffFile, "answers_per_day = 4", "answers_per_day = 0", 1)) // nobody writes so much in a day
		c.start()
		serve, addrs = append(serve, c), append(addrs, c.addr)
	}

	var messages, reports, again atomic.Int64
	over := make(chan struct{})
	var phones sync.WaitGroup
	until := func(pause time.Duration, send func(n int)) {
		phones.Go(func() {
			for n := 0; ; n++ {
				select {
				case <-over:
					return
				case <-time.After(rand.N(pause)):
					send(n)
				}
			}
		})
	}
	say := func(from, id, text string) {
		deliver(t, addrs, from, id, text)
		if rand.IntN(10) == 0 { // the provider did not hear our 200
			deliver(t, addrs, from, id, text)
			again.Add(1)
		}
	}
	for resident := range residents {
		until(3*time.Second, func(n int) {
			say(fmt.Sprintf("+62811000%05d", resident), fmt.Sprintf("SOAK-%d-%d", resident, n), []string{"menu", "berapa pbb saya", "terima kasih"}[n%3])
			messages.Add(1)
		})
	}
	for reporter := range reporters {
		until(time.Second, func(n int) {
			say(fmt.Sprintf("+62812%02d%06d", reporter, n), fmt.Sprintf("SOAK-fire-%d-%d", reporter, n), "kebakaran di desa kaca")
			reports.Add(1)
		})
	}

	blows := []func(){
		func() { victim := serve[rand.IntN(nodes)]; victim.kill(); victim.start() },
		func() { redis.Flush(t) },
		func() { postgres.Crash(t) },
		func() { redis.Kill(t); time.Sleep(rand.N(time.Second)); redis.Start(t) },
	}
	struck := make([]int, len(blows))
	for n, end := 0, time.Now().Add(*soakFor); time.Now().Before(end); n++ {
		time.Sleep(200*time.Millisecond + rand.N(time.Second))
		blow := n % len(blows) // each at least once, then mostly nodes
		if n >= len(blows) && rand.IntN(2) == 0 {
			blow = 0
		}
		blows[blow]()
		struck[blow]++
	}
	healthy.Store(true)
	for _, c := range serve { // also those that could not bear the loss of something
		c.kill()
		c.start()
	}
	close(over)
	phones.Wait()

	count := counts(t, db)
	const ours = `message_id like 'SOAK-%'`
	unanswered := `select count(*) from journal where answered is null and ` + ours
	unsent := `select count(*) from outbox o join journal j on j.seq = o.id / 64 where o.status = 'queued' and ` + ours
	untold := func() (n int) {
		for _, code := range incidentCodes(t, db) {
			if times, _ := provider.told(code); times == 0 {
				n++
			}
		}
		return n
	}
	taken := messages.Load() + reports.Load()
	journal := `select count(*) from journal where ` + ours
	// What a long run left behind takes its time; standing still fails.
	const still = 3 * time.Minute
	deadline, least := time.Now().Add(still), int64(math.MaxInt64)
	for {
		left := taken - count(journal) + count(unanswered) + count(unsent) + int64(untold())
		if left == 0 {
			break
		}
		if left < least {
			deadline, least = time.Now().Add(still), left
		}
		if time.Now().After(deadline) {
			t.Errorf("%d messages were never answered, %d answers not sent, %d incidents not told", count(unanswered), count(unsent), untold())
			break
		}
		time.Sleep(100*time.Millisecond + time.Duration(taken)*10*time.Microsecond) // a look reads them all
	}
	for _, c := range serve {
		c.stop()
	}

	if n := count(journal); n != taken {
		t.Errorf("%d messages in the journal, %d were acknowledged", n, taken)
	}
	if n, states := count(`select count(*) from journal where answered is not null`), count(`select sum(version) from residents`); n != states {
		t.Errorf("the states have moved %d times for %d messages", states, n)
	}
	if n := count(`select count(*) from journal j where ` + ours + ` and not exists (select from outbox o where o.id >= j.seq * 64 and o.id < j.seq * 64 + 64 and o.status = 'sent')`); n != 0 {
		t.Errorf("%d messages have no answer that was sent", n)
	}
	if n := int64(len(incidentCodes(t, db))); n != reports.Load() {
		t.Errorf("%d incidents for %d reports", n, reports.Load())
	}
	t.Logf("%d messages and %d emergencies on %d nodes, %d delivered twice; killed: nodes %d times, PostgreSQL %d, Redis %d, and flushed %d",
		messages.Load(), reports.Load(), nodes, again.Load(), struck[0], struck[2], struck[3], struck[1])
}

// inTrouble is a provider that fails one time in six, in each of the ways that
// they have.
func inTrouble(w http.ResponseWriter) bool {
	switch rand.IntN(30) {
	case 0:
		w.WriteHeader(http.StatusBadGateway)
		fmt.Fprint(w, "<html><h1>502 Bad Gateway</h1></html>")
	case 1:
		w.Header().Set("Retry-After", "1")
		w.WriteHeader(http.StatusTooManyRequests)
		fmt.Fprint(w, `{"code":20429,"message":"Too Many Requests"}`)
	case 2:
		w.WriteHeader(http.StatusServiceUnavailable)
		fmt.Fprint(w, `{"code":20503,"message":"down"}`)
	case 3: // somebody in between shows a page
		w.Header().Set("Content-Type", "text/html")
		fmt.Fprint(w, "<html>Welcome to the hotel's network</html>")
	case 4: // it hangs, and then has nothing to say
		time.Sleep(3 * time.Second)
		panic(http.ErrAbortHandler)
	default:
		return false
	}
	return true
}

package main

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"tabe/adapters/database"
	"tabe/adapters/testserver"
)

const (
	stopWithin  = 10 * time.Second // what the manual promises
	killedAfter = 15 * time.Second // TimeoutStopSec of the unit, stop_grace_period of the compose file
)

// TestStopUnderLoad ends tabe serve with SIGTERM while residents write, several
// times. Each time it leaves by itself, with 0 and in time; what it had
// acknowledged is answered, and sent once.
func TestStopUnderLoad(t *testing.T) {
	if testing.Short() {
		t.Skip("takes some seconds")
	}
	testserver.DatabaseURLs(t, func(t *testing.T, newURL func(testing.TB) string) { stopUnderLoad(t, newURL(t)) })
}

func stopUnderLoad(t *testing.T, url string) {
	const stops = 4
	db := testserver.OpenDatabase(t, url)
	sentTo := newCounter()
	provider := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		sentTo.add(r.FormValue("To"))
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusCreated)
		fmt.Fprintf(w, `{"sid":"SM%032d","status":"queued"}`, time.Now().UnixNano())
	}))
	defer provider.Close()
	serve := &child{t: t, dir: t.TempDir(), addr: freeAddr(t), provider: provider.URL, env: []string{"TABE_DATABASE_URL=" + url}}
	count := counts(t, db)
	var taken atomic.Int64
	over := make(chan struct{})
	var phones sync.WaitGroup
	for phone := range 12 {
		phones.Go(func() {
			for n := 0; ; n++ {
				select {
				case <-over:
					return
				default:
					serve.deliver(fmt.Sprintf("+62811000%05d", phone), fmt.Sprintf("SM-%d-%d", phone, n), []string{"menu", "halo", "terima kasih"}[n%3])
					taken.Add(1)
				}
			}
		})
	}
	longest := time.Duration(0)
	for range stops {
		serve.start()
		for goal := taken.Load() + 100; taken.Load() < goal; {
			time.Sleep(time.Millisecond)
		}
		began := time.Now()
		serve.stop() // fails unless it ends with 0
		longest = max(longest, time.Since(began))
		// Whoever has an answer waiting gets it from the next one at once.
		if n := count(fmt.Sprint(`select count(*) from outbox where status = 'queued' and ready and due > `, database.Micros(time.Now()))); n > 0 {
			t.Errorf("%d answers are kept back", n)
		}
	}
	serve.start()
	close(over)
	phones.Wait()
	for deadline := time.Now().Add(time.Minute); count(`select count(*) from journal where answered is not null`) < taken.Load() || count(`select count(*) from outbox where status = 'queued'`) > 0; time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("not everything was answered and sent")
		}
	}
	serve.stop()
	if longest > stopWithin {
		t.Errorf("it took %s to stop", longest)
	}
	if n := count(`select count(*) from journal`); n != taken.Load() {
		t.Errorf("%d messages were acknowledged, %d are in the journal", taken.Load(), n)
	}
	if n := count(`select count(*) from outbox where status = 'sent'`); n != taken.Load() || int64(sentTo.total()) != n {
		t.Errorf("%d answers to %d messages were sent %d times", n, taken.Load(), sentTo.total())
	}
	t.Logf("%d messages, %d stops, the longest took %s", taken.Load(), stops, longest.Round(time.Millisecond))
}

// TestStopWhileTheProviderHangs: who is being sent something is no reason to stay.
func TestStopWhileTheProviderHangs(t *testing.T) {
	if testing.Short() {
		t.Skip("takes some seconds")
	}
	url := testserver.SQLiteURL(t)
	db := testserver.OpenDatabase(t, url)
	asked, ended := make(chan struct{}, 1000), make(chan struct{})
	provider := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked <- struct{}{}
		select {
		case <-ended:
		case <-r.Context().Done():
		}
	}))
	defer provider.Close()
	defer close(ended)
	serve := &child{t: t, dir: t.TempDir(), addr: freeAddr(t), provider: provider.URL, env: []string{"TABE_DATABASE_URL=" + url}}
	serve.start()
	const messages = 20
	for n := range messages {
		serve.deliver(fmt.Sprintf("+62811000%05d", n), fmt.Sprintf("SM-%d", n), "menu")
	}
	<-asked
	began := time.Now()
	serve.stop()
	if took := time.Since(began); took > killedAfter {
		t.Errorf("it took %s to stop", took)
	} else {
		t.Logf("stopped within %s", took.Round(time.Millisecond))
	}
	var kept int
	if err := db.QueryRow(t.Context(), `select count(*) from journal where answered is null or exists (select 1 from outbox where status = 'queued' and id / 64 = seq)`).Scan(&kept); err != nil || kept != messages {
		t.Errorf("%d of %d messages wait for the next start, %v", kept, messages, err)
	}
}

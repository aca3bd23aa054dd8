package scc_test

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"tabe/adapters/testserver"
	"tabe/bot"
)

// PostgreSQL crashes three times while emergencies are reported: meanwhile they
// are refused, and whatever was accepted is an incident and is told.
func TestRow3_TheDatabaseCrashes(t *testing.T) {
	if testing.Short() {
		t.Skip("takes half a minute: what was being sent in the crash is claimed for 30 seconds")
	}
	server := testserver.StartPostgres(t)
	h := newHouse(t, server.Database(t))
	h.watched()
	h.delivers.Store(false)
	var accepted, refused atomic.Int64
	over := make(chan struct{})
	var clients sync.WaitGroup
	for client := range 4 {
		clients.Go(func() {
			for n := 0; ; n++ {
				select {
				case <-over:
					return
				default:
				}
				phone := fmt.Sprintf("+62816%02d%06d", client, n)
				m := bot.Message{ID: fmt.Sprint("crash", client, "-", n), Channel: "sms", Peer: phone, Subject: "tel:" + phone, Text: "kebakaran di desa kaca"}
				for h.engine.Receive(context.Background(), m) != nil { // 503: the provider tries again
					refused.Add(1)
					time.Sleep(20 * time.Millisecond)
				}
				accepted.Add(1)
				time.Sleep(10 * time.Millisecond)
			}
		})
	}
	for range 3 {
		time.Sleep(700 * time.Millisecond)
		server.Crash(t)
	}
	time.Sleep(300 * time.Millisecond)
	close(over)
	clients.Wait()
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(100 * time.Millisecond) {
		told := h.count(`select count(*) from incidents i where exists (select 1 from pages p join journal j on j.message_id = 'siaga:' || p.id
			join outbox o on o.id = j.seq * 64 where p.incident = i.id and o.status = 'sent')`)
		if told == int(accepted.Load()) {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("%d reports were accepted, %d incidents were told", accepted.Load(), told)
		}
	}
	if refused.Load() == 0 {
		t.Error("no report was refused: the crashes were not noticed")
	}
	t.Logf("3 crashes: %d reports accepted after %d refusals, all of them incidents and told", accepted.Load(), refused.Load())
}

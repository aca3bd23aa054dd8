package scc_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"tabe/adapters/testserver"
	"tabe/bot"
)

// A flood or a fire in the market: 500 reports within a quarter of a minute,
// and a provider that takes its time. The first page of each goes out within
// seconds; what repeats is told together.
func TestRow15_Storm(t *testing.T) {
	if testing.Short() {
		t.Skip("takes half a minute")
	}
	testserver.DatabaseURLs(t, func(t *testing.T, newURL func(testing.TB) string) { // alone: it measures
		h := newHouse(t, newURL(t))
		const reports, within, latency = 500, 15 * time.Second, 50 * time.Millisecond
		h.watched()
		h.net.slow = latency
		var mu sync.Mutex
		sent, paged := map[string]time.Time{}, map[string]time.Time{}
		h.net.sent = func(_ bot.ChannelID, _, text, _ string) {
			if _, code, ok := strings.Cut(text, "SCC "); ok && len(code) > 5 {
				mu.Lock()
				defer mu.Unlock()
				if _, again := paged[code[:5]]; !again {
					paged[code[:5]] = time.Now()
				}
			}
		}
		tick := time.NewTicker(within / reports)
		defer tick.Stop()
		places := []string{"kaca", "macanre", "ompo"} // of three posts
		for n := range reports {
			<-tick.C
			phone := fmt.Sprintf("+62815%08d", n)
			mu.Lock()
			sent[phone] = time.Now()
			mu.Unlock()
			err := h.engine.Receive(context.Background(), bot.Message{
				ID: fmt.Sprint("storm", n), Channel: "sms", Peer: phone, Subject: "tel:" + phone, Text: "kebakaran di desa " + places[n%len(places)],
			})
			if err != nil {
				t.Fatal(err)
			}
		}
		for deadline := time.Now().Add(2 * time.Minute); ; time.Sleep(50 * time.Millisecond) {
			mu.Lock()
			n := len(paged)
			mu.Unlock()
			if n == reports {
				break
			}
			if time.Now().After(deadline) {
				t.Fatalf("%d of %d incidents were told", n, reports)
			}
		}
		var waits []time.Duration
		list, err := h.center.List(t.Context())
		if err != nil || len(list) != reports {
			t.Fatalf("%d of %d are listed, %v", len(list), reports, err)
		}
		for _, i := range list {
			waits = append(waits, paged[i.Code].Sub(i.Opened))
		}
		slices.Sort(waits)
		p99 := waits[len(waits)*99/100]
		t.Logf("%d reports in %s, a provider of %s: first page after %s (median), %s (p99)", reports, within, latency, waits[len(waits)/2].Round(time.Millisecond), p99.Round(time.Millisecond))
		if p99 > 10*time.Second {
			t.Errorf("p99 is %s", p99)
		}
		before := h.net.all.Load()
		h.settle()
		h.ahead(61 * time.Second)
		h.until("every incident has moved", func() bool { return h.count(`select count(*) from incidents where step = 1`) == reports })
		h.settle()
		if n := h.net.all.Load() - before; n > 100 {
			t.Errorf("the second tier of %d incidents takes %d messages", reports, n)
		}
	})
}

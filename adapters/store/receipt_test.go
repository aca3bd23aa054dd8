package store_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"tabe/adapters/database"
	"tabe/adapters/testserver"
	"tabe/bot"
)

// A provider that is quicker than our disk tells of a message that is not yet
// written down as sent.
func TestReceiptsThatOvertake(t *testing.T) {
	testserver.Databases(t, func(t *testing.T, db *database.DB) {
		now := time.Date(2026, 11, 25, 1, 0, 0, 0, time.UTC)
		s := newStore(t, db, func() time.Time { return now })
		var mu sync.Mutex
		told := map[int64]bot.Receipted{}
		s.OnReceipt(func(r bot.Receipted) {
			mu.Lock()
			defer mu.Unlock()
			told[r.ID] = r
		})
		heard := func(o bot.Outbound) bot.Receipted {
			mu.Lock()
			defer mu.Unlock()
			return told[o.ID]
		}
		receipt := func(id string, status bot.Status) {
			t.Helper()
			if err := s.Receipt(t.Context(), "sms", id, status, "reason"); err != nil {
				t.Fatal(err)
			}
		}
		sent := func(o bot.Outbound, id string) {
			t.Helper()
			if err := s.Sent(t.Context(), o.ID, bot.Handover{ProviderID: id}); err != nil {
				t.Fatal(err)
			}
		}
		status := func(o bot.Outbound) (got bot.Status) {
			t.Helper()
			if err := db.QueryRow(t.Context(), "select status from outbox where id = $1", o.ID).Scan(&got); err != nil {
				t.Fatal(err)
			}
			return got
		}
		for i, c := range []struct {
			early []bot.Status
			want  bot.Status
		}{
			{nil, bot.Sent},
			{[]bot.Status{bot.Delivered}, bot.Delivered},
			{[]bot.Status{bot.Sent, bot.Delivered, bot.Delivered}, bot.Delivered},
			{[]bot.Status{bot.Read, bot.Delivered}, bot.Read},
			{[]bot.Status{bot.Delivered, bot.Read}, bot.Read},
			{[]bot.Status{bot.Delivered, bot.Failed, bot.Read}, bot.Failed},
			{[]bot.Status{bot.Delivered, bot.Failed}, bot.Failed},
		} {
			id := fmt.Sprint("SM", i)
			o := talk(t, s, id, "tel:+6281100000001", say("x"))[0]
			for _, status := range c.early {
				receipt(id, status)
			}
			sent(o, id)
			if got := status(o); got != c.want {
				t.Errorf("%v before it was sent: %s, want %s", c.early, got, c.want)
			}
			want := bot.Receipted{ID: o.ID, Channel: "sms", Status: c.want, Code: "reason"}
			if c.want == bot.Sent {
				want = bot.Receipted{} // it has not moved
			}
			if got := heard(o); got != want {
				t.Errorf("%v before it was sent: told %+v, want %+v", c.early, got, want)
			}
		}
		receipt("SM of somebody else", bot.Delivered)
		now = now.Add(2 * time.Hour)
		receipt("SM of nobody", bot.Delivered)
		var waiting int
		if err := db.QueryRow(t.Context(), "select count(*) from early_receipts").Scan(&waiting); err != nil || waiting != 1 {
			t.Errorf("%d receipts wait %v", waiting, err)
		}

		// Both at one moment.
		var wg sync.WaitGroup
		var all []bot.Outbound
		for i := range 40 {
			id := fmt.Sprint("both ", i)
			o := talk(t, s, id, fmt.Sprint("tel:+62811000001", 10+i), say("x"))[0]
			all = append(all, o)
			wg.Go(func() {
				if err := s.Receipt(context.Background(), "sms", id, bot.Delivered, ""); err != nil {
					t.Error(err)
				}
			})
			wg.Go(func() {
				if err := s.Sent(context.Background(), o.ID, bot.Handover{ProviderID: id}); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		for i, o := range all {
			if got := status(o); got != bot.Delivered {
				t.Errorf("message %d is %s", i, got)
			}
		}
	})
}

package notices_test

import (
	"context"
	"fmt"
	"log/slog"
	"testing"
	"time"

	"tabe/adapters/notices"
	"tabe/adapters/seal"
	"tabe/adapters/store"
	"tabe/adapters/testserver"
	"tabe/bot"
	"tabe/bot/bottest"
)

// silent is a source without news.
type silent struct{}

func (silent) News(context.Context, []string, time.Time) (map[string]notices.News, error) {
	return nil, nil
}

// BenchmarkRound looks at every one of many subscriptions: what one of them
// costs must not depend on how many there are.
func BenchmarkRound(b *testing.B) {
	for _, people := range []int{2_000, 20_000} {
		b.Run(fmt.Sprint(people), func(b *testing.B) {
			db := testserver.OpenDatabase(b, testserver.SQLiteURL(b))
			clock := bottest.NewClock(noon)
			secret := make([]byte, seal.KeyLength)
			subs, err := notices.New(db, secret, words{}, clock.Now)
			if err != nil {
				b.Fatal(err)
			}
			s, err := store.New(db, secret, clock.Now, subs.Effects()...)
			if err != nil {
				b.Fatal(err)
			}
			for i := range people {
				e, _, err := s.Accept(b.Context(), bot.Message{ID: fmt.Sprint(i), Channel: "sms", Peer: fmt.Sprint(i), Subject: fmt.Sprint("tel:", i)})
				if err == nil {
					_, err = s.Commit(b.Context(), bot.Done{Entry: e, State: []byte("1{}"), Inline: true, Effects: []bot.Effect{permit(fmt.Sprint(i))}})
				}
				if err != nil {
					b.Fatal(err)
				}
			}
			r := &notices.Reconciler{Subscriptions: subs, Post: &notices.Post{Journal: s, Rules: notices.DefaultRules(), Clock: clock.Now},
				Purposes: []notices.Purpose{{Name: "permit", Source: silent{}, Every: time.Minute}}, Log: slog.Default()}
			for b.Loop() {
				clock.Advance(time.Minute)
				if clock.Now().In(bot.WITA).Hour() >= 19 {
					clock.Advance(14 * time.Hour)
				}
				if err := r.Round(b.Context()); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N)/float64(people), "µs/subscription")
		})
	}
}

package store_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"tabe/adapters/database"
	"tabe/adapters/seal"
	"tabe/adapters/store"
	"tabe/adapters/testserver"
	"tabe/bot"
)

// writers is how many messages are on their way at once.
const writers = 64

// BenchmarkTurn is what one message costs the store: accepted with the state,
// answered, reply reported as sent. BenchmarkInsert is the limit: one insert
// of the same size, in groups too.
func BenchmarkTurn(b *testing.B) {
	each(b, func(b *testing.B, db *database.DB) {
		s := newStore(b, db, time.Now)
		concurrently(b, func(ctx context.Context, n int64) error { return answerOne(ctx, s, n, fmt.Sprint("tel:", n)) })
	})
}

// answerOne takes message n of somebody all the way through the store.
func answerOne(ctx context.Context, s *store.Store, n int64, subject string) error {
	id := fmt.Sprintf("SM%032x", n*2654435761) // as scattered as a provider's
	e, _, err := s.Accept(ctx, bot.Message{
		ID: id, Channel: "sms", Peer: "+6281100000001", Subject: subject, At: time.Now(), Text: "berapa pbb saya 7312 010 003 002 9041 0",
	})
	if err != nil {
		return err
	}
	before := e.Before
	if before == nil {
		loaded, err := s.Load(ctx, e.Resident)
		if err != nil {
			return err
		}
		before = &loaded
	}
	rows, err := s.Commit(ctx, bot.Done{Entry: e, Before: before.Version, State: benchState, Replies: []bot.Text{{Body: benchReply}}})
	if err != nil {
		return err
	}
	for _, o := range rows { // none, if the resident's last reply is still on its way
		if err := s.Sent(ctx, o.ID, bot.Handover{ProviderID: id}); err != nil {
			return err
		}
	}
	return nil
}

var benchState = make([]byte, 400)

const benchReply = "PBB 2026 NOP 73.12.010.003.002-9041.0 Rp 52.500, jatuh tempo 30 Sep 2026. Denda Rp 1.050. Tunggakan 2 tahun Rp 88.000."

// BenchmarkResidents is BenchmarkTurn among many residents who have been there
// before. What it costs must not grow with their number.
func BenchmarkResidents(b *testing.B) {
	for _, residents := range []int64{1_000, 100_000, 1_000_000} {
		b.Run(fmt.Sprint(residents), func(b *testing.B) {
			if residents > 100_000 && testing.Short() {
				b.Skip("takes a minute and a gigabyte")
			}
			each(b, func(b *testing.B, db *database.DB) {
				s := newStore(b, db, time.Now)
				inhabit(b, db, s, residents)
				concurrently(b, func(ctx context.Context, n int64) error {
					err := answerOne(ctx, s, residents+n, fmt.Sprint("tel:", rand.Int64N(residents)))
					if errors.Is(err, bot.ErrStale) { // two messages of one resident at once
						return nil
					}
					return err
				})
			})
		})
	}
}

// inhabit gives each resident a state, a message and a reply that was sent.
func inhabit(b *testing.B, db *database.DB, s *store.Store, residents int64) {
	b.Helper()
	const portion = 2000
	sealer, err := seal.New(secret)
	if err != nil {
		b.Fatal(err)
	}
	body := make([]byte, 300)
	for from := int64(0); from < residents; from += portion {
		if err := db.Do(b.Context(), func(tx *database.Tx) error {
			for n := from; n < min(from+portion, residents); n++ {
				id, message := s.ID(fmt.Sprint("tel:", n)), fmt.Sprintf("SM%032x", n*2654435761)
				var seq int64
				if err := tx.QueryRow(`insert into journal (channel, message_id, resident, accepted, body, answered) values ('sms', $1, $2, 0, $3, 0) returning seq`,
					[]any{message, id, body}, &seq); err != nil {
					return err
				}
				if _, err := tx.Exec(`insert into residents values ($1, 1, $2, $3)`, id, sealer.Seal(benchState, "residents.state|"+string(id)), seq); err != nil {
					return err
				}
				if _, err := tx.Exec(`insert into outbox (id, resident, channel, body, status, ready, due, created, provider_id)
					values ($1, $2, 'sms', $3, 'sent', true, 0, 0, $4)`, seq*64, id, body, message); err != nil {
					return err
				}
			}
			return nil
		}); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkInsert is the work of a bare handler: each message one row.
func BenchmarkInsert(b *testing.B) {
	each(b, func(b *testing.B, db *database.DB) {
		if err := db.Do(b.Context(), func(tx *database.Tx) error {
			_, err := tx.Exec("create table bare (id text primary key, body text not null)")
			return err
		}); err != nil {
			b.Fatal(err)
		}
		body := strings.Repeat("x", 300)
		concurrently(b, func(ctx context.Context, n int64) error {
			return db.Do(ctx, func(tx *database.Tx) error {
				_, err := tx.Exec("insert into bare (id, body) values ($1, $2)", fmt.Sprintf("SM%032x", n*2654435761), body)
				return err
			})
		})
	})
}

func each(b *testing.B, bench func(b *testing.B, db *database.DB)) {
	b.Run("sqlite", func(b *testing.B) { bench(b, testserver.OpenDatabase(b, testserver.SQLiteURL(b))) })
	b.Run("postgres", func(b *testing.B) { bench(b, testserver.OpenDatabase(b, testserver.StartPostgres(b).Database(b))) })
}

func concurrently(b *testing.B, work func(ctx context.Context, n int64) error) {
	var n atomic.Int64
	b.SetParallelism(writers) // times GOMAXPROCS
	b.ReportAllocs()
	b.ResetTimer()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if err := work(context.Background(), n.Add(1)); err != nil {
				b.Error(err)
				return
			}
		}
	})
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "messages/s")
}

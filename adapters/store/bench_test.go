package store_test

import (
	"context"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"tabe/adapters/database"
	"tabe/adapters/testserver"
	"tabe/bot"
)

// writers is how many messages are on their way at once.
const writers = 64

// BenchmarkTurn is what one message costs the store: accepted, state loaded,
// answered, reply reported as sent. BenchmarkInsert is the limit: one insert
// of the same size, in groups too.
func BenchmarkTurn(b *testing.B) {
	each(b, func(b *testing.B, db *database.DB) {
		s := newStore(b, db, time.Now)
		state := make([]byte, 400)
		const text = "PBB 2026 NOP 73.12.010.003.002-9041.0 Rp 52.500, jatuh tempo 30 Sep 2026. Denda Rp 1.050. Tunggakan 2 tahun Rp 88.000."
		concurrently(b, func(ctx context.Context, n int64) error {
			e, _, err := s.Accept(ctx, bot.Message{
				ID: fmt.Sprintf("SM%032x", n*2654435761), Channel: "sms", Peer: "+6281100000001", Subject: fmt.Sprint("tel:", n),
				At: time.Now(), Text: "berapa pbb saya 7312 010 003 002 9041 0",
			})
			if err != nil {
				return err
			}
			before, err := s.Load(ctx, e.Resident)
			if err != nil {
				return err
			}
			rows, err := s.Commit(ctx, bot.Done{Entry: e, Before: before.Version, State: state, Replies: []bot.Text{{Body: text}}})
			if err != nil {
				return err
			}
			return s.Sent(ctx, rows[0].ID, fmt.Sprintf("SM%032x", n))
		})
	})
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
	b.Run("sqlite", func(b *testing.B) { bench(b, openDatabase(b, sqliteURL(b))) })
	b.Run("postgres", func(b *testing.B) { bench(b, openDatabase(b, testserver.StartPostgres(b).Database(b))) })
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

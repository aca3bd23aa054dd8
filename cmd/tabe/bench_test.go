package main

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"sync/atomic"
	"testing"

	"tabe/adapters/database"
	pbbregistry "tabe/adapters/registry/pbb"
	"tabe/bot"
	"tabe/bot/bottest"
	"tabe/bot/ident"
	"tabe/bot/understand"
	"tabe/flows/pbb"
	"tabe/locales"
)

// question is what the benchmarked residents ask: understood, looked up in the
// registry, put into words.
const question = "berapa pbb 73.12.020.003.001-9007.0"

// benchmarkTurns sends the question from ever new residents and waits for each
// answer.
func benchmarkTurns(b *testing.B, e *bot.Engine) {
	b.ReportAllocs()
	var n atomic.Int64
	turn := func() {
		from := fmt.Sprintf("+62811%08d", n.Add(1))
		texts, err := e.Converse(context.Background(), bot.Message{ID: from, Channel: smsChannel, Peer: from, Subject: "tel:" + from, Text: question})
		if err != nil || len(texts) == 0 || !strings.HasPrefix(texts[0].Body, "PBB 2026") {
			b.Error(texts, err)
		}
	}
	turn()
	b.ResetTimer()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			turn()
		}
	})
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "turns/s")
}

// BenchmarkTurn measures one whole turn: journal, understanding, flow, registry,
// words, commit. Run it with -cpu 1 for the latency of one resident alone and
// with many goroutines for the rate: SQLite shares its flushes among them.
func BenchmarkTurn(b *testing.B) {
	b.Run("memory", func(b *testing.B) { benchmarkTurns(b, memoryEngine(b)) })
	b.Run("sqlite", func(b *testing.B) { benchmarkTurns(b, benchApp(b).engine) })
	b.Run("sqlite-64", func(b *testing.B) {
		b.SetParallelism(32) // times GOMAXPROCS
		benchmarkTurns(b, benchApp(b).engine)
	})
}

// memoryEngine has its journal and what the question is about in memory.
func memoryEngine(b testing.TB) *bot.Engine {
	b.Helper()
	a := benchApp(b)
	words, err := locales.New()
	if err != nil {
		b.Fatal(err)
	}
	ears, err := understand.New()
	if err != nil {
		b.Fatal(err)
	}
	services := a.services(options{}, ears)
	services.taxes = memoryRegistry(b, services.taxes)
	all, home, err := services.flows()
	if err != nil {
		b.Fatal(err)
	}
	e, err := bot.New(bot.Config{Store: bottest.NewStore(nil), Words: words, Understand: ears.Understand, Flows: all, Home: home, Formats: formats(true)})
	if err != nil {
		b.Fatal(err)
	}
	return e
}

// memoryTaxes is a registry of one object.
type memoryTaxes struct {
	pbb.Registry
	object pbb.Object
}

func (r memoryTaxes) Object(_ context.Context, nop ident.NOP) (pbb.Object, error) {
	if nop != r.object.NOP {
		return pbb.Object{}, pbb.ErrNotFound
	}
	return r.object, nil
}

// memoryRegistry takes what is asked about out of a registry.
func memoryRegistry(b testing.TB, from pbb.Registry) pbb.Registry {
	b.Helper()
	nop, err := ident.ParseNOP(strings.TrimPrefix(question, "berapa pbb "))
	if err != nil {
		b.Fatal(err)
	}
	object, err := from.Object(b.Context(), nop)
	if err != nil {
		b.Fatal(err)
	}
	return memoryTaxes{from, object}
}

// BenchmarkBareCommit is the limit: one row a commit, the same flushes, and
// nothing else.
func BenchmarkBareCommit(b *testing.B) {
	a := benchApp(b)
	b.SetParallelism(32)
	var n atomic.Int64
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			err := a.db.Do(context.Background(), func(tx *database.Tx) error {
				_, err := tx.Exec(`insert into journal (channel, message_id, resident, accepted, body, answered) values ('x', $1, 'x', 0, $2, 0)`,
					fmt.Sprint(n.Add(1)), make([]byte, 200))
				return err
			})
			if err != nil {
				b.Error(err)
			}
		}
	})
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "commits/s")
}

func benchApp(b testing.TB) *app {
	b.Helper()
	dir := b.TempDir()
	a, err := open(context.Background(), options{
		databaseURL: embedded(dir), secretKey: make([]byte, secretKeyLength), dataDir: dir, inline: true, log: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		_ = a.engine.Close(context.Background())
		_ = a.close()
	})
	if _, err := pbbregistry.Import(context.Background(), a.db, samples, nil); err != nil {
		b.Fatal(err)
	}
	return a
}

package main

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	pbbregistry "tabe/adapters/registry/pbb"
	"tabe/adapters/testserver"
	"tabe/bot"
)

// TestTwoNodesServeOneResident has two houses on one PostgreSQL and one Redis
// answer the messages of one conversation in turns, also while Redis is gone.
func TestTwoNodesServeOneResident(t *testing.T) {
	server := testserver.StartRedis(t)
	o := options{
		databaseURL: testserver.StartPostgres(t).Database(t), redisURL: server.URL(), secretKey: make([]byte, secretKeyLength),
		dataDir: t.TempDir(), inline: true, log: slog.New(slog.DiscardHandler),
	}
	var nodes []*app
	for range 2 {
		a, err := open(t.Context(), o)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			_ = a.engine.Close(context.Background())
			_ = a.close()
		})
		nodes = append(nodes, a)
	}
	if _, err := pbbregistry.Import(t.Context(), nodes[0].db, samples, nil); err != nil {
		t.Fatal(err)
	}
	n := 0
	say := func(text, want string) {
		t.Helper()
		n++
		texts, err := nodes[n%2].engine.Converse(t.Context(), bot.Message{
			ID: fmt.Sprint(n), Channel: smsChannel, Peer: "+6281100000499", Subject: "tel:+6281100000499", Text: text,
		})
		if err != nil || len(texts) == 0 || !strings.Contains(texts[0].Body, want) {
			t.Errorf("%q got %v, %v; want %q", text, texts, err, want)
		}
	}
	say("berapa pbb saya", "NOP")
	say("73.12.032.002.001-9001.0", "202.636")
	say("basa ugi", "Basa Ugi")
	server.Kill(t)
	say("0", "Layanan")
	say("siaga pajakku 73.12.032.002.001-9001.0", "De'pa riwaja")
	server.Start(t)
	say("tarima kasi'", "Sama-sama")
}

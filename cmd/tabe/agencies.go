package main

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"time"

	"tabe/adapters/scc/alerts"
	"tabe/adapters/scc/exchange"
)

// agencies is what other systems get of incidents.
type agencies struct {
	feedKeys []string        // who sees more than the public
	peers    []exchange.Peer // whom we tell by ourselves
}

// readPeers reads the file that TABE_EXCHANGE names; empty: there are none.
func readPeers(path string) ([]exchange.Peer, error) {
	if path == "" {
		return nil, nil
	}
	file, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("TABE_EXCHANGE: %w", err)
	}
	defer file.Close()
	peers, err := exchange.ParsePeers(file)
	if err != nil {
		return nil, fmt.Errorf("TABE_EXCHANGE: %w", err)
	}
	return peers, nil
}

// newAlerts opens the book of alerts.
func newAlerts(a *app, o options) *alerts.Book {
	return &alerts.Book{DB: a.db, Event: a.stream.Append, Clock: o.clock}
}

// exchangeTimeout is how long a peer may take to answer.
const exchangeTimeout = 10 * time.Second

func (a *app) newExchange(o options, peers []exchange.Peer) *exchange.Exchange {
	return &exchange.Exchange{
		DB: a.db, Peers: peers, Events: a.stream, Incidents: a.center, Map: a.center.Map,
		HTTP: &http.Client{Timeout: exchangeTimeout}, Clock: o.clock, Log: o.log,
	}
}

// mountAgencies opens the feed of alerts and the doors of the peers, and
// returns what has to run to tell them.
func (a *app) mountAgencies(mux *http.ServeMux, o options, publicURL string, of agencies) func(context.Context) error {
	feed := &alerts.Feed{Book: a.alerts, PublicURL: publicURL, Keys: of.feedKeys, Log: o.log}
	mux.Handle("GET "+alerts.FeedPath, feed.Handler())
	mux.Handle("GET "+alerts.DocumentPath, feed.Handler())
	x := a.newExchange(o, of.peers)
	mux.Handle("POST "+exchange.Path, x.Handler())
	mux.Handle("GET "+exchange.SchemaPath, x.Handler())
	return func(ctx context.Context) error {
		x.Run(ctx)
		<-ctx.Done() // there may be no peers
		return nil
	}
}

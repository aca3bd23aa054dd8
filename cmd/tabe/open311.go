package main

import (
	"net/http"

	"tabe/adapters/complaints"
	"tabe/adapters/open311"
	"tabe/flows/pengaduan"
)

// open311 shows complaints to other systems, and takes some from those with a key.
func (a *app) open311(o options, publicURL string, keys []open311.Key) http.Handler {
	catalogue, places := pengaduan.DefaultCatalogue(), complaints.Places{Map: a.center.Map}
	return open311.New(open311.Config{
		Complaints: complaints.NewGate(a.complaints, catalogue, places, o.clock),
		Places:     places, Catalogue: catalogue, Keys: keys, PublicURL: publicURL, Clock: o.clock, Log: o.log,
	})
}

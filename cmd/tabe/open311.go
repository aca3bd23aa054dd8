package main

import (
	"net/http"

	"tabe/adapters/complaints"
	"tabe/adapters/open311"
	"tabe/flows/pengaduan"
)

// mountOpen311 shows complaints to other systems, and takes some from those
// with a key. Without publicURL they are sent where they came from.
func (a *app) mountOpen311(mux *http.ServeMux, o options, publicURL string, keys []open311.Key) error {
	catalogue, err := complaintKinds(o.dataDir)
	if err != nil {
		return err
	}
	places := complaints.Places{Map: a.center.Map}
	mux.Handle("/open311/", open311.New(open311.Config{
		Complaints: complaints.NewGate(a.complaints, catalogue, places, o.clock),
		Places:     places, Catalogue: catalogue, Keys: keys, PublicURL: publicURL, Clock: o.clock, Log: o.log,
	}))
	return nil
}

// complaintKinds reads what can be complained of, and to whom it goes.
func complaintKinds(dataDir string) (*pengaduan.Catalogue, error) {
	return rules(dataDir, "pengaduan.toml", pengaduan.DefaultCatalogue, pengaduan.ParseCatalogue)
}

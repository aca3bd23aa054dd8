package main

import (
	"context"
	"time"

	"tabe/adapters/notices"
	"tabe/adapters/registry/h2h"
	pbbregistry "tabe/adapters/registry/pbb"
	permitregistry "tabe/adapters/registry/perizinan"
	"tabe/adapters/registry/remote"
	"tabe/adapters/registry/sicantik"
	"tabe/flows/pbb"
	"tabe/flows/perizinan"
)

// interfaces are the offices' interfaces over HTTP. Those without settings are
// off, and the extracts alone answer.
type interfaces struct {
	taxes   h2h.Config
	permits sicantik.Config
}

func (i interfaces) hasTaxes() bool   { return i.taxes.InquiryURL != "" || i.taxes.BillsURL != "" }
func (i interfaces) hasPermits() bool { return i.permits.TrackerURL != "" }

// readInterfaces reads their settings.
func readInterfaces(e *environment) (i interfaces) {
	t := &i.taxes
	t.TokenURL, t.InquiryURL, t.BillsURL = e.address("TABE_PBB_TOKEN_URL"), e.address("TABE_PBB_URL"), e.address("TABE_PBB_BILLS_URL")
	if i.hasTaxes() {
		const reason = ", which the tax office's interface needs"
		t.User, t.Password = e.needed("TABE_PBB_USER", reason), e.needed("TABE_PBB_PASSWORD", reason)
		if t.InquiryURL != "" && t.TokenURL == "" {
			e.wrong("TABE_PBB_TOKEN_URL", "is missing, which TABE_PBB_URL needs")
		}
	}
	p := &i.permits
	p.TrackerURL, p.BulkURL, p.Key = e.address("TABE_SICANTIK_URL"), e.address("TABE_SICANTIK_BULK_URL"), e.value("TABE_SICANTIK_KEY")
	if p.BulkURL != "" && p.TrackerURL == "" {
		e.wrong("TABE_SICANTIK_URL", "is missing, which TABE_SICANTIK_BULK_URL needs")
	}
	return i
}

// permitRegistry is what the flow and those who wait for news ask.
type permitRegistry interface {
	perizinan.Registry
	notices.Source
}

// registries are where the flows look: the interfaces that there are, in front
// of the extracts.
type registries struct {
	taxes   pbb.Registry
	permits permitRegistry
	close   []func()
}

func (a *app) openRegistries(o options) (r registries, err error) {
	extracts := permitregistry.New(a.db)
	r.taxes, r.permits = pbbregistry.New(a.db), extracts
	if o.interfaces.hasTaxes() {
		copies, err := remote.NewCopies(a.db, o.secretKey, "pbb", o.clock)
		if err != nil {
			return r, err
		}
		c := o.interfaces.taxes
		c.Log = o.log
		live, err := h2h.New(c, copies, r.taxes, o.clock)
		if err != nil {
			return r, err
		}
		r.taxes, r.close = live, append(r.close, live.Close)
	}
	if o.interfaces.hasPermits() {
		copies, err := remote.NewCopies(a.db, o.secretKey, "perizinan", o.clock)
		if err != nil {
			return r, err
		}
		c := o.interfaces.permits
		c.Log = o.log
		live, err := sicantik.New(c, copies, extracts, o.clock)
		if err != nil {
			return r, err
		}
		r.permits, r.close = live, append(r.close, live.Close)
	}
	return r, nil
}

// check looks whether the interfaces answer and let us in.
func (i interfaces) check(ctx context.Context, look func(context.Context, string, func(context.Context) (string, error))) {
	if i.hasTaxes() {
		look(ctx, "pbb service", func(ctx context.Context) (string, error) {
			r, err := h2h.New(i.taxes, nil, nil, time.Now)
			if err != nil {
				return "", err
			}
			defer r.Close()
			return "answers", r.Check(ctx)
		})
	}
	if i.hasPermits() {
		look(ctx, "sicantik", func(ctx context.Context) (string, error) {
			r, err := sicantik.New(i.permits, nil, nil, time.Now)
			if err != nil {
				return "", err
			}
			defer r.Close()
			return "answers", r.Check(ctx)
		})
	}
}

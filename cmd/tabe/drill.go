package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"tabe/adapters/database"
	"tabe/adapters/scc"
	"tabe/adapters/scc/audit"
	"tabe/adapters/scc/geo"
	"tabe/adapters/store"
)

// drillCommand sends a synthetic incident through the running system.
type drillCommand struct {
	dataFlag
	Timeout time.Duration `help:"How long to wait for it." default:"30s"`
}

func (c *drillCommand) Run(ctx context.Context, std streams) error {
	db, err := database.Open(ctx, databaseFor(std.getenv, c.Data))
	if err != nil {
		return err
	}
	defer db.Close()
	key, err := keyFor(std.getenv, c.Data)
	if err != nil {
		return err
	}
	mail, err := store.New(db, key, time.Now)
	if err != nil {
		return err
	}
	center, err := scc.New(scc.Config{DB: db, Secret: key, Map: geo.New(), Mail: func() scc.Mail { return mail }, Event: audit.Append})
	if err != nil {
		return err
	}
	d, err := center.Drill(ctx, "drill", c.Timeout)
	for _, f := range d.Findings {
		fmt.Fprintf(std.out, "UNHEARD %s: %s\n", f.Incident, f.What)
	}
	switch {
	case errors.Is(err, scc.ErrDrill):
		fmt.Fprintf(std.out, "FAILED %s: %v\n", d.Code, err)
		return exit(1)
	case err != nil:
		return err
	case !d.Reached:
		fmt.Fprintf(std.out, "ok %s: escalated after %s; no contact of the service %q is verified, so no phone was told\n", d.Code, d.Moved.Round(time.Millisecond), scc.Probe)
	default:
		fmt.Fprintf(std.out, "ok %s: escalated after %s, sent after %s\n", d.Code, d.Moved.Round(time.Millisecond), d.Sent.Round(time.Millisecond))
	}
	if len(d.Findings) > 0 {
		return exit(1)
	}
	return nil
}

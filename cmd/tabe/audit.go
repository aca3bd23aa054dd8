package main

import (
	"context"
	"errors"
	"fmt"

	"tabe/adapters/database"
	"tabe/adapters/scc/audit"
)

// auditCommand looks after the evidence of the command center.
type auditCommand struct {
	Verify auditVerifyCommand `cmd:"" help:"Compute the chain of events anew. Exit 1: it was changed, and where."`
}

// auditVerifyCommand proves the chain. What it prints last time, kept outside
// this machine, can be given to it the next.
type auditVerifyCommand struct {
	dataFlag
	Anchor []string `help:"What an earlier run printed, and was kept elsewhere: NUMBER:HASH." placeholder:"ANCHOR"`
}

func (c *auditVerifyCommand) Run(ctx context.Context, std streams) error {
	var anchors []audit.Anchor
	for _, text := range c.Anchor {
		a, err := audit.ParseAnchor(text)
		if err != nil {
			return err
		}
		anchors = append(anchors, a)
	}
	db, err := database.Open(ctx, databaseFor(std.getenv, c.Data))
	if err != nil {
		return err
	}
	defer db.Close()
	end, err := audit.New(db).Verify(ctx, anchors...)
	if broken := (*audit.Broken)(nil); errors.As(err, &broken) {
		fmt.Fprintf(std.out, "BROKEN at event %d: %s\n", broken.Seq, broken.Reason)
		return exit(1)
	}
	if err != nil {
		return err
	}
	fmt.Fprintf(std.out, "ok %s\n", end)
	return nil
}

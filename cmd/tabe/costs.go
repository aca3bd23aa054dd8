package main

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"tabe/adapters/costs"
	"tabe/adapters/database"
	"tabe/bot"
)

// readTariffs reads what messages cost from the data folder, or takes the
// built-in table.
func readTariffs(dataDir string) (*costs.Tariffs, error) {
	return rules(dataDir, "costs.toml", costs.Default, costs.Parse)
}

// allowance keeps one telephone from running up the bill. Who reports an
// emergency, or is paged for one, is always answered.
func allowance(t *costs.Tariffs) bot.Allowance {
	return bot.Allowance{PerDay: t.AnswersPerDay, Paid: t.Paid}
}

// costsCommand prints what the messages of a month cost.
type costsCommand struct {
	dataFlag
	Month string `help:"The month; the current one, if none is given." placeholder:"YYYY-MM"`
}

func (c *costsCommand) Run(ctx context.Context, std streams) error {
	month, err := monthOf(c.Month, time.Now())
	if err != nil {
		return fmt.Errorf("--month: %w", err)
	}
	db, err := database.Open(ctx, databaseFor(std.getenv, c.Data))
	if err != nil {
		return err
	}
	defer db.Close()
	sums, err := costs.New(db, costs.Limits{}, time.Now, slog.New(slog.DiscardHandler)).Month(ctx, month)
	if err != nil {
		return err
	}
	return costs.WriteCSV(std.out, sums)
}

// spentToday tells what was spent today, and what may be.
func spentToday(ctx context.Context, db *database.DB, dataDir string) (string, error) {
	tariffs, err := readTariffs(dataDir)
	if err != nil {
		return "", err
	}
	b, err := costs.New(db, tariffs.Limits, time.Now, slog.New(slog.DiscardHandler)).State(ctx)
	text := fmt.Sprintf("%s today", b.Spent)
	if b.Daily > 0 {
		text += fmt.Sprintf(" of %s", b.Daily)
	}
	if b.Level() == costs.Gone {
		text += ": what we send by ourselves waits until tomorrow"
	}
	return text, err
}

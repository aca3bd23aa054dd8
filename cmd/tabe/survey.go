package main

import (
	"context"
	"fmt"
	"time"

	"tabe/adapters/database"
	"tabe/adapters/survey"
	"tabe/bot"
)

// surveyCommand prints how satisfied residents were.
type surveyCommand struct {
	dataFlag
	From string `help:"First month; this year's January, if none is given." placeholder:"YYYY-MM"`
	To   string `help:"Last month; the current one, if none is given." placeholder:"YYYY-MM"`
}

func (c *surveyCommand) Run(ctx context.Context, std streams) error {
	now := time.Now().In(bot.WITA)
	from, err := monthOf(c.From, time.Date(now.Year(), time.January, 1, 0, 0, 0, 0, bot.WITA))
	if err != nil {
		return fmt.Errorf("--from: %w", err)
	}
	to, err := monthOf(c.To, now)
	if err != nil {
		return fmt.Errorf("--to: %w", err)
	}
	db, err := database.Open(ctx, databaseFor(std.getenv, c.Data))
	if err != nil {
		return err
	}
	defer db.Close()
	results, err := survey.Results(ctx, db, from, to)
	if err != nil {
		return err
	}
	return survey.WriteCSV(std.out, results)
}

// monthOf reads a month, or takes another one for the empty text.
func monthOf(text string, otherwise time.Time) (time.Time, error) {
	if text == "" {
		return otherwise, nil
	}
	return time.ParseInLocation("2006-01", text, bot.WITA)
}

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"time"

	"tabe/adapters/database"
	"tabe/adapters/redis"
	maccaregistry "tabe/adapters/registry/macca"
	pbbregistry "tabe/adapters/registry/pbb"
	"tabe/adapters/scc"
	"tabe/adapters/scc/audit"
	"tabe/adapters/scc/geo"
	"tabe/adapters/store"
	"tabe/adapters/traces"
	"tabe/bot"
)

// checkCommand looks at everything that tabe serve depends on.
type checkCommand struct {
	dataFlag
}

// checkTimeout bounds each look.
const checkTimeout = 5 * time.Second

func (c *checkCommand) Run(ctx context.Context, std streams) error {
	r := &checks{out: std.out}
	config, err := readConfig(std.getenv, c.Data)
	r.line("configuration", err, "complete")
	c.database(ctx, r, config)
	if config.redisURL != "" && len(config.secretKey) == secretKeyLength {
		r.look(ctx, "redis", func(ctx context.Context) (string, error) {
			sessions, err := redis.Open(config.redisURL, config.secretKey)
			if err != nil {
				return "", err
			}
			defer sessions.Close()
			return "answers, " + sessions.Form(), sessions.Ping(ctx)
		})
	}
	if err == nil {
		c.channels(ctx, r, config)
		config.interfaces.check(ctx, r.look)
		if config.traces {
			r.look(ctx, "traces", func(ctx context.Context) (string, error) { return "the collector answers", traces.Check(ctx) })
		}
	}
	if r.failed {
		return exit(1)
	}
	return nil
}

func (c *checkCommand) database(ctx context.Context, r *checks, config config) {
	db, err := database.Open(ctx, config.databaseURL)
	r.line("database", err, "answers, schema up to date")
	if err != nil {
		return
	}
	defer db.Close()
	r.look(ctx, "pbb data", func(ctx context.Context) (string, error) {
		asOf, err := pbbregistry.New(db).AsOf(ctx)
		if err == nil && asOf.IsZero() && config.interfaces.hasTaxes() {
			return "no extract, the interface alone", nil
		}
		if err == nil && asOf.IsZero() {
			return "", errors.New("nothing was ever loaded (tabe import pbb FILE.csv)")
		}
		return "of " + asOf.In(bot.WITA).Format("2006-01-02 15:04 WITA"), err
	})
	r.look(ctx, "macca data", func(ctx context.Context) (string, error) {
		asOf, err := maccaregistry.New(db).AsOf(ctx)
		if err == nil && asOf.IsZero() {
			return "none yet (tabe import macca FILE.csv)", nil
		}
		return "of " + asOf.In(bot.WITA).Format("2006-01-02 15:04 WITA"), err
	})
	_, err = maccaregistry.OpenSchedule(c.Data, nil)
	r.line("rice days", err, "good")
	_, _, err = services{dataDir: c.Data}.flows()
	r.line("rules of the services", err, "good")
	told, err := toldRules(c.Data)
	r.line("retention", err, told.retention.String())
	r.look(ctx, "costs", func(ctx context.Context) (string, error) { return spentToday(ctx, db, c.Data) })
	r.look(ctx, "notices", func(ctx context.Context) (string, error) { return noticed(ctx, db) })
	if len(config.secretKey) != secretKeyLength {
		return
	}
	r.look(ctx, "contacts", func(ctx context.Context) (string, error) { return unverified(ctx, r.out, db, config.secretKey) })
	messages, err := store.New(db, config.secretKey, time.Now)
	if err != nil {
		r.line("messages", err, "")
		return
	}
	r.look(ctx, "messages", func(ctx context.Context) (string, error) {
		return c.queues(ctx, r.out, messages)
	})
}

func (c *checkCommand) channels(ctx context.Context, r *checks, config config) {
	ways, err := newWays(config, slog.New(slog.DiscardHandler))
	if err != nil {
		r.line("channels", err, "")
		return
	}
	defer ways.close()
	ways.check(ctx, r.look)
}

// unverified names the numbers for emergencies that nobody has called to see
// who answers: they are neither paged nor told to anybody.
func unverified(ctx context.Context, out io.Writer, db *database.DB, key []byte) (string, error) {
	center, err := scc.New(scc.Config{DB: db, Secret: key, Map: geo.New(), Mail: func() scc.Mail { return nil }, Event: audit.Append})
	if err != nil {
		return "", err
	}
	all, err := center.Contacts(ctx)
	if err != nil {
		return "", err
	}
	open, err := center.Unverified(ctx)
	for _, k := range open {
		fmt.Fprintf(out, "note  %-14s %s: nobody has verified its number\n", k.Service, k.Name)
	}
	return fmt.Sprintf("%d, of which %d are not verified", len(all), len(open)), err
}

// checks prints one line for each thing that was looked at.
type checks struct {
	out    io.Writer
	failed bool
}

func (r *checks) look(ctx context.Context, what string, f func(context.Context) (string, error)) {
	ctx, cancel := context.WithTimeout(ctx, checkTimeout)
	defer cancel()
	good, err := f(ctx)
	r.line(what, err, good)
}

func (r *checks) line(what string, err error, good string) {
	if err != nil {
		r.failed = true
		fmt.Fprintf(r.out, "DOWN  %-14s %v\n", what, err)
		return
	}
	fmt.Fprintf(r.out, "ok    %-14s %s\n", what, good)
}

// queues tells what waits and lists the dead letters.
func (c *checkCommand) queues(ctx context.Context, out io.Writer, messages *store.Store) (string, error) {
	const shown = 20
	letters, err := messages.Letters(ctx, store.Which{Status: bot.Dead}, shown)
	if err != nil {
		return "", err
	}
	for _, l := range letters {
		fmt.Fprintf(out, "dead  %-14s message %d, %s, after %d attempts: %s\n", l.Channel, l.ID, l.Created.In(bot.WITA).Format("2006-01-02 15:04"), l.Attempts, l.Reason)
	}
	q, err := messages.Queues(ctx)
	if err != nil {
		return "", err
	}
	var unsent int64
	for _, channel := range q.Unsent {
		unsent += channel.Count
	}
	return fmt.Sprintf("%d to answer, %d to send, %d dead letters", q.Unanswered.Count, unsent, q.Dead), nil
}

package scc_test

import (
	"context"
	"fmt"
	"log/slog"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"tabe/adapters/database"
	"tabe/adapters/scc"
	"tabe/adapters/scc/audit"
	"tabe/adapters/scc/geo"
	"tabe/adapters/seal"
	"tabe/adapters/store"
	"tabe/adapters/testserver"
	"tabe/bot"
	"tabe/bot/understand"
	"tabe/flows/darurat"
	"tabe/flows/menu"
	"tabe/flows/siaga"
	"tabe/locales"
)

// Phones of the tests, none of which exists.
const (
	resident   = "+6281100000901"
	neighbour  = "+6281100000902"
	marioriawa = "+6281100000911" // fire posts
	lilirilau  = "+6281100000912"
	central    = "+6281100000913"
	operator   = "+6281100000921"
	chief      = "+6281100000922"
)

const contacts = `service,name,district,dial,phone,line,national,note
fire,Pos Marioriawa,73.12.05,081100000911,+6281100000911,mobile,,
fire,Pos Lilirilau,73.12.03,081100000912,+6281100000912,mobile,,
fire,Pos Lalabata,73.12.04,081100000913,+6281100000913,mobile,,
fire,Pos Ganra,73.12.07,,,none,,
fire,Pos Citta,73.12.08,048423501,+6248423501,landline,,
violence,P2TP2A,,081100000914,+6281100000914,mobile,,
operators,Andi,,081100000921,+6281100000921,mobile,,
coordinator,Baso,,081100000922,+6281100000922,mobile,,
probe,Uji,,081100000923,+6281100000923,mobile,,
`

// house is the whole way of a report: engine, outbox, sender and center on one
// database, and a network of phones that are slices of texts.
type house struct {
	t      *testing.T
	db     *database.DB
	store  *store.Store
	engine *bot.Engine
	center *scc.Center
	net    *network
	move   func(time.Duration) // moves the database's clock
	stop   func()

	delivers atomic.Bool // receipts come
}

// network is a provider of phones.
type network struct {
	mu      sync.Mutex
	changed chan struct{}
	got     map[string][]string // "sms +62…": texts that nobody has expected yet
	all     atomic.Int64
	fail    func(channel bot.ChannelID, phone string) error
	sent    func(channel bot.ChannelID, phone, text, id string)
	slow    time.Duration // how long the provider takes for a message
}

func newNetwork() *network { return &network{changed: make(chan struct{}), got: map[string][]string{}} }

type line struct {
	id  bot.ChannelID
	net *network
}

func (l line) ID() bot.ChannelID { return l.id }

func (l line) Send(_ context.Context, o bot.Outbound) (string, error) {
	time.Sleep(l.net.slow)
	l.net.mu.Lock()
	defer l.net.mu.Unlock()
	if l.net.fail != nil {
		if err := l.net.fail(l.id, o.Peer); err != nil {
			return "", err
		}
	}
	id := fmt.Sprint("p", l.net.all.Add(1))
	key := string(l.id) + " " + o.Peer
	l.net.got[key] = append(l.net.got[key], o.Text.Numbered())
	close(l.net.changed)
	l.net.changed = make(chan struct{})
	if l.net.sent != nil {
		l.net.sent(l.id, o.Peer, o.Text.Body, id)
	}
	return id, nil
}

// databases runs a test on both databases, whose clocks the test can move,
// beside other tests: they wait most of the time.
func databases(t *testing.T, test func(t *testing.T, h *house)) {
	t.Helper()
	t.Parallel()
	testserver.DatabaseURLs(t, func(t *testing.T, newURL func(testing.TB) string) {
		test(t, newHouse(t, newURL(t)))
	})
}

// shadow puts a clock of ours in front of PostgreSQL's own.
const shadow = `create schema ahead;
create table ahead.clock (by interval not null);
insert into ahead.clock values ('0');
create function ahead.clock_timestamp() returns timestamptz language sql volatile as
	'select pg_catalog.clock_timestamp() + by from ahead.clock';`

func newHouse(t *testing.T, rawURL string) *house {
	t.Helper()
	if strings.HasPrefix(rawURL, "postgres") {
		u, err := url.Parse(rawURL)
		if err != nil {
			t.Fatal(err)
		}
		q := u.Query()
		q.Set("search_path", "ahead,public,pg_catalog")
		u.RawQuery = q.Encode()
		rawURL = u.String()
	}
	h := &house{t: t, db: testserver.OpenDatabase(t, rawURL), net: newNetwork()}
	h.delivers.Store(true)
	var offset atomic.Int64
	h.move = func(d time.Duration) { offset.Add(int64(d)) }
	if h.db.Dialect == database.Postgres {
		h.do(func(tx *database.Tx) error {
			for _, statement := range strings.SplitAfter(shadow, ";") {
				if strings.TrimSpace(statement) == "" {
					continue
				}
				if _, err := tx.Exec(statement); err != nil {
					return err
				}
			}
			return nil
		})
		h.move = func(d time.Duration) {
			h.do(func(tx *database.Tx) error {
				_, err := tx.Exec(fmt.Sprintf("update ahead.clock set by = by + interval '%d microseconds'", d.Microseconds()))
				return err
			})
		}
	}
	h.open(func() time.Time { return time.Now().Add(time.Duration(offset.Load())) })
	if _, err := h.center.ImportContacts(t.Context(), strings.NewReader(contacts), "test", "test"); err != nil {
		t.Fatal(err)
	}
	return h
}

// open wires the house; clock is the center's on SQLite.
func (h *house) open(clock func() time.Time) {
	h.t.Helper()
	words, err := locales.New()
	if err != nil {
		h.t.Fatal(err)
	}
	ears, err := understand.New()
	if err != nil {
		h.t.Fatal(err)
	}
	log := slog.New(slog.NewTextHandler(h.t.Output(), &slog.HandlerOptions{Level: slog.LevelWarn}))
	secret := make([]byte, seal.KeyLength)
	if h.center, err = scc.New(scc.Config{
		DB: h.db, Secret: secret, Map: geo.New(), Mail: func() scc.Mail { return h.store }, Event: audit.Append,
		Channels: []bot.ChannelID{"sms", "whatsapp", "voice"}, Clock: clock, Log: log,
	}); err != nil {
		h.t.Fatal(err)
	}
	if h.store, err = store.New(h.db, secret, time.Now, store.On(h.center.Report), store.On(h.center.Answer), store.On(h.center.Erase),
		store.On(func(*database.Tx, bot.Entry, menu.Unanswered) error { return nil })); err != nil {
		h.t.Fatal(err)
	}
	home := menu.New(func(s string) string { return s })
	sender := bot.NewSender(h.store, time.Now, log, line{"sms", h.net}, line{"whatsapp", h.net}, line{"voice", h.net})
	if h.engine, err = bot.New(bot.Config{
		Store: h.store, Words: words, Understand: ears.Understand, Home: home, Log: log, Deliver: sender.Push,
		Flows:   []bot.Flow{siaga.New(scc.Duty{Center: h.center}, func(c bot.ChannelID) bool { return c == "keys" }), darurat.New(h.center, h.center.Map), home},
		Formats: map[bot.ChannelID]bot.ChannelFormat{"sms": {}, "whatsapp": {}, "voice": {Variant: "voice"}, "keys": {Variant: "voice", Inline: true}},
	}); err != nil {
		h.t.Fatal(err)
	}
	h.store.OnPost(h.engine.Wake)
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() { sender.Run(ctx) })
	running.Go(func() { h.engine.Recover(ctx) })
	running.Go(func() { h.center.Run(ctx) })
	running.Go(func() { h.receipts(ctx) })
	h.stop = sync.OnceFunc(func() {
		cancel()
		if err := h.engine.Close(context.Background()); err != nil {
			h.t.Error(err)
		}
		running.Wait()
	})
	h.t.Cleanup(h.stop)
}

// ahead moves the database's clock, once everything that was sent has arrived:
// otherwise it would look as if that took so long.
func (h *house) ahead(d time.Duration) {
	h.t.Helper()
	h.settle()
	if h.delivers.Load() {
		h.until("the receipts are there", func() bool { return h.count(`select count(*) from outbox where status = 'sent'`) == 0 })
	}
	h.move(d)
}

func (h *house) do(fn func(tx *database.Tx) error) {
	h.t.Helper()
	if err := h.db.Do(h.t.Context(), fn); err != nil {
		h.t.Fatal(err)
	}
}

var messages atomic.Int64

// send lets a phone send an SMS.
func (h *house) send(phone, text string) {
	h.t.Helper()
	h.message(bot.Message{Channel: "sms", Peer: phone, Subject: "tel:" + phone, Text: text})
}

func (h *house) message(m bot.Message) {
	h.t.Helper()
	m.ID = fmt.Sprint("m", messages.Add(1))
	if err := h.engine.Receive(h.t.Context(), m); err != nil {
		h.t.Fatal(err)
	}
}

const patience = 15 * time.Second

// expect waits for the next SMS to a phone and wants the parts in it.
func (h *house) expect(phone string, parts ...string) string {
	h.t.Helper()
	return h.expectOn("sms", phone, parts...)
}

func (h *house) expectOn(channel, phone string, parts ...string) string {
	h.t.Helper()
	deadline := time.After(patience)
	key := channel + " " + phone
	for {
		h.net.mu.Lock()
		texts, changed := h.net.got[key], h.net.changed
		if len(texts) > 0 {
			h.net.got[key] = texts[1:]
		}
		h.net.mu.Unlock()
		if len(texts) > 0 {
			for _, part := range parts {
				if !strings.Contains(texts[0], part) {
					h.t.Fatalf("%s got %q, which lacks %q", key, texts[0], part)
				}
			}
			return texts[0]
		}
		select {
		case <-changed:
		case <-deadline:
			h.t.Fatalf("%s got nothing, expected %q; others: %v", key, parts, h.net.left())
		}
	}
}

func (n *network) left() []string {
	n.mu.Lock()
	defer n.mu.Unlock()
	var left []string
	for key, texts := range n.got {
		for _, text := range texts {
			left = append(left, key+": "+text)
		}
	}
	return left
}

// quiet fails if a phone got something that nobody expected: row 19. It first
// lets the center look once more.
func (h *house) quiet() {
	h.t.Helper()
	if err := h.center.Cycle(h.t.Context()); err != nil {
		h.t.Error(err)
	}
	h.settle()
	for _, text := range h.net.left() {
		h.t.Errorf("unexpected: %s", text)
	}
}

// settle waits until nothing is left to answer or to send.
func (h *house) settle() {
	h.t.Helper()
	h.until("everything is answered and sent", func() bool {
		return h.count(`select count(*) from journal where answered is null`)+h.count(`select count(*) from outbox where status = 'queued'`) == 0
	})
}

func (h *house) until(what string, done func() bool) {
	h.t.Helper()
	for deadline := time.Now().Add(patience); !done(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			h.t.Fatalf("waited in vain until %s", what)
		}
	}
}

func (h *house) count(query string, args ...any) (n int) {
	h.t.Helper()
	if err := h.db.QueryRow(h.t.Context(), query, args...).Scan(&n); err != nil {
		h.t.Fatal(err)
	}
	return n
}

// only returns the one incident that is listed.
func (h *house) only() scc.Incident {
	h.t.Helper()
	list, err := h.center.List(h.t.Context())
	if err != nil {
		h.t.Fatal(err)
	}
	if len(list) != 1 {
		h.t.Fatalf("%d incidents", len(list))
	}
	return list[0]
}

// watched is a console whose alarm is armed, now and however far the clock is
// moved, so that the first tier waits for it.
func (h *house) watched() {
	h.t.Helper()
	if err := h.center.Beat(h.t.Context(), "console", "andi", true); err != nil {
		h.t.Fatal(err)
	}
	h.do(func(tx *database.Tx) error {
		_, err := tx.Exec(`update consoles set seen_at = seen_at + $1`, (24 * time.Hour).Microseconds())
		return err
	})
}

// receipts has the provider confirm whatever it was given.
func (h *house) receipts(ctx context.Context) {
	for ctx.Err() == nil {
		if h.delivers.Load() {
			err := h.db.Do(ctx, func(tx *database.Tx) error {
				_, err := tx.Exec(`update outbox set status = 'delivered' where status = 'sent'`)
				return err
			})
			if err != nil && ctx.Err() == nil {
				h.t.Error(err)
			}
		}
		select {
		case <-time.After(20 * time.Millisecond):
		case <-ctx.Done():
		}
	}
}

package links_test

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"tabe/adapters/database"
	"tabe/adapters/links"
	"tabe/adapters/notices"
	"tabe/adapters/redis"
	"tabe/adapters/seal"
	"tabe/adapters/store"
	"tabe/adapters/testserver"
	"tabe/bot"
	"tabe/bot/bottest"
	"tabe/bot/understand"
	"tabe/flows/tautan"
)

var noon = time.Date(2026, 11, 25, 12, 0, 0, 0, bot.WITA)

const (
	phone   = "tel:+6281255500014"
	account = "telegram:4711"
)

// words are the keys themselves.
type words struct{}

func (words) Text(_, key, _ string, _ map[string]any) (string, error) { return key, nil }
func (words) Source(_, key string) string                             { return key }

// diary is a flow that does what it is told and remembers what it was told, on
// each channel.
type diary struct{}

func (diary) Name() string                          { return "diary" }
func (diary) Revision() int                         { return 1 }
func (diary) Topics() []bot.Topic                   { return nil }
func (diary) Knows(string) bool                     { return true }
func (diary) Expects(*bot.Turn) bool                { return true }
func (diary) Tell(context.Context, *bot.Turn) error { return nil }
func (diary) Handle(_ context.Context, t *bot.Turn) error {
	var heard []string
	if err := t.Recall(&heard); err != nil {
		return err
	}
	what, arg, _ := strings.Cut(t.Text, " ")
	switch what {
	case "link":
		t.Effect(bot.Link{Owner: arg, Consent: "asked"})
	case "unlink":
		t.Resident.Unlink(bot.ChannelID(arg))
		t.Effect(bot.Unlink{Channel: bot.ChannelID(arg)})
	case "save":
		t.Resident.Keep(bot.Saved{Kind: "nop", Value: arg, At: t.Now})
	case "subscribe":
		t.Effect(bot.Subscribe{Purpose: "permit", Key: arg, Consent: "asked"})
	case "erase":
		t.Effect(bot.Erase{})
		t.Resident.Forget()
	case "show":
		t.Effect(tautan.Code{Code: arg, Until: t.Now.Add(tautan.Valid)})
	case "offer":
		t.Effect(tautan.Offer{Code: arg})
	}
	heard = append(heard, t.Text)
	t.Conversation.State = "listening"
	t.Say(bot.Reply{Key: strings.Join(t.Resident.SavedOf("nop"), ",") + " " + strings.Join(heard, ",")})
	return t.Remember(heard)
}

// house is one machine on a database.
type house struct {
	*bot.Engine
	t     *testing.T
	db    *database.DB
	store *store.Store
	links *links.Links
	subs  *notices.Subscriptions
	clock *bottest.Clock
}

func newHouse(t *testing.T, db *database.DB, clock *bottest.Clock, sessions ...bot.Sessions) *house {
	t.Helper()
	secret := make([]byte, seal.KeyLength)
	subs, err := notices.New(db, secret, words{}, clock.Now)
	if err != nil {
		t.Fatal(err)
	}
	l, err := links.New(links.Config{
		DB: db, Secret: secret, Clock: clock.Now, Leave: subs.Leave, Phones: []bot.ChannelID{"sms"},
		Joins: []func(*database.Tx, bot.ResidentID, bot.ResidentID) error{subs.Join},
	})
	if err != nil {
		t.Fatal(err)
	}
	s, err := store.New(db, secret, clock.Now, append(l.Effects(), subs.Effects()...)...)
	if err != nil {
		t.Fatal(err)
	}
	s.OnAccept(l.Owner)
	l.Connect(s)
	config := bot.Config{
		Store: s, Words: words{}, Clock: clock.Now, Home: diary{}, Flows: []bot.Flow{diary{}, tautan.New(l)},
		Understand: func(text string) understand.Result { return understand.Result{Text: text} },
		Log:        slog.New(slog.NewTextHandler(t.Output(), nil)),
	}
	if len(sessions) > 0 {
		config.Sessions = sessions[0]
	}
	e, err := bot.New(config)
	if err != nil {
		t.Fatal(err)
	}
	s.OnPost(e.Wake)
	ctx, stop := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() { e.Recover(ctx) })
	t.Cleanup(func() { stop(); running.Wait(); _ = e.Close(context.Background()) })
	return &house{Engine: e, t: t, db: db, store: s, links: l, subs: subs, clock: clock}
}

var number struct {
	sync.Mutex
	n int
}

// say receives a message and returns its place in the journal.
func (h *house) say(subject, text string) {
	h.t.Helper()
	number.Lock()
	number.n++
	id := fmt.Sprint("m", number.n)
	number.Unlock()
	kind, peer, _ := strings.Cut(subject, ":")
	channel := bot.ChannelID(kind)
	if kind == "tel" {
		channel = "sms"
	}
	if err := h.Receive(h.t.Context(), bot.Message{ID: id, Channel: channel, Peer: peer, Subject: subject, Text: text}); err != nil {
		h.t.Error(err)
	}
}

func (h *house) count(query string, args ...any) (n int) {
	h.t.Helper()
	if err := h.db.QueryRow(h.t.Context(), query, args...).Scan(&n); err != nil {
		h.t.Fatal(err)
	}
	return n
}

// settle waits until everything is answered.
func (h *house) settle() {
	h.t.Helper()
	for late := time.Now().Add(30 * time.Second); h.count(`select count(*) from journal where answered is null`) > 0; time.Sleep(2 * time.Millisecond) {
		if time.Now().After(late) {
			h.t.Fatal("not everything was answered")
		}
	}
}

// told are the answers that wait for a channel, in the order in which they
// leave.
func (h *house) told(c bot.ChannelID) (texts []string) {
	h.t.Helper()
	h.clock.Advance(time.Minute) // what was handed out is free again
	for {
		out, err := h.store.Claim(h.t.Context(), c, false, time.Minute, 10)
		if err != nil {
			h.t.Fatal(err)
		}
		if len(out) == 0 {
			return texts
		}
		for _, o := range out {
			texts = append(texts, o.Text.Body)
			if err := h.store.Sent(h.t.Context(), o.ID, bot.Handover{ProviderID: fmt.Sprint("p", o.ID)}); err != nil {
				h.t.Fatal(err)
			}
		}
	}
}

// Numbers, the order of the replies, what is told and what was said become one,
// and are forgotten as one.
func TestTwoBecomeOne(t *testing.T) {
	testserver.Databases(t, func(t *testing.T, db *database.DB) {
		h := newHouse(t, db, bottest.NewClock(noon))
		for _, m := range [][2]string{
			{phone, "save 1"}, {account, "save 2"}, {phone, "hello"}, {account, "subscribe 0412"}, {account, "link " + phone},
			{account, "again"}, {phone, "and here"},
		} {
			h.say(m[0], m[1])
			h.settle()
		}
		if got, want := h.told("telegram"), []string{"2 save 2", "2 save 2,subscribe 0412", "2 save 2,subscribe 0412,link " + phone,
			"1,2 save 2,subscribe 0412,link " + phone + ",again"}; !slices.Equal(got, want) {
			t.Errorf("told on Telegram: %q", got)
		}
		if got, want := h.told("sms"), []string{"1 save 1", "1 save 1,hello", "tautan.told_joined", "1,2 save 1,hello,and here"}; !slices.Equal(got, want) {
			t.Errorf("told by SMS: %q", got)
		}
		id, other := h.store.ID(phone), h.store.ID(account)
		if n := h.count(`select count(*) from residents where id = $1`, other); n != 0 {
			t.Error("the account is somebody still")
		}
		if list, err := h.subs.Of(t.Context(), id); err != nil || len(list) != 1 || list[0].Key != "0412" {
			t.Errorf("%v %v", list, err)
		}
		lines, err := h.store.History(t.Context(), id, 100)
		var said []string
		for _, l := range lines {
			if l.Message != nil {
				said = append(said, l.Message.Text)
			}
		}
		if want := []string{"save 1", "save 2", "hello", "subscribe 0412", "link " + phone, "again", "and here"}; err != nil || !slices.Equal(said, want) {
			t.Errorf("said %q %v", said, err)
		}
		h.say(phone, "erase")
		h.settle()
		if n := h.count(`select count(*) from journal where length(body) > 0`); n != 1 {
			t.Errorf("%d messages are not erased", n-1)
		}
		if n := h.count(`select (select count(*) from links) + (select count(*) from subscriptions)`); n != 0 {
			t.Errorf("%d rows stayed", n)
		}
		h.say(account, "who am I")
		h.settle()
		if got := h.told("telegram"); !slices.Equal(got, []string{" who am I"}) {
			t.Errorf("told on Telegram: %q", got)
		}
	})
}

// Either side takes it back; the account then knows nothing, and is told.
func TestTakingItBack(t *testing.T) {
	testserver.Databases(t, func(t *testing.T, db *database.DB) {
		h := newHouse(t, db, bottest.NewClock(noon))
		for _, m := range [][2]string{
			{phone, "save 1"}, {phone, "subscribe 0412"}, {account, "link " + phone}, {account, "subscribe 0413"},
		} {
			h.say(m[0], m[1])
			h.settle()
		}
		h.told("telegram")
		h.say(phone, "unlink telegram")
		h.settle()
		h.say(account, "hello")
		h.settle()
		if got := h.told("telegram"); !slices.Equal(got, []string{"tautan.told_released", " hello"}) {
			t.Errorf("told on Telegram: %q", got)
		}
		list, err := h.subs.Of(t.Context(), h.store.ID(phone))
		if err != nil || len(list) != 1 || list[0].Key != "0412" {
			t.Errorf("%v %v", list, err)
		}
		// Another account takes the place of one, without being asked for it.
		h.say(account, "link "+phone)
		h.settle()
		h.say("telegram:4712", "link "+phone)
		h.settle()
		h.say(account, "show mine")
		h.settle()
		if got := h.told("telegram"); strings.Contains(got[len(got)-1], "1 ") {
			t.Errorf("the account that was replaced still knows: %q", got)
		}
		if n := h.count(`select count(*) from links`); n != 1 {
			t.Errorf("%d links", n)
		}
	})
}

// While both write, on several machines, every message is answered once, in
// order, and by somebody who exists.
func TestLinkingWhileBothWrite(t *testing.T) {
	testserver.Databases(t, func(t *testing.T, db *database.DB) {
		clock := bottest.NewClock(noon)
		bothWrite(t, newHouse(t, db, clock), newHouse(t, db, clock)) // two engines that know nothing of each other
	})
}

// The same with sessions in Redis, whose copies of a state can be behind: who
// was joined, and who joined and left again.
func TestLinkingWithSessions(t *testing.T) {
	server := testserver.StartRedis(t)
	testserver.Databases(t, func(t *testing.T, db *database.DB) {
		clock := bottest.NewClock(noon)
		var machines []*house
		for range 2 {
			sessions, err := redis.Open(server.URL(), make([]byte, seal.KeyLength))
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = sessions.Close() })
			machines = append(machines, newHouse(t, db, clock, sessions))
		}
		bothWrite(t, machines...)
		h := machines[0]
		h.say(phone, "unlink telegram")
		h.settle()
		h.told("telegram")
		h.say(account, "hello")
		h.settle()
		if got := h.told("telegram"); len(got) != 1 || got[0] != " hello" {
			t.Errorf("told on Telegram: %q", got)
		}
	})
}

func bothWrite(t *testing.T, machines ...*house) {
	t.Helper()
	const each = 40
	var writing sync.WaitGroup
	for _, subject := range []string{phone, account} {
		writing.Go(func() {
			for n := range each {
				text := fmt.Sprint("n", n)
				if n == each/2 && subject == account {
					text = "link " + phone
				}
				machines[n%2].say(subject, text)
			}
		})
	}
	writing.Wait()
	h := machines[0]
	h.settle()
	if n := h.count(`select count(*) from residents`); n != 1 {
		t.Errorf("%d residents", n)
	}
	var versions int
	state, err := h.store.Load(t.Context(), h.store.ID(phone))
	if err != nil {
		t.Fatal(err)
	}
	versions = int(state.Version)
	var kept bot.Resident
	if err := json.Unmarshal(state.Blob[1:], &kept); err != nil {
		t.Fatal(err)
	}
	for _, c := range []bot.ChannelID{"sms", "telegram"} {
		var heard, want []string
		if err := json.Unmarshal(kept.Conversations[c].Memory, &heard); err != nil {
			t.Fatal(err)
		}
		for n := range each {
			if want = append(want, fmt.Sprint("n", n)); n == each/2 && c == "telegram" {
				want[n] = "link " + phone
			}
		}
		if !slices.Equal(heard, want) {
			t.Errorf("%s heard %q", c, heard)
		}
	}
	t.Logf("the phone's state moved %d times", versions)
	if n := h.count(`select count(*) from outbox where status = 'queued'`); n < 2*each || len(h.told("telegram")) != each || len(h.told("sms")) < each {
		t.Errorf("%d replies", n)
	}
}

// A code asks the account that was shown it, once and for a while.
func TestCodes(t *testing.T) {
	testserver.Databases(t, func(t *testing.T, db *database.DB) {
		h := newHouse(t, db, bottest.NewClock(noon))
		asked := func(code string) string {
			c, ok, err := h.links.Asked(t.Context(), code)
			return fmt.Sprint(string(c), " ", ok, " ", err)
		}
		h.say(account, "show first")
		h.say(account, "show second") // replaces it
		h.settle()
		if asked("first") != " false <nil>" || !strings.HasPrefix(asked("second"), "telegram") {
			t.Error(asked("first"), asked("second"))
		}
		h.say(phone, "offer second")
		h.say(phone, "offer second")
		h.say(phone, "offer first")
		h.settle()
		if got := h.told("telegram"); !slices.Equal(got[2:], []string{"tautan.ask_confirm"}) {
			t.Errorf("told on Telegram: %q", got)
		}
		h.say(account, "show third")
		h.settle()
		h.clock.Advance(tautan.Valid + time.Second)
		if strings.HasPrefix(asked("third"), "telegram") {
			t.Error("a code is good for ever")
		}
		if n := h.count(`select count(*) from links`); n != 0 {
			t.Error("a code alone links")
		}
	})
}

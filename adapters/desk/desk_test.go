package desk_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"tabe/adapters/database"
	"tabe/adapters/desk"
	"tabe/adapters/store"
	"tabe/adapters/testserver"
	"tabe/bot"
	"tabe/bot/bottest"
	"tabe/bot/understand"
	"tabe/flows/petugas"
)

// plain renders a message as its key and data.
type plain struct{}

func (plain) Text(_, key, _ string, data map[string]any) (string, error) {
	if strings.HasPrefix(key, "petugas.") && len(data) > 0 && data["message"] != nil {
		return fmt.Sprint(data["who"], ": ", data["message"]), nil
	}
	return key, nil
}

// home answers what nobody else does.
type home struct{}

func (home) Name() string            { return "menu" }
func (home) Revision() int           { return 1 }
func (home) Topics() []bot.Topic     { return []bot.Topic{{Intent: understand.Greeting}} }
func (home) Knows(state string) bool { return state == "" }
func (home) Expects(*bot.Turn) bool  { return false }
func (home) Handle(_ context.Context, t *bot.Turn) error {
	if t.Text == "hapus" {
		t.Effect(bot.Erase{})
		t.Resident.Forget()
	}
	t.Say(bot.Reply{Key: "home"})
	return nil
}

// listen understands one word.
func listen(text string) understand.Result {
	r := understand.Result{Text: text, Language: understand.Indonesian}
	switch text {
	case "petugas":
		r.Intent, r.Confidence, r.Command = understand.HumanAgent, 1, true
	case "menu", "hapus":
		r.Intent, r.Confidence, r.Command = understand.Greeting, 1, true
	default:
		r.Intent, r.Confidence = understand.OutOfScope, 0.9
	}
	return r
}

// daily is a desk that is open every day from 8 to 16.
type daily struct{}

func (daily) Opening(t time.Time) (from, until time.Time, ok bool) {
	y, m, d := t.In(bot.WITA).Date()
	from = time.Date(y, m, d, 8, 0, 0, 0, bot.WITA)
	until = from.Add(8 * time.Hour)
	switch {
	case t.Before(from):
	case t.Before(until):
		from = t
	default:
		from, until = from.AddDate(0, 0, 1), until.AddDate(0, 0, 1)
	}
	return from, until, true
}

// office is a desk in a house without other services.
type office struct {
	*desk.Desk
	t      *testing.T
	clock  *bottest.Clock
	db     *database.DB
	store  *store.Store
	engine *bot.Engine
	events []string
	deaf   bool // does not write down events
	n      atomic.Int64
}

var (
	besse = desk.Operator{Account: "besse", Name: "Andi Besse"}
	rani  = desk.Operator{Account: "rani", Name: "Rani"}
)

func newOffice(t *testing.T, db *database.DB, now string) *office {
	t.Helper()
	start, err := time.ParseInLocation("2006-01-02 15:04", now, bot.WITA)
	if err != nil {
		t.Fatal(err)
	}
	o := &office{t: t, clock: bottest.NewClock(start), db: db}
	secret := bytes.Repeat([]byte{7}, 32)
	if o.Desk, err = desk.New(desk.Config{
		DB: db, Secret: secret, Hours: daily{}, Via: map[bot.ChannelID]bot.ChannelID{"ussd": "sms"}, Clock: o.clock.Now,
		Log: slog.New(slog.NewTextHandler(t.Output(), nil)),
		Event: func(_ *database.Tx, _ time.Time, actor, kind, _, body string) (int64, error) {
			if !o.deaf {
				o.events = append(o.events, kind+" "+body+" "+actor)
			}
			return 0, nil
		},
	}); err != nil {
		t.Fatal(err)
	}
	if o.store, err = store.New(db, secret, o.clock.Now, o.Effects()...); err != nil {
		t.Fatal(err)
	}
	o.Connect(o.store)
	flow := petugas.New(petugas.Config{Desk: o.Desk, Hours: daily{}, Dialled: func(c bot.ChannelID) bool { return c == "ussd" }})
	o.engine, err = bot.New(bot.Config{
		Store: o.store, Words: plain{}, Understand: listen, Flows: []bot.Flow{flow, home{}}, Home: home{}, Clock: o.clock.Now,
		Formats: map[bot.ChannelID]bot.ChannelFormat{"sms": {Inline: true}, "ussd": {Inline: true}, "telegram": {Inline: true}},
		Log:     slog.New(slog.NewTextHandler(t.Output(), nil)),
	})
	if err != nil {
		t.Fatal(err)
	}
	o.store.OnPost(func(id bot.ResidentID) { o.engine.Wake(id) })
	t.Cleanup(func() { _ = o.engine.Close(context.Background()) })
	return o
}

// send is a message of resident n, and what comes back.
func (o *office) send(c bot.ChannelID, n int, m bot.Message) string {
	o.t.Helper()
	m.ID, m.Channel, m.Peer, m.At = fmt.Sprint("m", o.n.Add(1)), c, fmt.Sprint("+62811000000", n), o.clock.Now()
	m.Subject = "tel:" + m.Peer
	if c == "telegram" {
		m.Peer, m.Subject = fmt.Sprint(n), fmt.Sprint("telegram:", n)
	}
	texts, err := o.engine.Converse(o.t.Context(), m)
	if err != nil {
		o.t.Fatal(err)
	}
	var all []string
	for _, text := range texts {
		all = append(all, text.Body)
	}
	return strings.Join(all, "|")
}

func (o *office) sms(n int, text string) string {
	o.t.Helper()
	return o.send("sms", n, bot.Message{Text: text})
}

// open returns the open cases as "id stage operator".
func (o *office) open() (list []string) {
	o.t.Helper()
	cases, err := o.Open(o.t.Context(), 50)
	if err != nil {
		o.t.Fatal(err)
	}
	for _, c := range cases {
		list = append(list, strings.TrimSpace(fmt.Sprint(c.ID, " ", c.Stage, " ", c.Operator)))
	}
	return list
}

func (o *office) must(err error) {
	o.t.Helper()
	if err != nil {
		o.t.Fatal(err)
	}
}

// said returns the transcript of a case once it has a line; notices are told by
// the engine on its own time.
func (o *office) said(id int64, want string) (lines []string) {
	o.t.Helper()
	for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(5 * time.Millisecond) {
		list, err := o.Transcript(o.t.Context(), id, desk.Operator{}, 50)
		if err != nil {
			o.t.Fatal(err)
		}
		lines = nil
		for _, l := range list {
			switch {
			case l.Message != nil:
				lines = append(lines, "> "+l.Message.Text+l.Message.MediaRef)
			default:
				lines = append(lines, "< "+l.Text.Body)
			}
		}
		if got := strings.Join(lines, "\n"); strings.Contains(got, want) {
			return lines
		}
		if time.Now().After(deadline) {
			o.t.Fatalf("nobody said %q:\n%s", want, strings.Join(lines, "\n"))
		}
	}
}

// TestDesk runs each test on a database of its own, of either kind.
func TestDesk(t *testing.T) {
	testserver.DatabaseURLs(t, func(t *testing.T, newURL func(testing.TB) string) {
		for name, test := range map[string]func(*testing.T, *database.DB){
			"AConversation":                aConversation,
			"TheResidentEndsIt":            theResidentEndsIt,
			"OneTakes":                     oneTakes,
			"WhoCannotWriteIsCalled":       whoCannotWriteIsCalled,
			"APromiseThatIsNotKeptIsMoved": aPromiseThatIsNotKeptIsMoved,
			"AForgottenCaseReturns":        aForgottenCaseReturns,
			"TheWaitIsThatOfTheLastOnes":   theWaitIsThatOfTheLastOnes,
			"PromisesAreSpread":            promisesAreSpread,
			"Erased":                       erased,
		} {
			t.Run(name, func(t *testing.T) { test(t, testserver.OpenDatabase(t, newURL(t))) })
		}
	})
}

func aConversation(t *testing.T, db *database.DB) {
	o := newOffice(t, db, "2026-11-25 09:00")
	ctx := t.Context()
	o.sms(1, "siapa yang punya sawah ini")
	if got := o.sms(1, "petugas"); got != "petugas.waiting" {
		t.Fatalf("%q", got)
	}
	o.sms(2, "petugas")
	if s, err := o.Standing(ctx, o.store.ID("tel:+628110000002")); err != nil || s.Stage != petugas.Waiting || s.Ahead != 1 {
		t.Errorf("the second stands at %+v, %v", s, err)
	}
	if got := fmt.Sprint(o.open()); got != "[1 waiting 2 waiting]" {
		t.Errorf("the queue is %s", got)
	}
	if got := o.sms(1, "menu"); got != "home" {
		t.Errorf("who waits cannot use the menu: %q", got)
	}
	o.must(o.Take(ctx, 1, besse))
	if err := o.Take(ctx, 1, rani); !errors.Is(err, desk.ErrTaken) {
		t.Errorf("taken twice: %v", err)
	}
	o.said(1, "petugas.taken")
	o.clock.Advance(time.Second)
	if got := o.sms(1, "berapa 1 hektar"); got != "" {
		t.Errorf("the machine talks into it: %q", got)
	}
	if c, err := o.Case(ctx, 1); err != nil || !c.Unread || c.Operator != "besse" || c.Taken.IsZero() {
		t.Errorf("%+v, %v", c, err)
	}
	if err := o.Say(ctx, 1, rani, "saya"); !errors.Is(err, desk.ErrTaken) {
		t.Errorf("a stranger speaks: %v", err)
	}
	for _, text := range []string{"", strings.Repeat("x", 300)} {
		if err := o.Say(ctx, 1, besse, text); !errors.Is(err, desk.ErrText) {
			t.Errorf("said %q: %v", text, err)
		}
	}
	o.must(o.Say(ctx, 1, besse, "10.000 meter persegi"))
	lines := o.said(1, "10.000 meter")
	want := "> siapa yang punya sawah ini\n< home\n> petugas\n< petugas.waiting\n> menu\n< home\n< petugas.taken\n> berapa 1 hektar\n< Andi Besse: 10.000 meter persegi"
	if got := strings.Join(lines, "\n"); got != want {
		t.Errorf("the transcript is\n%s", got)
	}
	o.must(o.Transfer(ctx, 1, besse, rani))
	if err := o.Say(ctx, 1, besse, "lagi"); !errors.Is(err, desk.ErrTaken) {
		t.Errorf("speaks after handing over: %v", err)
	}
	o.must(o.Transfer(ctx, 1, rani, desk.Operator{}))
	if got := fmt.Sprint(o.open()); got != "[1 waiting 2 waiting]" {
		t.Errorf("given back, the queue is %s", got)
	}
	o.must(o.Take(ctx, 1, besse))
	if err := o.Close(ctx, 1, besse, "senang"); !errors.Is(err, desk.ErrOutcome) {
		t.Errorf("%v", err)
	}
	o.must(o.Close(ctx, 1, besse, desk.Answered))
	o.said(1, "petugas.ended")
	if err := o.Say(ctx, 1, besse, "halo"); !errors.Is(err, desk.ErrTaken) {
		t.Errorf("speaks after the end: %v", err)
	}
	if got := o.sms(1, "ok pak"); got != "home" {
		t.Errorf("after the end the machine says %q", got)
	}
	if closed, err := o.Closed(ctx, 9); err != nil || len(closed) != 1 || closed[0].Outcome != desk.Answered || closed[0].Closed.IsZero() {
		t.Errorf("%+v, %v", closed, err)
	}
	var looks int
	if err := db.QueryRow(ctx, `select count(*) from access_log where resident = $1`, o.store.ID("tel:+628110000001")).Scan(&looks); err != nil || looks == 0 {
		t.Errorf("nobody was recorded to look: %v", err)
	}
	if len(o.events) < 9 || o.events[0] != "desk.asked 1 resident" || !slices.Contains(o.events, "desk.taken 1 besse") {
		t.Errorf("the console was told %q", o.events)
	}
	if err := o.Take(ctx, 99, besse); !errors.Is(err, desk.ErrNotFound) {
		t.Errorf("%v", err)
	}
}

func theResidentEndsIt(t *testing.T, db *database.DB) {
	o := newOffice(t, db, "2026-11-25 09:00")
	o.sms(1, "petugas")
	o.must(o.Take(t.Context(), 1, besse))
	o.said(1, "petugas.taken")
	if got := o.sms(1, "menu"); got != "petugas.ended" {
		t.Errorf("%q", got)
	}
	if err := o.Say(t.Context(), 1, besse, "halo?"); !errors.Is(err, desk.ErrTaken) {
		t.Errorf("an operator speaks after the end: %v", err)
	}
	if got := o.sms(1, "sawah"); got != "home" {
		t.Errorf("%q", got)
	}
}

// Of many operators who take one case at the same moment, one gets it.
func oneTakes(t *testing.T, db *database.DB) {
	o := newOffice(t, db, "2026-11-25 09:00")
	o.deaf = true
	o.sms(1, "petugas")
	var wg sync.WaitGroup
	var got atomic.Int64
	for i := range 20 {
		wg.Go(func() {
			switch err := o.Take(t.Context(), 1, desk.Operator{Account: fmt.Sprint(i), Name: "x"}); {
			case err == nil:
				got.Add(1)
			case !errors.Is(err, desk.ErrTaken):
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if got.Load() != 1 {
		t.Errorf("%d have it", got.Load())
	}
}

func whoCannotWriteIsCalled(t *testing.T, db *database.DB) {
	o := newOffice(t, db, "2026-11-25 18:00")
	ctx := t.Context()
	if got := o.sms(1, "TELPON"); got != "petugas.promised_call" {
		t.Errorf("%q", got)
	}
	if got := o.send("telegram", 7, bot.Message{Media: "voice", MediaRef: "file-7"}); got != "petugas.ask_phone_voice" {
		t.Errorf("%q", got)
	}
	if got := o.send("ussd", 3, bot.Message{Text: "petugas"}); got != "petugas.promised_call" {
		t.Errorf("%q", got)
	}
	one, err := o.Case(ctx, 1)
	at := func(h, m int) time.Time { return time.Date(2026, 11, 26, h, m, 0, 0, bot.WITA) }
	if err != nil || one.Phone != "+628110000001" || one.Reason != petugas.ReasonCall || !one.Due.Equal(at(8, 0)) || !one.Until.Equal(at(10, 0)) {
		t.Errorf("%+v, %v", one, err)
	}
	voice, err := o.Case(ctx, 2)
	if err != nil || voice.MediaRef != "file-7" || voice.Media != "voice" || voice.Phone != "" || voice.Reason != petugas.ReasonVoice {
		t.Errorf("%+v, %v", voice, err)
	}
	dialled, err := o.Case(ctx, 3)
	if err != nil || dialled.Channel != "sms" || dialled.Phone != "+628110000003" {
		t.Errorf("%+v, %v", dialled, err)
	}
	// A promise is not moved by asking again.
	o.sms(1, "telpon")
	if again, _ := o.Case(ctx, 1); !again.Until.Equal(one.Until) || len(o.open()) != 3 {
		t.Errorf("%+v, %v", again, o.open())
	}
	// The operator calls; nobody answers.
	o.clock.Advance(14 * time.Hour)
	o.must(o.Take(ctx, 1, besse))
	o.must(o.Missed(ctx, 1, besse))
	o.said(1, "petugas.promised_call")
	missed, err := o.Case(ctx, 1)
	if err != nil || missed.Stage != petugas.Promised || missed.Calls != 1 || !missed.Due.Equal(at(8, 30)) {
		t.Errorf("%+v, %v", missed, err)
	}
	o.must(o.Take(ctx, 3, besse))
	o.must(o.Close(ctx, 3, besse, desk.Answered))
	if got := o.said(3, "> petugas"); len(got) != 2 {
		t.Errorf("who was called is written to as well: %q", got)
	}
}

func aPromiseThatIsNotKeptIsMoved(t *testing.T, db *database.DB) {
	o := newOffice(t, db, "2026-11-25 15:00")
	ctx := t.Context()
	o.sms(1, "petugas")
	o.must(o.Move(ctx))
	if got := fmt.Sprint(o.open()); got != "[1 waiting]" {
		t.Fatalf("%s", got)
	}
	o.clock.Advance(time.Hour + time.Minute) // the desk has closed
	var wg sync.WaitGroup
	for range 4 { // on several machines
		wg.Go(func() {
			if err := o.Move(ctx); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	c, err := o.Case(ctx, 1)
	if err != nil || c.Stage != petugas.Promised || c.Moved != 1 || !c.Due.Equal(time.Date(2026, 11, 26, 8, 0, 0, 0, bot.WITA)) {
		t.Errorf("%+v, %v", c, err)
	}
	lines := o.said(1, "petugas.promised_reply")
	if n := strings.Count(strings.Join(lines, "\n"), "promised_reply"); n != 1 {
		t.Errorf("told %d times", n)
	}
}

func aForgottenCaseReturns(t *testing.T, db *database.DB) {
	o := newOffice(t, db, "2026-11-25 09:00")
	ctx := t.Context()
	o.sms(1, "petugas")
	o.must(o.Take(ctx, 1, besse))
	o.said(1, "petugas.taken")
	o.clock.Advance(time.Hour) // a silence of the resident is no reason
	o.must(o.Return(ctx))
	if got := fmt.Sprint(o.open()); got != "[1 taken besse]" {
		t.Errorf("%s", got)
	}
	o.sms(1, "masih di situ?")
	o.clock.Advance(21 * time.Minute)
	o.must(o.Return(ctx))
	if got := fmt.Sprint(o.open()); got != "[1 waiting]" {
		t.Errorf("%s", got)
	}
}

func theWaitIsThatOfTheLastOnes(t *testing.T, db *database.DB) {
	o := newOffice(t, db, "2026-11-25 09:00")
	ctx := t.Context()
	for i, wait := range []time.Duration{2 * time.Minute, 4 * time.Minute, 30 * time.Minute} {
		if s, err := o.Standing(ctx, "nobody"); err != nil || s.Wait != 0 {
			t.Errorf("after %d the wait is %v, %v", i, s.Wait, err)
		}
		o.sms(i+1, "petugas")
		o.clock.Advance(wait)
		o.must(o.Take(ctx, int64(i+1), besse))
	}
	if s, err := o.Standing(ctx, "nobody"); err != nil || s.Wait.Round(time.Minute) != 4*time.Minute {
		t.Errorf("the wait is %v, %v", s.Wait, err)
	}
}

// More calls than people can make are spread over the day.
func promisesAreSpread(t *testing.T, db *database.DB) {
	o := newOffice(t, db, "2026-11-25 18:00")
	for i := range 8 {
		o.sms(i+1, "telpon")
	}
	first, err := o.Case(t.Context(), 6)
	o.must(err)
	second, err := o.Case(t.Context(), 7)
	o.must(err)
	if !second.Due.Equal(first.Until) || first.Due.Equal(second.Due) {
		t.Errorf("promised from %v and from %v", first.Due, second.Due)
	}
}

func erased(t *testing.T, db *database.DB) {
	o := newOffice(t, db, "2026-11-25 09:00")
	ctx := t.Context()
	o.sms(1, "petugas")
	o.sms(2, "petugas")
	var body []byte
	o.must(db.QueryRow(ctx, `select body from desk_cases where id = 1`).Scan(&body))
	if bytes.Contains(body, []byte("62811")) {
		t.Error("a number is kept in clear")
	}
	o.sms(1, "hapus")
	if _, err := o.Case(ctx, 1); !errors.Is(err, desk.ErrNotFound) {
		t.Errorf("it is still there: %v", err)
	}
	if got := fmt.Sprint(o.open()); got != "[2 waiting]" {
		t.Errorf("%s", got)
	}
	o.must(o.Take(ctx, 2, besse))
	o.must(o.Close(ctx, 2, besse, desk.Nothing))
	o.sms(3, "petugas")
	o.clock.Advance(100 * 24 * time.Hour)
	if n, err := o.Prune(ctx, o.clock.Now().AddDate(0, 0, -90)); err != nil || n != 1 {
		t.Errorf("%d old ones removed, %v", n, err)
	}
	if got := fmt.Sprint(o.open()); got != "[3 waiting]" {
		t.Errorf("what is open is not old: %s", got)
	}
}

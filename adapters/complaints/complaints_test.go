package complaints_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"tabe/adapters/complaints"
	"tabe/adapters/database"
	"tabe/adapters/scc/geo"
	"tabe/adapters/seal"
	"tabe/adapters/store"
	"tabe/adapters/testserver"
	"tabe/bot"
	"tabe/bot/bottest"
	"tabe/bot/understand"
	"tabe/flows/pengaduan"
)

var noon = time.Date(2026, 11, 25, 12, 0, 0, 0, bot.WITA)

// office is everything around one database.
type office struct {
	t        *testing.T
	db       *database.DB
	clock    *bottest.Clock
	store    *store.Store
	register *complaints.Register
	desk     *complaints.Desk
	gate     *complaints.Gate
	seen     []string // by operators
	sent     int
}

// both runs a test on either database.
func both(t *testing.T, test func(o *office)) {
	testserver.Databases(t, func(t *testing.T, db *database.DB) { test(newOffice(t, db)) })
}

func newOffice(t *testing.T, db *database.DB) *office {
	t.Helper()
	ears, err := understand.New()
	if err != nil {
		t.Fatal(err)
	}
	o := &office{t: t, db: db, clock: bottest.NewClock(noon)}
	secret := make([]byte, seal.KeyLength)
	if o.register, err = complaints.NewRegister(db, secret, ears.Redact); err != nil {
		t.Fatal(err)
	}
	if o.store, err = store.New(db, secret, o.clock.Now, o.register.Effects()...); err != nil {
		t.Fatal(err)
	}
	c := pengaduan.DefaultCatalogue()
	saw := func(_ *database.Tx, _ time.Time, resident bot.ResidentID, who, what string) error {
		o.seen = append(o.seen, fmt.Sprint(who, " ", what, " of ", resident))
		return nil
	}
	o.desk = complaints.NewDesk(o.register, c, o.store, saw, o.clock.Now)
	o.gate = complaints.NewGate(o.register, c, complaints.Places{Map: geo.New()}, o.clock.Now)
	return o
}

// turn writes a message of a telephone and commits effects as its turn.
func (o *office) turn(c bot.ChannelID, phone string, effects ...bot.Effect) bot.Entry {
	o.t.Helper()
	o.sent++
	m := bot.Message{ID: fmt.Sprint("m", o.sent), Channel: c, Peer: phone, Subject: "tel:" + phone, At: o.clock.Now(), Text: "."}
	e, _, err := o.store.Accept(o.t.Context(), m)
	if err != nil {
		o.t.Fatal(err)
	}
	o.commit(e, effects...)
	return e
}

func (o *office) commit(e bot.Entry, effects ...bot.Effect) {
	o.t.Helper()
	state, err := o.store.Load(o.t.Context(), e.Resident)
	if err != nil {
		o.t.Fatal(err)
	}
	if _, err := o.store.Commit(o.t.Context(), bot.Done{Entry: e, Before: state.Version, State: []byte("1{}"), Effects: effects}); err != nil {
		o.t.Fatal(err)
	}
}

// file files a complaint of a street light.
func (o *office) file(phone string, change func(*pengaduan.Filed)) pengaduan.Number {
	o.t.Helper()
	f := pengaduan.Filed{
		Number: pengaduan.NumberOf(pengaduan.FromResident, int64(o.sent+1)), Text: "lampu jalan mati, nama saya Ambo Dalle 081234567890",
		Place: pengaduan.Place{Landmark: "depan pasar", Desa: "Cabenge", Kecamatan: "Lilirilau", Location: &bot.Location{Lat: -4.4, Lng: 120}},
		Kind:  "street_light", Office: "dishub", Media: []pengaduan.Media{{Kind: "foto", Ref: "ref-1"}}, Name: "Ambo Dalle",
	}
	if change != nil {
		change(&f)
	}
	o.turn("sms", phone, f)
	return f.Number
}

func (o *office) get(n pengaduan.Number) complaints.Complaint {
	o.t.Helper()
	c, err := o.desk.Get(o.t.Context(), n, "Rina")
	if err != nil {
		o.t.Fatal(err)
	}
	return c
}

// notices returns what waits to be told to a telephone.
func (o *office) notices(phone string) (list []bot.Message) {
	o.t.Helper()
	entries, err := o.store.Pending(o.t.Context(), o.store.ID("tel:"+phone), 100)
	if err != nil {
		o.t.Fatal(err)
	}
	for _, e := range entries {
		if e.Notice != nil {
			list = append(list, e.Message)
		}
	}
	return list
}

const (
	ambo  = "+6281255500201"
	besse = "+6281255500202"
)

func TestAComplaintFromBeginningToEnd(t *testing.T) {
	both(t, func(o *office) {
		t, ctx := o.t, o.t.Context()
		n := o.file(ambo, nil)
		list, err := o.desk.List(ctx, complaints.Filter{Status: pengaduan.StatusNew})
		if err != nil || len(list) != 1 || list[0].Number != n || list[0].KindName != "Lampu jalan" || list[0].Desa != "Cabenge" {
			t.Fatalf("%+v, %v", list, err)
		}
		c := o.get(n)
		if c.Name != "Ambo Dalle" || c.Phone != ambo || !c.Answerable || len(c.Media) != 1 || c.Place.Location == nil || len(c.History) != 1 {
			t.Errorf("%+v", c)
		}
		if len(o.seen) == 0 || !strings.HasPrefix(o.seen[0], "Rina complaint of ") {
			t.Errorf("that it was looked at is not recorded: %v", o.seen)
		}
		for _, step := range []struct {
			do     func() error
			status pengaduan.Status
			told   int
		}{
			{func() error { return o.desk.Take(ctx, n, "Rina") }, pengaduan.StatusTaken, 0},
			{func() error { return o.desk.Answer(ctx, n, "Rina", "Diganti hari Jumat.") }, pengaduan.StatusAnswered, 1},
			{func() error { return o.desk.HandOver(ctx, n, "Rina", "9876543") }, pengaduan.StatusHanded, 2},
			{func() error { return o.desk.Close(ctx, n, "Rina", "") }, pengaduan.StatusClosed, 3},
		} {
			o.clock.Advance(time.Hour)
			if err := step.do(); err != nil {
				t.Fatalf("%s: %v", step.status, err)
			}
			ticket, err := o.register.Ticket(ctx, n)
			if err != nil || ticket.Status != step.status || !ticket.Updated.Equal(o.clock.Now()) {
				t.Fatalf("%s: %+v, %v", step.status, ticket, err)
			}
			if told := o.notices(ambo); len(told) != step.told {
				t.Fatalf("%s: %d notices, not %d", step.status, len(told), step.told)
			}
		}
		ticket, _ := o.register.Ticket(ctx, n)
		if ticket.Answer != "Diganti hari Jumat." || ticket.Reference != "9876543" {
			t.Errorf("%+v", ticket)
		}
		first := o.notices(ambo)[0]
		var news pengaduan.News
		if err := json.Unmarshal(first.Notice.Body, &news); err != nil || first.Notice.Flow != pengaduan.FlowName || news.Words != "Diganti hari Jumat." || first.Channel != "sms" || first.Peer != ambo {
			t.Errorf("%+v %+v, %v", first, news, err)
		}
		c = o.get(n)
		var story []string
		for _, e := range c.History {
			story = append(story, e.Who+" "+e.Kind)
		}
		if got := strings.Join(story, ","); got != " filed,Rina taken,Rina answered,Rina handed,Rina closed" {
			t.Errorf("the history is %s", got)
		}
		if err := o.desk.Answer(ctx, n, "Rina", "Lagi."); !errors.Is(err, complaints.ErrState) {
			t.Errorf("a closed one is answered: %v", err)
		}
	})
}

func TestATurnThatRunsAgainFilesOnce(t *testing.T) {
	both(t, func(o *office) {
		n := o.file(ambo, nil)
		o.file(ambo, func(f *pengaduan.Filed) { f.Number = n; f.Text = "something else" })
		list, err := o.desk.List(o.t.Context(), complaints.Filter{})
		if err != nil || len(list) != 1 || !strings.HasPrefix(list[0].Text, "lampu") {
			o.t.Errorf("%+v, %v", list, err)
		}
	})
}

func TestOneOperatorWins(t *testing.T) {
	both(t, func(o *office) {
		n := o.file(ambo, nil)
		const operators = 12
		won := make(chan string, operators)
		var racing sync.WaitGroup
		for i := range operators {
			racing.Add(1)
			go func() {
				defer racing.Done()
				who := fmt.Sprint("operator ", i)
				err := o.desk.Take(o.t.Context(), n, who)
				var held *complaints.HeldError
				switch {
				case err == nil:
					won <- who
				case !errors.As(err, &held) || held.Operator == "" || held.Operator == who:
					o.t.Errorf("%s: %v", who, err)
				}
			}()
		}
		racing.Wait()
		close(won)
		var winners []string
		for who := range won {
			winners = append(winners, who)
		}
		if c := o.get(n); len(winners) != 1 || c.Operator != winners[0] {
			o.t.Errorf("%v took it; it is with %q", winners, c.Operator)
		}
		var held *complaints.HeldError
		for _, err := range []error{
			o.desk.Answer(o.t.Context(), n, "somebody", "Ya."), o.desk.Close(o.t.Context(), n, "somebody", ""),
			o.desk.HandOver(o.t.Context(), n, "somebody", "1"), o.desk.Move(o.t.Context(), n, "somebody", "dlh"),
			o.desk.Publish(o.t.Context(), n, "somebody", "Ya."), o.desk.Release(o.t.Context(), n, "somebody"),
		} {
			if !errors.As(err, &held) {
				o.t.Errorf("somebody else could: %v", err)
			}
		}
		if err := o.desk.Release(o.t.Context(), n, winners[0]); err != nil {
			o.t.Error(err)
		}
		if err := o.desk.Take(o.t.Context(), n, "somebody"); err != nil {
			o.t.Error(err)
		}
	})
}

func TestNobodyHoldsAComplaintForEver(t *testing.T) {
	both(t, func(o *office) {
		ctx := o.t.Context()
		n := o.file(ambo, nil)
		if err := o.desk.Take(ctx, n, "Rina"); err != nil {
			o.t.Fatal(err)
		}
		o.clock.Advance(2 * 24 * time.Hour)
		var held *complaints.HeldError
		if err := o.desk.Take(ctx, n, "Andi"); !errors.As(err, &held) {
			o.t.Errorf("taken away after two days: %v", err)
		}
		o.clock.Advance(25 * time.Hour)
		if err := o.desk.Answer(ctx, n, "Andi", "Sudah."); err != nil {
			o.t.Error(err)
		}
		if c := o.get(n); c.Operator != "Andi" {
			o.t.Errorf("with %s", c.Operator)
		}
	})
}

func TestWhatTheDeskRefuses(t *testing.T) {
	both(t, func(o *office) {
		t, ctx := o.t, o.t.Context()
		n := o.file(ambo, nil)
		secret := o.file(ambo, func(f *pengaduan.Filed) { f.Kind, f.Office, f.Confidential = "corruption", "inspektorat", true })
		for what, c := range map[string]struct{ got, want error }{
			"no number":      {o.desk.Take(ctx, "P-NONE", "Rina"), complaints.ErrNotFound},
			"no words":       {o.desk.Answer(ctx, n, "Rina", " \u200b "), complaints.ErrWords},
			"many words":     {o.desk.Answer(ctx, n, "Rina", strings.Repeat("a", complaints.MaxWords+1)), complaints.ErrWords},
			"no reference":   {o.desk.HandOver(ctx, n, "Rina", ""), complaints.ErrWords},
			"no office":      {o.desk.Move(ctx, n, "Rina", "kantor pos"), complaints.ErrOffice},
			"a secret":       {o.desk.HandOver(ctx, secret, "Rina", "1"), complaints.ErrState},
			"another secret": {o.desk.Publish(ctx, secret, "Rina", "Pungli."), complaints.ErrState},
		} {
			if !errors.Is(c.got, c.want) {
				t.Errorf("%s: %v", what, c.got)
			}
		}
		if err := o.desk.Take(ctx, n, ""); err == nil {
			t.Error("an operator without a name")
		}
		if _, err := o.desk.Get(ctx, "P-NONE", "Rina"); !errors.Is(err, complaints.ErrNotFound) {
			t.Errorf("%v", err)
		}
	})
}

func TestAnonymous(t *testing.T) {
	both(t, func(o *office) {
		t, ctx := o.t, o.t.Context()
		reached := o.file(ambo, func(f *pengaduan.Filed) { f.Anonymous = true })
		mute := o.file(ambo, func(f *pengaduan.Filed) { f.Anonymous, f.Mute = true, true })
		for n, answerable := range map[pengaduan.Number]bool{reached: true, mute: false} {
			if c := o.get(n); c.Name != "" || c.Phone != "" || c.Answerable != answerable || !c.Anonymous {
				t.Errorf("%s: %+v", n, c)
			}
			if err := o.desk.Answer(ctx, n, "Rina", "Terima kasih."); err != nil {
				t.Error(err)
			}
		}
		if told := o.notices(ambo); len(told) != 1 {
			t.Errorf("%d notices", len(told))
		}
		own, err := o.register.Own(ctx, o.store.ID("tel:"+ambo), 10)
		if err != nil || len(own) != 1 || own[0].Number != reached {
			t.Errorf("%+v, %v", own, err)
		}
	})
}

func TestADialledComplaintIsAnsweredBySMS(t *testing.T) {
	both(t, func(o *office) {
		n := pengaduan.NumberOf(pengaduan.FromResident, 77)
		o.turn("ussd", ambo, pengaduan.Filed{Number: n, Text: "got mampet", Office: "dpupr"})
		if err := o.desk.Close(o.t.Context(), n, "Rina", "Sudah."); err != nil {
			o.t.Fatal(err)
		}
		if told := o.notices(ambo); len(told) != 1 || told[0].Channel != "sms" {
			o.t.Errorf("%+v", told)
		}
	})
}

func TestRemarks(t *testing.T) {
	both(t, func(o *office) {
		t, ctx := o.t, o.t.Context()
		n := o.file(ambo, nil)
		o.turn("sms", ambo, pengaduan.Added{Number: n, Text: "tiang nomor 12", Media: []pengaduan.Media{{Kind: "foto", Ref: "ref-2"}}})
		o.turn("sms", besse, pengaduan.Added{Number: n, Text: "not hers"})
		if list, err := o.desk.List(ctx, complaints.Filter{Unread: true}); err != nil || len(list) != 1 {
			t.Errorf("%+v, %v", list, err)
		}
		c := o.get(n)
		if len(c.History) != 2 || c.History[1].Words != "tiang nomor 12" || c.History[1].Media[0].Ref != "ref-2" || c.History[1].Media[0].Channel != "sms" {
			t.Errorf("%+v", c.History)
		}
		if c = o.get(n); c.Unread {
			t.Error("unread after it was read")
		}
		for range 60 {
			o.turn("sms", ambo, pengaduan.Added{Number: n, Text: "lagi"})
		}
		if c = o.get(n); len(c.History) > 52 {
			t.Errorf("a history of %d", len(c.History))
		}
		if err := o.desk.Close(ctx, n, "Rina", ""); err != nil {
			t.Fatal(err)
		}
		before := len(o.get(n).History)
		o.turn("sms", ambo, pengaduan.Added{Number: n, Text: "too late"})
		if got := len(o.get(n).History); got != before {
			t.Errorf("added to a closed one")
		}
	})
}

func TestErase(t *testing.T) {
	both(t, func(o *office) {
		t, ctx := o.t, o.t.Context()
		n, other := o.file(ambo, nil), o.file(besse, nil)
		o.turn("sms", ambo, pengaduan.Added{Number: n, Text: "hubungi saya di 081234567890"})
		o.turn("sms", ambo, bot.Erase{})
		c := o.get(n)
		whole := fmt.Sprintf("%+v", c)
		for _, personal := range []string{"Dalle", "081234567890", ambo, "ref-1"} {
			if strings.Contains(whole, personal) {
				t.Errorf("%q is left: %s", personal, whole)
			}
		}
		if c.Place.Location != nil || c.Phone != "" || c.Answerable || !strings.HasPrefix(c.Text, "lampu jalan mati") || c.Desa != "Cabenge" {
			t.Errorf("%+v", c)
		}
		if own, err := o.register.Own(ctx, o.store.ID("tel:"+ambo), 10); err != nil || len(own) != 0 {
			t.Errorf("%+v, %v", own, err)
		}
		if c := o.get(other); c.Phone != besse {
			t.Errorf("somebody else is erased too: %+v", c)
		}
		if err := o.desk.Answer(ctx, n, "Rina", "Sudah."); err != nil {
			t.Error(err)
		}
		if told := o.notices(ambo); len(told) != 0 {
			t.Errorf("somebody who is forgotten is written to")
		}
	})
}

func TestCountAndPrune(t *testing.T) {
	both(t, func(o *office) {
		t, ctx := o.t, o.t.Context()
		old, open := o.file(ambo, nil), o.file(ambo, nil)
		if n, err := o.register.Count(ctx, o.store.ID("tel:"+ambo)); n != 2 || err != nil {
			t.Errorf("%d, %v", n, err)
		}
		if err := o.desk.Close(ctx, old, "Rina", "Sudah."); err != nil {
			t.Fatal(err)
		}
		for _, c := range []struct {
			before time.Duration
			want   int64
		}{{0, 0}, {time.Second, 1}, {time.Second, 0}} {
			if n, err := o.register.Prune(ctx, noon.Add(c.before)); n != c.want || err != nil {
				t.Errorf("%s: %d, %v", c.before, n, err)
			}
		}
		if _, err := o.register.Ticket(ctx, old); !errors.Is(err, pengaduan.ErrNotFound) {
			t.Errorf("%v", err)
		}
		if c := o.get(open); len(c.History) != 1 {
			t.Errorf("%+v", c)
		}
		var events int
		if err := o.db.QueryRow(ctx, `select count(*) from complaint_events where number = $1`, old).Scan(&events); err != nil || events != 0 {
			t.Errorf("%d events are left, %v", events, err)
		}
	})
}

func TestNothingPersonalIsInClear(t *testing.T) {
	db := testserver.OpenDatabase(t, testserver.SQLiteURL(t))
	o := newOffice(t, db)
	o.file(ambo, nil)
	rows, err := db.Query(t.Context(), `select cast(contact as text) || cast(body as text) || number || kind || office || resident from complaints`)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var all string
		if err := rows.Scan(&all); err != nil {
			t.Fatal(err)
		}
		for _, personal := range []string{"Ambo", "lampu jalan", "8125550", "ref-1"} {
			if strings.Contains(all, personal) {
				t.Errorf("%q is in clear", personal)
			}
		}
	}
}

func TestListInPages(t *testing.T) {
	both(t, func(o *office) {
		ctx := o.t.Context()
		want := map[pengaduan.Number]bool{}
		for i := range 23 {
			if i%3 == 0 {
				o.clock.Advance(time.Second) // several in one instant
			}
			want[o.file(ambo, func(f *pengaduan.Filed) { f.Office = []string{"dishub", "dlh"}[i%2] })] = true
		}
		var f complaints.Filter
		f.Limit = 5
		for pages := 0; ; pages++ {
			list, err := o.desk.List(ctx, f)
			if err != nil {
				o.t.Fatal(err)
			}
			for _, s := range list {
				if !want[s.Number] {
					o.t.Errorf("%s comes twice, or from nowhere", s.Number)
				}
				delete(want, s.Number)
			}
			if len(list) < f.Limit {
				break
			}
			f.Before = list[len(list)-1].Cursor()
		}
		if len(want) > 0 {
			o.t.Errorf("%d never came", len(want))
		}
		if list, err := o.desk.List(ctx, complaints.Filter{Office: "dlh"}); err != nil || len(list) != 11 {
			o.t.Errorf("%d, %v", len(list), err)
		}
		for _, none := range []complaints.Filter{{Office: "setda"}, {Status: pengaduan.StatusClosed}, {Operator: "Rina"}, {Kecamatan: "Citta"}, {Unread: true}} {
			if list, err := o.desk.List(ctx, none); err != nil || len(list) != 0 {
				o.t.Errorf("%+v: %d, %v", none, len(list), err)
			}
		}
	})
}

func TestStatistics(t *testing.T) {
	both(t, func(o *office) {
		ctx := o.t.Context()
		from := o.clock.Now()
		a, b := o.file(ambo, nil), o.file(ambo, nil)
		o.file(ambo, nil)
		o.file(ambo, func(f *pengaduan.Filed) { f.Office = "dlh" })
		o.clock.Advance(2 * time.Hour)
		if err := o.desk.Answer(ctx, a, "Rina", "Ya."); err != nil {
			o.t.Fatal(err)
		}
		o.clock.Advance(2 * time.Hour)
		if err := errors.Join(o.desk.HandOver(ctx, b, "Rina", "1"), o.desk.Close(ctx, b, "Rina", "")); err != nil {
			o.t.Fatal(err)
		}
		list, err := o.desk.Statistics(ctx, from, o.clock.Now())
		want := complaints.Count{Office: "dishub", Filed: 3, New: 1, Open: 1, Handed: 1, Closed: 1, Answered: 2, Wait: 3 * time.Hour}
		if err != nil || len(list) != 2 || list[0] != want {
			o.t.Errorf("%+v, %v", list, err)
		}
		if list, err := o.desk.Statistics(ctx, o.clock.Now(), o.clock.Now().Add(time.Hour)); err != nil || len(list) != 0 {
			o.t.Errorf("%+v, %v", list, err)
		}
	})
}

func TestTheGateTellsNobodysSecrets(t *testing.T) {
	both(t, func(o *office) {
		t, ctx := o.t, o.t.Context()
		n := o.file(ambo, nil)
		o.file(ambo, func(f *pengaduan.Filed) { f.Kind, f.Confidential = "corruption", true })
		o.file(ambo, func(f *pengaduan.Filed) { f.Kind = "health" })
		o.file(ambo, func(f *pengaduan.Filed) { f.Kind = "" })
		all := complaints.Query{From: noon.Add(-time.Hour), To: noon.Add(time.Hour)}
		list, err := o.gate.Published(ctx, all)
		if err != nil || len(list) != 1 || list[0].Number != n {
			t.Fatalf("%+v, %v", list, err)
		}
		p := list[0]
		if p.Description != "" || p.Point == nil || *p.Point == (bot.Location{Lat: -4.4, Lng: 120}) || p.Desa != "Cabenge" || p.Office != "Dinas Perhubungan" {
			t.Errorf("%+v", p)
		}
		if err := o.desk.Publish(ctx, n, "Rina", "Lampu jalan di pasar Cabenge mati."); err != nil {
			t.Fatal(err)
		}
		if list, _ = o.gate.Published(ctx, complaints.Query{Numbers: []pengaduan.Number{n, "P-NONE"}}); len(list) != 1 || list[0].Description != "Lampu jalan di pasar Cabenge mati." {
			t.Errorf("%+v", list)
		}
		for _, q := range []complaints.Query{
			{From: all.From, To: all.To, Closed: true}, {From: all.From, To: all.To, Kinds: []string{"road"}},
			{From: all.To, To: all.To.Add(time.Hour)}, {From: all.From, To: all.To, Kinds: []string{"%", "street_light,road"}},
		} {
			want := 0
			if len(q.Kinds) == 2 {
				continue // a name with a comma is two
			}
			if list, err := o.gate.Published(ctx, q); err != nil || len(list) != want {
				t.Errorf("%+v: %+v, %v", q, list, err)
			}
		}
	})
}

func TestAnotherSystemFiles(t *testing.T) {
	both(t, func(o *office) {
		ctx := o.t.Context()
		n, err := o.gate.Submit(ctx, complaints.Foreign{
			Source: "lontara", Kind: "road", Text: "lubang", Name: "Besse", Phone: besse, Email: "b@example.org",
			Place: pengaduan.Place{Desa: "Citta", Kecamatan: "Citta"},
		})
		if err != nil || !strings.HasPrefix(string(n), "W-") {
			o.t.Fatal(n, err)
		}
		c := o.get(n)
		if c.Source != "lontara" || c.Name != "Besse" || c.Phone != besse || c.Answerable || c.Office != "dpupr" {
			o.t.Errorf("%+v", c)
		}
		if err := o.desk.Answer(ctx, n, "Rina", "Ya."); err != nil {
			o.t.Error(err)
		}
		if told := o.notices(besse); len(told) != 0 {
			o.t.Error("somebody who never wrote to us is written to")
		}
	})
}

func TestPlaces(t *testing.T) {
	p := complaints.Places{Map: geo.New()}
	for landmark, want := range map[string]string{
		"depan pasar cabbenge": "Cabenge/Lilirilau", "depan masjid desa citta": "Citta/Citta", "lorong 5 lemba": "Lemba/Lalabata",
		"di ujung jalan": "/", "ri olo pasa": "/", "desa ujung dekat sungai": "Ujung/Lilirilau", "": "/", "pasar batu-batu": "Batu Batu/Marioriawa",
		"marioriwawo dekat kantor camat": "/Marioriwawo",
	} {
		desa, kecamatan := p.Mentioned(landmark)
		if got := desa + "/" + kecamatan; got != want {
			t.Errorf("%q is in %s, not %s", landmark, got, want)
		}
	}
	if _, _, ok := p.Nearest(bot.Location{Lat: -5.1, Lng: 119.4}); ok {
		t.Error("Makassar is in Soppeng")
	}
	if at, ok := p.Point("Citta", "Citta"); !ok || at.Lat > -4 {
		t.Errorf("%+v, %t", at, ok)
	}
	if _, ok := p.Point("Atlantis", ""); ok {
		t.Error("Atlantis has a point")
	}
}

package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"tabe/adapters/database"
	"tabe/adapters/notices"
	"tabe/adapters/privacy"
	"tabe/adapters/scc"
	"tabe/adapters/survey"
	"tabe/bot"
	"tabe/bot/bottest"
	"tabe/bot/understand"
	"tabe/flows/kabar"
	"tabe/flows/macca"
	"tabe/flows/perizinan"
	"tabe/flows/survei"
	"tabe/locales"
)

// says sends one message and returns what comes back.
func says(t *testing.T, a *app, clock *bottest.Clock, channel bot.ChannelID, number, text string) string {
	t.Helper()
	clock.Advance(time.Second)
	texts, err := a.engine.Converse(t.Context(), bot.Message{
		ID: fmt.Sprint(number, clock.Now().UnixNano()), Channel: channel, Peer: number, Subject: "tel:" + number, At: clock.Now(), Text: text,
	})
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, t := range texts {
		all = append(all, t.Numbered())
	}
	return strings.Join(all, "\n")
}

// hears does a round of the job and returns what it made the resident be told,
// once everything that was posted is answered.
func hears(t *testing.T, a *app, clock *bottest.Clock, number string) string {
	t.Helper()
	var before int64
	if err := a.db.QueryRow(t.Context(), `select coalesce(max(seq), 0) from journal`).Scan(&before); err != nil {
		t.Fatal(err)
	}
	a.telling.Once(t.Context())
	id := a.store.ID("tel:" + number)
	a.engine.Wake(id)
	var heard []string
	for seq := before + 1; ; seq++ {
		e, err := a.store.Message(t.Context(), seq)
		if err != nil {
			t.Fatal(err)
		}
		if e.Seq == 0 {
			return strings.Join(heard, "\n")
		}
		if e.Resident != id {
			continue
		}
		for deadline := time.Now().Add(10 * time.Second); ; {
			texts, ok, err := a.store.Answer(t.Context(), seq)
			if err != nil || time.Now().After(deadline) {
				t.Fatal("nobody tells the notice", err)
			}
			if !ok {
				time.Sleep(5 * time.Millisecond)
				continue
			}
			for _, text := range texts {
				heard = append(heard, string(e.Channel)+": "+text.Numbered())
			}
			break
		}
	}
}

const (
	owner    = "+6281255500014" // of nothing in the extract
	ownedNOP = "731202000300190070"
)

// A bill is reminded of two weeks and one week before it is due, in the
// daytime, once each, and no more after STOP.
func TestRemindersComeByThemselves(t *testing.T) {
	clock := bottest.NewClock(time.Date(2026, 11, 25, 9, 0, 0, 0, bot.WITA))
	a := openWithSamples(t, clock)
	for _, text := range []string{"pbb " + ownedNOP, "simpan", "ya", "ingatkan saya", "ya"} {
		says(t, a, clock, smsChannel, owner, text)
	}
	told := map[string]string{}
	for clock.Now().Before(time.Date(2027, 1, 3, 0, 0, 0, 0, bot.WITA)) {
		clock.Advance(5 * time.Hour)
		if heard := hears(t, a, clock, owner); heard != "" && strings.Contains(heard, "PBB 2026") {
			told[clock.Now().In(bot.WITA).Format("2006-01-02 15")] = heard
		}
	}
	if len(told) != 2 {
		t.Fatalf("told %q", told)
	}
	for at, text := range told {
		day, hour, _ := strings.Cut(at, " ")
		if hour < "08" || hour >= "20" || day < "2026-12-17" || day > "2026-12-25" || !strings.Contains(text, "Rp 112.500") {
			t.Errorf("%s: %s", at, text)
		}
	}
}

// Somebody who was helped is asked, some time later, how it was.
func TestSatisfactionIsAsked(t *testing.T) {
	clock := bottest.NewClock(time.Date(2026, 11, 25, 9, 0, 0, 0, bot.WITA))
	a := openWithSamples(t, clock)
	hears(t, a, clock, owner)
	says(t, a, clock, smsChannel, owner, "pbb "+ownedNOP)
	clock.Advance(11 * time.Minute)
	if heard := hears(t, a, clock, owner); !strings.HasPrefix(heard, "sms: Tabe', bagaimana layanan PBB") {
		t.Fatalf("told %q", heard)
	}
	for _, text := range []string{"4", "3"} {
		says(t, a, clock, smsChannel, owner, text)
	}
	results, err := survey.Results(t.Context(), a.db, clock.Now(), clock.Now())
	if err != nil || len(results) != 1 || results[0].Service != "pbb" || results[0].Answers() != 2 || results[0].Index() != 87.5 {
		t.Errorf("%+v %v", results, err)
	}
}

// The states in which the survey takes somebody for helped exist, and each
// service that it asks about has a name.
func TestSurveyKnowsTheFlows(t *testing.T) {
	clock := bottest.NewClock(time.Date(2026, 11, 25, 9, 0, 0, 0, bot.WITA))
	a := openWithSamples(t, clock)
	for flow, states := range survey.DefaultRules().Served {
		var found bot.Flow
		for _, f := range a.engine.Flows {
			if f.Name() == flow {
				found = f
			}
		}
		if found == nil {
			t.Errorf("no flow %s", flow)
			continue
		}
		for _, state := range states {
			if !found.Knows(state) {
				t.Errorf("flow %s has no state %s", flow, state)
			}
		}
		if _, err := a.words.Text("id", "survei.service_"+flow, "", nil); err != nil {
			t.Error(err)
		}
	}
	ears, err := understand.New()
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range kabar.Kecamatan {
		if got, _ := ears.Understand("banjir di " + name).Slots.Get("kecamatan"); got != name {
			t.Errorf("%s is understood as %q", name, got)
		}
	}
}

// An announcement goes to who wants it, in his language, and not to others.
func TestAnnouncement(t *testing.T) {
	clock := bottest.NewClock(time.Date(2026, 11, 25, 9, 0, 0, 0, bot.WITA))
	a := openWithSamples(t, clock)
	for _, text := range []string{"basa ugi", "melo berita", "citta", "iye'"} {
		says(t, a, clock, "ussd", owner, text)
	}
	b := a.broadcasts(clock.Now)
	m, err := b.Plan(t.Context(), notices.Broadcast{Office: "BPBD", Text: "Hujan deras.", Bugis: "Bosi maraja.", Kecamatan: "Citta"})
	if err != nil || m.Plan.People != 1 {
		t.Fatalf("%+v %v", m, err)
	}
	if _, err := b.Confirm(t.Context(), m.Code); err != nil {
		t.Fatal(err)
	}
	clock.Advance(time.Hour)
	if heard := hears(t, a, clock, owner); !strings.HasPrefix(heard, "sms: BPBD: Bosi maraja.") {
		t.Errorf("told %q", heard)
	}
	if heard := hears(t, a, clock, owner); heard != "" {
		t.Errorf("told again %q", heard)
	}
}

// TestNothingIsLeft fills every part of the house with a resident, has
// everything erased, and looks into every table for him.
func TestNothingIsLeft(t *testing.T) {
	clock := bottest.NewClock(time.Date(2026, 11, 25, 9, 0, 0, 0, bot.WITA))
	a := openWithSamples(t, clock)
	id := a.store.ID("tel:" + owner)
	a.telling.Once(t.Context())
	for _, text := range []string{
		"pbb " + ownedNOP, "simpan", "ya", "ingatkan saya", "ya", // a saved number, a subscription
		"mau berita", "1", "ya",
		"lampu jalan mati di depan pasar cabbenge", "ya", "ya", "ya", // a complaint
		"saya mau bicara dengan petugas", "1",
		"kebakaran rumah di citta", "citta", "batal", // an emergency
		"xyzzy plugh", // not understood
		"pbb saya",
	} {
		says(t, a, clock, smsChannel, owner, text)
	}
	says(t, a, clock, "ussd", owner, "pbb")
	clock.Advance(11 * time.Minute)
	hears(t, a, clock, owner) // asked how it was
	says(t, a, clock, smsChannel, owner, "stop")
	if err := a.db.Do(t.Context(), func(tx *database.Tx) error {
		return privacy.Saw(tx, clock.Now(), id, privacy.Operator, privacy.Conversation)
	}); err != nil {
		t.Fatal(err)
	}
	before := tablesOf(t, a, id)
	t.Logf("filled: %v", before)
	for _, table := range []string{"journal", "residents", "subscriptions", "silences", "survey_asked", "access_log"} {
		if before[table] == 0 {
			t.Errorf("the story has nothing in %s", table)
		}
	}
	if got := says(t, a, clock, smsChannel, owner, "siapa yang lihat data saya"); !strings.Contains(got, "petugas SCC: percakapan") {
		t.Errorf("who saw it: %s", got)
	}
	for _, text := range []string{"hapus data saya", "ya"} {
		says(t, a, clock, smsChannel, owner, text)
	}
	var state []byte
	if loaded, err := a.store.Load(t.Context(), id); err != nil {
		t.Fatal(err)
	} else {
		state = loaded.Blob
	}
	if strings.Contains(string(state), ownedNOP) || strings.Contains(string(state), owner) {
		t.Errorf("the state has kept %s", state)
	}
	after := tablesOf(t, a, id)
	t.Logf("left: %v", after)
	for table, rows := range after {
		switch table {
		case "journal": // empty rows, so that a second delivery is still known, and the message that asked for it
			if n := count(t, a, `select count(*) from journal where resident = $1 and length(body) > 0`, id); n > 1 {
				t.Errorf("%d messages are left", n)
			}
		case "residents": // the language
		case "incidents", "incident_reporters": // somebody may be in danger: when it is closed
			if n := count(t, a, `select count(*) from incidents where reporter = $1 and not forget`, id); n > 0 {
				t.Errorf("%d open incidents will not be forgotten", n)
			}
		default:
			t.Errorf("%d rows are left in %s", rows, table)
		}
	}

	// Once the emergency is closed and its time is over, that is gone too.
	incident := count(t, a, `select id from incidents where reporter = $1`, id)
	if err := a.center.Close(t.Context(), scc.Act{Operator: "andi", Incident: int64(incident)}, scc.Handled, "Padam."); err != nil {
		t.Fatal(err)
	}
	if n, err := a.center.Prune(t.Context(), time.Now().Add(time.Hour)); err != nil || n > 1 {
		t.Errorf("%d incidents are pruned, %v", n, err)
	}
	left := tablesOf(t, a, id)
	delete(left, "journal")
	delete(left, "residents")
	if len(left) > 0 {
		t.Errorf("in the end %v is left", left)
	}
}

// tablesOf counts the rows of a resident in each table that has any.
func tablesOf(t *testing.T, a *app, id bot.ResidentID) map[string]int {
	t.Helper()
	rows, err := a.db.Query(t.Context(), `select m.name, c.name from sqlite_master m, pragma_table_info(m.name) c
		where m.type = 'table' and c.name in ('resident', 'resident_id', 'subject', 'reporter') or m.name = 'residents' and c.name = 'id'`)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	found := map[string]int{}
	for rows.Next() {
		var table, column string
		if err := rows.Scan(&table, &column); err != nil {
			t.Fatal(err)
		}
		if n := count(t, a, "select count(*) from "+table+" where "+column+" = $1", id); n > 0 {
			found[table] = n
		}
	}
	return found
}

func count(t *testing.T, a *app, query string, args ...any) (n int) {
	t.Helper()
	if err := a.db.QueryRow(t.Context(), query, args...).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

// whatsappDouble is a channel for which some texts were approved.
type whatsappDouble struct{ approved map[string]bool }

func (whatsappDouble) ID() bot.ChannelID { return whatsappChannel }
func (whatsappDouble) Send(context.Context, bot.Outbound) (string, error) {
	return "", errors.New("not in this test")
}
func (w whatsappDouble) Approves(message string) bool { return w.approved[message] }

// WhatsApp gets what it has an approved text for; the rest goes by SMS.
func TestWhatWhatsAppTakes(t *testing.T) {
	words, err := locales.New()
	if err != nil {
		t.Fatal(err)
	}
	takes := anytime([]bot.Channel{whatsappDouble{map[string]bool{"pbb.due_soon": true, "": true}}})
	for _, c := range []struct {
		notice bot.Notice
		want   bool
	}{
		{bot.Notice{Flow: "pbb", Kind: "due_soon"}, true},
		{bot.Notice{Flow: "pbb", Kind: "due_last"}, false},
		{bot.Notice{Flow: kabar.Name, Kind: kabar.News}, false},
		{bot.Notice{Flow: survei.Name, Kind: survei.Ask}, false},
		{bot.Notice{Flow: macca.Name, Kind: macca.RiceNews}, false},
		{bot.Notice{Flow: perizinan.Name, Kind: perizinan.NoticeReady}, false},
		{bot.Notice{Flow: perizinan.Name, Kind: "something else"}, false},
	} {
		if got := takes(whatsappChannel, c.notice); got != c.want {
			t.Errorf("%+v: %v", c.notice, got)
		}
		if takes("carrier pigeon", c.notice) {
			t.Error("a channel that is not there takes a notice")
		}
		for _, language := range []string{"id", "bug"} {
			if key := saidBy(c.notice); key != "" && words.Source(language, key) == "" {
				t.Errorf("%+v is told by %s, which has no words", c.notice, key)
			}
		}
	}
}

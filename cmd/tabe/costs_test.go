package main

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"tabe/adapters/costs"
	"tabe/adapters/notices"
	"tabe/adapters/scc"
	"tabe/bot"
	"tabe/bot/bottest"
)

// tariffFile is a table of a regency with little money.
const tariffFile = `daily_rupiah = 1000
warn_percent = 80
answers_per_day = 4
[channel.sms]
per_segment = 321
[channel.whatsapp]
per_message = 0
[channel.voice]
per_minute = 0
`

func writeTariffs(t *testing.T, dir, text string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(dir, "costs.toml"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// line is an SMS line that keeps what goes out.
type line struct {
	mu   sync.Mutex
	sent []bot.Outbound
	more chan struct{}
}

func (*line) ID() bot.ChannelID { return smsChannel }

func (l *line) Send(_ context.Context, o bot.Outbound) (string, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.sent = append(l.sent, o)
	close(l.more)
	l.more = make(chan struct{})
	return fmt.Sprint(o.ID), nil
}

// find returns how many messages with some words went to a number, and what is
// closed when there is another one.
func (l *line) find(to, words string) (n int, more <-chan struct{}) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, o := range l.sent {
		if o.Peer == to && strings.Contains(o.Text.Numbered(), words) {
			n++
		}
	}
	return n, l.more
}

// expect waits until a message with some words has gone to a number.
func (l *line) expect(t *testing.T, to, words string) {
	t.Helper()
	late := time.After(30 * time.Second)
	for {
		n, more := l.find(to, words)
		if n > 0 {
			return
		}
		select {
		case <-more:
		case <-late:
			l.mu.Lock()
			defer l.mu.Unlock()
			for _, o := range l.sent {
				t.Log(o.Peer, o.Text.Numbered())
			}
			t.Fatalf("nobody told %s %q", to, words)
		}
	}
}

// TestTheBudgetNeverStopsAnEmergency spends the money of the day. News and
// announcements wait until tomorrow; who asks is answered, and reports of
// emergencies, the pages of the posts, what the center writes to a reporter and
// the warnings of BPBD go out. Neither does the bound on the answers of one
// resident stop an emergency.
func TestTheBudgetNeverStopsAnEmergency(t *testing.T) {
	dir := t.TempDir()
	// So much that the pages of the next morning do not spend it.
	writeTariffs(t, dir, strings.Replace(tariffFile, "daily_rupiah = 1000", "daily_rupiah = 100000", 1))
	clock := bottest.NewClock(time.Date(2026, 11, 25, 9, 0, 0, 0, bot.WITA))
	out := &line{more: make(chan struct{})}
	a, err := open(t.Context(), options{
		databaseURL: embedded(dir), secretKey: make([]byte, secretKeyLength), dataDir: dir, channels: []bot.Channel{out}, clock: clock.Now,
		log: slog.New(slog.NewTextHandler(t.Output(), nil)),
	})
	if err != nil {
		t.Fatal(err)
	}
	dutyContacts(t, a.db)
	ctx, stop := context.WithCancel(t.Context())
	stopped := make(chan error, 1)
	go func() { stopped <- a.run(ctx) }()
	defer func() {
		stop()
		if err := <-stopped; err != nil {
			t.Error(err)
		}
		if err := a.close(); err != nil {
			t.Error(err)
		}
	}()
	n := 0
	say := func(from, text string) {
		t.Helper()
		n++
		if err := a.engine.Receive(ctx, bot.Message{ID: fmt.Sprint(n), Channel: smsChannel, Peer: from, Subject: "tel:" + from, Text: text}); err != nil {
			t.Fatal(err)
		}
	}
	const reader, reporter, curious, post = "+6281100000401", "+6281100000402", "+6281100000403", "+6281100000911"
	for _, step := range [][2]string{{"mau berita", "kecamatan"}, {"citta", "Ya"}, {"ya", "STOP BERITA"}} {
		say(reader, step[0])
		out.expect(t, reader, step[1])
	}

	a.ledger.Add(bot.Attempted{Channel: smsChannel, Result: bot.Went, Segments: 4, Cost: 100_000})
	if err := a.ledger.Flush(ctx); err != nil {
		t.Fatal(err)
	}
	if b, err := a.ledger.State(ctx); err != nil || b.Level() != costs.Gone {
		t.Fatalf("%+v %v", b, err)
	}

	say(curious, "berapa pbb saya")
	out.expect(t, curious, "NOP")

	say(reporter, "kebakaran di desa kaca")
	out.expect(t, reporter, "DITERIMA")
	out.expect(t, post, "Kaca")
	incidents, err := a.center.List(ctx)
	if err != nil || len(incidents) != 1 {
		t.Fatalf("%+v %v", incidents, err)
	}
	if err := a.center.Chat(ctx, scc.Act{Operator: "andi", Incident: incidents[0].ID}, "Menjauh dari rumah itu."); err != nil {
		t.Fatal(err)
	}
	out.expect(t, reporter, "Menjauh dari rumah itu.")

	// The announcement stands before the warning in the queue.
	b := a.broadcasts(clock.Now)
	for _, m := range []notices.Broadcast{{Office: "Dinas Pertanian", Text: "Pupuk bisa diambil."}, {Office: "BPBD", Text: "Awas banjir.", Warning: true}} {
		planned, err := b.Plan(ctx, m)
		if err == nil {
			_, err = b.Confirm(ctx, planned.Code)
		}
		if err != nil || planned.Plan.Cost != 321 {
			t.Fatalf("%+v %v", planned.Plan, err)
		}
	}
	a.telling.Once(ctx)
	out.expect(t, reader, "Awas banjir.")
	var waits int
	if err := a.db.QueryRow(ctx, `select count(*) from journal where message_id like 'notice/broadcast/1/%'`).Scan(&waits); err != nil || waits != 0 {
		t.Errorf("%d announcements without money, %v", waits, err)
	}

	// Whoever has had his answers is told so, once, and reports a fire all the same.
	for _, text := range []string{"menu", "menu", "menu", "menu"} { // and the one above
		say(curious, text)
	}
	out.expect(t, curious, "Untuk hari ini cukup")
	say(curious, "menu")
	say(curious, "kebakaran di desa bulue")
	out.expect(t, curious, "DITERIMA")
	say(curious, "menu")
	say(curious, "terima kasih")
	out.expect(t, post, "Bulue")
	if told, _ := out.find(curious, "Untuk hari ini cukup"); told != 1 {
		t.Errorf("told %d times", told)
	}

	// The next day there is money again.
	clock.Advance(24 * time.Hour)
	a.telling.Once(ctx)
	out.expect(t, reader, "Pupuk bisa diambil.")
	say(curious, "alamat dpmptsp")
	out.expect(t, curious, "Salotungo")
}

func TestCostsCommand(t *testing.T) {
	dir := t.TempDir()
	clock := bottest.NewClock(time.Date(2026, 11, 25, 9, 0, 0, 0, bot.WITA))
	a, end := openUntil(t, dir, clock)
	a.ledger.Add(bot.Attempted{Channel: smsChannel, Result: bot.Went, Segments: 2, Cost: 1000})
	a.ledger.Add(bot.Attempted{Channel: smsChannel, Result: bot.Went, Segments: 1, Cost: 500, Urgent: true})
	if err := a.ledger.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	end()
	out, errs, code := tabe(t, nil, "", "costs", "--month", "2026-11", "--data", dir)
	if want := "tanggal,saluran,jenis,pesan,segmen,rupiah\n2026-11-25,sms,darurat,1,1,500\n2026-11-25,sms,biasa,1,2,1000\n"; code != 0 || out != want {
		t.Errorf("exit %d: %s%s", code, out, errs)
	}
	if out, errs, code := tabe(t, nil, "", "costs", "--month", "2026-10", "--data", dir); code != 0 || out != "tanggal,saluran,jenis,pesan,segmen,rupiah\n" {
		t.Errorf("exit %d: %s%s", code, out, errs)
	}
	if _, errs, code := tabe(t, nil, "", "costs", "--month", "kemarin", "--data", dir); code != 1 || !strings.Contains(errs, "--month") {
		t.Errorf("exit %d: %s", code, errs)
	}
}

func TestCheckNamesTheTariffs(t *testing.T) {
	dir := t.TempDir()
	env := settings{"TABE_SECRET_KEY": goodKey, "TABE_USSD_SECRET": "s"}
	writeTariffs(t, dir, tariffFile)
	if out, _, _ := tabe(t, env, "", "check", "--data", dir); !strings.Contains(out, "ok    costs          Rp 0 today of Rp 1.000\n") {
		t.Error(out)
	}
	writeTariffs(t, dir, strings.Replace(tariffFile, "per_segment", "per_segmen", 1))
	if out, _, code := tabe(t, env, "", "check", "--data", dir); code != 1 || !strings.Contains(out, "DOWN  costs") || !strings.Contains(out, "costs.toml: costs: nothing is called channel.sms.per_segmen") {
		t.Error(out)
	}
	if _, errs, code := tabe(t, nil, "menu\n", "chat", "--json", "--data", dir); code != 1 || !strings.Contains(errs, "costs.toml") {
		t.Errorf("exit %d: %s", code, errs)
	}
}

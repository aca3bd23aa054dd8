package gammu_test

import (
	"context"
	"database/sql"
	"errors"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"tabe/adapters/channeltest"
	"tabe/adapters/gammu"
	"tabe/adapters/testserver"
	"tabe/bot"
)

type receipts struct {
	mu   sync.Mutex
	got  map[string]bot.Status
	news chan struct{}
}

func (r *receipts) Receipt(_ context.Context, _ bot.ChannelID, id string, s bot.Status, _ string) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.got[id] = s
	r.news <- struct{}{}
	return nil
}

func TestThroughGammu(t *testing.T) {
	g := testserver.StartGammu(t)
	m, err := gammu.Open(t.Context(), gammu.Config{DatabaseURL: g.DatabaseURL, Every: 100 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	refuseOnce := true
	inbox := channeltest.NewInbox(func(in bot.Message) error {
		if in.Text == "tolong" && refuseOnce {
			refuseOnce = false
			return errors.New("no space")
		}
		return nil
	})
	rc := &receipts{got: map[string]bot.Status{}, news: make(chan struct{}, 1000)}
	ctx, stop := context.WithCancel(t.Context())
	var running sync.WaitGroup
	running.Go(func() { m.Run(ctx, inbox, rc) })
	defer func() { stop(); running.Wait() }()

	g.Receive(t, "+6281200000053", false, "berapa PBB saya")
	g.Receive(t, "081200000054", true, "ᨔᨗᨕᨁ ᨄᨍ")
	g.Receive(t, "+6281200000055", false, strings.Repeat("a", 153), strings.Repeat("b", 153), "akhir")
	g.Receive(t, "BANK", false, "promo")
	g.Receive(t, "+6281200000056", false, "tolong")
	byPeer := map[string]bot.Message{}
	for _, in := range inbox.Wait(t, 4) {
		byPeer[in.Peer] = in
	}
	if a := byPeer["+6281200000053"]; a.Text != "berapa PBB saya" || a.Subject != "tel:+6281200000053" || a.Channel != "sms" {
		t.Errorf("%+v", a)
	}
	if b := byPeer["+6281200000054"]; b.Text != "ᨔᨗᨕᨁ ᨄᨍ" {
		t.Errorf("%+v", b)
	}
	if c := byPeer["+6281200000055"]; c.Text != strings.Repeat("a", 153)+strings.Repeat("b", 153)+"akhir" {
		t.Errorf("%d characters: %.40s", len(c.Text), c.Text)
	}
	if byPeer["+6281200000056"].Text != "tolong" || refuseOnce {
		t.Error("what could not be kept did not come again")
	}

	for n, text := range []string{"Tabe', PBB 2026: Rp 52.500", strings.Repeat("Bayar sebelum 30 Sep 2026. ", 15), "ᨒᨚᨈᨑ ᨕᨘᨁᨗ"} {
		id, err := m.Send(t.Context(), bot.Outbound{ID: int64(n + 1), Peer: "+6281200000053", Text: bot.Text{Body: text}})
		if err != nil {
			t.Fatal(err)
		}
		late := time.After(60 * time.Second)
		for {
			rc.mu.Lock()
			status := rc.got[id]
			rc.mu.Unlock()
			if status == bot.Sent || status == bot.Delivered {
				break
			}
			select {
			case <-rc.news:
			case <-late:
				t.Fatalf("%q: %q", text, status)
			}
		}
	}
	// The daemon keeps what it gave to the phone.
	db, err := sql.Open("sqlite", strings.TrimPrefix(g.DatabaseURL, "sqlite://"))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	var parts int
	var text, coding string
	if err := db.QueryRow(`select count(*), group_concat(TextDecoded, '') from (select TextDecoded from sentitems where UDH <> '' order by SequencePosition)`).Scan(&parts, &text); err != nil {
		t.Fatal(err)
	}
	if parts != 3 || text != strings.Repeat("Bayar sebelum 30 Sep 2026. ", 15) {
		t.Errorf("%d parts, %d characters", parts, len(text))
	}
	if err := db.QueryRow(`select TextDecoded, Coding from sentitems where Coding = 'Unicode_No_Compression'`).Scan(&text, &coding); err != nil || text != "ᨒᨚᨈᨑ ᨕᨘᨁᨗ" {
		t.Error(text, err)
	}
}

func TestWhatCannotBeOpened(t *testing.T) {
	empty := filepath.Join(t.TempDir(), "empty.db")
	db, err := sql.Open("sqlite", empty)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := db.Exec(`create table gammu (Version integer); insert into gammu values (99)`); err != nil {
		t.Fatal(err)
	}
	_ = db.Close()
	for _, url := range []string{"", "mysql://s3cret@host/smsd", "sqlite:///nowhere/at/all.db", "sqlite://" + empty, "postgres://user:s3cret@127.0.0.1:1/x?connect_timeout=1"} {
		m, err := gammu.Open(t.Context(), gammu.Config{DatabaseURL: url})
		if err == nil {
			m.Close()
			t.Errorf("%q was opened", url)
		} else if strings.Contains(err.Error(), "s3cret") {
			t.Error(err)
		}
	}
}

func TestSendRefusesWhatIsTooLong(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "smsd.db")
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.Exec(`create table gammu (Version integer); insert into gammu values (17)`); err != nil {
		t.Fatal(err)
	}
	m, err := gammu.Open(t.Context(), gammu.Config{DatabaseURL: "sqlite://" + path})
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	var failed *bot.SendError
	if _, err := m.Send(t.Context(), bot.Outbound{Peer: "+6281", Text: bot.Text{Body: strings.Repeat("x ", 1000)}}); !errors.As(err, &failed) || !failed.Permanent {
		t.Error(err)
	}
	if _, err := m.Send(t.Context(), bot.Outbound{Peer: "+6281", Text: bot.Text{Body: "x"}}); !errors.As(err, &failed) || failed.Permanent {
		t.Error("tables that are away for a moment:", err)
	}
}

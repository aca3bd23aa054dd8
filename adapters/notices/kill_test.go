package notices_test

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"tabe/adapters/database"
	"tabe/adapters/notices"
	"tabe/adapters/seal"
	"tabe/adapters/store"
	"tabe/adapters/testserver"
	"tabe/bot"
	"tabe/bot/bottest"
	"tabe/flows/kabar"
)

// The variables that turn this test program into the process that is killed,
// and tell it when noon was.
const (
	childDatabase = "TABE_NOTICES_DATABASE"
	childNoon     = "TABE_NOTICES_NOON"
)

const killPeople = 400

func TestMain(m *testing.M) {
	url := os.Getenv(childDatabase)
	if url == "" {
		os.Exit(m.Run())
	}
	if err := tellUntilKilled(url); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// everybody is a source that has the same news of every key.
type everybody struct{}

func (everybody) News(_ context.Context, keys []string, _ time.Time) (map[string]notices.News, error) {
	news := map[string]notices.News{}
	for _, k := range keys {
		news[k] = notices.News{Mark: "ready", Kind: "ready", Body: k}
	}
	return news, nil
}

// tellUntilKilled posts what there is to tell, as fast as it can. Its day does
// not end.
func tellUntilKilled(url string) error {
	db, err := database.Open(context.Background(), url)
	if err != nil {
		return err
	}
	start, err := time.Parse(time.RFC3339Nano, os.Getenv(childNoon))
	if err != nil {
		return err
	}
	clock := func() time.Time { return noon.Add(time.Since(start)) }
	secret := make([]byte, seal.KeyLength)
	subs, err := notices.New(db, secret, words{}, clock)
	if err != nil {
		return err
	}
	s, err := store.New(db, secret, clock, subs.Effects()...)
	if err != nil {
		return err
	}
	rules, err := notices.ParseRules(strings.NewReader("[channel.sms]\nper_second = 1000"))
	if err != nil {
		return err
	}
	post := &notices.Post{Journal: s, Rules: rules, Clock: clock}
	job := &notices.Job{
		Rounds: []notices.Round{
			&notices.Reconciler{Subscriptions: subs, Post: post, Log: slog.Default(),
				Purposes: []notices.Purpose{{Name: "permit", Flow: "perizinan", Source: everybody{}, Every: 20 * time.Millisecond}}},
			&notices.Broadcasts{Subscriptions: subs, Post: post},
		},
		Store: s, Clock: clock, Log: slog.Default(),
	}
	fmt.Println("ready")
	for {
		job.Once(context.Background())
		time.Sleep(time.Millisecond)
	}
}

// TestKill kills two machines again and again while they tell 400 residents
// two things, and looks into the journal: each was told each thing once.
func TestKill(t *testing.T) {
	if testing.Short() {
		t.Skip("takes some seconds")
	}
	testserver.DatabaseURLs(t, func(t *testing.T, newURL func(testing.TB) string) {
		url := newURL(t)
		db := testserver.OpenDatabase(t, url)
		h := newHouse(t, db, bottest.NewClock(noon), &registry{})
		for i := range killPeople {
			h.turn("sms", fmt.Sprintf("+62811%08d", i), permit(fmt.Sprint(i)), bot.Subscribe{Purpose: kabar.News, Key: "Citta"})
		}
		h.casts.Post.Clock = h.clock.Now
		m, err := h.casts.Plan(t.Context(), notices.Broadcast{Office: "BPBD", Text: "Awas banjir."})
		if err == nil {
			_, err = h.casts.Confirm(t.Context(), m.Code)
		}
		if err != nil {
			t.Fatal(err)
		}
		posted := func() int { return h.count(`select count(*) from journal where message_id like 'notice/%'`) }
		const wanted = 2 * killPeople
		start := time.Now()
		deadline := start.Add(time.Minute)
		lives, before := 0, 0
		life := 60 * time.Millisecond
		for n := 0; n < wanted; n, lives = posted(), lives+1 {
			if n == before { // this machine is too slow to get anything done in so short a life
				life += life / 4
			}
			before = n
			if time.Now().After(deadline) {
				t.Fatalf("only %d of %d are posted after %d lives", n, wanted, lives)
			}
			machines := []*exec.Cmd{child(t, url, start)}
			if db.Dialect == database.Postgres {
				machines = append(machines, child(t, url, start))
			}
			time.Sleep(rand.N(life)) // at any instruction
			for _, machine := range machines {
				_ = machine.Process.Kill()
				_ = machine.Wait()
			}
		}
		t.Logf("%d lives", lives)
		last := child(t, url, start) // and nothing comes after
		time.Sleep(200 * time.Millisecond)
		_ = last.Process.Kill()
		_ = last.Wait()
		if n := posted(); n != wanted {
			t.Errorf("%d notices for %d", n, wanted)
		}
		if n := h.count(`select count(*) from (select resident from journal where message_id like 'notice/%' group by resident having count(*) = 2) as told`); n != killPeople {
			t.Errorf("%d residents were told both once", n)
		}
		if n := h.count(`select sum(n) from notice_counts where outcome = 'posted'`); n != wanted {
			t.Errorf("%d were counted", n)
		}
	})
}

// child starts a machine and waits until it works.
func child(t *testing.T, url string, noon time.Time) *exec.Cmd {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), childDatabase+"="+url, childNoon+"="+noon.Format(time.RFC3339Nano))
	var problems bytes.Buffer
	cmd.Stderr = &problems
	out, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	if _, err := out.Read(make([]byte, len("ready\n"))); err != nil {
		t.Fatalf("the machine does not start: %v\n%s", err, problems.String())
	}
	return cmd
}

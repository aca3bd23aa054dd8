package main

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"tabe/adapters/database"
	"tabe/adapters/testserver"
)

// TestLitestreamBringsTheHouseBack loses a machine that Litestream, with the
// settings of deploy, copies under load: tabe and Litestream are killed, the
// folder is gone. What had been copied is brought back and goes on.
func TestLitestreamBringsTheHouseBack(t *testing.T) {
	if testing.Short() {
		t.Skip("takes most of a minute: what a dead process had claimed is free again after 30 seconds")
	}
	t.Parallel()
	machine, replica := t.TempDir(), t.TempDir()
	dir := filepath.Join(machine, "tabe")
	file := filepath.Join(dir, "tabe.db")
	copies := testserver.NewLitestream(t, "../../deploy/litestream.yml", "STATE_DIRECTORY="+dir, "TABE_BACKUP_URL=file://"+replica)
	h := newBackedUp(t, dir, embedded(dir))
	copies.Start(t)
	h.begin()
	h.await(400)
	safe := h.acknowledged()
	copies.Sync(t, file)
	h.await(len(safe) + 400)
	copies.Kill(t)
	h.lose()
	if err := os.RemoveAll(dir); err != nil {
		t.Fatal(err)
	}
	copies.Restore(t, file)
	h.goesOn(embedded(dir), safe)

	// Nor does the copy end with this: what comes afterwards is in it, too.
	copies.Start(t)
	after := h.acknowledged()
	copies.Sync(t, file)
	copies.Kill(t)
	if err := os.RemoveAll(dir); err != nil {
		t.Fatal(err)
	}
	copies.Restore(t, file)
	h.has(embedded(dir), after)
}

// TestPgDumpBringsTheHouseBack copies a PostgreSQL database under load and fills
// another server from it.
func TestPgDumpBringsTheHouseBack(t *testing.T) {
	if testing.Short() {
		t.Skip("takes most of a minute: what a dead process had claimed is free again after 30 seconds")
	}
	t.Parallel()
	server := testserver.StartPostgres(t)
	url := server.Database(t)
	h := newBackedUp(t, t.TempDir(), url)
	h.begin()
	h.await(400)
	safe := h.acknowledged()
	dump := filepath.Join(t.TempDir(), "tabe.dump")
	testserver.Dump(t, url, dump)
	h.await(len(safe) + 400)
	h.lose()
	server.Kill(t)
	restored := testserver.StartPostgres(t).Database(t)
	testserver.Restore(t, restored, dump)
	h.goesOn(restored, safe)
}

// backedUp is a house under load: residents write to it and report fires, and
// the provider takes only some of its answers, so that others wait.
type backedUp struct {
	t        *testing.T
	provider *provider
	serve    *child
	phones   sync.WaitGroup
	over     chan struct{}
	lost     time.Time

	mu    sync.Mutex
	taken []string             // ids of messages, as they were acknowledged
	when  map[string]time.Time // at which each was
}

const firePrefix = "FIRE"

func newBackedUp(t *testing.T, dir, url string) *backedUp {
	t.Helper()
	if _, errs, code := tabe(t, settings{"TABE_DATABASE_URL": url}, "", "import", "pbb", samples, "--data", dir); code != 0 {
		t.Fatalf("exit %d: %s", code, errs)
	}
	db := openOnce(t, url)
	dutyContacts(t, db)
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	h := &backedUp{t: t, provider: newProvider(t), over: make(chan struct{}), when: map[string]time.Time{}}
	h.provider.fails.Store(true)
	h.serve = &child{t: t, dir: dir, addr: freeAddr(t), provider: h.provider.URL, env: []string{"TABE_DATABASE_URL=" + url, "TABE_SPOOL=" + noSpool}}
	return h
}

func openOnce(t *testing.T, url string) *database.DB {
	t.Helper()
	db, err := database.Open(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	return db
}

func (h *backedUp) begin() {
	h.t.Helper()
	h.serve.start()
	for phone := range 8 {
		h.phones.Go(func() {
			for n := 0; ; n++ {
				select {
				case <-h.over:
					return
				default:
				}
				id, text := fmt.Sprintf("SM-%d-%d", phone, n), []string{"menu", "berapa pbb saya", "terima kasih"}[n%3]
				from := fmt.Sprintf("+62811000%05d", phone)
				if n%10 == 9 {
					id, text = firePrefix+id, "kebakaran di desa kaca"
					from = fmt.Sprintf("+628120%02d%05d", phone, n)
				}
				if !h.say(from, id, text) {
					return
				}
			}
		})
	}
}

// say sends a message until it is acknowledged or the machine is lost.
func (h *backedUp) say(from, id, text string) bool {
	for !h.serve.tell(from, id, text) {
		select {
		case <-h.over:
			return false
		case <-time.After(5 * time.Millisecond):
		}
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.taken, h.when[id] = append(h.taken, id), time.Now()
	return true
}

func (h *backedUp) acknowledged() []string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.Clone(h.taken)
}

func (h *backedUp) await(n int) {
	h.t.Helper()
	for deadline := time.Now().Add(2 * time.Minute); len(h.acknowledged()) < n; time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			h.t.Fatalf("%d messages were acknowledged", len(h.acknowledged()))
		}
	}
}

// lose ends everything without farewell.
func (h *backedUp) lose() {
	h.serve.kill()
	h.lost = time.Now()
	close(h.over)
	h.phones.Wait()
}

// has fails unless every message of ids is in the database at url and the
// evidence of the command center is whole. It returns the database and the ids
// of the messages that are in it.
func (h *backedUp) has(url string, ids []string) (db *database.DB, there map[string]bool) {
	h.t.Helper()
	db = testserver.OpenDatabase(h.t, url)
	rows, err := db.Query(h.t.Context(), `select message_id from journal`)
	journal, err := database.Column[string](rows, err)
	if err != nil {
		h.t.Fatal(err)
	}
	there = map[string]bool{}
	for _, id := range journal {
		there[id] = true
	}
	missing := 0
	for _, id := range ids {
		if !there[id] {
			missing++
		}
	}
	if missing > 0 || len(ids) == 0 {
		h.t.Errorf("%d of %d messages that were copied are not there", missing, len(ids))
	}
	out, errs, code := tabe(h.t, settings{"TABE_DATABASE_URL": url}, "", "audit", "verify", "--data", h.t.TempDir())
	if code != 0 || !strings.HasPrefix(out, "ok ") || strings.HasPrefix(out, "ok 0:") {
		h.t.Errorf("audit verify: exit %d: %s%s", code, out, errs)
	}
	return db, there
}

// goesOn starts the house on what was brought back into the database at url. It
// answers what was in the copy unanswered, sends what was unsent, pages what
// was unpaged, and takes new messages.
func (h *backedUp) goesOn(url string, safe []string) {
	t := h.t
	t.Helper()
	all := h.acknowledged()
	db, there := h.has(url, safe)
	behind := h.behind(all, there)
	count := counts(t, db)
	const waiting = `select (select count(*) from journal where answered is null) + (select count(*) from outbox where status = 'queued')`
	unfinished := count(waiting)
	if unfinished == 0 {
		t.Error("nothing was waiting when it was copied: this shows too little")
	}
	h.provider.fails.Store(false)
	h.serve.env = []string{"TABE_DATABASE_URL=" + url, "TABE_SPOOL=" + noSpool}
	h.serve.start()
	h.over = make(chan struct{})
	h.say("+6281100099999", "SM-new", "berapa pbb saya")
	fires := count(`select count(*) from journal where message_id like '` + firePrefix + `%'`)
	untold := func() (n int) {
		for _, code := range incidentCodes(t, db) {
			if times, _ := h.provider.told(code); times == 0 {
				n++
			}
		}
		return n
	}
	for deadline := time.Now().Add(2 * time.Minute); count(waiting) > 0 || int64(len(incidentCodes(t, db))) < fires || untold() > 0; time.Sleep(50 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("%d wait, %d incidents of %d, %d not told", count(waiting), len(incidentCodes(t, db)), fires, untold())
		}
	}
	if n := count(`select count(*) from outbox where status = 'dead'`); n != 0 {
		t.Errorf("%d answers were given up", n)
	}
	if n, states := count(`select count(*) from journal where message_id is not null`), count(`select sum(version) from residents`); states < n {
		t.Errorf("the states have moved %d times for %d messages", states, n)
	}
	h.serve.stop()
	if err := db.Close(); err != nil {
		t.Error(err)
	}
	h.mu.Lock()
	h.taken = append(slices.Clone(safe), "SM-new")
	h.mu.Unlock()
	t.Logf("%d messages were acknowledged, %d of them before the copy, %d are back, the last %s are lost; %d were unanswered or unsent, %d fires; all went on",
		len(all), len(safe), len(there), behind.Round(time.Millisecond), unfinished, fires)
}

// behind fails if what is there has holes: a phone sends its next message once
// the one before is acknowledged. It returns for how long before the loss
// messages were acknowledged that are not there.
func (h *backedUp) behind(all []string, there map[string]bool) (longest time.Duration) {
	h.t.Helper()
	ended := map[string]string{} // the first message of each phone that is lost
	for _, id := range all {
		phone := strings.Split(id, "-")[1]
		switch first, over := ended[phone]; {
		case !there[id] && !over:
			ended[phone] = id
			longest = max(longest, h.lost.Sub(h.when[id]))
		case there[id] && over:
			h.t.Errorf("%s is there, and %s is not, which came before it", id, first)
		}
	}
	return longest
}

// TestTheManualRestoresAsTheTestsDo keeps the commands in the manual those that
// were tried.
func TestTheManualRestoresAsTheTestsDo(t *testing.T) {
	read := func(name string) string {
		raw, err := os.ReadFile(filepath.Join("..", "..", name))
		if err != nil {
			t.Fatal(err)
		}
		return string(raw)
	}
	_, rest, _ := strings.Cut(read(".ci/litestream/go.mod"), "github.com/benbjohnson/litestream v")
	version, _, _ := strings.Cut(rest, " ")
	install := "go install github.com/benbjohnson/litestream/cmd/litestream@v" + version
	for name, commands := range map[string][]string{
		"docs/operation.md": {install, "litestream restore -config /etc/tabe/litestream.yml -integrity-check full ", "pg_dump --format=custom --file=",
			"pg_restore --exit-on-error --single-transaction --no-owner --dbname="},
		"deploy/systemd/tabe-backup.service": {install, "litestream replicate -config /etc/tabe/litestream.yml"},
	} {
		text := read(name)
		for _, command := range commands {
			if !strings.Contains(text, command) {
				t.Errorf("%s does not say %q", name, command)
			}
		}
	}
}

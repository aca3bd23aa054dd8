package main

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"tabe/adapters/testserver"
)

// TestTheDatabaseIsAway takes PostgreSQL away from a process that Twilio calls.
// What it says "received" of is on its disk: the process is killed as well, and
// once both are back every message is answered once, and a fire is an incident.
// Where there is no disk to keep it on, Twilio is told to come again.
func TestTheDatabaseIsAway(t *testing.T) {
	if testing.Short() {
		t.Skip("takes some seconds")
	}
	t.Parallel()
	server := testserver.StartPostgres(t)
	url := server.Database(t)
	db := testserver.OpenDatabase(t, url)
	dutyContacts(t, db)
	provider := newProvider(t)
	env := []string{"TABE_DATABASE_URL=" + url}
	kept := &child{t: t, dir: t.TempDir(), addr: freeAddr(t), provider: provider.URL, env: env}
	diskless := &child{t: t, dir: t.TempDir(), addr: freeAddr(t), provider: provider.URL, env: append(env, "TABE_SPOOL="+noSpool)}
	kept.start()
	diskless.start()
	const reporter = "+6281200000001"
	kept.deliver(reporter, "SM-before", "menu")

	server.Kill(t)
	messages := []string{"halo", "menu", "kebakaran di desa kaca"}
	for range 2 { // and Twilio did not hear us
		for n, text := range messages {
			if !kept.tell(reporter, fmt.Sprint("SM-", n), text) {
				t.Errorf("message %d is not taken", n)
			}
		}
	}
	if diskless.tell(reporter, "SM-diskless", "menu") {
		t.Error("what cannot be kept is taken")
	}
	if files := waitingFiles(t, kept.dir); len(files) == 0 {
		t.Error("nothing waits on the disk")
	}
	if _, err := os.Stat(filepath.Join(diskless.dir, "spool")); !os.IsNotExist(err) {
		t.Errorf("a folder was made for nothing: %v", err)
	}
	kept.kill()
	server.Start(t)
	kept.start()
	await := func(what string, is func() bool) {
		t.Helper()
		for deadline := time.Now().Add(2 * time.Minute); !is(); time.Sleep(20 * time.Millisecond) {
			if time.Now().After(deadline) {
				t.Fatal("never true: ", what)
			}
		}
	}
	count := func(query string) (n int) {
		t.Helper()
		if err := db.QueryRow(t.Context(), query).Scan(&n); err != nil {
			return -1 // its connections are those from before
		}
		return n
	}
	await("everything is answered", func() bool {
		return count(`select count(*) from journal where message_id like 'SM-%' and answered is not null`) == 1+len(messages)
	})
	await("nothing waits on the disk", func() bool { return len(waitingFiles(t, kept.dir)) == 0 })
	await("the post is told of the fire", func() bool {
		codes := incidentCodes(t, db)
		if len(codes) != 1 {
			return false
		}
		n, _ := provider.told(codes[0])
		return n > 0
	})
	if n := count(`select count(*) from journal where message_id like 'SM-%'`); n != 1+len(messages) {
		t.Errorf("%d messages in the journal", n)
	}
	if !diskless.tell(reporter, "SM-diskless", "menu") {
		t.Error("it is not taken once the database is back")
	}
	kept.stop()
	diskless.stop()
}

func waitingFiles(t *testing.T, dir string) []string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "spool", "*"))
	if err != nil {
		t.Fatal(err)
	}
	return files
}

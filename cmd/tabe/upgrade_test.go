package main

import (
	"database/sql"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"tabe/adapters/testserver"
)

// TestTheVersionBeforeServesWhileThisOneMigrates builds the program as it was
// before the newest migration, has residents write to it, and opens its database
// with this version, which migrates it. Not one message fails meanwhile, nor
// while a node of this version then takes over.
func TestTheVersionBeforeServesWhileThisOneMigrates(t *testing.T) {
	if testing.Short() {
		t.Skip("builds an earlier version")
	}
	t.Parallel()
	before := versionBefore(t)
	testserver.DatabaseURLs(t, func(t *testing.T, newURL func(testing.TB) string) { upgrade(t, before, newURL(t)) })
}

// versionBefore builds tabe from the commit before the newest migration came.
func versionBefore(t *testing.T) (program string) {
	t.Helper()
	const folder = "adapters/database/migrations/sqlite/"
	files, err := filepath.Glob("../../" + folder + "*.sql")
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	git := func(args ...string) (string, error) {
		out, err := exec.Command("git", append([]string{"-C", "../.."}, args...)...).Output()
		return strings.TrimSpace(string(out)), err
	}
	newest := folder + filepath.Base(files[len(files)-1])
	came, err := git("log", "--diff-filter=A", "--format=%H", "-1", "--", newest)
	if err == nil && came == "" {
		came = "HEAD" // not committed yet: HEAD is the version before
	} else if err == nil {
		came, err = git("rev-parse", "--verify", came+"^")
	}
	if err != nil {
		t.Skip("this copy has no history to build an earlier version from: ", err)
	}
	source := t.TempDir()
	archive := filepath.Join(source, "source.tar")
	if _, err := git("archive", "--output="+archive, came); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command("tar", "-xf", archive, "-C", source).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	program = filepath.Join(source, "tabe")
	tool := func(args ...string) ([]byte, error) {
		cmd := exec.Command("go", args...)
		cmd.Dir = source
		return cmd.CombinedOutput()
	}
	if out, err := tool("list", "-deps", "-f", "", "./cmd/tabe"); err != nil {
		t.Skipf("the modules of %s cannot be had: %v\n%s", came, err, out)
	}
	if out, err := tool("build", "-o", program, "./cmd/tabe"); err != nil {
		t.Fatalf("%s: %v\n%s", came, err, out)
	}
	t.Log("the version before is ", came)
	return program
}

func upgrade(t *testing.T, before, url string) {
	provider := newProvider(t)
	env := []string{"TABE_DATABASE_URL=" + url}
	old := &child{t: t, program: before, dir: t.TempDir(), addr: freeAddr(t), provider: provider.URL, env: env}
	load := exec.Command(before, "import", "pbb", samples, "--data", old.dir)
	load.Env = append(os.Environ(), env...)
	if out, err := load.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	old.start()

	var addr atomic.Pointer[string]
	addr.Store(&old.addr)
	var taken atomic.Int64
	over := make(chan struct{})
	var phones sync.WaitGroup
	for phone := range 6 {
		phones.Go(func() {
			for n := 0; ; n++ {
				select {
				case <-over:
					return
				default:
				}
				if !tell(t, *addr.Load(), fmt.Sprintf("+62811000%05d", phone), fmt.Sprintf("SM-%d-%d", phone, n), []string{"menu", "berapa pbb saya", "terima kasih"}[n%3]) {
					t.Errorf("message %d of phone %d failed", n, phone)
					return
				}
				taken.Add(1)
			}
		})
	}
	await := func(what string, is func() bool) {
		t.Helper()
		for deadline := time.Now().Add(2 * time.Minute); !is(); time.Sleep(5 * time.Millisecond) {
			if time.Now().After(deadline) {
				t.Fatal("never true: ", what)
			}
		}
	}
	more := func(n int64) {
		t.Helper()
		goal := taken.Load() + n
		await(fmt.Sprint(n, " messages more"), func() bool { return taken.Load() >= goal || t.Failed() })
	}
	more(200)
	was := schema(t, url)
	db := testserver.OpenDatabase(t, url) // migrates
	if is := schema(t, url); is <= was {
		t.Fatalf("the schema was %d and is %d: nothing was migrated", was, is)
	}
	more(200) // the version before on the new tables
	now := &child{t: t, dir: t.TempDir(), addr: freeAddr(t), provider: provider.URL, env: env}
	now.start()
	more(50) // both on one database
	addr.Store(&now.addr)
	more(200)
	old.stop()
	more(50)
	close(over)
	phones.Wait()
	count := counts(t, db)
	await("everything is answered and sent", func() bool {
		return count(`select count(*) from journal where answered is not null`) == taken.Load() && count(`select count(*) from outbox where status <> 'sent'`) == 0
	})
	now.stop()
	if n, moved := count(`select count(*) from journal`), count(`select sum(version) from residents`); n != taken.Load() || moved != n {
		t.Errorf("%d messages were acknowledged, %d are in the journal, and the states have moved %d times", taken.Load(), n, moved)
	}
	t.Logf("schema %d to %d under load, %d messages, none failed", was, schema(t, url), taken.Load())
}

// schema is the number of the newest migration in the database at url, which
// it does not migrate.
func schema(t *testing.T, url string) (version int) {
	t.Helper()
	driver, name := "pgx", url
	if path, is := strings.CutPrefix(url, "sqlite://"); is {
		driver, name = "sqlite", "file:"+path+"?_pragma=busy_timeout(5000)"
	}
	db, err := sql.Open(driver, name)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if err := db.QueryRowContext(t.Context(), `select max(version_id) from goose_db_version`).Scan(&version); err != nil {
		t.Fatal(err)
	}
	return version
}

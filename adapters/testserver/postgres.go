package testserver

import (
	"context"
	"database/sql"
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"sync/atomic"
	"syscall"
	"testing"

	_ "github.com/jackc/pgx/v5/stdlib" // the driver "pgx"
)

// packaged is where Debian puts what is not for everybody.
const packaged = "/usr/lib/postgresql/*/bin"

// Postgres is a PostgreSQL server of its own.
type Postgres struct {
	port   string
	server *server
	run    func(name string, args ...string) *exec.Cmd
	folder string
	start  func(t testing.TB)
	count  atomic.Int32
}

// StartPostgres starts a server with durable commits. The test is skipped
// where PostgreSQL is missing.
func StartPostgres(t testing.TB) *Postgres {
	t.Helper()
	initdb, err := program("initdb", packaged)
	if err != nil {
		t.Skip("PostgreSQL is not installed: ", err)
	}
	postgres, err := program("postgres", packaged)
	if err != nil {
		t.Skip("PostgreSQL is not installed: ", err)
	}
	// Not t.TempDir(): its parents are closed to the other user that root has
	// to become, because PostgreSQL refuses to run as root.
	folder, err := os.MkdirTemp("", "tabe-postgres-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(folder) })
	p := &Postgres{port: freePort(t), folder: folder}
	owner := unprivileged(t, folder)
	p.run = func(name string, args ...string) *exec.Cmd {
		cmd := exec.Command(name, args...)
		cmd.Dir = folder
		cmd.SysProcAttr = owner
		return cmd
	}
	data := filepath.Join(folder, "data")
	if out, err := p.run(initdb, "-D", data, "-U", "tabe", "-A", "trust", "-E", "UTF8", "--no-locale", "--no-sync").CombinedOutput(); err != nil {
		t.Fatalf("initdb: %v\n%s", err, out)
	}
	p.start = func(t testing.TB) { p.startServer(t, postgres, data) }
	p.start(t)
	t.Cleanup(func() { p.server.signal(t, syscall.SIGINT) }) // fast shutdown
	return p
}

// Crash ends the server as a power failure would, without any farewell, and
// starts it again: it has to recover from its log.
func (p *Postgres) Crash(t testing.TB) {
	t.Helper()
	p.Kill(t)
	p.Start(t)
}

// Kill is the first half of Crash.
func (p *Postgres) Kill(t testing.TB) {
	t.Helper()
	p.server.signal(t, syscall.SIGQUIT) // pg_ctl stop -m immediate
}

// Start is the second half of Crash.
func (p *Postgres) Start(t testing.TB) {
	t.Helper()
	p.start(t)
}

func (p *Postgres) startServer(t testing.TB, postgres, data string) {
	t.Helper()
	cmd := p.run(postgres, "-D", data, "-p", p.port, "-k", p.folder, "-c", "listen_addresses=127.0.0.1", "-c", "max_connections=200")
	p.server = start(t, filepath.Join(p.folder, "log"), cmd)
	db, err := sql.Open("pgx", p.url("postgres"))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	awaitTrue(t, "PostgreSQL", p.server.ended, func(ctx context.Context) error { return db.PingContext(ctx) })
}

// Database creates an empty database and returns its URL.
func (p *Postgres) Database(t testing.TB) string {
	t.Helper()
	db, err := sql.Open("pgx", p.url("postgres"))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	name := fmt.Sprint("test", p.count.Add(1))
	if _, err := db.ExecContext(t.Context(), "create database "+name); err != nil {
		t.Fatal(err)
	}
	return p.url(name)
}

// Dump copies the database at url, which may be in use, into file.
func Dump(t testing.TB, url, file string) {
	t.Helper()
	client(t, "pg_dump", "--format=custom", "--file="+file, url)
}

// Restore fills the empty database at url from a file of Dump.
func Restore(t testing.TB, url, file string) {
	t.Helper()
	client(t, "pg_restore", "--exit-on-error", "--single-transaction", "--no-owner", "--dbname="+url, file)
}

func client(t testing.TB, name string, args ...string) {
	t.Helper()
	path, err := program(name, packaged)
	if err != nil {
		t.Skip("PostgreSQL is not installed: ", err)
	}
	if out, err := exec.Command(path, args...).CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", name, err, out)
	}
}

func (p *Postgres) url(database string) string {
	return "postgres://tabe@127.0.0.1:" + p.port + "/" + database + "?sslmode=disable"
}

// unprivileged gives folder to a user that PostgreSQL agrees to run as: the
// present one, or nobody in place of root.
func unprivileged(t testing.TB, folder string) *syscall.SysProcAttr {
	t.Helper()
	attr := &syscall.SysProcAttr{}
	if os.Geteuid() != 0 {
		return attr
	}
	nobody, err := user.Lookup("nobody")
	if err != nil {
		t.Skip("PostgreSQL refuses to run as root, and there is no user nobody: ", err)
	}
	uid, _ := strconv.Atoi(nobody.Uid) // numbers, by definition
	gid, _ := strconv.Atoi(nobody.Gid)
	if err := os.Chown(folder, uid, gid); err != nil {
		t.Fatal(err)
	}
	attr.Credential = &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
	return attr
}

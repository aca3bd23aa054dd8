package testserver

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// Litestream copies a SQLite database while it is written.
type Litestream struct {
	program string
	config  string
	env     []string
	socket  string
	folder  string
	server  *server
}

// NewLitestream prepares the version that .ci/litestream pins, which Go builds
// once and keeps in its cache. The test is skipped where it cannot be had. config
// is its file of settings, env what is to be put into it besides RUNTIME_DIRECTORY.
func NewLitestream(t testing.TB, config string, env ...string) *Litestream {
	t.Helper()
	cmd := exec.Command("go", "tool", "-n", "litestream")
	cmd.Dir = filepath.Join(root(t), ".ci", "litestream")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	out, err := cmd.Output()
	if err != nil {
		t.Skip("Litestream cannot be built: ", err)
	}
	folder, err := os.MkdirTemp("", "tabe-") // not t.TempDir(): the path of a socket is short
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(folder) })
	return &Litestream{
		program: strings.TrimSpace(string(out)), config: config, folder: folder, socket: filepath.Join(folder, "litestream.sock"),
		env: append(append(os.Environ(), "RUNTIME_DIRECTORY="+folder), env...),
	}
}

// root is the folder of the module.
func root(t testing.TB) string {
	t.Helper()
	folder, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for {
		if _, err := os.Stat(filepath.Join(folder, "go.mod")); err == nil {
			return folder
		}
		if folder == filepath.Dir(folder) {
			t.Fatal("this is outside of the module")
		}
		folder = filepath.Dir(folder)
	}
}

func (l *Litestream) command(args ...string) *exec.Cmd {
	cmd := exec.Command(l.program, args...)
	cmd.Env = l.env
	return cmd
}

// Start begins to copy, and returns once it does.
func (l *Litestream) Start(t testing.TB) {
	t.Helper()
	l.server = start(t, filepath.Join(l.folder, "log"), l.command("replicate", "-config", l.config))
	t.Cleanup(func() { l.Kill(t) })
	awaitTrue(t, "Litestream", l.server.ended, func(context.Context) error { return l.command("info", "-socket", l.socket).Run() })
}

// Kill ends it at once, as the loss of the machine would.
func (l *Litestream) Kill(t testing.TB) {
	t.Helper()
	l.server.signal(t, syscall.SIGKILL)
}

// Sync returns when everything is in the copy that was committed in database
// before the call.
func (l *Litestream) Sync(t testing.TB, database string) {
	t.Helper()
	if out, err := l.command("sync", "-wait", "-timeout", "120", "-socket", l.socket, database).CombinedOutput(); err != nil {
		log, _ := os.ReadFile(filepath.Join(l.folder, "log"))
		t.Fatalf("litestream sync: %v\n%s\n%s", err, out, log)
	}
}

// Restore brings database back from the copy.
func (l *Litestream) Restore(t testing.TB, database string) {
	t.Helper()
	if out, err := l.command("restore", "-config", l.config, "-integrity-check", "full", database).CombinedOutput(); err != nil {
		t.Fatalf("litestream restore: %v\n%s", err, out)
	}
}

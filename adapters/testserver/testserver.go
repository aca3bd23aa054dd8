// Package testserver starts real servers for tests: PostgreSQL and Redis, each
// on a free port with its data in the test's own folder, stopped when the test
// ends. A test is skipped where the program is not installed. Databases runs a
// test on SQLite and on PostgreSQL.
package testserver

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"
	"time"
)

// startTimeout is generous: the machine may be busy with other tests.
const startTimeout = 60 * time.Second

// program finds an executable in PATH or in one of the given folders, which
// may be patterns.
func program(name string, folders ...string) (string, error) {
	path, err := exec.LookPath(name)
	if err == nil {
		return path, nil
	}
	for _, folder := range folders {
		found, _ := filepath.Glob(filepath.Join(folder, name))
		if len(found) > 0 {
			return found[len(found)-1], nil
		}
	}
	return "", err
}

// freePort returns a TCP port that nobody listens on at the moment.
func freePort(t testing.TB) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return strconv.Itoa(l.Addr().(*net.TCPAddr).Port)
}

// awaitTrue calls ready until it returns nil, the process ends or time is up.
func awaitTrue(t testing.TB, what string, ended <-chan struct{}, ready func(context.Context) error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), startTimeout)
	defer cancel()
	for {
		err := ready(ctx)
		if err == nil {
			return
		}
		select {
		case <-ended:
			t.Fatalf("%s ended while it started", what)
		case <-ctx.Done():
			t.Fatalf("%s did not start: %v", what, err)
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// server is a running program.
type server struct {
	cmd   *exec.Cmd
	ended chan struct{}
}

func start(t testing.TB, log string, cmd *exec.Cmd) *server {
	t.Helper()
	out, err := os.Create(log)
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stdout, cmd.Stderr = out, out
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	s := &server{cmd: cmd, ended: make(chan struct{})}
	go func() {
		_ = cmd.Wait() // how it ended does not matter: tests kill it
		_ = out.Close()
		close(s.ended)
	}()
	return s
}

// signal ends the program and waits until it is gone.
func (s *server) signal(t testing.TB, sig syscall.Signal) {
	t.Helper()
	_ = s.cmd.Process.Signal(sig) // fails only if it has ended
	select {
	case <-s.ended:
	case <-time.After(startTimeout):
		_ = s.cmd.Process.Kill()
		t.Error(fmt.Errorf("%s did not stop", s.cmd.Path))
	}
}

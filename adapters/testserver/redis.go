package testserver

import (
	"context"
	"net"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"
)

// Redis is a Redis server of its own that keeps nothing on disk.
type Redis struct {
	program string
	folder  string
	port    string
	server  *server
}

// StartRedis starts a server. The test is skipped where Redis is missing.
func StartRedis(t testing.TB) *Redis {
	t.Helper()
	path, err := program("redis-server", "/usr/sbin")
	if err != nil {
		t.Skip("Redis is not installed: ", err)
	}
	r := &Redis{program: path, folder: t.TempDir(), port: freePort(t)}
	r.Start(t)
	t.Cleanup(func() { r.Kill(t) })
	return r
}

// URL is where to find it, also after Kill and Start.
func (r *Redis) URL() string { return "redis://127.0.0.1:" + r.port }

// Start starts the server again after Kill. It has forgotten everything.
func (r *Redis) Start(t testing.TB) {
	t.Helper()
	r.server = start(t, filepath.Join(r.folder, "log"), exec.Command(r.program,
		"--port", r.port, "--bind", "127.0.0.1", "--dir", r.folder, "--save", "", "--appendonly", "no"))
	awaitTrue(t, "Redis", r.server.ended, func(context.Context) error {
		conn, err := net.DialTimeout("tcp", "127.0.0.1:"+r.port, time.Second)
		if err != nil {
			return err
		}
		return conn.Close()
	})
}

// Kill ends the server at once, as a crash would.
func (r *Redis) Kill(t testing.TB) {
	t.Helper()
	r.server.signal(t, syscall.SIGKILL)
}

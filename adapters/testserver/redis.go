package testserver

import (
	"context"
	"fmt"
	"net"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// Redis is a Redis server of its own that keeps nothing on disk.
type Redis struct {
	program string
	folder  string
	port    string
	cluster bool
	server  *server
}

// StartRedis starts a server. The test is skipped where Redis is missing.
func StartRedis(t testing.TB) *Redis {
	t.Helper()
	return startRedis(t, false)
}

// StartRedisCluster starts a cluster of one node, which refuses what a larger
// cluster would: a script whose keys have several homes.
func StartRedisCluster(t testing.TB) *Redis {
	t.Helper()
	return startRedis(t, true)
}

func startRedis(t testing.TB, cluster bool) *Redis {
	t.Helper()
	path, err := program("redis-server", "/usr/sbin")
	if err != nil {
		t.Skip("Redis is not installed: ", err)
	}
	r := &Redis{program: path, folder: t.TempDir(), port: freePort(t), cluster: cluster}
	r.Start(t)
	t.Cleanup(func() { r.Kill(t) })
	return r
}

// URL is where to find it, also after Kill and Start.
func (r *Redis) URL() string {
	if r.cluster {
		return "redis://127.0.0.1:" + r.port + "?cluster=true"
	}
	return "redis://127.0.0.1:" + r.port
}

// Start starts the server again after Kill. It has forgotten everything.
func (r *Redis) Start(t testing.TB) {
	t.Helper()
	args := []string{"--port", r.port, "--bind", "127.0.0.1", "--dir", r.folder, "--save", "", "--appendonly", "no"}
	if r.cluster {
		// The bus of a cluster has a port of its own, 10,000 above the usual one.
		args = append(args, "--cluster-enabled", "yes", "--cluster-port", freePort(t))
	}
	r.server = start(t, filepath.Join(r.folder, "log"), exec.Command(r.program, args...))
	awaitTrue(t, "Redis", r.server.ended, func(context.Context) error {
		if !r.cluster {
			return r.says("PING", "+PONG")
		}
		_ = r.says("CLUSTER ADDSLOTSRANGE 0 16383", "+OK") // refused once it is done
		return r.says("CLUSTER INFO", "cluster_state:ok")
	})
}

// says sends an inline command and fails unless the answer contains want.
func (r *Redis) says(command, want string) error {
	conn, err := net.DialTimeout("tcp", "127.0.0.1:"+r.port, time.Second)
	if err != nil {
		return err
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(time.Second)); err != nil {
		return err
	}
	if _, err := conn.Write([]byte(command + "\r\n")); err != nil {
		return err
	}
	answer := make([]byte, 1024)
	n, err := conn.Read(answer)
	if err == nil && !strings.Contains(string(answer[:n]), want) {
		err = fmt.Errorf("%s is answered with %q", command, answer[:n])
	}
	return err
}

// Flush has the server forget everything.
func (r *Redis) Flush(t testing.TB) {
	t.Helper()
	if err := r.says("FLUSHALL", "+OK"); err != nil {
		t.Error(err)
	}
}

// Kill ends the server at once, as a crash would.
func (r *Redis) Kill(t testing.TB) {
	t.Helper()
	r.server.signal(t, syscall.SIGKILL)
}

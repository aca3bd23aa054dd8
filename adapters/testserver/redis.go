package testserver

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// Redis is a Redis server of its own that keeps no data on disk.
type Redis struct {
	program string
	folder  string
	port    string
	args    []string
	server  *server
}

// StartRedis starts a server. The test is skipped where Redis is missing.
func StartRedis(t testing.TB) *Redis {
	t.Helper()
	r := newRedis(t)
	r.Start(t)
	return r
}

// StartRedisTLS starts a server that speaks nothing but TLS, with the
// certificate and the key in two PEM files, and wants a password.
func StartRedisTLS(t testing.TB, cert, key, password string) *Redis {
	t.Helper()
	r := newRedis(t, "--tls-cert-file", cert, "--tls-key-file", key, "--tls-ca-cert-file", cert, "--tls-auth-clients", "no", "--requirepass", password)
	r.args = append(r.args, "--tls-port", r.port, "--port", "0")
	r.run(t, func() error { // it tells nobody more who has no password and no TLS
		conn, err := net.DialTimeout("tcp", r.addr(), time.Second)
		if err == nil {
			err = conn.Close()
		}
		return err
	})
	return r
}

func newRedis(t testing.TB, args ...string) *Redis {
	t.Helper()
	path, err := program("redis-server", "/usr/sbin")
	if err != nil {
		t.Skip("Redis is not installed: ", err)
	}
	r := &Redis{program: path, folder: t.TempDir(), port: freePort(t)}
	r.args = append([]string{"--port", r.port, "--bind", "127.0.0.1", "--dir", r.folder, "--save", "", "--appendonly", "no"}, args...)
	t.Cleanup(func() {
		if r.server != nil {
			r.Kill(t)
		}
	})
	return r
}

func (r *Redis) addr() string { return net.JoinHostPort("127.0.0.1", r.port) }

// URL is where to find it, also after Kill and Start.
func (r *Redis) URL() string { return "redis://" + r.addr() }

// Start starts the server again after Kill. It has forgotten everything.
func (r *Redis) Start(t testing.TB) {
	t.Helper()
	r.run(t, func() error { return r.says("PING", "+PONG") })
}

func (r *Redis) run(t testing.TB, ready func() error) {
	t.Helper()
	r.server = start(t, filepath.Join(r.folder, "log"), exec.Command(r.program, r.args...))
	awaitTrue(t, "Redis", r.server.ended, func(context.Context) error { return ready() })
}

// says sends an inline command and fails unless the answer contains want.
func (r *Redis) says(command, want string) error {
	answer, err := r.ask(command)
	if err == nil && !strings.Contains(answer, want) {
		err = fmt.Errorf("%s is answered with %q", command, answer)
	}
	return err
}

// ask sends inline commands and returns what is answered.
func (r *Redis) ask(commands string) (string, error) {
	conn, err := net.DialTimeout("tcp", r.addr(), time.Second)
	if err != nil {
		return "", err
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(time.Second)); err != nil {
		return "", err
	}
	if _, err := conn.Write([]byte(commands + "\r\n")); err != nil {
		return "", err
	}
	if err := conn.(*net.TCPConn).CloseWrite(); err != nil { // it answers what it has read, and hangs up
		return "", err
	}
	answer, err := io.ReadAll(conn)
	return string(answer), err
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

// RedisCluster is a Redis Cluster of three masters.
type RedisCluster struct{ Masters []*Redis }

// StartRedisCluster starts a cluster. The test is skipped where Redis or its
// redis-cli is missing.
func StartRedisCluster(t testing.TB) *RedisCluster {
	t.Helper()
	cli, err := program("redis-cli")
	if err != nil {
		t.Skip("Redis is not installed: ", err)
	}
	c := &RedisCluster{}
	create := []string{"--cluster", "create"}
	for range 3 {
		// The bus of a cluster has a port of its own, 10,000 above the usual one
		// unless another is named.
		r := newRedis(t, "--cluster-enabled", "yes", "--cluster-node-timeout", "2000", "--cluster-port", freePort(t))
		r.Start(t)
		c.Masters = append(c.Masters, r)
		create = append(create, r.addr())
	}
	out, err := exec.Command(cli, append(create, "--cluster-replicas", "0", "--cluster-yes")...).CombinedOutput()
	if err != nil {
		t.Fatalf("redis-cli --cluster create: %v\n%s", err, out)
	}
	c.Await(t)
	return c
}

// Await returns when every master knows that the cluster is complete.
func (c *RedisCluster) Await(t testing.TB) {
	t.Helper()
	for _, r := range c.Masters {
		awaitTrue(t, "the cluster", r.server.ended, func(context.Context) error { return r.says("CLUSTER INFO", "cluster_state:ok") })
	}
}

// URL is where to find the cluster.
func (c *RedisCluster) URL() string {
	query := url.Values{"cluster": {"true"}}
	for _, r := range c.Masters[1:] {
		query.Add("addr", r.addr())
	}
	return c.Masters[0].URL() + "?" + query.Encode()
}

// Keys lists the keys of each master.
func (c *RedisCluster) Keys(t testing.TB) (all [][]string) {
	t.Helper()
	for _, r := range c.Masters {
		answer, err := r.ask("KEYS *")
		if err != nil {
			t.Fatal(err)
		}
		var keys []string
		for line := range strings.SplitSeq(answer, "\r\n") {
			if line != "" && line[0] != '*' && line[0] != '$' {
				keys = append(keys, line)
			}
		}
		all = append(all, keys)
	}
	return all
}

// Sentinels are a Redis server, its replica, and three sentinels who make the
// replica the master when the master is gone. All of them want passwords.
type Sentinels struct {
	servers   []*Redis
	sentinels []*Redis
}

// What Sentinels call the pair, and the passwords of the two kinds of process.
const (
	masterName       = "tabe"
	serverPassword   = "of the servers"
	sentinelPassword = "of the sentinels"
)

// StartSentinels starts them. The test is skipped where Redis is missing.
func StartSentinels(t testing.TB) *Sentinels {
	t.Helper()
	s := &Sentinels{}
	master := newRedis(t, "--requirepass", serverPassword, "--masterauth", serverPassword)
	replica := newRedis(t, "--requirepass", serverPassword, "--masterauth", serverPassword, "--replicaof", "127.0.0.1 "+master.port)
	for _, r := range []*Redis{master, replica} {
		r.run(t, func() error { return r.says("PING", "NOAUTH") })
		s.servers = append(s.servers, r)
	}
	for range 3 {
		r := newRedis(t)
		config := filepath.Join(r.folder, "sentinel.conf") // which it rewrites
		if err := os.WriteFile(config, fmt.Appendf(nil, `port %[1]s
bind 127.0.0.1
dir %[2]s
requirepass "%[3]s"
sentinel sentinel-pass "%[3]s"
sentinel monitor %[4]s 127.0.0.1 %[5]s 2
sentinel auth-pass %[4]s "%[6]s"
sentinel down-after-milliseconds %[4]s 1000
sentinel failover-timeout %[4]s 3000
`, r.port, r.folder, sentinelPassword, masterName, master.port, serverPassword), 0o600); err != nil {
			t.Fatal(err)
		}
		r.args = []string{config, "--sentinel"}
		r.run(t, func() error { return r.says("PING", "NOAUTH") })
		s.sentinels = append(s.sentinels, r)
	}
	for _, r := range s.sentinels {
		awaitTrue(t, "the sentinel", r.server.ended, func(context.Context) error {
			if err := r.says(s.authorized("SENTINEL CKQUORUM "+masterName), "OK 3 usable"); err != nil {
				return err
			}
			return r.says(s.authorized("SENTINEL REPLICAS "+masterName), "master-link-status\r\n$2\r\nok")
		})
	}
	return s
}

// authorized sends the password before a command, whose answer then follows an +OK.
func (s *Sentinels) authorized(command string) string {
	return fmt.Sprintf("AUTH \"%s\"\r\n%s", sentinelPassword, command)
}

// URL is where to find the sentinels, with what they and the servers want to hear.
func (s *Sentinels) URL() string {
	query := url.Values{"master_name": {masterName}, "password": {serverPassword}}
	for _, r := range s.sentinels[1:] {
		query.Add("addr", r.addr())
	}
	return (&url.URL{Scheme: "redis", User: url.UserPassword("", sentinelPassword), Host: s.sentinels[0].addr(), RawQuery: query.Encode()}).String()
}

// KillMaster ends the present master as a crash would. It returns when the
// sentinels have made the other one the master.
func (s *Sentinels) KillMaster(t testing.TB) {
	t.Helper()
	for i, r := range s.servers {
		if s.agree(r) != nil {
			continue
		}
		r.Kill(t)
		next := s.servers[1-i]
		awaitTrue(t, "the failover", next.server.ended, func(context.Context) error { return s.agree(next) })
		return
	}
	t.Fatal("the sentinels do not agree who the master is")
}

// agree fails unless all sentinels take r for the master.
func (s *Sentinels) agree(r *Redis) error {
	for _, sentinel := range s.sentinels {
		if err := sentinel.says(s.authorized("SENTINEL GET-MASTER-ADDR-BY-NAME "+masterName), "\r\n"+r.port+"\r\n"); err != nil {
			return err
		}
	}
	return nil
}

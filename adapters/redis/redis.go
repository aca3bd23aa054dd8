// Package redis lets many machines serve residents together: a lease per
// resident and a hot copy of the state, in Redis, Redis with Sentinel or Redis
// Cluster. Nothing is kept here that cannot be lost.
package redis

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"

	"tabe/adapters/seal"
)

// patience is how long one request may take. Waiting longer for Redis costs
// more than doing without.
const patience = 100 * time.Millisecond

// Open prepares the sessions in the Redis that rawURL names. It does not
// connect: whether Redis is up may change at any moment.
//
//	redis://[user:password@]host[:port][/database]    one server (rediss: with TLS)
//	…?addr=host:port&addr=host:port                   more nodes, a cluster
//	…?cluster=true                                    a cluster found through one node
//	…?master_name=name                                the nodes are sentinels
//
// The hot copies are encrypted with keys derived from secret.
func Open(rawURL string, secret []byte) (*Sessions, error) {
	options, err := parse(rawURL)
	if err != nil {
		return nil, err
	}
	sealer, err := seal.New(secret)
	if err != nil {
		return nil, err
	}
	// The client's own defaults wait 1.7 s for a dead server, ignore the
	// context while doing so, and change between minor versions.
	options.ClientName = "tabe"
	options.ContextTimeoutEnabled = true
	options.DialTimeout = patience
	options.ReadTimeout = patience
	options.WriteTimeout = patience
	options.PoolTimeout = patience
	options.MaxRetries = 1
	options.DialerRetries = 1
	options.PoolSize = 64
	options.PipelinePoolSize = -1
	options.MaintNotificationsConfig = &maintnotifications.Config{Mode: maintnotifications.ModeDisabled}
	return &Sessions{client: redis.NewUniversalClient(options), seal: sealer}, nil
}

// errAddress does not quote the address, which may hold a password.
var errAddress = errors.New("redis: not a redis:// address")

func parse(rawURL string) (*redis.UniversalOptions, error) {
	u, err := url.Parse(rawURL)
	if err != nil || u.Hostname() == "" || u.Scheme != "redis" && u.Scheme != "rediss" {
		return nil, errAddress
	}
	o := &redis.UniversalOptions{Username: u.User.Username()}
	o.Password, _ = u.User.Password()
	if u.Scheme == "rediss" {
		o.TLSConfig = &tls.Config{ServerName: u.Hostname(), MinVersion: tls.VersionTLS12}
	}
	port := u.Port()
	if port == "" {
		port = "6379"
	}
	query := u.Query()
	o.Addrs = append([]string{net.JoinHostPort(u.Hostname(), port)}, query["addr"]...)
	o.MasterName = query.Get("master_name")
	o.IsClusterMode = query.Get("cluster") == "true"
	if o.MasterName != "" {
		o.SentinelUsername, o.SentinelPassword = o.Username, o.Password
	}
	if name := strings.Trim(u.Path, "/"); name != "" {
		if o.DB, err = strconv.Atoi(name); err != nil || o.DB < 0 {
			return nil, errAddress
		}
	}
	return o, nil
}

// Ping asks Redis for a sign of life.
func (s *Sessions) Ping(ctx context.Context) error { return s.client.Ping(ctx).Err() }

// Close closes the connections. Leases end by themselves.
func (s *Sessions) Close() error { return s.client.Close() }

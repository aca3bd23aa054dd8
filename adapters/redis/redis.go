// Package redis lets many machines serve residents together: a lease per
// resident and a hot copy of the state, in Redis, Redis with Sentinel or Redis
// Cluster. Nothing is kept here that cannot be lost.
package redis

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/url"
	"slices"
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
//	redis://[user:password@]host[:6379][/database]             one server
//	redis://[user:password@]host[:6379]?cluster=true           a cluster
//	redis://[user:password@]host[:26379][/database]?master_name=name   sentinels
//
// The forms are those of go-redis. More nodes follow as &addr=host:port, as
// many as there are; several of them without master_name are a cluster.
// rediss: speaks TLS with all, sentinels included. Servers behind sentinels may
// have a &username= and &password= of their own.
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
	return &Sessions{client: redis.NewUniversalClient(options), seal: sealer, form: form(options)}, nil
}

// Validate tells what is wrong with rawURL, without quoting it: it may hold a
// password.
func Validate(rawURL string) error {
	_, err := parse(rawURL)
	return err
}

var errAddress = errors.New("redis: not a redis:// or rediss:// address")

func parse(rawURL string) (*redis.UniversalOptions, error) {
	u, err := url.Parse(rawURL)
	if err != nil || u.Hostname() == "" || u.Fragment != "" || u.Scheme != "redis" && u.Scheme != "rediss" {
		return nil, errAddress
	}
	query, err := url.ParseQuery(u.RawQuery)
	if err != nil {
		return nil, errAddress
	}
	o := &redis.UniversalOptions{Username: u.User.Username()}
	o.Password, _ = u.User.Password()
	if u.Scheme == "rediss" {
		o.TLSConfig = &tls.Config{MinVersion: tls.VersionTLS12} // each node shows its own name
	}
	if name := strings.Trim(u.Path, "/"); name != "" {
		if o.DB, err = strconv.Atoi(name); err != nil || o.DB < 0 {
			return nil, errors.New("redis: what follows the host is not the number of a database")
		}
	}
	for name, values := range query {
		switch {
		case !slices.Contains([]string{"addr", "cluster", "master_name", "username", "password"}, name):
			return nil, errors.New("redis: a parameter is none of addr, cluster, master_name, username, password")
		case name != "addr" && len(values) > 1 || values[0] == "":
			return nil, fmt.Errorf("redis: %s= is there twice, or empty", name)
		}
	}
	port := u.Port()
	if o.MasterName = query.Get("master_name"); o.MasterName != "" {
		o.SentinelUsername, o.SentinelPassword = o.Username, o.Password
		if query.Has("username") || query.Has("password") {
			o.Username, o.Password = query.Get("username"), query.Get("password")
		}
		port = cmp.Or(port, "26379")
	} else if query.Has("username") || query.Has("password") {
		return nil, errors.New("redis: username= and password= are for servers behind sentinels; those of all others stand before the host")
	}
	o.Addrs = []string{net.JoinHostPort(u.Hostname(), cmp.Or(port, "6379"))}
	for _, addr := range query["addr"] {
		if host, port, err := net.SplitHostPort(addr); err != nil || host == "" || port == "" {
			return nil, errors.New("redis: addr= is not HOST:PORT")
		}
		o.Addrs = append(o.Addrs, addr)
	}
	o.IsClusterMode = o.MasterName == "" && len(o.Addrs) > 1
	if cluster := query.Get("cluster"); cluster != "" {
		if o.IsClusterMode = cluster == "true"; !o.IsClusterMode {
			return nil, errors.New("redis: cluster= is something else than true")
		}
	}
	if o.IsClusterMode && o.MasterName != "" {
		return nil, errors.New("redis: cluster= and master_name= exclude each other")
	}
	if o.IsClusterMode && o.DB != 0 {
		return nil, errors.New("redis: a cluster has only database 0")
	}
	return o, nil
}

// Form tells what kind of Redis it is.
func (s *Sessions) Form() string { return s.form }

func form(o *redis.UniversalOptions) string {
	switch {
	case o.MasterName != "":
		return "the master that sentinels name"
	case o.IsClusterMode:
		return "a cluster"
	default:
		return "one server"
	}
}

// Ping asks Redis for a sign of life; of a cluster, each of its masters.
func (s *Sessions) Ping(ctx context.Context) error {
	if cluster, is := s.client.(*redis.ClusterClient); is {
		return cluster.ForEachMaster(ctx, func(ctx context.Context, master *redis.Client) error { return master.Ping(ctx).Err() })
	}
	return s.client.Ping(ctx).Err()
}

// Close closes the connections. Leases end by themselves.
func (s *Sessions) Close() error { return s.client.Close() }

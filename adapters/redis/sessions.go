// Package redis keeps bot.Sessions in Redis: the right to serve a resident, on
// any number of machines, and a hot copy of the state. Nothing is lost with it:
// the database keeps the truth, and the version of the state the order.
package redis

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"

	"tabe/bot"
)

const (
	leaseTime = 15 * time.Second // longer than a turn may take
	hotTime   = 2 * time.Hour    // as long as a conversation keeps its place
	patience  = 100 * time.Millisecond
	restTime  = time.Second // how long a server that did not answer is left alone
)

// errResting is returned at once while the server is left alone.
var errResting = errors.New("redis: did not answer a moment ago")

// Sessions implements bot.Sessions. It is safe for concurrent use.
type Sessions struct {
	client  redis.UniversalClient
	aead    cipher.AEAD  // of the hot copies
	resting atomic.Int64 // until when, in Unix nanoseconds
}

// Open returns the sessions kept at a redis:// or rediss:// address, encrypted
// under a key derived from secret. It needs no network yet.
func Open(address string, secret []byte) (*Sessions, error) {
	key, err := hkdf.Key(sha256.New, secret, nil, "tabe redis", 32)
	if err != nil {
		return nil, err
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	aead, err := cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		return nil, err
	}
	o, err := redis.ParseURL(address)
	if err != nil {
		return nil, errors.New("redis: not a redis:// address") // the address may hold a password
	}
	// The defaults wait for seconds and try again on a server that is gone.
	o.ContextTimeoutEnabled = true
	o.DialTimeout, o.ReadTimeout, o.WriteTimeout, o.PoolTimeout = patience, patience, patience, patience
	o.MaxRetries, o.DialerRetries = -1, 1
	o.ClientName = "tabe"
	o.MaintNotificationsConfig = &maintnotifications.Config{Mode: maintnotifications.ModeDisabled}
	return &Sessions{client: redis.NewClient(o), aead: aead}, nil
}

// Close closes the connections.
func (s *Sessions) Close() error { return s.client.Close() }

// Ping asks for a sign of life.
func (s *Sessions) Ping(ctx context.Context) error { return s.client.Ping(ctx).Err() }

// A resident's keys share a hash tag, so that a cluster has them in one place.
func leaseKey(id bot.ResidentID) string { return "tabe:{" + string(id) + "}:lease" }
func hotKey(id bot.ResidentID) string   { return "tabe:{" + string(id) + "}:state" }

// acquire takes the lease and returns the hot copy, in one round trip.
var acquire = redis.NewScript(`
if not redis.call('set', KEYS[1], ARGV[1], 'nx', 'px', ARGV[2]) then return {0} end
return {1, redis.call('get', KEYS[2])}`)

// release gives back only what is still ours.
var release = redis.NewScript(`
if redis.call('get', KEYS[1]) ~= ARGV[1] then return 0 end
redis.call('del', KEYS[1])
return 1`)

// keep stores the state while the lease is ours, else drops whatever is there.
var keep = redis.NewScript(`
if redis.call('get', KEYS[1]) ~= ARGV[1] or ARGV[2] == '' then redis.call('del', KEYS[2]) return 0 end
redis.call('set', KEYS[2], ARGV[2], 'px', ARGV[3])
return 1`)

// run runs a script unless the server is being left alone.
func (s *Sessions) run(ctx context.Context, script *redis.Script, id bot.ResidentID, args ...any) *redis.Cmd {
	if time.Now().UnixNano() < s.resting.Load() {
		cmd := redis.NewCmd(ctx)
		cmd.SetErr(errResting)
		return cmd
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), patience)
	defer cancel()
	cmd := script.Run(ctx, s.client, []string{leaseKey(id), hotKey(id)}, args...)
	if err := cmd.Err(); err != nil && !errors.Is(err, redis.Nil) {
		s.resting.Store(time.Now().Add(restTime).UnixNano())
	}
	return cmd
}

// Acquire implements bot.Sessions.
func (s *Sessions) Acquire(ctx context.Context, id bot.ResidentID) (bot.Lease, error) {
	l := &lease{sessions: s, id: id, token: rand.Text()}
	result, err := s.run(ctx, acquire, id, l.token, leaseTime.Milliseconds()).Slice()
	switch {
	case err != nil:
		return nil, fmt.Errorf("redis: lease: %w", err)
	case len(result) == 0 || result[0] != int64(1):
		return nil, bot.ErrBusy
	case len(result) > 1:
		if text, ok := result[1].(string); ok {
			l.hot = s.open(id, text)
		}
	}
	return l, nil
}

// lease implements bot.Lease.
type lease struct {
	sessions *Sessions
	id       bot.ResidentID
	token    string
	hot      bot.State
}

// Hot implements bot.Lease.
func (l *lease) Hot() (bot.State, bool) { return l.hot, l.hot.Version > 0 }

// Keep implements bot.Lease. The zero State drops the copy. If the server does
// not answer, the copy that it may still have is stale; the version in the
// database refuses it, and the turn is done again from there.
func (l *lease) Keep(ctx context.Context, state bot.State) {
	l.hot = state
	l.sessions.run(ctx, keep, l.id, l.token, l.sessions.seal(l.id, state), hotTime.Milliseconds())
}

// Release implements bot.Lease.
func (l *lease) Release(ctx context.Context) {
	l.sessions.run(ctx, release, l.id, l.token)
}

// versionLength is the number of bytes of the version in front of a hot copy.
const versionLength = 8

// seal encrypts version and blob for one resident.
func (s *Sessions) seal(id bot.ResidentID, state bot.State) string {
	if state.Version == 0 {
		return ""
	}
	plain := binary.BigEndian.AppendUint64(make([]byte, 0, versionLength+len(state.Blob)), uint64(state.Version))
	return string(s.aead.Seal(nil, nil, append(plain, state.Blob...), []byte(id)))
}

// open reads what seal wrote. What cannot be read is as good as nothing.
func (s *Sessions) open(id bot.ResidentID, sealed string) bot.State {
	plain, err := s.aead.Open(nil, nil, []byte(sealed), []byte(id))
	if err != nil || len(plain) < versionLength {
		return bot.State{}
	}
	return bot.State{Version: int64(binary.BigEndian.Uint64(plain)), Blob: plain[versionLength:]}
}

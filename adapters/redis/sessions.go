package redis

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"time"

	"github.com/redis/go-redis/v9"

	"tabe/adapters/seal"
	"tabe/bot"
)

const (
	// leaseTime is longer than a turn may take. Keep renews it.
	leaseTime = 15 * time.Second
	// hotTime is how long after a turn the next one is likely to come.
	hotTime = 15 * time.Minute
)

// ErrDown is returned by Acquire for a while after Redis did not answer.
var ErrDown = errors.New("redis: down")

// Sessions implements bot.Sessions. It is safe for concurrent use.
type Sessions struct {
	client  redis.UniversalClient
	form    string
	seal    *seal.Sealer
	breaker breaker
}

var _ bot.Sessions = (*Sessions)(nil)

// The keys of one resident share a hash tag, so that a cluster keeps them on
// one node and a script can use both.
func keys(id bot.ResidentID) []string {
	tag := "tabe:{" + string(id) + "}:"
	return []string{tag + "lease", tag + "state"}
}

// A script may run twice when its answer was lost, so each of them does the
// second time what it did the first.
var (
	// acquire takes the lease, and returns the hot copy, or nil if there is none.
	acquire = redis.NewScript(`
local holder = redis.call('get', KEYS[1])
if holder and holder ~= ARGV[1] then return false end
redis.call('set', KEYS[1], ARGV[1], 'px', ARGV[2])
return redis.call('get', KEYS[2]) or ''`)

	// keep stores the hot copy and renews the lease. Who has lost the lease may
	// know less than the new holder, so nothing hot is left then.
	keep = redis.NewScript(`
if redis.call('get', KEYS[1]) ~= ARGV[1] or ARGV[3] == '' then
	redis.call('del', KEYS[2])
	return 0
end
redis.call('pexpire', KEYS[1], ARGV[2])
redis.call('set', KEYS[2], ARGV[3], 'px', ARGV[4])
return 1`)

	// release gives the lease back unless somebody else has it, and drops the
	// hot copy if it may be stale.
	release = redis.NewScript(`
if redis.call('get', KEYS[1]) == ARGV[1] then redis.call('del', KEYS[1]) end
if ARGV[2] == 'stale' then redis.call('del', KEYS[2]) end
return 1`)
)

// Acquire implements bot.Sessions.
func (s *Sessions) Acquire(ctx context.Context, id bot.ResidentID) (bot.Lease, error) {
	l := &lease{sessions: s, id: id, token: rand.Text()}
	hot, err := s.run(ctx, acquire, id, l.token, leaseTime.Milliseconds()).Text()
	switch {
	case errors.Is(err, redis.Nil):
		return nil, bot.ErrBusy
	case err != nil:
		return nil, err
	}
	l.hot, l.isHot = s.unpack(id, hot)
	return l, nil
}

// run runs a script on the keys of a resident, unless Redis is known to be down.
func (s *Sessions) run(ctx context.Context, script *redis.Script, id bot.ResidentID, args ...any) *redis.Cmd {
	now := time.Now()
	if !s.breaker.allows(now) {
		cmd := redis.NewCmd(ctx)
		cmd.SetErr(ErrDown)
		return cmd
	}
	bounded, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	cmd := script.Run(bounded, s.client, keys(id), args...)
	if err := cmd.Err(); err == nil || errors.Is(err, redis.Nil) {
		s.breaker.close()
	} else if ctx.Err() == nil { // the caller did not give up, Redis did
		s.breaker.open(time.Now())
	}
	return cmd
}

// lease implements bot.Lease. It belongs to one goroutine.
type lease struct {
	sessions *Sessions
	id       bot.ResidentID
	token    string
	hot      bot.State
	isHot    bool
	stale    bool // the copy in Redis may be older than the truth
}

// Hot implements bot.Lease.
func (l *lease) Hot() (bot.State, bool) { return l.hot, l.isHot }

// Keep implements bot.Lease.
func (l *lease) Keep(ctx context.Context, state bot.State) {
	l.hot, l.isHot = state, state.Version > 0
	sealed := ""
	if l.isHot {
		sealed = l.sessions.pack(l.id, state)
	}
	kept := l.sessions.run(ctx, keep, l.id, l.token, leaseTime.Milliseconds(), sealed, hotTime.Milliseconds())
	// A copy that stays behind because this failed costs a turn, not its truth:
	// Store.Commit refuses its version. Release tries once more to drop it.
	l.stale = kept.Err() != nil
}

// Release implements bot.Lease.
func (l *lease) Release(ctx context.Context) {
	note := ""
	if l.stale {
		note = "stale"
	}
	// A lease that cannot be given back ends by itself.
	_ = l.sessions.run(ctx, release, l.id, l.token, note)
}

func place(id bot.ResidentID) string { return "redis.state|" + string(id) }

func (s *Sessions) pack(id bot.ResidentID, state bot.State) string {
	plain := binary.BigEndian.AppendUint64(make([]byte, 0, 8+len(state.Blob)), uint64(state.Version))
	return string(s.seal.Seal(append(plain, state.Blob...), place(id)))
}

// unpack reads a hot copy. One that cannot be read is as good as none.
func (s *Sessions) unpack(id bot.ResidentID, sealed string) (bot.State, bool) {
	if sealed == "" {
		return bot.State{}, false
	}
	plain, err := s.seal.Open([]byte(sealed), place(id))
	if err != nil || len(plain) < 8 {
		return bot.State{}, false
	}
	return bot.State{Version: int64(binary.BigEndian.Uint64(plain)), Blob: plain[8:]}, true
}

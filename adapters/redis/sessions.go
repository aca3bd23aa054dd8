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
// one node and a script can use all of them.
func keys(id bot.ResidentID) []string {
	tag := "tabe:{" + string(id) + "}:"
	return []string{tag + "lease", tag + "state", tag + "asked"}
}

// A script may run twice when its answer was lost, so each of them does the
// second time what it did the first, or less harm.
var (
	// acquire takes the lease, and returns the hot copy, or nil if there is
	// none. Who comes too late leaves a mark for the holder.
	acquire = redis.NewScript(`
local holder = redis.call('get', KEYS[1])
if holder and holder ~= ARGV[1] then
	redis.call('set', KEYS[3], 1, 'px', ARGV[2])
	return false
end
redis.call('set', KEYS[1], ARGV[1], 'px', ARGV[2])
return redis.call('get', KEYS[2]) or ''`)

	// keep stores the hot copy, if there is one to store, and renews the lease
	// or gives it back. Who has lost the lease may know less than the new
	// holder, so nothing hot is left then. It returns 0 if nobody else has
	// asked for the lease.
	keep = redis.NewScript(`
if redis.call('get', KEYS[1]) ~= ARGV[1] then
	if ARGV[3] ~= 'as it is' then redis.call('del', KEYS[2]) end
	return 1
end
if ARGV[3] == '' then
	redis.call('del', KEYS[2])
elseif ARGV[3] ~= 'as it is' then
	redis.call('set', KEYS[2], ARGV[3], 'px', ARGV[4])
end
if ARGV[2] ~= '' then
	redis.call('pexpire', KEYS[1], ARGV[2])
	return 0
end
redis.call('del', KEYS[1])
return redis.call('del', KEYS[3])`)
)

// asItIs leaves the hot copy alone. No sealed state looks like it.
const asItIs = "as it is"

// Acquire implements bot.Sessions.
func (s *Sessions) Acquire(ctx context.Context, id bot.ResidentID) (bot.Lease, error) {
	l := &lease{sessions: s, id: id, token: rand.Text(), renewed: time.Now(), keeps: asItIs}
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

// lease implements bot.Lease.
type lease struct {
	sessions *Sessions
	id       bot.ResidentID
	token    string
	hot      bot.State
	isHot    bool
	keeps    string // the hot copy that is still to be stored; see keep
	renewed  time.Time
}

// Hot implements bot.Lease.
func (l *lease) Hot() (bot.State, bool) { return l.hot, l.isHot }

// Keep implements bot.Lease. As a rule it leaves the work to Release.
func (l *lease) Keep(ctx context.Context, state bot.State) {
	l.hot, l.isHot = state, state.Version > 0
	l.keeps = ""
	if l.isHot {
		l.keeps = l.sessions.pack(l.id, state)
	}
	if now := time.Now(); now.Sub(l.renewed) > leaseTime/3 {
		if l.sessions.run(ctx, keep, l.id, l.token, leaseTime.Milliseconds(), l.keeps, hotTime.Milliseconds()).Err() == nil {
			l.keeps, l.renewed = asItIs, now
		}
	}
}

// Release implements bot.Lease. A lease that cannot be given back ends by
// itself. A copy that stays behind because this failed costs a turn, not its
// truth: Store.Commit refuses its version.
func (l *lease) Release(ctx context.Context) (wanted bool) {
	asked, err := l.sessions.run(ctx, keep, l.id, l.token, "", l.keeps, hotTime.Milliseconds()).Int()
	return err != nil || asked > 0
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

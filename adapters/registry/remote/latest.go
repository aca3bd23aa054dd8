package remote

import (
	"context"
	"time"
)

// fresh is how long an answer serves without asking again: the messages of one
// conversation are about one thing.
const fresh = 30 * time.Second

// Latest returns the newest answer to be had for key, and of when it is: a copy
// that is fresh, or else what ask says, which is kept, or else, when ask fails,
// the last copy. Without any of them the error is ask's. The zero time without
// an error means that the registry has just said that it knows nothing.
func Latest[T any](ctx context.Context, c *Copies, key string, ask func(ctx context.Context) (answer T, known bool, err error)) (T, time.Time, error) {
	var last, none T
	at, err := c.Last(ctx, key, &last)
	if err != nil {
		return none, time.Time{}, err
	}
	now := c.clock()
	if !at.IsZero() && now.Sub(at) < fresh {
		return last, at, nil
	}
	live, known, err := ask(ctx)
	switch {
	case err != nil && at.IsZero():
		return none, time.Time{}, err
	case err != nil:
		return last, at, nil
	case !known:
		return none, time.Time{}, c.Drop(ctx, key)
	}
	return live, now, c.Keep(ctx, key, live)
}

package remote

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"tabe/adapters/database"
	"tabe/adapters/seal"
)

// Copies keeps the last answer to each question, encrypted, under a keyed hash
// of what was asked. Nobody who reads the database learns a number or a name.
type Copies struct {
	db       *database.DB
	sealer   *seal.Sealer
	registry string
	clock    func() time.Time
}

// keep is how long a copy is kept. What is older says nothing of today.
const keep = 90 * 24 * time.Hour

// NewCopies returns the copies of one registry.
func NewCopies(db *database.DB, secret []byte, registry string, clock func() time.Time) (*Copies, error) {
	sealer, err := seal.New(secret)
	if err != nil {
		return nil, err
	}
	return &Copies{db: db, sealer: sealer, registry: registry, clock: clock}, nil
}

// hash stands for what was asked; place binds a sealed answer to it.
func (c *Copies) hash(key string) (hash, place string) {
	hash = c.sealer.Hash(c.registry + ":" + key)
	return hash, "registry_copies.body|" + c.registry + "|" + hash
}

// Keep replaces the copy for key, and drops those of all registries that are
// too old.
func (c *Copies) Keep(ctx context.Context, key string, answer any) error {
	plain, err := json.Marshal(answer)
	if err != nil {
		return err
	}
	hash, place := c.hash(key)
	body, now := c.sealer.Seal(plain, place), c.clock()
	err = c.db.Do(ctx, func(tx *database.Tx) error {
		if _, err := tx.Exec(`delete from registry_copies where fetched < $1`, database.Micros(now.Add(-keep))); err != nil {
			return err
		}
		_, err := tx.Exec(`insert into registry_copies (registry, key, body, fetched) values ($1, $2, $3, $4)
			on conflict (registry, key) do update set body = excluded.body, fetched = excluded.fetched`, c.registry, hash, body, database.Micros(now))
		return err
	})
	if err != nil {
		return fmt.Errorf("remote: keep: %w", err)
	}
	return nil
}

// Drop forgets the copy for key: the registry knows it no more.
func (c *Copies) Drop(ctx context.Context, key string) error {
	hash, _ := c.hash(key)
	err := c.db.Do(ctx, func(tx *database.Tx) error {
		_, err := tx.Exec(`delete from registry_copies where registry = $1 and key = $2`, c.registry, hash)
		return err
	})
	if err != nil {
		return fmt.Errorf("remote: drop: %w", err)
	}
	return nil
}

// Last reads the copy for key into answer and returns when it was fetched; the
// zero time if there is none that can be read.
func (c *Copies) Last(ctx context.Context, key string, answer any) (time.Time, error) {
	hash, place := c.hash(key)
	var body []byte
	var fetched int64
	err := c.db.QueryRow(ctx, `select body, fetched from registry_copies where registry = $1 and key = $2`, c.registry, hash).Scan(&body, &fetched)
	if errors.Is(err, sql.ErrNoRows) {
		return time.Time{}, nil
	}
	if err != nil {
		return time.Time{}, fmt.Errorf("remote: last: %w", err)
	}
	at := database.Time(fetched)
	if c.clock().Sub(at) > keep {
		return time.Time{}, nil
	}
	plain, err := c.sealer.Open(body, place)
	if err == nil {
		err = json.Unmarshal(plain, answer)
	}
	if err != nil {
		return time.Time{}, nil // sealed with an older key, or of an older version: as if it were not there
	}
	return at, nil
}

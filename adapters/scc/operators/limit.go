package operators

import (
	"database/sql"
	"errors"
	"fmt"
	"net/netip"
	"time"

	"tabe/adapters/database"
)

// Slow is the error for who tries too often: nothing was looked at. The wait
// has an end in any case, because an operator whom an attacker keeps out of his
// account is what the attacker may want.
type Slow struct{ Wait time.Duration }

func (s *Slow) Error() string {
	return fmt.Sprintf("too many tries, wait %v", s.Wait.Round(time.Second))
}

// forget is after how long without failures they are forgotten, maxWait the
// longest wait.
const (
	forget  = time.Hour
	maxWait = time.Minute
)

// limit is one count of failures; the first ones are free.
type limit struct {
	key  string
	free int
}

// limits returns what counts for a sign-in. Somebody at a place from which the
// account was used before is not held up by attacks from elsewhere, and neither
// is the last admin.
func (s *Store) limits(tx *database.Tx, name, address string) ([]limit, error) {
	address = network(address)
	all := []limit{
		{s.seal.Hash("failures|" + name + "|" + address), 5},
		{s.seal.Hash("failures|address|" + address), 20},
	}
	var known int
	if err := tx.QueryRow(`select count(*) from operator_addresses where operator = $1 and address = $2`, []any{name, s.address(address)}, &known); err != nil || known > 0 {
		return all, err
	}
	var admin, admins int
	if err := tx.QueryRow(`select coalesce(sum(case when name = $1 then 1 else 0 end), 0), count(*) from operators
		where not disabled and ' ' || roles || ' ' like '% admin %'`, []any{name}, &admin, &admins); err != nil || admin == 1 && admins == 1 {
		return all, err
	}
	return append(all, limit{s.seal.Hash("failures|account|" + name), 10}), nil
}

// address is what is kept of where somebody came from.
func (s *Store) address(address string) string { return s.seal.Hash("address|" + network(address)) }

// network is what of an address counts: of IPv6 every customer has 2^64, and
// could try from another one each time.
func network(address string) string {
	a, err := netip.ParseAddr(address)
	if err != nil || a.Unmap().Is4() {
		return address
	}
	p, err := a.WithZone("").Prefix(64)
	if err != nil {
		return address
	}
	return p.String()
}

// admit counts a try as failed before it is looked at, so that many at once do
// not slip through, or returns *Slow. succeed takes it back.
func admit(tx *database.Tx, now time.Time, limits []limit) error {
	old := database.Micros(now.Add(-forget))
	if _, err := tx.Exec(`delete from operator_failures where last <= $1`, old); err != nil {
		return err
	}
	var longest time.Duration
	for _, l := range limits {
		var failures int
		var last int64
		err := tx.QueryRow(`select failures, last from operator_failures where key = $1`, []any{l.key}, &failures, &last)
		if errors.Is(err, sql.ErrNoRows) {
			continue
		}
		if err != nil {
			return err
		}
		longest = max(longest, wait(failures-l.free)-now.Sub(database.Time(last)))
	}
	if longest > 0 {
		return &Slow{longest}
	}
	for _, l := range limits {
		if _, err := tx.Exec(`insert into operator_failures (key, failures, last) values ($1, 1, $2)
			on conflict (key) do update set failures = operator_failures.failures + 1, last = $2`, l.key, database.Micros(now)); err != nil {
			return err
		}
	}
	return nil
}

// wait is how long to wait after failures beyond the free ones.
func wait(beyond int) time.Duration {
	if beyond < 0 {
		return 0
	}
	return min(maxWait, time.Second<<min(beyond, 10))
}

// succeed forgets the failures of who has proved himself. Those of the address
// stay: an account of one's own is no licence to try those of others.
func succeed(tx *database.Tx, limits []limit) error {
	for i, l := range limits {
		query := `delete from operator_failures where key = $1`
		if i == 1 {
			query = `update operator_failures set failures = failures - 1 where key = $1`
		}
		if _, err := tx.Exec(query, l.key); err != nil {
			return err
		}
	}
	return nil
}

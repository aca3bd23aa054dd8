package operators

import (
	"context"
	"crypto/rand"
	"database/sql"
	"encoding/base64"
	"errors"
	"strconv"

	"tabe/adapters/database"
	"tabe/adapters/scc/audit"
)

// ErrCredentials is returned for a wrong name, password or code: which of them
// is not told.
var ErrCredentials = errors.New("name, password or code is wrong")

// Credentials are what somebody typed.
type Credentials struct {
	Name, Password string
	Code           string // of the second factor, or a recovery code
}

// Client is the browser that somebody uses.
type Client struct {
	Address string
	Agent   string
}

// SignIn begins a session and returns its token, which is kept nowhere else.
// The error is ErrCredentials, *Slow, or a technical one.
func (s *Store) SignIn(ctx context.Context, c Credentials, from Client) (token string, err error) {
	now := s.clock()
	var tries []limit
	var password string
	var disabled, exists bool
	if err := s.db.Do(ctx, func(tx *database.Tx) (err error) {
		if tries, err = s.limits(tx, c.Name, from.Address); err != nil {
			return err
		}
		if err := admit(tx, now, tries); err != nil {
			return err
		}
		err = tx.QueryRow(`select password, disabled from operators where name = $1`, []any{c.Name}, &password, &disabled)
		if exists = err == nil; errors.Is(err, sql.ErrNoRows) {
			err = nil
		}
		return err
	}); err != nil {
		return "", failed(err)
	}
	if !exists || disabled {
		password = s.hash.decoy
	}
	good, err := s.hash.matches(ctx, c.Password, password)
	if err != nil {
		return "", failed(err)
	}
	refused := false
	err = s.db.Do(ctx, func(tx *database.Tx) error {
		refused = false
		how := ""
		if good {
			if how, err = s.spend(tx, c.Name, c.Code); err != nil {
				return err
			}
		}
		if how == "" {
			if refused = true; !exists { // the name may be a password in the wrong field
				return nil
			}
			_, err := audit.Append(tx, now, c.Name, "operator.refused", "", "")
			return err
		}
		if err := succeed(tx, tries); err != nil {
			return err
		}
		if _, err := tx.Exec(`insert into operator_addresses (operator, address, last) values ($1, $2, $3)
			on conflict (operator, address) do update set last = $3`, c.Name, s.address(from.Address), database.Micros(now)); err != nil {
			return err
		}
		token = newToken()
		if err := beginSession(tx, token, c.Name, from, now); err != nil {
			return err
		}
		_, err := audit.Append(tx, now, c.Name, "operator.signed_in", "", how)
		return err
	})
	if err == nil && refused {
		err = ErrCredentials
	}
	return token, failed(err)
}

func newToken() string {
	random := make([]byte, 32)
	_, _ = rand.Read(random) // never fails
	return base64.RawURLEncoding.EncodeToString(random)
}

// spend uses up a code of the second factor, or a recovery code: neither is
// good again. It returns how the account was proved; empty: it was not.
func (s *Store) spend(tx *database.Tx, name, code string) (how string, err error) {
	code = cleanCode(code)
	now := s.clock()
	if len(code) != totpDigits {
		used, err := tx.Exec(`update operator_recovery set used = $1 where operator = $2 and hash = $3 and used is null`,
			database.Micros(now), name, s.recovery(name, code))
		if err != nil || used == 0 {
			return "", err
		}
		var left int
		err = tx.QueryRow(`select count(*) from operator_recovery where operator = $1 and used is null`, []any{name}, &left)
		return "recovery code, " + strconv.Itoa(left) + " left", err
	}
	var sealed []byte
	if err := tx.QueryRow(`select totp from operators where name = $1`, []any{name}, &sealed); err != nil {
		return "", err
	}
	secret, err := s.seal.Open(sealed, totpPlace(name))
	if err != nil {
		return "", err
	}
	step, ok := stepOf(secret, code, now)
	if !ok {
		return "", nil
	}
	// RFC 6238, 5.2: the second use of a code is refused, and so is an older one.
	fresh, err := tx.Exec(`update operators set totp_step = $1 where name = $2 and totp_step < $1 and not disabled`, step, name)
	if err != nil || fresh == 0 {
		return "", err
	}
	return "totp", nil
}

// recovery is what is kept of a recovery code.
func (s *Store) recovery(name, code string) string {
	return s.seal.Hash("recovery|" + name + "|" + cleanCode(code))
}

func (s *Store) replaceRecovery(tx *database.Tx, name string, codes []string) error {
	if _, err := tx.Exec(`delete from operator_recovery where operator = $1`, name); err != nil {
		return err
	}
	for _, code := range codes {
		if _, err := tx.Exec(`insert into operator_recovery (operator, hash) values ($1, $2)`, name, s.recovery(name, code)); err != nil {
			return err
		}
	}
	return nil
}

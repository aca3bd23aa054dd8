// Package operators keeps the accounts of the command center: who may sign in,
// by which two factors, from where, and for how long.
//
// Passwords are kept as argon2id, the secrets of the second factor (TOTP, RFC
// 6238) encrypted with the key of the installation, session tokens and recovery
// codes as hashes. Everything that happens to an account is an event of the
// audit.
package operators

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"tabe/adapters/database"
	"tabe/adapters/scc/audit"
	"tabe/adapters/seal"
)

// Role is what an operator may do.
type Role string

// The roles. Nobody has more rights than his roles give: an admin looks after
// accounts and sees no incident.
const (
	Dispatcher Role = "operator"   // handles incidents, conversations and complaints
	Supervisor Role = "supervisor" // also those of others, and the roster
	Agency     Role = "agency"     // a post: what was dispatched to it
	P2TP2A     Role = "p2tp2a"     // the only one that reads cases of violence
	Auditor    Role = "auditor"    // reads the audit
	Admin      Role = "admin"      // accounts and configuration
)

// Roles returns all of them.
func Roles() []Role { return []Role{Dispatcher, Supervisor, Agency, P2TP2A, Auditor, Admin} }

// Operator is an account.
type Operator struct {
	Name     string // what is typed at the sign-in: small letters, digits, dots, dashes
	FullName string
	Roles    []Role
	Unit     string // the post of an agency
	Disabled bool
	Created  time.Time
}

// Is tells whether o has one of the roles.
func (o Operator) Is(roles ...Role) bool {
	return slices.ContainsFunc(roles, func(r Role) bool { return slices.Contains(o.Roles, r) })
}

// Errors about accounts.
var (
	ErrName      = errors.New("a name has 2 to 32 small letters, digits, dots and dashes, and begins with a letter")
	ErrRole      = errors.New("no such role")
	ErrTaken     = errors.New("the name is taken")
	ErrUnknown   = errors.New("there is no such account")
	ErrLastAdmin = errors.New("this is the last account that can look after the others")
)

var goodName = regexp.MustCompile(`^[a-z][a-z0-9.-]{1,31}$`)

const (
	maxFullName = 80
	maxUnit     = 64
)

// Store keeps the accounts. It is safe for concurrent use.
type Store struct {
	db    *database.DB
	seal  *seal.Sealer
	clock func() time.Time
	hash  hasher
}

// Option changes what New makes.
type Option func(*Store)

// Memory is how many KiB a new password hash costs: 64 MiB unless told
// otherwise. Tests that sign in often take less.
func Memory(kib uint32) Option {
	return func(s *Store) { s.hash = newHasher(kib) }
}

// New returns the accounts in db. secret is the key of the installation.
func New(db *database.DB, secret []byte, clock func() time.Time, options ...Option) (*Store, error) {
	sealer, err := seal.New(secret)
	if err != nil {
		return nil, err
	}
	s := &Store{db: db, seal: sealer, clock: clock, hash: newHasher(argonMemory)}
	for _, o := range options {
		o(s)
	}
	return s, nil
}

// Draft is an account to be made.
type Draft struct {
	Name, FullName string
	Roles          []Role
	Unit           string
	Password       string
}

func (d Draft) check() error {
	if !goodName.MatchString(d.Name) {
		return ErrName
	}
	if len(d.Roles) == 0 || len(d.FullName) > maxFullName || len(d.Unit) > maxUnit {
		return fmt.Errorf("%w, or the full name or unit is too long", ErrRole)
	}
	for _, r := range d.Roles {
		if !slices.Contains(Roles(), r) {
			return ErrRole
		}
	}
	return checkPassword(d.Name, d.Password)
}

// Add makes an account, on behalf of by. What it returns is shown once and
// kept by the operator alone.
func (s *Store) Add(ctx context.Context, by string, d Draft) (Enrolment, error) {
	if err := d.check(); err != nil {
		return Enrolment{}, err
	}
	password, err := s.hash.of(ctx, d.Password)
	if err != nil {
		return Enrolment{}, err
	}
	enrolment := newEnrolment(d.Name)
	roles := joinRoles(d.Roles)
	now := s.clock()
	err = s.db.Do(ctx, func(tx *database.Tx) error {
		added, err := tx.Exec(`insert into operators (name, full_name, roles, unit, password, totp, created)
			values ($1, $2, $3, $4, $5, $6, $7) on conflict do nothing`,
			d.Name, d.FullName, roles, d.Unit, password, s.seal.Seal(enrolment.secret, totpPlace(d.Name)), database.Micros(now))
		if err == nil && added == 0 {
			return ErrTaken
		}
		if err != nil {
			return err
		}
		if err := s.replaceRecovery(tx, d.Name, enrolment.Recovery); err != nil {
			return err
		}
		_, err = audit.Append(tx, now, by, "operator.added", "", d.Name+" "+roles)
		return err
	})
	return enrolment, failed(err)
}

// List returns all accounts by name.
func (s *Store) List(ctx context.Context) ([]Operator, error) {
	rows, err := s.db.Query(ctx, `select name, full_name, roles, unit, disabled, created from operators order by name`)
	if err != nil {
		return nil, failed(err)
	}
	defer rows.Close()
	var all []Operator
	for rows.Next() {
		o, err := scan(rows.Scan)
		if err != nil {
			return nil, failed(err)
		}
		all = append(all, o)
	}
	return all, failed(rows.Err())
}

// scan reads the columns name, full_name, roles, unit, disabled, created, and
// more after them.
func scan(read func(...any) error, more ...any) (Operator, error) {
	var o Operator
	var roles string
	var created int64
	err := read(append([]any{&o.Name, &o.FullName, &roles, &o.Unit, &o.Disabled, &created}, more...)...)
	for r := range strings.FieldsSeq(roles) {
		o.Roles = append(o.Roles, Role(r))
	}
	o.Created = database.Time(created)
	return o, err
}

func joinRoles(roles []Role) string {
	words := make([]string, len(roles))
	for i, r := range roles {
		words[i] = string(r)
	}
	return strings.Join(words, " ")
}

// Disable closes an account and ends its sessions; the last admin stays.
func (s *Store) Disable(ctx context.Context, by, name string) error {
	return s.change(ctx, by, "operator.disabled", name, func(tx *database.Tx, o Operator) error {
		last, err := isLastAdmin(tx, o)
		if err != nil {
			return err
		}
		if last {
			return ErrLastAdmin
		}
		if _, err := tx.Exec(`update operators set disabled = true where name = $1`, name); err != nil {
			return err
		}
		return endSessions(tx, name)
	})
}

// Enable opens a closed account again.
func (s *Store) Enable(ctx context.Context, by, name string) error {
	return s.change(ctx, by, "operator.enabled", name, func(tx *database.Tx, _ Operator) error {
		_, err := tx.Exec(`update operators set disabled = false where name = $1`, name)
		return err
	})
}

// SetPassword changes the password of an account and ends its sessions.
func (s *Store) SetPassword(ctx context.Context, by, name, password string) error {
	if err := checkPassword(name, password); err != nil {
		return err
	}
	encoded, err := s.hash.of(ctx, password)
	if err != nil {
		return err
	}
	return s.change(ctx, by, "operator.password", name, func(tx *database.Tx, _ Operator) error {
		if _, err := tx.Exec(`update operators set password = $1 where name = $2`, encoded, name); err != nil {
			return err
		}
		return endSessions(tx, name)
	})
}

// Enrol gives an account a new second factor and new recovery codes, and ends
// its sessions.
func (s *Store) Enrol(ctx context.Context, by, name string) (Enrolment, error) {
	enrolment := newEnrolment(name)
	err := s.change(ctx, by, "operator.enrolled", name, func(tx *database.Tx, _ Operator) error {
		if _, err := tx.Exec(`update operators set totp = $1, totp_step = 0 where name = $2`,
			s.seal.Seal(enrolment.secret, totpPlace(name)), name); err != nil {
			return err
		}
		if err := s.replaceRecovery(tx, name, enrolment.Recovery); err != nil {
			return err
		}
		return endSessions(tx, name)
	})
	return enrolment, err
}

// change changes an account in a transaction that ends with an event.
func (s *Store) change(ctx context.Context, by, kind, name string, fn func(tx *database.Tx, o Operator) error) error {
	return failed(s.db.Do(ctx, func(tx *database.Tx) error {
		o, err := scan(func(dest ...any) error {
			return tx.QueryRow(`select name, full_name, roles, unit, disabled, created from operators where name = $1`, []any{name}, dest...)
		})
		if errors.Is(err, sql.ErrNoRows) {
			return ErrUnknown
		}
		if err != nil {
			return err
		}
		if err := fn(tx, o); err != nil {
			return err
		}
		_, err = audit.Append(tx, s.clock(), by, kind, "", name)
		return err
	}))
}

// isLastAdmin tells whether nobody but o could look after the accounts.
func isLastAdmin(tx *database.Tx, o Operator) (bool, error) {
	if !o.Is(Admin) || o.Disabled {
		return false, nil
	}
	// Of two transactions that each disable an admin the second waits here, and
	// then sees what the first did.
	if _, err := tx.Exec(`update operators set roles = roles where ' ' || roles || ' ' like '% admin %'`); err != nil {
		return false, err
	}
	var others int
	err := tx.QueryRow(`select count(*) from operators where name <> $1 and not disabled and ' ' || roles || ' ' like '% admin %'`, []any{o.Name}, &others)
	return others == 0, err
}

// failed says which package an error comes from.
func failed(err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("operators: %w", err)
}

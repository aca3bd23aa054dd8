package operators

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"errors"
	"strings"
	"time"

	"tabe/adapters/database"
	"tabe/adapters/scc/audit"
)

// Lifetime is how long a session acts on one proof of the second factor. It
// then does not end, because that would be in the middle of an incident: for
// the time of Grace it still looks, and acts again once it is confirmed.
const (
	Lifetime = 12 * time.Hour
	Grace    = 2 * time.Hour
)

// seenEvery is how exactly it is known when a session was last used.
const seenEvery = time.Minute

const maxAgent = 200

// ErrNoSession is returned for a token that is not, or no longer, good.
var ErrNoSession = errors.New("there is no such session")

// Session is one browser in which an operator is signed in.
type Session struct {
	ID        string // says nothing about the token
	Operator  Operator
	Created   time.Time
	Confirmed time.Time
	Seen      time.Time
	Client    Client
}

// Expires is when the session has to be confirmed.
func (s Session) Expires() time.Time { return s.Confirmed.Add(Lifetime) }

// Stale tells whether the session may look, but not act.
func (s Session) Stale(now time.Time) bool { return !now.Before(s.Expires()) }

func beginSession(tx *database.Tx, token, operator string, from Client, now time.Time) error {
	if _, err := tx.Exec(`delete from operator_sessions where confirmed < $1`, database.Micros(now.Add(-Lifetime-Grace))); err != nil {
		return err
	}
	at := database.Micros(now)
	_, err := tx.Exec(`insert into operator_sessions (hash, operator, created, confirmed, seen, address, agent) values ($1, $2, $3, $3, $3, $4, $5)`,
		tokenHash(token), operator, at, from.Address, strings.ToValidUTF8(from.Agent[:min(len(from.Agent), maxAgent)], ""))
	return err
}

func endSessions(tx *database.Tx, operator string) error {
	_, err := tx.Exec(`delete from operator_sessions where operator = $1`, operator)
	return err
}

func tokenHash(token string) string {
	sum := sha256.Sum256([]byte(token))
	return hex.EncodeToString(sum[:])
}

const sessionColumns = `o.name, o.full_name, o.roles, o.unit, o.disabled, o.created, s.hash, s.created, s.confirmed, s.seen, s.address, s.agent
	from operator_sessions s join operators o on o.name = s.operator`

func scanSession(read func(...any) error) (Session, error) {
	var s Session
	var created, confirmed, seen int64
	o, err := scan(read, &s.ID, &created, &confirmed, &seen, &s.Client.Address, &s.Client.Agent)
	s.Operator, s.Created, s.Confirmed, s.Seen = o, database.Time(created), database.Time(confirmed), database.Time(seen)
	return s, err
}

// Session returns the session of a token, or ErrNoSession.
func (s *Store) Session(ctx context.Context, token string) (Session, error) {
	hash := tokenHash(token)
	session, err := scanSession(s.db.QueryRow(ctx, `select `+sessionColumns+` where s.hash = $1 and not o.disabled`, hash).Scan)
	now := s.clock()
	if errors.Is(err, sql.ErrNoRows) || err == nil && !now.Before(session.Expires().Add(Grace)) {
		return Session{}, ErrNoSession
	}
	if err == nil && now.Sub(session.Seen) > seenEvery {
		err = s.db.Do(ctx, func(tx *database.Tx) error {
			_, err := tx.Exec(`update operator_sessions set seen = $1 where hash = $2`, database.Micros(now), hash)
			return err
		})
	}
	return session, failed(err)
}

// Confirm proves the second factor again and lets the session act for another
// Lifetime. The errors are those of SignIn, and ErrNoSession.
func (s *Store) Confirm(ctx context.Context, token, code string) error {
	session, err := s.Session(ctx, token)
	if err != nil {
		return err
	}
	name, now := session.Operator.Name, s.clock()
	refused := false
	err = s.db.Do(ctx, func(tx *database.Tx) error {
		// Only who holds the session can try, so only his own tries count.
		tries := []limit{{s.seal.Hash("failures|session|" + session.ID), 5}}
		if err := admit(tx, now, tries); err != nil {
			return err
		}
		how, err := s.spend(tx, name, code)
		if err != nil {
			return err
		}
		if refused = how == ""; refused {
			_, err := audit.Append(tx, now, name, "operator.refused", "", "")
			return err
		}
		if err := succeed(tx, tries); err != nil {
			return err
		}
		if _, err := tx.Exec(`update operator_sessions set confirmed = $1 where hash = $2`, database.Micros(now), session.ID); err != nil {
			return err
		}
		_, err = audit.Append(tx, now, name, "operator.confirmed", "", how)
		return err
	})
	if err == nil && refused {
		err = ErrCredentials
	}
	return failed(err)
}

// SignOut ends the session of a token.
func (s *Store) SignOut(ctx context.Context, token string) error {
	session, err := s.Session(ctx, token)
	if errors.Is(err, ErrNoSession) {
		return nil
	}
	if err != nil {
		return err
	}
	return s.Revoke(ctx, session.Operator.Name, session.Operator.Name, session.ID)
}

// Sessions returns the sessions of one operator, the newest first.
func (s *Store) Sessions(ctx context.Context, name string) ([]Session, error) {
	rows, err := s.db.Query(ctx, `select `+sessionColumns+` where s.operator = $1 and s.confirmed > $2 order by s.created desc, s.hash`,
		name, database.Micros(s.clock().Add(-Lifetime-Grace)))
	if err != nil {
		return nil, failed(err)
	}
	defer rows.Close()
	var all []Session
	for rows.Next() {
		session, err := scanSession(rows.Scan)
		if err != nil {
			return nil, failed(err)
		}
		all = append(all, session)
	}
	return all, failed(rows.Err())
}

// Revoke ends a session of an operator on behalf of by.
func (s *Store) Revoke(ctx context.Context, by, name, id string) error {
	return failed(s.db.Do(ctx, func(tx *database.Tx) error {
		ended, err := tx.Exec(`delete from operator_sessions where operator = $1 and hash = $2`, name, id)
		if err == nil && ended == 0 {
			return ErrNoSession
		}
		if err != nil {
			return err
		}
		_, err = audit.Append(tx, s.clock(), by, "operator.signed_out", "", name)
		return err
	}))
}

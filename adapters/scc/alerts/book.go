package alerts

import (
	"context"
	"database/sql"
	"encoding/xml"
	"errors"
	"fmt"
	"strconv"
	"time"

	"tabe/adapters/database"
	"tabe/adapters/scc"
)

// Status is how far an alert is.
type Status string

// The statuses.
const (
	Waiting   Status = "waiting" // for a second person
	Published Status = "published"
	Refused   Status = "refused"
)

// Entry is an alert in the book.
type Entry struct {
	ID         int64
	Identifier string
	Incident   string // code; empty: a warning
	District   string // code of the kecamatan that is warned; empty: all of them
	Scope      Scope
	Status     Status
	Alert      Alert
	Drafted    time.Time
	DraftedBy  string
	Decided    time.Time
	DecidedBy  string
	Published  time.Time
}

// The ways in which an act on an alert can fail.
var (
	ErrUnknown    = errors.New("alerts: there is no such alert")
	ErrDecided    = errors.New("alerts: somebody has decided already")
	ErrSamePerson = errors.New("alerts: a second person has to approve")
	ErrForbidden  = errors.New("alerts: no alert may be made of this")
)

// Book keeps the alerts. It is safe for concurrent use, also by several
// processes on one database.
type Book struct {
	DB *database.DB
	// Event writes into the stream of events; audit.Append.
	Event func(tx *database.Tx, at time.Time, actor, kind, incident, body string) (seq int64, err error)
	// Warned is called in the transaction that publishes a warning, nil for
	// nobody: residents of that kecamatan have to be told.
	Warned func(tx *database.Tx, e Entry) error
	Clock  func() time.Time
}

// Draft makes the alert of an incident in the name of an operator. What is for
// agencies is published at once; what is Public waits for Approve.
func (b *Book) Draft(ctx context.Context, by string, i scc.Incident, s Situation) (e Entry, err error) {
	err = b.DB.Do(ctx, func(tx *database.Tx) error {
		s.Sent, s.Version, s.Before = b.Clock(), 1, nil
		if err := b.before(tx, i.Code, &s); err != nil {
			return err
		}
		a, ok := OfIncident(i, s)
		if !ok {
			return ErrForbidden
		}
		e = Entry{Identifier: a.Identifier, Incident: i.Code, District: i.District, Scope: a.Scope, Alert: a}
		return b.write(tx, by, &e)
	})
	return e, err
}

// before fills in the earlier alerts about an incident.
func (b *Book) before(tx *database.Tx, incident string, s *Situation) error {
	rows, err := tx.Query(`select status, document from alerts where incident = $1 order by id`, incident)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var status Status
		var document string
		if err := rows.Scan(&status, &document); err != nil {
			return err
		}
		s.Version++
		if status != Published {
			continue
		}
		var a Alert
		if err := xml.Unmarshal([]byte(document), &a); err != nil {
			return fmt.Errorf("alerts: %w", err)
		}
		s.Before = append(s.Before, a.reference())
	}
	return rows.Err()
}

// Warn drafts a warning that comes from no incident, for a kecamatan or, with
// an empty district, the whole regency. It is Public and waits for Approve.
func (b *Book) Warn(ctx context.Context, by string, w Warning) (e Entry, err error) {
	now := b.Clock()
	a, err := w.alert(now)
	if err != nil {
		return e, err
	}
	err = b.DB.Do(ctx, func(tx *database.Tx) error {
		var number int64
		if err := tx.QueryRow(`select coalesce(max(id), 0) + 1 from alerts`, nil, &number); err != nil {
			return err
		}
		a.Identifier = terms.Domain + "-W" + strconv.FormatInt(number, 10) + "-" + strconv.FormatInt(now.Unix(), 36)
		e = Entry{Identifier: a.Identifier, District: w.District, Scope: Public, Alert: a}
		return b.write(tx, by, &e)
	})
	return e, err
}

// write puts a new alert into the book.
func (b *Book) write(tx *database.Tx, by string, e *Entry) error {
	e.Status, e.Drafted, e.DraftedBy = Waiting, b.Clock().UTC(), by
	var published any
	if e.Scope != Public {
		e.Status, e.Published = Published, e.Drafted
		published = database.Micros(e.Published)
	}
	document, err := e.Alert.XML()
	if err != nil {
		return err
	}
	if err := tx.QueryRow(`insert into alerts (identifier, incident, district, scope, status, document, drafted, drafted_by, published)
		values ($1, $2, $3, $4, $5, $6, $7, $8, $9) returning id`,
		[]any{e.Identifier, e.Incident, e.District, string(e.Scope), string(e.Status), string(document), database.Micros(e.Drafted), by, published}, &e.ID); err != nil {
		return fmt.Errorf("alerts: %w", err)
	}
	return b.event(tx, e.Drafted, by, "alert."+string(e.Status), *e)
}

func (b *Book) event(tx *database.Tx, at time.Time, by, kind string, e Entry) error {
	_, err := b.Event(tx, at, by, kind, e.Incident, `{"alert":"`+e.Identifier+`","scope":"`+string(e.Scope)+`"}`)
	return err
}

// Approve publishes an alert that waits. The one who drafted it cannot.
func (b *Book) Approve(ctx context.Context, by string, id int64) (Entry, error) {
	return b.decide(ctx, by, id, Published)
}

// Refuse ends an alert that waits.
func (b *Book) Refuse(ctx context.Context, by string, id int64) (Entry, error) {
	return b.decide(ctx, by, id, Refused)
}

func (b *Book) decide(ctx context.Context, by string, id int64, to Status) (e Entry, err error) {
	err = b.DB.Do(ctx, func(tx *database.Tx) error {
		if e, err = scan(txRow{tx, `select ` + columns + ` from alerts where id = $1`, []any{id}}); err != nil {
			return err
		}
		switch {
		case e.Status != Waiting:
			return ErrDecided
		case to == Published && e.DraftedBy == by:
			return ErrSamePerson
		}
		now := b.Clock().UTC()
		e.Status, e.Decided, e.DecidedBy = to, now, by
		var published any
		if to == Published {
			e.Published, published = now, database.Micros(now)
			e.Alert.Sent = Time(now)
		}
		document, err := e.Alert.XML()
		if err != nil {
			return err
		}
		changed, err := tx.Exec(`update alerts set status = $1, decided = $2, decided_by = $3, published = $4, document = $5
			where id = $6 and status = 'waiting'`, string(to), database.Micros(now), by, published, string(document), id)
		if err != nil {
			return err
		}
		if changed == 0 {
			return ErrDecided
		}
		if to == Published && e.Incident == "" && b.Warned != nil {
			if err := b.Warned(tx, e); err != nil {
				return err
			}
		}
		return b.event(tx, now, by, "alert."+string(to), e)
	})
	return e, err
}

const columns = `id, identifier, incident, district, scope, status, document, drafted, drafted_by, decided, decided_by, published`

type txRow struct {
	tx    *database.Tx
	query string
	args  []any
}

func (r txRow) Scan(dest ...any) error { return r.tx.QueryRow(r.query, r.args, dest...) }

func scan(row interface{ Scan(...any) error }) (e Entry, err error) {
	var document string
	var drafted int64
	var decided, published sql.NullInt64
	err = row.Scan(&e.ID, &e.Identifier, &e.Incident, &e.District, &e.Scope, &e.Status, &document, &drafted, &e.DraftedBy, &decided, &e.DecidedBy, &published)
	if errors.Is(err, sql.ErrNoRows) {
		return e, ErrUnknown
	}
	if err != nil {
		return e, fmt.Errorf("alerts: %w", err)
	}
	e.Drafted = database.Time(drafted)
	if decided.Valid {
		e.Decided = database.Time(decided.Int64)
	}
	if published.Valid {
		e.Published = database.Time(published.Int64)
	}
	if err := xml.Unmarshal([]byte(document), &e.Alert); err != nil {
		return e, fmt.Errorf("alerts: %s: %w", e.Identifier, err)
	}
	return e, nil
}

// Waiting returns what has to be approved or refused, oldest first.
func (b *Book) Waiting(ctx context.Context) ([]Entry, error) {
	return b.list(ctx, `where status = 'waiting' order by drafted limit $1`, maxListed)
}

// Published returns the newest published alerts since a time; agencies get all
// scopes, others the public ones.
func (b *Book) Published(ctx context.Context, since time.Time, agencies bool) ([]Entry, error) {
	where := `where published >= $1 and scope = 'Public' order by published desc limit $2`
	if agencies {
		where = `where published >= $1 order by published desc limit $2`
	}
	return b.list(ctx, where, database.Micros(since), maxListed)
}

// Of returns the alerts about an incident, oldest first.
func (b *Book) Of(ctx context.Context, incident string) ([]Entry, error) {
	return b.list(ctx, `where incident = $1 order by id limit $2`, incident, maxListed)
}

// maxListed bounds every list: a feed is read over slow lines.
const maxListed = 100

func (b *Book) list(ctx context.Context, where string, args ...any) (entries []Entry, err error) {
	rows, err := b.DB.Query(ctx, `select `+columns+` from alerts `+where, args...)
	if err != nil {
		return nil, fmt.Errorf("alerts: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		e, err := scan(rows)
		if err != nil {
			return nil, err
		}
		entries = append(entries, e)
	}
	return entries, rows.Err()
}

// Find returns a published alert by its identifier; ErrUnknown also for one
// that is not for the public, unless an agency asks.
func (b *Book) Find(ctx context.Context, identifier string, agencies bool) (Entry, error) {
	e, err := scan(b.DB.QueryRow(ctx, `select `+columns+` from alerts where identifier = $1 and status = 'published'`, identifier))
	if err == nil && e.Scope != Public && !agencies {
		return Entry{}, ErrUnknown
	}
	return e, err
}

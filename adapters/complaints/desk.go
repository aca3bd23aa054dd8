package complaints

import (
	"cmp"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"
	"unicode/utf8"

	"tabe/adapters/database"
	"tabe/bot"
	"tabe/bot/ident"
	"tabe/flows/pengaduan"
)

// Post writes a message into the journal in a transaction; store.Store does.
type Post interface {
	Post(tx *database.Tx, m bot.Message, due time.Time) (fresh bool, err error)
}

// Saw records that an operator looked at what belongs to a resident;
// privacy.Saw does.
type Saw func(tx *database.Tx, at time.Time, resident bot.ResidentID, who, what string) error

// Desk is where operators work on complaints. All changes are compare-and-set:
// of two operators who do the same, one gets an error that says who was first.
// Names of operators are as the console knows them. It is safe for concurrent use.
type Desk struct {
	*Register
	catalogue *pengaduan.Catalogue
	post      Post
	saw       Saw
	clock     func() time.Time
}

// NewDesk returns the desk over a register. saw may be nil.
func NewDesk(r *Register, c *pengaduan.Catalogue, post Post, saw Saw, clock func() time.Time) *Desk {
	if saw == nil {
		saw = func(*database.Tx, time.Time, bot.ResidentID, string, string) error { return nil }
	}
	return &Desk{Register: r, catalogue: c, post: post, saw: saw, clock: clock}
}

// Summary is a complaint in a list. It has nothing that tells who it is from.
type Summary struct {
	Number    pengaduan.Number
	Status    pengaduan.Status
	Kind      string // code; "" if none fits
	KindName  string
	Office    string // code
	Kecamatan string
	Desa      string
	Operator  string // who works on it; "": nobody
	Unread    bool   // the resident added something since an operator looked
	Filed     time.Time
	Updated   time.Time // when it came into its status
	Text      string
	Source    string // "resident", or the name of another system
	Reference string // at SP4N-LAPOR!
}

// Complaint is a complaint whole.
type Complaint struct {
	Summary
	Place        pengaduan.Place
	Media        []Media
	Channel      bot.ChannelID // "" if nobody can be answered
	Anonymous    bool
	Confidential bool        // never to be published or handed over
	Name         string      // "" if anonymous or never said
	Phone        ident.Phone // "" if anonymous or unknown
	Answerable   bool        // an answer can reach the resident
	Published    string      // what everybody can read; see Publish
	History      []Event     // oldest first
}

// Event is something that happened to a complaint.
type Event struct {
	id        int64
	At        time.Time
	Who       string // an operator; "": the resident
	Kind      string // filed, added, moved, published, or the status that it came into
	Words     string
	Media     []Media
	Location  *bot.Location
	Reference string
}

var (
	// ErrNotFound is returned for a number that was never given out.
	ErrNotFound = pengaduan.ErrNotFound
	// ErrState is returned for what the status of a complaint does not allow:
	// to answer a closed one, to hand over a confidential one.
	ErrState = errors.New("complaints: not in this status")
	// ErrWords is returned for an answer that is empty or too long.
	ErrWords = fmt.Errorf("complaints: 1 to %d characters are allowed", MaxWords)
	// ErrOffice is returned for an office that does not exist.
	ErrOffice = errors.New("complaints: no such office")
)

// MaxWords is how long, in characters, an answer of an office may be: it is
// read on old phones.
const MaxWords = 600

// HeldError tells that somebody else works on a complaint.
type HeldError struct{ Operator string }

func (e *HeldError) Error() string { return "complaints: " + e.Operator + " works on it" }

// Filter says what List returns; empty fields do not matter.
type Filter struct {
	Status    pengaduan.Status
	Open      bool // every status but closed
	Unread    bool
	Office    string // code
	Operator  string
	Kecamatan string

	Before Cursor // only what was filed before; the zero Cursor: from the newest on
	Limit  int    // 1 to MaxPage; 0: MaxPage
}

// Cursor is a place in the list: the last complaint of a page.
type Cursor struct {
	Filed  time.Time
	Number pengaduan.Number
}

// MaxPage is how many complaints List returns at most.
const MaxPage = 100

// Cursor returns the place of s in the list, for Filter.Before.
func (s Summary) Cursor() Cursor { return Cursor{s.Filed, s.Number} }

const summaryColumns = `number, status, kind, office, kecamatan, desa, operator, unread, filed, updated, body, source, reference`

// List returns complaints, the newest first.
func (d *Desk) List(ctx context.Context, f Filter) ([]Summary, error) {
	if f.Limit <= 0 || f.Limit > MaxPage {
		f.Limit = MaxPage
	}
	before := int64(1<<62 - 1)
	if !f.Before.Filed.IsZero() {
		before = database.Micros(f.Before.Filed)
	}
	rows, err := d.db.Query(ctx, `select `+summaryColumns+` from complaints
		where (filed < $1 or filed = $1 and number > $2)
			and ($3 = '' or status = $3) and (not $4 or status <> 'closed') and (not $5 or unread)
			and ($6 = '' or office = $6) and ($7 = '' or operator = $7) and ($8 = '' or kecamatan = $8)
		order by filed desc, number limit $9`,
		before, string(f.Before.Number), string(f.Status), f.Open, f.Unread, f.Office, f.Operator, f.Kecamatan, f.Limit)
	if err != nil {
		return nil, fmt.Errorf("complaints: list: %w", err)
	}
	defer rows.Close()
	var list []Summary
	for rows.Next() {
		s, _, err := d.summary(rows.Scan)
		if err != nil {
			return nil, fmt.Errorf("complaints: list: %w", err)
		}
		list = append(list, s)
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("complaints: list: %w", err)
	}
	return list, nil
}

// summary reads summaryColumns, and more into rest.
func (d *Desk) summary(scan func(...any) error, rest ...any) (s Summary, b body, err error) {
	var filed, updated int64
	var blob []byte
	columns := []any{&s.Number, &s.Status, &s.Kind, &s.Office, &s.Kecamatan, &s.Desa, &s.Operator, &s.Unread, &filed, &updated, &blob, &s.Source, &s.Reference}
	if err := scan(append(columns, rest...)...); err != nil {
		return s, b, err
	}
	if err := d.open(blob, bodyPlace(s.Number), &b); err != nil {
		return s, b, err
	}
	s.Filed, s.Updated, s.Text, s.KindName = database.Time(filed), database.Time(updated), b.Text, d.catalogue.Kind(s.Kind).Name
	return s, b, nil
}

// Get returns a complaint whole, for an operator who will read it: that he did
// is recorded, and what the resident added is no longer unread.
func (d *Desk) Get(ctx context.Context, n pengaduan.Number, operator string) (c Complaint, err error) {
	err = d.db.Do(ctx, func(tx *database.Tx) error {
		c = Complaint{}
		var resident bot.ResidentID
		var reach []byte
		row := func(dest ...any) error {
			return tx.QueryRow(`select `+summaryColumns+`, resident, contact, anonymous, confidential, published from complaints where number = $1`, []any{n}, dest...)
		}
		var b body
		var err error
		if c.Summary, b, err = d.summary(row, &resident, &reach, &c.Anonymous, &c.Confidential, &c.Published); err != nil {
			return err
		}
		c.Place, c.Media, c.Name = b.Place, b.Media, b.Name
		var to contact
		if err := d.open(reach, contactPlace(n), &to); err != nil {
			return err
		}
		c.Channel, c.Answerable = to.Channel, to.Peer != ""
		if !c.Anonymous {
			if phone, err := ident.ParsePhone(to.Subject); err == nil {
				c.Phone = phone
			}
		}
		if c.History, err = d.events(tx, n, ""); err != nil {
			return err
		}
		c.bringBack(to.Channel)
		if _, err := tx.Exec(`update complaints set unread = false where number = $1 and unread`, n); err != nil {
			return err
		}
		if resident == "" {
			return nil
		}
		return d.saw(tx, d.clock(), resident, operator, "complaint")
	})
	if errors.Is(err, sql.ErrNoRows) {
		return c, ErrNotFound
	}
	if err != nil {
		return c, fmt.Errorf("complaints: get: %w", err)
	}
	return c, nil
}

// bringBack gives the channel to media that were filed before it was kept with
// them: it was that of the complaint.
func (c *Complaint) bringBack(channel bot.ChannelID) {
	if c.Source != sourceResident {
		return
	}
	lists := [][]Media{c.Media}
	for _, e := range c.History {
		lists = append(lists, e.Media)
	}
	for _, list := range lists {
		for i := range list {
			list[i].Channel = cmp.Or(list[i].Channel, channel)
		}
	}
}

// held is what a change needs to know of a complaint.
type held struct {
	status       pengaduan.Status
	operator     string
	office       string
	confidential bool
	contact      []byte
	answered     bool
}

// heldFor is how long a complaint belongs to whoever works on it after its last
// step: then he is ill, or gone, and the resident still waits.
const heldFor = 3 * 24 * time.Hour

// change runs do on a complaint that nobody else works on, in one transaction.
func (d *Desk) change(ctx context.Context, n pengaduan.Number, operator string, do func(tx *database.Tx, h held, now int64) error) error {
	if operator == "" {
		return errors.New("complaints: an operator without a name")
	}
	err := d.db.Do(ctx, func(tx *database.Tx) error {
		var h held
		var answered sql.NullInt64
		var updated int64
		now := d.clock()
		// The update locks the row: on PostgreSQL the second operator waits
		// here, and then finds what the first one did.
		if err := tx.QueryRow(`update complaints set updated = updated where number = $1
			returning status, operator, office, confidential, contact, answered, updated`, []any{n},
			&h.status, &h.operator, &h.office, &h.confidential, &h.contact, &answered, &updated); err != nil {
			return err
		}
		h.answered = answered.Valid
		if h.operator != "" && h.operator != operator && now.Sub(database.Time(updated)) < heldFor {
			return &HeldError{h.operator}
		}
		if h.status == pengaduan.StatusClosed {
			return ErrState
		}
		return do(tx, h, database.Micros(now))
	})
	var somebody *HeldError
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return ErrNotFound
	case err == nil, errors.As(err, &somebody), errors.Is(err, ErrState):
		return err
	}
	return fmt.Errorf("complaints: %w", err)
}

// Take gives a complaint to an operator. Whoever has it already keeps it for
// some days after his last step: *HeldError.
func (d *Desk) Take(ctx context.Context, n pengaduan.Number, operator string) error {
	return d.change(ctx, n, operator, func(tx *database.Tx, h held, now int64) error {
		if h.operator == operator {
			return nil
		}
		return d.step(tx, n, operator, pengaduan.StatusTaken, now, nil)
	})
}

// Release gives a complaint back, so that another operator can take it.
func (d *Desk) Release(ctx context.Context, n pengaduan.Number, operator string) error {
	return d.change(ctx, n, operator, func(tx *database.Tx, h held, now int64) error {
		if h.operator != operator {
			return ErrState
		}
		if _, err := tx.Exec(`update complaints set operator = '' where number = $1`, n); err != nil {
			return err
		}
		if h.status == pengaduan.StatusTaken {
			if _, err := tx.Exec(`update complaints set status = $1, updated = $2 where number = $3`, pengaduan.StatusNew, now, n); err != nil {
				return err
			}
		}
		return d.record(tx, n, now, operator, string(pengaduan.StatusNew), nil)
	})
}

// step moves a complaint into a status.
func (d *Desk) step(tx *database.Tx, n pengaduan.Number, operator string, to pengaduan.Status, now int64, what *note) error {
	if _, err := tx.Exec(`update complaints set status = $1, operator = $2, updated = $3 where number = $4`, to, operator, now, n); err != nil {
		return err
	}
	return d.record(tx, n, now, operator, string(to), what)
}

// Answer sends the words of the office to the resident and keeps them. Whoever
// answers a new complaint has taken it.
func (d *Desk) Answer(ctx context.Context, n pengaduan.Number, operator, words string) error {
	words, err := wording(words, false)
	if err != nil {
		return err
	}
	return d.change(ctx, n, operator, func(tx *database.Tx, h held, now int64) error {
		if err := d.step(tx, n, operator, pengaduan.StatusAnswered, now, &note{Words: words}); err != nil {
			return err
		}
		return d.tell(tx, n, h, now, pengaduan.StatusAnswered, pengaduan.News{Number: n, Office: h.office, Words: words})
	})
}

// Close ends a complaint, with or without last words, and tells the resident.
func (d *Desk) Close(ctx context.Context, n pengaduan.Number, operator, words string) error {
	words, err := wording(words, true)
	if err != nil {
		return err
	}
	return d.change(ctx, n, operator, func(tx *database.Tx, h held, now int64) error {
		if err := d.step(tx, n, operator, pengaduan.StatusClosed, now, &note{Words: words}); err != nil {
			return err
		}
		return d.tell(tx, n, h, now, pengaduan.StatusClosed, pengaduan.News{Number: n, Office: h.office, Words: words})
	})
}

// HandOver records that an operator filed the complaint at SP4N-LAPOR!, under
// which reference, and tells the resident. Confidential ones stay: ErrState.
func (d *Desk) HandOver(ctx context.Context, n pengaduan.Number, operator, reference string) error {
	reference = bot.CleanText(reference)
	if reference == "" || len(reference) > maxReference {
		return ErrWords
	}
	return d.change(ctx, n, operator, func(tx *database.Tx, h held, now int64) error {
		if h.confidential {
			return ErrState
		}
		if err := d.step(tx, n, operator, pengaduan.StatusHanded, now, &note{Reference: reference}); err != nil {
			return err
		}
		if _, err := tx.Exec(`update complaints set reference = $1 where number = $2`, reference, n); err != nil {
			return err
		}
		return d.tell(tx, n, h, now, pengaduan.StatusHanded, pengaduan.News{Number: n, Office: h.office, Reference: reference})
	})
}

const maxReference = 40

// Move gives a complaint to another office.
func (d *Desk) Move(ctx context.Context, n pengaduan.Number, operator, office string) error {
	if !d.catalogue.HasOffice(office) {
		return ErrOffice
	}
	return d.change(ctx, n, operator, func(tx *database.Tx, h held, now int64) error {
		if _, err := tx.Exec(`update complaints set office = $1 where number = $2`, office, n); err != nil {
			return err
		}
		return d.record(tx, n, now, operator, eventMoved, &note{Words: h.office + " > " + office})
	})
}

// Publish lets everybody read a description of the complaint (Open311) that
// the operator wrote or checked: it must not tell who anybody is. Empty words
// take it back. Complaints of a kind that is not public stay in the house: ErrState.
func (d *Desk) Publish(ctx context.Context, n pengaduan.Number, operator, words string) error {
	words, err := wording(words, true)
	if err != nil {
		return err
	}
	return d.change(ctx, n, operator, func(tx *database.Tx, h held, now int64) error {
		var kind string
		if err := tx.QueryRow(`select kind from complaints where number = $1`, []any{n}, &kind); err != nil {
			return err
		}
		if h.confidential || !d.catalogue.Kind(kind).Public {
			return ErrState
		}
		if _, err := tx.Exec(`update complaints set published = $1 where number = $2`, words, n); err != nil {
			return err
		}
		return d.record(tx, n, now, operator, eventPublished, &note{Words: words})
	})
}

func wording(words string, mayBeEmpty bool) (string, error) {
	words = bot.CleanText(words)
	if words == "" && !mayBeEmpty || utf8.RuneCountInString(words) > MaxWords {
		return "", ErrWords
	}
	return words, nil
}

// dialled is the channel on which nobody can be told anything: what belongs to
// it goes to the same telephone by SMS.
const (
	dialled bot.ChannelID = "ussd"
	texted  bot.ChannelID = "sms"
)

// tell keeps the words of the office and posts them to the resident, if he can
// be reached.
func (d *Desk) tell(tx *database.Tx, n pengaduan.Number, h held, now int64, status pengaduan.Status, news pengaduan.News) error {
	if news.Words != "" {
		answer, err := d.sealed(news.Words, answerPlace(n))
		if err != nil {
			return err
		}
		if _, err := tx.Exec(`update complaints set answer = $1 where number = $2`, answer, n); err != nil {
			return err
		}
	}
	if !h.answered {
		if _, err := tx.Exec(`update complaints set answered = $1 where number = $2`, now, n); err != nil {
			return err
		}
	}
	var to contact
	if err := d.open(h.contact, contactPlace(n), &to); err != nil || to.Peer == "" {
		return err
	}
	if to.Channel == dialled {
		to.Channel = texted
	}
	text, err := json.Marshal(news)
	if err != nil {
		return err
	}
	var event int64
	if err := tx.QueryRow(`select max(id) from complaint_events where number = $1`, []any{n}, &event); err != nil {
		return err
	}
	_, err = d.post.Post(tx, bot.Message{
		ID: fmt.Sprintf("complaint/%s/%d", n, event), Channel: to.Channel, Peer: to.Peer, Subject: to.Subject,
		Notice: &bot.Notice{Flow: pengaduan.FlowName, Kind: string(status), Body: text},
	}, time.Time{})
	return err
}

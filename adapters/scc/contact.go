package scc

import (
	"context"
	"database/sql"
	_ "embed"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"tabe/adapters/database"
	"tabe/bot"
	"tabe/bot/ident"
	"tabe/flows/darurat"
)

// Services of contacts, besides the kinds of incidents: their posts.
const (
	Operators   = "operators"   // on shift at the center
	Coordinator = "coordinator" // of the center, and heads of services
	Head        = "head"        // the regency's
	Probe       = "probe"       // a phone for drills
)

// Services returns what a contact can be for.
func Services() []string {
	services := []string{Operators, Coordinator, Head, Probe, "any"}
	for _, k := range darurat.Kinds() {
		services = append(services, string(k))
	}
	return services
}

// Lines of contacts.
const (
	Mobile    = "mobile"
	Landline  = "landline"   // can only be called
	ShortCode = "short_code" // can only be called, by people
	NoLine    = "none"
)

// Contact is a post, an office or a person that can be called.
type Contact struct {
	ID         int64
	Service    string
	Name       string
	District   string // code of the kecamatan; empty: all
	Dial       string // as people dial it
	Phone      string // E.164; empty: cannot be paged
	Line       string
	National   bool // a short number of the country, which nobody here has to verify
	VerifiedAt time.Time
	VerifiedBy string
	Active     bool
	Note       string
}

// verified tells whether the number may be used.
func (k Contact) verified() bool { return k.National || !k.VerifiedAt.IsZero() }

const contactColumns = `id, service, name, district, dial, phone, line, national, verified_at, verified_by, active, note`

func scanContact(row interface{ Scan(...any) error }) (k Contact, err error) {
	var verified sql.NullInt64
	err = row.Scan(&k.ID, &k.Service, &k.Name, &k.District, &k.Dial, &k.Phone, &k.Line, &k.National, &verified, &k.VerifiedBy, &k.Active, &k.Note)
	if verified.Valid {
		k.VerifiedAt = database.Time(verified.Int64)
	}
	return k, err
}

// contacts.csv is the list of 2018 and the country's short numbers. Nobody has
// checked it since.
//
//go:embed contacts.csv
var contactsFile string

// demo.csv has the duty phones of the demo that no list has.
//
//go:embed demo.csv
var demoFile string

// SeedContacts loads the list that is built in if there are no contacts yet.
// In a demo, where every phone is simulated, its numbers count as verified;
// otherwise none of them is paged or told before somebody has called it.
func (c *Center) SeedContacts(ctx context.Context, demo bool) error {
	var n int
	if err := c.DB.QueryRow(ctx, `select count(*) from (select 1 from contacts limit 1) as any_contact`).Scan(&n); err != nil {
		return fmt.Errorf("scc: contacts: %w", err)
	}
	if n > 0 {
		return nil
	}
	verifiedBy := ""
	if demo {
		verifiedBy = "demo"
		if _, err := c.ImportContacts(ctx, strings.NewReader(demoFile), verifiedBy, "system"); err != nil {
			return err
		}
	}
	_, err := c.ImportContacts(ctx, strings.NewReader(contactsFile), verifiedBy, "system")
	return err
}

// maxContacts bounds an import.
const maxContacts = 5000

// ErrContacts is returned for a list that cannot be used; its text says why.
var ErrContacts = errors.New("scc: contacts")

// ImportContacts adds or changes contacts from a CSV file with the columns of
// contacts.csv, all or none. Contacts of the same service, name, kecamatan and
// number stay verified; a number that changed has to be verified anew.
func (c *Center) ImportContacts(ctx context.Context, file io.Reader, verifiedBy, actor string) (n int, err error) {
	reader := csv.NewReader(io.LimitReader(file, 4<<20))
	rows, err := reader.ReadAll()
	if err != nil {
		return 0, fmt.Errorf("%w: %w", ErrContacts, err)
	}
	if len(rows) < 2 || len(rows) > maxContacts || !slices.Equal(rows[0], []string{"service", "name", "district", "dial", "phone", "line", "national", "note"}) {
		return 0, fmt.Errorf("%w: the columns are service,name,district,dial,phone,line,national,note, in at most %d rows", ErrContacts, maxContacts)
	}
	contacts := make([]Contact, 0, len(rows))
	for n, row := range rows[1:] {
		k := Contact{Service: row[0], Name: row[1], District: row[2], Dial: row[3], Phone: row[4], Line: row[5], National: row[6] != "", Active: true, Note: row[7]}
		if err := c.checkContact(k); err != nil {
			return 0, fmt.Errorf("line %d: %w", n+2, err)
		}
		contacts = append(contacts, k)
	}
	err = c.do(ctx, func(tx *database.Tx, now time.Time) error {
		for _, k := range contacts {
			var verified sql.NullInt64
			if verifiedBy != "" && k.Line != NoLine {
				verified = sql.NullInt64{Int64: database.Micros(now), Valid: true}
			}
			if _, err := tx.Exec(`insert into contacts (service, name, district, dial, phone, line, national, verified_at, verified_by, note)
				values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) on conflict (service, name, district, dial) do update set
				verified_at = case when contacts.phone = excluded.phone then contacts.verified_at else excluded.verified_at end,
				phone = excluded.phone, line = excluded.line, national = excluded.national, note = excluded.note, active = true`,
				k.Service, k.Name, k.District, k.Dial, k.Phone, k.Line, k.National, verified, verifiedBy, k.Note); err != nil {
				return err
			}
		}
		return c.event(tx, now, actor, "contacts.imported", "", map[string]any{"rows": len(contacts)})
	})
	if err != nil {
		return 0, fmt.Errorf("scc: contacts: %w", err)
	}
	return len(contacts), nil
}

func (c *Center) checkContact(k Contact) error {
	if !slices.Contains(Services(), k.Service) {
		return fmt.Errorf("%w: there is no service %q", ErrContacts, k.Service)
	}
	if k.Name == "" || len(k.Name) > 80 || len(k.Dial) > 30 || len(k.Note) > 300 {
		return fmt.Errorf("%w: a name is missing, or something is too long", ErrContacts)
	}
	if u, ok := c.Map.Unit(k.District); k.District != "" && (!ok || !u.IsDistrict()) {
		return fmt.Errorf("%w: there is no kecamatan %q", ErrContacts, k.District)
	}
	if !slices.Contains([]string{Mobile, Landline, ShortCode, NoLine}, k.Line) {
		return fmt.Errorf("%w: a line is mobile, landline, short_code or none", ErrContacts)
	}
	if k.Phone != "" {
		if p, err := ident.ParsePhone(k.Phone); err != nil || string(p) != k.Phone {
			return fmt.Errorf("%w: a phone is written +62…", ErrContacts)
		}
	}
	return nil
}

// SaveContact adds a contact (ID 0) or changes one. A number that has changed
// is no longer verified.
func (c *Center) SaveContact(ctx context.Context, k Contact, actor string) (id int64, err error) {
	if err := c.checkContact(k); err != nil {
		return 0, err
	}
	err = c.do(ctx, func(tx *database.Tx, now time.Time) error {
		id = k.ID
		if id == 0 {
			err = tx.QueryRow(`insert into contacts (service, name, district, dial, phone, line, national, active, note)
				values ($1, $2, $3, $4, $5, $6, $7, $8, $9) returning id`,
				[]any{k.Service, k.Name, k.District, k.Dial, k.Phone, k.Line, k.National, k.Active, k.Note}, &id)
		} else {
			var changed int64
			changed, err = tx.Exec(`update contacts set verified_at = case when phone = $1 and dial = $2 then verified_at end,
				service = $3, name = $4, district = $5, dial = $2, phone = $1, line = $6, national = $7, active = $8, note = $9 where id = $10`,
				k.Phone, k.Dial, k.Service, k.Name, k.District, k.Line, k.National, k.Active, k.Note, k.ID)
			if err == nil && changed == 0 {
				err = ErrUnknown
			}
		}
		if err != nil {
			return err
		}
		return c.event(tx, now, actor, "contact.saved", "", map[string]any{"contact": id, "active": k.Active})
	})
	return id, err
}

// VerifyContact notes that somebody called the number and reached the right
// one, or that it is not to be used any more.
func (c *Center) VerifyContact(ctx context.Context, id int64, good bool, actor string) error {
	return c.do(ctx, func(tx *database.Tx, now time.Time) error {
		verified := sql.NullInt64{Int64: database.Micros(now), Valid: good}
		changed, err := tx.Exec(`update contacts set verified_at = $1, verified_by = $2 where id = $3`, verified, actor, id)
		if err == nil && changed == 0 {
			err = ErrUnknown
		}
		if err != nil {
			return err
		}
		return c.event(tx, now, actor, "contact.verified", "", map[string]any{"contact": id, "good": good})
	})
}

// Contacts returns all contacts, those of one service together.
func (c *Center) Contacts(ctx context.Context) ([]Contact, error) {
	rows, err := c.DB.Query(ctx, `select `+contactColumns+` from contacts order by service, district, name, id`)
	if err != nil {
		return nil, fmt.Errorf("scc: contacts: %w", err)
	}
	return readContacts(rows)
}

// txContacts returns the active contacts for a service.
func txContacts(tx *database.Tx, service string) ([]Contact, error) {
	rows, err := tx.Query(`select `+contactColumns+` from contacts where service = $1 and active order by district, id`, service)
	if err != nil {
		return nil, err
	}
	return readContacts(rows)
}

func readContacts(rows *sql.Rows) (all []Contact, err error) {
	defer rows.Close()
	for rows.Next() {
		k, err := scanContact(rows)
		if err != nil {
			return nil, fmt.Errorf("scc: contacts: %w", err)
		}
		all = append(all, k)
	}
	return all, rows.Err()
}

// Unverified returns the contacts that could be used if somebody verified them.
func (c *Center) Unverified(ctx context.Context) ([]Contact, error) {
	all, err := c.Contacts(ctx)
	return slices.DeleteFunc(all, func(k Contact) bool { return k.verified() || !k.Active || k.Line == NoLine }), err
}

// Contact implements darurat.Incidents: the post that would come, if its
// number was verified, else the country's short number.
func (c *Center) Contact(ctx context.Context, kind darurat.Kind, district string) (darurat.Contact, error) {
	if kind == darurat.Violence || district == "" {
		return darurat.Contact{}, nil
	}
	rows, err := c.DB.Query(ctx, `select `+contactColumns+` from contacts where service = $1 and active and not national order by id`, string(kind))
	if err != nil {
		return darurat.Contact{}, fmt.Errorf("scc: contact: %w", err)
	}
	all, err := readContacts(rows)
	if err != nil {
		return darurat.Contact{}, err
	}
	point, _ := c.Map.Point(district)
	callable := func(k Contact) bool { return k.verified() && k.Dial != "" && k.Line != NoLine }
	for _, r := range c.nearest(all, district, point, true) {
		if callable(r.Contact) {
			return darurat.Contact{Name: r.Contact.Name, Number: dialled(r.Contact.Dial)}, nil
		}
	}
	return darurat.Contact{}, nil
}

// dialled writes a number in groups, as people read it.
func dialled(dial string) string {
	if len(dial) < 9 || strings.ContainsAny(dial, "- ") {
		return dial
	}
	if !strings.HasPrefix(dial, "08") { // the code of an area: 0484-23501
		return dial[:4] + "-" + dial[4:]
	}
	var groups []string
	for len(dial) > 4 {
		groups, dial = append(groups, dial[:4]), dial[4:]
	}
	return strings.Join(append(groups, dial), "-")
}

// canReach tells by which of the wanted channels a contact can be paged here.
func (c *Center) canReach(k Contact, wanted []string) []string {
	if k.Phone == "" || !k.verified() {
		return nil
	}
	return slices.DeleteFunc(slices.Clone(wanted), func(channel string) bool {
		return !slices.Contains(c.Channels, bot.ChannelID(channel)) || k.Line != Mobile && channel != VoiceChannel
	})
}

// VoiceChannel calls a phone and reads the text out: the only one that reaches
// a landline.
const VoiceChannel = "voice"

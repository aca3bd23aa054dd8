package complaints

import (
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"fmt"
	"math/big"
	"strings"
	"time"

	"tabe/adapters/database"
	"tabe/bot"
	"tabe/flows/pengaduan"
)

// Gate is what other systems see of the complaints, and how they file some.
// Only kinds that the catalogue calls public are seen, and of them nothing that
// a person wrote or by which he could be found: what it is about, the desa, the
// office, how far it is, and a description if an operator has published one. It
// is safe for concurrent use.
type Gate struct {
	*Register
	catalogue *pengaduan.Catalogue
	places    Places
	clock     func() time.Time
}

// NewGate returns the gate to a register.
func NewGate(r *Register, c *pengaduan.Catalogue, places Places, clock func() time.Time) *Gate {
	return &Gate{Register: r, catalogue: c, places: places, clock: clock}
}

// Public is what everybody may know of a complaint.
type Public struct {
	Number      pengaduan.Number
	Kind        pengaduan.Kind
	Closed      bool
	Status      pengaduan.Status
	Office      string // name
	Filed       time.Time
	Updated     time.Time
	Desa        string
	Kecamatan   string
	Point       *bot.Location // an inner point of the desa; nil if it is unknown
	Description string        // "" unless an operator has published one
	Reference   string        // at SP4N-LAPOR!
}

// Query says which complaints are asked for; empty fields do not matter.
type Query struct {
	Numbers []pengaduan.Number // then nothing else counts
	Kinds   []string           // codes
	Open    bool
	Closed  bool
	From    time.Time // filed in [From, To]
	To      time.Time
}

// MaxPublic is how many complaints are told at once.
const MaxPublic = 1000

// maxNumbers is how many numbers of a Query are looked at.
const maxNumbers = 50

const publicColumns = `number, kind, status, office, filed, updated, desa, kecamatan, published, reference`

// Published returns complaints, the newest first.
func (g *Gate) Published(ctx context.Context, q Query) ([]Public, error) {
	if len(q.Numbers) > 0 {
		var list []Public
		for _, n := range q.Numbers[:min(len(q.Numbers), maxNumbers)] {
			p, err := g.public(g.db.QueryRow(ctx, `select `+publicColumns+` from complaints where number = $1 and not confidential`, n).Scan)
			if errors.Is(err, sql.ErrNoRows) {
				continue
			}
			if err != nil {
				return nil, fmt.Errorf("complaints: published: %w", err)
			}
			if p.Kind.Public {
				list = append(list, p)
			}
		}
		return list, nil
	}
	kinds := q.Kinds
	if len(kinds) == 0 {
		for _, k := range g.catalogue.Kinds {
			kinds = append(kinds, k.Code)
		}
	}
	// As one text, because the two databases have no list in common.
	among := "," + strings.Join(kinds, ",") + ","
	rows, err := g.db.Query(ctx, `select `+publicColumns+` from complaints
		where filed >= $1 and filed <= $2 and not confidential and $3 like '%,' || kind || ',%' and kind <> ''
			and (not $4 or status <> 'closed') and (not $5 or status = 'closed')
		order by filed desc, number limit $6`,
		database.Micros(q.From), database.Micros(q.To), among, q.Open, q.Closed, MaxPublic)
	if err != nil {
		return nil, fmt.Errorf("complaints: published: %w", err)
	}
	defer rows.Close()
	var list []Public
	for rows.Next() {
		p, err := g.public(rows.Scan)
		if err != nil {
			return nil, fmt.Errorf("complaints: published: %w", err)
		}
		if p.Kind.Public {
			list = append(list, p)
		}
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("complaints: published: %w", err)
	}
	return list, nil
}

func (g *Gate) public(scan func(...any) error) (p Public, err error) {
	var kind, office string
	var filed, updated int64
	if err := scan(&p.Number, &kind, &p.Status, &office, &filed, &updated, &p.Desa, &p.Kecamatan, &p.Description, &p.Reference); err != nil {
		return p, err
	}
	p.Kind, p.Office, p.Closed = g.catalogue.Kind(kind), g.catalogue.OfficeName(office), p.Status == pengaduan.StatusClosed
	p.Filed, p.Updated = database.Time(filed), database.Time(updated)
	if at, ok := g.places.Point(p.Desa, p.Kecamatan); ok {
		p.Point = &at
	}
	return p, nil
}

// Foreign is a complaint that another system files.
type Foreign struct {
	Source    string // its name
	Kind      string // code
	Text      string
	Place     pengaduan.Place
	Media     []pengaduan.Media
	Name      string
	Phone     string // kept for the operators; answers go to the other system
	Email     string
	Anonymous bool
}

// Submit writes a complaint and returns its number. What another system says
// of a person is kept like what he had said himself: never shown to everybody.
func (g *Gate) Submit(ctx context.Context, f Foreign) (n pengaduan.Number, err error) {
	k := g.catalogue.Kind(f.Kind)
	office := g.catalogue.General
	if len(k.Offices) > 0 {
		office = k.Offices[0]
	}
	reach := contact{Email: f.Email}
	if f.Phone != "" {
		reach.Subject = "tel:" + f.Phone // no Peer: it never asked to be written to by us
	}
	c := complaint{
		source: f.Source, contact: reach, kind: f.Kind, office: office, confidential: k.Confidential, anonymous: f.Anonymous,
		body: body{Text: f.Text, Place: f.Place, Media: broughtBy("", f.Media), Name: f.Name}, at: database.Micros(g.clock()),
	}
	const tries = 8
	for try := range tries {
		if c.number, err = random(try); err != nil {
			return "", err
		}
		err = g.db.Do(ctx, func(tx *database.Tx) error { return g.insert(tx, c) })
		if err == nil {
			return c.number, nil
		}
		if !errors.Is(err, errTaken) {
			break
		}
	}
	return "", fmt.Errorf("complaints: submit: %w", err)
}

// random returns a number for what did not come with a message, and so has no
// place in the journal. They are longer the more are taken.
func random(try int) (pengaduan.Number, error) {
	size := big.NewInt(1_000_000 << (2 * try))
	n, err := rand.Int(rand.Reader, size)
	if err != nil {
		return "", err
	}
	return pengaduan.NumberOf(pengaduan.FromSystem, n.Int64()), nil
}

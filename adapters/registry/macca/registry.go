// Package macca keeps the social office's extracts (macca.csv) and the table
// of rice distributions (macca.toml), and answers the flow's questions about
// them.
package macca

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"

	"tabe/adapters/database"
	"tabe/adapters/registry/staging"
	"tabe/bot"
	"tabe/bot/ident"
	"tabe/flows/macca"
)

// Registry answers from the extracts that Import has loaded. It implements
// the flow's macca.Registry. Neither a NIK nor a card number is ever read back.
type Registry struct{ db *database.DB }

var _ macca.Registry = (*Registry)(nil)

// New returns the registry in a database.
func New(db *database.DB) *Registry { return &Registry{db: db} }

// newest is the SQL condition that no later load says where the person of row
// m, of load l, belongs.
const newest = `not exists (select 1 from macca_members n join registry_loads k on k.id = n.load
	where n.nik = m.nik and k.sequence > l.sequence)`

// row is what one member's row says of the household.
type row struct {
	macca.Member
	kecamatan, desa string
	card            macca.Card
	decile          int
	aid             []string
	phone           ident.Phone
	sequence        int64
}

// Household returns one family, or macca.ErrNotFound.
func (r *Registry) Household(ctx context.Context, kk ident.KK) (macca.Household, error) {
	h := macca.Household{KK: kk, Card: macca.CardUnknown}
	found, err := r.db.Query(ctx, `select m.nama, m.hubungan, m.tanggal_lahir, m.kecamatan, m.desa, m.status_kartu, m.desil, m.bantuan, m.telepon, l.sequence, l.finished
		from macca_members m join registry_loads l on l.id = m.load
		where m.no_kk = $1 and `+staging.Visible+` and `+newest, string(kk))
	if err != nil {
		return h, err
	}
	defer found.Close()
	var rows []row
	for found.Next() {
		var m row
		var role, born, aid string
		var finished int64
		if err := found.Scan(&m.Name, &role, &born, &m.kecamatan, &m.desa, &m.card, &m.decile, &aid, &m.phone, &m.sequence, &finished); err != nil {
			return h, err
		}
		m.Head = isHead(role)
		if born != "" {
			if m.Born, err = time.ParseInLocation(time.DateOnly, born, bot.WITA); err != nil {
				return h, err
			}
		}
		if aid != "" {
			m.aid = strings.Split(aid, ";")
		}
		if at := database.Time(finished); at.After(h.AsOf) {
			h.AsOf = at
		}
		rows = append(rows, m)
	}
	if err := found.Err(); err != nil {
		return h, err
	}
	if len(rows) == 0 {
		return h, macca.ErrNotFound
	}
	fill(&h, rows)
	return h, nil
}

func isHead(role string) bool {
	role = strings.ToLower(role)
	return strings.Contains(role, "kepala") || role == "kk"
}

// fill makes one household of its members' rows. Where they differ the newest
// holds, and of the newest the head's. Aid that only an older load knows is not
// told: a promise that was taken back is worse than none.
func fill(h *macca.Household, rows []row) {
	slices.SortStableFunc(rows, func(a, b row) int {
		return cmp.Or(cmp.Compare(b.sequence, a.sequence), first(b.Head, a.Head), a.Born.Compare(b.Born), cmp.Compare(a.Name, b.Name))
	})
	for _, m := range rows {
		h.Members = append(h.Members, m.Member)
		h.Kecamatan = cmp.Or(h.Kecamatan, m.kecamatan)
		h.Desa = cmp.Or(h.Desa, m.desa)
		if h.Card == macca.CardUnknown && m.card != "" {
			h.Card = m.card
		}
		h.Decile = cmp.Or(h.Decile, m.decile)
		for _, name := range m.aid {
			if m.sequence == rows[0].sequence && !slices.Contains(h.Aid, name) {
				h.Aid = append(h.Aid, name)
			}
		}
		if m.phone != "" && !slices.Contains(h.Phones, m.phone) {
			h.Phones = append(h.Phones, m.phone)
		}
	}
	slices.SortStableFunc(h.Members, func(a, b macca.Member) int {
		return cmp.Or(first(b.Head, a.Head), a.Born.Compare(b.Born))
	})
}

// first orders true before false when given (b, a).
func first(b, a bool) int {
	switch {
	case a == b:
		return 0
	case a:
		return -1
	}
	return 1
}

// Owned returns the families that the number is registered for now.
func (r *Registry) Owned(ctx context.Context, phone ident.Phone, limit int) ([]ident.KK, error) {
	if phone == "" {
		return nil, nil
	}
	rows, err := r.db.Query(ctx, `select distinct m.no_kk from macca_members m join registry_loads l on l.id = m.load
		where m.telepon = $1 and m.telepon <> '' and `+staging.Visible+` and `+newest+`
		order by m.no_kk limit $2`, string(phone), limit)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var owned []ident.KK
	for rows.Next() {
		var kk ident.KK
		if err := rows.Scan(&kk); err != nil {
			return nil, err
		}
		owned = append(owned, kk)
	}
	return owned, rows.Err()
}

// AsOf returns when the newest extract was loaded.
func (r *Registry) AsOf(ctx context.Context) (time.Time, error) {
	return staging.AsOf(ctx, r.db, registry)
}

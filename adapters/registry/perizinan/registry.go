// Package perizinan keeps the licensing office's extracts (perizinan.csv) and
// answers the flow's questions about them. Of the applicants it keeps nothing
// but the telephone number.
package perizinan

import (
	"context"
	"time"

	"tabe/adapters/database"
	"tabe/adapters/registry/staging"
	"tabe/bot"
	"tabe/bot/ident"
	"tabe/flows/perizinan"
)

// Registry answers from the extracts that Import has loaded. It implements
// the flow's perizinan.Registry.
type Registry struct{ db *database.DB }

var _ perizinan.Registry = (*Registry)(nil)

// New returns the registry in a database.
func New(db *database.DB) *Registry { return &Registry{db: db} }

// Permit returns the permit of a number, or perizinan.ErrNotFound.
func (r *Registry) Permit(ctx context.Context, number perizinan.Number) (perizinan.Permit, error) {
	found, err := r.permits(ctx, "p.key = $1", 1, number.Key())
	if err == nil && len(found) == 0 {
		err = perizinan.ErrNotFound
	}
	if err != nil {
		return perizinan.Permit{}, err
	}
	return found[0], nil
}

// Find returns the permits that bear a serial.
func (r *Registry) Find(ctx context.Context, clue perizinan.Clue, limit int) ([]perizinan.Permit, error) {
	if clue.Entered.IsZero() {
		return r.permits(ctx, "p.serial = $1", limit, clue.Serial)
	}
	return r.permits(ctx, "p.serial = $1 and p.tanggal_masuk = $2", limit, clue.Serial, clue.Entered.Format(time.DateOnly))
}

// Owned returns the permits that bear a telephone number.
func (r *Registry) Owned(ctx context.Context, phone ident.Phone, limit int) ([]perizinan.Permit, error) {
	if phone == "" {
		return nil, nil
	}
	return r.permits(ctx, "p.telepon = $1 and p.telepon <> ''", limit, string(phone))
}

// permits returns what meets a condition, the newest applications first. A row
// that a newer load says again is hidden also before it is swept away, so that
// who handed his application on sees it no more.
func (r *Registry) permits(ctx context.Context, condition string, limit int, args ...any) ([]perizinan.Permit, error) {
	rows, err := r.db.Query(ctx, `select p.nomor, p.jenis_izin, p.tanggal_masuk, p.status, p.tanggal_status, p.keterangan, p.retribusi, p.telepon, l.finished
		from permits p join registry_loads l on l.id = p.load
		where `+condition+` and `+staging.Visible+` and not exists (
			select 1 from permits q join registry_loads m on m.id = q.load where q.key = p.key and m.sequence > l.sequence)
		order by p.tanggal_masuk desc, p.key`, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var found []perizinan.Permit
	for len(found) < limit && rows.Next() {
		var p perizinan.Permit
		var entered, since string
		var finished int64
		if err := rows.Scan(&p.Number, &p.Type, &entered, &p.Status, &since, &p.Note, &p.Fee, &p.Phone, &finished); err != nil {
			return nil, err
		}
		if p.Entered, err = date(entered); err != nil {
			return nil, err
		}
		if p.Since, err = date(since); err != nil {
			return nil, err
		}
		p.AsOf = database.Time(finished)
		found = append(found, p)
	}
	return found, rows.Err()
}

func date(s string) (time.Time, error) {
	if s == "" {
		return time.Time{}, nil
	}
	return time.ParseInLocation(time.DateOnly, s, bot.WITA)
}

// AsOf returns when the newest extract was loaded.
func (r *Registry) AsOf(ctx context.Context) (time.Time, error) {
	return staging.AsOf(ctx, r.db, registry)
}

// Strange returns the office's words for statuses that no step is known for,
// at most limit: residents are told them as they are.
func (r *Registry) Strange(ctx context.Context, limit int) ([]string, error) {
	rows, err := r.db.Query(ctx, `select distinct p.status from permits p join registry_loads l on l.id = p.load where `+staging.Visible+` order by p.status`)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var strange []string
	for len(strange) < limit && rows.Next() {
		var words string
		if err := rows.Scan(&words); err != nil {
			return nil, err
		}
		if perizinan.StepOf(words) == perizinan.Unknown {
			strange = append(strange, words)
		}
	}
	return strange, rows.Err()
}

package macca

import (
	"context"
	"path/filepath"
	"time"

	"tabe/adapters/database"
	"tabe/adapters/registry/extract"
	"tabe/adapters/registry/staging"
)

const registry = "macca"

// Import loads a macca.csv. It replaces the members (nik) that the file names,
// also where they moved from one family card to another, and keeps all others;
// until it returns nil nothing has changed. Refused rows are in
// Report.RejectedPath. A file that is unusable as a whole is an
// *extract.Unusable. Progress is told in bytes; it may be nil.
func Import(ctx context.Context, db *database.DB, path string, progress func(done, total int64)) (extract.Report, error) {
	columns := schema(time.Now())
	begin := func(ctx context.Context) (extract.Load, error) {
		table := staging.Table{Registry: registry, Name: "macca_members", Key: []string{"nik"}}
		for _, c := range columns.Columns {
			table.Columns = append(table.Columns, c.Name)
		}
		l, err := staging.Begin(ctx, db, table, filepath.Base(path))
		return load{l}, err
	}
	return extract.Import(ctx, path, columns, begin, progress)
}

type load struct{ *staging.Load }

func (l load) Add(ctx context.Context, row *extract.Row) error {
	return l.Load.Add(ctx,
		row.Text(noKK), row.Text(nik), row.Text(nama), row.Text(hubungan), row.Text(tanggalLahir), row.Text(kecamatan), row.Text(desa),
		row.Text(noKartu), row.Text(statusKartu), row.Int(desil), row.Text(bantuan), row.Text(telepon))
}

package perizinan

import (
	"context"
	"path/filepath"
	"time"

	"tabe/adapters/database"
	"tabe/adapters/registry/extract"
	"tabe/adapters/registry/staging"
	"tabe/flows/perizinan"
)

const registry = "perizinan"

// table is where the rows are kept; see the migration.
var table = staging.Table{
	Registry: registry, Name: "permits", Key: []string{"key"},
	Columns: []string{"key", "serial", "nomor", "jenis_izin", "tanggal_masuk", "status", "tanggal_status", "keterangan", "retribusi", "telepon"},
}

// Import loads a perizinan.csv. It replaces the permits that the file names and
// keeps all others; until it returns nil nothing has changed. Refused rows are
// in Report.RejectedPath. A file that is unusable as a whole is an
// *extract.Unusable. Progress is told in bytes; it may be nil.
func Import(ctx context.Context, db *database.DB, path string, progress func(done, total int64)) (extract.Report, error) {
	begin := func(ctx context.Context) (extract.Load, error) {
		l, err := staging.Begin(ctx, db, table, filepath.Base(path))
		return load{l}, err
	}
	return extract.Import(ctx, path, schema(time.Now()), begin, progress)
}

type load struct{ *staging.Load }

func (l load) Add(ctx context.Context, row *extract.Row) error {
	number := perizinan.Number(row.Text(nomor))
	return l.Load.Add(ctx, number.Key(), number.Serial(),
		row.Text(nomor), row.Text(jenisIzin), row.Text(tanggalMasuk), row.Text(status), row.Text(tanggalStatus),
		row.Text(keterangan), row.Int(retribusi), row.Text(telepon))
}

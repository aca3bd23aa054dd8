package pbb

import (
	"context"
	"path/filepath"
	"time"

	"tabe/adapters/database"
	"tabe/adapters/registry/extract"
	"tabe/adapters/registry/staging"
)

const registry = "pbb"

// Import loads a pbb.csv. It replaces the assessments (nop, tahun) that the
// file names and keeps all others; until it returns nil nothing has changed.
// Refused rows are in Report.RejectedPath. A file that is unusable as a whole
// is an *extract.Unusable. Progress is told in bytes; it may be nil.
func Import(ctx context.Context, db *database.DB, path string, progress func(done, total int64)) (extract.Report, error) {
	columns := schema(time.Now())
	begin := func(ctx context.Context) (extract.Load, error) {
		table := staging.Table{Registry: registry, Name: "pbb_assessments", Key: []string{"nop", "tahun"}}
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
		row.Text(nop), row.Int(tahun), row.Text(namaWP), row.Text(alamatOP), row.Text(kecamatan), row.Text(desa),
		row.Int(luasBumi), row.Int(luasBangunan), row.Int(njopBumi), row.Int(njopBangunan), row.Int(njoptkp),
		row.Int(pbbTerutang), row.Text(jatuhTempo), row.Text(tanggalBayar), row.Int(jumlahBayar), row.Text(telepon))
}

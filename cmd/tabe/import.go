package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/schollz/progressbar/v3"

	"tabe/adapters/database"
	"tabe/adapters/registry/extract"
	maccaregistry "tabe/adapters/registry/macca"
	pbbregistry "tabe/adapters/registry/pbb"
	permitregistry "tabe/adapters/registry/perizinan"
)

// importCommand loads an extract of an office. Its words are Indonesian: a
// clerk reads them.
type importCommand struct {
	PBB       importPBBCommand     `cmd:"" name:"pbb" help:"The tax office's pbb.csv."`
	Perizinan importPermitsCommand `cmd:"" name:"perizinan" help:"The licensing office's perizinan.csv."`
	Macca     importMaccaCommand   `cmd:"" name:"macca" help:"The social office's macca.csv."`
}

type importPBBCommand struct {
	dataFlag
	File string `arg:"" type:"existingfile" help:"The extract, CSV in UTF-8." placeholder:"FILE.csv"`
}

type importMaccaCommand struct {
	dataFlag
	File string `arg:"" type:"existingfile" help:"The extract, CSV in UTF-8." placeholder:"FILE.csv"`
}

type importPermitsCommand struct {
	dataFlag
	File string `arg:"" type:"existingfile" help:"The extract, CSV in UTF-8." placeholder:"FILE.csv"`
}

// The exit codes of an import.
const (
	someRefused  = 1
	fileUnusable = 2
)

func (c *importPBBCommand) Run(ctx context.Context, std streams) error {
	return runImport(ctx, std, c.dataFlag, c.File, pbbregistry.Import)
}

func (c *importMaccaCommand) Run(ctx context.Context, std streams) error {
	return runImport(ctx, std, c.dataFlag, c.File, maccaregistry.Import)
}

func (c *importPermitsCommand) Run(ctx context.Context, std streams) error {
	const most = 20 // strange words that are shown
	var strange []string
	err := runImport(ctx, std, c.dataFlag, c.File, func(ctx context.Context, db *database.DB, path string, progress func(done, total int64)) (extract.Report, error) {
		report, err := permitregistry.Import(ctx, db, path, progress)
		if err == nil {
			strange, err = permitregistry.New(db).Strange(ctx, most)
		}
		return report, err
	})
	if len(strange) > 0 {
		fmt.Fprintf(std.err, "Status yang belum dikenal; warga membacanya apa adanya: %q\n", strange)
	}
	return err
}

// importer loads one kind of extract.
type importer func(ctx context.Context, db *database.DB, path string, progress func(done, total int64)) (extract.Report, error)

func runImport(ctx context.Context, std streams, data dataFlag, path string, load importer) error {
	db, err := database.Open(ctx, databaseFor(std.getenv, data.Data))
	if err != nil {
		return err
	}
	defer db.Close()
	bar := progressbar.NewOptions64(-1, progressbar.OptionSetWriter(std.err), progressbar.OptionSetDescription("memuat"),
		progressbar.OptionShowBytes(true), progressbar.OptionSetWidth(40), progressbar.OptionThrottle(100*time.Millisecond))
	report, err := load(ctx, db, path, func(done, total int64) {
		if bar.GetMax64() != total {
			bar.ChangeMax64(total)
		}
		_ = bar.Set64(done) // a bar that cannot be drawn harms nobody
	})
	_ = bar.Exit()
	fmt.Fprintln(std.err)
	var unusable *extract.Unusable
	if errors.As(err, &unusable) {
		fmt.Fprintln(std.err, "Berkas tidak dapat dipakai:", unusable)
		return exit(fileUnusable)
	}
	if err != nil {
		return err
	}
	fmt.Fprintf(std.err, "%d baris: %d dimuat, %d ditolak", report.Rows, report.Loaded, report.Refused)
	if report.Warnings > 0 {
		fmt.Fprintf(std.err, ", %d isian dibaca kosong", report.Warnings)
	}
	fmt.Fprintln(std.err, ".")
	if report.Refused > 0 {
		fmt.Fprintln(std.err, "Baris yang ditolak beserta alasannya:", report.RejectedPath)
		return exit(someRefused)
	}
	return nil
}

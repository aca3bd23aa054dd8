package extract

import (
	"context"
	"errors"
	"io"
)

// Load takes the good rows of one file. Nobody sees any of them before Commit.
type Load interface {
	Add(ctx context.Context, row *Row) error
	Commit(ctx context.Context, report Report) error
	// Abort forgets the load; it is called when Commit was not or failed.
	Abort(ctx context.Context)
}

// Report is what became of a file. Counts are of rows; the header and empty
// lines are none.
type Report struct {
	Rows     int
	Loaded   int
	Refused  int
	Warnings int    // cells of loaded rows that were read as empty
	SHA256   string // of the file, in hex

	RejectedPath string // where the refused rows are; "" when there are none
}

// progressEvery is the number of rows between two reports of progress.
const progressEvery = 256

// Import reads a whole file into a load, which begin opens once the header is
// good. Refused rows go to RejectedPath(path). The error is *Unusable when the
// file is at fault; nothing is loaded then. Progress is told in bytes of the
// file; it may be nil.
func Import(ctx context.Context, path string, schema *Schema, begin func(context.Context) (Load, error), progress func(done, total int64)) (Report, error) {
	var report Report
	r, err := Open(path, schema)
	if err != nil {
		return report, err
	}
	defer r.Close()
	load, err := begin(ctx)
	if err != nil {
		return report, err
	}
	rejects := NewRejects(RejectedPath(path), r)
	err = fill(ctx, r, load, rejects, &report, progress)
	if err == nil {
		// The refused rows first: whoever sees the load finds them.
		err = rejects.Publish()
	}
	if err == nil {
		err = load.Commit(ctx, report)
	}
	if err != nil {
		rejects.Discard()
		load.Abort(context.WithoutCancel(ctx))
		return report, err
	}
	if report.Refused > 0 {
		report.RejectedPath = RejectedPath(path)
	}
	return report, nil
}

func fill(ctx context.Context, r *Reader, load Load, rejects *Rejects, report *Report, progress func(done, total int64)) error {
	for {
		row, err := r.Next()
		if progress != nil && (err != nil || report.Rows%progressEvery == 0) {
			progress(r.Progress())
		}
		if errors.Is(err, io.EOF) {
			report.SHA256 = r.Sum()
			return nil
		}
		if err != nil {
			return err
		}
		report.Rows++
		if len(row.Problems) > 0 {
			report.Refused++
			err = rejects.Add(row)
		} else {
			report.Loaded++
			report.Warnings += row.Warnings
			err = load.Add(ctx, row)
		}
		if err != nil {
			return err
		}
	}
}

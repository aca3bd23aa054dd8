package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"

	"tabe/adapters/database"
	"tabe/adapters/unanswered"
	"tabe/bot/understand"
)

// labelCommand lets an operator say what was meant by what nobody understood.
// Its words are Indonesian: an operator reads them.
type labelCommand struct {
	dataFlag
	Export string `help:"Write what was labelled so far as examples (TSV) and end." type:"path" placeholder:"FILE.tsv"`
}

func (c *labelCommand) Run(ctx context.Context, std streams) error {
	db, err := database.Open(ctx, databaseFor(std.getenv, c.Data))
	if err != nil {
		return err
	}
	defer db.Close()
	if c.Export != "" {
		return exportLabels(ctx, std, db, c.Export)
	}
	const batch = 100
	items, err := unanswered.Open(ctx, db, batch)
	if err != nil {
		return err
	}
	if len(items) == 0 {
		fmt.Fprintln(std.out, "Tidak ada pesan yang menunggu.")
		return nil
	}
	intents := understand.Intents()
	for i, intent := range intents {
		fmt.Fprintf(std.out, "%2d %s\n", i+1, intent)
	}
	fmt.Fprintln(std.out, "\nKetik nomor maksudnya; kosong: dugaan itu benar; x: bukan contoh; s: lewati; q: selesai.")
	lines := bufio.NewReader(std.in)
	for _, item := range items {
		label, err := ask(std.out, lines, item, intents)
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return err
		case label == "":
			continue
		}
		if err := unanswered.Label(ctx, db, item.ID, label); err != nil {
			return err
		}
	}
	return nil
}

// ask shows one utterance until the answer can be understood. An empty label
// passes it over; io.EOF ends the work.
func ask(out io.Writer, lines *bufio.Reader, item unanswered.Item, intents []understand.Intent) (label string, err error) {
	for {
		fmt.Fprintf(out, "\n%q (%s, %dx) dugaan: %s\n> ", item.Text, item.Language, item.Times, item.Guess)
		line, err := readLine(lines)
		if err != nil {
			return "", err
		}
		switch answer := strings.ToLower(strings.TrimSpace(line)); answer {
		case "":
			return string(item.Guess), nil
		case "x":
			return unanswered.None, nil
		case "s":
			return "", nil
		case "q":
			return "", io.EOF
		default:
			if n, err := strconv.Atoi(answer); err == nil && n >= 1 && n <= len(intents) {
				return string(intents[n-1]), nil
			}
			fmt.Fprintf(out, "Nomor 1 sampai %d, x, s, q, atau kosong.\n", len(intents))
		}
	}
}

func exportLabels(ctx context.Context, std streams, db *database.DB, path string) error {
	file, err := os.Create(path)
	if err != nil {
		return err
	}
	n, err := unanswered.Export(ctx, db, file)
	if err = errors.Join(err, file.Close()); err != nil {
		return err
	}
	fmt.Fprintf(std.out, "%d contoh ditulis ke %s.\n", n, path)
	return nil
}

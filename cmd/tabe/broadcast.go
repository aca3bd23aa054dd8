package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"time"

	"tabe/adapters/notices"
	"tabe/bot"
)

// broadcastCommand sends a message of an office. Its words are Indonesian: an
// operator reads them.
type broadcastCommand struct {
	Plan  broadcastPlanCommand  `cmd:"" help:"Dry run: count people, segments and money, and print the code that confirms it. Sends nothing."`
	Start broadcastStartCommand `cmd:"" help:"Confirm a planned message: it is sent by the running system."`
	List  broadcastListCommand  `cmd:"" default:"1" help:"Show the messages and how far they have come."`
	Stop  broadcastStopCommand  `cmd:"" help:"Stop a message."`
}

type broadcastPlanCommand struct {
	dataFlag
	File      string `arg:"" type:"existingfile" help:"The message, TOML with kantor, id and, if there is one, bug." placeholder:"FILE.toml"`
	Kecamatan string `help:"Only to those who want the news of this kecamatan; everybody otherwise." placeholder:"NAME"`
}

type broadcastStartCommand struct {
	dataFlag
	Code string `arg:"" help:"The code that the dry run printed."`
}

type broadcastListCommand struct{ dataFlag }

type broadcastStopCommand struct {
	dataFlag
	Number int64 `arg:"" help:"The number of the message in the list."`
}

// withBroadcasts opens the house for one of the commands.
func withBroadcasts(ctx context.Context, std streams, data dataFlag, do func(*notices.Broadcasts) error) error {
	key, err := keyFor(std.getenv, data.Data)
	if err != nil {
		return err
	}
	o := options{
		databaseURL: databaseFor(std.getenv, data.Data), secretKey: key, dataDir: data.Data, inline: true,
		log: slog.New(slog.NewTextHandler(std.err, &slog.HandlerOptions{Level: slog.LevelWarn})),
	}
	a, err := open(ctx, o)
	if err != nil {
		return err
	}
	defer a.close()
	return broadcastProblem(do(a.broadcasts(time.Now)))
}

// broadcastProblem says in the operator's words what he can do about it.
func broadcastProblem(err error) error {
	switch {
	case errors.Is(err, notices.ErrText):
		return errors.New("pesan kosong atau terlalu panjang: paling banyak 2 SMS, nama kantor paling banyak 40 huruf")
	case errors.Is(err, notices.ErrKecamatan):
		return errors.New("kecamatan itu tidak ada di Soppeng")
	case errors.Is(err, notices.ErrNoBroadcast):
		return errors.New("pesan itu tidak ada, atau sudah dimulai, selesai atau dihentikan")
	case errors.Is(err, notices.ErrChanged):
		return errors.New("penerima atau biayanya sekarang lebih banyak daripada waktu dihitung; hitung lagi dengan tabe broadcast plan")
	}
	return err
}

func (c *broadcastPlanCommand) Run(ctx context.Context, std streams) error {
	file, err := os.Open(c.File)
	if err != nil {
		return err
	}
	defer file.Close()
	message, err := notices.ParseBroadcast(file)
	if err != nil {
		return err
	}
	message.Kecamatan = c.Kecamatan
	return withBroadcasts(ctx, std, c.dataFlag, func(b *notices.Broadcasts) error {
		planned, err := b.Plan(ctx, message)
		if err != nil {
			return err
		}
		printPlan(std.out, planned)
		return printBudget(std.out, c.Data, planned.Plan.Cost)
	})
}

func printPlan(out io.Writer, b notices.Broadcast) {
	fmt.Fprintf(out, "Pesan %d, %s, untuk %s\n", b.ID, b.Office, area(b))
	for _, c := range b.Plan.Channels {
		fmt.Fprintf(out, "  %-9s %7d orang  %d segmen  %s\n", c.Channel, c.People, c.Segments, c.Cost)
	}
	fmt.Fprintf(out, "Jumlah: %d orang, %d segmen SMS, paling banyak %s, selesai dalam kira-kira %s (malam tidak dihitung).\n",
		b.Plan.People, b.Plan.Segments, b.Plan.Cost, b.Plan.Lasts.Round(time.Minute))
	fmt.Fprintf(out, "Belum ada yang dikirim. Untuk mengirim: tabe broadcast start %s\n", b.Code)
}

// printBudget says so when a message costs more than a day's money.
func printBudget(out io.Writer, dataDir string, cost bot.Rupiah) error {
	tariffs, err := readTariffs(dataDir)
	if err == nil && tariffs.Daily > 0 && cost > tariffs.Daily {
		fmt.Fprintf(out, "Anggaran sehari %s: sisanya menunggu hari-hari berikutnya.\n", tariffs.Daily)
	}
	return err
}

func area(b notices.Broadcast) string {
	if b.Kecamatan == "" {
		return "semua kecamatan"
	}
	return "kecamatan " + b.Kecamatan
}

func (c *broadcastStartCommand) Run(ctx context.Context, std streams) error {
	return withBroadcasts(ctx, std, c.dataFlag, func(b *notices.Broadcasts) error {
		started, err := b.Confirm(ctx, c.Code)
		if err != nil {
			return err
		}
		fmt.Fprintf(std.out, "Pesan %d akan dikirim ke %d orang oleh sistem yang berjalan. Menghentikan: tabe broadcast stop %d\n", started.ID, started.Plan.People, started.ID)
		return nil
	})
}

func (c *broadcastListCommand) Run(ctx context.Context, std streams) error {
	const shown = 20
	return withBroadcasts(ctx, std, c.dataFlag, func(b *notices.Broadcasts) error {
		list, err := b.List(ctx, shown)
		if err != nil {
			return err
		}
		for _, m := range list {
			fmt.Fprintf(std.out, "%4d  %s  %-24s %s: %s, %d dari %d orang, paling banyak %s\n", m.ID,
				m.Created.In(bot.WITA).Format("2006-01-02 15.04"), m.Office, area(m), progress(m), m.Sent, m.Plan.People, m.Plan.Cost)
		}
		return nil
	})
}

func progress(m notices.Broadcast) string {
	switch {
	case !m.Stopped.IsZero():
		return "dihentikan"
	case !m.Finished.IsZero():
		return "selesai"
	case !m.Confirmed.IsZero():
		return "sedang dikirim"
	}
	return "belum disetujui"
}

func (c *broadcastStopCommand) Run(ctx context.Context, std streams) error {
	return withBroadcasts(ctx, std, c.dataFlag, func(b *notices.Broadcasts) error {
		if err := b.Stop(ctx, c.Number); err != nil {
			return err
		}
		fmt.Fprintf(std.out, "Pesan %d dihentikan. Yang sudah diserahkan dalam satu menit terakhir masih sampai.\n", c.Number)
		return nil
	})
}

package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"tabe/adapters/phone"
	maccaregistry "tabe/adapters/registry/macca"
	maccasample "tabe/adapters/registry/macca/sample"
	pbbregistry "tabe/adapters/registry/pbb"
	pbbsample "tabe/adapters/registry/pbb/sample"
	permitregistry "tabe/adapters/registry/perizinan"
	permitsample "tabe/adapters/registry/perizinan/sample"
	"tabe/adapters/webchat"
	"tabe/ussd"
)

// demoCommand runs everything with sample data and simulated phones.
type demoCommand struct {
	Addr string `help:"Where to listen. The page has no sign-in: keep it on this machine." default:"localhost:8080"`
	Data string `help:"Folder to keep the demo in; a temporary one that is removed at the end, if none is given." type:"path" placeholder:"DIR"`
}

func (c *demoCommand) Run(ctx context.Context, std streams) error {
	if c.Data == "" {
		dir, err := os.MkdirTemp("", "tabe-demo-")
		if err != nil {
			return err
		}
		defer os.RemoveAll(dir)
		c.Data = dir
	}
	key, err := keyFor(std.getenv, c.Data)
	if err != nil {
		return err
	}
	residents, err := phone.Residents()
	if err != nil {
		return err
	}
	phones := phone.New(residents)
	log := slog.New(slog.NewTextHandler(std.err, &slog.HandlerOptions{Level: slog.LevelWarn}))
	o := options{databaseURL: embedded(c.Data), secretKey: key, dataDir: c.Data, channels: phones.Channels(), clock: time.Now, log: log, webChat: &webchat.Config{}}
	a, err := open(ctx, o)
	if err != nil {
		return err
	}
	defer a.close()
	if err := loadSamples(ctx, a, c.Data); err != nil {
		return err
	}
	if err := a.center.SeedContacts(ctx, true); err != nil {
		return err
	}
	page, err := phones.Handler(a.engine)
	if err != nil {
		return err
	}
	listener, err := net.Listen("tcp", loopbackByDefault(c.Addr))
	if err != nil {
		return err
	}
	mux := http.NewServeMux()
	a.health(mux, "")
	mux.Handle("/", page)
	a.mountWebChat(mux, nil)
	mux.Handle("POST /channels/ussd", a.ussd(ussd.AfricasTalking{}, "", log))
	if err := a.mountOpen311(mux, o, "", nil); err != nil {
		return err
	}
	_, port, _ := net.SplitHostPort(listener.Addr().String())
	address := "http://localhost:" + port
	accounts, err := a.mountConsole(mux, o, false)
	if err != nil {
		return err
	}
	agencies := a.mountAgencies(mux, o, address, agencies{})
	fmt.Fprintf(std.err, "Tabe' is ready: %s (Ctrl-C ends it)\n", address)
	if err := demoSignIn(ctx, mux, accounts, std.err, address); err != nil {
		return err
	}
	return together(ctx, a.run, agencies, func(ctx context.Context) error {
		stop := context.AfterFunc(ctx, phones.Close) // open pages would keep the server from ending
		defer stop()
		return serveHTTP(ctx, listener, mux, log)
	})
}

// loopbackByDefault turns ":8080" into an address of this machine only.
func loopbackByDefault(addr string) string {
	if host, port, err := net.SplitHostPort(addr); err == nil && host == "" {
		return net.JoinHostPort("localhost", port)
	}
	return addr
}

// loadSamples imports the sample extracts as a clerk would, except where data
// is there: the demo on a folder of real extracts shows those.
func loadSamples(ctx context.Context, a *app, dir string) error {
	for _, sample := range []struct {
		file, text string
		rules      string // a file beside it, if the stories need one
		asOf       func(context.Context) (time.Time, error)
		load       importer
	}{
		{"macca.csv", maccasample.Residents, maccasample.Rules, maccaregistry.New(a.db).AsOf, maccaregistry.Import},
		{"pbb.csv", pbbsample.Residents, "", pbbregistry.New(a.db).AsOf, pbbregistry.Import},
		{"perizinan.csv", permitsample.Permits, "", permitregistry.New(a.db).AsOf, permitregistry.Import},
	} {
		asOf, err := sample.asOf(ctx)
		if err != nil {
			return err
		}
		if !asOf.IsZero() {
			continue
		}
		path := filepath.Join(dir, sample.file)
		if err := os.WriteFile(path, []byte(sample.text), 0o600); err != nil && !errors.Is(err, fs.ErrExist) {
			return err
		}
		if sample.rules != "" {
			if err := writeNew(strings.TrimSuffix(path, ".csv")+".toml", sample.rules); err != nil {
				return err
			}
		}
		report, err := sample.load(ctx, a.db, path, nil)
		if err == nil && report.Refused > 0 {
			err = fmt.Errorf("the samples have %d bad rows: %s", report.Refused, report.RejectedPath)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// writeNew writes a file unless one is there, which is somebody's own.
func writeNew(path, text string) error {
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return nil
	}
	if err != nil {
		return err
	}
	_, err = file.WriteString(text)
	return errors.Join(err, file.Close())
}

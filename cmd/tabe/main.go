// Command tabe is the one program of Tabe': the services of Kabupaten Soppeng
// on every phone. See README.md, or tabe --help.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
	_ "time/tzdata" // WITA, also where the system has no time zones

	"github.com/alecthomas/kong"
)

// commands is the command line.
type commands struct {
	Demo       demoCommand       `cmd:"" help:"Run everything with sample data, simulated phones and no other server."`
	Serve      serveCommand      `cmd:"" help:"Run in production, configured by the environment (see docs/operation.md)."`
	Chat       chatCommand       `cmd:"" help:"A phone in the terminal. Not on a terminal, each line of standard input is one message."`
	Understand understandCommand `cmd:"" help:"Tell what each line of standard input means."`
	Import     importCommand     `cmd:"" help:"Load an extract of an office (CSV). Exit 1: some rows were refused, 2: the file cannot be used."`
	Flows      flowsCommand      `cmd:"" help:"Print the state machines as Mermaid diagrams."`
	Label      labelCommand      `cmd:"" help:"Say what was meant by what nobody understood."`
	Operator   operatorCommand   `cmd:"" help:"Look after the accounts of the command center."`
	Audit      auditCommand      `cmd:"" help:"Look after the chain of events of the command center."`
	Broadcast  broadcastCommand  `cmd:"" help:"Messages of an office to a kecamatan: dry run, start, list, stop."`
	Costs      costsCommand      `cmd:"" help:"Print what the messages of a month cost, by day and channel, as CSV."`
	Survey     surveyCommand     `cmd:"" help:"Print how satisfied residents were with each service (SKM), as CSV."`
	Drill      drillCommand      `cmd:"" help:"Send a synthetic incident through the running system and see that it arrives. Exit 1: it did not."`
	Check      checkCommand      `cmd:"" help:"Look at the configuration and everything it depends on. Exit 1 if something is down."`
}

// streams is where a command reads and writes: results on out alone, everything
// else on err.
type streams struct {
	in       io.Reader
	out, err io.Writer
	getenv   func(string) string
}

// exit is an error with the exit code that it asks for. Its cause has been told.
type exit int

func (e exit) Error() string { return fmt.Sprintf("exit %d", int(e)) }

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	os.Exit(run(ctx, os.Args[1:], streams{os.Stdin, os.Stdout, os.Stderr, os.Getenv}))
}

// run parses and executes one command line and returns the exit code: 2 for a
// wrong command line, 1 for a failed command, unless the command says otherwise.
func run(ctx context.Context, args []string, std streams) (code int) {
	var cli commands
	exited := -1
	parser, err := kong.New(&cli,
		kong.Name("tabe"),
		kong.Description("Tabe': the services of Kabupaten Soppeng on every phone."),
		kong.Writers(std.out, std.err),
		kong.Exit(func(c int) { exited = c }),
		kong.BindTo(ctx, (*context.Context)(nil)),
		kong.Bind(std),
	)
	if err != nil {
		fmt.Fprintln(std.err, "tabe:", err)
		return 2
	}
	command, err := parser.Parse(args)
	if exited >= 0 { // --help
		return exited
	}
	if err != nil {
		fmt.Fprintln(std.err, "tabe:", err)
		fmt.Fprintln(std.err, "tabe --help lists the commands.")
		return 2
	}
	err = command.Run()
	var asked exit
	switch {
	case err == nil:
		return 0
	case errors.As(err, &asked):
		return int(asked)
	}
	fmt.Fprintln(std.err, "tabe:", err)
	return 1
}

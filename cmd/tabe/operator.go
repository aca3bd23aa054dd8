package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"image/color"
	"io"
	"os"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/boombuler/barcode/qr"
	"golang.org/x/term"

	"tabe/adapters/database"
	"tabe/adapters/scc/operators"
	"tabe/bot"
)

// operatorCommand looks after the accounts of the command center, above all
// the first one: whoever has the terminal of the server has them all.
type operatorCommand struct {
	Add     operatorAddCommand     `cmd:"" help:"Make an account. The password is asked for, or is the first line of standard input."`
	List    operatorListCommand    `cmd:"" help:"List the accounts."`
	Disable operatorDisableCommand `cmd:"" help:"Close an account and end its sessions."`
	Passwd  operatorPasswdCommand  `cmd:"" help:"Change a password, or the second factor."`
}

// byTerminal is who the audit names for what is done here.
const byTerminal = "terminal"

type operatorAddCommand struct {
	dataFlag
	Name     string   `arg:"" help:"What is typed at the sign-in."`
	FullName string   `help:"The operator's own name."`
	Role     []string `help:"operator, supervisor, agency, p2tp2a, auditor or admin; several parted by commas." default:"operator"`
	Unit     string   `help:"The post of an agency."`
}

func (c *operatorAddCommand) Run(ctx context.Context, std streams) error {
	accounts, closeAll, err := openOperators(ctx, std, c.Data)
	if err != nil {
		return err
	}
	defer closeAll()
	password, err := newPassword(std)
	if err != nil {
		return err
	}
	draft := operators.Draft{Name: c.Name, FullName: c.FullName, Unit: c.Unit, Password: password}
	for _, r := range c.Role {
		draft.Roles = append(draft.Roles, operators.Role(strings.TrimSpace(r)))
	}
	enrolment, err := accounts.Add(ctx, byTerminal, draft)
	if err != nil {
		return err
	}
	return printEnrolment(std.out, c.Name, enrolment)
}

type operatorListCommand struct {
	dataFlag
}

func (c *operatorListCommand) Run(ctx context.Context, std streams) error {
	accounts, closeAll, err := openOperators(ctx, std, c.Data)
	if err != nil {
		return err
	}
	defer closeAll()
	all, err := accounts.List(ctx)
	if err != nil {
		return err
	}
	w := tabwriter.NewWriter(std.out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "NAME\tROLES\tUNIT\tSINCE\t\tFULL NAME")
	for _, o := range all {
		state := ""
		if o.Disabled {
			state = "disabled"
		}
		roles := make([]string, len(o.Roles))
		for i, r := range o.Roles {
			roles[i] = string(r)
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\n", o.Name, strings.Join(roles, ","), o.Unit, o.Created.In(bot.WITA).Format("2006-01-02"), state, o.FullName)
	}
	return w.Flush()
}

type operatorDisableCommand struct {
	dataFlag
	Name string `arg:"" help:"Whose account."`
	Undo bool   `help:"Open it again."`
}

func (c *operatorDisableCommand) Run(ctx context.Context, std streams) error {
	accounts, closeAll, err := openOperators(ctx, std, c.Data)
	if err != nil {
		return err
	}
	defer closeAll()
	if c.Undo {
		return accounts.Enable(ctx, byTerminal, c.Name)
	}
	return accounts.Disable(ctx, byTerminal, c.Name)
}

type operatorPasswdCommand struct {
	dataFlag
	Name   string `arg:"" help:"Whose account."`
	Factor bool   `help:"Instead of the password, give a new second factor and new recovery codes."`
}

func (c *operatorPasswdCommand) Run(ctx context.Context, std streams) error {
	accounts, closeAll, err := openOperators(ctx, std, c.Data)
	if err != nil {
		return err
	}
	defer closeAll()
	if c.Factor {
		enrolment, err := accounts.Enrol(ctx, byTerminal, c.Name)
		if err != nil {
			return err
		}
		return printEnrolment(std.out, c.Name, enrolment)
	}
	password, err := newPassword(std)
	if err != nil {
		return err
	}
	return accounts.SetPassword(ctx, byTerminal, c.Name, password)
}

func openOperators(ctx context.Context, std streams, dataDir string) (*operators.Store, func(), error) {
	key, err := keyFor(std.getenv, dataDir)
	if err != nil {
		return nil, nil, err
	}
	db, err := database.Open(ctx, databaseFor(std.getenv, dataDir))
	if err != nil {
		return nil, nil, err
	}
	accounts, err := operators.New(db, key, time.Now)
	return accounts, func() { _ = db.Close() }, err
}

// newPassword asks for a password twice without showing it, or reads the first
// line of what is no terminal.
func newPassword(std streams) (string, error) {
	file, ok := std.in.(*os.File)
	if !ok || !term.IsTerminal(int(file.Fd())) {
		line, err := bufio.NewReader(io.LimitReader(std.in, 4096)).ReadString('\n')
		if err != nil && !errors.Is(err, io.EOF) {
			return "", err
		}
		return strings.TrimRight(line, "\r\n"), nil
	}
	var typed [2]string
	for i, prompt := range []string{"New password: ", "Again: "} {
		fmt.Fprint(std.err, prompt)
		line, err := term.ReadPassword(int(file.Fd()))
		fmt.Fprintln(std.err)
		if err != nil {
			return "", err
		}
		typed[i] = string(line)
	}
	if typed[0] != typed[1] {
		return "", errors.New("the two are not the same")
	}
	return typed[0], nil
}

// printEnrolment shows what the operator gets this one time.
func printEnrolment(out io.Writer, name string, e operators.Enrolment) error {
	picture, err := textQR(e.URL)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(out, "Account %s. Scan this with an authenticator app, or type the secret %s into it:\n\n%s\n%s\n\nRecovery codes, each good once in place of a code of the app. Keep them on paper:\n\n%s\n",
		name, e.Secret, picture, e.URL, strings.Join(e.Recovery, "\n"))
	return err
}

// textQR draws a QR code in characters, two modules in each; light on dark, as
// terminals are.
func textQR(content string) (string, error) {
	code, err := qr.Encode(content, qr.M, qr.Auto)
	if err != nil {
		return "", err
	}
	const quiet = 4 // modules around it, as the standard asks for
	size := code.Bounds().Dx()
	light := func(x, y int) int {
		if x < 0 || y < 0 || x >= size || y >= size {
			return 1
		}
		if color.GrayModel.Convert(code.At(x, y)).(color.Gray).Y > 127 {
			return 1
		}
		return 0
	}
	blocks := [4]string{" ", "▀", "▄", "█"}
	var b strings.Builder
	for y := -quiet; y < size+quiet; y += 2 {
		for x := -quiet; x < size+quiet; x++ {
			b.WriteString(blocks[light(x, y)+2*light(x, y+1)])
		}
		b.WriteByte('\n')
	}
	return b.String(), nil
}

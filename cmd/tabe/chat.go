package main

import (
	"bufio"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"

	"golang.org/x/term"

	"tabe/bot"
	"tabe/bot/ident"
	"tabe/bot/sms"
	"tabe/ussd"
)

// chatCommand is a phone in the terminal.
type chatCommand struct {
	dataFlag
	Channel string `help:"What kind of phone: ${enum}." enum:"sms,whatsapp,telegram,ussd" default:"sms"`
	From    string `help:"Telephone number of the phone." default:"+6281100000499" placeholder:"+62…"`
	JSON    bool   `help:"Print one JSON object for each message." name:"json"`
}

func (c *chatCommand) Run(ctx context.Context, std streams) error {
	from, err := ident.ParsePhone(c.From)
	if err != nil {
		return errors.New("--from is no telephone number")
	}
	key, err := keyFor(std.getenv, c.Data)
	if err != nil {
		return err
	}
	e := &environment{getenv: std.getenv}
	offices := readInterfaces(e)
	if err := errors.Join(e.problems...); err != nil {
		return err
	}
	a, err := open(ctx, options{
		databaseURL: databaseFor(std.getenv, c.Data), secretKey: key, dataDir: c.Data, interfaces: offices, inline: true,
		log: slog.New(slog.NewTextHandler(std.err, &slog.HandlerOptions{Level: slog.LevelWarn})),
	})
	if err != nil {
		return err
	}
	defer a.close()
	t := &terminal{engine: a.engine, channel: bot.ChannelID(c.Channel), from: from, out: std.out, json: c.JSON}
	if file, ok := std.in.(*os.File); ok && term.IsTerminal(int(file.Fd())) && !c.JSON {
		t.prompt = "> "
		fmt.Fprintln(std.err, "tabe chat: write as a resident would; end with Ctrl-D.")
	}
	return t.talk(ctx, std.in)
}

// databaseFor is the database of a command that works on --data: the embedded
// one, or the one that the environment names.
func databaseFor(getenv func(string) string, dataDir string) string {
	if url := getenv("TABE_DATABASE_URL"); url != "" {
		return url
	}
	return embedded(dataDir)
}

// terminal carries lines to the engine and answers back.
type terminal struct {
	engine  *bot.Engine
	channel bot.ChannelID
	from    ident.Phone
	out     io.Writer
	json    bool
	prompt  string
}

// answered is what --json prints for one message.
type answered struct {
	Replies  []shown `json:"replies"`
	Language string  `json:"language"`
	Flow     string  `json:"flow"`
	State    string  `json:"state"`
	End      bool    `json:"end"`
}

type shown struct {
	Text     string       `json:"text"`
	Options  []option     `json:"options"`
	Segments int          `json:"segments"`
	Encoding sms.Encoding `json:"encoding"`
}

type option struct {
	Key   string `json:"key"`
	Label string `json:"label"`
}

// talk sends each line as one message until the input ends.
func (t *terminal) talk(ctx context.Context, in io.Reader) error {
	session := rand.Text()
	if t.channel == ussd.Channel {
		if err := t.send(ctx, bot.Message{ID: session + "/open", Opens: true}); err != nil {
			return err
		}
	}
	lines := bufio.NewReader(in)
	for n := 1; ; n++ {
		fmt.Fprint(t.out, t.prompt)
		line, err := readLine(lines)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if err := t.send(ctx, bot.Message{ID: fmt.Sprint(session, "/", n), Text: line}); err != nil {
			return err
		}
	}
}

// readLine returns the next line without its end. What is longer than a
// message can be is read over. The last line needs no end.
func readLine(r *bufio.Reader) (string, error) {
	var line []byte
	for {
		part, err := r.ReadSlice('\n')
		if len(line) <= bot.MaxText {
			line = append(line, part...)
		}
		switch {
		case err == nil, errors.Is(err, io.EOF) && len(line) > 0:
			return strings.TrimRight(string(line), "\r\n"), nil
		case !errors.Is(err, bufio.ErrBufferFull):
			return "", err
		}
	}
}

func (t *terminal) send(ctx context.Context, m bot.Message) error {
	m.Channel, m.Peer, m.Subject = t.channel, string(t.from), "tel:"+string(t.from)
	texts, err := t.engine.Converse(ctx, m)
	if err != nil {
		return err
	}
	if !t.json {
		for _, text := range texts {
			fmt.Fprintln(t.out, t.show(text))
		}
		return nil
	}
	where, err := t.engine.Position(ctx, m.Subject, t.channel)
	if err != nil {
		return err
	}
	result := answered{Replies: []shown{}, Language: where.Language, Flow: where.Flow, State: where.State}
	for _, text := range texts {
		reply := shown{Text: t.show(text), Options: []option{}}
		for _, o := range text.Options {
			reply.Options = append(reply.Options, option{o.Key, o.Label})
		}
		reply.Encoding, reply.Segments = sms.Segments(reply.Text)
		result.Replies = append(result.Replies, reply)
		result.End = result.End || text.End
	}
	encoder := json.NewEncoder(t.out)
	encoder.SetEscapeHTML(false)
	return encoder.Encode(result)
}

// show is the text as that phone shows it.
func (t *terminal) show(text bot.Text) string {
	switch t.channel {
	case ussd.Channel: // a screen is complete
		return text.Body
	case smsChannel:
		return sms.Fold(text.Numbered())
	}
	return text.Numbered()
}

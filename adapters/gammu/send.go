package gammu

import (
	"context"
	"fmt"
	"strings"
	"unicode/utf16"

	"tabe/bot"
	"tabe/bot/sms"
)

var _ bot.Channel = (*Modem)(nil)

// ID implements bot.Channel.
func (m *Modem) ID() bot.ChannelID { return SMS }

// creator marks our messages among those of other programs.
const creator = "tabe"

// maxParts is how many messages a text may take: the daemon sends about one a
// second, and nobody reads more.
const maxParts = 10

// Send implements bot.Channel: it puts the text into the daemon's outbox, in
// one transaction. What became of it comes as a receipt. Errors are
// *bot.SendError.
func (m *Modem) Send(ctx context.Context, o bot.Outbound) (string, error) {
	text := sms.Fold(o.Text.Numbered())
	encoding, _ := sms.Measure(text)
	parts := sms.Split(text)
	if text == "" || len(parts) > maxParts {
		return "", &bot.SendError{Code: "length", Permanent: true}
	}
	coding := "Default_No_Compression"
	if encoding == sms.UCS2 {
		coding = "Unicode_No_Compression"
	}
	tx, err := m.db.BeginTx(ctx, nil)
	if err != nil {
		return "", &bot.SendError{Code: "database", Err: err}
	}
	defer func() { _ = tx.Rollback() }() // does nothing after the commit
	header := func(n int) any {
		if len(parts) == 1 {
			return nil
		}
		return fmt.Sprintf("050003%02X%02X%02X", byte(o.ID), len(parts), n)
	}
	multi := "false"
	if len(parts) > 1 {
		multi = "true"
	}
	var id int64
	if err := tx.QueryRowContext(ctx, `insert into outbox (DestinationNumber, Coding, UDH, TextDecoded, MultiPart, DeliveryReport, CreatorID)
		values ($1, $2, $3, $4, $5, 'yes', $6) returning ID`, o.Peer, coding, header(1), parts[0], multi, creator).Scan(&id); err != nil {
		return "", &bot.SendError{Code: "database", Err: err}
	}
	for n, part := range parts[1:] {
		if _, err := tx.ExecContext(ctx, `insert into outbox_multipart (ID, SequencePosition, Coding, UDH, TextDecoded) values ($1, $2, $3, $4, $5)`,
			id, n+2, coding, header(n+2), part); err != nil {
			return "", &bot.SendError{Code: "database", Err: err}
		}
	}
	if err := tx.Commit(); err != nil {
		return "", &bot.SendError{Code: "database", Err: err}
	}
	return providerID(id), nil
}

func providerID(id int64) string { return fmt.Sprintf("gammu-%d", id) }

// inUTF8 repairs what a modem cut in the middle of a character.
func inUTF8(s string) string {
	return strings.ToValidUTF8(string(utf16.Decode(utf16.Encode([]rune(s)))), "")
}

package links

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strconv"

	"tabe/adapters/database"
	"tabe/bot"
	"tabe/flows/tautan"
)

// hashed is how a code is kept.
func (l *Links) hashed(code string) string { return l.seal.Hash("link_code|" + code) }

// New implements tautan.Codes.
func (l *Links) New(e bot.Entry) string {
	var random [6]byte
	copy(random[:], l.seal.Hash("link_code_of|"+strconv.FormatInt(e.Seq, 10)+"|"+e.Subject))
	return tautan.CodeOf(random)
}

// show applies tautan.Code.
func (l *Links) show(tx *database.Tx, e bot.Entry, c tautan.Code) error {
	if !isAccount(e.Subject) {
		return nil // it was linked meanwhile
	}
	id := l.seal.Hash(e.Subject)
	body, err := l.sealed("link_codes", id, account{Subject: e.Subject, Peer: e.Peer})
	if err != nil {
		return err
	}
	if _, err := tx.Exec(`delete from link_codes where expires < $1 or account = $2 or code = $3`, database.Micros(l.Clock()), id, l.hashed(c.Code)); err != nil {
		return fmt.Errorf("links: %w", err)
	}
	_, err = tx.Exec(`insert into link_codes (account, code, channel, body, expires) values ($1, $2, $3, $4, $5)`,
		id, l.hashed(c.Code), e.Channel, body, database.Micros(c.Until))
	return err
}

// Asked implements tautan.Codes.
func (l *Links) Asked(ctx context.Context, code string) (c bot.ChannelID, ok bool, err error) {
	err = l.DB.QueryRow(ctx, `select channel from link_codes where code = $1 and expires >= $2`, l.hashed(code), database.Micros(l.Clock())).Scan(&c)
	if errors.Is(err, sql.ErrNoRows) {
		return "", false, nil
	}
	if err != nil {
		return "", false, fmt.Errorf("links: %w", err)
	}
	return c, true, nil
}

// offer applies tautan.Offer: the account that was shown the code is asked. A
// code that is over, or was used by another phone, asks nobody.
func (l *Links) offer(tx *database.Tx, e bot.Entry, o tautan.Offer) error {
	var id string
	var m bot.Message
	var body []byte
	var expires int64
	err := tx.QueryRow(`delete from link_codes where code = $1 and expires >= $2 returning account, channel, body, expires`,
		[]any{l.hashed(o.Code), database.Micros(l.Clock())}, &id, &m.Channel, &body, &expires)
	if errors.Is(err, sql.ErrNoRows) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("links: %w", err)
	}
	a, err := l.opened("link_codes", id, body)
	if err != nil {
		return fmt.Errorf("links: %w", err)
	}
	m.Peer, m.Subject = a.Peer, a.Subject
	return l.tell(tx, e, m, tautan.Offered, tautan.News{Owner: e.Subject, Account: m.Channel, Until: database.Time(expires).Add(tautan.Valid)})
}

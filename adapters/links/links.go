// Package links keeps which account, as of Telegram, belongs to whose telephone
// number, and makes one resident of the two: bot.Link, bot.Unlink and the codes
// of the flow tautan.
package links

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"tabe/adapters/database"
	"tabe/adapters/seal"
	"tabe/adapters/store"
	"tabe/bot"
	"tabe/flows/tautan"
)

// Mail is the journal and what is kept of residents; *store.Store.
type Mail interface {
	Join(tx *database.Tx, e bot.Entry, owner string, join func(owner, account []byte) ([]byte, error)) (bot.ResidentID, error)
	Post(tx *database.Tx, m bot.Message, due time.Time) (fresh bool, err error)
}

// Config is what Links are made of.
type Config struct {
	DB     *database.DB
	Secret []byte // seal.KeyLength bytes
	// Joins give what else is kept of a resident to the one that he is now.
	Joins []func(tx *database.Tx, from, into bot.ResidentID) error
	// Leave ends what a resident is told of by a channel.
	Leave func(tx *database.Tx, resident bot.ResidentID, c bot.ChannelID) error
	// Phones are the channels that reach telephone numbers, the best first. By
	// it a phone is told that it was linked.
	Phones []bot.ChannelID
	Clock  func() time.Time
}

// Links implements tautan.Codes. It is safe for concurrent use.
type Links struct {
	Config
	mail Mail
	seal *seal.Sealer
}

var _ tautan.Codes = (*Links)(nil)

// New returns the links in a database. Connect them before the first message.
func New(c Config) (*Links, error) {
	sealer, err := seal.New(c.Secret)
	return &Links{Config: c, seal: sealer}, err
}

// Connect gives them the store that applies their effects.
func (l *Links) Connect(m Mail) { l.mail = m }

// Effects are what the store has to know to apply the effects of the flow.
func (l *Links) Effects() []store.Effect {
	return []store.Effect{store.On(l.show), store.On(l.offer), store.On(l.link), store.On(l.unlink), store.On(l.erase)}
}

// account is what of a link or a code is encrypted.
type account struct {
	Subject string `json:"s"`
	Peer    string `json:"p"`
	Owner   string `json:"o,omitempty"` // Subject of whose it is
}

func place(table, id string) string { return table + ".body|" + id }

func (l *Links) sealed(table, id string, a account) ([]byte, error) {
	plain, err := json.Marshal(a)
	return l.seal.Seal(plain, place(table, id)), err
}

func (l *Links) opened(table, id string, body []byte) (a account, err error) {
	plain, err := l.seal.Open(body, place(table, id))
	if err == nil {
		err = json.Unmarshal(plain, &a)
	}
	return a, err
}

// isAccount tells whether a subject can belong to somebody known by another
// one: a telephone number is always itself.
func isAccount(subject string) bool { return !strings.HasPrefix(subject, "tel:") }

// Owner is the store's; see store.OnAccept.
func (l *Links) Owner(tx *database.Tx, subject string) (string, error) {
	if !isAccount(subject) {
		return subject, nil
	}
	id := l.seal.Hash(subject)
	if err := l.hold(tx, id, "pg_advisory_xact_lock_shared"); err != nil {
		return "", err
	}
	var body []byte
	err := tx.QueryRow(`select body from links where account = $1`, []any{id}, &body)
	if errors.Is(err, sql.ErrNoRows) {
		return subject, nil
	}
	if err != nil {
		return "", fmt.Errorf("links: %w", err)
	}
	a, err := l.opened("links", id, body)
	return a.Owner, err
}

// hold keeps an account from being linked while one of its messages is written
// down, or the other way round. On SQLite one transaction runs at a time.
func (l *Links) hold(tx *database.Tx, id, how string) error {
	if l.DB.Dialect != database.Postgres {
		return nil
	}
	var nothing any
	if err := tx.QueryRow(`select 1 from (select `+how+`(hashtextextended($1, 17))) as held`, []any{id}, &nothing); err != nil {
		return fmt.Errorf("links: %w", err)
	}
	return nil
}

// link applies bot.Link.
func (l *Links) link(tx *database.Tx, e bot.Entry, link bot.Link) error {
	if !isAccount(e.Subject) || isAccount(link.Owner) {
		return nil // it was linked meanwhile
	}
	now := l.Clock()
	id := l.seal.Hash(e.Subject)
	if err := l.hold(tx, id, "pg_advisory_xact_lock"); err != nil {
		return err
	}
	resident := bot.ResidentID(l.seal.Hash(link.Owner))
	if err := l.release(tx, resident, e.Channel); err != nil { // an account that he had before
		return err
	}
	body, err := l.sealed("links", id, account{Subject: e.Subject, Peer: e.Peer, Owner: link.Owner})
	if err != nil {
		return err
	}
	if _, err := tx.Exec(`insert into links (account, resident, channel, body, created) values ($1, $2, $3, $4, $5)`,
		id, resident, e.Channel, body, database.Micros(now)); err != nil {
		return fmt.Errorf("links: %w", err)
	}
	if _, err := tx.Exec(`delete from link_codes where account = $1`, id); err != nil {
		return fmt.Errorf("links: %w", err)
	}
	linked := bot.Linked{Channel: e.Channel, At: now, Consent: link.Consent}
	if _, err := l.mail.Join(tx, e, link.Owner, func(owner, account []byte) ([]byte, error) { return bot.Join(owner, account, linked) }); err != nil {
		return err
	}
	for _, join := range l.Joins {
		if err := join(tx, e.Resident, resident); err != nil {
			return err
		}
	}
	if len(l.Phones) == 0 {
		return nil
	}
	number, _ := strings.CutPrefix(link.Owner, "tel:")
	return l.tell(tx, e, bot.Message{Channel: l.Phones[0], Peer: number, Subject: link.Owner}, tautan.Joined, tautan.News{Account: e.Channel})
}

// unlink applies bot.Unlink.
func (l *Links) unlink(tx *database.Tx, e bot.Entry, u bot.Unlink) error {
	a, found, err := l.take(tx, e.Resident, u.Channel)
	if err != nil || !found {
		return err
	}
	if err := l.Leave(tx, e.Resident, u.Channel); err != nil {
		return err
	}
	if e.Channel == u.Channel {
		return nil // he is answered there
	}
	return l.tell(tx, e, bot.Message{Channel: u.Channel, Peer: a.Peer, Subject: a.Subject}, tautan.Released, tautan.News{Account: u.Channel})
}

// release takes an account off without a word: another one takes its place.
func (l *Links) release(tx *database.Tx, resident bot.ResidentID, c bot.ChannelID) error {
	_, found, err := l.take(tx, resident, c)
	if err != nil || !found {
		return err
	}
	return l.Leave(tx, resident, c)
}

// take removes the link of a resident on a channel.
func (l *Links) take(tx *database.Tx, resident bot.ResidentID, c bot.ChannelID) (a account, found bool, err error) {
	var id string
	var body []byte
	err = tx.QueryRow(`delete from links where resident = $1 and channel = $2 returning account, body`, []any{resident, c}, &id, &body)
	if errors.Is(err, sql.ErrNoRows) {
		return a, false, nil
	}
	if err == nil {
		a, err = l.opened("links", id, body)
	}
	if err != nil {
		return a, false, fmt.Errorf("links: %w", err)
	}
	return a, true, nil
}

// erase applies bot.Erase: whoever wants to be forgotten is not to be known by
// two names either.
func (l *Links) erase(tx *database.Tx, e bot.Entry, _ bot.Erase) error {
	for _, query := range []string{`delete from links where resident = $1`, `delete from link_codes where account = $1`} {
		if _, err := tx.Exec(query, e.Resident); err != nil {
			return fmt.Errorf("links: %w", err)
		}
	}
	return nil
}

// Prune removes the links, made before a point in time, of residents of whom
// nothing else is left.
func (l *Links) Prune(ctx context.Context, before time.Time) (removed int64, err error) {
	err = l.DB.Do(ctx, func(tx *database.Tx) (err error) {
		removed, err = tx.Exec(`delete from links where created < $1 and not exists (select 1 from residents r where r.id = links.resident)`, database.Micros(before))
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("links: prune: %w", err)
	}
	return removed, nil
}

// tell posts a notice that the message e is the reason of.
func (l *Links) tell(tx *database.Tx, e bot.Entry, m bot.Message, kind string, n tautan.News) error {
	body, err := json.Marshal(n)
	if err != nil {
		return err
	}
	m.ID = "tautan/" + strconv.FormatInt(e.Seq, 10) + "/" + kind
	m.Notice = &bot.Notice{Flow: tautan.Name, Kind: kind, Body: body}
	_, err = l.mail.Post(tx, m, time.Time{})
	return err
}

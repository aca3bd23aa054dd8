// Package webchat is a chat for the regency's own site: a small page that any
// other page can show in a frame, with nobody else's script and no cookie. The
// browser keeps a secret of its own for one visit; who has it is that visitor.
//
// Texts on their way to a page wait in the database, so that it does not
// matter which machine the page talks to.
package webchat

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"sync"
	"time"

	"tabe/adapters/database"
	"tabe/adapters/seal"
	"tabe/bot"
)

// Channel is the channel.
const Channel bot.ChannelID = "web"

// Config is what the chat is made of.
type Config struct {
	DB      *database.DB
	Secret  []byte   // seal.KeyLength bytes
	Origins []string // of the sites that may show the chat: https://soppengkab.go.id; none: only our own
	Clock   func() time.Time
	Log     *slog.Logger
}

// Chat is the channel and its pages. It is safe for concurrent use.
type Chat struct {
	Config
	seal  *seal.Sealer
	files map[string]file
	limit limiter

	mu      sync.Mutex
	waiting map[string]chan struct{} // pages of this process that wait, by session; closed when something comes
}

// New returns the chat.
func New(c Config) (*Chat, error) {
	sealer, err := seal.New(c.Secret)
	if err != nil {
		return nil, err
	}
	chat := &Chat{Config: c, seal: sealer, waiting: map[string]chan struct{}{}}
	chat.limit.clock = c.Clock
	chat.files, err = readFiles()
	return chat, err
}

// secretLength is the number of random bytes of a visitor's secret.
const secretLength = 24

// NewSecret returns the secret of a new visitor.
func NewSecret() string {
	b := make([]byte, secretLength)
	_, _ = rand.Read(b) // never fails
	return hex.EncodeToString(b)
}

// session is what of a secret is stored; false if it is none.
func (c *Chat) session(secret string) (string, bool) {
	if b, err := hex.DecodeString(secret); err != nil || len(b) != secretLength {
		return "", false
	}
	return c.seal.Hash("webchat:" + secret), true
}

// subject is who a visitor is to the engine. It proves no telephone number.
func subject(session string) string { return "web:" + session }

var _ bot.Channel = (*Chat)(nil)

// ID implements bot.Channel.
func (c *Chat) ID() bot.ChannelID { return Channel }

// shown is a text as the page shows it.
type shown struct {
	ID      int64    `json:"id"`
	Text    string   `json:"text"`
	Lang    string   `json:"lang,omitempty"`
	Options []option `json:"options,omitempty"`
	Mine    bool     `json:"mine,omitempty"`
}

type option struct {
	Value string `json:"value"`
	Label string `json:"label"`
}

// Send implements bot.Channel: the text is where the page will find it.
func (c *Chat) Send(ctx context.Context, o bot.Outbound) (string, error) {
	text := shown{Text: o.Text.Body, Lang: o.Text.Language}
	for _, opt := range o.Text.Options {
		text.Options = append(text.Options, option{opt.Value, opt.Label})
	}
	if err := c.keep(ctx, o.Peer, o.ID, text); err != nil {
		return "", &bot.SendError{Code: "database", Err: err}
	}
	return strconv.FormatInt(o.ID, 10), nil
}

// keep writes a text for a session; number makes it one.
func (c *Chat) keep(ctx context.Context, session string, number int64, text shown) error {
	body, err := json.Marshal(text)
	if err != nil {
		return err
	}
	err = c.DB.Do(ctx, func(tx *database.Tx) error {
		_, err := tx.Exec(`insert into webchat_texts (session, sent, created, body) values ($1, $2, $3, $4) on conflict do nothing`,
			session, number, database.Micros(c.Clock()), c.seal.Seal(body, place(number)))
		return err
	})
	if err == nil {
		c.wake(session)
	}
	return err
}

func place(number int64) string { return "webchat_texts.body|" + strconv.FormatInt(number, 10) }

// wake ends the waiting of a page of this process.
func (c *Chat) wake(session string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if w := c.waiting[session]; w != nil {
		close(w)
		delete(c.waiting, session)
	}
}

// news is closed when something comes for a session, in this process.
func (c *Chat) news(session string) <-chan struct{} {
	c.mu.Lock()
	defer c.mu.Unlock()
	w := c.waiting[session]
	if w == nil {
		w = make(chan struct{})
		c.waiting[session] = w
	}
	return w
}

// maxShown is how many texts a page gets at once.
const maxShown = 50

// since returns what came for a session after a text.
func (c *Chat) since(ctx context.Context, session string, after int64) (texts []shown, err error) {
	rows, err := c.DB.Query(ctx, `select id, sent, body from webchat_texts where session = $1 and id > $2 order by id limit $3`, session, after, maxShown)
	if err != nil {
		return nil, fmt.Errorf("webchat: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var id, number int64
		var sealed []byte
		if err := rows.Scan(&id, &number, &sealed); err != nil {
			return nil, fmt.Errorf("webchat: %w", err)
		}
		body, err := c.seal.Open(sealed, place(number))
		if err != nil {
			return nil, err
		}
		var text shown
		if err := json.Unmarshal(body, &text); err != nil {
			return nil, seal.ErrDamaged
		}
		text.ID = id
		texts = append(texts, text)
	}
	return texts, rows.Err()
}

// Kept is how long texts stay for a page that is reloaded.
const Kept = 24 * time.Hour

// Run removes old texts until ctx ends.
func (c *Chat) Run(ctx context.Context) {
	tick := time.NewTicker(time.Hour)
	defer tick.Stop()
	for {
		if err := c.Prune(ctx); err != nil && ctx.Err() == nil {
			c.Log.Error("cannot remove old texts of the web chat", "err", err)
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}

// Prune removes the texts that no page asks for any more.
func (c *Chat) Prune(ctx context.Context) error {
	return c.DB.Do(ctx, func(tx *database.Tx) error {
		_, err := tx.Exec(`delete from webchat_texts where created < $1`, database.Micros(c.Clock().Add(-Kept)))
		return err
	})
}

// Erase removes the texts of a visitor who wants to be forgotten; for store.On.
func (c *Chat) Erase(tx *database.Tx, e bot.Entry, _ bot.Erase) error {
	if e.Channel != Channel {
		return nil
	}
	_, err := tx.Exec(`delete from webchat_texts where session = $1`, e.Peer)
	return err
}

var errSecret = errors.New("webchat: no secret of ours")

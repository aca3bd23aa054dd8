package exchange

import (
	"context"
	"database/sql"
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"tabe/adapters/database"
	"tabe/adapters/scc"
	"tabe/adapters/scc/audit"
)

// Path is where a peer, named behind it, sends its answers, and SchemaPath
// where the shapes of the messages can be read.
const (
	Path       = "/scc/exchange/"
	SchemaPath = "/scc/exchange/schema/"
)

//go:embed schema/*.json
var schemas embed.FS

const (
	maxBody  = 16 << 10
	maxCause = 200 // characters
)

// Handler takes the answers of the peers.
func (x *Exchange) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET "+SchemaPath+"{name}", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/schema+json")
		http.ServeFileFS(w, r, schemas, "schema/"+r.PathValue("name"))
	})
	mux.HandleFunc("POST "+Path+"{peer}", x.receive)
	return mux
}

func (x *Exchange) receive(w http.ResponseWriter, r *http.Request) {
	at := slices.IndexFunc(x.Peers, func(p Peer) bool { return p.Name == r.PathValue("peer") })
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if err != nil {
		http.Error(w, "the message is too long", http.StatusRequestEntityTooLarge)
		return
	}
	// An unknown peer and a wrong signature look the same.
	if at < 0 || verify(x.Peers[at].Secret, x.Clock(), r.Header.Get(timestampHeader), r.Header.Get(signatureHeader), body) != nil {
		http.Error(w, "wrong signature", http.StatusUnauthorized)
		return
	}
	a, err := parseAnswer(body)
	if err != nil {
		http.Error(w, err.Error(), http.StatusUnprocessableEntity)
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), timeout)
	defer cancel()
	switch err := x.keep(ctx, x.Peers[at], a); {
	case errors.Is(err, scc.ErrUnknown):
		http.Error(w, "there is no such incident", http.StatusNotFound)
	case err != nil:
		x.Log.Error("cannot keep a peer's answer", "peer", x.Peers[at].Name, "err", err)
		http.Error(w, "try again later", http.StatusServiceUnavailable)
	default:
		w.WriteHeader(http.StatusNoContent)
	}
}

// answer is an acknowledgement or a completion.
type answer struct {
	shared string
	kind   string // accepted, rejected, completed
	at     time.Time
	cause  string
}

var uuid = regexp.MustCompile(`^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$`)

// parseAnswer reads a message, and tells its sender in English what is wrong with it.
func parseAnswer(body []byte) (a answer, err error) {
	var kind struct {
		Message string `json:"message"`
	}
	if err := json.Unmarshal(body, &kind); err != nil {
		return a, errors.New("the message is no JSON object")
	}
	switch kind.Message {
	case "acknowledgement":
		var m Acknowledgement
		if err := strictly(body, &m); err != nil {
			return a, err
		}
		if m.Status != "accepted" && m.Status != "rejected" {
			return a, errors.New("status is accepted or rejected")
		}
		a = answer{m.SharedIncidentID, m.Status, m.AcknowledgedAt, m.Cause}
	case "completion":
		var m Completion
		if err := strictly(body, &m); err != nil {
			return a, err
		}
		if m.Outcome != "" && !slices.Contains(scc.Outcomes(), scc.Outcome(m.Outcome)) {
			return a, errors.New("no such outcome")
		}
		a = answer{m.SharedIncidentID, "completed", m.CompletedAt, ""}
	default:
		return a, errors.New("message is acknowledgement or completion")
	}
	switch {
	case !uuid.MatchString(a.shared):
		return a, errors.New("sharedIncidentId is no UUID in small letters")
	case a.at.IsZero():
		return a, errors.New("the time is missing")
	case utf8.RuneCountInString(a.cause) > maxCause || strings.ContainsFunc(a.cause, unicode.IsControl):
		return a, fmt.Errorf("cause is at most %d printable characters", maxCause)
	}
	return a, nil
}

func strictly(body []byte, m any) error {
	d := json.NewDecoder(strings.NewReader(string(body)))
	d.DisallowUnknownFields()
	if err := d.Decode(m); err != nil {
		return errors.New("the message does not have the shape of its schema")
	}
	return nil
}

// keep writes an answer down, once. It stops no escalation: only a human being
// whom the command center knows does.
func (x *Exchange) keep(ctx context.Context, p Peer, a answer) error {
	return x.DB.Do(ctx, func(tx *database.Tx) error {
		var incident string
		err := tx.QueryRow(`select incident from exchange_shared where id = $1`, []any{a.shared}, &incident)
		if errors.Is(err, sql.ErrNoRows) {
			return scc.ErrUnknown
		}
		if err != nil {
			return err
		}
		now := x.Clock()
		fresh, err := tx.Exec(`insert into exchange_answers (peer, incident, kind, at, cause) values ($1, $2, $3, $4, $5) on conflict do nothing`,
			p.Name, incident, a.kind, database.Micros(a.at), a.cause)
		if err != nil || fresh == 0 {
			return err
		}
		tx.AfterCommit(x.Events.Wake)
		_, err = audit.Append(tx, now, "exchange", "exchange."+a.kind, incident, `{"peer":"`+p.Name+`"}`)
		return err
	})
}

// Answer is what a peer said about an incident.
type Answer struct {
	Peer, Kind, Cause string
	At                time.Time // by the peer's clock
}

// Answers returns what the peers said about an incident, oldest first.
func (x *Exchange) Answers(ctx context.Context, incident string) ([]Answer, error) {
	rows, err := x.DB.Query(ctx, `select peer, kind, cause, at from exchange_answers where incident = $1 order by at`, incident)
	if err != nil {
		return nil, fmt.Errorf("exchange: %w", err)
	}
	defer rows.Close()
	var all []Answer
	for rows.Next() {
		var a Answer
		var at int64
		if err := rows.Scan(&a.Peer, &a.Kind, &a.Cause, &at); err != nil {
			return nil, fmt.Errorf("exchange: %w", err)
		}
		a.At = database.Time(at)
		all = append(all, a)
	}
	return all, rows.Err()
}

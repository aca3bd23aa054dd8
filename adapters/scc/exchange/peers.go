// Package exchange hands incidents to the systems of other agencies, and takes
// their answers: three messages, incident, acknowledgement and completion, as
// signed webhooks in both directions. Their shapes are in the folder schema.
//
// The queue is the stream of events itself: each peer has a place in it, which
// moves on when the peer has taken a message, so nothing is lost and all comes
// in order. A case of violence is never handed over.
package exchange

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"time"

	"tabe/bot/settings"
	"tabe/flows/darurat"
)

// Peer is a system that gets incidents.
type Peer struct {
	Name      string         `toml:"name"`
	URL       string         `toml:"url"`
	Secret    string         `toml:"secret"` // at least minSecret characters, known to both
	Kinds     []darurat.Kind `toml:"kinds"`
	Districts []string       `toml:"districts"` // codes; none: all
	Tests     bool           `toml:"tests"`     // drills too
}

const minSecret = 24

var names = regexp.MustCompile(`^[a-z][a-z0-9-]{1,30}$`)

// ParsePeers reads the peers of a TOML file: one [[peer]] each.
func ParsePeers(file io.Reader) ([]Peer, error) {
	var f struct {
		Peer []Peer `toml:"peer"`
	}
	if err := settings.Decode(file, &f); err != nil {
		return nil, fmt.Errorf("exchange: %w", err)
	}
	seen := map[string]bool{}
	for i, p := range f.Peer {
		target, err := url.Parse(p.URL)
		switch {
		case !names.MatchString(p.Name):
			return nil, fmt.Errorf("exchange: peer %d: a name is made of small letters, digits and -", i+1)
		case seen[p.Name]:
			return nil, fmt.Errorf("exchange: two peers are called %s", p.Name)
		case err != nil || target.Host == "" || target.Scheme != "https" && target.Scheme != "http" || target.User != nil:
			return nil, fmt.Errorf("exchange: %s: url is no web address", p.Name)
		case len(p.Secret) < minSecret:
			return nil, fmt.Errorf("exchange: %s: the secret needs at least %d characters", p.Name, minSecret)
		case len(p.Kinds) == 0:
			return nil, fmt.Errorf("exchange: %s: kinds are missing", p.Name)
		}
		for _, k := range p.Kinds {
			if k == darurat.Violence || !slices.Contains(darurat.Kinds(), k) {
				return nil, fmt.Errorf("exchange: %s: %q cannot be handed over", p.Name, k)
			}
		}
		seen[p.Name] = true
	}
	return f.Peer, nil
}

// The headers of a signed message.
const (
	timestampHeader = "Tabe-Timestamp" // seconds since 1970
	signatureHeader = "Tabe-Signature" // "v1=" and hex(HMAC-SHA256(secret, timestamp "." body))
)

// maxAge is how old a signed message may be.
const maxAge = 5 * time.Minute

// sign returns the headers of a body.
func sign(secret string, at time.Time, body []byte) (timestamp, signature string) {
	timestamp = strconv.FormatInt(at.Unix(), 10)
	return timestamp, "v1=" + hex.EncodeToString(mac(secret, timestamp, body))
}

func mac(secret, timestamp string, body []byte) []byte {
	h := hmac.New(sha256.New, []byte(secret))
	io.WriteString(h, timestamp+".")
	h.Write(body)
	return h.Sum(nil)
}

var errSignature = errors.New("exchange: wrong signature")

// verify checks the headers of a body.
func verify(secret string, now time.Time, timestamp, signature string, body []byte) error {
	seconds, err := strconv.ParseInt(timestamp, 10, 64)
	if err != nil || now.Sub(time.Unix(seconds, 0)).Abs() > maxAge {
		return errSignature
	}
	given, err := hex.DecodeString(trimVersion(signature))
	if err != nil || !hmac.Equal(given, mac(secret, timestamp, body)) {
		return errSignature
	}
	return nil
}

func trimVersion(signature string) string {
	const version = "v1="
	if len(signature) < len(version) || signature[:len(version)] != version {
		return ""
	}
	return signature[len(version):]
}

package audit

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"
)

// Anchor is the end of the chain at one moment, written "seq:hash". Kept
// outside this machine (in a log book, at the inspectorate) it proves later
// that nothing before it was changed, also against whoever can write a whole
// new chain.
type Anchor struct {
	Seq  int64
	Hash []byte
}

// String returns the anchor as ParseAnchor reads it.
func (a Anchor) String() string {
	return strconv.FormatInt(a.Seq, 10) + ":" + hex.EncodeToString(a.Hash)
}

// ParseAnchor reads what String wrote.
func ParseAnchor(s string) (Anchor, error) {
	number, text, _ := strings.Cut(strings.TrimSpace(s), ":")
	seq, err := strconv.ParseInt(number, 10, 64)
	hash, decodeErr := hex.DecodeString(text)
	if err != nil || decodeErr != nil || seq < 0 || len(hash) != sha256.Size {
		return Anchor{}, fmt.Errorf("audit: %.90q is no anchor: NUMBER:64 hexadecimal digits", s)
	}
	return Anchor{seq, hash}, nil
}

// Broken is the error of Verify for a chain that does not hold.
type Broken struct {
	Seq    int64 // the first event that is not as it was written
	Reason string
}

func (b *Broken) Error() string { return fmt.Sprintf("audit: broken at %d: %s", b.Seq, b.Reason) }

// Verify computes the chain anew from the stored text, from the first event to
// the last, and returns its end. A *Broken error tells where it does not hold.
// It also has to pass through the anchors, if any are given.
func (l *Log) Verify(ctx context.Context, anchors ...Anchor) (Anchor, error) {
	const portion = 1000
	// Events that are committed from now on are not looked at.
	var head Anchor
	if err := l.db.QueryRow(ctx, `select seq, hash from audit_head where id = 1`).Scan(&head.Seq, &head.Hash); err != nil {
		return Anchor{}, fmt.Errorf("audit: %w", err)
	}
	expected := make(map[int64][]byte, len(anchors))
	for _, a := range anchors {
		if a.Seq > head.Seq {
			return Anchor{}, &Broken{head.Seq + 1, "the chain ends before the anchor " + a.String()}
		}
		expected[a.Seq] = a.Hash
	}
	at := Anchor{0, make([]byte, sha256.Size)}
	for at.Seq < head.Seq {
		before := at.Seq
		if err := l.verifyPortion(ctx, &at, min(at.Seq+portion, head.Seq), expected); err != nil {
			return at, err
		}
		if at.Seq == before {
			return at, &Broken{at.Seq + 1, "it is missing"}
		}
	}
	if !bytes.Equal(at.Hash, head.Hash) {
		return at, &Broken{at.Seq, "it is not the one that was written last"}
	}
	return at, nil
}

// verifyPortion moves at forward over the events up to last.
func (l *Log) verifyPortion(ctx context.Context, at *Anchor, last int64, expected map[int64][]byte) error {
	rows, err := l.db.Query(ctx, `select seq, at, actor, kind, incident, body, prev, hash from audit where seq > $1 and seq <= $2 order by seq`, at.Seq, last)
	if err != nil {
		return fmt.Errorf("audit: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var seq, micros int64
		var actor, kind, incident, body string
		var prev, hash []byte
		if err := rows.Scan(&seq, &micros, &actor, &kind, &incident, &body, &prev, &hash); err != nil {
			return fmt.Errorf("audit: %w", err)
		}
		// Not by the function that Append uses: a mistake in it would agree with itself.
		text := bytes.Join([][]byte{
			[]byte(strconv.FormatInt(seq, 10)), []byte(strconv.FormatInt(micros, 10)),
			[]byte(actor), []byte(kind), []byte(incident), []byte(body),
		}, []byte{0x1f})
		want := sha256.Sum256(append(bytes.Clone(at.Hash), text...))
		switch {
		case seq != at.Seq+1:
			return &Broken{at.Seq + 1, "it is missing"}
		case !bytes.Equal(prev, at.Hash):
			return &Broken{seq, "it does not follow the one before"}
		case !bytes.Equal(hash, want[:]):
			return &Broken{seq, "it was changed"}
		case expected[seq] != nil && !bytes.Equal(expected[seq], hash):
			return &Broken{seq, "the chain before it is not the one of the anchor"}
		}
		at.Seq, at.Hash = seq, hash
	}
	if err := rows.Err(); err != nil {
		return fmt.Errorf("audit: %w", err)
	}
	return nil
}

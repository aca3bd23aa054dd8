// Package media fetches the pictures and recordings that residents sent, which
// stay with the provider until somebody wants to see them.
package media

import (
	"context"
	"errors"
	"mime"
	"net/http"
	"strconv"
	"strings"
	"time"

	"tabe/adapters/bounded"
	"tabe/bot"
)

var (
	// ErrTooLarge is returned for what is longer than was asked for.
	ErrTooLarge = bounded.ErrTooLarge
	// ErrGone is returned for what the provider has no more, or never had.
	ErrGone = errors.New("media: the provider has it no more")
	// ErrOff is returned for what came by a channel that nobody has here.
	ErrOff = errors.New("media: the channel is off")
)

// Timeout bounds fetching, for contexts that have no end.
const Timeout = 30 * time.Second

// File is a picture or a recording.
type File struct {
	// Type is its MIME type, by its first bytes; only of sound and moving
	// pictures that nobody can tell by those is the provider believed. It is
	// safe to show with that type and nosniff.
	Type    string
	Content []byte
}

// StatusError is an answer other than 200.
type StatusError int

func (e StatusError) Error() string { return "media: " + e.Code() }

// Code is its name in logs.
func (e StatusError) Code() string { return "http " + strconv.Itoa(int(e)) }

// Read reads an answer, of at most limit bytes, and closes its body.
func Read(response *http.Response, limit int64) (File, error) {
	defer response.Body.Close()
	switch response.StatusCode {
	case http.StatusOK:
	case http.StatusNotFound, http.StatusGone:
		return File{}, ErrGone
	default:
		return File{}, StatusError(response.StatusCode)
	}
	if response.ContentLength > limit {
		return File{}, ErrTooLarge
	}
	content, err := bounded.Read(response.Body, limit)
	if err != nil {
		return File{}, err
	}
	return File{Type: typeOf(content, response.Header.Get("Content-Type")), Content: content}, nil
}

func typeOf(content []byte, said string) string {
	kind := http.DetectContentType(content)
	if said, _, err := mime.ParseMediaType(said); err == nil && (kind == "application/octet-stream" || kind == "application/ogg") &&
		(strings.HasPrefix(said, "audio/") || strings.HasPrefix(said, "video/")) {
		return said
	}
	if kind == "application/ogg" { // a voice note that nobody says is one
		return "audio/ogg"
	}
	return kind
}

// Channels fetch from the provider of each channel.
type Channels map[bot.ChannelID]func(ctx context.Context, ref string, limit int64) (File, error)

// Fetch returns the media behind a bot.Message.MediaRef of a channel, of at most
// limit bytes: ErrTooLarge, ErrGone, ErrOff, or what its provider answers. A
// reference of the provider that had the channel before is gone.
func (c Channels) Fetch(ctx context.Context, channel bot.ChannelID, ref string, limit int64) (File, error) {
	fetch, ok := c[channel]
	if !ok {
		return File{}, ErrOff
	}
	file, err := fetch(ctx, ref, limit)
	if failed := (*bot.SendError)(nil); errors.As(err, &failed) && failed.Permanent {
		err = ErrGone
	}
	return file, err
}

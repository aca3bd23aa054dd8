package telegram

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"strings"

	tgbotapi "github.com/go-telegram-bot-api/telegram-bot-api/v5"

	"tabe/adapters/media"
	"tabe/bot"
)

// maxFile is the largest file that Telegram lets bots have.
const maxFile = 20 << 20

// Fetch returns the media behind a Message.MediaRef of this channel, of at most
// limit bytes: media.ErrTooLarge, media.ErrGone, or a *bot.SendError.
func (b *Bot) Fetch(ctx context.Context, ref string, limit int64) (media.File, error) {
	ctx, cancel := context.WithTimeout(ctx, media.Timeout)
	defer cancel()
	raw, err := b.call(ctx, "getFile", tgbotapi.Params{"file_id": ref})
	if failed := (*bot.SendError)(nil); errors.As(err, &failed) && failed.Permanent {
		return media.File{}, media.ErrGone // "wrong file_id", or too large for bots
	}
	if err != nil {
		return media.File{}, err
	}
	var file struct {
		Path string `json:"file_path"`
		Size int64  `json:"file_size"`
	}
	if err := json.Unmarshal(raw, &file); err != nil {
		return media.File{}, &bot.SendError{Code: "answer", Err: err}
	}
	switch {
	case file.Size > limit:
		return media.File{}, media.ErrTooLarge
	case file.Path == "":
		return media.File{}, media.ErrGone
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, b.config.APIURL+"/file/bot"+b.config.Token+"/"+escape(file.Path), nil)
	if err != nil {
		return media.File{}, &bot.SendError{Code: "address"} // the error would print the token
	}
	response, err := b.http.Do(request)
	if err != nil {
		return media.File{}, failure(err)
	}
	got, err := media.Read(response, limit)
	switch status := media.StatusError(0); {
	case err == nil, errors.Is(err, media.ErrTooLarge), errors.Is(err, media.ErrGone):
		return got, err
	case errors.As(err, &status):
		return got, &bot.SendError{Code: status.Code()}
	default:
		return got, failure(err)
	}
}

// escape makes a path of what Telegram calls a file: nothing in it leads
// anywhere but below the files.
func escape(path string) string {
	parts := strings.Split(path, "/")
	for i, p := range parts {
		if p == ".." || p == "." {
			p = ""
		}
		parts[i] = url.PathEscape(p)
	}
	return strings.Join(parts, "/")
}

package whatsapp

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"strings"

	"tabe/adapters/bounded"
	"tabe/adapters/media"
	"tabe/bot"
)

// Fetch returns the media behind a Message.MediaRef of this channel, of at most
// limit bytes: media.ErrTooLarge, media.ErrGone, or a *bot.SendError.
func (a *Account) Fetch(ctx context.Context, ref string, limit int64) (media.File, error) {
	if ref == "" || strings.Trim(ref, "0123456789") != "" {
		return media.File{}, media.ErrGone
	}
	ctx, cancel := context.WithTimeout(ctx, media.Timeout)
	defer cancel()
	r, err := a.get(ctx, a.config.APIURL+"/"+version+"/"+ref)
	if err != nil {
		return media.File{}, err
	}
	defer r.Body.Close()
	got, err := bounded.Read(r.Body, maxAnswer)
	switch {
	case err != nil:
		return media.File{}, &bot.SendError{Code: "answer", Err: err}
	case r.StatusCode == http.StatusNotFound, r.StatusCode == http.StatusBadRequest:
		return media.File{}, media.ErrGone
	case r.StatusCode != http.StatusOK:
		return media.File{}, refusal(r, got)
	}
	var file struct {
		URL  string `json:"url"`
		Size int64  `json:"file_size"`
	}
	if err := json.Unmarshal(got, &file); err != nil {
		return media.File{}, &bot.SendError{Code: "answer", Err: err}
	}
	switch {
	case file.Size > limit:
		return media.File{}, media.ErrTooLarge
	case !a.ours(file.URL):
		return media.File{}, &bot.SendError{Code: "address"}
	}
	if r, err = a.get(ctx, file.URL); err != nil {
		return media.File{}, err
	}
	f, err := media.Read(r, limit)
	switch status := media.StatusError(0); {
	case err == nil, errors.Is(err, media.ErrTooLarge), errors.Is(err, media.ErrGone):
		return f, err
	case errors.As(err, &status):
		return f, &bot.SendError{Code: status.Code()}
	default:
		return f, &bot.SendError{Code: "unreachable", Err: err}
	}
}

// ours tells whether an address is one that our token may be shown to: Meta's,
// or the one that stands for it.
func (a *Account) ours(raw string) bool {
	u, err := url.Parse(raw)
	if err != nil || u.User != nil {
		return false
	}
	if api, err := url.Parse(a.config.APIURL); err == nil && u.Host == api.Host && u.Scheme == api.Scheme {
		return true
	}
	return u.Scheme == "https" && (strings.HasSuffix(u.Hostname(), ".fbsbx.com") || strings.HasSuffix(u.Hostname(), ".facebook.com"))
}

func (a *Account) get(ctx context.Context, address string) (*http.Response, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, &bot.SendError{Code: "request"}
	}
	r.Header.Set("Authorization", "Bearer "+a.config.Token)
	response, err := a.http.Do(r)
	if err != nil {
		return nil, &bot.SendError{Code: "unreachable", Err: err}
	}
	return response, nil
}

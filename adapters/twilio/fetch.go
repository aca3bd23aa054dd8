package twilio

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"regexp"
	"strings"

	"tabe/adapters/media"
	"tabe/bot"
)

// mediaURL is where Twilio keeps what residents sent, of an account.
var mediaURL = regexp.MustCompile(`^https://api(?:\.[a-z0-9]+)*\.twilio\.com(/2010-04-01/Accounts/([A-Za-z0-9]+)/Messages/[A-Za-z0-9]+/Media/[A-Za-z0-9]+)$`)

// mediaRef returns the address of the first medium, if it is one of ours.
func (a *Account) mediaRef(form url.Values) string {
	ref := form.Get("MediaUrl0")
	if m := mediaURL.FindStringSubmatch(ref); m == nil || m[2] != a.config.AccountSID {
		return ""
	}
	return ref
}

// storage tells whether an address is where Twilio's API leads to: its store
// of media, never anybody else's host.
func storage(u *url.URL) bool {
	if u.Scheme != "https" || u.Port() != "" || u.User != nil {
		return false
	}
	host := strings.ToLower(u.Hostname())
	return strings.HasSuffix(host, ".twiliocdn.com") ||
		strings.HasPrefix(host, "s3") && strings.HasSuffix(host, ".amazonaws.com") && strings.HasPrefix(u.Path, "/media.twiliocdn.com/")
}

// maxHops is how far Twilio may send us on.
const maxHops = 3

// Fetch returns the media behind a Message.MediaRef of these channels, of at
// most limit bytes: media.ErrTooLarge, media.ErrGone, or a *bot.SendError.
func (a *Account) Fetch(ctx context.Context, ref string, limit int64) (media.File, error) {
	ctx, cancel := context.WithTimeout(ctx, media.Timeout)
	defer cancel()
	m := mediaURL.FindStringSubmatch(ref)
	if m == nil || m[2] != a.config.AccountSID {
		return media.File{}, &bot.SendError{Permanent: true, Code: "address"}
	}
	address := ref
	if a.api != nil {
		address = strings.TrimRight(a.api.String(), "/") + m[1]
	}
	response, err := a.get(ctx, address, true)
	if err != nil {
		return media.File{}, err
	}
	for hop := 0; response.StatusCode >= 300 && response.StatusCode < 400; hop++ {
		_ = response.Body.Close()
		next, err := response.Location()
		if err != nil || hop == maxHops || !a.storage(next) {
			return media.File{}, &bot.SendError{Code: "redirected elsewhere"}
		}
		// The address is its own key: our credentials stay here.
		if response, err = a.get(ctx, next.String(), false); err != nil {
			return media.File{}, err
		}
	}
	file, err := media.Read(response, limit)
	switch status := media.StatusError(0); {
	case err == nil, errors.Is(err, media.ErrTooLarge), errors.Is(err, media.ErrGone):
		return file, err
	case errors.As(err, &status):
		return file, &bot.SendError{Code: status.Code()}
	default:
		return file, unreachable(err)
	}
}

func (a *Account) get(ctx context.Context, address string, ours bool) (*http.Response, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, &bot.SendError{Code: "address"}
	}
	if ours {
		request.SetBasicAuth(a.config.AccountSID, a.config.AuthTokens[0])
	}
	response, err := a.http.Do(request)
	if err != nil {
		return nil, unreachable(err)
	}
	return response, nil
}

package console

import (
	"bytes"
	"context"
	"errors"
	"mime"
	"net/http"
	"strings"
	"time"

	"tabe/adapters/media"
	"tabe/bot"
)

// Media fetches what residents sent from the provider of the channel that
// brought it, of at most limit bytes; media.Channels does. It returns
// media.ErrGone, media.ErrTooLarge, media.ErrOff, or any other error of a
// provider that cannot give it now.
type Media interface {
	Fetch(ctx context.Context, c bot.ChannelID, ref string, limit int64) (media.File, error)
}

// Limits of what residents sent. It is in memory while it is shown, never on disk.
const (
	maxMedium = 16 << 20
	maxOpened = 4 // at once, each as large as that
	fetching  = 40 * time.Second
	showing   = time.Minute
)

// medium is a picture, a recording or a file on a page. Nothing is fetched before
// an operator opens it.
type medium struct {
	Kind    string
	At      time.Time
	Channel bot.ChannelID
	ref     string

	File  string // address of its bytes; empty: nobody can open it
	Page  string // address of this page with it in its place; empty: it is shown in a tab of its own
	Back  string // address of this page without it
	ID    string // of its place
	Shown bool
}

// opening is the parameter that names what a page shows in its place.
const opening = "media"

// medium puts what came with a message on the page at base; key tells it from
// others there. Nothing came: nil.
func (s *Console) medium(r *request, base, key string, m medium) *medium {
	if m.Kind == "" {
		return nil
	}
	if s.Media == nil || m.ref == "" || m.Channel == "" {
		return &m
	}
	m.File = base + "/" + opening + "/" + key
	m.ID = opening + "-" + key
	switch m.Kind {
	case bot.MediaPhoto, bot.MediaSticker, bot.MediaVoice, bot.MediaVideo:
		m.Page = base + "?" + opening + "=" + key + "#" + m.ID
		m.Back = base + "#" + m.ID
		m.Shown = r.URL.Query().Get(opening) == key
	}
	return &m
}

// is tells whether a request is for the bytes of m.
func (m *medium) is(r *request) bool {
	return m != nil && m.File != "" && m.ID == opening+"-"+r.PathValue("key")
}

// serveMedium answers with the bytes. Whoever calls it has looked whether the
// operator may see them, and has written down that he did.
func (s *Console) serveMedium(w http.ResponseWriter, r *request, m *medium) error {
	select {
	case s.opened <- struct{}{}:
		defer func() { <-s.opened }()
	case <-r.Context().Done():
		return s.mediumProblem(m, r.Context().Err())
	}
	file, err := s.Media.Fetch(r.Context(), m.Channel, m.ref, maxMedium)
	if err != nil {
		return s.mediumProblem(m, err)
	}
	h := w.Header()
	kind, extension, inPlace := present(file.Type)
	h.Set("Content-Type", kind)
	if !inPlace {
		h.Set("Content-Disposition", mime.FormatMediaType("attachment", map[string]string{"filename": m.ID + extension}))
	}
	// Alone in a tab it is a document of nobody, in which nothing runs.
	h.Set("Content-Security-Policy", "default-src 'none'; img-src 'self'; media-src 'self'; style-src 'unsafe-inline'; sandbox; frame-ancestors 'none'")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("X-Accel-Buffering", "no") // nginx would write it to its disk
	// A browser that does not read must not keep the place of others.
	line := http.NewResponseController(w)
	_ = line.SetWriteDeadline(time.Now().Add(showing))
	defer func() { _ = line.SetWriteDeadline(time.Time{}) }()
	http.ServeContent(w, r.Request, "", time.Time{}, bytes.NewReader(file.Content))
	return nil
}

// present tells how a file of a type is sent: as what, with which ending of its
// name, and whether a browser may show it. What it cannot be trusted with is
// only kept.
func present(found string) (kind, extension string, inPlace bool) {
	base, _, _ := mime.ParseMediaType(found)
	family, _, _ := strings.Cut(base, "/")
	switch {
	case base == "image/svg+xml": // can hold a script
	case family == "image", family == "audio", family == "video":
		return base, "", true
	case base == "application/pdf":
		return base, ".pdf", false
	case base == "application/zip": // also of office programs
		return base, ".zip", false
	}
	return "application/octet-stream", "", false
}

// mediumProblem says what an operator is told.
func (s *Console) mediumProblem(m *medium, err error) error {
	said := struct {
		*medium
		Why   string
		MaxMB int
	}{m, "down", maxMedium >> 20}
	status := http.StatusBadGateway
	switch {
	case errors.Is(err, context.Canceled):
		return err
	case errors.Is(err, media.ErrGone):
		said.Why, status = "gone", http.StatusGone
	case errors.Is(err, media.ErrTooLarge):
		said.Why, status = "large", http.StatusRequestEntityTooLarge
	case errors.Is(err, media.ErrOff):
		said.Why, status = "off", http.StatusNotFound
	default:
		code := "unknown"
		if failed := (*bot.SendError)(nil); errors.As(err, &failed) {
			code = failed.Code
		}
		s.Log.Warn("cannot fetch a medium", "channel", m.Channel, "code", code)
	}
	return refusal{status: status, key: "medium", detail: s.pages.say("medium_problem", said)}
}

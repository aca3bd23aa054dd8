package alerts

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"encoding/xml"
	"errors"
	"log/slog"
	"net/http"
	"strings"
	"time"
)

// Paths of the feed and, with an identifier and ".xml" behind it, of a document.
const (
	FeedPath     = "/scc/cap.atom"
	DocumentPath = "/scc/cap/"
)

// Feed serves the published alerts to other systems. Without a key a caller
// sees what is Public; an agency shows its key as a bearer token and sees all.
type Feed struct {
	Book      *Book
	PublicURL string   // where this program is reached from outside, without a slash at the end
	Keys      []string // of the agencies; none: nobody sees more than the public
	Log       *slog.Logger
}

// Handler returns the handler of both paths.
func (f *Feed) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET "+FeedPath, f.serveFeed)
	mux.HandleFunc("GET "+DocumentPath+"{name}", f.serveDocument)
	return mux
}

// since is how far the feed goes back, and readTimeout how long it may take.
const (
	since       = 30 * 24 * time.Hour
	readTimeout = 5 * time.Second
)

// agency tells whether the caller has a key, and false for ok if it has a wrong one.
func (f *Feed) agency(r *http.Request) (agency, ok bool) {
	token, has := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	if !has {
		return false, r.Header.Get("Authorization") == ""
	}
	given := sha256.Sum256([]byte(token))
	for _, key := range f.Keys {
		known := sha256.Sum256([]byte(key))
		if key != "" && subtle.ConstantTimeCompare(given[:], known[:]) == 1 {
			return true, true
		}
	}
	return false, false
}

// Atom as in RFC 4287, as much of it as the feed needs.
type (
	feed struct {
		XMLName xml.Name `xml:"http://www.w3.org/2005/Atom feed"`
		ID      string   `xml:"id"`
		Title   string   `xml:"title"`
		Updated string   `xml:"updated"`
		Author  author   `xml:"author"`
		Link    []link   `xml:"link"`
		Entry   []entry  `xml:"entry"`
	}
	author struct {
		Name  string `xml:"name"`
		Email string `xml:"email"`
	}
	link struct {
		Rel  string `xml:"rel,attr"`
		Type string `xml:"type,attr"`
		Href string `xml:"href,attr"`
	}
	entry struct {
		ID      string `xml:"id"`
		Title   string `xml:"title"`
		Updated string `xml:"updated"`
		Summary string `xml:"summary,omitempty"`
		Link    link   `xml:"link"`
	}
)

func (f *Feed) serveFeed(w http.ResponseWriter, r *http.Request) {
	agency, ok := f.agency(r)
	if !ok {
		http.Error(w, "unknown key", http.StatusUnauthorized)
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), readTimeout)
	defer cancel()
	entries, err := f.Book.Published(ctx, f.Book.Clock().Add(-since), agency)
	if err != nil {
		f.fail(w, err)
		return
	}
	self := f.PublicURL + FeedPath
	out := feed{
		ID: self, Title: terms.Name, Author: author{terms.Name, terms.Sender},
		Link: []link{{"self", "application/atom+xml", self}},
		// A feed without an entry is as old as the day it is read.
		Updated: f.Book.Clock().In(wita).Truncate(24 * time.Hour).Format(time.RFC3339),
	}
	if len(entries) > 0 {
		out.Updated = entries[0].Published.In(wita).Format(time.RFC3339)
	}
	for _, e := range entries {
		url := f.PublicURL + DocumentPath + e.Identifier + ".xml"
		info := e.Alert.Info[0]
		out.Entry = append(out.Entry, entry{
			ID: url, Title: info.Headline, Updated: e.Published.In(wita).Format(time.RFC3339), Summary: info.Description,
			Link: link{"alternate", "application/cap+xml", url},
		})
	}
	body, err := xml.MarshalIndent(out, "", "  ")
	if err != nil {
		f.fail(w, err)
		return
	}
	f.write(w, r, "application/atom+xml; charset=utf-8", agency, append([]byte(xml.Header), body...))
}

func (f *Feed) serveDocument(w http.ResponseWriter, r *http.Request) {
	agency, ok := f.agency(r)
	if !ok {
		http.Error(w, "unknown key", http.StatusUnauthorized)
		return
	}
	name, isXML := strings.CutSuffix(r.PathValue("name"), ".xml")
	if !isXML {
		http.NotFound(w, r)
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), readTimeout)
	defer cancel()
	e, err := f.Book.Find(ctx, name, agency)
	if errors.Is(err, ErrUnknown) {
		http.NotFound(w, r)
		return
	}
	if err != nil {
		f.fail(w, err)
		return
	}
	body, err := e.Alert.XML()
	if err != nil {
		f.fail(w, err)
		return
	}
	f.write(w, r, "application/cap+xml; charset=utf-8", agency, body)
}

// write answers, or says that nothing has changed.
func (f *Feed) write(w http.ResponseWriter, r *http.Request, contentType string, agency bool, body []byte) {
	sum := sha256.Sum256(body)
	tag := `"` + hex.EncodeToString(sum[:12]) + `"`
	w.Header().Set("ETag", tag)
	w.Header().Set("Vary", "Authorization")
	w.Header().Set("Cache-Control", "public, max-age=30")
	if agency {
		w.Header().Set("Cache-Control", "private, no-cache")
	}
	if r.Header.Get("If-None-Match") == tag {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	w.Header().Set("Content-Type", contentType)
	w.Header().Set("X-Content-Type-Options", "nosniff")
	_, _ = w.Write(body) // the caller is gone if it fails
}

func (f *Feed) fail(w http.ResponseWriter, err error) {
	f.Log.Error("cannot serve alerts", "err", err)
	http.Error(w, "not available now", http.StatusServiceUnavailable)
}

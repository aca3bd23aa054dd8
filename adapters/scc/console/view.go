package console

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"html/template"
	"mime"
	"net/http"
	"path"
	"strings"
	"time"

	"tabe/adapters/scc/operators"
	"tabe/bot"
)

//go:embed templates static
var files embed.FS

// pages are the templates by name, each with the layout around it.
type pages struct {
	byName map[string]*template.Template
	static map[string]staticFile
	shared *template.Template
}

// words returns the template of some words, for drawings that are no page.
func (p pages) words(name string) string { return p.say(name, nil) }

// say is words with what they are about.
func (p pages) say(name string, about any) string {
	var b strings.Builder
	if err := p.shared.ExecuteTemplate(&b, name, about); err != nil {
		return name
	}
	return b.String()
}

type staticFile struct {
	kind string
	body []byte
}

// view is what every page gets.
type view struct {
	Session *operators.Session // nil: not signed in
	CSRF    string
	Path    string // of this page
	Now     time.Time
	Seq     int64 // of the newest event when the page was made
	Stale   bool
	Soon    bool // the session has to be confirmed within warnBefore
	Tabs    []tab
	Board   board
	Body    any
}

// warnBefore is how long before its end a session asks to be confirmed.
const warnBefore = time.Hour

func parsePages() (pages, error) {
	p := pages{byName: map[string]*template.Template{}, static: map[string]staticFile{}}
	version := sha256.New()
	statics, err := files.ReadDir("static")
	if err != nil {
		return p, err
	}
	for _, f := range statics {
		body, err := files.ReadFile("static/" + f.Name())
		if err != nil {
			return p, err
		}
		version.Write(body)
		p.static[f.Name()] = staticFile{mime.TypeByExtension(path.Ext(f.Name())), body}
	}
	of := hex.EncodeToString(version.Sum(nil)[:6])
	shared, err := template.New("").Funcs(template.FuncMap{
		"version": func() string { return of },
		"wita":    func(t time.Time) string { return t.In(bot.WITA).Format("02/01 15.04") },
		"clock":   func(t time.Time) string { return t.In(bot.WITA).Format("15.04.05") },
		"date":    func(t time.Time) string { return t.In(bot.WITA).Format("2006-01-02") },
		"minutes": func(d time.Duration) string { return fmt.Sprintf("%d:%02d", int(d.Minutes()), int(d.Seconds())%60) },
		"iso":     func(t time.Time) string { return t.UTC().Format(time.RFC3339) },
		"list":    func(items ...string) []string { return items },
		"short":   func(text string) string { return short(text, 90) },
		"short60": func(text string) string { return short(text, 60) },
		"km":      func(metres float64) string { return strings.Replace(fmt.Sprintf("%.1f", metres/1000), ".", ",", 1) },
		"phone": func(subject string) string { // of an identity; empty: it is none of a telephone
			number, _ := strings.CutPrefix(subject, "tel:")
			if number == subject {
				return ""
			}
			return number
		},
		"add":    func(a, b int) int { return a + b },
		"framed": func(body any, token string) any { return framed{body, token} },
		"choose": func(all []district, here string) any {
			return struct {
				Districts []district
				Here      string
			}{all, here}
		},
	}).ParseFS(files, "templates/layout.html", "templates/problems.html", "templates/parts.html")
	if err != nil {
		return p, err
	}
	// A template that was executed cannot be cloned any more.
	if p.shared, err = shared.Clone(); err != nil {
		return p, err
	}
	names, err := files.ReadDir("templates")
	if err != nil {
		return p, err
	}
	for _, f := range names {
		name := strings.TrimSuffix(f.Name(), ".html")
		if name == "layout" || name == "problems" || name == "parts" {
			continue
		}
		page, err := shared.Clone()
		if err != nil {
			return p, err
		}
		if p.byName[name], err = page.ParseFS(files, "templates/"+f.Name()); err != nil {
			return p, err
		}
	}
	return p, nil
}

// framed is part of a page with what its forms need.
type framed struct {
	Body any
	CSRF string
}

// short cuts a text after n characters.
func short(text string, n int) string {
	if runes := []rune(text); len(runes) > n {
		return string(runes[:n]) + "…"
	}
	return text
}

// write renders a page whole before it begins to send it.
func (p pages) write(w http.ResponseWriter, name string, v view) error {
	page := p.byName[name]
	if page == nil {
		return fmt.Errorf("there is no page %q", name)
	}
	var b bytes.Buffer
	if err := page.ExecuteTemplate(&b, "layout", v); err != nil {
		return err
	}
	if w.Header().Get("Content-Type") == "" {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
	}
	_, err := b.WriteTo(w)
	if err != nil { // the browser has left
		return nil
	}
	return nil
}

// show answers with a page.
func (s *Console) show(w http.ResponseWriter, r *request, name string, body any) error {
	v, err := s.frame(r)
	if err != nil {
		return err
	}
	v.Body = body
	return s.pages.write(w, name, v)
}

// frame is what stands around every page of somebody who is signed in.
func (s *Console) frame(r *request) (view, error) {
	now := s.Clock()
	seq, err := s.Stream.Head(r.Context())
	if err != nil {
		return view{}, err
	}
	b, err := s.board(r)
	if err != nil {
		return view{}, err
	}
	return view{
		Session: &r.session, CSRF: csrf(r.token), Path: r.URL.Path, Now: now, Seq: seq,
		Stale: r.session.Stale(now), Soon: now.After(r.session.Expires().Add(-warnBefore)),
		Tabs: s.tabs(r, b), Board: b,
	}, nil
}

// fail tells what went wrong on a page of its own, without the database.
func (s *Console) fail(w http.ResponseWriter, q *http.Request, status int, key, detail string) {
	w.WriteHeader(status)
	if err := s.pages.write(w, "failure", view{Body: struct{ Key, Detail string }{key, detail}}); err != nil {
		s.Log.Error("scc console", "err", err)
	}
}

func (s *Console) static(w http.ResponseWriter, q *http.Request) {
	f, ok := s.pages.static[q.PathValue("name")]
	if !ok {
		s.fail(w, q, http.StatusNotFound, "no_page", "")
		return
	}
	w.Header().Set("Content-Type", f.kind)
	w.Header().Set("Cache-Control", "public, max-age=31536000, immutable") // the address changes with the content
	_, _ = w.Write(f.body)
}

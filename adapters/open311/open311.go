// Package open311 shows other systems what is complained of in the regency, and
// lets those that have a key file complaints: Open311 GeoReport v2, in XML and
// JSON. What is shown of a complaint is decided in adapters/complaints (Gate);
// docs/open311.md says what that is.
package open311

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"tabe/adapters/complaints"
	"tabe/bot"
	"tabe/flows/pengaduan"
)

// Complaints is what is shown and filed; *complaints.Gate does it.
type Complaints interface {
	Published(ctx context.Context, q complaints.Query) ([]complaints.Public, error)
	Submit(ctx context.Context, f complaints.Foreign) (pengaduan.Number, error)
}

// Places knows the regency; complaints.Places does.
type Places interface {
	Nearest(at bot.Location) (desa, kecamatan string, ok bool)
	Mentioned(landmark string) (desa, kecamatan string)
	Names() []complaints.Named // every desa
}

// Config of a Server.
type Config struct {
	Complaints Complaints
	Places     Places
	Catalogue  *pengaduan.Catalogue
	Keys       []Key  // who may file complaints; nobody if there are none
	PublicURL  string // without a slash at the end; "": as the caller names us
	Clock      func() time.Time
	Log        *slog.Logger
}

// Key lets another system file complaints in its own name.
type Key struct{ System, Secret string }

// MinKey is the length of the shortest secret that is allowed.
const MinKey = 16

// ParseKeys reads "name:secret,name:secret".
func ParseKeys(list string) ([]Key, error) {
	var keys []Key
	for entry := range strings.SplitSeq(list, ",") {
		if entry = strings.TrimSpace(entry); entry == "" {
			continue
		}
		system, secret, ok := strings.Cut(entry, ":")
		if !ok || system == "" || len(secret) < MinKey {
			return nil, fmt.Errorf("is not NAME:KEY,NAME:KEY with keys of %d characters or more", MinKey)
		}
		keys = append(keys, Key{system, secret})
	}
	return keys, nil
}

// Jurisdiction is the one that this server answers for.
const Jurisdiction = "soppengkab.go.id"

// Server answers under /open311. It is safe for concurrent use.
type Server struct {
	Config
	mux     *http.ServeMux
	readers *limiter // by address
	writers *limiter // by system
}

// How often one address may read and one system write, for ever and at once.
const (
	readsPerSecond, readsAtOnce   = 10, 40
	writesPerSecond, writesAtOnce = 0.5, 30
)

// timeout is how long the database may take for one request.
const timeout = 5 * time.Second

// New returns the server.
func New(c Config) *Server {
	s := &Server{Config: c, mux: http.NewServeMux(), readers: newLimiter(readsPerSecond, readsAtOnce), writers: newLimiter(writesPerSecond, writesAtOnce)}
	s.handle("GET /open311/{file}", s.readers, s.outside)
	s.handle("GET /open311/v2/{file}", s.readers, s.collection)
	s.handle("GET /open311/v2/services/{file}", s.readers, s.definition)
	s.handle("GET /open311/v2/requests/{file}", s.readers, s.request)
	s.handle("GET /open311/v2/request/{file}", s.readers, s.request) // as in the published Swagger
	s.handle("GET /open311/v2/tokens/{file}", s.readers, s.token)
	s.handle("POST /open311/v2/{file}", nil, s.submit)
	s.handle("/open311/", s.readers, func(r *http.Request, _ string) (any, error) {
		return nil, &fault{http.StatusNotFound, "there is nothing here; see /open311/v2/discovery.xml"}
	})
	return s
}

// ServeHTTP implements http.Handler.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.mux.ServeHTTP(w, r) }

// fault is what is wrong with a request: the status and, in English, why.
type fault struct {
	code int
	why  string
}

func (f *fault) Error() string { return f.why }

func bad(format string, values ...any) error {
	return &fault{http.StatusBadRequest, fmt.Sprintf(format, values...)}
}

// answer finds what a request for file (without its ending) asks for.
type answer func(r *http.Request, file string) (any, error)

// handle answers pattern in the format that the ending of {file} asks for.
func (s *Server) handle(pattern string, limit *limiter, find answer) {
	s.mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
		ctx, cancel := context.WithTimeout(r.Context(), timeout)
		defer cancel()
		r = r.WithContext(ctx)
		r.Body = http.MaxBytesReader(w, r.Body, maxBody)
		name := r.PathValue("file")
		if name == "" {
			name = r.URL.Path
		}
		file, write := format(name)
		what, err := s.find(r, file, write == nil, limit, find)
		if write == nil {
			write = writeXML
		}
		code := http.StatusOK
		if err != nil {
			var f *fault
			if !errors.As(err, &f) {
				s.Log.Error("open311: cannot answer", "method", r.Method, "err", err)
				f = &fault{http.StatusServiceUnavailable, "the service cannot answer now, try again later"}
			}
			code, what = f.code, faults{{Code: f.code, Description: f.why}}
			if code == http.StatusTooManyRequests || code == http.StatusServiceUnavailable {
				w.Header().Set("Retry-After", "5")
			}
		}
		h := w.Header()
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Content-Security-Policy", "default-src 'none'")
		if r.Method != http.MethodPost {
			h.Set("Access-Control-Allow-Origin", "*") // open data
		}
		write(w, code, what)
	})
}

func (s *Server) find(r *http.Request, file string, formless bool, limit *limiter, find answer) (any, error) {
	if limit != nil && !limit.allow(address(r), s.Clock()) {
		return nil, &fault{http.StatusTooManyRequests, "too many requests"}
	}
	if r.Method != http.MethodGet && r.Method != http.MethodHead && r.Method != http.MethodPost {
		return nil, &fault{http.StatusMethodNotAllowed, "only GET and POST are known here"}
	}
	if formless {
		return nil, &fault{http.StatusNotFound, "ask for .xml or .json"}
	}
	if j := r.URL.Query().Get("jurisdiction_id"); j != "" && j != Jurisdiction {
		return nil, &fault{http.StatusNotFound, "jurisdiction_id was not found"}
	}
	return find(r, file)
}

// maxBody is how long, in bytes, a filed complaint may be.
const maxBody = 64 << 10

// system returns the name of who files a complaint.
func (s *Server) system(key string) (string, error) {
	if key == "" {
		return "", bad("api_key was not provided")
	}
	given := sha256.Sum256([]byte(key))
	name := ""
	for _, k := range s.Keys { // all of them, so that time tells nothing
		if known := sha256.Sum256([]byte(k.Secret)); subtle.ConstantTimeCompare(given[:], known[:]) == 1 {
			name = k.System
		}
	}
	if name == "" {
		return "", &fault{http.StatusForbidden, "api_key is not valid"}
	}
	return name, nil
}

// Package console is the screen of the Soppeng Command Center at /scc: pages
// that the server renders, one script that keeps them live, and nothing from
// elsewhere, because the command center works on its own network when the
// internet is gone.
//
// What it shows and changes belongs to others; here stand the interfaces that
// it needs of them. Nobody acts without a session, a token against forged
// forms and a role, and whoever looks at a resident's data is written down.
package console

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"strings"
	"sync/atomic"
	"time"

	"tabe/adapters/database"
	"tabe/adapters/scc/audit"
	"tabe/adapters/scc/chart"
	"tabe/adapters/scc/operators"
	"tabe/adapters/scc/report"
	"tabe/bot"
	"tabe/flows/pengaduan"
)

// Accounts are the operators; *operators.Store is one.
type Accounts interface {
	SignIn(ctx context.Context, c operators.Credentials, from operators.Client) (token string, err error)
	Session(ctx context.Context, token string) (operators.Session, error)
	Confirm(ctx context.Context, token, code string) error
	SignOut(ctx context.Context, token string) error
	Sessions(ctx context.Context, name string) ([]operators.Session, error)
	Revoke(ctx context.Context, by, name, id string) error
	List(ctx context.Context) ([]operators.Operator, error)
	Disable(ctx context.Context, by, name string) error
	Enable(ctx context.Context, by, name string) error
}

// Config is what the console is made of.
type Config struct {
	DB       *database.DB
	Accounts Accounts
	Stream   *audit.Log

	// What follows may be missing; the console then has no such part.
	Incidents     Incidents
	Map           Map           // of the incidents
	Chart         *chart.Chart  // of the map; may be missing
	Words         bot.Words     // of the quick replies; may be missing
	Reports       report.Center // of months
	Alerts        Alerts
	Broadcasts    Broadcasts // without it warnings reach residents in no other way than by the feed
	Conversations Conversations
	Complaints    Complaints
	Catalogue     *pengaduan.Catalogue // of the complaints
	Shift         Shift
	Deliveries    Deliveries
	Costs         Costs // of them
	Media         Media // that residents sent

	Clock func() time.Time
	Log   *slog.Logger
	HTTPS bool // it is reached over https: the cookie travels over nothing else
}

// Console is the handler of everything below /scc.
type Console struct {
	Config
	pages   pages
	looks   looks
	streams atomic.Int64  // of events, that are open
	opened  chan struct{} // has a place for each medium that is being shown
	cookie  string
}

// Limits of requests.
const (
	patience = 10 * time.Second
	maxForm  = 64 << 10
)

// New returns the console.
func New(c Config) (*Console, error) {
	s := &Console{Config: c, cookie: "scc", opened: make(chan struct{}, maxOpened)}
	if c.HTTPS {
		s.cookie = "__Host-scc" // no other host and no page over http can set it
	}
	var err error
	s.pages, err = parsePages()
	return s, err
}

// Handler serves /scc and everything below it.
func (s *Console) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /scc/static/{name}", s.static)
	mux.HandleFunc("GET /scc/masuk", s.signInPage)
	mux.HandleFunc("POST /scc/masuk", s.signIn)
	for _, r := range s.routes() {
		mux.Handle(r.pattern, s.signedIn(r))
	}
	mux.HandleFunc("GET /scc/{$}", func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/scc", http.StatusSeeOther) })
	mux.HandleFunc("/scc/", func(w http.ResponseWriter, r *http.Request) { s.fail(w, r, http.StatusNotFound, "no_page", "") })
	return s.guarded(http.NewCrossOriginProtection().Handler(mux))
}

// route is a page or an action for some roles; none: for all.
type route struct {
	pattern string
	roles   []operators.Role
	handle  func(w http.ResponseWriter, r *request) error
	always  bool // also in a session that has to be confirmed
}

func (s *Console) routes() []route {
	all := []route{
		{"GET /scc", everybody, s.home, true},
		{"GET /scc/events", everybody, s.events, true},
		{"POST /scc/keluar", everybody, s.signOut, true},
		{"POST /scc/konfirmasi", everybody, s.confirm, true},
		{"GET /scc/akun", everybody, s.account, true},
		{"POST /scc/akun/sesi", everybody, s.revoke, false},
		{"GET /scc/audit", inspectors, s.auditPage, true},
		{"GET /scc/operator", admins, s.accounts, true},
		{"POST /scc/operator/{name}/{act}", admins, s.accountAct, false},
		{"GET /scc/tak-terjawab", handlers, s.unansweredPage, true},
		{"POST /scc/tak-terjawab/{id}", handlers, s.label, false},
	}
	if s.Incidents != nil {
		all = append(all,
			route{"GET /scc/insiden", watchers, s.incidents, true},
			route{"GET /scc/insiden/{code}", watchers, s.incident, true},
			route{"GET /scc/insiden/{code}/media/{key}", watchers, s.incidentMedium, true},
			route{"POST /scc/insiden/{code}/{act}", watchers, s.incidentAct, false},
			route{"GET /scc/insiden-baru", watchers, s.newIncidentPage, true},
			route{"POST /scc/insiden-baru", watchers, s.newIncident, false},
			route{"GET /scc/insiden/{code}/laporan", watchers, s.incidentReport, true},
			route{"GET /scc/pos", agencies, s.agencyPage, true},
			route{"POST /scc/pos/{code}", agencies, s.agencyAnswer, false},
			route{"GET /scc/cari", watchers, s.find, true},
			route{"GET /scc/kontak", watchers, s.contacts, true},
			route{"POST /scc/kontak/{id}", []operators.Role{operators.Supervisor}, s.verifyContact, false},
		)
	}
	if s.Alerts != nil {
		all = append(all,
			route{"GET /scc/peringatan", handlers, s.alertsPage, true},
			route{"POST /scc/peringatan", handlers, s.warn, false},
			route{"POST /scc/peringatan/{id}/{act}", handlers, s.alertAct, false},
			route{"POST /scc/insiden/{code}/siarkan", handlers, s.publish, false},
		)
	}
	if s.Reports != nil {
		all = append(all,
			route{"GET /scc/bulan", inCenter, s.month, true},
			route{"GET /scc/bulan.csv", inspectors, s.monthCSV, true},
		)
	}
	if s.Conversations != nil {
		all = append(all,
			route{"GET /scc/percakapan", handlers, s.conversations, true},
			route{"GET /scc/percakapan/{id}", handlers, s.conversation, true},
			route{"GET /scc/percakapan/{id}/media/{key}", handlers, s.conversationMedium, true},
			route{"POST /scc/percakapan/{id}/{act}", handlers, s.conversationAct, false},
		)
	}
	if s.Complaints != nil {
		all = append(all,
			route{"GET /scc/pengaduan", handlers, s.complaintList, true},
			route{"GET /scc/pengaduan/{number}", handlers, s.complaint, true},
			route{"GET /scc/pengaduan/{number}/media/{key}", handlers, s.complaintMedium, true},
			route{"POST /scc/pengaduan/{number}/{act}", handlers, s.complaintAct, false},
		)
	}
	if s.Deliveries != nil {
		all = append(all,
			route{"GET /scc/pengiriman", deliverers, s.deliveryPage, true},
			route{"POST /scc/pengiriman/{id}", deliverers, s.requeue, false},
		)
	}
	if s.Shift != nil {
		all = append(all,
			route{"GET /scc/petugas", inCenter, s.shiftPage, true},
			route{"POST /scc/alarm", everybody, s.alarm, true},
		)
	}
	return all
}

// Who may do what.
var (
	everybody  []operators.Role
	handlers   = []operators.Role{operators.Dispatcher, operators.Supervisor}
	watchers   = []operators.Role{operators.Dispatcher, operators.Supervisor, operators.P2TP2A}
	admins     = []operators.Role{operators.Admin}
	deliverers = []operators.Role{operators.Dispatcher, operators.Supervisor, operators.Admin}
	agencies   = []operators.Role{operators.Agency}
	inspectors = []operators.Role{operators.Auditor, operators.Supervisor}
	inCenter   = []operators.Role{operators.Dispatcher, operators.Supervisor, operators.P2TP2A, operators.Auditor}
)

// guarded lets pages load nothing but what is ours, and nobody keep or frame them.
func (s *Console) guarded(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", "default-src 'self'; base-uri 'none'; object-src 'none'; form-action 'self'; frame-ancestors 'none'")
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("X-Frame-Options", "DENY")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		h.Set("Permissions-Policy", "camera=(), geolocation=(), microphone=()")
		h.Set("Cache-Control", "no-store")
		if s.HTTPS {
			h.Set("Strict-Transport-Security", "max-age=31536000")
		}
		if !strings.HasSuffix(r.URL.Path, "/events") {
			limit := patience
			if strings.Contains(r.URL.Path, "/"+opening+"/") {
				limit = fetching
			}
			ctx, cancel := context.WithTimeout(r.Context(), limit)
			defer cancel()
			r = r.WithContext(ctx)
		}
		r.Body = http.MaxBytesReader(w, r.Body, maxForm)
		next.ServeHTTP(w, r)
	})
}

// home sends an operator to the first part that his roles open to him.
func (s *Console) home(w http.ResponseWriter, r *request) error {
	http.Redirect(w, r.Request, s.tabs(r, board{})[0].Path, http.StatusSeeOther)
	return nil
}

// auditPage shows the newest events, or those about one incident.
func (s *Console) auditPage(w http.ResponseWriter, r *request) error {
	const shown = 200
	incident := strings.ToUpper(strings.TrimSpace(r.URL.Query().Get("insiden")))
	events, err := s.Stream.Latest(r.Context(), shown)
	if incident != "" {
		events, err = s.Stream.Of(r.Context(), incident, 10*shown)
	}
	if err != nil {
		return err
	}
	return s.show(w, r, "audit", struct {
		Events   []audit.Event
		Incident string
	}{events, incident})
}

// refusal is an error that the operator is told: a status, and the key of a
// sentence in templates/problems.html.
type refusal struct {
	status int
	key    string
	detail string // a name, in brackets behind the sentence; may be empty
}

func (e refusal) Error() string { return e.key }

// answer turns the error of a handler into a page. What is not a refusal is
// written into the log and told as a fault.
func (s *Console) answer(w http.ResponseWriter, r *http.Request, err error) {
	var told refusal
	switch {
	case errors.As(err, &told):
		s.fail(w, r, told.status, told.key, told.detail)
	case errors.Is(err, context.Canceled) && r.Context().Err() != nil: // the browser has left
	default:
		s.Log.Error("scc console", "path", r.Pattern, "err", err)
		s.fail(w, r, http.StatusServiceUnavailable, "fault", "")
	}
}

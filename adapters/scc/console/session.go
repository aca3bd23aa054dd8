package console

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"net"
	"net/http"
	"net/url"
	"path"
	"strings"

	"tabe/adapters/scc/operators"
)

// request is one of somebody who is signed in.
type request struct {
	*http.Request
	session operators.Session
	token   string
}

// actor is who the audit names.
func (r *request) actor() string { return r.session.Operator.Name }

// signedIn lets a request through to a route if it comes with a session that
// may do that.
func (s *Console) signedIn(to route) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		r, err := s.session(q)
		if errors.Is(err, operators.ErrNoSession) {
			s.toSignIn(w, q)
			return
		}
		if err == nil {
			err = s.admit(r, to)
		}
		if stale := (staleForm{}); errors.As(err, &stale) {
			s.askCode(w, r, stale.problem)
			return
		}
		if err == nil {
			err = to.handle(w, r)
		}
		if err != nil {
			s.answer(w, q, err)
		}
	})
}

func (s *Console) session(q *http.Request) (*request, error) {
	cookie, err := q.Cookie(s.cookie)
	if err != nil {
		return nil, operators.ErrNoSession
	}
	session, err := s.Accounts.Session(q.Context(), cookie.Value)
	return &request{q, session, cookie.Value}, err
}

// staleForm is a form sent in a session that has to be confirmed first.
type staleForm struct{ problem string }

func (staleForm) Error() string { return "the session has to be confirmed" }

func (s *Console) admit(r *request, to route) error {
	if len(to.roles) > 0 && !r.session.Operator.Is(to.roles...) {
		return refusal{status: http.StatusForbidden, key: "no_role"}
	}
	if r.Method == http.MethodGet || r.Method == http.MethodHead {
		return nil
	}
	if err := r.ParseForm(); err != nil {
		return refusal{status: http.StatusBadRequest, key: "bad_form"}
	}
	given := r.PostForm.Get("csrf")
	if given == "" {
		given = r.Header.Get("X-CSRF")
	}
	if subtle.ConstantTimeCompare([]byte(given), []byte(csrf(r.token))) != 1 {
		return refusal{status: http.StatusForbidden, key: "bad_token"}
	}
	if code := r.PostForm.Get("confirm"); code != "" {
		problem, err := s.prove(r, code)
		if problem != "" {
			return staleForm{problem}
		}
		return err
	}
	if r.session.Stale(s.Clock()) && !to.always {
		return staleForm{}
	}
	return nil
}

// prove confirms the session by a code. problem is the key of what is wrong
// with the code.
func (s *Console) prove(r *request, code string) (problem string, err error) {
	err = s.Accounts.Confirm(r.Context(), r.token, code)
	if slow := (*operators.Slow)(nil); errors.As(err, &slow) {
		return "slow", nil
	}
	if errors.Is(err, operators.ErrCredentials) {
		return "bad_code", nil
	}
	if err == nil {
		r.session.Confirmed = s.Clock()
	}
	return "", err
}

// askCode shows the form of r again, hidden, beside a field for the code:
// nothing of what was typed is lost.
func (s *Console) askCode(w http.ResponseWriter, r *request, problem string) {
	kept := url.Values{}
	for key, values := range r.PostForm {
		if key != "confirm" && key != "csrf" {
			kept[key] = values
		}
	}
	w.WriteHeader(http.StatusForbidden)
	err := s.show(w, r, "confirm", struct {
		Action, Problem string
		Fields          url.Values
	}{r.URL.Path, problem, kept})
	if err != nil {
		s.Log.Error("scc console", "err", err)
	}
}

// csrf is the token that the forms of a session carry. It cannot be known
// without the cookie, nor tells anything of it.
func csrf(token string) string {
	sum := sha256.Sum256([]byte("csrf|" + token))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

// toSignIn sends a browser to the sign-in, and a script the reason.
func (s *Console) toSignIn(w http.ResponseWriter, q *http.Request) {
	if q.Method != http.MethodGet && q.Method != http.MethodHead || q.URL.Path == "/scc/events" || q.Header.Get("X-CSRF") != "" {
		s.fail(w, q, http.StatusUnauthorized, "no_session", "")
		return
	}
	target := "/scc/masuk"
	if q.URL.Path != "/scc" {
		target += "?ke=" + url.QueryEscape(q.URL.Path)
	}
	http.Redirect(w, q, target, http.StatusSeeOther)
}

// destination is where to go after the sign-in: a page of the console.
func destination(asked string) string {
	u, err := url.Parse(asked)
	if err != nil || u.Scheme != "" || u.Host != "" || strings.ContainsAny(asked, "\\\r\n") {
		return "/scc"
	}
	to := path.Clean(u.Path)
	if !strings.HasPrefix(to, "/scc/") || strings.HasPrefix(to, "/scc/masuk") {
		return "/scc"
	}
	return to
}

func (s *Console) signInPage(w http.ResponseWriter, q *http.Request) {
	if _, err := s.session(q); err == nil {
		http.Redirect(w, q, destination(q.URL.Query().Get("ke")), http.StatusSeeOther)
		return
	}
	s.showSignIn(w, http.StatusOK, signInForm{To: destination(q.URL.Query().Get("ke"))})
}

// signInForm is what the sign-in page shows again after a failure.
type signInForm struct {
	To, Name, Problem string
	Wait              int // seconds
}

func (s *Console) showSignIn(w http.ResponseWriter, status int, form signInForm) {
	w.WriteHeader(status)
	if err := s.pages.write(w, "signin", view{Body: form}); err != nil {
		s.Log.Error("scc console", "err", err)
	}
}

func (s *Console) signIn(w http.ResponseWriter, q *http.Request) {
	if err := q.ParseForm(); err != nil {
		s.fail(w, q, http.StatusBadRequest, "bad_form", "")
		return
	}
	form := signInForm{To: destination(q.PostForm.Get("ke")), Name: strings.ToLower(strings.TrimSpace(q.PostForm.Get("name")))}
	token, err := s.Accounts.SignIn(q.Context(), operators.Credentials{
		Name: form.Name, Password: q.PostForm.Get("password"), Code: q.PostForm.Get("code"),
	}, operators.Client{Address: address(q), Agent: q.UserAgent()})
	slow := (*operators.Slow)(nil)
	switch {
	case errors.As(err, &slow):
		form.Problem, form.Wait = "slow", int(slow.Wait.Seconds())+1
		s.showSignIn(w, http.StatusTooManyRequests, form)
	case errors.Is(err, operators.ErrCredentials):
		form.Problem = "bad_credentials"
		s.showSignIn(w, http.StatusUnauthorized, form)
	case err != nil:
		s.answer(w, q, err)
	default:
		s.Stream.Wake()
		s.setCookie(w, token, 0)
		http.Redirect(w, q, form.To, http.StatusSeeOther)
	}
}

// setCookie gives the browser a session for as long as it runs; the server ends it earlier.
func (s *Console) setCookie(w http.ResponseWriter, token string, maxAge int) {
	http.SetCookie(w, &http.Cookie{
		Name: s.cookie, Value: token, Path: "/", MaxAge: maxAge,
		HttpOnly: true, Secure: s.HTTPS, SameSite: http.SameSiteLaxMode,
	})
}

func (s *Console) signOut(w http.ResponseWriter, r *request) error {
	if err := s.Accounts.SignOut(r.Context(), r.token); err != nil {
		return err
	}
	s.setCookie(w, "", -1)
	w.Header().Set("Clear-Site-Data", `"storage"`)
	http.Redirect(w, r.Request, "/scc/masuk", http.StatusSeeOther)
	return nil
}

// confirm proves the second factor again, in place.
func (s *Console) confirm(w http.ResponseWriter, r *request) error {
	problem, err := s.prove(r, r.PostForm.Get("code"))
	if err != nil {
		return err
	}
	if problem != "" {
		return refusal{status: http.StatusForbidden, key: problem}
	}
	http.Redirect(w, r.Request, destination(r.PostForm.Get("ke")), http.StatusSeeOther)
	return nil
}

// account shows an operator where he is signed in.
func (s *Console) account(w http.ResponseWriter, r *request) error {
	sessions, err := s.Accounts.Sessions(r.Context(), r.actor())
	if err != nil {
		return err
	}
	return s.show(w, r, "account", struct {
		Sessions []operators.Session
		This     string
	}{sessions, r.session.ID})
}

func (s *Console) revoke(w http.ResponseWriter, r *request) error {
	err := s.Accounts.Revoke(r.Context(), r.actor(), r.actor(), r.PostForm.Get("id"))
	if err != nil && !errors.Is(err, operators.ErrNoSession) { // it is gone: what was wanted
		return err
	}
	http.Redirect(w, r.Request, "/scc/akun", http.StatusSeeOther)
	return nil
}

// address is from where a request comes. A proxy on this machine is believed
// when it says for whom it asks, and nobody else.
func address(q *http.Request) string {
	host, _, err := net.SplitHostPort(q.RemoteAddr)
	if err != nil {
		return q.RemoteAddr
	}
	if ip := net.ParseIP(host); ip != nil && ip.IsLoopback() {
		forwarded := q.Header.Values("X-Forwarded-For")
		if len(forwarded) > 0 {
			last := forwarded[len(forwarded)-1]
			last = strings.TrimSpace(last[strings.LastIndexByte(last, ',')+1:])
			if net.ParseIP(last) != nil {
				return last
			}
		}
	}
	return host
}

package remote_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"tabe/adapters/database"
	"tabe/adapters/registry/remote"
	"tabe/adapters/testserver"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// office answers as respond tells, and counts.
type office struct {
	*httptest.Server
	asked   atomic.Int32
	respond atomic.Pointer[http.HandlerFunc]
}

func newOffice(t *testing.T, respond http.HandlerFunc) *office {
	t.Helper()
	o := &office{}
	o.respond.Store(&respond)
	o.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		o.asked.Add(1)
		(*o.respond.Load())(w, r)
	}))
	t.Cleanup(o.Close)
	return o
}

func (o *office) answers(respond http.HandlerFunc) { o.respond.Store(&respond) }

const number = "731201000300200410"

func (o *office) ask(ctx context.Context, s *remote.Service) (string, error) {
	object, err := s.Ask(ctx, func(ctx context.Context) (*http.Request, error) {
		return http.NewRequestWithContext(ctx, http.MethodGet, o.URL+"/?nop="+number, nil)
	}, "code")
	return string(object), err
}

func good(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, `{"code":"00"}`) }

func says(status int, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(status); fmt.Fprint(w, body) }
}

func hangsUp(w http.ResponseWriter, _ *http.Request) {
	if conn, _, err := http.NewResponseController(w).Hijack(); err == nil {
		_ = conn.Close()
	}
}

func service(t *testing.T, limits remote.Limits, log *slog.Logger) *remote.Service {
	t.Helper()
	s := remote.NewService("office", limits, log)
	t.Cleanup(s.Close)
	return s
}

func TestFaults(t *testing.T) {
	for name, c := range map[string]struct {
		respond http.HandlerFunc
		want    string // code of the error; empty: an answer
		asked   int32
	}{
		"good":                   {good, "", 1},
		"good with 401":          {says(401, `{"code":"88"}`), "", 1},
		"good with 500":          {says(500, `{"code":"88"}`), "", 1},
		"a page":                 {says(200, "<html>hello</html>"), "not JSON", 1},
		"a page with 502":        {says(502, "<html>hello</html>"), "http 502", 2},
		"a page with 404":        {says(404, "<html>hello</html>"), "http 404", 1},
		"nothing with 503":       {says(503, ""), "http 503", 2},
		"JSON of something else": {says(200, `{"error":"x"}`), "not JSON", 1},
		"cut off":                {says(200, `{"code":"00","data":{"nop":"`), "answer cut off", 2},
		"too large":              {says(200, `{"code":"00","x":"`+strings.Repeat("x", 5000)+`"}`), "answer too large", 1},
		"hangs up":               {hangsUp, "network", 2},
		"less than it promised": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "100")
			fmt.Fprint(w, `{"code":"00"}`)
		}, "network", 2},
		"elsewhere": {func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "/login?nop="+number, http.StatusFound)
		}, "http 302", 1},
		"silent": {func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }, "timeout", 1},
		"slow": {func(w http.ResponseWriter, r *http.Request) {
			for r.Context().Err() == nil {
				fmt.Fprint(w, " ")
				_ = http.NewResponseController(w).Flush()
				time.Sleep(10 * time.Millisecond)
			}
		}, "timeout", 1},
	} {
		t.Run(name, func(t *testing.T) {
			var log bytes.Buffer
			o := newOffice(t, c.respond)
			s := service(t, remote.Limits{Answer: 300 * time.Millisecond, Bytes: 4096}, slog.New(slog.NewTextHandler(&log, nil)))
			_, err := o.ask(t.Context(), s)
			code := ""
			if failed := (*remote.Error)(nil); errors.As(err, &failed) {
				code = failed.Code
			} else if err != nil {
				t.Errorf("%T is no *Error", err)
			}
			if code != c.want || o.asked.Load() != c.asked {
				t.Errorf("%q after %d questions, want %q after %d", code, o.asked.Load(), c.want, c.asked)
			}
			if told := fmt.Sprint(err, log.String()); strings.Contains(told, number[:8]) || strings.Contains(told, "127.0.0.1") {
				t.Errorf("it is told what was asked: %s", told)
			}
		})
	}
}

func TestNobodyThere(t *testing.T) {
	o := newOffice(t, good)
	o.Close()
	if _, err := o.ask(t.Context(), service(t, remote.Limits{}, nil)); err == nil || err.Error() != "office: network" {
		t.Error(err)
	}
}

// A service that is down is left alone, and found again.
func TestDownAndBack(t *testing.T) {
	var log bytes.Buffer
	o := newOffice(t, says(502, "<html>"))
	s := service(t, remote.Limits{Pause: 200 * time.Millisecond}, slog.New(slog.NewTextHandler(&log, nil)))
	for tries := 1; ; tries++ {
		_, err := o.ask(t.Context(), s)
		if err == nil || tries > 10 {
			t.Fatalf("after %d tries: %v", tries, err)
		}
		if strings.HasSuffix(err.Error(), "left alone") {
			break
		}
	}
	if n := o.asked.Load(); n < 3 {
		t.Errorf("given up after %d questions", n)
	}
	o.answers(good)
	late := time.After(20 * time.Second)
	for {
		if _, err := o.ask(t.Context(), s); err == nil {
			break
		}
		select {
		case <-time.After(10 * time.Millisecond):
		case <-late:
			t.Fatal("never asked again")
		}
	}
	if told := log.String(); !strings.Contains(told, "registry is down") || strings.Count(told, "registry is back") != 1 {
		t.Error(told)
	}
}

// A turn that is nearly over, or a resident who is gone, is no fault of the service.
func TestOurOwnFaults(t *testing.T) {
	o := newOffice(t, func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
	s := service(t, remote.Limits{}, nil)
	for range 5 {
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
		if _, err := o.ask(ctx, s); err == nil || err.Error() != "office: timeout" {
			t.Error(err)
		}
		cancel()
	}
	o.answers(good)
	if _, err := o.ask(t.Context(), s); err != nil {
		t.Error(err)
	}
}

func TestNotTooManyAtOnce(t *testing.T) {
	var now, most atomic.Int32
	release := make(chan struct{})
	o := newOffice(t, func(w http.ResponseWriter, _ *http.Request) {
		n := now.Add(1)
		for m := most.Load(); n > m && !most.CompareAndSwap(m, n); m = most.Load() {
		}
		<-release
		now.Add(-1)
		good(w, nil)
	})
	s := service(t, remote.Limits{AtOnce: 2, Answer: time.Minute}, nil)
	var wg sync.WaitGroup
	for range 6 {
		wg.Go(func() {
			if _, err := o.ask(context.Background(), s); err != nil {
				t.Error(err)
			}
		})
	}
	for now.Load() < 2 {
		time.Sleep(time.Millisecond)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if _, err := o.ask(ctx, s); err == nil || err.Error() != "office: busy" {
		t.Error(err)
	}
	close(release)
	wg.Wait()
	if most.Load() != 2 || o.asked.Load() != 6 {
		t.Errorf("%d at once, %d in all", most.Load(), o.asked.Load())
	}
}

// A list of silent look-ups leaves time to answer the resident.
func TestTimeIsLeft(t *testing.T) {
	s := service(t, remote.Limits{}, nil)
	turn, cancel := context.WithTimeout(t.Context(), 8*time.Second)
	defer cancel()
	look, done := s.LookUp(turn)
	defer done()
	if end, ok := look.Deadline(); !ok || time.Until(end) > 4*time.Second {
		t.Errorf("it takes until %v", end)
	}
	unbounded, done := s.LookUp(t.Context())
	defer done()
	if end, ok := unbounded.Deadline(); !ok || time.Until(end) > 5*time.Second {
		t.Errorf("it takes until %v", end)
	}
}

func TestCopies(t *testing.T) {
	testserver.Databases(t, func(t *testing.T, db *database.DB) {
		now := time.Date(2026, 11, 25, 4, 0, 0, 0, time.UTC)
		open := func(secret byte) *remote.Copies {
			c, err := remote.NewCopies(db, bytes.Repeat([]byte{secret}, 32), "pbb", func() time.Time { return now })
			if err != nil {
				t.Fatal(err)
			}
			return c
		}
		c := open(1)
		last := func(c *remote.Copies, key string) (string, time.Time) {
			t.Helper()
			var got string
			at, err := c.Last(t.Context(), key, &got)
			if err != nil {
				t.Fatal(err)
			}
			return got, at
		}
		for _, answer := range []string{"LA UPE owes Rp 52.500", "LA UPE paid"} {
			if err := c.Keep(t.Context(), number, answer); err != nil {
				t.Fatal(err)
			}
			if got, at := last(c, number); got != answer || !at.Equal(now) {
				t.Errorf("%q of %v", got, at)
			}
		}
		var key string
		var body []byte
		if err := db.QueryRow(t.Context(), "select key, body from registry_copies").Scan(&key, &body); err != nil {
			t.Fatal(err)
		}
		if strings.Contains(key, number) || bytes.Contains(body, []byte("UPE")) {
			t.Error("it can be read in the database")
		}
		if _, at := last(open(2), number); !at.IsZero() {
			t.Error("another key reads it")
		}
		if _, at := last(c, "731201000300200411"); !at.IsZero() {
			t.Error("a copy of what was never asked")
		}
		now = now.AddDate(0, 0, 91)
		if _, at := last(c, number); !at.IsZero() {
			t.Error("a copy of long ago")
		}
		if err := c.Keep(t.Context(), "other", "x"); err != nil {
			t.Fatal(err)
		}
		var rows int
		if err := db.QueryRow(t.Context(), "select count(*) from registry_copies").Scan(&rows); err != nil || rows != 1 {
			t.Errorf("%d copies are kept %v", rows, err)
		}
		if err := c.Drop(t.Context(), "other"); err != nil {
			t.Fatal(err)
		}
		if _, at := last(c, "other"); !at.IsZero() {
			t.Error("not dropped")
		}
	})
}

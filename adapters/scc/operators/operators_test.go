package operators_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"tabe/adapters/database"
	"tabe/adapters/scc/audit"
	"tabe/adapters/scc/operators"
	"tabe/adapters/testserver"
)

var secret = bytes.Repeat([]byte{7}, 32)

const password = "pohon lontar di Citta"

// center is a set of accounts whose clock the test moves.
type center struct {
	*operators.Store
	t   *testing.T
	db  *database.DB
	mu  sync.Mutex
	now time.Time
}

func newCenter(t *testing.T, db *database.DB) *center {
	t.Helper()
	c := &center{t: t, db: db, now: time.Date(2026, 11, 25, 12, 0, 0, 0, time.UTC)}
	store, err := operators.New(db, secret, c.clock, operators.Memory(64))
	if err != nil {
		t.Fatal(err)
	}
	c.Store = store
	return c
}

func (c *center) clock() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *center) later(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

func (c *center) add(name string, roles ...operators.Role) operators.Enrolment {
	c.t.Helper()
	e, err := c.Add(c.t.Context(), "terminal", operators.Draft{Name: name, FullName: "Andi", Roles: roles, Password: password})
	if err != nil {
		c.t.Fatal(err)
	}
	return e
}

func (c *center) code(e operators.Enrolment) string {
	c.t.Helper()
	c.mu.Lock()
	defer c.mu.Unlock()
	code, err := operators.Code(e.Secret, c.now)
	if err != nil {
		c.t.Fatal(err)
	}
	return code
}

var here = operators.Client{Address: "10.0.0.7", Agent: "Firefox"}

func (c *center) signIn(name, password, code string) (string, error) {
	return c.SignIn(c.t.Context(), operators.Credentials{Name: name, Password: password, Code: code}, here)
}

// events returns the audit, one line an event.
func (c *center) events() string {
	c.t.Helper()
	events, err := audit.New(c.db).Since(c.t.Context(), 0, 1000)
	if err != nil {
		c.t.Fatal(err)
	}
	var lines []string
	for _, e := range events {
		lines = append(lines, strings.TrimSpace(e.Actor+" "+e.Kind+" "+e.Body))
	}
	return strings.Join(lines, "\n")
}

// TestOnBothDatabases runs the tests below on new accounts in each database.
func TestOnBothDatabases(t *testing.T) {
	testserver.DatabaseURLs(t, func(t *testing.T, newURL func(testing.TB) string) {
		for name, test := range map[string]func(*testing.T, *center){
			"sign in":                        signIn,
			"a code is good once for many":   aCodeIsGoodOnceForMany,
			"an early and a late clock":      anEarlyAndALateClock,
			"recovery codes":                 recoveryCodes,
			"guessing is slowed down":        guessingIsSlowedDown,
			"the last admin is not kept out": theLastAdminIsNotKeptOut,
			"two admins disable each other":  twoAdminsDisableEachOther,
			"a disabled account":             aDisabledAccount,
			"a session outlives its proof":   aSessionOutlivesItsProof,
			"sessions are listed and ended":  sessionsAreListedAndEnded,
		} {
			t.Run(name, func(t *testing.T) { test(t, newCenter(t, testserver.OpenDatabase(t, newURL(t)))) })
		}
	})
}

func signIn(t *testing.T, c *center) {
	e := c.add("andi", operators.Dispatcher, operators.P2TP2A)
	code := c.code(e)
	token, err := c.signIn("andi", password, code[:3]+" "+code[3:])
	if err != nil {
		t.Fatal(err)
	}
	s, err := c.Session(t.Context(), token)
	if err != nil || s.Operator.Name != "andi" || !s.Operator.Is(operators.P2TP2A) || s.Operator.Is(operators.Admin) || s.Client != here {
		t.Errorf("%+v, %v", s, err)
	}
	if _, err := c.signIn("andi", password, code); !errors.Is(err, operators.ErrCredentials) {
		t.Errorf("a code is good twice: %v", err)
	}
	c.later(30 * time.Second)
	for _, wrong := range [][3]string{
		{"andi", "pohon lontar di citta", c.code(e)}, {"andi", password, "000000"}, {"andi", password, ""}, {"budi", password, c.code(e)},
		{"andi", strings.Repeat("x", 1000), c.code(e)},
	} {
		c.later(20 * time.Second) // not so often that it counts as an attack
		if _, err := c.signIn(wrong[0], wrong[1], wrong[2]); !errors.Is(err, operators.ErrCredentials) {
			t.Errorf("%q: %v", wrong, err)
		}
	}
	c.later(time.Hour)
	if _, err := c.signIn("andi", password, c.code(e)); err != nil {
		t.Error(err)
	}
	const want = `terminal operator.added andi operator p2tp2a
andi operator.signed_in totp
andi operator.refused
andi operator.refused
andi operator.refused
andi operator.refused
andi operator.refused
andi operator.signed_in totp`
	if got := c.events(); got != want {
		t.Errorf("the audit says\n%s", got)
	}
}

func aCodeIsGoodOnceForMany(t *testing.T, c *center) {
	e := c.add("andi", operators.Admin) // whose account is not slowed down
	code := c.code(e)
	var in atomic.Int32
	var wg sync.WaitGroup
	for i := range 6 {
		wg.Go(func() {
			_, err := c.SignIn(context.Background(), operators.Credentials{Name: "andi", Password: password, Code: code},
				operators.Client{Address: fmt.Sprint("10.0.0.", i)})
			if err == nil {
				in.Add(1)
			} else if !errors.Is(err, operators.ErrCredentials) {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if in.Load() != 1 {
		t.Errorf("%d of 6 came in with one code", in.Load())
	}
}

func anEarlyAndALateClock(t *testing.T, c *center) {
	e := c.add("andi", operators.Admin)
	for _, drift := range []time.Duration{-60 * time.Second, -30 * time.Second, 30 * time.Second, 60 * time.Second} {
		c.later(time.Hour)
		code, err := operators.Code(e.Secret, c.now.Add(drift))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := c.signIn("andi", password, code); (err == nil) != (drift.Abs() <= 30*time.Second) {
			t.Errorf("%v: %v", drift, err)
		}
	}
}

func recoveryCodes(t *testing.T, c *center) {
	e := c.add("andi", operators.Dispatcher)
	other := c.add("budi", operators.Dispatcher)
	for i, code := range e.Recovery {
		c.later(time.Hour)
		if _, err := c.signIn("andi", password, other.Recovery[i]); !errors.Is(err, operators.ErrCredentials) {
			t.Errorf("the code of another account: %v", err)
		}
		if _, err := c.signIn("andi", password, strings.ToUpper(code)); err != nil {
			t.Error(err)
		}
		if _, err := c.signIn("andi", password, code); !errors.Is(err, operators.ErrCredentials) {
			t.Errorf("a recovery code is good twice: %v", err)
		}
	}
	if got := c.events(); !strings.Contains(got, "andi operator.signed_in recovery code, 0 left") {
		t.Errorf("the audit says\n%s", got)
	}
	c.later(time.Hour)
	fresh, err := c.Enrol(t.Context(), "terminal", "andi")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.signIn("andi", password, c.code(e)); !errors.Is(err, operators.ErrCredentials) {
		t.Errorf("the old telephone: %v", err)
	}
	if _, err := c.signIn("andi", password, c.code(fresh)); err != nil {
		t.Error(err)
	}
	if _, err := c.signIn("andi", password, fresh.Recovery[9]); err != nil {
		t.Error(err)
	}
}

func guessingIsSlowedDown(t *testing.T, c *center) {
	c.add("kepala", operators.Admin)
	e := c.add("andi", operators.Dispatcher)
	from := func(address string, password, code string) error {
		_, err := c.SignIn(t.Context(), operators.Credentials{Name: "andi", Password: password, Code: code}, operators.Client{Address: address})
		return err
	}
	if err := from("desk", password, c.code(e)); err != nil {
		t.Fatal(err)
	}
	slow := func(err error) time.Duration {
		var s *operators.Slow
		if errors.As(err, &s) {
			return s.Wait
		}
		return 0
	}
	tries := 0
	for slow(from("cafe", "salah", "123456")) == 0 {
		if tries++; tries > 20 {
			t.Fatal("nobody stops it")
		}
	}
	if tries != 5 {
		t.Errorf("stopped after %d", tries)
	}
	c.later(time.Minute)
	// One try each time from now on, and the right password waits as well.
	if err := from("cafe", "salah", "123456"); !errors.Is(err, operators.ErrCredentials) {
		t.Error(err)
	}
	if err := from("cafe", password, c.code(e)); slow(err) == 0 || slow(err) > time.Minute {
		t.Error(err)
	}
	// From many addresses.
	for i := range 10 {
		_ = from(fmt.Sprint("net", i), "salah", "123456")
	}
	if err := from("net99", "salah", "123456"); slow(err) == 0 {
		t.Errorf("another address: %v", err)
	}
	// The owner at his desk is not kept out.
	if err := from("desk", password, c.code(e)); err != nil {
		t.Error(err)
	}
	// Nor is a wait without end.
	c.later(2 * time.Minute)
	if err := from("net99", password, c.code(e)); err != nil {
		t.Error(err)
	}
}

func TestANeighbourInTheSameNetworkIsTheSame(t *testing.T) {
	c := newCenter(t, testserver.OpenDatabase(t, testserver.SQLiteURL(t)))
	c.add("andi", operators.Dispatcher)
	var err error
	for i := range 7 {
		_, err = c.SignIn(t.Context(), operators.Credentials{Name: "andi", Password: "x"}, operators.Client{Address: fmt.Sprintf("2001:db8::%x", i)})
	}
	var slow *operators.Slow
	if !errors.As(err, &slow) {
		t.Errorf("another address of one customer counts anew: %v", err)
	}
}

func theLastAdminIsNotKeptOut(t *testing.T, c *center) {
	e := c.add("kepala", operators.Admin)
	for i := range 30 {
		_, _ = c.SignIn(t.Context(), operators.Credentials{Name: "kepala", Password: "x"}, operators.Client{Address: fmt.Sprint("net", i)})
	}
	if _, err := c.signIn("kepala", password, c.code(e)); err != nil {
		t.Error(err)
	}
	if err := c.Disable(t.Context(), "kepala", "kepala"); !errors.Is(err, operators.ErrLastAdmin) {
		t.Errorf("the last admin is gone: %v", err)
	}
}

func twoAdminsDisableEachOther(t *testing.T, c *center) {
	names := []string{"ani", "budi", "caca"}
	for _, n := range names {
		c.add(n, operators.Supervisor, operators.Admin)
	}
	var wg sync.WaitGroup
	for _, n := range names {
		wg.Go(func() {
			if err := c.Disable(context.Background(), "terminal", n); err != nil && !errors.Is(err, operators.ErrLastAdmin) {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	all, err := c.List(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	left := 0
	for _, o := range all {
		if !o.Disabled {
			left++
		}
	}
	if left != 1 || len(all) != 3 {
		t.Errorf("%d admins are left: %+v", left, all)
	}
}

func aDisabledAccount(t *testing.T, c *center) {
	e := c.add("andi", operators.Dispatcher)
	token, err := c.signIn("andi", password, c.code(e))
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Disable(t.Context(), "terminal", "andi"); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Session(t.Context(), token); !errors.Is(err, operators.ErrNoSession) {
		t.Errorf("the session goes on: %v", err)
	}
	c.later(time.Minute)
	if _, err := c.signIn("andi", password, c.code(e)); !errors.Is(err, operators.ErrCredentials) {
		t.Error(err)
	}
	if _, err := c.signIn("andi", password, e.Recovery[0]); !errors.Is(err, operators.ErrCredentials) {
		t.Error(err)
	}
	if err := c.Enable(t.Context(), "terminal", "andi"); err != nil {
		t.Fatal(err)
	}
	c.later(time.Hour)
	if _, err := c.signIn("andi", password, c.code(e)); err != nil {
		t.Error(err)
	}
	if err := c.Disable(t.Context(), "terminal", "hantu"); !errors.Is(err, operators.ErrUnknown) {
		t.Error(err)
	}
}

func aSessionOutlivesItsProof(t *testing.T, c *center) {
	e := c.add("andi", operators.Dispatcher)
	token, err := c.signIn("andi", password, c.code(e))
	if err != nil {
		t.Fatal(err)
	}
	stale := func() (bool, error) {
		s, err := c.Session(t.Context(), token)
		return s.Stale(c.now), err
	}
	c.later(operators.Lifetime - time.Second)
	if s, err := stale(); s || err != nil {
		t.Error(s, err)
	}
	c.later(time.Second) // in the middle of an incident
	if s, err := stale(); !s || err != nil {
		t.Error(s, err)
	}
	if err := c.Confirm(t.Context(), token, "12345"); !errors.Is(err, operators.ErrCredentials) {
		t.Error(err)
	}
	if err := c.Confirm(t.Context(), token, c.code(e)); err != nil {
		t.Error(err)
	}
	if s, err := stale(); s || err != nil {
		t.Error(s, err)
	}
	c.later(operators.Lifetime + operators.Grace)
	if _, err := stale(); !errors.Is(err, operators.ErrNoSession) {
		t.Error(err)
	}
	if err := c.Confirm(t.Context(), token, c.code(e)); !errors.Is(err, operators.ErrNoSession) {
		t.Error(err)
	}
}

func sessionsAreListedAndEnded(t *testing.T, c *center) {
	e := c.add("andi", operators.Dispatcher)
	var tokens []string
	for range 3 {
		c.later(time.Minute)
		token, err := c.signIn("andi", password, c.code(e))
		if err != nil {
			t.Fatal(err)
		}
		tokens = append(tokens, token)
	}
	all, err := c.Sessions(t.Context(), "andi")
	if err != nil || len(all) != 3 {
		t.Fatal(all, err)
	}
	for _, s := range all {
		if strings.Contains(strings.Join(tokens, " "), s.ID) {
			t.Error("the list tells a token")
		}
	}
	if err := c.Revoke(t.Context(), "andi", "budi", all[0].ID); !errors.Is(err, operators.ErrNoSession) {
		t.Errorf("the session of another one: %v", err)
	}
	if err := c.Revoke(t.Context(), "andi", "andi", all[0].ID); err != nil { // the newest
		t.Error(err)
	}
	if err := c.SignOut(t.Context(), tokens[0]); err != nil {
		t.Error(err)
	}
	if err := c.SignOut(t.Context(), tokens[0]); err != nil {
		t.Error(err)
	}
	for i, good := range []bool{false, true, false} {
		if _, err := c.Session(t.Context(), tokens[i]); (err == nil) != good {
			t.Errorf("session %d: %v", i, err)
		}
	}
	if err := c.SetPassword(t.Context(), "andi", "andi", "pohon lontar di Ganra"); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Session(t.Context(), tokens[1]); !errors.Is(err, operators.ErrNoSession) {
		t.Errorf("a session with the old password: %v", err)
	}
	if _, err := c.Session(t.Context(), ""); !errors.Is(err, operators.ErrNoSession) {
		t.Error(err)
	}
}

func TestWhatIsNoAccount(t *testing.T) {
	c := newCenter(t, testserver.OpenDatabase(t, testserver.SQLiteURL(t)))
	c.add("andi", operators.Dispatcher)
	good := operators.Draft{Name: "budi", Roles: []operators.Role{operators.Dispatcher}, Password: password}
	for _, change := range []struct {
		what string
		fn   func(*operators.Draft)
		want error
	}{
		{"name", func(d *operators.Draft) { d.Name = "Budi" }, operators.ErrName},
		{"name", func(d *operators.Draft) { d.Name = "b" }, operators.ErrName},
		{"name", func(d *operators.Draft) { d.Name = "budi;" }, operators.ErrName},
		{"name", func(d *operators.Draft) { d.Name = "andi" }, operators.ErrTaken},
		{"roles", func(d *operators.Draft) { d.Roles = nil }, operators.ErrRole},
		{"roles", func(d *operators.Draft) { d.Roles = []operators.Role{"raja"} }, operators.ErrRole},
		{"short", func(d *operators.Draft) { d.Password = "pohon lonta" }, operators.ErrPassword},
		{"same", func(d *operators.Draft) { d.Password = "abababababababab" }, operators.ErrPassword},
		{"name in it", func(d *operators.Draft) { d.Password = "rahasia-Budi-12345" }, operators.ErrPassword},
		{"long", func(d *operators.Draft) { d.Password = strings.Repeat("pohon lontar", 100) }, operators.ErrPassword},
	} {
		d := good
		change.fn(&d)
		if _, err := c.Add(t.Context(), "terminal", d); !errors.Is(err, change.want) {
			t.Errorf("%s: %v", change.what, err)
		}
	}
}

// TestNothingInTheTablesOpensAnAccount looks for secrets in what a thief of the
// database would have.
func TestNothingInTheTablesOpensAnAccount(t *testing.T) {
	db := testserver.OpenDatabase(t, testserver.SQLiteURL(t))
	c := newCenter(t, db)
	var err error
	if c.Store, err = operators.New(db, secret, c.clock); err != nil { // at the true cost
		t.Fatal(err)
	}
	e := c.add("andi", operators.Dispatcher)
	token, err := c.signIn("andi", password, c.code(e))
	if err != nil {
		t.Fatal(err)
	}
	var all strings.Builder
	for _, query := range []string{
		`select password from operators`, `select hex(totp) from operators`, `select cast(totp as text) from operators`, `select hash from operator_recovery`,
		`select hash from operator_sessions`, `select key from operator_failures`, `select address from operator_addresses`, `select body from audit`,
	} {
		rows, err := db.Query(t.Context(), query)
		if err != nil {
			t.Fatal(err)
		}
		for rows.Next() {
			var text string
			if err := rows.Scan(&text); err != nil {
				t.Fatal(err)
			}
			all.WriteString(text + "\n")
		}
		if err := errors.Join(rows.Err(), rows.Close()); err != nil {
			t.Fatal(err)
		}
	}
	for _, s := range append(e.Recovery, token, e.Secret, password, strings.ReplaceAll(e.Recovery[0], "-", "")) {
		if strings.Contains(all.String(), s) {
			t.Errorf("the tables hold %q", s)
		}
	}
	if !strings.Contains(all.String(), "$argon2id$v=19$m=65536,t=3,p=2$") {
		t.Error("no argon2id")
	}
}

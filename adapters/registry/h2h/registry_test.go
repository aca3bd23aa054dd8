package h2h_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"tabe/adapters/database"
	"tabe/adapters/registry/h2h"
	extracts "tabe/adapters/registry/pbb"
	"tabe/adapters/registry/remote"
	"tabe/adapters/testserver"
	"tabe/bot"
	"tabe/bot/bottest"
	"tabe/bot/ident"
	"tabe/flows/pbb"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	farm    = "731203200200190010" // 2022 to 2025 in arrears in the extract, 2026 overdue
	shop    = "731204000200190020" // everything paid in the extract
	unknown = "731201000100199990"
	named   = "LA MAPPA BIN LA TEMMU"
)

// loaded is when the extract came in, now the present.
var (
	loaded = time.Date(2026, 11, 23, 12, 0, 0, 0, bot.WITA)
	now    = time.Date(2026, 11, 25, 9, 0, 0, 0, bot.WITA)
)

// today is how things stand at the office: the farmer has paid 2022 and 2023
// since the extract.
func today() []bill {
	list := []bill{{nop: shop, name: "HJ. BESSE", desa: "CABENGE", year: 2026, amount: 300000, paid: true}}
	for year := 2021; year <= 2026; year++ {
		list = append(list, bill{nop: farm, name: named, desa: "CITTA", year: year, amount: 30000 + year, penalty: 1000, land: 850, building: 54,
			njopLand: 20400000, dueDate: fmt.Sprint(year, "-09-30"), paid: year < 2024})
	}
	return list
}

// house is a registry between an office and an extract.
type house struct {
	*h2h.Registry
	db    *database.DB
	clock *bottest.Clock
	log   *bytes.Buffer
}

// way says which of its programs the office offers.
type way func(o *office, c *h2h.Config)

func inquiry(o *office, c *h2h.Config) {
	c.TokenURL, c.InquiryURL = o.URL+"/Token/getToken", o.URL+"/InqPBB"
}
func list(o *office, c *h2h.Config) { c.BillsURL = o.URL + "/GetBillingPBB" }
func both(o *office, c *h2h.Config) { inquiry(o, c); list(o, c) }

var ways = map[string]way{"inquiry": inquiry, "list": list, "both": both}

func open(t *testing.T, db *database.DB, o *office, w way, limits remote.Limits) *house {
	t.Helper()
	return openAt(t, db, o, w, limits, bottest.NewClock(now))
}

func openAt(t *testing.T, db *database.DB, o *office, w way, limits remote.Limits, clock *bottest.Clock) *house {
	t.Helper()
	h := &house{db: db, clock: clock, log: &bytes.Buffer{}}
	copies, err := remote.NewCopies(db, make([]byte, 32), "pbb", h.clock.Now)
	if err != nil {
		t.Fatal(err)
	}
	c := h2h.Config{User: user, Password: password, Limits: limits, Log: slog.New(slog.NewTextHandler(h.log, nil))}
	w(o, &c)
	if h.Registry, err = h2h.New(c, copies, extracts.New(db), h.clock.Now); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(h.Close)
	return h
}

// load imports the extract of the residents' stories.
func load(t *testing.T, db *database.DB) {
	t.Helper()
	if _, err := extracts.Import(t.Context(), db, "../pbb/sample/pbb.csv", nil); err != nil {
		t.Fatal(err)
	}
	if err := db.Do(t.Context(), func(tx *database.Tx) error {
		_, err := tx.Exec(`update registry_loads set finished = $1`, database.Micros(loaded))
		return err
	}); err != nil {
		t.Fatal(err)
	}
}

func empty(t *testing.T) *database.DB {
	t.Helper()
	return testserver.OpenDatabase(t, testserver.SQLiteURL(t))
}

// forget drops all copies.
func (h *house) forget(t *testing.T) {
	t.Helper()
	if err := h.db.Do(t.Context(), func(tx *database.Tx) error {
		_, err := tx.Exec("delete from registry_copies")
		return err
	}); err != nil {
		t.Fatal(err)
	}
}

// summary is an object in a line: "2026:32026 2025:32025 2024:paid".
func summary(o pbb.Object) string {
	var b strings.Builder
	for _, y := range o.Years {
		switch {
		case y.Settled:
			fmt.Fprintf(&b, "%d:paid ", y.Year)
		case !y.PaidOn.IsZero():
			fmt.Fprintf(&b, "%d:paid %s ", y.Year, y.PaidOn.Format("2 Jan"))
		default:
			fmt.Fprintf(&b, "%d:%d ", y.Year, int64(y.Due))
		}
	}
	return strings.TrimSpace(b.String())
}

// What each way of asking tells without an extract, with every fault at which
// the answer can still be read.
func TestAnswersThroughFaults(t *testing.T) {
	want := map[string]string{
		"inquiry": "2026:32026 2025:32025 2024:32024 2023:paid 2022:paid",
		"list":    "2026:32026 2025:32025 2024:32024",
		"both":    "2026:32026 2025:32025 2024:32024",
	}
	db := empty(t)
	for name, w := range ways {
		for _, faults := range []string{"", "sql", "expired", "numbers", "thousands", "dashes", "dates", "string", "sql expired numbers dashes"} {
			t.Run(name+" "+faults, func(t *testing.T) {
				o := newOffice(t, today()...)
				o.fault(strings.Fields(faults)...)
				h := open(t, db, o, w, remote.Limits{})
				h.forget(t)
				got, err := h.Object(t.Context(), farm)
				if err != nil || summary(got) != want[name] || !got.AsOf.Equal(now) {
					t.Fatalf("%s as of %v: %v, want %s", summary(got), got.AsOf, err, want[name])
				}
				newest := got.Years[0]
				if newest.Name != named || newest.Desa != "CITTA" || name == "list" && newest.LandArea != 850 {
					t.Errorf("%+v", newest)
				}
				if due := time.Date(2026, 9, 30, 0, 0, 0, 0, bot.WITA); name != "list" && !strings.Contains(faults, "dashes") &&
					(!newest.DueDate.Equal(due) || newest.LandValue != 20400000 || newest.LandArea != 850 || newest.BuildingArea != 54 || newest.Allowance != 10000000) {
					t.Errorf("%+v", newest)
				}
				if _, err := h.Object(t.Context(), unknown); !errors.Is(err, pbb.ErrNotFound) {
					t.Errorf("an unknown object: %v", err)
				}
				if paid, err := h.Object(t.Context(), shop); err != nil || summary(paid) != "2026:paid" {
					t.Errorf("%s %v", summary(paid), err)
				}
				if asOf, err := h.AsOf(t.Context()); err != nil || !asOf.Equal(now) {
					t.Errorf("not found as of %v %v", asOf, err)
				}
				h.silent(t)
			})
		}
	}
}

// silent fails if what was logged tells anything.
func (h *house) silent(t *testing.T) {
	t.Helper()
	for _, secret := range []string{"73120", "731299", "SELECT", password, "eyJ0", "MAPPA", "127.0.0.1"} {
		if strings.Contains(h.log.String(), secret) {
			t.Errorf("the log tells %q:\n%s", secret, h.log)
		}
	}
}

func says(status int, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(status); fmt.Fprint(w, body) }
}

// Every way in which the office can fail to answer: without anything known, it
// is down and nobody says "not found"; with an extract, that is told, with its age.
func TestOutages(t *testing.T) {
	nothing, extract := empty(t), empty(t)
	load(t, extract)
	for name, respond := range map[string]http.HandlerFunc{
		"a page":             says(502, "<html><body>Bad gateway</body></html>"),
		"a page that is ok":  says(200, "<html><body>PADDARE</body></html>"),
		"maintenance":        says(403, `{"code":"MT","description":"Sistem sedang maintenance."}`),
		"login refused":      says(403, `{"code":"04","response_code":"01"}`),
		"token refused":      says(401, `{"response_code":"05","message":"Token tidak sesuai atau sudah expired"}`),
		"wrong amount":       says(401, `{"response_code":"13","code":"12","message":"Jumlah bayar tidak sama","data":{"current_token":"eyJ0.1"}}`),
		"an unknown code":    says(200, `{"response_code":"77","code":"77"}`),
		"a code with a name": says(200, `{"response_code":"731203200200190010","code":"LA MAPPA"}`),
		"no code":            says(200, `{"data":{"bills":[]}}`),
		"SQL and no more":    says(200, "SELECT * FROM pbb_sppt WHERE NOP = '"+farm+"'"),
		"cut off":            says(200, `{"response_code":"00","code":"10","data":{"bills":[{"nop":"`+farm),
		"a list of nothing":  says(200, `{"response_code":"00","code":"10","data":{"current_token":"eyJ0.1","bills":[{}]}}`),
		"a list without one": says(200, `{"response_code":"00","code":"10","data":{"current_token":"eyJ0.1","bills":[]}}`),
		"no amount":          says(200, `{"response_code":"00","code":"10","data":{"current_token":"eyJ0.1","tax_year":"2026","bills":[{"nop":"`+farm+`","tahun_pajak":"2026","nilai":"-"}]}}`),
		"half an amount":     says(200, `{"response_code":"00","code":"10","data":{"current_token":"eyJ0.1","bill_amount":"50.5","tax_year":"2026","bills":[{"tahun_pajak":"2026","nilai":50.5}]}}`),
		"no year":            says(200, `{"response_code":"00","code":"10","data":{"current_token":"eyJ0.1","bill_amount":"1","bills":[{"nilai":"1"}]}}`),
		"an odd status":      says(200, `{"response_code":"00","code":"10","data":{"current_token":"eyJ0.1","bill_amount":"1","tax_year":"2026","status_bayar":"?","bills":[{"tahun_pajak":"2026","nilai":"1","status_bayar":"?"}]}}`),
		"another object":     says(200, `{"response_code":"00","code":"10","data":{"current_token":"eyJ0.1","nop":"731299900300200410","bill_amount":"1","tax_year":"2026","bills":[{"nop":"731299900300200410","tahun_pajak":"2026","nilai":"1"}]}}`),
		"very many bills":    says(200, `{"response_code":"00","code":"10","data":{"current_token":"eyJ0.1","bills":[`+strings.Repeat(`{"tahun_pajak":"2026","nilai":"1"},`, 100)+`{}]}}`),
		"silent":             silence,
		"drips": func(w http.ResponseWriter, r *http.Request) {
			for r.Context().Err() == nil {
				fmt.Fprint(w, " ")
				_ = http.NewResponseController(w).Flush()
				time.Sleep(5 * time.Millisecond)
			}
		},
		"huge": says(200, `{"response_code":"00","code":"10","x":"`+strings.Repeat("x", 2<<20)+`"}`),
		"moved": func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "https://127.0.0.1:1/login", http.StatusFound)
		},
		"hangs up": hangUp,
	} {
		for program, w := range ways {
			t.Run(name+", "+program, func(t *testing.T) {
				o := newOffice(t, today()...)
				o.down(respond)
				limits := remote.Limits{Answer: 100 * time.Millisecond}
				h := open(t, nothing, o, w, limits)
				if got, err := h.Object(t.Context(), farm); err == nil || errors.Is(err, pbb.ErrNotFound) {
					t.Errorf("down, and nothing known: %s %v", summary(got), err)
				}
				if err := h.Check(t.Context()); err == nil && name != "wrong amount" {
					t.Error("tabe check finds nothing wrong")
				}
				h.silent(t)
				h = open(t, extract, o, w, limits)
				got, err := h.Object(t.Context(), farm)
				if err != nil || !got.AsOf.Equal(loaded) || len(got.Years) != 6 {
					t.Errorf("down, with an extract: %s of %v, %v", summary(got), got.AsOf, err)
				}
				if _, err := h.Object(t.Context(), unknown); err == nil || errors.Is(err, pbb.ErrNotFound) {
					t.Errorf("down, and in no extract: %v", err)
				} else if strings.Contains(err.Error(), "7312") || strings.Contains(err.Error(), "MAPPA") {
					t.Errorf("the error tells: %v", err)
				}
				h.silent(t)
			})
		}
	}
}

// silence lasts until the other side gives up.
func silence(_ http.ResponseWriter, r *http.Request) {
	_, _ = io.Copy(io.Discard, r.Body) // or the server does not notice
	<-r.Context().Done()
}

func hangUp(w http.ResponseWriter, _ *http.Request) {
	if conn, _, err := http.NewResponseController(w).Hijack(); err == nil {
		_ = conn.Close()
	}
}

// What is live is put over the extract: what was paid since is paid, who may
// see what does not change.
func TestLiveOverAnExtract(t *testing.T) {
	testserver.Databases(t, func(t *testing.T, db *database.DB) {
		load(t, db)
		for name, w := range ways {
			o := newOffice(t, today()...)
			h := open(t, db, o, w, remote.Limits{})
			h.clock.Advance(time.Duration(len(name)) * time.Hour) // no copy of the way before is fresh
			got, err := h.Object(t.Context(), farm)
			if want := "2026:32026 2025:32025 2024:32024 2023:paid 2022:paid 2021:paid 19 Aug"; err != nil || summary(got) != want {
				t.Errorf("%s: %s, want %s (%v)", name, summary(got), want, err)
			}
			if got.Years[0].Phone != "+6281100000401" || got.Years[0].LandArea == 0 || got.Years[0].Kecamatan == "" {
				t.Errorf("%s: %+v", name, got.Years[0])
			}
			owned, err := h.Owned(t.Context(), "+6281100000401", 9)
			if err != nil || len(owned) != 1 || owned[0] != ident.NOP(farm) {
				t.Errorf("%s: owned %v %v", name, owned, err)
			}
		}
	})
}

// Who sold his land sees it no more, whatever the extract says.
func TestAnotherTaxpayerSinceTheExtract(t *testing.T) {
	db := empty(t)
	load(t, db)
	o := newOffice(t, today()...)
	o.change(func(bills []bill) {
		for i := range bills {
			bills[i].name = "I BACCE"
		}
	})
	got, err := open(t, db, o, both, remote.Limits{}).Object(t.Context(), farm)
	if err != nil || got.Years[0].Name != "I BACCE" || got.Years[0].Phone != "" {
		t.Errorf("%+v %v", got.Years[0], err)
	}
}

// A conversation asks once; a later one asks again; what is down is answered
// from the copy, and what the office knows no more is forgotten.
func TestCopies(t *testing.T) {
	db := empty(t)
	o := newOffice(t, today()...)
	h := open(t, db, o, both, remote.Limits{})
	ask := func() (pbb.Object, error) { return h.Object(t.Context(), farm) }
	for range 3 {
		if _, err := ask(); err != nil {
			t.Fatal(err)
		}
	}
	if got := o.questions(); got != "bills, inquiry 2026, token" {
		t.Errorf("asked %s", got)
	}
	h.clock.Advance(time.Hour)
	o.change(func(bills []bill) { bills[len(bills)-1].paid = true })
	if got, err := ask(); err != nil || summary(got) != "2026:paid 2025:32025 2024:32024" {
		t.Errorf("%s %v", summary(got), err)
	}
	if got := o.questions(); got != "bills, inquiry 2026" { // the token is still good
		t.Errorf("asked %s", got)
	}
	o.down(hangUp)
	h.clock.Advance(24 * time.Hour)
	if got, err := ask(); err != nil || summary(got) != "2026:paid 2025:32025 2024:32024" || !got.AsOf.Equal(now.Add(time.Hour)) {
		t.Errorf("%s of %v %v", summary(got), got.AsOf, err)
	}
	// An extract that came after the copy is newer.
	load(t, db)
	if err := db.Do(t.Context(), func(tx *database.Tx) error {
		_, err := tx.Exec(`update registry_loads set finished = $1`, database.Micros(h.clock.Now()))
		return err
	}); err != nil {
		t.Fatal(err)
	}
	if got, err := ask(); err != nil || len(got.Years) != 6 || !got.AsOf.Equal(h.clock.Now()) {
		t.Errorf("%s of %v %v", summary(got), got.AsOf, err)
	}

	other := empty(t)
	h = open(t, other, o, both, remote.Limits{})
	o.down(nil)
	if _, err := ask(); err != nil {
		t.Fatal(err)
	}
	h.clock.Advance(time.Hour)
	o.change(func(bills []bill) {
		for i := range bills {
			bills[i].nop = shop
		}
	})
	if _, err := ask(); !errors.Is(err, pbb.ErrNotFound) {
		t.Error(err)
	}
	o.down(hangUp)
	if _, err := ask(); err == nil || errors.Is(err, pbb.ErrNotFound) {
		t.Errorf("a copy of what is gone: %v", err)
	}
}

// The office says nothing of one year of several: then it is down, and a debt
// is not told as none.
func TestHalfAnAnswer(t *testing.T) {
	o := newOffice(t, today()...)
	h := open(t, empty(t), o, inquiry, remote.Limits{})
	o.fault("2025")
	if got, err := h.Object(t.Context(), farm); err == nil {
		t.Error(summary(got))
	}
}

func TestNothingLearnedFromASilentOffice(t *testing.T) {
	o := newOffice(t)
	h := open(t, empty(t), o, both, remote.Limits{Answer: 50 * time.Millisecond})
	o.down(silence)
	turn, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	began := time.Now()
	for range 20 { // a list of twenty objects
		if _, err := h.Object(turn, farm); err == nil {
			t.Fatal("answered")
		}
	}
	if took := time.Since(began); turn.Err() != nil || took > 5*time.Second {
		t.Errorf("a list took %v of a turn", took)
	}
}

func TestCheck(t *testing.T) {
	for name, w := range ways {
		o := newOffice(t, today()...)
		if err := open(t, empty(t), o, w, remote.Limits{}).Check(t.Context()); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		wrong := func(o *office, c *h2h.Config) { w(o, c); c.Password = "salah" }
		if err := open(t, empty(t), o, wrong, remote.Limits{}).Check(t.Context()); err == nil || strings.Contains(err.Error(), "salah") {
			t.Errorf("%s with a wrong password: %v", name, err)
		}
	}
}

func TestSettings(t *testing.T) {
	good := h2h.Config{TokenURL: "https://h/t", InquiryURL: "https://h/i", BillsURL: "https://h/b", User: "u", Password: "rahasia"}
	for name, spoil := range map[string]func(*h2h.Config){
		"":                       func(*h2h.Config) {},
		"no address":             func(c *h2h.Config) { c.InquiryURL, c.BillsURL = "", "" },
		"no token":               func(c *h2h.Config) { c.TokenURL = "" },
		"half an address":        func(c *h2h.Config) { c.BillsURL = "rahasia" },
		"no user":                func(c *h2h.Config) { c.User = "" },
		"no password":            func(c *h2h.Config) { c.Password = "" },
		"an address of a file":   func(c *h2h.Config) { c.InquiryURL = "file:///etc/passwd" },
		"an address that is odd": func(c *h2h.Config) { c.TokenURL = "http://%zz" },
	} {
		c := good
		spoil(&c)
		if _, err := h2h.New(c, nil, nil, time.Now); (err == nil) != (name == "") || err != nil && strings.Contains(err.Error(), "rahasia") {
			t.Errorf("%q: %v", name, err)
		}
	}
}

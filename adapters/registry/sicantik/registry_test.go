package sicantik_test

import (
	"bytes"
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
	extracts "tabe/adapters/registry/perizinan"
	"tabe/adapters/registry/remote"
	"tabe/adapters/registry/sicantik"
	"tabe/adapters/testserver"
	"tabe/bot"
	"tabe/bot/bottest"
	"tabe/flows/perizinan"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	billboard = "0413/REK/DPM-PTSP/XI/2026"
	research  = "302/IP/DPM-PTSP/XI/2026" // in no extract
	owned     = "0412/REK/DPM-PTSP/XI/2026"
	unknown   = "999/IP/DPM-PTSP/XI/2026"
)

var (
	loaded = time.Date(2026, 11, 23, 12, 0, 0, 0, bot.WITA)
	now    = time.Date(2026, 11, 25, 9, 0, 0, 0, bot.WITA)
)

func today() []entry {
	return []entry{
		{billboard, "2026-11-04", "Izin Reklame", []string{"Pendaftaran=Selesai", "Verifikasi Berkas=Selesai", "Persetujuan Kepala Dinas=Selesai", "Penyerahan Izin=Proses"}},
		{research, "2026-11-09", "Izin Penelitian", []string{"Pendaftaran=Selesai", "Verifikasi Berkas=Proses", "Penyerahan Izin=Belum"}},
		{owned, "2026-11-03", "Izin Reklame", []string{"Pendaftaran=Selesai", "Penandatanganan=Selesai", "Penyerahan Izin=Selesai"}},
	}
}

type house struct {
	*sicantik.Registry
	db     *database.DB
	clock  *bottest.Clock
	copies *remote.Copies
	log    *bytes.Buffer
}

func open(t *testing.T, db *database.DB, o *office, limits remote.Limits) *house {
	t.Helper()
	return openAt(t, db, o, limits, bottest.NewClock(now))
}

func openAt(t *testing.T, db *database.DB, o *office, limits remote.Limits, clock *bottest.Clock) *house {
	t.Helper()
	h := &house{db: db, clock: clock, log: &bytes.Buffer{}}
	var err error
	if h.copies, err = remote.NewCopies(db, make([]byte, 32), "perizinan", h.clock.Now); err != nil {
		t.Fatal(err)
	}
	c := sicantik.Config{
		TrackerURL: o.URL + "/api/TemplateData/keluaran/10916.json", BulkURL: o.URL + "/api/TemplateData/keluaran/27646.json", Key: key,
		Limits: limits, Log: slog.New(slog.NewTextHandler(h.log, nil)),
	}
	if h.Registry, err = sicantik.New(c, h.copies, extracts.New(db), h.clock.Now); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(h.Close)
	return h
}

func load(t *testing.T, db *database.DB) {
	t.Helper()
	if _, err := extracts.Import(t.Context(), db, "../perizinan/sample/perizinan.csv", nil); err != nil {
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

// private fails if what the tracker tells of an applicant is in a text.
func private(t *testing.T, where, text string) {
	t.Helper()
	for _, secret := range []string{"RAHASIA", "TAKALALA", "1990", "0499", key, "DPM-PTSP", "127.0.0.1"} {
		if strings.Contains(text, secret) && !(secret == "DPM-PTSP" && where == "permit") {
			t.Errorf("%s tells %q: %s", where, secret, text)
		}
	}
}

func TestAnswersThroughFaults(t *testing.T) {
	for _, faults := range []string{"", "string", "inner", "null", "nothing", "reversed", "warning", "500", "anonymous", "numbers", "string inner reversed anonymous 500"} {
		t.Run(faults, func(t *testing.T) {
			o := newOffice(t, today()...)
			o.fault(strings.Fields(faults)...)
			h := open(t, empty(t), o, remote.Limits{})
			for number, want := range map[perizinan.Number]perizinan.Step{billboard: perizinan.Ready, research: perizinan.Papers, owned: perizinan.Collected} {
				p, err := h.Permit(t.Context(), number)
				if err != nil || perizinan.StepOf(p.Status) != want || p.Number != number || !p.AsOf.Equal(now) || p.Type == "" {
					t.Errorf("%+v %v, want %s", p, err, want)
				}
				private(t, "permit", fmt.Sprintf("%+v", p))
				var kept map[string]any
				if at, err := h.copies.Last(t.Context(), number.Key(), &kept); err != nil || at.IsZero() {
					t.Errorf("no copy: %v", err)
				}
				private(t, "permit", fmt.Sprint(kept))
			}
			if _, err := h.Permit(t.Context(), unknown); !errors.Is(err, perizinan.ErrNotFound) {
				t.Errorf("an unknown number: %v", err)
			}
			if asOf, err := h.AsOf(t.Context()); err != nil || !asOf.Equal(now) {
				t.Errorf("not found as of %v %v", asOf, err)
			}
			if err := h.Check(t.Context()); err != nil {
				t.Error(err)
			}
			private(t, "log", h.log.String())
		})
	}
}

func says(status int, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(status); fmt.Fprint(w, body) }
}

func hangUp(w http.ResponseWriter, _ *http.Request) {
	if conn, _, err := http.NewResponseController(w).Hijack(); err == nil {
		_ = conn.Close()
	}
}

func silence(_ http.ResponseWriter, r *http.Request) {
	_, _ = io.Copy(io.Discard, r.Body)
	<-r.Context().Done()
}

func TestOutages(t *testing.T) {
	nothing, extract := empty(t), empty(t)
	load(t, extract)
	for name, respond := range map[string]http.HandlerFunc{
		"a page":              says(502, "<html>RAHASIA</html>"),
		"a page that is ok":   says(200, "<html>RAHASIA</html>"),
		"a gateway's no":      says(401, `{"message":"Unauthorized"}`),
		"no data":             says(200, `{"success":false}`),
		"data of a part":      says(200, `{"data":{"berkas":[{"nama_proses":"x",}],"count":[{"data":0}]}}`),
		"data of nothing":     says(200, `{"data":null}`),
		"a list of data":      says(200, `{"data":[{"no_permohonan":"`+billboard+`"}]}`),
		"no list but numbers": says(200, `{"data":{"berkas":{"1":{"nama_proses":"x","status":"Proses"}}}}`),
		"other data":          says(200, `{"data":{"count":1}}`),
		"no list":             says(200, `{"data":{"berkas":"x"}}`),
		"cut off":             says(200, `{"data":{"berkas":[{"no_permohonan":"`+billboard+`","nama":"CONTOH RAHASIA","tang`),
		"another number":      says(200, `{"data":{"berkas":[{"no_permohonan":"1/X/2026","nama":"CONTOH RAHASIA","nama_proses":"x","status":"Proses"}]}}`),
		"no status":           says(200, `{"data":{"berkas":[{"no_permohonan":"`+billboard+`"},{},7,null]}}`),
		"very many steps":     says(200, `{"data":{"berkas":[`+strings.Repeat(`{},`, 6000)+`{}]}}`),
		"silent":              silence,
		"hangs up":            hangUp,
	} {
		t.Run(name, func(t *testing.T) {
			o := newOffice(t, today()...)
			o.down(respond)
			limits := remote.Limits{Answer: 100 * time.Millisecond}
			h := open(t, nothing, o, limits)
			if p, err := h.Permit(t.Context(), billboard); err == nil || errors.Is(err, perizinan.ErrNotFound) {
				t.Errorf("down, and nothing known: %+v %v", p, err)
			} else {
				private(t, "error", err.Error())
			}
			if err := h.Check(t.Context()); err == nil && name != "no status" {
				t.Error("tabe check finds nothing wrong")
			}
			private(t, "log", h.log.String())
			h = open(t, extract, o, limits)
			p, err := h.Permit(t.Context(), billboard)
			if err != nil || p.Status != "Persetujuan penerbitan" || !p.AsOf.Equal(loaded) {
				t.Errorf("down, with an extract: %+v %v", p, err)
			}
			if found, err := h.Owned(t.Context(), "+6281100000402", 9); err != nil || len(found) != 2 || !found[0].AsOf.Equal(loaded) {
				t.Errorf("down, owned: %+v %v", found, err)
			}
			if found, err := h.Find(t.Context(), perizinan.Clue{Serial: "413", Entered: time.Date(2026, 11, 4, 0, 0, 0, 0, bot.WITA)}, 9); err != nil || len(found) != 1 {
				t.Errorf("down, found: %+v %v", found, err)
			}
			if _, err := h.Permit(t.Context(), unknown); err == nil || errors.Is(err, perizinan.ErrNotFound) {
				t.Errorf("down, and in no extract: %v", err)
			}
			if news, err := h.News(t.Context(), []string{billboard, unknown}, now); err != nil || len(news) != 1 {
				t.Errorf("down, news: %v %v", news, err)
			}
		})
	}
}

// Today's step over what only the office's extract knows.
func TestLiveOverAnExtract(t *testing.T) {
	testserver.Databases(t, func(t *testing.T, db *database.DB) {
		load(t, db)
		o := newOffice(t, today()...)
		h := open(t, db, o, remote.Limits{})
		p, err := h.Permit(t.Context(), "0413/REK/DPMPTSP/XI/2026") // as a resident writes it
		if err != nil || p.Status != "Siap diambil" || !p.Since.IsZero() || p.Entered.IsZero() || !p.AsOf.Equal(now) {
			t.Errorf("%+v %v", p, err)
		}
		mine, err := h.Owned(t.Context(), "+6281100000402", 9)
		if err != nil || len(mine) != 2 || perizinan.StepOf(mine[0].Status) != perizinan.Collected || mine[0].Phone != "+6281100000402" {
			t.Errorf("%+v %v", mine, err)
		}
		news, err := h.News(t.Context(), []string{billboard}, now)
		if err != nil || news[billboard].Mark != string(perizinan.Ready) {
			t.Errorf("%+v %v", news, err)
		}
		// The tracker knows fewer steps: what the office says beyond it holds.
		o.change(func(entries []entry) { entries[2].steps = []string{"Pendaftaran=Selesai", "Penerbitan=Selesai"} })
		h.clock.Advance(time.Hour)
		mine, err = h.Owned(t.Context(), "+6281100000402", 9)
		if err != nil || mine[0].Status != "silahkan ambil sudah jadi" || mine[0].Since.IsZero() || !mine[0].AsOf.Equal(now.Add(time.Hour)) {
			t.Errorf("%+v %v", mine, err)
		}
	})
}

func TestFoundByItsDay(t *testing.T) {
	for _, faults := range []string{"", "string", "inner"} {
		o := newOffice(t, today()...)
		o.fault(strings.Fields(faults)...)
		h := open(t, empty(t), o, remote.Limits{})
		found, err := h.Find(t.Context(), perizinan.Clue{Serial: "302", Entered: time.Date(2026, 11, 9, 0, 0, 0, 0, bot.WITA)}, 9)
		if err != nil || len(found) != 1 || found[0].Number != research || perizinan.StepOf(found[0].Status) != perizinan.Papers {
			t.Errorf("%s: %+v %v", faults, found, err)
		}
		private(t, "permit", fmt.Sprintf("%+v", found))
		if asked := o.questions(); asked != "'2026-11-09', "+research {
			t.Errorf("asked for %s", asked)
		}
		for _, c := range []perizinan.Clue{{Serial: "302", Entered: time.Date(2026, 11, 10, 0, 0, 0, 0, bot.WITA)}, {Serial: "302", Kind: perizinan.Research}} {
			if found, err := h.Find(t.Context(), c, 9); err != nil || len(found) != 0 {
				t.Errorf("%s: %+v %v", faults, found, err)
			}
		}
	}
	o := newOffice(t, today()...)
	o.down(hangUp)
	if _, err := open(t, empty(t), o, remote.Limits{}).Find(t.Context(), perizinan.Clue{Serial: "302", Entered: now}, 9); err == nil {
		t.Error("down, and nothing found")
	}
}

// A number is asked for as it is, or not at all.
func TestWhatIsNoNumberIsNotAsked(t *testing.T) {
	o := newOffice(t, today()...)
	h := open(t, empty(t), o, remote.Limits{})
	for _, number := range []perizinan.Number{"1'OR'1'='1", "1;DROP", "1%27", "1\"", "1&KEY=2", "", "12É"} {
		if _, err := h.Permit(t.Context(), number); !errors.Is(err, perizinan.ErrNotFound) {
			t.Errorf("%s: %v", number, err)
		}
	}
	if asked := o.questions(); asked != "" {
		t.Errorf("asked for %s", asked)
	}
}

func TestCopies(t *testing.T) {
	o := newOffice(t, today()...)
	h := open(t, empty(t), o, remote.Limits{})
	for range 3 {
		if _, err := h.Permit(t.Context(), research); err != nil {
			t.Fatal(err)
		}
	}
	if asked := o.questions(); asked != research {
		t.Errorf("asked for %s", asked)
	}
	o.down(hangUp)
	h.clock.Advance(26 * time.Hour)
	p, err := h.Permit(t.Context(), research)
	if err != nil || perizinan.StepOf(p.Status) != perizinan.Papers || !p.AsOf.Equal(now) {
		t.Errorf("%+v %v", p, err)
	}
}

func TestSteps(t *testing.T) {
	for _, c := range []struct {
		steps []string
		want  perizinan.Step
	}{
		{[]string{"Pendaftaran=Proses"}, perizinan.Registered},
		{[]string{"Pendaftaran=Selesai", "Verifikasi=Selesai", "Penerbitan=Selesai"}, perizinan.Issued},
		{[]string{"Pendaftaran=Selesai", "Verifikasi=Selesai", "Rekomendasi Teknis=Belum", "Penerbitan="}, perizinan.Inspection}, // between two steps
		{[]string{"Penerbitan=", "Rekomendasi Teknis=Menunggu", "Verifikasi=Selesai", "Pendaftaran=Selesai"}, perizinan.Inspection},
		{[]string{"Pendaftaran=Selesai", "Verifikasi=Dikembalikan", "Penerbitan="}, perizinan.Returned},
		{[]string{"Pendaftaran=Selesai", "Verifikasi=DITOLAK"}, perizinan.Refused},
		{[]string{"Pendaftaran=SELESAI", "Penyerahan Izin=PROSES"}, perizinan.Ready},
		{[]string{"Pendaftaran=Selesai", "Kasi meneliti=Proses"}, perizinan.Unknown}, // told in the office's words
		{[]string{"=Proses"}, perizinan.Signing},
	} {
		o := newOffice(t, entry{research, "2026-11-09", "Izin Penelitian", c.steps})
		p, err := open(t, empty(t), o, remote.Limits{}).Permit(t.Context(), research)
		if err != nil || perizinan.StepOf(p.Status) != c.want || p.Status == "" {
			t.Errorf("%v: %q is %s, want %s (%v)", c.steps, p.Status, perizinan.StepOf(p.Status), c.want, err)
		}
	}
}

func TestSettings(t *testing.T) {
	for _, c := range []sicantik.Config{{}, {TrackerURL: "x"}, {TrackerURL: "https://h/x.json", BulkURL: "ftp://h"}} {
		if _, err := sicantik.New(c, nil, nil, time.Now); err == nil {
			t.Errorf("%+v is accepted", c)
		}
	}
}

package alerts_test

import (
	"encoding/xml"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"tabe/adapters/database"
	"tabe/adapters/scc"
	"tabe/adapters/scc/alerts"
	"tabe/adapters/scc/audit"
	"tabe/adapters/testserver"
	"tabe/bot"
	"tabe/bot/bottest"
	"tabe/flows/darurat"
)

var now = time.Date(2026, 11, 25, 21, 4, 33, 123456789, bot.WITA)

func incident(code string, k darurat.Kind) scc.Incident {
	return scc.Incident{
		ID: 8, Code: code, Kind: k, Status: scc.Acked, District: "73.12.04", Village: "73.12.04.1001", Landmark: "di belakang rumah Pak Sadda",
		Position: &bot.Location{Lat: -4.350123, Lng: 119.883456}, Opened: now.Add(-time.Minute),
	}
}

var botto = alerts.Situation{Village: "Botto", District: "Lalabata", Center: &bot.Location{Lat: -4.35, Lng: 119.88}, Version: 1, Sent: now}

var everyKind = []darurat.Kind{darurat.Fire, darurat.Medical, darurat.Crime, darurat.Disaster, darurat.Violence}

func TestAlertsAreValid(t *testing.T) {
	var documents [][]byte
	add := func(a alerts.Alert, ok bool) {
		t.Helper()
		if !ok {
			t.Fatal("no alert")
		}
		body, err := a.XML()
		if err != nil {
			t.Fatal(err)
		}
		documents = append(documents, body)
	}
	for _, k := range everyKind {
		if k != darurat.Violence {
			add(alerts.OfIncident(incident("A7K3", k), botto))
		}
	}
	public := botto
	public.Scope, public.OnScene, public.Instruction = alerts.Public, true, "Jauhi jalan Kesatria & beri jalan"
	add(alerts.OfIncident(incident("A7K3", darurat.Fire), public))
	unknown := incident("B1Q8", darurat.Disaster)
	unknown.District, unknown.Village = "", ""
	add(alerts.OfIncident(unknown, alerts.Situation{Version: 1, Sent: now}))
	over := incident("A7K3", darurat.Fire)
	over.Status, over.Outcome, over.Test = scc.Closed, scc.False, true
	cancel := botto
	cancel.Version, cancel.Before = 2, []string{"scc@soppengkab.go.id,scc.soppengkab.go.id-A7K3-1,2026-11-25T21:00:00+08:00"}
	add(alerts.OfIncident(over, cancel))

	for schema, said := range verdicts(t, documents...) {
		for i, v := range said {
			if v != "valid" {
				t.Errorf("%s: %s\n%s", schema, v, documents[i])
			}
		}
	}
}

// The schema must also be able to say no, or the test above proves nothing.
func TestSchemaRefuses(t *testing.T) {
	a, _ := alerts.OfIncident(incident("A7K3", darurat.Fire), botto)
	body, err := a.XML()
	if err != nil {
		t.Fatal(err)
	}
	broken := strings.Replace(string(body), "+08:00", "Z", 1)
	for schema, said := range verdicts(t, []byte(broken), []byte(strings.Replace(string(body), "Immediate", "Soon", 1))) {
		for _, v := range said {
			if v == "valid" {
				t.Errorf("%s accepts a broken document", schema)
			}
		}
	}
}

func TestViolenceNeverBecomesAnAlert(t *testing.T) {
	for _, scope := range []alerts.Scope{"", alerts.Private, alerts.Restricted, alerts.Public} {
		s := botto
		s.Scope = scope
		if a, ok := alerts.OfIncident(incident("V1", darurat.Violence), s); ok {
			t.Errorf("scope %q: %+v", scope, a)
		}
	}
	if agencies, public := alerts.Publishable(darurat.Violence); agencies || public {
		t.Error("violence is called publishable")
	}
}

func TestAlertSaysNoMoreThanTheDesa(t *testing.T) {
	for _, k := range everyKind {
		a, ok := alerts.OfIncident(incident("A7K3", k), botto)
		if !ok {
			continue
		}
		body, err := a.XML()
		if err != nil {
			t.Fatal(err)
		}
		for _, secret := range []string{"Sadda", "350123", "883456"} {
			if strings.Contains(string(body), secret) {
				t.Errorf("%s: the alert has %q of the reporter", k, secret)
			}
		}
	}
}

func TestValidate(t *testing.T) {
	good, _ := alerts.OfIncident(incident("A7K3", darurat.Fire), botto)
	if err := good.Validate(); err != nil {
		t.Fatal(err)
	}
	for name, spoil := range map[string]func(a *alerts.Alert){
		"identifier with a space":     func(a *alerts.Alert) { a.Identifier = "a b" },
		"sender with a comma":         func(a *alerts.Alert) { a.Sender = "a,b" },
		"private for nobody":          func(a *alerts.Alert) { a.Scope = alerts.Private },
		"restricted without a reason": func(a *alerts.Alert) { a.Restriction = "" },
		"update of nothing":           func(a *alerts.Alert) { a.MsgType = "Update" },
		"update of itself": func(a *alerts.Alert) {
			a.MsgType, a.References = "Update", a.Sender+","+a.Identifier+",2026-11-25T20:00:00+08:00"
		},
		"update of the future":        func(a *alerts.Alert) { a.MsgType, a.References = "Update", a.Sender+",x,2027-11-25T20:00:00+08:00" },
		"circle of letters":           func(a *alerts.Alert) { a.Info[0].Area[0].Circle = "garbage" },
		"circle with the axes turned": func(a *alerts.Alert) { a.Info[0].Area[0].Circle = "119.88,-4.35 3" },
		"markup":                      func(a *alerts.Alert) { a.Info[0].Headline = "<b>Kebakaran</b>" },
		"nothing happened":            func(a *alerts.Alert) { a.Info = nil },
	} {
		a, _ := alerts.OfIncident(incident("A7K3", darurat.Fire), botto)
		spoil(&a)
		if _, err := a.XML(); !errors.Is(err, alerts.ErrInvalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// book opens a book on each kind of database.
func book(t *testing.T, run func(t *testing.T, b *alerts.Book)) {
	testserver.Databases(t, func(t *testing.T, db *database.DB) {
		run(t, &alerts.Book{DB: db, Event: audit.Append, Clock: bottest.NewClock(now).Now})
	})
}

func TestPublicNeedsTwoPeople(t *testing.T) {
	book(t, func(t *testing.T, b *alerts.Book) {
		ctx := t.Context()
		if e, err := b.Draft(ctx, "andi", incident("A7K3", darurat.Fire), botto); err != nil || e.Status != alerts.Published {
			t.Fatal("agencies are told at once:", e, err)
		}
		public := botto
		public.Scope = alerts.Public
		e, err := b.Draft(ctx, "andi", incident("A7K3", darurat.Fire), public)
		if err != nil || e.Status != alerts.Waiting || e.Identifier != "scc.soppengkab.go.id-A7K3-2" {
			t.Fatal(e, err)
		}
		if _, err := b.Approve(ctx, "andi", e.ID); !errors.Is(err, alerts.ErrSamePerson) {
			t.Error("one person is enough:", err)
		}
		if _, err := b.Find(ctx, e.Identifier, true); !errors.Is(err, alerts.ErrUnknown) {
			t.Error("it can be read before:", err)
		}
		if _, err := b.Approve(ctx, "besse", e.ID); err != nil {
			t.Error(err)
		}
		if _, err := b.Refuse(ctx, "besse", e.ID); !errors.Is(err, alerts.ErrDecided) {
			t.Error("decided twice:", err)
		}
		if _, err := b.Approve(ctx, "besse", 999); !errors.Is(err, alerts.ErrUnknown) {
			t.Error(err)
		}
		found, err := b.Find(ctx, e.Identifier, false)
		if err != nil || found.Alert.MsgType != "Update" || !strings.Contains(found.Alert.References, "A7K3-1,") {
			t.Errorf("%+v %v", found.Alert, err)
		}
		for _, k := range []darurat.Kind{darurat.Medical, darurat.Crime, darurat.Violence} {
			if _, err := b.Draft(ctx, "andi", incident("C1", k), public); !errors.Is(err, alerts.ErrForbidden) {
				t.Errorf("%s can be made public: %v", k, err)
			}
		}
	})
}

func TestWarning(t *testing.T) {
	book(t, func(t *testing.T, b *alerts.Book) {
		var warned []alerts.Entry
		b.Warned = func(_ *database.Tx, e alerts.Entry) error { warned = append(warned, e); return nil }
		w := alerts.Warning{
			District: "73.12.05", DistrictName: "Marioriawa", Category: "Met", Event: "Banjir", Severity: "Severe",
			Headline: "Sungai Walennae naik", Description: "Tinggi air 4 m dan masih naik.", Instruction: "Pindah ke tempat tinggi.",
			Expires: now.Add(6 * time.Hour),
		}
		e, err := b.Warn(t.Context(), "andi", w)
		if err != nil || e.Status != alerts.Waiting || len(warned) != 0 {
			t.Fatal(e, err, warned)
		}
		if e, err = b.Approve(t.Context(), "besse", e.ID); err != nil || len(warned) != 1 || warned[0].District != "73.12.05" {
			t.Fatal(err, warned)
		}
		body, err := e.Alert.XML()
		if err != nil {
			t.Fatal(err)
		}
		for schema, said := range verdicts(t, body) {
			if said[0] != "valid" {
				t.Errorf("%s: %s\n%s", schema, said[0], body)
			}
		}
		for name, spoil := range map[string]func(w *alerts.Warning){
			"over":           func(w *alerts.Warning) { w.Expires = now.Add(-time.Hour) },
			"for ever":       func(w *alerts.Warning) { w.Expires = now.Add(1000 * time.Hour) },
			"markup":         func(w *alerts.Warning) { w.Headline = "<script>" },
			"no category":    func(w *alerts.Warning) { w.Category = "Apa saja" },
			"nothing to say": func(w *alerts.Warning) { w.Headline = "" },
		} {
			bad := w
			spoil(&bad)
			if _, err := b.Warn(t.Context(), "andi", bad); !errors.Is(err, alerts.ErrInvalid) {
				t.Errorf("%s: %v", name, err)
			}
		}
	})
}

func TestFeed(t *testing.T) {
	book(t, func(t *testing.T, b *alerts.Book) {
		f := &alerts.Feed{Book: b, PublicURL: "https://tabe.example", Keys: []string{"", "key-of-bpbd"}, Log: slog.New(slog.DiscardHandler)}
		server := httptest.NewServer(f.Handler())
		defer server.Close()
		get := func(path, key string) (int, string, http.Header) {
			t.Helper()
			r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, server.URL+path, nil)
			if err != nil {
				t.Fatal(err)
			}
			if key != "" {
				r.Header.Set("Authorization", "Bearer "+key)
			}
			answer, err := http.DefaultClient.Do(r)
			if err != nil {
				t.Fatal(err)
			}
			defer answer.Body.Close()
			body, err := io.ReadAll(answer.Body)
			if err != nil {
				t.Fatal(err)
			}
			return answer.StatusCode, string(body), answer.Header
		}
		for _, k := range []darurat.Kind{darurat.Fire, darurat.Medical} {
			if _, err := b.Draft(t.Context(), "andi", incident("K"+string(k), k), botto); err != nil {
				t.Fatal(err)
			}
		}
		public := botto
		public.Scope = alerts.Public
		e, err := b.Draft(t.Context(), "andi", incident("P1", darurat.Disaster), public)
		if err != nil {
			t.Fatal(err)
		}
		entries := func(body string) (ids []string) {
			var feed struct {
				ID      string `xml:"id"`
				Title   string `xml:"title"`
				Updated string `xml:"updated"`
				Author  struct {
					Name string `xml:"name"`
				} `xml:"author"`
				Entry []struct {
					ID      string `xml:"id"`
					Title   string `xml:"title"`
					Updated string `xml:"updated"`
					Link    struct {
						Type string `xml:"type,attr"`
						Href string `xml:"href,attr"`
					} `xml:"link"`
				} `xml:"entry"`
			}
			if err := xml.Unmarshal([]byte(body), &feed); err != nil {
				t.Fatal(err)
			}
			if feed.ID == "" || feed.Title == "" || feed.Author.Name == "" {
				t.Errorf("RFC 4287 wants id, title and author: %s", body)
			}
			if _, err := time.Parse(time.RFC3339, feed.Updated); err != nil {
				t.Error(err)
			}
			for _, e := range feed.Entry {
				if _, err := time.Parse(time.RFC3339, e.Updated); err != nil || e.Title == "" || e.Link.Type != "application/cap+xml" {
					t.Errorf("%+v %v", e, err)
				}
				ids = append(ids, e.Link.Href)
			}
			return ids
		}
		if code, body, _ := get(alerts.FeedPath, ""); code != 200 || len(entries(body)) != 0 {
			t.Error("the public sees what is not public:", code, body)
		}
		if code, _, _ := get(alerts.FeedPath, "wrong"); code != http.StatusUnauthorized {
			t.Error("a wrong key:", code)
		}
		code, body, header := get(alerts.FeedPath, "key-of-bpbd")
		if ids := entries(body); code != 200 || len(ids) != 2 || header.Get("Cache-Control") != "private, no-cache" {
			t.Error("an agency sees", code, ids, header)
		}
		if _, err := b.Approve(t.Context(), "besse", e.ID); err != nil {
			t.Fatal(err)
		}
		_, body, _ = get(alerts.FeedPath, "")
		ids := entries(body)
		if len(ids) != 1 {
			t.Fatal(body)
		}
		path := strings.TrimPrefix(ids[0], f.PublicURL)
		code, body, header = get(path, "")
		if code != 200 || header.Get("Content-Type") != "application/cap+xml; charset=utf-8" || !strings.Contains(body, "<scope>Public</scope>") {
			t.Error(code, header, body)
		}
		for _, path := range []string{"/scc/cap/scc.soppengkab.go.id-Kfire-1.xml", "/scc/cap/nothing.xml", "/scc/cap/nothing"} {
			if code, _, _ := get(path, ""); code != http.StatusNotFound {
				t.Errorf("%s: %d", path, code)
			}
		}
	})
}

package console_test

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"

	"tabe/adapters/media"
	"tabe/adapters/scc/operators"
	"tabe/bot"
	"tabe/flows/darurat"
	"tabe/flows/pengaduan"
	"tabe/flows/petugas"
)

// album has what residents sent, by its reference.
type album struct {
	mu    sync.Mutex
	asked []string
}

func (a *album) Fetch(ctx context.Context, c bot.ChannelID, ref string, limit int64) (media.File, error) {
	a.mu.Lock()
	a.asked = append(a.asked, fmt.Sprint(c, " ", ref))
	a.mu.Unlock()
	switch ref {
	case "gone":
		return media.File{}, media.ErrGone
	case "large":
		return media.File{}, media.ErrTooLarge
	case "off":
		return media.File{}, media.ErrOff
	case "down":
		return media.File{}, &bot.SendError{Code: "http 503", Err: fmt.Errorf("tell nobody about %s", siti)}
	}
	return media.File{Type: ref, Content: []byte("the bytes")}, nil
}

func (a *album) opened() int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return len(a.asked)
}

func TestWhatResidentsSent(t *testing.T) { houses(t, whatResidentsSent) }

func whatResidentsSent(t *testing.T, h *house) {
	h.add("andi", operators.Dispatcher)
	h.add("kepala", operators.Admin)
	h.add("nur", operators.P2TP2A)
	h.sendsMedium(bot.MediaVoice, "audio/ogg", petugas.Request{Reason: petugas.ReasonVoice, Media: bot.MediaVoice, MediaRef: "audio/ogg", From: h.clock(), Until: h.clock()})
	type sent struct {
		kind, ref string
		status    int
		shows     string // the sentence, or the type
		kept      bool   // and not shown
	}
	all := []sent{
		{bot.MediaPhoto, "image/png", 200, "image/png", false},
		{bot.MediaVideo, "video/mp4", 200, "video/mp4", false},
		{bot.MediaDocument, "application/pdf", 200, "application/pdf", true},
		{bot.MediaPhoto, "text/html; charset=utf-8", 200, "application/octet-stream", true},
		{bot.MediaPhoto, "image/svg+xml", 200, "application/octet-stream", true},
		{bot.MediaPhoto, "nonsense\r\nX: y", 200, "application/octet-stream", true},
		{bot.MediaPhoto, "gone", 410, "Foto ini sudah tidak ada di WhatsApp.", false},
		{bot.MediaVoice, "large", 413, "Rekaman suara ini terlalu besar: paling besar 16 MB", false},
		{bot.MediaDocument, "off", 404, "Dokumen ini tidak bisa diambil: WhatsApp tidak dipakai lagi", false},
		{bot.MediaPhoto, "down", 502, "Foto ini belum bisa diambil: WhatsApp tidak menjawab.", false},
	}
	seq := map[string]int64{}
	for _, s := range all {
		seq[s.ref] = h.sendsMedium(s.kind, s.ref).Seq
	}
	empty := h.sendsMedium(bot.MediaPhoto, "")
	andi := h.signIn("andi")
	address := func(ref string) string { return fmt.Sprint("/scc/percakapan/1/media/", seq[ref]) }
	andi.get("/scc/percakapan/1")
	andi.shows("Foto", "Rekaman suara", "Dokumen", fmt.Sprintf(`href="/scc/percakapan/1?media=%d#media-%[1]d"`, seq["image/png"]), `href="`+address("application/pdf")+`" target="_blank"`)
	andi.hides("<img", "<code>", "audio/ogg")
	if n := h.album.opened(); n != 0 {
		t.Errorf("%d were fetched before anybody opened one", n)
	}
	andi.get(fmt.Sprint("/scc/percakapan/1?media=", seq["image/png"]))
	andi.shows(`<img data-medium src="`+address("image/png")+`" alt="Foto dari warga, 25/11 12.00 WITA">`, "Tutup")
	if n := strings.Count(andi.body, "data-medium"); n != 1 {
		t.Errorf("%d are open", n)
	}
	for _, s := range all {
		if status := andi.get(address(s.ref)); status != s.status {
			t.Errorf("%s: %d, want %d", s.ref, status, s.status)
		}
		if s.status != http.StatusOK {
			andi.shows(`role="alert"`, s.shows)
			continue
		}
		if andi.body != "the bytes" || andi.head.Get("Content-Type") != s.shows || strings.HasPrefix(andi.head.Get("Content-Disposition"), "attachment") != s.kept {
			t.Errorf("%s: %q %v", s.ref, andi.body, andi.head)
		}
		if csp := andi.head.Get("Content-Security-Policy"); !strings.Contains(csp, "sandbox") || !strings.Contains(csp, "default-src 'none'") ||
			andi.head.Get("X-Content-Type-Options") != "nosniff" || andi.head.Get("Cache-Control") != "no-store" {
			t.Errorf("%s: %v", s.ref, andi.head)
		}
	}
	for _, path := range []string{"/scc/percakapan/1/media/999", "/scc/percakapan/1/media/x", "/scc/percakapan/7/media/1", fmt.Sprint("/scc/percakapan/1/media/", empty.Seq)} {
		if status := andi.get(path); status != http.StatusNotFound {
			t.Errorf("%s: %d", path, status)
		}
	}
	if want := fmt.Sprint("andi resident.seen conversation 1 media-", seq["image/png"]); !strings.Contains(h.events(), want) {
		t.Errorf("the stream lacks %q:\n%s", want, h.events())
	}
	if log := h.log.String(); !strings.Contains(log, "http 503") || strings.Contains(log, siti) || strings.Count(log, "\n") != 1 {
		t.Errorf("the log has\n%s", log)
	}
	h.log.Reset()

	before := h.album.opened()
	for _, name := range []string{"kepala", "nur"} {
		if status := h.signIn(name).get(address("image/png")); status != http.StatusForbidden {
			t.Errorf("%s opens it: %d", name, status)
		}
	}
	nobody := h.browser()
	if nobody.get(address("image/png")); nobody.at != "/scc/masuk" {
		t.Errorf("somebody who is not signed in is at %s", nobody.at)
	}
	if n := h.album.opened(); n != before {
		t.Errorf("%d were fetched for nobody", n-before)
	}
}

func TestWhatComesWithAComplaint(t *testing.T) {
	h := openHouse(t)
	h.add("andi", operators.Dispatcher)
	n := pengaduan.NumberOf(pengaduan.FromResident, 1)
	h.sends("lampu mati", pengaduan.Filed{Number: n, Text: "lampu mati", Office: "dishub", Mute: true, Media: []pengaduan.Media{{Kind: bot.MediaPhoto, Ref: "image/png"}, {Kind: bot.MediaVideo, Ref: "video/mp4"}}})
	own := pengaduan.NumberOf(pengaduan.FromResident, 2)
	h.sends("jalan rusak", pengaduan.Filed{Number: own, Text: "jalan rusak", Office: "dpupr"})
	h.sendsMedium(bot.MediaVoice, "audio/ogg", pengaduan.Added{Number: own, Media: []pengaduan.Media{{Kind: bot.MediaVoice, Ref: "audio/ogg"}}})
	andi := h.signIn("andi")
	path := "/scc/pengaduan/" + string(n)
	andi.get(path + "?media=2")
	andi.shows("Foto", `<video data-medium controls src="`+path+`/media/2"`)
	andi.hides("image/png")
	for i, want := range []string{"image/png", "video/mp4"} {
		if status := andi.get(fmt.Sprint(path, "/media/", i+1)); status != http.StatusOK || andi.head.Get("Content-Type") != want {
			t.Errorf("%d %s", status, andi.head.Get("Content-Type"))
		}
	}
	if status := andi.get(path + "/media/3"); status != http.StatusNotFound {
		t.Errorf("%d", status)
	}
	path = "/scc/pengaduan/" + string(own)
	andi.get(path)
	andi.shows("Rekaman suara", path+"?media=1")
	if status := andi.get(path + "/media/1"); status != http.StatusOK || andi.head.Get("Content-Type") != "audio/ogg" {
		t.Errorf("%d %s", status, andi.head.Get("Content-Type"))
	}
	if want := "andi resident.seen complaint " + string(own) + " media-1"; !strings.Contains(h.events(), want) {
		t.Errorf("the stream lacks %q:\n%s", want, h.events())
	}
}

// What was sent about a case of violence is for the one role, and every look at
// it is written down.
func TestAPictureOfViolence(t *testing.T) { houses(t, aPictureOfViolence) }

func aPictureOfViolence(t *testing.T, h *house) {
	h.add("andi", operators.Dispatcher, operators.Supervisor)
	h.add("nur", operators.P2TP2A)
	code := h.reports(darurat.Violence, "suamiku memukul", "73.12.04.1001")
	picture := h.sendsMedium(bot.MediaPhoto, "image/png", darurat.Report{Incident: int64(2 * h.n), Kind: darurat.Violence, At: h.clock(), Language: "id"})
	fire := h.reports(darurat.Fire, "api", "73.12.04")
	h.sendsMedium(bot.MediaPhoto, "image/jpeg", darurat.Report{Incident: int64(2 * (h.n)), Kind: darurat.Fire, At: h.clock(), Language: "id"})
	h.sends("petugas", petugas.Request{Reason: petugas.ReasonAsked, From: h.clock(), Until: h.clock()})
	andi, nur := h.signIn("andi"), h.signIn("nur")

	nur.get("/scc/insiden/" + code)
	path := "/scc/insiden/" + code + "/media/"
	key := between(nur.body, `id="media-`, `"`)
	nur.shows("Foto")
	for range 2 {
		if status := nur.get(path + key); status != http.StatusOK || nur.head.Get("Content-Type") != "image/png" {
			t.Errorf("%d", status)
		}
	}
	if n := strings.Count(h.events(), "nur resident.seen incident "+code+" media-"+key); n != 2 {
		t.Errorf("%d of 2 looks are written down:\n%s", n, h.events())
	}
	before := h.album.opened()
	if status := andi.get(path + key); status != http.StatusForbidden {
		t.Errorf("%d", status)
	}
	if status := andi.get(fmt.Sprint("/scc/percakapan/1/media/", picture.Seq)); status != http.StatusNotFound {
		t.Errorf("it is found in her conversation: %d", status)
	}
	andi.get("/scc/insiden/" + fire)
	key = between(andi.body, `id="media-`, `"`)
	if status := nur.get("/scc/insiden/" + fire + "/media/" + key); status != http.StatusForbidden {
		t.Errorf("%d", status)
	}
	// An incident shows nothing of another one.
	if status := nur.get(path + key); status != http.StatusNotFound {
		t.Errorf("%d", status)
	}
	if n := h.album.opened(); n != before {
		t.Errorf("%d were fetched for nobody", n-before)
	}
	if status := andi.get("/scc/insiden/" + fire + "/media/" + key); status != http.StatusOK || andi.head.Get("Content-Type") != "image/jpeg" {
		t.Errorf("%d", status)
	}
	andi.get("/scc/insiden/" + fire + "/laporan")
	andi.shows("[Foto]")
}
